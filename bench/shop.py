"""The bench's side of the shop process: start it, set its speed, ask what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Child, Facts


@dataclass(frozen=True)
class Log:
    """The requests of one measurement: addresses without the host, and the shop's service seconds in all."""

    urls: list[str]
    service: float

    @property
    def resources(self) -> set[str]:
        return {url.removeprefix("/api/").partition("?")[0].partition("/")[0] for url in self.urls}


class Shop:
    """A running shop of `orders` orders. rows: how many each resource has."""

    def __init__(self, child: Child, orders: int) -> None:
        facts = child.ask("where")
        self._child = child
        self.orders = orders
        self.url: str = facts["url"]
        self.key: str = facts["key"]
        self.rows: dict[str, int] = facts["rows"]

    def genuine(self, yes: bool) -> None:
        self._child.ask("speed", genuine=yes)

    def warm(self, resources: list[str]) -> None:
        self._child.ask("warm", resources=resources)

    def calm(self) -> None:
        self._child.ask("calm")

    def change(self, rows: int) -> Facts:
        return self._child.ask("change", rows=rows)

    def threads(self, count: int) -> list[Facts]:
        """id, token and email of threads of so many people."""
        found: list[Facts] = self._child.ask("threads", count=count)["threads"]
        return found

    def messages(self) -> int:
        return int(self._child.ask("messages")["count"])

    def await_message(self, known: int) -> float:
        """The moment (time.monotonic(), the same in all processes) at which there are more messages than `known`."""
        at = self._child.ask("await_message", known=known)["at"]
        if at is None:
            raise RuntimeError("a reply did not reach the shop")
        return float(at)

    def log(self) -> Log:
        """The requests since the last call. Raises RuntimeError if one was refused: then nothing can be compared."""
        facts = self._child.ask("log")
        if facts["failed"]:
            raise RuntimeError(f"the shop refused {facts['failed']} of {len(facts['urls'])} requests")
        return Log(facts["urls"], facts["service"])

    def settings(self, folder: Path) -> Path:
        """Settings of the program for this shop, all defaults; the mirror will lie in `folder`."""
        path = folder / "config.toml"
        path.write_text(
            f'state_dir = "{folder}"\n\n[shops.bench]\nurl = "{self.url}"\nkey = "{self.key}"\n', encoding="utf-8"
        )
        path.chmod(0o600)
        return path


@contextmanager
def running(orders: int) -> Iterator[Shop]:
    with Child.module("shop_process", str(orders)) as child:
        yield Shop(child, orders)

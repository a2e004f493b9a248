"""First pull, idle cycle, delta and sweep of this program, beside the floor and the peer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from bench import peer
from bench.processes import Child, Facts
from bench.shop import Log, Shop

PAGE = 1000
CHANGES = 100


@dataclass
class Measured:
    """One party's facts (`seconds`, `cpu`, `peak` in MiB ...) with the requests that it made."""

    facts: Facts
    log: Log = field(default_factory=lambda: Log([], 0.0))

    @property
    def seconds(self) -> float:
        return float(self.facts["seconds"])

    def as_json(self) -> Facts:
        """workers_busy: how many of the shop's workers had something to do, on average."""
        busy = self.log.service / self.seconds
        told = {"requests": len(self.log.urls), "service_seconds": self.log.service, "workers_busy": busy}
        return self.facts | told


class Ours:
    """This program with a mirror of its own, for as long as the block lasts."""

    def __init__(self, shop: Shop, child: Child) -> None:
        self._shop = shop
        self._child = child

    def do(self, what: str) -> Measured:
        """`pull` or `sweep`."""
        self._shop.log()
        facts = self._child.ask(what)
        return Measured(facts, self._shop.log())

    def rows(self) -> dict[str, int]:
        found: dict[str, int] = self._child.ask("rows")["rows"]
        return found


@contextmanager
def ours(shop: Shop) -> Iterator[Ours]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = shop.settings(Path(folder))
        with Child.module("ours_process", str(path)) as child:
            yield Ours(shop, child)


def floor(shop: Shop, urls: Sequence[str], connections: int) -> Measured:
    """The same requests, their bodies thrown away."""
    shop.log()
    with Child.module("floor_process") as child:
        facts = child.ask("replay", base=shop.url, key=shop.key, urls=list(urls), connections=connections)
    return Measured(facts, shop.log())


def prestapyt(shop: Shop, python: Path, resources: Sequence[str]) -> Measured:
    """The same resources by a prestapyt loop."""
    shop.log()
    facts = peer.copy(python, shop.url, shop.key, list(resources))
    return Measured(facts, shop.log())


def pages(shop: Shop, resource: str, display: str, form: str = "JSON") -> list[str]:
    """Addresses that read a whole resource by ranges of ids. display '' lists ids: all at once, as it is cheap."""
    output = "&output_format=JSON" if form == "JSON" else ""
    if not display:
        return [f"/api/{resource}?sort={quote('[id_ASC]')}{output}"]
    # ids of the sandbox have no holes worth speaking of
    return [
        f"/api/{resource}?display={quote(display)}&filter[id]={quote(f'[{start + 1},{start + PAGE}]')}"
        f"&sort={quote('[id_ASC]')}{output}"
        for start in range(0, shop.rows[resource], PAGE)
    ]

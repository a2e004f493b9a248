"""This program at work, in a process of its own: what `sync --only pull` does, measured without the program's start.

    python -m bench.ours_process CONFIG

Commands: `pull`, `sweep`, `collect` with the decisions that follow, `queue` and `push`. The first `pull` is the first
one of a new process; every further one is a cycle of the daemon.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from bench.processes import Facts, measured, serve
from connector import config
from connector.cli.session import lease
from connector.core import identity
from connector.core.model import Kind, NewIntent
from connector.engine.legs import LegResult, ShopLegs
from connector.errors import Exit
from connector.ops import interpreter, logs
from connector.shop.faults import Answer
from connector.shop.query import Params
from connector.wiring import App

SHOP = "bench"


class Ours:
    def __init__(self, path: Path) -> None:
        settings = config.load(path)
        interpreter.tune()  # as the program does
        logs.configure("error", "json", config.secrets_of(settings), sys.stderr)
        self.app = App(settings, logs.EventLog())

    def pull(self) -> Facts:
        return self._run(lambda legs: legs.pull(lambda: False))

    def sweep(self) -> Facts:
        return self._run(lambda legs: legs.sweep(lambda: False))

    def collect(self) -> Facts:
        """Mails into the ledger, and a decision on each."""

        def both(legs: ShopLegs) -> LegResult:
            collected, decided = legs.collect(lambda: False), legs.reconcile(lambda: False)
            self.split = {"fetched": collected.counts.get("fetched", 0), "decided": sum(decided.counts.values())}
            collected.code = max(collected.code, decided.code)
            return collected

        facts = self._run(both)
        return facts | {"counts": self.split}

    def queue(self, threads: list[int], count: int) -> Facts:
        """So many notes of an employee, dealt out to these threads."""
        wishes = []
        for number in range(count):
            reference = identity.reference(secrets.token_hex(20))
            payload = {
                "id_thread": threads[number % len(threads)],
                "text": f"Note {number} of the benchmark: the parcel is on its way, thank you for your patience.",
                "id_employee": 1,
                "private": True,
            }
            wishes.append(
                NewIntent(
                    kind=Kind.MESSAGE_CREATE,
                    key=f"message.create:{reference}",
                    reference=reference,
                    group=f"thread:{payload['id_thread']}",
                    payload=payload,
                    origin="command",
                )
            )
        self.app.mirror.outbox.add(SHOP, wishes)
        return {}

    def push(self, file: str) -> Facts:
        """file: where its POSTs are written to, for the floor."""
        http = self.app.client(SHOP)._http
        send, posts = http.send, list[tuple[str, Params, bytes]]()

        def kept(
            method: str, path: str, params: Params, body: bytes, sent: Callable[[], None] = lambda: None
        ) -> Answer:
            posts.append((path, params, body))
            return send(method, path, params, body, sent)

        http.send = kept  # type: ignore[method-assign]  # the bench listens in
        facts = self._run(lambda legs: legs.push(lambda: False))
        http.send = send  # type: ignore[method-assign]  # the bench listens in
        lines = [json.dumps({"path": path, "params": params, "body": body.decode()}) for path, params, body in posts]
        Path(file).write_text("\n".join(lines), encoding="utf-8")
        return facts

    def _run(self, leg: Callable[[ShopLegs], LegResult]) -> Facts:
        facts: Facts = {}
        with lease(self.app, SHOP):
            legs = self.app.legs(SHOP)
            with measured(facts):
                result: LegResult = leg(legs)
        if result.code is not Exit.OK:
            raise RuntimeError(f"it ended with {result.code!r}: {result.errors}")
        return facts | {"counts": dict(result.counts)}

    def rows(self) -> Facts:
        """How many rows of each resource the mirror has."""
        counted = {r.name: self.app.mirror.rows.count(SHOP, r.table) for r in self.app.resources}
        return {"rows": counted}


def main() -> None:
    ours = Ours(Path(sys.argv[1]))
    serve(
        {
            "pull": ours.pull,
            "sweep": ours.sweep,
            "collect": ours.collect,
            "rows": ours.rows,
            "queue": ours.queue,
            "push": ours.push,
        }
    )
    ours.app.close()


if __name__ == "__main__":
    main()

"""This program at work, in a process of its own: what `sync --only pull` does, measured without the program's start.

    python -m bench.ours_process CONFIG

Commands: `pull`, `sweep`, and `collect` with the decisions that follow. The first `pull` is the first one of a new
process; every further one is a cycle of the daemon.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from bench.processes import Facts, measured, serve
from connector import config
from connector.cli.session import lease
from connector.engine.legs import LegResult, ShopLegs
from connector.errors import Exit
from connector.ops import interpreter, logs
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
    serve({"pull": ours.pull, "sweep": ours.sweep, "collect": ours.collect, "rows": ours.rows})
    ours.app.close()


if __name__ == "__main__":
    main()

"""The legs of one shop, each runnable by itself: what `sync` runs in order and `run` runs side by side.

A leg run has a run id, one canonical log line and one row in `run`; a fault of a leg is its own and stops no other.
Reconcile is not scheduled by itself: it runs after pull and after collect, never twice at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.core.model import Intent, IntentState, ShopInfo
from connector.engine.account import Account, account
from connector.engine.collect import Collect, CollectReport
from connector.engine.join import Join, JoinReport
from connector.engine.ports import Clock, Events, Ledger, Lookups, Outbox, Runs
from connector.engine.pull import Pull, PullReport
from connector.engine.push import Push, PushReport
from connector.engine.sweep import Sweeps
from connector.errors import ConnectorError, Exit, ShopForbidden, StateError, worst
from connector.ops import events as ev

LEGS = ("pull", "sweep", "collect", "push")

Stop = Callable[[], bool]


@dataclass(slots=True)
class LegResult:
    """What a leg run came to. code: its exit code. counts: for the canonical line and `status`."""

    leg: str
    code: Exit = Exit.OK
    counts: dict[str, Any] = field(default_factory=dict)
    errors: list[ConnectorError] = field(default_factory=list)
    report: object = None


class ShopLegs:
    """Everything of one shop that can run. `probe` is asked once per process and after a failure."""

    def __init__(
        self,
        shop: str,
        *,
        probe: Callable[[], ShopInfo],
        pull: Pull,
        sweep: Sweeps,
        collects: Sequence[Collect],
        join: Join,
        push: Push,
        ledger: Ledger,
        lookups: Lookups,
        outbox: Outbox,
        runs: Runs,
        events: Events,
        clock: Clock,
        new_run_id: Callable[[], str],
        new_baseline: bool = False,
    ) -> None:
        self.shop = shop
        self.probe = probe
        self._pull = pull
        self._sweep = sweep
        self.collects = collects
        self.join = join
        self.push_leg = push
        self.ledger = ledger
        self.lookups = lookups
        self.outbox = outbox
        self._runs = runs
        self._events = events
        self.clock = clock
        self._new_run_id = new_run_id
        self._new_baseline = new_baseline
        self._join_lock = threading.Lock()

    # --- the legs -----------------------------------------------------------------------------------------------

    def pull(self, stop: Stop, only: Sequence[str] | None = None, *, force: bool = False) -> LegResult:
        def work() -> LegResult:
            self.probe()
            report: PullReport = self._pull.run(only, stop, force=force)
            errors = [r.error for r in report.resources.values() if r.error is not None]
            counts = {"new": report.new, "changed": report.changed, "broken": report.broken}
            return LegResult("pull", worst([e.exit for e in errors]), counts, errors, report)

        return self._run("pull", work)

    def sweep(self, stop: Stop) -> LegResult:
        def work() -> LegResult:
            self.probe()
            report = self._sweep.run(stop)
            return LegResult("sweep", worst([e.exit for e in report.errors]), report.counts, report.errors, report)

        return self._run("sweep", work)

    def collect(self, stop: Stop) -> LegResult:
        def work() -> LegResult:
            self._refuse_lost_mirror()
            merged = CollectReport()
            for collect in self.collects:
                if stop():
                    break
                merged.folders.extend(collect.run(stop).folders)
            codes = [e.exit for e in merged.errors]
            if merged.missing:
                codes.append(Exit.FOUND)
            counts = {"fetched": merged.fetched, "missing": merged.missing, "folders": len(merged.folders)}
            return LegResult("collect", worst(codes), counts, merged.errors, merged)

        return self._run("collect", work)

    def reconcile(self, stop: Stop) -> LegResult:
        def work() -> LegResult:
            with self._join_lock:
                self.push_leg.settle_ledger()
                report: JoinReport = self.join.run(stop)
            return LegResult("reconcile", Exit.OK, dict(report.counts), [], report)

        return self._run("reconcile", work)

    def push(self, stop: Stop, only: Sequence[int] | None = None) -> LegResult:
        def work() -> LegResult:
            if not self.outbox.due(self.shop, self.clock.now(), 1, only):
                return LegResult("push", report=PushReport())
            self.probe()
            report: PushReport = self.push_leg.run(stop, only)
            codes = [e.exit for e in report.errors]
            failed = report.count(IntentState.FAILED) + report.count(IntentState.CONFLICT)
            if failed:
                codes.append(Exit.FOUND)
            counts = {
                "confirmed": report.count(IntentState.CONFIRMED),
                "in_doubt": report.count(IntentState.IN_DOUBT),
                "failed": failed,
            }
            return LegResult("push", worst(codes), counts, report.errors, report)

        return self._run("push", work)

    def account(self, missing: int, *, reconciled: bool) -> Account:
        return account(
            self.shop,
            self.ledger,
            self.outbox,
            self.lookups,
            self._events,
            missing=missing,
            reconciled=reconciled,
        )

    def recover(self) -> list[Intent]:
        return self.push_leg.recover()

    # --- around a leg -------------------------------------------------------------------------------------------

    def _run(self, leg: str, work: Callable[[], LegResult]) -> LegResult:
        run_id = self._new_run_id()
        row = self._runs.begin(self.shop, leg, run_id, self.clock.now())
        began = time.monotonic()
        try:
            result = work()
        except ConnectorError as error:
            result = LegResult(leg, error.exit, {}, [error])
        first = result.errors[0] if result.errors else None
        if isinstance(first, ShopForbidden) and first.code == "shop.key_refused":
            self._events.emit(ev.SHOP_REAUTHORISE, shop=self.shop)
        outcome = "ok" if result.code is Exit.OK else "failed"
        self._runs.finish(row, self.clock.now(), outcome, result.counts, first.code if first else "")
        self._events.emit(
            ev.LEG_FINISHED if first is None else ev.LEG_FAILED,
            shop=self.shop,
            run_id=run_id,
            leg=leg,
            outcome=outcome,
            seconds=round(time.monotonic() - began, 3),
            error_class=type(first).__name__ if first else None,
            error=first.code if first else None,
            **result.counts,
        )
        return result

    def _refuse_lost_mirror(self) -> None:
        """A shop that holds our references and an empty ledger: the mirror was lost. Collecting with a new baseline
        would silently leave out what came in between, so somebody has to say what is wanted."""
        if self._new_baseline or self.ledger.any_rows(self.shop) or not self.lookups.has_references(self.shop):
            return
        if all(plan.since is not None for collect in self.collects for plan in collect.folders):
            return
        if any(self.ledger.baseline(self.shop, c.mailbox_name, p.name) for c in self.collects for p in c.folders):
            return
        self._events.emit(ev.GUARD_TRIPPED, shop=self.shop, guard="lost_mirror")
        raise StateError("guard.lost_mirror", shop=self.shop)

"""The legs of one shop, each runnable by itself: what `sync` runs in order and `run` runs side by side.

A leg run has a run id, one canonical log line and one row in `run`; a fault of a leg is its own and stops no other.
Reconcile is not scheduled by itself: it runs after pull and after collect, never twice at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core.guards import may_be_lost
from connector.core.model import Intent, IntentState, MailState, ShopInfo
from connector.engine.account import Account, account
from connector.engine.collect import Collect, CollectReport
from connector.engine.comparable import is_filled
from connector.engine.deletions import Deletions
from connector.engine.duplicates import CONCERNED, Detector
from connector.engine.join import Join, JoinReport
from connector.engine.ports import Clock, Ledger, Log, Lookups, Memory, Outbox, Rows, Runs
from connector.engine.pull import Pull, PullReport, concerns_the_shop
from connector.engine.push import Push
from connector.engine.pushed import PushReport
from connector.engine.readback import ReadBack
from connector.engine.relations import Relations
from connector.engine.reports import Reports
from connector.engine.retention import Retention
from connector.engine.sweep import Sweeps
from connector.errors import Busy, ConnectorError, Exit, MailboxReauthorise, ShopError, ShopForbidden, StateError, worst
from connector.ops import events as ev

NEEDED = ("languages", "contacts", "customers", "customer_threads", "customer_messages")
"""What decisions on mails cannot do without."""

Stop = Callable[[], bool]


@dataclass(slots=True)
class LegResult:
    """What a leg run came to. code: its exit code. counts: for the canonical line and `status`. pause: the next run
    by schedule waits, longer each time; a single bad row or resource is no reason to."""

    leg: str
    code: Exit = Exit.OK
    counts: dict[str, Any] = field(default_factory=dict)
    errors: list[ConnectorError] = field(default_factory=list)
    report: object = None
    pause: bool = False


class ShopLegs:
    """Everything of one shop that can run. `probe` is asked once per process and after a failure."""

    def __init__(
        self,
        shop: str,
        *,
        probe: Callable[[], ShopInfo],
        pull: Pull,
        sweep: Sweeps,
        relations: Relations,
        deletions: Deletions,
        collects: Sequence[Collect],
        join: Join,
        push: Push,
        read_back: ReadBack,
        detector: Detector,
        retention: Retention,
        rows: Rows,
        memory: Memory,
        holds_references: Callable[[], bool],
        ledger: Ledger,
        lookups: Lookups,
        outbox: Outbox,
        runs: Runs,
        events: Log,
        clock: Clock,
        new_run_id: Callable[[], str],
        new_baseline: bool = False,
        reports: Reports | None = None,
    ) -> None:
        self.shop = shop
        self.probe = probe
        self._pull = pull
        self._sweep = sweep
        self._relations = relations
        self._deletions = deletions
        self.collects = collects
        self.join = join
        self.push_leg = push
        self._read_back = read_back
        self._detector = detector
        self._retention = retention
        self._rows = rows
        self._memory = memory
        self._holds_references = holds_references
        self.ledger = ledger
        self.lookups = lookups
        self.outbox = outbox
        self._runs = runs
        self._events = events
        self.clock = clock
        self.new_run_id = new_run_id
        self._new_baseline = new_baseline
        self.reports = reports
        self._join_lock = threading.Lock()
        self._pull_lock = threading.Lock()
        self._broken_off = False

    # --- the legs -----------------------------------------------------------------------------------------------

    def pull(self, stop: Stop, only: Sequence[str] | None = None, *, force: bool = False) -> LegResult:
        def work() -> LegResult:
            self.probe()
            with self._pull_lock:
                report: PullReport = self._pull.run(only, stop, force=force)
                altered = self._read_back.run() if "customer_messages" in report.resources else 0
                if any(r.new for name, r in report.resources.items() if name in CONCERNED):
                    self._detector.run()
            errors = [r.error for r in report.resources.values() if r.error is not None]
            counts = {"new": report.new, "changed": report.changed, "broken": report.broken}
            if altered:
                counts["altered"] = altered
            pause = any(concerns_the_shop(e) for e in errors)
            return LegResult("pull", worst([e.exit for e in errors]), counts, errors, report, pause)

        return self._run("pull", work)

    def sweep(self, stop: Stop) -> LegResult:
        """What no date tells of, and what rows point to."""

        def work() -> LegResult:
            self.probe()
            report = self._sweep.run(stop)
            counts, errors = report.counts, list(report.errors)
            if not stop() and not any(concerns_the_shop(e) for e in errors):
                followed = self._relations.run(stop)
                counts |= {**followed.counts, "requests": report.requests + followed.requests}
                errors += followed.errors
            pause = any(concerns_the_shop(e) for e in errors)
            return LegResult("sweep", worst([e.exit for e in errors]), counts, errors, report, pause)

        return self._run("sweep", work)

    def deletions(self, stop: Stop, only: Sequence[str] | None = None, allowed: Collection[str] = ()) -> LegResult:
        """Compare all ids. allowed: resources of which any number may be gone."""

        def work() -> LegResult:
            self.probe()
            report = self._deletions.run(stop, only, allowed)
            pause = any(concerns_the_shop(e) for e in report.errors)
            code = worst([e.exit for e in report.errors])
            return LegResult("deletions", code, report.counts, report.errors, report, pause)

        return self._run("deletions", work)

    def retention(self, stop: Stop) -> LegResult:
        """Drop what the settings do not want kept any longer."""
        return self._run("retention", lambda: LegResult("retention", counts=dict(self._retention.run(stop))))

    def report(self) -> LegResult:
        """Wish for the mails with the last period's report, where the settings want them."""

        def work() -> LegResult:
            wished = self.reports.run() if self.reports is not None else []
            return LegResult("report", counts={"planned": len(wished)})

        return self._run("report", work)

    def collect(self, stop: Stop, mailbox: str | None = None) -> LegResult:
        """All mailboxes, or one: each has its own back-off in the daemon."""

        def work() -> LegResult:
            chosen = [c for c in self.collects if mailbox is None or c.mailbox_name == mailbox]
            self._refuse_lost_mirror()
            merged = CollectReport()
            for collect in chosen:
                if stop():
                    break
                merged.folders.extend(collect.run(stop).folders)
            codes = [e.exit for e in merged.errors]
            if merged.missing:
                codes.append(Exit.FOUND)
            counts = {"fetched": merged.fetched, "missing": merged.missing, "folders": len(merged.folders)}
            # One folder that cannot be read holds up no other of its mailbox.
            pause = bool(merged.errors) and all(folder.error is not None for folder in merged.folders)
            return LegResult("collect", worst(codes), counts, merged.errors, merged, pause)

        return self._run("collect" if mailbox is None else f"collect/{mailbox}", work)

    def reconcile(self, stop: Stop) -> LegResult:
        """Decide on what is received. Waits until the mirror has been filled once: on an empty one every token is
        unknown and no reference is found, and a lost mirror would import everything a second time."""

        def work() -> LegResult:
            with self._join_lock:
                self.push_leg.settle_ledger()
                began = self.clock.now()
                received = self.ledger.states(self.shop).get(str(MailState.RECEIVED), 0)
                missing = self._missing() if received else []
                if missing:
                    waits = Busy("reconcile.not_ready", shop=self.shop, missing=", ".join(missing), mails=received)
                    return LegResult("reconcile", Exit.TEMPORARY, {"pending": received}, [waits])
                fresh = not self.ledger.received(self.shop, 1) or self._refresh(stop)
                report: JoinReport = self.join.run(stop, fresh=fresh)
            counts = {**report.counts, **({"delayed": report.deferred} if report.deferred else {})}
            lost = 0 if stop() else self._unexplained(began, report.deferred)
            if lost:
                self._events.emit(ev.ACCOUNTING_MISMATCH, shop=self.shop, unexplained=lost)
                counts["unexplained"] = lost
            return LegResult("reconcile", Exit.FOUND if lost else Exit.OK, counts, [], report)

        return self._run("reconcile", work)

    def _unexplained(self, began: datetime, waiting: int) -> int:
        """Mails that a run which began then should have dealt with and did not. waiting: those that it put off."""
        left = len(self.ledger.stuck(self.shop, began))
        return self.ledger.adrift(self.shop) + max(0, left - waiting)

    def _missing(self) -> list[str]:
        """What was never read to its end. Once all of it was, a later full reading holds nothing up. Raises
        ShopForbidden when the key will never read something that cannot be done without."""
        if self._memory.get(f"{self.shop}.filled"):
            return []
        missing = [name for name in NEEDED if not self._filled(name)]
        if missing:
            info = self.probe()
            never = [name for name in missing if not info.may(name, "GET")]
            refused = [f"GET {name}" for name in never if name not in ("languages", "contacts")]
            if refused:
                raise ShopForbidden("shop.rights_missing", shop=self.shop, missing=", ".join(refused))
            missing = [name for name in missing if name not in never]
        if not missing:
            self._memory.set(f"{self.shop}.filled", "yes")
        return missing

    def _filled(self, resource: str) -> bool:
        return is_filled(self._rows.cursor(self.shop, resource))

    def _refresh(self, stop: Stop) -> bool:
        """Threads and messages as new as the mails that are about to be decided on. False: the shop does not answer, or
        a pull is under way (a long one must not delay a reply)."""
        if not self._pull_lock.acquire(blocking=False):
            return False
        try:
            report = self._pull.run(("customer_threads", "customer_messages"), stop)
        except ConnectorError:
            return False
        finally:
            self._pull_lock.release()
        return not report.errors and not report.stopped

    def push(self, stop: Stop, only: Sequence[int] | None = None) -> LegResult:
        def work() -> LegResult:
            if self._broken_off:
                self.recover()
                self._broken_off = False
            if not self.outbox.due(self.shop, self.clock.now(), 1, only):
                return LegResult("push", report=PushReport())
            self.probe()
            try:
                return push_result(self.push_leg.run(stop, only))
            except Exception:
                self._broken_off = True  # an intent may be left `sending`, its outcome not noted
                raise

        return self._run("push", work)

    def account(self, missing: int, *, reconciled: bool) -> Account:
        return account(
            self.shop,
            self.ledger,
            self.outbox,
            self._detector.run(),
            self._events,
            missing=missing,
            reconciled=reconciled,
        )

    def recover(self) -> list[Intent]:
        return self.push_leg.recover()

    # --- around a leg -------------------------------------------------------------------------------------------

    def _run(self, leg: str, work: Callable[[], LegResult]) -> LegResult:
        run_id = self.new_run_id()
        with self._events.within(run_id=run_id):
            return self._noted(leg, run_id, work)

    def _noted(self, leg: str, run_id: str, work: Callable[[], LegResult]) -> LegResult:
        row = self._runs.begin(self.shop, leg, run_id, self.clock.now())
        began = time.monotonic()
        try:
            result = work()
        except ConnectorError as error:
            result = LegResult(leg, error.exit, {}, [error], pause=True)
        except Exception as error:
            # A fault of ours ends this run of this leg, not the daemon; the log says where, without what was in hand.
            fault = ConnectorError("leg.fault", leg=leg, error=type(error).__name__)
            self._events.emit(ev.LEG_FAILED, shop=self.shop, run_id=run_id, leg=leg, error=fault.code, exc_info=error)
            result = LegResult(leg, fault.exit, {}, [fault], pause=True)
        first = result.errors[0] if result.errors else None
        if isinstance(first, ShopForbidden) and first.code == "shop.key_refused":
            self._events.emit(ev.SHOP_REAUTHORISE, shop=self.shop)
        dead = {str(e.facts.get("mailbox")): e for e in result.errors if isinstance(e, MailboxReauthorise)}
        for box, refused in dead.items():
            self._events.emit(ev.MAILBOX_REAUTHORISE_NEEDED, shop=self.shop, mailbox=box, error=refused.code)
        if dead:
            result.counts["reauthorise"] = len(dead)
        outcome = "ok" if result.code is Exit.OK else "failed"
        self._runs.finish(row, self.clock.now(), outcome, result.counts, first.code if first else "")
        name, _, mailbox = leg.partition("/")
        self._events.emit(
            ev.LEG_FINISHED if first is None else ev.LEG_FAILED,
            shop=self.shop,
            run_id=run_id,
            leg=name,
            mailbox=mailbox or None,
            outcome=outcome,
            seconds=round(time.monotonic() - began, 3),
            error_class=type(first).__name__ if first else None,
            error=first.code if first else None,
            **result.counts,
        )
        return result

    def _refuse_lost_mirror(self) -> None:
        """A shop that holds our references and an empty ledger: the mirror was lost. Collecting with a new baseline
        would silently leave out what came in between, so somebody has to say what is wanted. Asked of the shop itself,
        before the first baseline: the mirror may not be filled yet."""
        everywhere = [(c.mailbox_name, plan) for c in self.collects for plan in c.folders()]
        lost = may_be_lost(
            allowed=self._new_baseline,
            # Commands write references, too: an outbox with rows is no lost mirror.
            ledger_has_rows=self.ledger.any_rows(self.shop) or bool(self.outbox.states(self.shop)),
            has_baseline=any(self.ledger.baseline(self.shop, box, plan.name) for box, plan in everywhere),
            all_since=all(plan.since is not None for _, plan in everywhere),
        )
        if lost and self._holds_references():
            self._events.emit(ev.GUARD_TRIPPED, shop=self.shop, guard="lost_mirror")
            raise StateError("guard.lost_mirror", shop=self.shop)


def push_result(report: PushReport) -> LegResult:
    """The push leg's result, by how each intent was left."""
    failed = report.count(IntentState.FAILED) + report.count(IntentState.CONFLICT)
    errors = report.errors
    counts = {
        "confirmed": report.count(IntentState.CONFIRMED),
        "in_doubt": report.count(IntentState.IN_DOUBT),
        "failed": failed,
    }
    codes = [e.exit for e in errors] + ([Exit.FOUND] if failed else [])
    pause = any(isinstance(e, ShopError) and concerns_the_shop(e) for e in errors)
    return LegResult("push", worst(codes), counts, errors, report, pause)


def rights_missing(info: ShopInfo, resources: Sequence[str], has_patch: bool) -> tuple[list[str], list[str]]:
    """What a key lacks: `METHOD resource` for what the work needs, and the resources that are merely not mirrored."""
    change = "PATCH" if has_patch else "PUT"
    wanted = [("GET", name) for name in NEEDED]
    wanted += [("POST", name) for name in ("customer_threads", "customer_messages", "order_histories")]
    wanted += [(change, name) for name in ("customer_threads", "order_carriers")]
    wanted += [("PATCH", "customer_messages")] if has_patch else []
    missing = [f"{method} {name}" for method, name in wanted if not info.may(name, method)]
    return missing, [name for name in resources if name not in NEEDED and not info.may(name, "GET")]

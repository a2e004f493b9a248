"""One cycle: recover -> pull -> sweep -> (deletions) -> collect -> reconcile -> push -> read back -> account. `sync`
is this, once.

Knows the order of the legs and nothing of how they work. A leg that fails does not keep the next from running:
mails are still fetched while the shop is down.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.core.model import Intent, IntentState, Kind
from connector.engine.account import Account
from connector.engine.legs import LegResult, ShopLegs, Stop, push_result
from connector.engine.ports import Events, Log
from connector.engine.push import doubtful
from connector.engine.pushed import PushReport
from connector.errors import ConnectorError, Exit, worst
from connector.ops import events as ev

READ_BACK: dict[Kind, tuple[str, ...]] = {
    Kind.THREAD_CREATE: ("customer_threads",),
    Kind.MESSAGE_CREATE: ("customer_messages",),
    Kind.THREAD_STATUS: ("customer_threads",),
    Kind.MESSAGE_READ: (),
    Kind.ORDER_STATUS: ("orders", "order_histories", "order_invoices", "order_payments"),
    Kind.ORDER_TRACKING: (),
    Kind.CUSTOMER_GROUPS: ("customers",),
    Kind.MAIL_SEND: (),
    Kind.MAIL_COPY: (),
    Kind.MAIL_FILE: (),
}
"""What the shop may have written when an intent of this kind was confirmed. A tracking number and a read flag
are carried into the mirror directly: no cursor tells of the one, and the other needs no look."""


@dataclass(slots=True)
class CycleReport:
    """results: leg -> result, `read_back` among them. waiting: intents still in doubt, with the time of their next
    look-up."""

    shop: str
    results: dict[str, LegResult] = field(default_factory=dict)
    account: Account | None = None
    waiting: list[Intent] = field(default_factory=list)
    postponed: list[Intent] = field(default_factory=list)  # planned still, after a try that failed

    @property
    def errors(self) -> list[ConnectorError]:
        return [e for result in self.results.values() for e in result.errors]

    @property
    def code(self) -> Exit:
        codes = [r.code for r in self.results.values()]
        if self.account is not None and not self.account.holds:
            codes.append(Exit.FOUND)
        if self.waiting or self.postponed:
            codes.append(Exit.TEMPORARY)
        return worst(codes)


def cycle(
    legs: ShopLegs,
    events: Log,
    stop: Stop,
    *,
    only: Sequence[str] = ("pull", "collect", "push"),
    resources: Sequence[str] | None = None,
    wait: bool = True,
    full: bool = False,
    allowed: Collection[str] = (),
    on_leg: Callable[[str], None] = lambda leg: None,
    on_wait: Callable[[float], None] = lambda seconds: None,
) -> CycleReport:
    """Run the legs named in `only` once; all that they say carries one `cycle_id`.

    wait: stay until doubtful intents can be looked up for good. full: compare all ids with the shop's, too; allowed:
    resources of which any number may be gone.
    on_leg is told which leg begins, on_wait how many seconds are left (for progress on a terminal).
    """
    with events.within(cycle_id=legs.new_run_id()):
        return _cycle(legs, events, stop, only, resources, wait, full, allowed, on_leg, on_wait)


def _cycle(
    legs: ShopLegs,
    events: Log,
    stop: Stop,
    only: Sequence[str],
    resources: Sequence[str] | None,
    wait: bool,
    full: bool,
    allowed: Collection[str],
    on_leg: Callable[[str], None],
    on_wait: Callable[[float], None],
) -> CycleReport:
    report = CycleReport(legs.shop)
    began = legs.clock.now()
    legs.recover()
    collected = None
    if "pull" in only and not stop():
        on_leg("pull")
        report.results["pull"] = legs.pull(stop, resources)
        if resources is None and not stop():
            on_leg("sweep")
            report.results["sweep"] = legs.sweep(stop)
        if full and not stop():
            on_leg("deletions")
            report.results["deletions"] = legs.deletions(stop, resources, allowed)
    if "collect" in only and not stop():
        on_leg("collect")
        collected = report.results["collect"] = legs.collect(stop)
    reconciled = False
    if not stop():
        on_leg("reconcile")
        report.results["reconcile"] = legs.reconcile(stop)
        reconciled = report.results["reconcile"].code is Exit.OK and not stop()
    if legs.reports is not None and "push" in only and not stop():
        on_leg("report")
        report.results["report"] = legs.report()
    if "push" in only and not stop():
        on_leg("push")
        report.results["push"] = legs.push(stop)
        report.waiting = _doubtful(legs)
        judged: set[int] = set()
        while wait and not stop():
            # Each doubt is waited for once. One that comes back (every answer of the shop is lost) is left to the next
            # run, and a shop that does not answer the look-up needs no more of them now.
            soon = legs.clock.now() + timedelta(seconds=legs.push_leg.settle_seconds)
            waited = [i for i in report.waiting if i.id not in judged and i.due_at <= soon]
            if not waited or not _wait(legs, waited, stop, on_wait):
                break
            judged |= {intent.id for intent in waited}
            again = legs.push(stop)
            _merge(report.results["push"], again)
            report.waiting = _doubtful(legs)
            if again.errors:
                break
        confirmed = _confirmed(report.results["push"])
        planned = legs.outbox.listing(legs.shop, [IntentState.PLANNED], 100_000)
        report.postponed = [intent for intent in planned if intent.error]
        back = sorted({name for kind in confirmed for name in READ_BACK[kind]})
        if back and not stop():
            on_leg("read_back")
            report.results["read_back"] = legs.pull(stop, back)
    if full and not stop():
        on_leg("retention")
        report.results["retention"] = legs.retention(stop)
    missing = int(collected.counts.get("missing", 0)) if collected is not None else 0
    report.account = legs.account(missing, reconciled=reconciled)
    _say(report, events, began, legs.clock.now())
    return report


def _confirmed(result: LegResult) -> set[Kind]:
    confirmed: list[Intent] = getattr(result.report, "confirmed", [])
    return {intent.kind for intent in confirmed}


def _doubtful(legs: ShopLegs) -> list[Intent]:
    return doubtful(legs.outbox.listing(legs.shop, [IntentState.IN_DOUBT]))


def _merge(first: LegResult, later: LegResult) -> None:
    """One result of all rounds: what counts is how each intent was left."""
    if not isinstance(first.report, PushReport) or not isinstance(later.report, PushReport):
        first.code, first.errors = worst([first.code, later.code]), [*first.errors, *later.errors]
        return
    first.report.add(later.report)
    merged = push_result(first.report)
    first.code, first.counts, first.errors = merged.code, merged.counts, merged.errors


def _wait(legs: ShopLegs, waiting: Sequence[Intent], stop: Stop, on_wait: Callable[[float], None]) -> bool:
    """Sleep until the last of these is due, a second at a time so that a signal is heard; False when asked to stop."""
    until = max(intent.due_at for intent in waiting)
    while not stop():
        left = (until - legs.clock.now()).total_seconds()
        if left <= 0:
            return True
        on_wait(left)
        legs.clock.sleep(min(1.0, left))
    return False


def _say(report: CycleReport, events: Events, began: datetime, ended: datetime) -> None:
    account = report.account
    events.emit(
        ev.CYCLE_FINISHED,
        shop=report.shop,
        outcome="ok" if report.code is Exit.OK else "failed",
        exit_code=int(report.code),
        seconds=round((ended - began).total_seconds(), 3),
        mails=account.mails if account else {},
        intents=account.intents if account else {},
        unexplained=account.unexplained if account else 0,
        missing=account.missing if account else 0,
        in_doubt=len(report.waiting),
    )

"""The push leg: the only place that causes a remote write.

For every intent: check the state it was decided on, commit `sending`, write, commit the outcome. After doubt (lost
answer, 5xx, crash) the reference is looked up after the settle time, and once more right before anything is sent again.
What cannot be looked up (a mail handed to SMTP) stays in doubt and is said, never guessed.

How each kind is written and looked up stands in `effects`, what an outcome leads to in `aftermath`; this module owns
the order and the states.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.core import conflicts, retry
from connector.core.conflicts import Clash, Side
from connector.core.model import BULK, Intent, IntentState, Kind
from connector.engine.aftermath import Aftermath, tell
from connector.engine.effects import Effect, Effects, Verdict
from connector.engine.ports import Clock, Events, Ledger, Outbox, Rows
from connector.engine.pushed import PushReport
from connector.engine.relay import LEAD, Relay, Written, taken_up, written_by
from connector.errors import ConnectorError, Next, Scope, ShopChanged, ShopDamaged, ShopUnavailable, StateError
from connector.ops import events as ev

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_BATCH = 100
_FEW = 10


class Push:
    """Pushes the due intents of one shop, one at a time and in the order of their groups.

    still_ours: asked before each remote write; False (the lease is gone) ends the run. jitter: numbers in [0, 1).
    sides: whose side counts when a change met another one.
    """

    def __init__(
        self,
        shop: str,
        outbox: Outbox,
        ledger: Ledger,
        rows: Rows,
        effects: Effects,
        events: Events,
        clock: Clock,
        settle_seconds: float,
        jitter: Callable[[], float],
        still_ours: Callable[[], bool] = lambda: True,
        sides: Mapping[Kind, Side] = conflicts.DEFAULTS,
    ) -> None:
        self.shop = shop
        self._outbox = outbox
        self._effects = effects
        self._events = events
        self._clock = clock
        self._settle = settle_seconds + LEAD.total_seconds()
        self._jitter = jitter
        self._still_ours = still_ours
        self._sides = sides
        self._after = Aftermath(shop, outbox, ledger, rows, effects, events, clock)
        self._relay = Relay(outbox, clock)
        self._last: Written | None = None  # not noted yet
        self._error: ConnectorError | None = None  # of the intent in hand

    @property
    def settle_seconds(self) -> float:
        return self._settle

    def settle_ledger(self) -> int:
        return self._after.settle_ledger()

    def recover(self) -> list[Intent]:
        """After a crash: every intent found `sending` is in doubt. Local only."""
        doubtful = self._outbox.doubtful_after_crash(self.shop, self._clock.now())
        for intent in doubtful:
            tell(self._events, ev.INTENT_RECOVERED, intent)
        return doubtful

    def run(self, stop: Callable[[], bool] = lambda: False, only: Iterable[int] | None = None) -> PushReport:
        """Push until nothing is due. `only`: these intents (and nothing else)."""
        try:
            return self._run(stop, list(only) if only is not None else None)
        finally:
            self._effects.close()

    def _run(self, stop: Callable[[], bool], chosen: list[int] | None) -> PushReport:
        report = PushReport()
        while not stop():
            due = self._outbox.due(self.shop, self._clock.now(), _BATCH, chosen)
            if not due:
                break
            try:
                self._effects.prepare(due)
            except ConnectorError as error:
                for intent in due:
                    report.problems[intent.id] = error
                    report.outcomes.append(self._later(intent, error))
                break
            # Of those that nobody waits for a few: then it is looked whether somebody's reply has come.
            if not self._batch(deque([one for one in due if one.origin != BULK] or due[:_FEW]), report, stop):
                break
        return report

    def _batch(self, todo: deque[Intent], report: PushReport, stop: Callable[[], bool]) -> bool:
        """Intents of which no two belong to one group. False: nothing more is to be written."""
        try:
            go_on = all(not stop() and self._next(todo, report, stop) for _ in range(len(todo)))
            self._relay.take_back()
            return self._noted(report) and go_on
        except Exception:
            # What goes wrong with one must not leave the one before it in doubt, nor the next one as if it were sent.
            with suppress(ConnectorError):
                self._relay.take_back()
            self._noted(report)
            raise

    def _next(self, todo: deque[Intent], report: PushReport, stop: Callable[[], bool]) -> bool:
        intent = todo.popleft()
        effect = self._effects.of(intent)
        try:
            sending = self._relay.prepared(intent)
            if sending is None:
                if not self._still_ours():
                    return False
                sending = self._relay.begun(intent, effect)
        except StateError as error:
            return taken_up(error)
        if sending is None:
            return self._noted(report) and self._account(lambda: self._one(intent, effect), report)
        trouble: list[Exception] = []

        def meanwhile() -> None:
            try:  # inside a library that would take it for a fault of the network
                self._noted(report)
                if todo and not stop():
                    self._relay.prepare(todo[0], self._effects.of(todo[0]))
            except Exception as error:
                trouble.append(error)

        written = written_by(effect, sending, meanwhile)
        if not self._noted(report):  # it did not come to the meanwhile
            return False
        self._last = written
        if trouble:
            raise trouble[0]
        return written.went_well or self._noted(report)

    def _noted(self, report: PushReport) -> bool:
        """The last write, when it is not noted yet, is."""
        last, self._last = self._last, None
        return last is None or self._account(lambda: self._written(last.intent, last.verdict), report)

    def _account(self, step: Callable[[], Intent], report: PushReport) -> bool:
        self._error = None
        try:
            outcome = step()
        except StateError as error:
            return taken_up(error)
        report.outcomes.append(outcome)
        if outcome.state is IntentState.CONFIRMED:
            self._after.confirmed(outcome)
        problem = self._error
        if problem is None or problem.next in (Next.LOOK_UP, Next.SKIP):
            return True  # doubtful and dead intents speak for themselves
        report.problems[outcome.id] = problem
        return not (problem.scope is Scope.SHOP and problem.next is Next.ASK_ADMIN)

    # --- one intent ---------------------------------------------------------------------------------------------

    def _one(self, intent: Intent, effect: Effect) -> Intent:
        try:
            if intent.state is IntentState.IN_DOUBT:
                return self._look_up(intent, effect)
            if intent.sent_at is not None:
                known = self._look_again(intent, effect, intent.sent_at)
                if known is not None:
                    return known
            intent = self._brought_up(intent)
            verdict = effect.check(intent)
        except ShopDamaged as error:
            return self._damaged(intent, error)
        except ConnectorError as error:
            return self._later(intent, error)
        clash = self._clash(intent, verdict)
        if clash is not None:
            return self._settle_conflict(intent, effect, verdict, clash)
        if verdict.state is not None:
            return self._conclude(intent, verdict)
        return self._send(intent, effect)

    def _send(self, intent: Intent, effect: Effect, clash: Clash | None = None) -> Intent:
        sending = self._outbox.move(intent, IntentState.SENDING, now=self._clock.now(), clash=clash)
        return self._written(sending, written_by(effect, sending).verdict)

    def _written(self, sending: Intent, write: Callable[[], Verdict]) -> Intent:
        try:
            verdict = write()
        except ConnectorError as error:
            return self._failed_write(sending, error)
        return self._conclude(sending, verdict)

    def _failed_write(self, intent: Intent, error: ConnectorError) -> Intent:
        if isinstance(error, ShopDamaged):
            return self._damaged(intent, error)
        self._error = error
        if error.next is Next.LOOK_UP:
            # Asked at once: a write whose answer alone was lost is found by its reference right away.
            return self._move(intent, IntentState.IN_DOUBT, ev.INTENT_IN_DOUBT, due_at=self._clock.now(), error=error)
        if error.next is Next.SKIP:
            failed = self._move(intent, IntentState.FAILED, ev.INTENT_FAILED, error=error)
            self._after.failed(failed)
            return failed
        return self._later(intent, error)

    def _damaged(self, intent: Intent, error: ShopDamaged) -> Intent:
        """A person must look before anything else is written: the run ends here."""
        self._error = error
        return self._move(intent, IntentState.CONFLICT, ev.INTENT_CONFLICT, error=error)

    def _look_up(self, intent: Intent, effect: Effect) -> Intent:
        """Ask the far side whether the doubtful write happened. Finding it proves it at any time; anything else counts
        only after the settle time, because the shop may be in the middle of it (an order has its new state before it
        has the row of history)."""
        now = self._clock.now()
        verdict = effect.look_up(intent)
        if verdict.state is IntentState.CONFIRMED:
            return self._conclude(intent, verdict)
        if verdict.never_resend:
            return self._move(intent, IntentState.IN_DOUBT, ev.INTENT_IN_DOUBT, due_at=NEVER, keep_error=True)
        sent_at = intent.sent_at or now
        if not retry.settled(sent_at, now, self._settle):
            due_at = now + timedelta(seconds=retry.settle_left(sent_at, now, self._settle))
            return self._move(intent, IntentState.IN_DOUBT, ev.INTENT_IN_DOUBT, due_at=due_at, keep_error=True)
        clash = self._clash(intent, verdict)
        if verdict.state is not None:
            return self._conclude(intent, verdict, clash)
        return self._move(intent, IntentState.PLANNED, ev.INTENT_DELAYED, due_at=now, keep_error=True)

    def _look_again(self, intent: Intent, effect: Effect, sent_at: datetime) -> Intent | None:
        """Right before something is sent again: is it there by now? None: it is not, and the settle time is over (a
        change that was given up in doubt and is wanted again has not waited for it yet)."""
        verdict = effect.look_up(intent)
        if verdict.state is IntentState.CONFIRMED:
            return self._conclude(intent, verdict)
        if verdict.never_resend:
            return None  # only a person, who has decided, brings it here
        now = self._clock.now()
        left = retry.settle_left(sent_at, now, self._settle)
        if left:
            due_at = now + timedelta(seconds=left)
            return self._move(intent, IntentState.PLANNED, ev.INTENT_DELAYED, due_at=due_at, keep_error=True)
        return None

    def _later(self, intent: Intent, error: ConnectorError) -> Intent:
        """A passing fault (or one that only an admin can mend): nothing was sent; again after a growing pause."""
        self._error = error
        retry_after = error.retry_after if isinstance(error, ShopUnavailable) else None
        now = self._clock.now()
        # A shop that is down makes the whole leg pause; each single change need not wait for an hour on top of it.
        longest = retry.SHOP_PAUSE if error.scope is Scope.SHOP else None
        due_at = retry.next_due(intent.delays + 1, now, retry_after, self._jitter(), longest)
        if isinstance(error, ShopChanged) and not intent.delays:
            due_at = now  # the next check says what the shop holds; a second time there is a pause
        state = IntentState.IN_DOUBT if intent.state is IntentState.IN_DOUBT else IntentState.PLANNED
        return self._move(intent, state, ev.INTENT_DELAYED, due_at=due_at, error=error, delayed=True)

    # --- changes that met others ----------------------------------------------------------------------------------

    def _brought_up(self, intent: Intent) -> Intent:
        """An order's status, decided before an earlier one of ours was written."""
        if intent.kind is not Kind.ORDER_STATUS:
            return intent
        decided_on = conflicts.after_own_history(intent, self._outbox.confirmed_since(intent, in_group=True))
        return self._decided_anew(intent, decided_on)

    def _decided_anew(self, intent: Intent, decided_on: dict[str, object]) -> Intent:
        if decided_on == intent.decided_on:
            return intent
        now = self._clock.now()
        return self._outbox.move(intent, IntentState.PLANNED, now=now, due_at=intent.due_at, decided_on=decided_on)

    @staticmethod
    def _clash(intent: Intent, verdict: Verdict) -> Clash | None:
        """The two sides, when this verdict says that there are two."""
        if verdict.state is not IntentState.CONFLICT:
            return None
        return conflicts.clash(intent, verdict.error, verdict.result)

    def _settle_conflict(self, intent: Intent, effect: Effect, verdict: Verdict, clash: Clash) -> Intent:
        """Whose side counts: nobody's, when the shop's value is what an earlier change of ours has left there."""
        result = verdict.result
        if clash.reason == conflicts.CHANGED:
            if conflicts.our_own_doing(intent, result, self._outbox.confirmed_since(intent)):
                return self._one_more(self._decided_anew(intent, conflicts.seen(intent, result)), effect)
            side = self._sides.get(intent.kind, Side.ASK)
            if side is Side.OURS:
                return self._one_more(self._decided_anew(intent, conflicts.seen(intent, result)), effect, clash)
            if side is Side.SHOP:
                given_up = replace(verdict, state=IntentState.CANCELLED, error=conflicts.SHOP_WINS)
                return self._conclude(intent, given_up, clash)
        return self._conclude(intent, verdict, clash)

    def _one_more(self, intent: Intent, effect: Effect, clash: Clash | None = None) -> Intent:
        """The check again, on what the shop holds by now; a conflict this time is one. clash: the one decided."""
        try:
            verdict = effect.check(intent)
        except ConnectorError as error:
            return self._later(intent, error)
        if verdict.state is not None:
            return self._conclude(intent, verdict, self._clash(intent, verdict))
        return self._send(intent, effect, clash)

    # --- moves ----------------------------------------------------------------------------------------------------

    def _conclude(self, intent: Intent, verdict: Verdict, clash: Clash | None = None) -> Intent:
        assert verdict.state is not None  # noqa: S101 - callers branch on it
        if verdict.result.get("copies", 1) > 1:
            self._events.emit(
                ev.DUPLICATE_DETECTED, shop=self.shop, intent_id=intent.id, count=verdict.result["copies"]
            )
        outcome = self._outbox.move(
            intent,
            verdict.state,
            now=self._clock.now(),
            remote_id=verdict.remote_id,
            result=verdict.result,
            error=verdict.error,
            clash=clash,
            then=self._after.of_failure(intent, verdict.state, verdict.error),
        )
        tell(self._events, _EVENT.get(verdict.state, ev.INTENT_CANCELLED), outcome)
        if outcome.state in (IntentState.FAILED, IntentState.CONFLICT):
            self._after.failed(outcome)
        elif outcome.state is IntentState.CANCELLED:
            self._after.cancel_after(outcome)
        return outcome

    def _move(
        self,
        intent: Intent,
        state: IntentState,
        event: str,
        *,
        due_at: datetime | None = None,
        error: ConnectorError | None = None,
        keep_error: bool = False,
        delayed: bool = False,
    ) -> Intent:
        code = error.code if error is not None else (intent.error if keep_error else "")
        detail = _detail(error) if error is not None else (intent.error_detail if keep_error else "")
        outcome = self._outbox.move(
            intent,
            state,
            now=self._clock.now(),
            due_at=due_at,
            error=code,
            error_detail=detail,
            delayed=delayed,
            then=self._after.of_failure(intent, state, code),
        )
        tell(self._events, event, outcome)
        return outcome


_EVENT = {
    IntentState.CONFIRMED: ev.INTENT_CONFIRMED,
    IntentState.CONFLICT: ev.INTENT_CONFLICT,
    IntentState.FAILED: ev.INTENT_FAILED,
}


def _detail(error: ConnectorError) -> str:
    """The facts of an error for the outbox listing; adapters put no personal data into facts."""
    return ", ".join(f"{key}={value}" for key, value in error.facts.items())[:500]


def doubtful(intents: Sequence[Intent]) -> list[Intent]:
    """Those in doubt that will be looked up by themselves (a mail handed to SMTP waits for a person)."""
    return [i for i in intents if i.state is IntentState.IN_DOUBT and i.due_at < NEVER]


__all__ = ["NEVER", "Push", "doubtful"]

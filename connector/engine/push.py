"""The push leg: the only place that causes a remote write.

For every intent: check the state it was decided on, commit `sending`, write, commit the outcome. After doubt (lost
answer, 5xx, crash) the reference is looked up before anything is sent again, and not before the settle time has
passed. What cannot be looked up (a mail handed to SMTP) stays in doubt and is said, never guessed.

How each kind is written and looked up stands in `effects.py`; this module owns the order and the states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connector.core import retry
from connector.core.model import FINAL, Intent, IntentState, Kind, MailState
from connector.engine.effects import Effect, Effects, Verdict
from connector.engine.ports import Clock, Events, Ledger, Outbox, Rows
from connector.errors import ConnectorError, Next, Scope, ShopUnavailable, StateError
from connector.ops import events as ev

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_BATCH = 100
FOLLOWS = "follows_a_failure"
"""Why an intent was cancelled whose predecessor failed; its mail is quarantined, and revived together with it."""


@dataclass(slots=True)
class PushReport:
    """outcomes: intents after this run moved them, in order. problems: intent id -> why it was put off last."""

    outcomes: list[Intent] = field(default_factory=list)
    problems: dict[int, ConnectorError] = field(default_factory=dict)

    @property
    def last(self) -> dict[int, Intent]:
        """Each intent as this run left it."""
        return {intent.id: intent for intent in self.outcomes}

    @property
    def errors(self) -> list[ConnectorError]:
        """Why intents are still put off."""
        waiting = self.last
        return [e for i, e in self.problems.items() if i in waiting and waiting[i].state not in FINAL]

    def count(self, state: IntentState) -> int:
        return sum(intent.state is state for intent in self.last.values())

    @property
    def confirmed(self) -> list[Intent]:
        return [i for i in self.outcomes if i.state is IntentState.CONFIRMED]

    def add(self, later: PushReport) -> None:
        """A later round of the same cycle."""
        self.outcomes += later.outcomes
        self.problems.update(later.problems)


class Push:
    """Pushes the due intents of one shop, one at a time and in the order of their groups.

    still_ours: asked before each remote write; False (the lease is gone) ends the run. jitter: numbers in [0, 1).
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
    ) -> None:
        self.shop = shop
        self._outbox = outbox
        self._ledger = ledger
        self._rows = rows
        self._effects = effects
        self._events = events
        self._clock = clock
        self._settle = settle_seconds
        self._jitter = jitter
        self._still_ours = still_ours
        self._error: ConnectorError | None = None  # of the intent in hand

    @property
    def settle_seconds(self) -> float:
        return self._settle

    def recover(self) -> list[Intent]:
        """After a crash: every intent found `sending` is in doubt. Local only."""
        doubtful = self._outbox.doubtful_after_crash(self.shop, self._clock.now())
        for intent in doubtful:
            self._say(ev.INTENT_RECOVERED, intent)
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
            for intent in due:
                if stop() or not self._still_ours():
                    return report
                try:
                    outcome = self._one(intent)
                except StateError as error:
                    if error.code != "outbox.moved_elsewhere":
                        raise
                    continue  # a command took it up meanwhile
                report.outcomes.append(outcome)
                if outcome.state is IntentState.CONFIRMED:
                    self._after_confirmed(outcome)
                problem = self._error
                if problem is None or problem.next in (Next.LOOK_UP, Next.SKIP):
                    continue  # doubtful and dead intents speak for themselves
                report.problems[intent.id] = problem
                if problem.scope is Scope.SHOP and problem.next is Next.ASK_ADMIN:
                    return report
        return report

    # --- one intent ---------------------------------------------------------------------------------------------

    def _one(self, intent: Intent) -> Intent:
        self._error = None
        effect = self._effects.of(intent)
        try:
            if intent.state is IntentState.IN_DOUBT:
                return self._look_up(intent, effect)
            verdict = effect.check(intent)
        except ConnectorError as error:
            return self._later(intent, error)
        if verdict.state is not None:
            return self._conclude(intent, verdict)
        return self._send(intent, effect)

    def _send(self, intent: Intent, effect: Effect) -> Intent:
        sending = self._outbox.move(intent, IntentState.SENDING, now=self._clock.now())
        try:
            verdict = effect.write(sending)
        except ConnectorError as error:
            return self._failed_write(sending, error)
        return self._conclude(sending, verdict)

    def _failed_write(self, intent: Intent, error: ConnectorError) -> Intent:
        self._error = error
        if error.next is Next.LOOK_UP:
            # Asked at once: a write whose answer alone was lost is found by its reference right away.
            return self._move(intent, IntentState.IN_DOUBT, ev.INTENT_IN_DOUBT, due_at=self._clock.now(), error=error)
        if error.next is Next.SKIP:
            failed = self._move(intent, IntentState.FAILED, ev.INTENT_FAILED, error=error)
            self._after_failed(failed)
            return failed
        return self._later(intent, error)

    def _look_up(self, intent: Intent, effect: Effect) -> Intent:
        """Ask the far side whether the doubtful write happened; resend only after the settle time."""
        now = self._clock.now()
        verdict = effect.look_up(intent)
        if verdict.state is not None:
            return self._conclude(intent, verdict)
        if verdict.never_resend:
            return self._move(intent, IntentState.IN_DOUBT, ev.INTENT_IN_DOUBT, due_at=NEVER, keep_error=True)
        sent_at = intent.sent_at or now
        if not retry.settled(sent_at, now, self._settle):
            due_at = sent_at + timedelta(seconds=self._settle)
            return self._move(intent, IntentState.IN_DOUBT, ev.INTENT_IN_DOUBT, due_at=due_at, keep_error=True)
        return self._move(intent, IntentState.PLANNED, ev.INTENT_DELAYED, due_at=now, keep_error=True)

    def _later(self, intent: Intent, error: ConnectorError) -> Intent:
        """A passing fault (or one that only an admin can mend): nothing was sent, try again after a pause."""
        self._error = error
        retry_after = error.retry_after if isinstance(error, ShopUnavailable) else None
        now = self._clock.now()
        due_at = retry.next_due(intent.attempts, now, retry_after, self._jitter())
        state = IntentState.IN_DOUBT if intent.state is IntentState.IN_DOUBT else IntentState.PLANNED
        return self._move(intent, state, ev.INTENT_DELAYED, due_at=due_at, error=error)

    def _conclude(self, intent: Intent, verdict: Verdict) -> Intent:
        assert verdict.state is not None  # noqa: S101 - callers branch on it
        if verdict.result.get("copies", 1) > 1:
            self._events.emit(
                ev.DUPLICATE_DETECTED, shop=self.shop, intent_id=intent.id, count=verdict.result["copies"]
            )
        name = {
            IntentState.CONFIRMED: ev.INTENT_CONFIRMED,
            IntentState.CONFLICT: ev.INTENT_CONFLICT,
            IntentState.FAILED: ev.INTENT_FAILED,
        }.get(verdict.state, ev.INTENT_DELAYED)
        outcome = self._outbox.move(
            intent,
            verdict.state,
            now=self._clock.now(),
            remote_id=verdict.remote_id,
            result=verdict.result,
            error=verdict.error,
        )
        self._say(name, outcome)
        if outcome.state in (IntentState.FAILED, IntentState.CONFLICT):
            self._after_failed(outcome)
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
    ) -> Intent:
        code = error.code if error is not None else (intent.error if keep_error else "")
        detail = _detail(error) if error is not None else (intent.error_detail if keep_error else "")
        outcome = self._outbox.move(
            intent, state, now=self._clock.now(), due_at=due_at, error=code, error_detail=detail
        )
        self._say(event, outcome)
        return outcome

    # --- what an outcome leads to -------------------------------------------------------------------------------

    def _after_confirmed(self, intent: Intent) -> None:
        """Carry the effect into the mirror and the ledger. Repeated by `settle_ledger` when we die in between."""
        table_patch = self._effects.of(intent).mirror_patch(intent)
        if table_patch is not None:
            self._rows.patch(self.shop, *table_patch)
        if intent.kind is Kind.MESSAGE_CREATE and intent.copy_id is not None:
            self._imported(intent)

    def _imported(self, intent: Intent) -> None:
        copy = self._ledger.get(intent.copy_id or 0)
        if copy is None or copy.state not in (MailState.PENDING, MailState.QUARANTINED):
            return
        thread_id = intent.result.get("id_thread")
        self._ledger.conclude(
            copy,
            MailState.IMPORTED,
            copy.reason,
            text_hash=copy.text_hash,
            id_thread=int(thread_id) if thread_id else copy.id_thread,
            id_message=intent.remote_id,
        )
        self._events.emit(
            ev.MAIL_IMPORTED,
            shop=self.shop,
            copy_id=copy.id,
            thread_id=thread_id,
            message_id=intent.remote_id,
            reason=copy.reason,
        )

    def _after_failed(self, intent: Intent) -> None:
        """A dead letter must be accounted for: the mail it came from goes to quarantine, a created thread gets a
        short safe text (a thread without a message collapses in the back-office list), a reply's mail a note."""
        followers = self._effects.of(intent).on_failure(intent) if intent.error != FOLLOWS else []
        if followers:
            self._outbox.add(self.shop, followers)
        if intent.copy_id is not None and intent.kind in (Kind.MESSAGE_CREATE, Kind.THREAD_CREATE):
            self._set_aside(intent.copy_id, intent.error or "shop_refused")
        self._cancel_after(intent)

    def _set_aside(self, copy_id: int, reason: str) -> None:
        copy = self._ledger.get(copy_id)
        if copy is not None and copy.state is MailState.PENDING:
            self._ledger.conclude(copy, MailState.QUARANTINED, reason, text_hash=copy.text_hash)
            self._events.emit(ev.MAIL_QUARANTINED, shop=self.shop, copy_id=copy.id, reason=reason)

    def settle_ledger(self) -> int:
        """Bring the ledger in line with the outbox: what a crash, or a command on an intent, left between the two.

        Returns the number of mails that were moved."""
        moved = 0
        for copy in self._ledger.listing(self.shop, [MailState.PENDING], 100_000):
            for intent in self._outbox.of_copy(copy.id):
                if intent.kind is Kind.MESSAGE_CREATE and intent.state is IntentState.CONFIRMED:
                    self._imported(intent)
                elif intent.kind is Kind.MESSAGE_CREATE and self._stranded(intent):
                    self._cancel_after(intent)
                    self._outbox.move(intent, IntentState.CANCELLED, now=self._clock.now(), error=FOLLOWS)
                    self._set_aside(copy.id, FOLLOWS)
                elif intent.kind not in (Kind.MESSAGE_CREATE, Kind.THREAD_CREATE) or intent.state not in FINAL:
                    continue
                elif intent.state is IntentState.CANCELLED and intent.error != FOLLOWS:
                    self._cancel_after(intent)
                    self._ledger.conclude(copy, MailState.IGNORED, "cancelled", text_hash=copy.text_hash)
                elif intent.state is not IntentState.CONFIRMED:
                    self._after_failed(intent)
                else:
                    continue
                moved += 1
                break
        return moved

    def _stranded(self, intent: Intent) -> bool:
        """Planned after something that failed while the decision was being stored."""
        if intent.state is not IntentState.PLANNED or not intent.after:
            return False
        first = self._outbox.by_key(self.shop, intent.after)
        return first is None or first.state in (IntentState.FAILED, IntentState.CANCELLED)

    def _cancel_after(self, intent: Intent) -> None:
        for waiting in self._outbox.waiting_for(self.shop, intent.key):
            if waiting.state is IntentState.PLANNED:
                now = self._clock.now()
                cancelled = self._outbox.move(waiting, IntentState.CANCELLED, now=now, error=FOLLOWS)
                self._say(ev.INTENT_CANCELLED, cancelled)
                if waiting.kind is Kind.MESSAGE_CREATE and waiting.copy_id is not None:
                    self._set_aside(waiting.copy_id, FOLLOWS)

    def _say(self, name: str, intent: Intent) -> None:
        self._events.emit(
            name,
            shop=self.shop,
            intent_id=intent.id,
            kind=str(intent.kind),
            state=str(intent.state),
            attempts=intent.attempts,
            remote_id=intent.remote_id,
            error=intent.error or None,
        )


def _detail(error: ConnectorError) -> str:
    """The facts of an error for the outbox listing; adapters put no personal data into facts."""
    return ", ".join(f"{key}={value}" for key, value in error.facts.items())[:500]


def doubtful(intents: Sequence[Intent]) -> list[Intent]:
    """Those in doubt that will be looked up by themselves (a mail handed to SMTP waits for a person)."""
    return [i for i in intents if i.state is IntentState.IN_DOUBT and i.due_at < NEVER]


__all__ = ["NEVER", "Push", "PushReport", "doubtful"]

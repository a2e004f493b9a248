"""What the outcome of an intent leads to: the mirror, the ledger of mails, what was to come after it.

Called by `push` right after a move, and once more before decisions (`settle_ledger`), in case the program died in
between. Sends nothing.
"""

from __future__ import annotations

from dataclasses import replace

from connector.core.model import FINAL, Intent, IntentState, Kind, MailState, NewIntent
from connector.engine.effects import Effects
from connector.engine.ports import Clock, Events, Ledger, Outbox, Rows
from connector.ops import events as ev

FOLLOWS = "follows_a_failure"
"""Why an intent was cancelled whose predecessor failed; its mail is quarantined, and revived together with it."""


class Aftermath:
    """Of the intents of one shop. For who holds the shop's lease: raises LeaseLost else."""

    def __init__(
        self, shop: str, outbox: Outbox, ledger: Ledger, rows: Rows, effects: Effects, events: Events, clock: Clock
    ) -> None:
        self.shop = shop
        self._outbox = outbox
        self._ledger = ledger
        self._rows = rows
        self._effects = effects
        self._events = events
        self._clock = clock

    def confirmed(self, intent: Intent) -> None:
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
            worker=True,
        )
        self._events.emit(
            ev.MAIL_IMPORTED,
            shop=self.shop,
            copy_id=copy.id,
            thread_id=thread_id,
            message_id=intent.remote_id,
            reason=copy.reason,
        )

    def of_failure(self, intent: Intent, state: IntentState, error: str) -> list[NewIntent]:
        """What is wished for when an intent comes to such an end, to be committed with it: a created thread gets a
        short safe text (a thread without a message collapses in the back-office list), a reply's mail a note."""
        if state not in (IntentState.FAILED, IntentState.CONFLICT) or error == FOLLOWS:
            return []
        return self._effects.of(intent).on_failure(replace(intent, state=state, error=error))

    def failed(self, intent: Intent) -> None:
        """A dead letter must be accounted for: the mail that it came from goes to quarantine."""
        if intent.copy_id is not None and intent.kind in (Kind.MESSAGE_CREATE, Kind.THREAD_CREATE):
            self._set_aside(intent.copy_id, intent.error or "shop_refused")
        self.cancel_after(intent)

    def _set_aside(self, copy_id: int, reason: str) -> None:
        copy = self._ledger.get(copy_id)
        if copy is not None and copy.state is MailState.PENDING:
            self._ledger.conclude(copy, MailState.QUARANTINED, reason, text_hash=copy.text_hash, worker=True)
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
                    self.cancel_after(intent)
                    self._outbox.move(intent, IntentState.CANCELLED, now=self._clock.now(), error=FOLLOWS)
                    self._set_aside(copy.id, FOLLOWS)
                elif intent.kind not in (Kind.MESSAGE_CREATE, Kind.THREAD_CREATE) or intent.state not in FINAL:
                    continue
                elif intent.state is IntentState.CANCELLED and intent.error != FOLLOWS:
                    self.cancel_after(intent)
                    self._ledger.conclude(copy, MailState.IGNORED, "cancelled", text_hash=copy.text_hash, worker=True)
                elif intent.state is not IntentState.CONFIRMED:
                    self.failed(intent)
                else:
                    continue
                moved += 1
                break
        for intent in self._outbox.stranded(self.shop):
            self._give_up(intent)
        return moved

    def _stranded(self, intent: Intent) -> bool:
        """Planned after something that failed while the decision was being stored, or before its mirror came back."""
        if intent.state not in (IntentState.PLANNED, IntentState.IN_DOUBT) or not intent.after:
            return False
        first = self._outbox.by_key(self.shop, intent.after)
        return first is None or first.state in (IntentState.FAILED, IntentState.CANCELLED)

    def cancel_after(self, intent: Intent) -> None:
        """What was to come after it is not wanted by itself."""
        for waiting in self._outbox.waiting_for(self.shop, intent.key):
            if waiting.state in (IntentState.PLANNED, IntentState.IN_DOUBT):  # in doubt: of a mirror brought back
                self._give_up(waiting)

    def _give_up(self, intent: Intent) -> None:
        cancelled = self._outbox.move(intent, IntentState.CANCELLED, now=self._clock.now(), error=FOLLOWS)
        tell(self._events, ev.INTENT_CANCELLED, cancelled)
        if intent.kind is Kind.MESSAGE_CREATE and intent.copy_id is not None:
            self._set_aside(intent.copy_id, FOLLOWS)


def tell(events: Events, name: str, intent: Intent) -> None:
    """The log line of an intent's move."""
    events.emit(
        name,
        shop=intent.shop,
        intent_id=intent.id,
        kind=str(intent.kind),
        state=str(intent.state),
        attempts=intent.attempts,
        remote_id=intent.remote_id,
        error=intent.error or None,
    )

"""What a person decides about an intent that stands still: send it again, take it as done, give it up.

Moves the intent, what waits for it, and the mail it came from; sends nothing (`push` does, by schedule).
"""

from __future__ import annotations

from dataclasses import replace

from connector.core.model import Intent, IntentState, Kind, MailState, NewIntent
from connector.engine.effects.base import CHANGED, HALF_WRITTEN
from connector.engine.ports import Clock, Ledger, Outbox
from connector.engine.push import FOLLOWS
from connector.errors import DataError

RETRY_FROM = (IntentState.FAILED, IntentState.CONFLICT, IntentState.IN_DOUBT)
CONFIRM_FROM = (IntentState.IN_DOUBT, IntentState.CONFLICT, IntentState.FAILED)
CANCEL_FROM = (IntentState.PLANNED, IntentState.FAILED, IntentState.CONFLICT, IntentState.IN_DOUBT)


class DeadLetters:
    """Raises DataError when the intent is in a state from which the move makes no sense."""

    def __init__(self, outbox: Outbox, ledger: Ledger, clock: Clock) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._clock = clock

    def retry(self, intent_id: int) -> Intent:
        """Plan it again, with all that was cancelled because of it. A conflict is decided on what the shop said then:
        whoever retries it has seen the shop's value and wants ours."""
        intent = self._get(intent_id, RETRY_FROM)
        now = self._clock.now()
        if intent.error == HALF_WRITTEN:
            raise DataError("outbox.half_written", id=intent.id)
        self._drop_notes(intent)
        if intent.state is IntentState.IN_DOUBT and intent.kind is not Kind.MAIL_SEND:
            # The far side can be asked: looked up at once, sent again only when it is surely not there.
            moved = self._outbox.move(intent, IntentState.IN_DOUBT, now=now, due_at=now)
        elif intent.state is IntentState.IN_DOUBT:
            moved = self._outbox.move(intent, IntentState.PLANNED, now=now, due_at=now)
        else:
            moved = self._outbox.revive(intent, _seen(intent), now)
        for follower in self._outbox.followers(intent.shop, intent.key):
            if follower.state is IntentState.CANCELLED and follower.error == FOLLOWS:
                self._pending(self._outbox.revive(follower, None, now))
        self._pending(moved)
        return moved

    def confirm(self, intent_id: int) -> Intent:
        """It has happened: what waits for it goes on."""
        intent = self._get(intent_id, CONFIRM_FROM)
        if intent.kind is Kind.THREAD_CREATE:
            raise DataError("outbox.confirm_create", id=intent.id)
        self._drop_notes(intent)
        now = self._clock.now()
        moved = self._outbox.move(intent, IntentState.CONFIRMED, now=now)
        for follower in self._outbox.followers(intent.shop, intent.key):
            if follower.state is IntentState.CANCELLED and follower.error == FOLLOWS:
                self._pending(self._outbox.revive(follower, None, now))
        self._pending(moved)
        return moved

    def cancel(self, intent_id: int) -> Intent:
        """Give it up, and what waits for it. Mails that depended on it go to quarantine, its own is ignored."""
        intent = self._get(intent_id, CANCEL_FROM)
        now = self._clock.now()
        moved = self._outbox.move(intent, IntentState.CANCELLED, now=now)
        for follower in self._outbox.waiting_for(intent.shop, intent.key):
            if follower.state is IntentState.PLANNED:
                self._outbox.move(follower, IntentState.CANCELLED, now=now, error=FOLLOWS)
        return moved

    def _drop_notes(self, intent: Intent) -> None:
        """Notes that were to tell of a failure which is none any more."""
        for note in self._outbox.listing(intent.shop, [IntentState.PLANNED], 100_000):
            if note.origin == "fallback" and note.group == intent.group and intent.kind is Kind.MAIL_SEND:
                self._outbox.move(note, IntentState.CANCELLED, now=self._clock.now(), error="not_needed")

    def _get(self, intent_id: int, allowed: tuple[IntentState, ...]) -> Intent:
        intent = self._outbox.get(intent_id)
        if intent is None:
            raise DataError("outbox.unknown", id=intent_id)
        if intent.state not in allowed:
            raise DataError(
                "outbox.wrong_state", id=intent_id, state=intent.state, allowed=", ".join(s.value for s in allowed)
            )
        return intent

    def _pending(self, intent: Intent) -> None:
        """The mail of a revived message is on its way again."""
        if intent.copy_id is None or intent.kind not in (Kind.MESSAGE_CREATE, Kind.THREAD_CREATE):
            return
        copy = self._ledger.get(intent.copy_id)
        if copy is not None and copy.state is MailState.QUARANTINED:
            self._ledger.conclude(copy, MailState.PENDING, copy.reason, text_hash=copy.text_hash)


def _seen(intent: Intent) -> NewIntent | None:
    """The same wish, decided on what the shop held when the conflict was found."""
    if intent.error != CHANGED or "shop" not in intent.result:
        return None
    wish = NewIntent(
        kind=intent.kind,
        key=intent.key,
        reference=intent.reference,
        group=intent.group,
        payload=intent.payload,
        decided_on=intent.decided_on,
        after=intent.after,
    )
    known = {Kind.ORDER_STATUS: "current_state", Kind.ORDER_TRACKING: "number"}.get(intent.kind)
    return replace(wish, decided_on={**intent.decided_on, known: intent.result["shop"]}) if known else wish

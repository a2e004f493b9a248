"""What a person decides about an intent that stands still: send it again, take it as done, give it up.

Moves the intent, what waits for it, and the mail it came from; sends nothing (`push` does, by schedule).
"""

from __future__ import annotations

from connector.core.conflicts import HALF_WRITTEN, SHOP_WINS, Conflict, seen
from connector.core.model import Intent, IntentState, Kind, MailState, NewIntent
from connector.engine.aftermath import FOLLOWS
from connector.engine.ports import Clock, Conflicts, Ledger, Outbox
from connector.errors import DataError

RETRY_FROM = (IntentState.FAILED, IntentState.CONFLICT, IntentState.IN_DOUBT)
CONFIRM_FROM = (IntentState.IN_DOUBT, IntentState.CONFLICT, IntentState.FAILED)
CANCEL_FROM = (IntentState.PLANNED, IntentState.FAILED, IntentState.CONFLICT, IntentState.IN_DOUBT)


class DeadLetters:
    """Raises DataError when the intent is in a state from which the move makes no sense."""

    def __init__(self, outbox: Outbox, conflicts: Conflicts, ledger: Ledger, clock: Clock) -> None:
        self._outbox = outbox
        self._conflicts = conflicts
        self._ledger = ledger
        self._clock = clock

    def resolve(self, conflict_id: int, *, ours: bool) -> Intent:
        """Whose side counts in a conflict.

        ours: the change is decided anew on the state that the conflict shows, in its old place of the order; when that
        has changed once more, it is a conflict again. Else the shop's: the change is given up. What is half written
        stays as it is, by the shop's side: writing it again would mail twice.
        """
        found = self._conflicts.get(conflict_id)
        if found is None:
            raise DataError("conflict.unknown", id=conflict_id)
        if found.resolved_at is not None:
            raise DataError("conflict.resolved", id=conflict_id, side=found.resolution, by=found.resolved_by)
        if ours:
            return self.retry(found.intent_id)
        if found.clash.reason == HALF_WRITTEN:
            return self.confirm(found.intent_id)
        return self.cancel(found.intent_id, SHOP_WINS)

    def conflict_of(self, intent_id: int) -> Conflict | None:
        """The open conflict of an intent."""
        return next((one for one in self._conflicts.of_intent(intent_id) if one.resolved_at is None), None)

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

    def cancel(self, intent_id: int, reason: str = "") -> Intent:
        """Give it up, and what waits for it. Mails that depended on it go to quarantine, its own is ignored."""
        intent = self._get(intent_id, CANCEL_FROM)
        now = self._clock.now()
        moved = self._outbox.move(intent, IntentState.CANCELLED, now=now, error=reason)
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
    if intent.state is not IntentState.CONFLICT:
        return None
    return NewIntent(
        kind=intent.kind,
        key=intent.key,
        reference=intent.reference,
        group=intent.group,
        payload=intent.payload,
        decided_on=seen(intent, intent.result),
        after=intent.after,
        copy_id=intent.copy_id,
    )

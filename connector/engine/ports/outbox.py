"""Ports to changes on their way: the outbox, those that met others, and those that the shop holds twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from connector.core.conflicts import Clash, Conflict
from connector.core.duplicates import Duplicate
from connector.core.model import Intent, IntentState, NewIntent


class Outbox(Protocol):
    """Intents. Every change of state is one transaction; `sending` is flushed to disk before it returns."""

    def add(self, shop: str, intents: Sequence[NewIntent]) -> list[Intent]:
        """Insert those whose key is new; returns the rows of all keys given, in order."""
        ...

    def due(self, shop: str, now: datetime, limit: int, only: Iterable[int] | None = None) -> list[Intent]:
        """Heads of their groups, planned or in_doubt, due, whose `after` is confirmed; oldest first,
        those of origin BULK after all others.

        A group with an earlier intent that is planned, sending, in_doubt or in conflict yields only that earlier one
        (if due), so that order is kept. A failed one (a dead letter) holds up only what comes `after` it: its
        content is in the hands of a person, and the customer's next message must not wait for that."""
        ...

    def waiting_for(self, shop: str, key: str) -> list[Intent]:
        """Intents, not final, that come after this key, directly or through others."""
        ...

    def followers(self, shop: str, key: str) -> list[Intent]:
        """Intents in any state that come after this key, directly or through others; oldest first."""
        ...

    def revive(self, intent: Intent, wish: NewIntent | None, now: datetime) -> Intent:
        """A failed, conflicting or cancelled intent is planned again, due now, with the content of a new decision
        (payload, decided_on, group, after) or as it was (None). Raises StateError when it is in another state."""
        ...

    def get(self, intent_id: int) -> Intent | None: ...
    def by_key(self, shop: str, key: str) -> Intent | None: ...
    def mails_since(self, shop: str, since: datetime) -> list[Intent]:
        """Mails to people that were wished for since then and not given up, oldest first."""
        ...

    def sent_mail(self, shop: str, message_id: str) -> Intent | None:
        """The intent that sent the mail with this Message-ID."""
        ...

    def of_copy(self, copy_id: int) -> list[Intent]: ...
    def move(
        self,
        intent: Intent,
        state: IntentState,
        *,
        now: datetime,
        due_at: datetime | None = None,
        remote_id: int | None = None,
        result: dict[str, Any] | None = None,
        error: str = "",
        error_detail: str = "",
        payload: dict[str, Any] | None = None,
        decided_on: dict[str, Any] | None = None,
        delayed: bool = False,
        clash: Clash | None = None,
        then: Sequence[NewIntent] = (),
    ) -> Intent:
        """A legal move by conditional UPDATE (the row must still be in `intent.state`); raises StateError else.

        Moving to `sending` sets sent_at=now and counts the attempt; from there back to `planned`: nothing was sent.
        delayed: counts as put off. clash: what the shop changed meanwhile, noted in the history of conflicts: open when
        the move is to `conflict`, else as decided by the policy. then: wishes that follow from the move, added in the
        same transaction."""
        ...

    def stranded(self, shop: str) -> list[Intent]:
        """Planned ones whose `after` has come to nothing (failed, cancelled, in conflict), oldest first."""
        ...

    def confirmed_since(self, intent: Intent, *, in_group: bool = False) -> list[Intent]:
        """Other changes of the same kind that were confirmed since this one was wished, oldest first. in_group: only
        those of its group, whenever they were confirmed."""
        ...

    def note(self, intent: Intent, facts: dict[str, Any]) -> None:
        """Add to the result of a final intent."""
        ...

    def doubtful_after_crash(self, shop: str, now: datetime) -> list[Intent]:
        """Every `sending` intent becomes in_doubt; returns them. Raises LeaseLost."""
        ...

    def states(self, shop: str) -> dict[str, int]: ...
    def listing(self, shop: str | None, states: Sequence[IntentState] = (), limit: int = 1000) -> list[Intent]: ...
    def next_due(self, shop: str) -> datetime | None: ...


class Conflicts(Protocol):
    """The history of conflicts, written by the moves of the intents. Reads only."""

    def get(self, conflict_id: int) -> Conflict | None: ...
    def of_intent(self, intent_id: int) -> list[Conflict]:
        """Oldest first."""
        ...

    def listing(self, shop: str | None = None, *, resolved: bool = False, limit: int = 1000) -> list[Conflict]:
        """Those that wait for a decision, or all."""
        ...


class Duplicates(Protocol):
    """What the shop holds twice of what was wished for once, as far as the mirror has read it."""

    def look(self, shop: str) -> list[Duplicate]:
        """Compare anew; returns what was not known yet. What has left the shop since is forgotten."""
        ...

    def listing(self, shop: str) -> list[Duplicate]: ...
    def of_intent(self, intent_id: int) -> list[Duplicate]: ...

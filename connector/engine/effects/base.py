"""What an effect is: how one kind of intent is checked, written, looked up and carried back into the mirror."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connector.core.conflicts import CHANGED as CHANGED
from connector.core.conflicts import HALF_WRITTEN as HALF_WRITTEN
from connector.core.model import Intent, IntentState, NewIntent

THREAD_GONE = "thread_gone"
ORDER_GONE = "order_gone"
MESSAGE_GONE = "message_gone"
CUSTOMER_GONE = "customer_gone"
DEFAULT_GROUP = "default_group"
STATE_GONE = "state_gone"
PAYS_TWICE = "would_pay_twice"
CUSTOMER_WROTE = "customer_wrote_again"
NOT_CLOSED = "not_closed"

FALLBACK = "fallback"
"""Origin of a wish that follows from the failure of another one."""

TablePatch = tuple[str, int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """state None: go on (after a check) or not found (after a look-up). never_resend: only a person may decide."""

    state: IntentState | None = None
    remote_id: int | None = None
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    never_resend: bool = False


GO_ON = Verdict()
NOT_FOUND = Verdict()


class Effect(Protocol):
    def check(self, intent: Intent) -> Verdict:
        """Is the state still the one it was decided on? A state in the verdict ends the intent without a write."""
        ...

    def checks_here(self, intent: Intent) -> bool:
        """Does the check ask no far side, so that it may be made while a write is under way?"""
        ...

    def write(self, intent: Intent) -> Verdict: ...
    def overlapped(self, intent: Intent, meanwhile: Callable[[], None]) -> Verdict:
        """As `write`. meanwhile: what the caller can do while the far side works; called once at most."""
        ...

    def look_up(self, intent: Intent) -> Verdict:
        """Did the doubtful write happen?"""
        ...

    def mirror_patch(self, intent: Intent) -> TablePatch | None: ...
    def on_failure(self, intent: Intent) -> list[NewIntent]: ...


class Base:
    def check(self, intent: Intent) -> Verdict:
        del intent
        return GO_ON

    def checks_here(self, intent: Intent) -> bool:
        del intent
        return False

    def overlapped(self: Effect, intent: Intent, meanwhile: Callable[[], None]) -> Verdict:
        del meanwhile
        return self.write(intent)

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        del intent
        return None

    def on_failure(self, intent: Intent) -> list[NewIntent]:
        del intent
        return []


def first_of(ids: Sequence[int]) -> Verdict:
    if not ids:
        return NOT_FOUND
    return Verdict(IntentState.CONFIRMED, ids[0], {"copies": len(ids)} if len(ids) > 1 else {})

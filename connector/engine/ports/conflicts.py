"""Ports to what went two ways: changes that met others, and changes that the shop holds twice."""

from __future__ import annotations

from typing import Protocol

from connector.core.conflicts import Conflict
from connector.core.duplicates import Duplicate


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

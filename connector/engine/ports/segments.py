"""Ports of the segments: who there is, and whom a segment put into its group."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from connector.core.model import Intent, NewIntent
from connector.core.segment_changes import Member
from connector.core.segments import Person, Wants


class People(Protocol):
    """The people of a shop, by address."""

    def people(self, shop: str, wants: Wants) -> dict[str, Person]: ...
    def group_names(self, shop: str) -> dict[int, list[str]]: ...
    def bounced(self, shop: str) -> set[str]:
        """Addresses to which a mail of ours could not be delivered for good."""
        ...

    def newest_local(self, shop: str) -> str | None:
        """When a customer changed last as far as the mirror knows, in the shop's own time."""
        ...


class SegmentMembers(Protocol):
    """Whom the segments put into their groups."""

    def of(self, shop: str, segment: str) -> list[Member]: ...
    def in_group(self, shop: str, group: int) -> set[int]:
        """Whoever put them there."""
        ...

    def defaults(self, shop: str, ids: Collection[int]) -> dict[int, int]:
        """customer -> default group, of those whom the mirror has."""
        ...

    def wish(
        self,
        shop: str,
        segment: str,
        add: Sequence[NewIntent],
        remove: Sequence[NewIntent],
        remember: Iterable[str],
        gone: Iterable[tuple[int, int]] = (),
    ) -> list[Intent]:
        """Commit the wishes and what they mean, in one transaction. remember: keys of those in `add` whose customers
        the segment owns from now on. gone: (group, customer) to be forgotten."""
        ...

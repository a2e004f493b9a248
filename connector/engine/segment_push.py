"""Puts the people of a segment into its customer group and takes out whom it put there. Wishes only: `push` writes.

One intent a customer, so that a customer whom the shop refuses stops nobody else; other groups and fields are not
touched (`effects.people`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connector.core.model import BULK, Intent, Kind, NewIntent
from connector.core.query import Query
from connector.core.segment_changes import ADDED_PERCENT, REMOVED_PERCENT, Changes, changes, mass_change
from connector.core.segments import Segment
from connector.engine.notes import may_change
from connector.engine.ports import Events, Rows, Shop
from connector.engine.ports.segments import SegmentMembers
from connector.engine.segments import Listing, Selection
from connector.errors import DataError, GuardTripped
from connector.ops import events as ev


@dataclass(frozen=True, slots=True)
class Planned:
    """What a push does. wanted: how many customers the segment has. guard: the limit that it breaks, ''."""

    group: int
    listing: Listing
    wanted: int
    changes: Changes
    guard: str


class SegmentPush:
    """Of one shop. nonce: a fresh random text per call. allow_customer_put: the setting of that name."""

    def __init__(
        self,
        selection: Selection,
        members: SegmentMembers,
        rows: Rows,
        shop: Callable[[], Shop],
        events: Events,
        nonce: Callable[[], str],
        *,
        allow_customer_put: bool,
    ) -> None:
        self._selection = selection
        self._name = selection.shop_name
        self._members = members
        self._rows = rows
        self._shop = shop
        self._events = events
        self._nonce = nonce
        self._allow_customer_put = allow_customer_put

    def plan(self, segment: Segment) -> Planned:
        """What would change. Writes nothing; a campaign's consents are asked of the shop. Raises what the selection
        raises, and DataError when the shop has no such group any more."""
        group = self._selection.group(segment)
        if group not in self._shop().ids("groups", Query()):
            raise DataError("customer.unknown_group", id=group)
        listing = self._selection.listing(segment)
        accounts = [one for entry in listing.entries for one in entry.person.living if one.active and not one.guest]
        wanted = {one.id for one in accounts}
        members = self._members.of(self._name, segment.name)
        known = self._members.defaults(self._name, {one.id_customer for one in members})
        inside = self._members.in_group(self._name, group)
        found = changes(group, wanted, inside, members, known)
        guard = mass_change(found, self._rows.count(self._name, "customers"))
        return Planned(group, listing, len(wanted), found, guard)

    def wish(self, segment: Segment, planned: Planned, *, allow_mass_change: bool = False) -> list[Intent]:
        """Commit what the plan says. Raises GuardTripped, and what stands against writing customers at all."""
        found = planned.changes
        if planned.guard and not allow_mass_change:
            count = len(found.remove) if planned.guard == "removed" else len(found.add)
            percent = REMOVED_PERCENT if planned.guard == "removed" else ADDED_PERCENT
            guard = f"segment_{planned.guard}"
            self._events.emit(ev.GUARD_TRIPPED, shop=self._name, guard=guard, count=count)
            raise GuardTripped(f"guard.{guard}", count=count, percent=percent, name=segment.name)
        if found.count:
            may_change(self._shop(), "customers", "customer.put_not_allowed", by_put=self._allow_customer_put)
        add = [self._intent(segment, number, add=[planned.group]) for number in found.add]
        remove = [self._intent(segment, number, remove=[group]) for group, number in found.remove]
        counts = {"join": len(add), "leave": len(remove)}
        self._events.emit(ev.SEGMENT_PUSHED, shop=self._name, segment=segment.name, counts=counts)
        new = [one.key for one in add if one.payload["id_customer"] not in found.again]
        return self._members.wish(self._name, segment.name, add, remove, new, found.gone)

    def _intent(
        self, segment: Segment, customer: int, add: list[int] | None = None, remove: list[int] | None = None
    ) -> NewIntent:
        return NewIntent(
            kind=Kind.CUSTOMER_GROUPS,
            key=f"customer.groups:{self._nonce()}",
            reference="",
            group=f"customer:{customer}",
            payload={"id_customer": customer, "add": add or [], "remove": remove or [], "segment": segment.name},
            origin=BULK,
        )

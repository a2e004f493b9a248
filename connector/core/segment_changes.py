"""What has to change so that a customer group holds the people of a segment. Pure.

The group is the segment's to fill, but it takes out nobody whom it did not put in: somebody put there by hand stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

FEW = 10
"""Changes that nobody needs to be asked about."""

REMOVED_PERCENT = 50
"""Share of a segment's own members beyond which leaving at once looks like an accident (a half empty mirror, a slip in
the conditions)."""

ADDED_PERCENT = 25
"""The same for joining, of all customers."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody whom a segment put into a group. arrived: the shop has confirmed it. leaving: the wish to take them out
    is under way. refused: the shop refused the last wish for good; it is a dead letter and in a person's hands."""

    id_group: int
    id_customer: int
    arrived: bool = True
    leaving: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Customers by id.

    add: to be put into the group. again: those of them who are the segment's already (somebody took them out).
    remove: (group, customer). held: to be taken out, but it is their default group, which each customer needs. gone:
    (group, customer) to be forgotten: the shop does not have them any more, or never took them. refused: whom the shop
    refused. under_way: changes of before that are not confirmed yet. others: in the group by somebody else's doing.
    own: those whom the segment put into a group.
    """

    add: tuple[int, ...] = ()
    again: frozenset[int] = frozenset()
    remove: tuple[tuple[int, int], ...] = ()
    held: tuple[int, ...] = ()
    gone: tuple[tuple[int, int], ...] = ()
    refused: tuple[int, ...] = ()
    under_way: int = 0
    others: int = 0
    own: int = 0

    @property
    def count(self) -> int:
        return len(self.add) + len(self.remove)


def changes(
    group: int,
    wanted: Collection[int],
    inside: Collection[int],
    members: Iterable[Member],
    defaults: Mapping[int, int],
) -> Changes:
    """group: the segment's. wanted: customers of the segment. inside: customers in the group, as the mirror knows.
    members: those whom the segment put in (into an earlier group of its own, too). defaults: customer -> default
    group, of those whom the mirror has."""
    mine = {(one.id_group, one.id_customer): one for one in members}
    own = {customer for of, customer in mine if of == group}
    wanted, inside = set(wanted), set(inside)
    # Who is on the way out and is wanted again joins when that is over: a later push does it.
    add = {c for c in wanted - inside if (one := mine.get((group, c))) is None or (one.arrived and not one.leaving)}
    remove, gone = list[tuple[int, int]](), list[tuple[int, int]]()
    held, refused, under_way = list[int](), list[int](), 0
    for (of, customer), one in sorted(mine.items()):
        stays = of == group and customer in wanted
        if one.refused and stays is not one.arrived:
            refused.append(customer)
        elif one.leaving or not one.arrived:
            under_way += not one.refused
            if one.refused:  # never put in, and not wanted any more
                gone.append((of, customer))
        elif stays:
            continue
        elif customer not in defaults:
            gone.append((of, customer))
        elif defaults[customer] == of:
            held.append(customer)
        else:
            # Also when the mirror does not see them in the group: it may not know yet.
            remove.append((of, customer))
    return Changes(
        add=tuple(sorted(add)),
        again=frozenset(add & own),
        remove=tuple(remove),
        held=tuple(held),
        gone=tuple(gone),
        refused=tuple(refused),
        under_way=under_way,
        others=len(inside - own),
        own=len(mine),
    )


def mass_change(found: Changes, customers: int) -> str:
    """Which limit the changes break: removed, added or ''. customers: how many the shop has. Way out: `segment push
    --allow-mass-change`."""
    if len(found.remove) > FEW and len(found.remove) * 100 > REMOVED_PERCENT * found.own:
        return "removed"
    if len(found.add) > FEW and len(found.add) * 100 > ADDED_PERCENT * customers:
        return "added"
    return ""

"""Segments: who the people of a shop are, and which of them a named set of conditions is about. Pure.

A person is a casefolded address: guest orders and accounts with the same address are one. The mirror says what is
known of them, `segment_files` what is asked; consent is decided in `consent`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from connector.core.statuses import THREAD_STATUSES, fold

NUMBERS = {
    "orders": "orders that count (the shop's flag `valid`)",
    "spent": "what they paid for these, in the shop's default currency, tax included",
    "average": "spent per order",
    "first_order_days": "days since the first such order",
    "last_order_days": "days since the last such order",
    "registered_days": "days since the first account was made",
}
LISTS = {
    "country": "ISO code of the country of an address",
    "language": "ISO code of an account's language",
    "group": "id or name of a customer group",
    "product": "id or reference of a product in an order that counts",
    "thread": "state of a conversation: a status, or `waiting` for an answer",
}
FLAGS = {
    "newsletter": "asked for the newsletter",
    "optin": "agreed to offers of partners",
    "guest": "has ordered as a guest only",
}
CONDITIONS = (*NUMBERS, *LISTS, *FLAGS)
WAITING = "waiting"
THREAD_STATES = (*THREAD_STATUSES, WAITING)
CONSENTS = ("newsletter", "optin", "none")
"""What a list needs of the people on it. `none`: it is no campaign."""

NEWSLETTER = "newsletter"


@dataclass(frozen=True, slots=True)
class Span:
    """Both ends belong to it; None: no end."""

    at_least: Decimal | None = None
    at_most: Decimal | None = None

    def holds(self, value: Decimal) -> bool:
        if self.at_least is not None and value < self.at_least:
            return False
        return self.at_most is None or value <= self.at_most


@dataclass(frozen=True, slots=True)
class Conditions:
    """By name. lists: any of the values will do; ids are written `#7`, names and references folded."""

    numbers: Mapping[str, Span] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numbers, *self.lists, *self.flags)


@dataclass(frozen=True, slots=True)
class Segment:
    """when: all of these hold; unless: none of these. within_days: only orders that are not older count for orders,
    spent, average and product; 0: all. group: id or name of the customer group that belongs to the segment, "" for
    none. shops: names of the settings, none for all."""

    name: str
    title: str = ""
    when: Conditions = field(default_factory=Conditions)
    unless: Conditions = field(default_factory=Conditions)
    consent: str = NEWSLETTER
    within_days: int = 0
    group: str = ""
    shops: tuple[str, ...] = ()
    file: str = ""
    line: int = 0

    @property
    def is_campaign(self) -> bool:
        return self.consent != "none"

    def is_for(self, shop: str) -> bool:
        return not self.shops or shop in self.shops


@dataclass(slots=True)
class Account:
    """A row of `customers`. groups: ids. registered_at None: unknown."""

    id: int
    firstname: str = ""
    lastname: str = ""
    language: str = ""
    guest: bool = False
    active: bool = True
    deleted: bool = False
    newsletter: bool = False
    optin: bool = False
    groups: frozenset[int] = frozenset()
    default_group: int = 0
    registered_at: datetime | None = None


@dataclass(slots=True)
class Person:
    """What the mirror knows of an address. accounts: by id; none for somebody who only wrote. Orders are those of all
    accounts; orders, spent: of the days that were asked for. spent: six places, default currency."""

    address: str
    accounts: list[Account] = field(default_factory=list)
    orders: int = 0
    spent: Decimal = Decimal(0)
    first_order: datetime | None = None
    last_order: datetime | None = None
    countries: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    threads: frozenset[str] = frozenset()
    bounced: bool = False

    @property
    def living(self) -> list[Account]:
        """The accounts that are not deleted."""
        return [one for one in self.accounts if not one.deleted]

    @property
    def account(self) -> Account | None:
        """The one that stands for the person: active, registered before guest, the newest."""
        return max(self.living, key=lambda one: (one.active, not one.guest, one.id), default=None)


@dataclass(frozen=True, slots=True)
class Wants:
    """What has to be known of people to decide. products: as in a condition. since: for `within_days`."""

    since: datetime | None = None
    orders: bool = False
    first_orders: bool = False
    registered: bool = False
    countries: bool = False
    groups: bool = False
    threads: bool = False
    products: tuple[str, ...] = ()


def wants(segment: Segment, now: datetime) -> Wants:
    """What the conditions of a segment ask for."""
    lists = [segment.when.lists, segment.unless.lists]
    named = {*segment.when.names, *segment.unless.names}
    return Wants(
        since=now - timedelta(days=segment.within_days) if segment.within_days else None,
        orders=bool(named & {*NUMBERS} - {"registered_days"}),
        first_orders="first_order_days" in named,
        registered="registered_days" in named,
        countries="country" in named,
        groups="group" in named,
        threads="thread" in named,
        products=tuple(sorted({value for one in lists for value in one.get("product", ())})),
    )


def belongs(segment: Segment, person: Person, now: datetime) -> bool:
    """Is the person in the segment, consent aside? Who has deleted accounts only is in none."""
    when, unless = segment.when, segment.unless
    if person.accounts and not person.living:
        return False
    return all(_holds(when, name, person, now) for name in when.names) and not any(
        _holds(unless, name, person, now) for name in unless.names
    )


def _holds(conditions: Conditions, name: str, person: Person, now: datetime) -> bool:
    if name in conditions.numbers:
        value = _number(name, person, now)
        return value is not None and conditions.numbers[name].holds(value)
    if name in conditions.lists:
        return not _values(name, person).isdisjoint(conditions.lists[name])
    return _flag(name, person) == conditions.flags[name]


def _number(name: str, person: Person, now: datetime) -> Decimal | None:
    """None: there is nothing to count, and no condition on it holds."""
    match name:
        case "orders":
            return Decimal(person.orders)
        case "spent":
            return person.spent
        case "average":
            return person.spent / person.orders if person.orders else None
        case "first_order_days":
            return _days(person.first_order, now)
        case "last_order_days":
            return _days(person.last_order, now)
    return _days(min((one.registered_at for one in person.living if one.registered_at), default=None), now)


def _days(since: datetime | None, now: datetime) -> Decimal | None:
    return None if since is None else Decimal(int((now - since).total_seconds())) / 86_400


def _values(name: str, person: Person) -> frozenset[str]:
    match name:
        case "country":
            return person.countries
        case "language":
            return frozenset(one.language for one in person.living)
        case "group":
            return frozenset(f"#{group}" for one in person.living for group in one.groups)
        case "product":
            return person.products
    return person.threads


def _flag(name: str, person: Person) -> bool:
    """Of several accounts one that refuses decides: who has withdrawn has not asked."""
    if name == "guest":
        return bool(person.living) and all(one.guest for one in person.living)
    return bool(person.living) and all(getattr(one, name) for one in person.living)


# --- groups by name -------------------------------------------------------------------------------------------------


def group_ids(wish: str, names: Mapping[int, Sequence[str]]) -> list[int]:
    """The groups that `wish` means: an id (`#7`), or a name in any language of the shop; ascending."""
    if wish.startswith("#"):
        number = int(wish[1:])
        return [number] if number in names else []
    return sorted(number for number, called in names.items() if any(fold(one) == wish for one in called))


def with_groups(segment: Segment, names: Mapping[int, Sequence[str]]) -> tuple[Segment, list[str]]:
    """The segment with ids for the groups in its conditions, and what the shop has no group of."""
    unknown: list[str] = []

    def resolved(conditions: Conditions) -> Conditions:
        wanted: Iterable[str] = conditions.lists.get("group", ())
        if not wanted:
            return conditions
        ids: list[str] = []
        for wish in wanted:
            found = group_ids(wish, names)
            ids += [f"#{number}" for number in found]
            if not found:
                unknown.append(wish.removeprefix("#"))
        return replace(conditions, lists={**conditions.lists, "group": tuple(ids)})

    return replace(segment, when=resolved(segment.when), unless=resolved(segment.unless)), unknown

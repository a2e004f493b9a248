"""Who bought, how often, how lately, for how much: persons from the orders of accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from connector.core.figures import ORDERS_EACH, RECENCY_DAYS, BestCustomer
from connector.core.periods import Period
from connector.core.spread import amounts, money, numbers, spread

BEST = 10


@dataclass(frozen=True, slots=True)
class Buyer:
    """The counted orders of one account up to a period's end. account: its id, None for orders that name none. person:
    casefolded address, '' when the mirror knows none. orders, micros: in the period (micros: whole millionths of the
    default currency); ever: all up to its end. first, last: days of the first and the last of all these."""

    account: int | None
    person: str
    orders: int
    micros: int
    ever: int
    first: date
    last: date


def persons(buyers: Iterable[Buyer]) -> list[Buyer]:
    """Accounts with one address as one, named by the newest of them. Without an address each stays by itself."""
    found: dict[object, Buyer] = {}
    for buyer in buyers:
        key: object = buyer.person or buyer.account
        other = found.get(key)
        found[key] = buyer if other is None else _together(buyer, other)
    return list(found.values())


def _together(one: Buyer, other: Buyer) -> Buyer:
    return replace(
        one,
        account=max(one.account or 0, other.account or 0) or None,
        orders=one.orders + other.orders,
        micros=one.micros + other.micros,
        ever=one.ever + other.ever,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
    )


def of_customers(buyers: Iterable[Buyer], period: Period) -> dict[str, Any]:
    """What `CustomerPeriod` tells of persons, by its names. buyers: those of all accounts up to the period's end."""
    known = list(buyers)
    people = persons(known)
    here = [one for one in people if one.orders]
    new = [one for one in here if one.first >= period.first]
    last = period.last
    since = [(last - one.last).days for one in people]
    best = sorted(here, key=lambda one: (-one.micros, one.account or 0))[:BEST]
    total = sum(one.micros for one in here)
    new_total = sum(one.micros for one in new)
    return {
        "customers": len(here),
        "accounts": sum(1 for one in known if one.orders and one.account),
        "new": len(new),
        "returning": len(here) - len(new),
        "new_total": money(new_total),
        "returning_total": money(total - new_total),
        "frequency": numbers((one.orders for one in here), ORDERS_EACH),
        "orders_each": spread(one.orders for one in here),
        "per_customer": amounts(one.micros for one in here),
        "recency": numbers(since, RECENCY_DAYS),
        "recency_days": spread(since),
        "lifetime": amounts(one.ever for one in people),
        "best": [BestCustomer(one.account, one.orders, money(one.micros), one.last) for one in best],
    }

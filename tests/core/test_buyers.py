"""Persons from accounts, and what they bought."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core import periods
from connector.core.buyers import Buyer, of_customers, persons

MARCH = periods.parse("2025-03")
IN, BEFORE = date(2025, 3, 10), date(2024, 7, 1)


def buyer(account: int | None, person: str = "", orders: int = 1, micros: int = 5_000_000, **more) -> Buyer:
    values = {"ever": micros, "first": IN, "last": IN, **more}
    return Buyer(account, person, orders, micros, **values)


def test_a_guest_order_and_an_account_with_one_address_are_one_person():
    (found,) = persons([buyer(3, "a@b.example"), buyer(9, "a@b.example", 2, 7_000_000, first=BEFORE)])
    assert (found.account, found.orders, found.micros, found.first, found.last) == (9, 3, 12_000_000, BEFORE, IN)


def test_accounts_without_an_address_stay_apart():
    assert len(persons([buyer(3), buyer(4), buyer(None)])) == 3


def test_who_bought_before_returns():
    old = buyer(1, "a@b.example", orders=0, micros=0, ever=9_000_000, first=BEFORE, last=BEFORE)
    found = of_customers([old, buyer(2, "a@b.example"), buyer(3, "new@b.example")], MARCH)
    assert (found["customers"], found["accounts"], found["new"], found["returning"]) == (2, 2, 1, 1)
    assert (found["new_total"], found["returning_total"]) == (Decimal("5.000000"), Decimal("5.000000"))
    assert found["lifetime"].total == Decimal("19.000000")


def test_who_only_bought_before_counts_for_recency_alone():
    old = buyer(1, orders=0, micros=0, ever=9_000_000, first=BEFORE, last=date(2025, 2, 27))
    found = of_customers([old], MARCH)
    assert (found["customers"], found["recency_days"].median, found["lifetime"].count) == (0, 32.0, 1)
    assert [band.count for band in found["recency"]] == [0, 1, 0, 0, 0]
    assert found["best"] == []


ROWS = st.builds(
    buyer,
    st.integers(1, 40),
    st.sampled_from(["", "a@b.example", "c@d.example", "e@f.example"]),
    st.integers(0, 6),
    st.integers(0, 10**9),
    first=st.dates(date(2024, 1, 1), date(2025, 3, 1)),
    last=st.dates(date(2025, 3, 1), date(2025, 3, 31)),
)


@settings(deadline=None)
@given(st.lists(ROWS, max_size=30, unique_by=lambda row: row.account))
def test_nobody_and_nothing_gets_lost(rows):
    found = of_customers(rows, MARCH)
    assert found["new"] + found["returning"] == found["customers"] == sum(b.count for b in found["frequency"])
    assert sum(band.count for band in found["recency"]) == found["lifetime"].count == len(persons(rows))
    assert found["lifetime"].total == Decimal(sum(row.ever for row in rows)) / 10**6
    assert found["per_customer"].count == found["customers"]
    assert found["recency_days"].count == 0 or 0 <= found["recency_days"].median <= 30

"""Differences are kept until they are mended."""

from __future__ import annotations

from connector.engine.ports import Difference
from connector.mirror.db import Mirror
from tests.mirror.world import SHOP

FOUND = [
    Difference("orders", 2, "differing", ("total_paid", "order_rows[0].unit_price")),
    Difference("orders", 1, "missing"),
    Difference("customers", 9, "extra"),
]


def test_they_come_back_by_resource_and_id(mirror: Mirror) -> None:
    mirror.differences.add(SHOP, FOUND)
    assert mirror.differences.listing(SHOP) == [FOUND[2], FOUND[1], FOUND[0]]
    assert mirror.differences.listing(SHOP, "orders", 1) == [FOUND[1]]
    assert mirror.differences.counts(SHOP) == {"orders": {"differing": 1, "missing": 1}, "customers": {"extra": 1}}


def test_a_row_that_is_noted_again_is_noted_once(mirror: Mirror) -> None:
    mirror.differences.add(SHOP, FOUND)
    mirror.differences.add(SHOP, [Difference("orders", 1, "extra")])
    assert mirror.differences.listing(SHOP, "orders")[0] == Difference("orders", 1, "extra")
    assert len(mirror.differences.listing(SHOP)) == 3


def test_they_are_forgotten_by_row_by_resource_and_by_shop(mirror: Mirror) -> None:
    mirror.differences.add(SHOP, FOUND)
    mirror.differences.add("another", FOUND)
    mirror.differences.forget(SHOP, "orders", [1, 77])
    assert [d.row_id for d in mirror.differences.listing(SHOP, "orders")] == [2]
    mirror.differences.forget(SHOP, "orders")
    assert [d.resource for d in mirror.differences.listing(SHOP)] == ["customers"]
    mirror.differences.forget(SHOP)
    assert mirror.differences.listing(SHOP) == []
    assert len(mirror.differences.listing("another")) == 3

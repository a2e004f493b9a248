"""What the mirror tells of its contents, for comparison with the shop."""

from __future__ import annotations

from datetime import timedelta

from connector.core.compare import differing
from connector.core.convert import Converter
from connector.engine.ports import Broken, Held
from connector.mirror.db import Mirror
from tests.mirror.world import CUSTOMERS, MESSAGES, NOW, ORDERS, SHOP, STATES, customer

ORDER = {
    "id": "7",
    "reference": "ABC",
    "id_customer": "3",
    "current_state": "0",
    "total_paid": "0.1",
    "date_upd": "2025-03-30 02:30:00",
    "associations": {
        "order_rows": [
            {"id": "2", "id_order_detail": "2", "product_name": "b ]]> b", "unit_price": "1234567.891235"},
            {"id": "1", "id_order_detail": "1", "product_name": "a", "unit_price": "0.000001"},
        ]
    },
}


def test_a_loaded_row_is_equal_to_the_one_that_was_stored(mirror: Mirror) -> None:
    row = Converter(ORDERS, None).row(ORDER)
    mirror.rows.store(SHOP, ORDERS, [row], None, asked_at=NOW)
    loaded = mirror.contents.load(SHOP, ORDERS, [7, 8])
    assert set(loaded) == {7}
    assert differing(loaded[7], row) == []
    assert [part["id_order_detail"] for part in loaded[7].children["order_rows"]] == [2, 1]
    assert loaded[7].date_upd_local == "2025-03-30 02:30:00"


def test_texts_come_back_by_language(mirror: Mirror) -> None:
    state = {"id": 2, "name": {"1": "Paid", "2": "Payé"}, **dict.fromkeys((f.name for f in STATES.fields), "1")}
    row = Converter(STATES, None).row(state)
    mirror.rows.store(SHOP, STATES, [row], None, asked_at=NOW)
    assert differing(mirror.contents.load(SHOP, STATES, [2])[2], row) == []


def test_ids_come_in_windows_and_by_value(mirror: Mirror) -> None:
    rows = [customer(n, id_shop=n % 2 or None) for n in range(1, 11)]
    mirror.rows.store(SHOP, CUSTOMERS, rows, None, asked_at=NOW)
    ids = mirror.contents.ids_between
    assert ids(SHOP, "customers", 3, 6) == {4, 5, 6}
    assert ids(SHOP, "customers", 8, None) == {9, 10}
    assert ids(SHOP, "customers", 0, None, Held("id_shop", (1,))) == {1, 3, 5, 7, 9}
    assert ids(SHOP, "customers", 0, None, Held("id_shop", (None,))) == {2, 4, 6, 8, 10}
    assert ids(SHOP, "customers", 0, None, Held("id_shop", (1,), none_of=True)) == {2, 4, 6, 8, 10}
    assert ids("another", "customers", 0, None) == set()


def test_one_column_comes_by_id_in_windows(mirror: Mirror) -> None:
    rows = [customer(n, id_shop=n % 2 or None) for n in range(1, 6)]
    mirror.rows.store(SHOP, CUSTOMERS, rows, None, asked_at=NOW)
    values = mirror.contents.values_between
    assert values(SHOP, "customers", "id_shop", 1, 4) == {2: None, 3: 1, 4: None}
    assert values(SHOP, "customers", "nothing", 1, 4) == values(SHOP, "nothing", "id_shop", 1, 4) == {}


def test_quarantined_rows_are_told_by_id(mirror: Mirror) -> None:
    broken = [Broken(5, "unreadable", b"?"), Broken(None, "unreadable", b"!"), Broken(9, "unreadable", b"?")]
    mirror.rows.store(SHOP, MESSAGES, [], None, broken, asked_at=NOW)
    assert mirror.contents.quarantined_between(SHOP, "customer_messages", 0, 8) == {5}
    assert mirror.contents.quarantined_between(SHOP, "customer_messages", 0, None) == {5, 9}


def test_a_repair_writes_whatever_the_digest_says_and_leaves_newer_rows_alone(mirror: Mirror) -> None:
    row = Converter(ORDERS, None).row(ORDER)
    mirror.rows.store(SHOP, ORDERS, [row], None, asked_at=NOW)
    assert mirror.rows.store(SHOP, ORDERS, [row], None, asked_at=NOW).changed == 1
    assert mirror.rows.store(SHOP, ORDERS, [row], None, asked_at=NOW - timedelta(seconds=1)).unchanged == 1


def test_parts_without_their_row_do_not_hinder_a_repair(mirror: Mirror) -> None:
    row = Converter(ORDERS, None).row(ORDER)
    mirror.rows.store(SHOP, ORDERS, [row], None, asked_at=NOW)
    with mirror.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM orders")
    assert mirror.rows.store(SHOP, ORDERS, [row], None, asked_at=NOW).new == 1
    assert differing(mirror.contents.load(SHOP, ORDERS, [7])[7], row) == []

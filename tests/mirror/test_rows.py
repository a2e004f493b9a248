from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, text

from connector.core.mapping import Field
from connector.engine.ports import Broken, Stored
from connector.errors import DataError, StateError
from connector.mirror.db import Mirror, open_mirror
from connector.mirror.own_tables import thread_change
from tests.mirror.world import (
    BY_NAME,
    CUSTOMERS,
    NOW,
    ORDERS,
    RESOURCES,
    SHOP,
    STATES,
    THREADS,
    customer,
    order,
    row,
    thread,
)


def read(mirror: Mirror, table: str) -> list[dict]:
    """Every row of a table, by its key."""
    target = mirror.rows._tables.any(table)
    with mirror.database.read() as connection:
        found = connection.execute(select(target).order_by(*target.primary_key)).mappings()
        return [dict(one) for one in found]


class TestStoring:
    def test_a_row_is_new_then_unchanged_then_changed(self, mirror: Mirror) -> None:
        assert mirror.rows.store(SHOP, CUSTOMERS, [customer(1)], None) == Stored(new=1)
        assert mirror.rows.store(SHOP, CUSTOMERS, [customer(1)], None) == Stored(unchanged=1)
        both = [customer(1, active=False), customer(2)]
        assert mirror.rows.store(SHOP, CUSTOMERS, both, None) == Stored(new=1, changed=1)
        assert [r["active"] for r in read(mirror, "customers")] == [False, True]

    def test_values_come_back_with_the_types_they_went_in_with(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, CUSTOMERS, [customer(1)], None)
        mirror.rows.store(SHOP, ORDERS, [order(5, total_paid=Decimal("1234567.891234"))], None)
        kept = read(mirror, "customers")[0]
        assert kept["birthday"] == date(1980, 2, 29)
        assert kept["date_upd"] == NOW
        assert kept["date_upd"].tzinfo is UTC
        assert kept["date_upd_local"] == "2025-03-30 11:15:00"
        assert kept["date_add"] is None
        assert kept["active"] is True
        assert kept["lastname"] == "Müller"
        assert kept["pulled_at"] == NOW
        paid = read(mirror, "orders")[0]["total_paid"]
        assert isinstance(paid, Decimal)
        assert str(paid) == "1234567.891234"

    def test_of_two_rows_with_one_id_in_a_page_the_last_one_counts(self, mirror: Mirror) -> None:
        page = [customer(1, firstname="Old"), customer(1, firstname="New")]
        assert mirror.rows.store(SHOP, CUSTOMERS, page, None) == Stored(new=1)
        assert [r["firstname"] for r in read(mirror, "customers")] == ["New"]

    def test_languages_and_associations_follow_their_row(self, mirror: Mirror) -> None:
        names = ({"id_lang": 1, "name": "Payé"}, {"id_lang": 2, "name": "Paid"})
        mirror.rows.store(SHOP, STATES, [row(2, names, paid=True)], None)
        mirror.rows.store(SHOP, ORDERS, [order(5, "mug", "cap", "pen"), order(6, "bag")], None)
        mirror.rows.store(SHOP, STATES, [row(2, names[:1], paid=True)], None)
        mirror.rows.store(SHOP, ORDERS, [order(5, "pen")], None)
        assert [(r["id"], r["id_lang"], r["name"]) for r in read(mirror, "order_states_lang")] == [(2, 1, "Payé")]
        lines = [(r["parent_id"], r["position"], r["product_name"]) for r in read(mirror, "order_rows")]
        assert lines == [(5, 0, "pen"), (6, 0, "bag")]

    def test_a_page_without_news_writes_nothing(self, mirror: Mirror, tmp_path: Path) -> None:
        def written() -> object:
            if mirror.database.is_sqlite:
                return (tmp_path / "mirror.db-wal").stat().st_size
            with mirror.database.read() as connection:  # the number that the next writing transaction will have
                return connection.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")).scalar()

        page = [order(n, "mug") for n in range(50)]
        mirror.rows.store(SHOP, ORDERS, page, {"id": 49})
        before = written()
        assert mirror.rows.store(SHOP, ORDERS, page, {"id": 49}) == Stored(unchanged=50)
        assert written() == before
        mirror.rows.store(SHOP, ORDERS, page, {"id": 50})
        assert written() != before

    def test_two_shops_keep_apart(self, mirror: Mirror) -> None:
        mirror.rows.store("paris", CUSTOMERS, [customer(1)], {"at": 1})
        mirror.rows.store("rome", CUSTOMERS, [customer(1), customer(2)], None)
        assert mirror.rows.count("paris", "customers") == 1
        assert mirror.rows.count("rome", "customers") == 2
        assert mirror.rows.cursor("rome", "customers") is None

    def test_text_that_no_database_can_keep_is_mended_not_refused(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, CUSTOMERS, [customer(1, firstname="a\0b", lastname="cut \ud83d, whole 😀")], None)
        kept = read(mirror, "customers")[0]
        assert (kept["firstname"], kept["lastname"]) == ("a\ufffdb", "cut \ufffd, whole 😀")

    def test_a_number_beyond_64_bits_is_an_error_of_ours_and_leaves_nothing(self, mirror: Mirror) -> None:
        with pytest.raises(StateError) as refused:
            mirror.rows.store(SHOP, CUSTOMERS, [customer(1), customer(2, id_lang=2**70)], {"id": 2})
        assert refused.value.code == "mirror.value_refused"
        assert mirror.rows.count(SHOP, "customers") == 0
        assert mirror.rows.cursor(SHOP, "customers") is None

    def test_a_resource_that_was_not_declared_is_refused(self, mirror: Mirror) -> None:
        with pytest.raises(DataError) as refused:
            mirror.rows.store(SHOP, replace(CUSTOMERS, table="nobody"), [customer(1)], None)
        assert refused.value.code == "mirror.unknown_table"


class TestCursor:
    def test_it_moves_with_its_page_and_stays_when_none_is_given(self, mirror: Mirror) -> None:
        assert mirror.rows.cursor(SHOP, "customers") is None
        mirror.rows.store(SHOP, CUSTOMERS, [customer(1)], {"date_upd": "2025-01-01 00:00:00", "id": 1})
        mirror.rows.store(SHOP, CUSTOMERS, [customer(2)], None)
        assert mirror.rows.cursor(SHOP, "customers") == {"date_upd": "2025-01-01 00:00:00", "id": 1}

    def test_a_new_field_makes_the_pull_begin_anew(self, mirror: Mirror, mirror_url: str) -> None:
        mirror.rows.store(SHOP, CUSTOMERS, [customer(1)], {"id": 1})
        mirror.rows.store(SHOP, ORDERS, [order(1)], {"id": 1})
        wider = replace(CUSTOMERS, fields=(*CUSTOMERS.fields, Field("siret", "text"), Field("seen", "datetime")))
        others = [item for item in RESOURCES if item is not CUSTOMERS]
        again = open_mirror(mirror_url, [wider, *others])
        try:
            assert set(again.changes) == {
                "add column customers.siret",
                "add column customers.seen",
                "add column customers.seen_local",
            }
            assert again.rows.cursor(SHOP, "customers") is None
            assert again.rows.cursor(SHOP, "orders") == {"id": 1}
            assert again.rows.rereads(SHOP) == ["customers"]
            again.rows.store(SHOP, wider, [customer(1, siret="123")], {"id": 1})
            assert again.rows.cursor(SHOP, "customers") == {"id": 1}
            assert again.rows.rereads(SHOP) == []
        finally:
            again.close()


class TestQuarantine:
    def test_a_broken_row_is_kept_with_its_bytes_and_counted(self, mirror: Mirror) -> None:
        broken = [Broken(7, "no form gives it", b"<a>\x01"), Broken(None, "no id", b"??")]
        mirror.rows.store(SHOP, CUSTOMERS, [], {"id": 7}, broken)
        mirror.rows.store(SHOP, CUSTOMERS, [], {"id": 7}, broken)
        held = mirror.quarantine.list(SHOP)
        assert [(q.row_id, q.reason, q.attempts) for q in held] == [(7, "no form gives it", 2), (None, "no id", 2)]
        assert mirror.quarantine.get(held[0].id).raw == b"<a>\x01"
        assert mirror.rows.cursor(SHOP, "customers") == {"id": 7}

    def test_a_row_that_can_be_read_now_leaves_even_when_it_was_mirrored_before(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, CUSTOMERS, [customer(7)], None)
        mirror.rows.store(SHOP, CUSTOMERS, [], None, [Broken(7, "bad", b""), Broken(8, "bad", b"")])
        mirror.rows.store(SHOP, CUSTOMERS, [customer(7)], None)
        assert [q.row_id for q in mirror.quarantine.list(SHOP, "customers")] == [8]

    def test_a_person_can_drop_one_once(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, CUSTOMERS, [], None, [Broken(7, "bad", b"")])
        number = mirror.quarantine.list()[0].id
        mirror.quarantine.drop(number)
        assert mirror.quarantine.list() == []
        for again in (mirror.quarantine.drop, mirror.quarantine.get):
            with pytest.raises(DataError) as refused:
                again(number)
            assert refused.value.code == "quarantine.unknown_row"


class TestAsking:
    def test_ids_are_found_by_value_and_by_null(self, mirror: Mirror) -> None:
        rows = [thread(1), thread(2, status="closed"), thread(3, status=None)]
        mirror.rows.store(SHOP, THREADS, rows, None)
        assert mirror.rows.ids_where(SHOP, "customer_threads", "status", "open") == {1}
        assert mirror.rows.ids_where(SHOP, "customer_threads", "status", None) == {3}
        assert mirror.rows.all_ids(SHOP, "customer_threads") == {1, 2, 3}

    def test_what_is_not_mapped_is_empty_and_a_missing_column_is_said(self, mirror: Mirror) -> None:
        assert mirror.rows.all_ids(SHOP, "products") == set()
        assert mirror.rows.ids_where(SHOP, "products", "name", "x") == set()
        assert mirror.rows.count(SHOP, "products") == 0
        with pytest.raises(DataError) as refused:
            mirror.rows.ids_where(SHOP, "customers", "shoe_size", 42)
        assert refused.value.code == "mirror.unknown_column"


class TestPatching:
    def test_an_effect_shows_at_once_and_the_next_pull_brings_the_truth(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, THREADS, [thread(1)], None)
        mirror.rows.patch(SHOP, "customer_threads", 1, {"status": "closed", "not_mapped": 1})
        assert mirror.lookups.thread(SHOP, 1).status == "closed"
        assert mirror.rows.store(SHOP, THREADS, [thread(1)], None) == Stored(changed=1)
        assert mirror.lookups.thread(SHOP, 1).status == "open"

    def test_a_row_that_we_created_in_the_shop_can_be_looked_up_before_the_pull(self, mirror: Mirror) -> None:
        mirror.rows.patch(SHOP, "customer_threads", 9, {"email": "Ünal@Example.org", "token": "T9", "status": "open"})
        assert [t.id for t in mirror.lookups.threads_by_token(SHOP, "T9")] == [9]
        assert [t.id for t in mirror.lookups.open_threads_by_email(SHOP, "ünal@example.org")] == [9]

    def test_patching_what_is_not_mapped_does_nothing(self, mirror: Mirror) -> None:
        mirror.rows.patch(SHOP, "products", 1, {"name": "x"})
        mirror.rows.patch(SHOP, "customers", 1, {"shoe_size": 42})
        assert mirror.rows.count(SHOP, "customers") == 0


class TestRemoving:
    def test_rows_leave_with_their_parts_and_a_tombstone_until_they_come_back(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, ORDERS, [order(1, "mug"), order(2, "cap")], None)
        assert mirror.rows.remove(SHOP, ORDERS, [1, 99]) == 1
        assert mirror.rows.all_ids(SHOP, "orders") == {2}
        assert [r["parent_id"] for r in read(mirror, "order_rows")] == [2]
        with mirror.database.read() as connection:
            assert connection.execute(text("SELECT resource, row_id FROM tombstone")).all() == [("orders", 1)]
        mirror.rows.store(SHOP, ORDERS, [order(1, "mug")], None)
        with mirror.database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM tombstone")).scalar() == 0


def test_dates_far_from_now_survive(mirror: Mirror) -> None:
    early = datetime(1, 1, 1, tzinfo=UTC)
    mirror.rows.store(SHOP, BY_NAME["order_histories"], [row(1, id_order=1, date_add=early)], None)
    assert read(mirror, "order_histories")[0]["date_add"] == early


class TestStatusesOfThreads:
    def test_a_change_that_is_read_is_kept_with_when_it_was_seen(self, mirror: Mirror) -> None:
        store = mirror.rows.store
        store(SHOP, THREADS, [thread(1), thread(2)], None)
        store(SHOP, THREADS, [thread(1, status="closed"), thread(2, id_order=5), thread(3)], None)
        store(SHOP, THREADS, [thread(1, status="closed", id_order=7)], None)
        (found,) = (one | {"id": 0} for one in changes(mirror))
        assert found == {
            "id": 0, "shop": SHOP, "id_thread": 1, "was": "open", "became": "closed", "origin": "shop", "at": NOW,
        }  # fmt: skip

    def test_a_change_of_ours_is_told_apart_and_not_seen_twice(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, THREADS, [thread(1, status="closed")], None)
        mirror.rows.patch(SHOP, "customer_threads", 1, {"status": "open"})
        mirror.rows.patch(SHOP, "customer_threads", 9, {"status": "open"})  # a new one has not changed
        mirror.rows.store(SHOP, THREADS, [thread(1, status="open", token="other")], None)
        assert [(one["id_thread"], one["became"], one["origin"]) for one in changes(mirror)] == [(1, "open", "ours")]


def changes(mirror: Mirror) -> list[dict]:
    with mirror.database.read() as connection:
        return [dict(one) for one in connection.execute(select(thread_change).order_by(thread_change.c.id)).mappings()]

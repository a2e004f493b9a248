"""Rows that are gone from the shop leave the mirror, and only those."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.core.cursor import Moment, begin
from connector.core.mapping import parse
from connector.engine import census
from connector.errors import ShopUnavailable
from connector.ops import events as ev
from tests.support.pulling import SHOP, bench
from tests.support.simshop import READ, SimShop

NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)
ORDERS = parse(
    'pull = "delta"\nper_shop = true\n[fields]\ntotal = "int"\ndate_upd = "datetime"\n',
    "orders.toml",
)
CONTACTS = parse('pull = "snapshot"\n[fields]\nemail = "text"\n', "contacts.toml")
RESOURCES = [ORDERS, CONTACTS]


@pytest.fixture
def place(tmp_path):
    shop = SimShop(NOON)
    for row_id in range(1, 201):
        shop.put("orders", row_id, total="5")
    for row_id in (1, 2, 3):
        shop.put("contacts", row_id, email=f"contact{row_id}@example.com")
    with bench(tmp_path, shop, RESOURCES) as made:
        made.pull(page_size=100).run()
        shop.pass_time(86400)
        made.pull(page_size=100).run()
        shop.questions.clear()
        yield made


def lose(place, table, ids):
    for row_id in list(ids):
        del place.shop.tables[table][row_id]


def here(place, table="orders"):
    return {row[0] for row in place.rows(f"select id from {table}")}


def test_when_nothing_is_gone_one_list_of_ids_a_resource_is_all_it_costs(place):
    report = place.deletions().run()
    assert report.counts == {"gone": 0, "fetched": 0, "requests": 2}
    assert all(query.display == () for _, query in place.shop.questions)


def test_rows_that_are_gone_leave_a_tombstone(place):
    lose(place, "orders", (3, 50, 200))
    report = place.deletions().run()
    assert report.resources["orders"].gone == 3
    assert here(place) == set(place.shop.tables["orders"])
    assert place.mirror.contents.tombstones(SHOP) == {"orders": {"deleted": 3}}
    assert place.heard.of(ev.ROWS_DELETED) == [{"shop": SHOP, "resource": "orders", "count": 3}]
    assert place.deletions().run().counts["gone"] == 0


def test_a_row_that_comes_back_loses_its_tombstone(place):
    lose(place, "orders", [9])
    place.deletions().run()
    place.shop.put("orders", 9, total="6", date_upd="2020-01-01 00:00:00")
    report = place.deletions().run()
    assert (report.counts["gone"], report.counts["fetched"]) == (0, 1)
    assert 9 in here(place)
    assert place.mirror.contents.tombstones(SHOP) == {}


def test_windows_find_the_same_as_one_list(place, monkeypatch):
    monkeypatch.setattr(census.Census.__init__, "__defaults__", (("",), 7))
    lose(place, "orders", (1, 7, 8, 99, 200))
    with place.mirror.database.write() as connection:
        connection.exec_driver_sql("delete from orders where id in (2, 150)")
    report = place.deletions().run()
    assert (report.counts["gone"], report.counts["fetched"]) == (5, 2)
    assert report.resources["orders"].requests > 20
    assert here(place) == set(place.shop.tables["orders"])


def test_when_too_much_is_gone_nothing_is_marked_and_the_guard_says_so(place):
    lose(place, "orders", range(1, 22))
    lose(place, "contacts", [1])
    report = place.deletions().run()
    (tripped,) = report.guards
    assert report.errors == [tripped]
    assert tripped.facts == {"resource": "orders", "gone": 21, "known": 200, "percent": 10}
    assert len(here(place)) == 200
    assert here(place, "contacts") == {2, 3}
    assert place.mirror.contents.tombstones(SHOP) == {"contacts": {"deleted": 1}}
    assert place.heard.of(ev.GUARD_TRIPPED)[0]["resource"] == "orders"


def test_the_guard_is_lifted_for_the_resource_that_is_named(place):
    lose(place, "orders", range(1, 201))
    lose(place, "contacts", (1, 2, 3))
    report = place.deletions().run(allowed=["orders"])
    assert [one.facts["resource"] for one in report.guards] == ["contacts"]
    assert here(place) == set()
    assert len(here(place, "contacts")) == 3


def test_the_setting_says_how_much_is_too_much(place):
    lose(place, "orders", range(1, 101))
    assert place.deletions(most_percent=49).run().guards
    assert not place.deletions(most_percent=50).run().guards
    assert len(here(place)) == 100


def test_a_row_that_the_second_look_finds_stays(place):
    lost = place.shop.tables["orders"].pop(7)
    fresh = place.shop.before_answer

    def comes_back(resource, query):
        if any(f.op == "any" for f in query.filters):
            place.shop.tables["orders"][7] = lost

    place.shop.before_answer = comes_back
    assert place.deletions().run().counts["gone"] == 0
    place.shop.before_answer = fresh
    assert 7 in here(place)


def test_a_quarantined_row_that_is_gone_leaves_the_quarantine(place):
    place.shop.put("orders", 201, total="five")
    place.shop.pass_time(60)
    place.pull(page_size=100).run()
    assert [held.row_id for held in place.mirror.quarantine.list(SHOP)] == [201]
    assert place.deletions().run().counts["fetched"] == 0  # it is known, and not asked for again and again
    lose(place, "orders", [201])
    place.deletions().run()
    assert place.mirror.quarantine.list(SHOP) == []


def test_before_the_first_pull_has_ended_nothing_is_compared(place):
    begun = begin(ORDERS.pull, None, Moment(NOON))
    place.mirror.rows.store(SHOP, ORDERS, [], begun)
    lose(place, "orders", [1])
    report = place.deletions().run()
    assert list(report.resources) == ["contacts"]
    assert 1 in here(place)


def test_a_resource_that_fails_is_reported_and_one_that_is_forbidden_left_out(place):
    place.shop.rights = {"orders": READ}

    def fails(resource, query):
        raise ShopUnavailable("shop.unavailable")

    place.shop.before_answer = fails
    report = place.deletions().run()
    assert [error.code for error in report.errors] == ["shop.unavailable"]
    assert len(place.shop.questions) == 1
    assert len(here(place)) == 200


def test_asked_to_stop_half_way_nothing_is_marked(place, monkeypatch):
    monkeypatch.setattr(census.Census.__init__, "__defaults__", (("",), 50))
    lose(place, "orders", [1])
    report = place.deletions().run(stop=lambda: len(place.shop.questions) >= 2, only=["orders"])
    assert report.stopped
    assert 1 in here(place)


def test_the_rows_of_every_shop_are_counted(tmp_path):
    shop = SimShop(NOON)
    for row_id in range(1, 41):
        shop.put("orders", row_id, total="5", id_shop=str(1 + row_id % 2))
    passes = {"id_shops": lambda: ("1", "2")}
    with bench(tmp_path, shop, RESOURCES) as place:
        for _ in range(2):
            place.pull(**passes).run()
            shop.pass_time(86400)
        lose(place, "orders", (3, 4))
        report = place.deletions(**passes).run()
        assert report.resources["orders"].gone == 2
        assert here(place) == set(shop.tables["orders"])

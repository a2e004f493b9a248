"""What rows point to is brought in, or noted as absent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.core.mapping import parse
from connector.errors import ShopRejected
from tests.support.pulling import SHOP, bench
from tests.support.simshop import READ, SimShop

NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)
ORDERS = parse(
    'pull = "delta"\n[fields]\nid_customer = "ref to customers"\n'
    'id_carrier = "ref to carriers"\ndate_upd = "datetime"\n',
    "orders.toml",
)
CUSTOMERS = parse('pull = "delta"\n[fields]\nemail = "text"\ndate_upd = "datetime"\n', "customers.toml")
CARRIERS = parse('pull = "snapshot"\n[fields]\nname = "text"\n', "carriers.toml")
RESOURCES = [ORDERS, CUSTOMERS, CARRIERS]


@pytest.fixture
def place(tmp_path):
    shop = SimShop(NOON)
    for row_id in range(1, 11):
        shop.put("customers", row_id, email=f"customer{row_id}@example.com")
        shop.put("orders", row_id, id_customer=str(row_id), id_carrier="1")
    shop.put("carriers", 1, name="Post")
    with bench(tmp_path, shop, RESOURCES) as made:
        for _ in range(2):
            made.pull().run()
            shop.pass_time(86400)
        shop.questions.clear()
        yield made


def order(place, row_id, **fields):
    place.shop.put("orders", row_id, **{"id_customer": "1", "id_carrier": "1", **fields})
    place.shop.pass_time(60)
    place.pull().run(["orders"])
    place.shop.questions.clear()


def test_when_everything_is_there_nothing_is_asked(place):
    assert place.relations().run().counts == {"fetched": 0, "absent": 0, "requests": 0}
    assert place.shop.questions == []


def test_a_row_that_slipped_past_the_pull_is_brought_in(place):
    with place.mirror.database.write() as connection:
        connection.exec_driver_sql("delete from customers where id = 4")
    assert place.relations().run().counts == {"fetched": 1, "absent": 0, "requests": 1}
    assert place.mirror.rows.count(SHOP, "customers") == 10


def test_what_the_shop_does_not_have_is_noted_once(place):
    order(place, 11, id_customer="99")
    assert place.relations().run().counts == {"fetched": 0, "absent": 1, "requests": 1}
    assert place.mirror.contents.tombstones(SHOP) == {"customers": {"referenced": 1}}
    assert place.relations().run().requests == 0


def test_what_comes_later_after_all_loses_its_note(place):
    order(place, 11, id_customer="99")
    place.relations().run()
    place.shop.put("customers", 99, email="late@example.com")
    place.shop.pass_time(60)
    place.pull().run(["customers"])
    assert place.mirror.contents.tombstones(SHOP) == {}
    assert place.mirror.rows.count(SHOP, "customers") == 11


def test_an_id_of_zero_points_to_nothing(place):
    order(place, 11, id_customer="0")
    assert place.relations().run().requests == 0


def test_a_target_that_the_key_may_not_read_is_left_alone(place):
    order(place, 11, id_customer="99", id_carrier="77")
    place.shop.rights = {"orders": READ, "carriers": READ}
    place.relations().run()
    assert place.mirror.contents.tombstones(SHOP) == {"carriers": {"referenced": 1}}
    place.shop.rights = None  # the right is given: nothing was passed over meanwhile
    place.relations().run()
    assert place.mirror.contents.tombstones(SHOP) == {"carriers": {"referenced": 1}, "customers": {"referenced": 1}}


def test_more_than_a_hundred_are_asked_for_in_parts(place):
    for row_id in range(11, 261):
        place.shop.put("orders", row_id, id_customer=str(1000 + row_id), id_carrier="1")
    place.shop.pass_time(60)
    place.pull(page_size=500).run(["orders"])
    assert place.relations().run().counts == {"fetched": 0, "absent": 250, "requests": 3}


def test_a_fault_of_the_shop_is_reported_and_made_good_by_the_next_run(place):
    order(place, 11, id_customer="99")

    def fails(resource, query):
        raise ShopRejected("shop.refused")

    place.shop.before_answer = fails
    report = place.relations().run()
    assert [error.code for error in report.errors] == ["shop.refused"]
    assert place.mirror.contents.tombstones(SHOP) == {}
    place.shop.before_answer = lambda resource, query: None
    assert place.relations().run().absent == 1


def test_what_is_quarantined_is_not_asked_for_again(place):
    place.shop.put("customers", 99, email="x@example.com")
    place.shop.broken = {"customers": {99}}
    order(place, 11, id_customer="99")
    assert place.relations().run().counts == {"fetched": 0, "absent": 0, "requests": 1}
    assert [held.row_id for held in place.mirror.quarantine.list(SHOP)] == [99]
    assert place.relations().run().requests == 0

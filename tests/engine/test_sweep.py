"""Sweeps find what no date tells of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.core.cursor import Moment, begin
from connector.core.mapping import parse
from connector.engine.census import WINDOW
from connector.errors import ShopForbidden, ShopUnavailable
from connector.ops import events as ev
from tests.support.pulling import SHOP, bench
from tests.support.simshop import READ, SimShop

NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)

THREADS = parse(
    'pull = "delta"\n[fields]\nstatus = "text"\nid_contact = "ref"\ndate_upd = "datetime"\n[sweeps]\n'
    'status = ["open", "closed", "pending1", "*"]\nid_contact = "contacts"\n',
    "customer_threads.toml",
)
SLIPS = parse(
    'pull = "delta"\n[fields]\nid_order = "ref"\nnote = "text"\ndate_upd = "datetime"\n[sweeps]\n'
    "id_order = { every = true }\nnote = { filled = true }\n",
    "order_slip.toml",
)
CONTACTS = parse('pull = "snapshot"\n[fields]\nemail = "text"\n', "contacts.toml")
MESSAGES = parse('pull = "id"\n[fields]\nread = "bool"\n[sweeps]\nread = ["0"]\n', "customer_messages.toml")
CARRIERS = parse(
    'pull = "id"\n[fields]\nid_order = "ref"\ntracking_number = "text"\ndate_add = "datetime"\n[sweeps]\n'
    'tracking_number = { days = 60, through = { id_order = "orders" } }\n',
    "order_carriers.toml",
)
ORDERS = parse('pull = "delta"\n[fields]\ndate_upd = "datetime"\n', "orders.toml")
RESOURCES = [THREADS, CONTACTS, MESSAGES, CARRIERS, ORDERS, SLIPS]


@pytest.fixture
def place(tmp_path):
    shop = SimShop(NOON)
    for row_id in (1, 2):
        shop.put("contacts", row_id, email=f"contact{row_id}@example.com")
    for row_id in range(1, 41):
        shop.put("customer_threads", row_id, status="open", id_contact=str(row_id % 3))
        shop.put("customer_messages", row_id, read="0")
        shop.put("orders", row_id)
        shop.put("order_slip", row_id, id_order=str(row_id % 3), note="a" if row_id < 5 else "")
        added = "2025-01-01 00:00:00" if row_id <= 20 else "2026-06-01 00:00:00"
        shop.put("order_carriers", row_id, id_order=str(row_id), tracking_number="", date_add=added)
        shop.tables["orders"][row_id]["date_upd"] = added
    with bench(tmp_path, shop, RESOURCES) as made:
        made.pull(page_size=100).run()
        shop.pass_time(86400)
        shop.put("customer_threads", 50, status="open", id_contact="1")
        made.pull(page_size=100).run()
        shop.questions.clear()
        yield made


def by_sql(place, table, row_id, **fields):
    """Change a row the way the back office does in places: without touching any date."""
    place.shop.tables[table][row_id].update(fields)


def column(place, table, name):
    return dict(place.rows(f"select id, {name} from {table}"))


def test_when_nothing_changed_only_lists_of_ids_are_asked_for(place):
    report = place.sweeps().run(only=["customer_threads", "customer_messages"])
    assert (report.differing, report.stored.changed, report.errors) == (0, 0, [])
    assert all(query.display == () and query.limit == WINDOW for _, query in place.shop.questions)
    assert report.requests == len(place.shop.questions) == 4 + 3 + 1


def test_a_status_set_in_the_back_office_is_found(place):
    by_sql(place, "customer_threads", 7, status="closed")
    by_sql(place, "customer_threads", 8, status="pending1")
    assert place.pull().run().changed == 0
    report = place.sweeps().run()
    assert report.differing == 2
    assert report.stored.changed == 2
    found = column(place, "customer_threads", "status")
    assert (found[7], found[8], found[9]) == ("closed", "pending1", "open")
    assert place.sweeps().run().differing == 0


def test_a_status_that_nobody_listed_is_found_and_left_again(place):
    by_sql(place, "customer_threads", 5, status="")
    place.sweeps().run()
    assert column(place, "customer_threads", "status")[5] == ""
    assert place.sweeps().run().differing == 0
    by_sql(place, "customer_threads", 5, status="open")
    place.sweeps().run()
    assert column(place, "customer_threads", "status")[5] == "open"


def test_a_thread_given_to_another_contact_or_to_none_is_found(place):
    by_sql(place, "customer_threads", 1, id_contact="2")
    by_sql(place, "customer_threads", 2, id_contact="0")
    place.sweeps().run()
    found = column(place, "customer_threads", "id_contact")
    assert (found[1], found[2]) == (2, None)


def test_read_flags_are_followed(place):
    for row_id in range(1, 31):
        by_sql(place, "customer_messages", row_id, read="1")
    report = place.sweeps().run(only=["customer_messages"])
    assert report.stored.changed == 30
    assert sum(column(place, "customer_messages", "read").values()) == 30


def test_rows_that_differ_are_read_a_hundred_at_a_time(place):
    for row_id in range(41, 291):
        place.shop.put("customer_messages", row_id, read="0")
    place.pull(page_size=500).run()
    for row_id in range(1, 251):
        by_sql(place, "customer_messages", row_id, read="1")
    place.shop.questions.clear()
    place.sweeps().run(only=["customer_messages"])
    chosen = [f.values for _, query in place.shop.questions for f in query.filters if f.op == "any"]
    assert [len(values) for values in chosen] == [100, 100, 50]


def test_a_tracking_number_is_found_on_recent_orders_and_on_old_ones_that_changed(place):
    by_sql(place, "order_carriers", 30, tracking_number="6A30")
    by_sql(place, "order_carriers", 10, tracking_number="6A10")
    by_sql(place, "order_carriers", 11, tracking_number="unseen")
    by_sql(place, "orders", 10, date_upd="2026-06-14 00:00:00")
    place.sweeps().run()
    found = column(place, "order_carriers", "tracking_number")
    assert (found[30], found[10], found[11]) == ("6A30", "6A10", "")


def test_a_field_of_any_value_is_read_of_every_row_and_of_those_that_differ_all_the_others(place):
    by_sql(place, "order_slip", 1, id_order="2")
    by_sql(place, "order_slip", 2, id_order="0")
    by_sql(place, "order_slip", 3, id_order="777")
    report = place.sweeps(page_size=15).run(only=["order_slip"])
    found = column(place, "order_slip", "id_order")
    assert (found[1], found[2], found[3], found[4]) == (2, None, 777, 1)
    assert (report.differing, report.stored.changed) == (3, 3)
    asked = [query for _, query in place.shop.questions if query.display == ("id", "id_order")]
    assert [query.limit for query in asked] == [15, 15, 15]
    assert place.sweeps().run(only=["order_slip"]).differing == 0


def test_a_value_that_does_not_fit_has_its_row_read_and_quarantined(place):
    by_sql(place, "order_slip", 9, id_order="nine")
    report = place.sweeps().run(only=["order_slip"])
    assert (report.differing, report.broken, report.errors) == (1, 1, [])


def test_a_text_that_was_filled_in_or_emptied_is_found_by_one_list_of_ids(place):
    by_sql(place, "order_slip", 1, note="")
    by_sql(place, "order_slip", 30, note="new")
    report = place.sweeps().run(only=["order_slip"])
    found = column(place, "order_slip", "note")
    assert (found[1], found[2], found[30]) == ("", "a", "new")
    assert report.differing == 2


def test_rows_that_the_shop_lost_are_counted_and_kept(place):
    del place.shop.tables["customer_threads"][9]
    report = place.sweeps().run()
    assert report.missing == {"customer_threads": {9}}
    assert report.counts["missing"] == 1
    assert 9 in column(place, "customer_threads", "status")


def test_a_row_that_slipped_past_the_pull_is_brought_in(place):
    place.shop.tables["customer_messages"][3]["read"] = "1"
    with place.mirror.database.write() as connection:
        connection.exec_driver_sql("delete from customer_messages where id = 2")
    report = place.sweeps().run()
    assert report.stored.new == 1
    assert 2 in column(place, "customer_messages", "read")


def test_before_the_first_pull_nothing_is_swept(place):
    for resource in (THREADS, MESSAGES, CARRIERS, SLIPS):
        begun = begin(resource.pull, None, Moment(NOON))
        place.mirror.rows.store(SHOP, resource, [], begun)
    assert place.sweeps().run().requests == 0


def test_values_that_do_not_fit_are_quarantined_here_too(place):
    by_sql(place, "customer_threads", 4, status="closed", id_contact="the second")
    report = place.sweeps().run()
    assert report.broken > 0
    assert [held.row_id for held in place.mirror.quarantine.list(SHOP)] == [4]


def test_a_resource_that_fails_is_reported_and_a_forbidden_one_left_out(place):
    place.shop.rights = {name: READ for name in place.shop.tables if name != "customer_messages"}

    def fails(resource, query):
        if resource == "order_carriers":
            raise ShopUnavailable("shop.unavailable")

    place.shop.before_answer = fails
    by_sql(place, "customer_threads", 7, status="closed")
    report = place.sweeps().run()
    assert [error.code for error in report.errors] == ["shop.unavailable"]
    assert [keys["resource"] for keys in place.heard.of(ev.RESOURCE_FAILED)] == ["order_carriers"]
    assert column(place, "customer_threads", "status")[7] == "closed"


def test_a_refused_key_ends_the_sweeps(place):
    def refuses(resource, query):
        raise ShopForbidden("shop.key_refused")

    place.shop.before_answer = refuses
    assert len(place.sweeps().run().errors) == 1
    assert len(place.shop.questions) == 1


def test_asked_to_stop_it_stops(place):
    for row_id in range(1, 11):
        by_sql(place, "customer_threads", row_id, status="closed")
    report = place.sweeps().run(stop=lambda: True)
    assert report.stopped
    assert len(place.shop.questions) == 0

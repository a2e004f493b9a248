"""Rendered rows are kept between requests: never a stale one, and not without bound."""

import json

import pytest

from connector.sandbox.shop import VERSIONS, SandboxShop
from connector.sandbox.shop.rendered import Rendered
from connector.sandbox.shop.store import Store

JSON = "output_format=JSON&display=full"


def listed(shop, resource, query=JSON):
    return next(iter(json.loads(shop.ask("GET", resource, query).body).values()))


def test_a_changed_row_is_shown_as_it_is_now():
    shop = SandboxShop(orders=20)
    listed(shop, "customers")
    shop.update_row("customers", 3, lastname="Changed")
    assert [row["lastname"] for row in listed(shop, "customers") if row["id"] == 3] == ["Changed"]


def test_a_new_message_shows_in_its_thread():
    shop = SandboxShop(orders=20)
    before = next(row for row in listed(shop, "customer_threads") if row["id"] == 2)
    number = shop.put_row("customer_messages", {"id_customer_thread": 2, "message": "again"})
    after = next(row for row in listed(shop, "customer_threads") if row["id"] == 2)
    ids = [int(item["id"]) for item in after["associations"]["customer_messages"]]
    assert ids == [*(int(item["id"]) for item in before["associations"]["customer_messages"]), number]


def test_a_deleted_row_is_gone():
    shop = SandboxShop(orders=20)
    listed(shop, "orders")
    shop.delete_row("orders", 7)
    assert 7 not in {row["id"] for row in listed(shop, "orders")}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_second_answer_is_the_first_byte_for_byte_in_every_form(version):
    shop = SandboxShop(version, orders=20)
    for resource in shop.world.resources:
        for query in ("display=full", JSON, f"{JSON}&language=2", "display=full&language=[1|3]", "display=[id]", ""):
            fresh = SandboxShop(version, orders=20).ask("GET", resource, query) if resource == "orders" else None
            first, second = shop.ask("GET", resource, query), shop.ask("GET", resource, query)
            assert first.body == second.body
            assert fresh is None or fresh.body == first.body


def test_rows_are_kept_until_something_is_written_and_only_up_to_the_limit():
    store = Store(SandboxShop(empty=True).world.resources)
    asked = []

    def render(ids):
        asked.append(list(ids))
        return {number: b"12345" for number in ids if number != 9}

    rendered = Rendered(store, most=10)
    assert rendered.rows("a", [2, 9, 1], render) == [b"12345"] * 2
    assert rendered.rows("a", [1, 2], render) == [b"12345"] * 2
    assert rendered.rows("b", [1], render) == [b"12345"]
    assert rendered.rows("b", [1], render) == [b"12345"]
    assert asked == [[2, 9, 1], [1], [1]]  # beyond the limit each answer is rendered anew
    store.insert("orders", {"reference": "X"})
    rendered.rows("a", [1], render)
    assert asked[3:] == [[1]]

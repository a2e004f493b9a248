from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from connector.core.model import IntentState, MailState
from connector.mirror.db import Mirror, open_mirror
from tests.mirror.world import (
    BY_NAME,
    CUSTOMERS,
    MESSAGES,
    NOW,
    ORDERS,
    SHOP,
    STATES,
    THREADS,
    copy,
    customer,
    message,
    order,
    row,
    thread,
    wish,
)


@pytest.fixture
def filled(mirror: Mirror) -> Mirror:
    store = mirror.rows.store
    store(SHOP, CUSTOMERS, [customer(1)], {"id": 1})
    store(SHOP, ORDERS, [order(5, "mug", "cap")], {"id": 5})
    store(SHOP, THREADS, [thread(1, id_order=5), thread(2, status="closed", id_customer=None), thread(3)], None)
    store(SHOP, MESSAGES, [message(1), message(2, 1, id_employee=4), message(9, 3), message(4, 1, private=True)], None)
    store(SHOP, BY_NAME["employees"], [row(4, firstname="Bob", lastname="Lee")], None)
    names = ({"id_lang": 1, "name": "Payé"}, {"id_lang": 2, "name": "Paid"})
    store(SHOP, STATES, [row(2, names)], None)
    store(SHOP, BY_NAME["order_histories"], [row(1, id_order=5, id_order_state=2, id_employee=4, date_add=NOW)], None)
    store(SHOP, BY_NAME["order_carriers"], [row(1, id_order=5, id_carrier=3, tracking_number="1Z")], None)
    store(SHOP, BY_NAME["order_payments"], [row(1, order_reference="REF5", amount=Decimal("19.98"))], None)
    store("rome", THREADS, [thread(1, email="r@x.org")], None)
    return mirror


class TestThreads:
    def test_the_newest_message_comes_first(self, filled: Mirror) -> None:
        listed = filled.queries.thread_list(SHOP)
        assert [(t["id"], t["messages"], t["last_message_at"]) for t in listed] == [
            (3, 1, "2025-03-30T09:24:00Z"),
            (1, 3, "2025-03-30T09:19:00Z"),
            (2, 0, None),
        ]
        assert listed[1]["customer"] == "Anna Müller"
        assert listed[1]["order_reference"] == "REF5"
        assert listed[2]["customer"] is None
        json.dumps(listed)

    def test_by_shop_status_and_number(self, filled: Mirror) -> None:
        assert [(t["shop"], t["id"]) for t in filled.queries.thread_list(status="closed")] == [(SHOP, 2)]
        assert len(filled.queries.thread_list()) == 4
        assert len(filled.queries.thread_list(limit=2)) == 2

    def test_a_thread_is_shown_with_its_talk_its_order_its_mails_and_what_is_under_way(self, filled: Mirror) -> None:
        filled.ledger.enter(SHOP, [copy(1), copy(2)])
        first, second = filled.ledger.received(SHOP, 2)
        filled.ledger.conclude(first, MailState.PENDING, "token", id_thread=1, intents=[wish("from mail", "mail:x")])
        filled.ledger.conclude(second, MailState.IGNORED, "list")
        filled.outbox.add(SHOP, [wish("reply", "thread:1"), wish("close", "thread:1"), wish("other", "thread:2")])
        view = filled.queries.thread_view(SHOP, 1)
        assert view["customer"] == {"id": 1, "firstname": "Anna", "lastname": "Müller", "email": "anna@example.org"}
        assert view["order"] == {"id": 5, "reference": "REF5"}
        talk = [(m["id"], m["by"], m["employee"], m["private"], m["text"]) for m in view["messages"]]
        assert talk == [
            (1, "customer", None, False, "text 1"),
            (2, "employee", "Bob Lee", False, "text 2"),
            (4, "customer", None, True, "text 4"),
        ]
        assert [m["subject"] for m in view["mails"]] == ["Question 1"]
        waits = {i["key"]: i["waits_for"] for i in view["intents"]}
        assert waits == {
            "from mail": None,
            "reply": None,
            "close": {"key": "reply", "state": "planned", "why": "order"},
        }
        json.dumps(view)

    def test_one_that_is_not_there_is_none(self, filled: Mirror) -> None:
        assert filled.queries.thread_view(SHOP, 99) is None
        assert filled.queries.thread_view(SHOP, 2)["customer"] is None


class TestOrders:
    @pytest.mark.parametrize("which", [5, "REF5"])
    def test_an_order_is_shown_whole_by_id_or_reference(self, filled: Mirror, which: int | str) -> None:
        filled.outbox.add(SHOP, [wish("ship", "order:5")])
        view = filled.queries.order_view(SHOP, which)
        assert (view["id"], view["reference"], view["state"], view["total_paid"]) == (5, "REF5", "Payé", "19.980000")
        assert [(r["position"], r["product_name"], r["unit_price"]) for r in view["rows"]] == [
            (0, "mug", "9.990000"),
            (1, "cap", "9.990000"),
        ]
        assert view["customer"]["firstname"] == "Anna"
        assert [(h["state"], h["employee"], h["date_add"]) for h in view["histories"]] == [
            ("Payé", "Bob Lee", "2025-03-30T09:15:00Z")
        ]
        assert [c["tracking_number"] for c in view["carriers"]] == ["1Z"]
        assert [p["amount"] for p in view["payments"]] == ["19.980000"]
        assert [t["id"] for t in view["threads"]] == [1]
        assert [i["key"] for i in view["intents"]] == ["ship"]
        json.dumps(view)

    def test_one_that_is_not_there_is_none(self, filled: Mirror) -> None:
        assert filled.queries.order_view(SHOP, 6) is None
        assert filled.queries.order_view(SHOP, "ref5") is None
        assert filled.queries.order_view("rome", 5) is None


class TestState:
    def test_counts_cover_every_table(self, filled: Mirror) -> None:
        counts = filled.queries.table_counts(SHOP)
        assert (counts["customers"], counts["order_rows"], counts["order_states_lang"], counts["languages"]) == (
            1,
            2,
            2,
            0,
        )

    def test_intents_by_state(self, filled: Mirror) -> None:
        made = filled.outbox.add(SHOP, [wish("a", "a"), wish("b", "b", after="never made")])
        filled.outbox.move(made[0], IntentState.SENDING, now=NOW)
        assert [i["key"] for i in filled.queries.intents(SHOP, [IntentState.SENDING])] == ["a"]
        planned = filled.queries.intents(states=[IntentState.PLANNED])[0]
        assert planned["waits_for"] == {"key": "never made", "state": "missing", "why": "after"}
        assert "payload" not in planned

    def test_small_facts_are_kept_by_name(self, filled: Mirror) -> None:
        filled.meta.set("paris.version", "8.2.1")
        filled.meta.set("paris.version", "9.0.0")
        assert filled.meta.get("paris.version") == "9.0.0"
        filled.meta.set("paris.version", None)
        assert filled.meta.get("paris.version") is None


def test_views_work_with_half_the_resources(tmp_path: Path) -> None:
    mirror = open_mirror(f"sqlite:///{tmp_path / 'half.db'}", [THREADS, ORDERS])
    mirror.rows.store(SHOP, THREADS, [thread(1, id_order=5)], None)
    mirror.rows.store(SHOP, ORDERS, [order(5)], None)
    listed = mirror.queries.thread_list(SHOP)
    assert [(t["id"], t["customer"], t["messages"], t["order_reference"]) for t in listed] == [(1, None, 0, "REF5")]
    assert mirror.queries.thread_view(SHOP, 1)["messages"] == []
    assert mirror.queries.order_view(SHOP, 5)["histories"] == []
    mirror.close()

"""A shop with a few people in it whose whole story is known: stored as a pull stores it, with the shipped mappings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connector import packagedata
from connector.core.decisions import Bounced
from connector.core.model import MailState, Thread
from connector.mirror.db import Mirror
from tests.mirror.world import NOW, SHOP, copy, row, wish

RESOURCES = packagedata.resources()
BY_NAME = {one.name: one for one in RESOURCES}
PARIS = ZoneInfo("Europe/Paris")
ANNA, GUEST, BEN, OLD = 1, 2, 3, 4
"""Anna has an account and was a guest with the same address; Ben is somebody else; nobody knows when Old came."""


def at(minutes: int, name: str = "date_add") -> dict[str, Any]:
    """A moment as the mirror holds it: so many minutes after NOW."""
    moment = NOW + timedelta(minutes=minutes)
    return {name: moment, f"{name}_local": moment.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:%S")}


def put(mirror: Mirror, resource: str, *rows: Any, shop: str = SHOP) -> None:
    mirror.rows.store(shop, BY_NAME[resource], rows, None)


def person(number: int, email: str, **values: Any) -> Any:
    base = {"firstname": "Anna", "lastname": "Müller", "active": True, "deleted": False, "is_guest": False}
    groups = {"customer_groups": ({"id_group": 3},)}
    return row(number, (), groups, email=email, **{**base, "id_lang": 2, **at(-1000 + number), **values})


def bought(number: int, customer: int, minutes: int, **values: Any) -> Any:
    base = {"reference": f"REF{number}", "id_customer": customer, "current_state": 4, "id_currency": 1, "valid": True}
    base |= {"total_paid": Decimal("10.100000"), "payment": "PayPal", "conversion_rate": Decimal(1), "id_carrier": 7}
    return row(number, **{**base, **at(minutes), **values})


def fill(mirror: Mirror) -> None:
    """The ground, then what happened."""
    put(mirror, "languages", row(1, iso_code="en", active=True), row(2, iso_code="fr", active=True))
    put(mirror, "configurations", row(1, name="PS_TIMEZONE", value="Europe/Paris"),
        row(2, name="PS_LANG_DEFAULT", value="1"))  # fmt: skip
    put(mirror, "currencies", row(1, iso_code="EUR"), row(2, iso_code="USD"))
    put(mirror, "groups", row(3, ({"id_lang": 1, "name": "Customer"}, {"id_lang": 2, "name": "Client"})))
    put(mirror, "order_states", *(
        row(number, ({"id_lang": 1, "name": en}, {"id_lang": 2, "name": fr}))
        for number, en, fr in ((2, "Paid", "Payé"), (4, "Shipped", "Expédié"), (9, "Packed", ""))
    ))  # fmt: skip
    put(mirror, "employees", row(5, firstname="Bob", lastname="Lee", email="bob@shop.test"))
    put(mirror, "carriers", row(7, name="Parcels", url="https://parcels.test/@", deleted=True),
        row(8, name="Van", url=""))  # fmt: skip
    put(mirror, "customers", person(ANNA, "Anna@Example.org", newsletter=True),
        person(GUEST, "anna@example.org", is_guest=True, firstname="A."),
        person(BEN, "ben@example.org", firstname="Ben", active=False, newsletter=True),
        person(OLD, "old@example.org", **dict.fromkeys(("date_add", "date_add_local"))))  # fmt: skip
    put(mirror, "customers", person(ANNA, "anna@example.org", firstname="Other"), shop="rome")
    _trade(mirror)
    _talk(mirror)


def _trade(mirror: Mirror) -> None:
    put(mirror, "orders", bought(11, ANNA, 0), bought(12, GUEST, 100, id_currency=2, total_paid=Decimal("7.5")),
        bought(13, ANNA, 200, reference="SPLIT"), bought(14, ANNA, 200, reference="SPLIT", valid=False),
        bought(15, BEN, 50), bought(16, OLD, 0, **dict.fromkeys(("date_add", "date_add_local"))),
        bought(17, OLD, 0, date_add=None))  # fmt: skip
    put(mirror, "orders", bought(11, ANNA, 0, reference="ROME"), shop="rome")
    put(mirror, "order_histories", row(1, id_order=11, id_order_state=2, **at(0)),
        row(2, id_order=11, id_order_state=4, id_employee=5, **at(30)),
        row(3, id_order=11, id_order_state=9, id_employee=6, **at(20)),
        row(4, id_order=15, id_order_state=2, **at(50)))  # fmt: skip
    put(mirror, "order_carriers", row(1, id_order=11, id_carrier=7, tracking_number="1Z 9", **at(0)),
        row(2, id_order=12, id_carrier=8, tracking_number="", **at(100)))  # fmt: skip
    money = {"amount": Decimal("10.100000"), "payment_method": "PayPal", "id_currency": 1}
    put(mirror, "order_payments", row(1, order_reference="REF11", transaction_id="T1", **money, **at(0)),
        row(2, order_reference="REF15", **money, **at(50)),
        row(3, order_reference="SPLIT", **money, **at(200)))  # fmt: skip
    invoice = row(1, id_order=11, total_paid_tax_incl=Decimal("10.1"), **at(0))
    invoice.values["number"] = 41
    put(mirror, "order_invoices", invoice)
    put(mirror, "order_slip",
        row(1, id_order=11, id_customer=ANNA, total_products_tax_incl=Decimal(3), total_shipping_tax_incl=Decimal(1),
            amount=Decimal(9), **at(300)),
        row(2, id_order=12, id_customer=GUEST, amount=Decimal(2), shipping_cost_amount=Decimal("0.5"),
            **at(310)))  # fmt: skip
    put(mirror, "order_returns", row(1, id_order=11, id_customer=ANNA, state=2, question="too small", **at(250)))
    put(mirror, "messages", row(1, id_order=11, private=True, message="paid by card", **at(1)),
        row(2, id_order=11, private=False, message="ring twice", **at(0)))  # fmt: skip


def _talk(mirror: Mirror) -> None:
    def thread(number: int, email: str, **values: Any) -> Any:
        base = {"status": "open", "id_contact": 1, "token": f"tok{number}", "id_lang": 1}
        return row(number, email=email, **{**base, **at(number), **values})

    def message(number: int, id_thread: int, minutes: int, **values: Any) -> Any:
        base = {"message": f"text {number}", "private": False, "user_agent": "Mozilla"}
        return row(number, id_customer_thread=id_thread, **{**base, **at(minutes), **values})

    put(mirror, "customer_threads", thread(21, "anna@example.org", id_customer=ANNA, id_order=11),
        thread(22, "ANNA@example.org", status="closed"), thread(23, "ben@example.org", id_customer=BEN),
        thread(24, "sister@example.org", id_order=12, status=""))  # fmt: skip
    put(mirror, "customer_messages", message(1, 21, 60, message="Where is it?<br />Anna"),
        message(2, 21, 61, id_employee=5), message(3, 21, 62, id_employee=5, private=True),
        message(4, 21, 63, private=True, user_agent="psc1/auto"), message(5, 22, 64, user_agent="psc1/rule"),
        message(6, 21, 65, id_employee=5), message(7, 23, 66), message(8, 24, 67), message(9, 21, 68))  # fmt: skip
    put(mirror, "customer_threads", thread(22, "ANNA@example.org", status="pending1"))
    mirror.rows.patch(SHOP, "customer_threads", 22, {"status": "closed"})
    mirror.outbox.add(SHOP, [wish("message.create:psc1/rule", "thread:22", origin="rule")])
    ledger = mirror.ledger
    ledger.enter(SHOP, [copy(1), copy(2), copy(3), copy(4, from_addr="daemon@mx.test"),
                      copy(5, from_addr="ben@example.org"), copy(6, from_addr="sister@example.org")])  # fmt: skip
    received = {one.uid: one for one in ledger.listing(SHOP, [MailState.RECEIVED], 100)}

    def settle(uid: int, state: MailState, reason: str, **values: Any) -> None:
        ledger.conclude(received[uid], state, reason, text_hash="", **values)

    settle(1, MailState.QUARANTINED, "token_unknown")
    settle(2, MailState.IMPORTED, "auto_reply_filed", id_thread=21, id_message=4)
    settle(3, MailState.IMPORTED, "foreign_sender_by_token", id_thread=21, id_message=9)
    lost = Bounced("lost@shop.test", Thread(21, "anna@example.org", "tok21", "open", 1, 1, ANNA, 11, 1), 6)
    settle(4, MailState.IGNORED, "bounce_again", id_thread=21, bounced=lost)
    settle(5, MailState.QUARANTINED, "empty")
    settle(6, MailState.QUARANTINED, "foreign_sender", suggested=24)

"""Resources, rows, mails and intents to fill a mirror with."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.core.mapping import Child, Field, Resource, Row
from connector.core.model import Kind, MailIdentity, NewIntent, Role
from connector.engine.ports import NewCopy

NOW = datetime(2025, 3, 30, 9, 15, tzinfo=UTC)
SHOP = "paris"


def fields(text: str) -> tuple[Field, ...]:
    return tuple(Field(*item.split(":")) for item in text.split())  # type: ignore[arg-type]


def resource(name: str, text: str, lang: str = "", children: tuple[Child, ...] = ()) -> Resource:
    return Resource(name, name, "id", fields(text), fields(lang), children, source=f"{name}.toml")


CUSTOMERS = resource(
    "customers",
    "firstname:text lastname:text email:text active:bool deleted:bool is_guest:bool id_shop:ref id_lang:ref "
    "birthday:date date_add:datetime date_upd:datetime",
)
ORDER_ROWS = Child("order_rows", "order_rows", fields("id_order_detail:ref product_name:text unit_price:decimal"))
ORDERS = resource(
    "orders",
    "reference:text id_customer:ref current_state:ref total_paid:decimal date_upd:datetime",
    children=(ORDER_ROWS,),
)
THREADS = resource(
    "customer_threads",
    "email:text token:text status:text id_shop:ref id_lang:ref id_customer:ref id_order:ref id_contact:ref "
    "date_add:datetime date_upd:datetime",
)
MESSAGES = resource(
    "customer_messages",
    "id_customer_thread:ref id_employee:ref message:text private:bool user_agent:text file_name:text date_add:datetime",
)
STATES = resource(
    "order_states",
    "deleted:bool invoice:bool paid:bool shipped:bool delivery:bool logable:bool send_email:bool",
    "name:text",
)
RESOURCES = (
    CUSTOMERS,
    ORDERS,
    THREADS,
    MESSAGES,
    STATES,
    resource("employees", "firstname:text lastname:text email:text active:bool"),
    resource("contacts", "email:text customer_service:bool", "name:text"),
    resource("languages", "iso_code:text active:bool"),
    resource("shops", "active:bool deleted:bool name:text"),
    resource("configurations", "name:text value:text id_shop:ref id_shop_group:ref"),
    resource("order_histories", "id_order:ref id_order_state:ref id_employee:ref date_add:datetime"),
    resource("order_carriers", "id_order:ref id_carrier:ref tracking_number:text date_add:datetime"),
    resource("order_payments", "order_reference:text amount:decimal payment_method:text date_add:datetime"),
)
BY_NAME = {item.name: item for item in RESOURCES}


def row(number: int, langs: tuple[dict[str, Any], ...] = (), children: Any = None, **values: Any) -> Row:
    """A typed row with a digest over its content, as the core makes them."""
    content = json.dumps([number, values, langs, children], default=str, sort_keys=True)
    return Row(number, values, langs, children or {}, hashlib.sha256(content.encode()).hexdigest())


def customer(number: int, email: str = "anna@example.org", **values: Any) -> Row:
    base = {"firstname": "Anna", "lastname": "Müller", "active": True, "deleted": False, "is_guest": False}
    moments = {"birthday": date(1980, 2, 29), "date_upd": NOW, "date_upd_local": "2025-03-30 11:15:00"}
    return row(number, email=email, **{**base, **moments, **values})


def order(number: int, *lines: str, **values: Any) -> Row:
    parts = tuple(
        {"id_order_detail": n, "product_name": name, "unit_price": Decimal("9.99")} for n, name in enumerate(lines)
    )
    base = {"reference": f"REF{number}", "id_customer": 1, "current_state": 2, "total_paid": Decimal("19.980000")}
    return row(number, children={"order_rows": parts}, **{**base, **values})


def thread(number: int, **values: Any) -> Row:
    base = {"email": "anna@example.org", "token": f"Tok{number}", "status": "open", "id_customer": 1, "id_lang": 1}
    return row(number, **{**base, "id_shop": 1, "id_contact": 1, "date_add": NOW, **values})


def message(number: int, id_customer_thread: int = 1, **values: Any) -> Row:
    base = {"message": f"text {number}", "private": False, "date_add": NOW + timedelta(minutes=number)}
    return row(number, id_customer_thread=id_customer_thread, **{**base, **values})


def copy(uid: int, folder: str = "INBOX", key: str = "", **values: Any) -> NewCopy:
    identity = MailIdentity(
        key or hashlib.sha256(f"{uid}".encode()).hexdigest(),
        values.pop("message_id", f"m{uid}@example.org"),
        values.pop("from_addr", "anna@example.org"),
        values.pop("subject", f"Question {uid}"),
        NOW,
    )
    base: dict[str, Any] = {
        "mailbox": "support",
        "folder": folder,
        "role": Role.CUSTOMERS,
        "uidvalidity": 7,
        "uid": uid,
        "internaldate": NOW + timedelta(minutes=uid),
        "size": 100,
        "raw": f"Subject: Question {uid}\r\n\r\nbody".encode(),
        "backfill": False,
    }
    return NewCopy(identity=identity, **{**base, **values})


def wish(
    key: str, group: str = "thread:1", after: str = "", kind: Kind = Kind.MESSAGE_CREATE, **values: Any
) -> NewIntent:
    return NewIntent(kind, key, f"psc1/{key}", group, {"text": "héllo"}, {"status": "open"}, after, **values)

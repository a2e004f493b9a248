"""Questions that decisions ask the mirror. Reads only; a table or column that is not mapped answers with nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, Table, bindparam, func, select
from sqlalchemy.sql.elements import ColumnElement

from connector.core.mentions import CustomerOrder
from connector.core.model import Contact, Customer, Employee, Message, OrderFacts, OrderState, Thread
from connector.mirror.database import Database
from connector.mirror.dialect import among, in_batches
from connector.mirror.rows import folded
from connector.mirror.tables import MirroredTables

REFERENCE_MARK = "psc1/"
MOST_RECENT = 5


class SqlLookups:
    """The port `Lookups` over SQL. Lists come by ascending id."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables
        self._queries: dict[tuple[str, ...], Select[Any]] = {}

    def thread(self, shop: str, thread_id: int) -> Thread | None:
        return next(map(_thread, self._rows(shop, "customer_threads", id=thread_id)), None)

    def threads_by_token(self, shop: str, token: str) -> list[Thread]:
        """Compared exactly, case included."""
        return [_thread(row) for row in self._rows(shop, "customer_threads", token=token)]

    def threads(self, shop: str, ids: Collection[int]) -> dict[int, Thread]:
        """By id, those that there are."""
        return {row["id"]: _thread(row) for row in self._among(shop, "customer_threads", "id", ids)}

    def threads_by_tokens(self, shop: str, tokens: Collection[str]) -> dict[str, list[Thread]]:
        found: dict[str, list[Thread]] = {}
        for row in self._among(shop, "customer_threads", "token", tokens):
            found.setdefault(row["token"], []).append(_thread(row))
        return found

    def open_threads_by_email(self, shop: str, email: str) -> list[Thread]:
        found = map(_thread, self._rows(shop, "customer_threads", email_key=folded(email)))
        return [thread for thread in found if thread.status != "closed"]

    def recent_threads(self, shop: str, emails: Collection[str], since: datetime) -> dict[str, list[Thread]]:
        """Threads with these e-mails in which somebody wrote since then, the newest first; at most five of each. By the
        address as it was asked for."""
        threads, messages = self._tables.main.get("customer_threads"), self._tables.main.get("customer_messages")
        if threads is None or messages is None or "email_key" not in threads.c or "date_add" not in messages.c:
            return {}
        query = self._queries.get(("customer_threads", "recent"))
        if query is None:
            query = self._queries["customer_threads", "recent"] = _recent(threads, messages)
        by_key: dict[str, list[Thread]] = {}
        with self._db.read() as connection:
            for some in in_batches(sorted({folded(email) or "" for email in emails} - {""})):
                for row in connection.execute(query, {"shop": shop, "since": since, "wanted": some}).mappings():
                    by_key.setdefault(row["email_key"], []).append(_thread(row))
        return {email: by_key.get(folded(email) or "", []) for email in emails}

    def orders_of(self, shop: str, customers: Sequence[int]) -> list[CustomerOrder]:
        """The orders of these customers, the newest two hundred of each."""
        table = self._tables.main.get("orders")
        if table is None or "id_customer" not in table.c or "reference" not in table.c:
            return []
        found: list[CustomerOrder] = []
        query = self._queries.get(("orders", "newest"))
        if query is None:
            theirs = (table.c.shop == bindparam("shop")) & (table.c.id_customer == bindparam("customer"))
            query = select(table).where(theirs).order_by(_by_id(table).desc()).limit(200)
            self._queries[("orders", "newest")] = query
        with self._db.read() as connection:
            for number in customers:
                for row in connection.execute(query, {"shop": shop, "customer": number}).mappings():
                    found.append(CustomerOrder(row["id"], row["reference"] or "", number, row.get("id_shop")))
        return found

    def message_by_reference(self, shop: str, reference: str) -> Message | None:
        """The oldest message with exactly this reference."""
        return next(map(_message, self._rows(shop, "customer_messages", user_agent=reference)), None)

    def messages_by_references(self, shop: str, references: Collection[str]) -> dict[str, Message]:
        """The oldest message of each reference that there is."""
        found: dict[str, Message] = {}
        for row in self._among(shop, "customer_messages", "user_agent", references):
            found.setdefault(row["user_agent"], _message(row))
        return found

    def messages_of_ours(self, shop: str, after: int, limit: int) -> list[Message]:
        """Messages with a reference of ours and an id above `after`, by id."""
        table = self._tables.main.get("customer_messages")
        if table is None or "user_agent" not in table.c:
            return []
        mark = func.substr(table.c.user_agent, 1, len(REFERENCE_MARK)) == REFERENCE_MARK
        query = select(table).where(table.c.shop == shop, table.c.id > after, mark).order_by(table.c.id)
        with self._db.read() as connection:
            return [_message(row) for row in connection.execute(query.limit(limit)).mappings()]

    def newest_message(self, shop: str) -> int:
        """The highest id of a message, 0 without one."""
        table = self._tables.main.get("customer_messages")
        if table is None:
            return 0
        with self._db.read() as connection:
            return connection.execute(select(func.max(table.c.id)).where(table.c.shop == shop)).scalar() or 0

    def customer(self, shop: str, customer_id: int) -> Customer | None:
        return next(map(_customer, self._rows(shop, "customers", id=customer_id)), None)

    def messages(self, shop: str, thread_id: int) -> list[Message]:
        return [_message(row) for row in self._rows(shop, "customer_messages", id_customer_thread=thread_id)]

    def customers_by_email(self, shop: str, email: str) -> list[Customer]:
        return [_customer(row) for row in self._rows(shop, "customers", email_key=folded(email))]

    def customers_by_emails(self, shop: str, emails: Collection[str]) -> dict[str, list[Customer]]:
        """By the address as it was asked for."""
        by_key: dict[str, list[Customer]] = {}
        for row in self._among(shop, "customers", "email_key", {folded(email) for email in emails}):
            by_key.setdefault(row["email_key"], []).append(_customer(row))
        return {email: by_key.get(folded(email) or "", []) for email in emails}

    def employees(self, shop: str) -> list[Employee]:
        rows = self._rows(shop, "employees")
        return [Employee(row["id"], row.get("email") or "", bool(row.get("active"))) for row in rows]

    def contacts(self, shop: str) -> list[Contact]:
        """The name is that of the lowest language id."""
        names = self._names(shop, "contacts")
        return [
            Contact(
                id=row["id"],
                email=row.get("email") or "",
                customer_service=bool(row.get("customer_service")),
                name=next(iter(names.get(row["id"], ())), "") or row.get("name") or "",
            )
            for row in self._rows(shop, "contacts")
        ]

    def order_states(self, shop: str) -> list[OrderState]:
        """Names by ascending language id."""
        names = self._names(shop, "order_states")
        flags = ("deleted", "invoice", "paid", "shipped", "delivery", "logable", "send_email")
        return [
            OrderState(
                id=row["id"], names=tuple(names.get(row["id"], ())), **{flag: bool(row.get(flag)) for flag in flags}
            )
            for row in self._rows(shop, "order_states")
        ]

    def configuration(self, shop: str, name: str) -> str | None:
        """The value for all shops of a multistore where there is one, else the oldest."""
        rows = self._rows(shop, "configurations", name=name)
        rows.sort(key=lambda row: (bool(row.get("id_shop") or row.get("id_shop_group")), row["id"]))
        return next((row.get("value") for row in rows), None)

    def order(self, shop: str, order_id: int) -> OrderFacts | None:
        """The order as it was pulled last."""
        return next(map(_order, self._rows(shop, "orders", id=order_id)), None)

    def newest_history(self, shop: str, order_id: int) -> int:
        """The highest id of the order's history, 0 without one."""
        return max((row["id"] for row in self._rows(shop, "order_histories", id_order=order_id)), default=0)

    def payments(self, shop: str, order_reference: str) -> int:
        """How many payments are booked for orders with this reference."""
        return len(self._rows(shop, "order_payments", order_reference=order_reference))

    def active_shops(self, shop: str) -> list[int]:
        """id_shop of every active shop of the installation, ascending; empty when shops are not mirrored."""
        return [row["id"] for row in self._rows(shop, "shops") if row.get("active") and not row.get("deleted")]

    def default_shop(self, shop: str) -> int:
        """The lowest active id_shop, 1 when shops are not mirrored."""
        return next(iter(self.active_shops(shop)), 1)

    def languages(self, shop: str) -> dict[int, str]:
        return {row["id"]: (row.get("iso_code") or "").lower() for row in self._rows(shop, "languages")}

    def _rows(self, shop: str, table_name: str, **equals: object) -> list[RowMapping]:
        table = self._tables.main.get(table_name)
        if table is None or any(name not in table.c for name in equals):
            return []
        query = self._queries.get((table_name, *equals))
        if query is None:  # putting a statement together takes longer than running it
            query = select(table).where(table.c.shop == bindparam("shop"), *_conditions(table, equals))
            query = self._queries[(table_name, *equals)] = query.order_by(_by_id(table))
        with self._db.read() as connection:
            return list(connection.execute(query, {"shop": shop, **equals}).mappings())

    def _among(self, shop: str, table_name: str, name: str, values: Collection[Any]) -> list[RowMapping]:
        """Rows whose column has one of these values, by id."""
        table = self._tables.main.get(table_name)
        if table is None or name not in table.c or not values:
            return []
        key = (table_name, name, "among")
        query = self._queries.get(key)
        if query is None:
            query = select(table).where(table.c.shop == bindparam("shop"), among(table.c[name]))
            query = self._queries[key] = query.order_by(_by_id(table))
        found: list[RowMapping] = []
        with self._db.read() as connection:
            for some in in_batches(sorted(values)):
                found += connection.execute(query, {"shop": shop, "wanted": some}).mappings()
        return found

    def _names(self, shop: str, table_name: str) -> dict[int, list[str]]:
        table = self._tables.lang.get(table_name)
        if table is None or "name" not in table.c:
            return {}
        query = select(table.c.id, table.c.name).where(table.c.shop == shop).order_by(table.c.id, table.c.id_lang)
        names: dict[int, list[str]] = {}
        with self._db.read() as connection:
            for row in connection.execute(query):
                names.setdefault(row.id, []).append(row.name or "")
        return names


def _by_id(table: Table) -> ColumnElement[int]:
    """`+ 0`: to spare itself the sorting, SQLite would go through all rows of the shop in the order of their ids rather
    than ask the index for the few that are wanted."""
    return table.c.id + 0


def _recent(threads: Table, messages: Table) -> Select[Any]:
    of_thread = (messages.c.shop == threads.c.shop) & (messages.c.id_customer_thread == threads.c.id)
    written = select(func.max(messages.c.date_add)).where(of_thread).correlate(threads).scalar_subquery()
    theirs = (threads.c.shop == bindparam("shop")) & among(threads.c.email_key)
    dated = select(threads, written.label("written")).where(theirs).subquery()
    place = func.row_number().over(partition_by=dated.c.email_key, order_by=(dated.c.written.desc(), dated.c.id.desc()))
    since = bindparam("since", type_=messages.c.date_add.type)
    placed = select(dated, place.label("place")).where(dated.c.written >= since).subquery()
    return select(placed).where(placed.c.place <= MOST_RECENT).order_by(placed.c.place)


def _conditions(table: Table, names: Iterable[str]) -> Iterable[ColumnElement[bool]]:
    return (table.c[name] == bindparam(name) for name in names)


def _thread(row: RowMapping) -> Thread:
    return Thread(
        id=row["id"],
        email=row.get("email") or "",
        token=row.get("token") or "",
        status=row.get("status") or "",
        id_shop=row.get("id_shop"),
        id_lang=row.get("id_lang"),
        id_customer=row.get("id_customer"),
        id_order=row.get("id_order"),
        id_contact=row.get("id_contact"),
        date_add=row.get("date_add"),
    )


def _order(row: RowMapping) -> OrderFacts:
    return OrderFacts(
        id=row["id"],
        current_state=row.get("current_state") or 0,
        invoice_number=row.get("invoice_number") or 0,
        reference=row.get("reference") or "",
        total_paid_real=str(row.get("total_paid_real") or 0),
        id_customer=row.get("id_customer") or 0,
        id_lang=row.get("id_lang") or 0,
        id_shop=row.get("id_shop") or 0,
    )


def _message(row: RowMapping) -> Message:
    return Message(
        id=row["id"],
        id_thread=row.get("id_customer_thread"),
        id_employee=row.get("id_employee"),
        text=row.get("message") or "",
        private=bool(row.get("private")),
        reference=row.get("user_agent") or "",
        date_add=row.get("date_add"),
    )


def _customer(row: RowMapping) -> Customer:
    return Customer(
        id=row["id"],
        email=row.get("email") or "",
        id_shop=row.get("id_shop"),
        id_lang=row.get("id_lang"),
        is_guest=bool(row.get("is_guest")),
        active=bool(row.get("active")),
        deleted=bool(row.get("deleted")),
    )

"""Views for the reading commands and the page: plain dicts of JSON values (datetimes as UTC ISO text, money as text).

Reads only. Every view works with whatever is mapped: a resource or field that is not shows as None or an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, func, null, or_, select
from sqlalchemy.sql.elements import ColumnElement

from connector.core.model import IntentState, Kind, MailState
from connector.mirror.database import Database
from connector.mirror.dialect import in_batches
from connector.mirror.outbox import IN_FLIGHT, IN_THE_WAY, may_go
from connector.mirror.own_tables import bounce, mail
from connector.mirror.own_tables import intent as intents
from connector.mirror.rows import folded
from connector.mirror.tables import MirroredTables

View = dict[str, Any]

_MAIL = (
    "id",
    "shop",
    "mailbox",
    "folder",
    "uid",
    "from_addr",
    "subject",
    "internaldate",
    "state",
    "reason",
    "id_thread",
    "id_message",
    "attempts",
    "retry_at",
    "trail",
    "suggested",
)
_BOUNCE = ("copy_id", "message_id", "id_message", "action", "status", "at")
_INTENT = (
    "id", "shop", "kind", "key", "reference", "after", "copy_id", "origin", "state", "attempts", "created_at", "due_at",
    "sent_at", "remote_id", "error", "error_detail", "delays",
)  # fmt: skip
_THREAD = (
    "shop", "id", "status", "email", "token", "id_shop", "id_lang", "id_contact", "id_customer", "id_order", "date_add",
    "date_upd",
)  # fmt: skip
_MESSAGE = ("id", "id_employee", "message", "private", "file_name", "date_add", "user_agent")
_CUSTOMER = ("id", "firstname", "lastname", "email")
_PERSON = (
    "id", "firstname", "lastname", "email", "active", "deleted", "is_guest", "newsletter", "optin", "id_default_group",
    "id_lang", "id_shop", "date_add",
)  # fmt: skip
_ADDRESS = ("id", "alias", "company", "address1", "address2", "postcode", "city", "id_country", "phone", "phone_mobile")
_ORDER = ("id", "reference", "current_state", "total_paid", "date_add")
_CONVERSATION = ("id", "status", "email", "id_order", "date_add")
_PAYMENT = ("id", "amount", "payment_method", "transaction_id", "date_add")
_ORDER_PARTS = {
    "histories": ("order_histories", ("id", "id_order_state", "id_employee", "date_add")),
    "carriers": ("order_carriers", ("id", "id_carrier", "tracking_number", "date_add")),
    "threads": ("customer_threads", ("id", "status", "email", "date_add")),
}


class Queries:
    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables

    # --- threads --------------------------------------------------------------------------------------------------

    def thread_list(self, shop: str | None = None, status: str | None = None, limit: int = 100) -> list[View]:
        """Threads, the one with the newest message first. Keys: shop, id, status, email, id_customer, customer
        (first and last name), id_order, order_reference, id_contact, id_lang, date_add, messages (their number),
        last_message_at. status: open, closed, pending1, pending2; None for all."""
        threads = self._tables.main.get("customer_threads")
        if threads is None:
            return []
        message, customer, order = (self._tables.main.get(t) for t in ("customer_messages", "customers", "orders"))
        columns = [_column(threads, name) for name in ("shop", "id", "status", "email", "id_customer", "id_order")]
        columns += [_column(threads, name) for name in ("id_contact", "id_lang", "date_add")]
        source: Any = threads
        number: ColumnElement[Any] = null()
        newest: ColumnElement[Any] = null()
        if message is not None and "id_customer_thread" in message.c:
            grouped = (
                select(
                    message.c.shop,
                    message.c.id_customer_thread,
                    func.count().label("number"),
                    func.max(_column(message, "date_add")).label("newest"),
                )
                .group_by(message.c.shop, message.c.id_customer_thread)
                .subquery()
            )
            match = and_(grouped.c.shop == threads.c.shop, grouped.c.id_customer_thread == threads.c.id)
            source = source.outerjoin(grouped, match)
            number, newest = grouped.c.number, grouped.c.newest
        source = _join(source, threads, "id_customer", customer)
        source = _join(source, threads, "id_order", order)
        columns += [_column(customer, "firstname"), _column(customer, "lastname")]
        columns += [_column(order, "reference").label("order_reference")]
        columns += [func.coalesce(number, 0).label("messages"), newest.label("last_message_at")]
        query = select(*columns).select_from(source).order_by(newest.desc().nulls_last(), threads.c.id.desc())
        if shop is not None:
            query = query.where(threads.c.shop == shop)
        if status is not None:
            query = query.where(_column(threads, "status") == status)
        with self._db.read() as connection:
            rows = [_plain(row) for row in connection.execute(query.limit(limit)).mappings()]
        for row in rows:
            row["customer"] = _full_name(row.pop("firstname"), row.pop("lastname"))
        return rows

    def thread_view(self, shop: str, thread_id: int) -> View | None:
        """One thread: shop, id, status, email, token, id_shop, id_lang, id_contact, date_add, date_upd, customer and
        order (dicts or None), messages (id, by: customer|employee, id_employee, employee, text, private, file_name,
        date_add, oldest first), mails (ledger copies that belong to it) and intents that are not done yet."""
        with self._db.read() as connection:
            found = self._select(connection, "customer_threads", _THREAD, shop, id=thread_id)
            if not found:
                return None
            view = found[0]
            view["customer"] = self._first(connection, "customers", _CUSTOMER, shop, id=view["id_customer"])
            view["order"] = self._first(connection, "orders", ("id", "reference"), shop, id=view["id_order"])
            messages = self._select(connection, "customer_messages", _MESSAGE, shop, id_customer_thread=thread_id)
            staff = self._employees(connection, shop)
            for row in messages:
                row["text"] = row.pop("message") or ""
                row["by"] = "employee" if row["id_employee"] else "customer"
                row["employee"] = staff.get(row["id_employee"])
            view["messages"] = messages
            mine = (mail.c.shop == shop) & (mail.c.id_thread == thread_id)
            self._add_altered(connection, view, shop)
            view["mails"] = _mails(connection, mine, 1000)
            self._add_bounces(connection, view, shop)
            of_thread = or_(
                intents.c.group_key == f"thread:{thread_id}", intents.c.copy_id.in_(select(mail.c.id).where(mine))
            )
            view["intents"] = _intents(connection, (intents.c.shop == shop) & of_thread & _unfinished(), 1000)
        return view

    # --- orders ---------------------------------------------------------------------------------------------------

    def order_view(self, shop: str, order: int | str) -> View | None:
        """One order by id or reference (a reference of several orders: the oldest): its mapped fields, customer,
        rows, histories (id, id_order_state, state, id_employee, employee, date_add; oldest first), carriers (with
        tracking_number), payments, threads, and intents that are not done yet."""
        table = self._tables.main.get("orders")
        if table is None:
            return None
        names = [name for name in table.c.keys() if name != "digest"]  # noqa: SIM118 - not a dict
        with self._db.read() as connection:
            which: dict[str, Any] = {"id": order} if isinstance(order, int) else {"reference": order}
            found = self._select(connection, "orders", names, shop, **which)
            if not found:
                return None
            view = found[0]
            number = view["id"]
            view["customer"] = self._first(connection, "customers", _CUSTOMER, shop, id=view.get("id_customer"))
            view["rows"] = self._children(connection, "orders", "order_rows", shop, number)
            for name, (part, columns) in _ORDER_PARTS.items():
                view[name] = self._select(connection, part, columns, shop, id_order=number)
            by = {"order_reference": view.get("reference")}
            view["payments"] = self._select(connection, "order_payments", _PAYMENT, shop, **by)
            states, staff = self._names(connection, "order_states", shop), self._employees(connection, shop)
            for row in view["histories"]:
                row["state"] = states.get(row["id_order_state"])
                row["employee"] = staff.get(row["id_employee"])
            view["state"] = states.get(view.get("current_state") or 0)
            groups = (f"order:{number}", f"order-thread:{number}")
            mine = (intents.c.shop == shop) & intents.c.group_key.in_(groups)
            view["intents"] = _intents(connection, mine & _unfinished(), 1000)
        return view

    # --- customers ------------------------------------------------------------------------------------------------

    def customer_views(self, shop: str, who: int | str) -> list[View]:
        """The customers with this id or e-mail address (casefolded), by id; for an address that none of them has, one
        view with id None if it has threads. Keys: id, name, account and consents as mapped, groups (id, name),
        addresses (not deleted), orders (with state), threads (of the customer or the address), bounced_mails (to the
        address), intents that are not done yet."""
        with self._db.read() as connection:
            by = {"id": who} if isinstance(who, int) else {"email_key": folded(who)}
            found = self._select(connection, "customers", _PERSON, shop, **by)
            if not found and isinstance(who, str):
                found = [dict.fromkeys(_PERSON) | {"email": who}]
            for view in found:
                self._add_parts(connection, view, shop)
        return [view for view in found if view["id"] is not None or view["threads"]]

    def _add_parts(self, connection: Connection, view: View, shop: str) -> None:
        number = view["id"]
        names = self._names(connection, "groups", shop)
        members = self._children(connection, "customers", "customer_groups", shop, number) if number else []
        view["groups"] = [{"id": row["id_group"], "name": names.get(row["id_group"])} for row in members]
        addresses = self._select(connection, "addresses", (*_ADDRESS, "deleted"), shop, id_customer=number)
        view["addresses"] = [row for row in addresses if not row.pop("deleted")]
        view["orders"] = self._select(connection, "orders", _ORDER, shop, id_customer=number)
        states = self._names(connection, "order_states", shop)
        for order in view["orders"]:
            order["state"] = states.get(order["current_state"] or 0)
        threads = self._select(connection, "customer_threads", _CONVERSATION, shop, id_customer=number)
        if view["email"]:
            threads += self._select(
                connection, "customer_threads", _CONVERSATION, shop, email_key=folded(view["email"])
            )
        view["threads"] = [row for _, row in sorted({row["id"]: row for row in threads}.items())]
        of_threads = bounce.c.id_thread.in_([row["id"] for row in view["threads"]])
        count = select(func.count(bounce.c.message_id.distinct())).where(bounce.c.shop == shop, of_threads)
        view["bounced_mails"] = connection.execute(count).scalar_one()
        mine = (intents.c.shop == shop) & (intents.c.group_key == f"customer:{number}")
        view["intents"] = _intents(connection, mine & _unfinished(), 1000)

    # --- the state of the mirror ----------------------------------------------------------------------------------

    def table_counts(self, shop: str) -> dict[str, int]:
        """Every mirrored table -> rows of this shop."""
        with self._db.read() as connection:
            return {
                name: connection.execute(select(func.count()).where(table.c.shop == shop)).scalar_one()
                for name, table in sorted(self._tables.metadata.tables.items())
            }

    def quarantined_mails(self, shop: str | None = None, limit: int = 1000) -> list[View]:
        """Mails that could not be decided on, oldest first: see `mails_aside`."""
        return self.mails_aside(shop, MailState.QUARANTINED, limit)

    def mails_aside(self, shop: str | None, state: MailState, limit: int = 1000) -> list[View]:
        """Mails in this state, oldest first: id, shop, mailbox, folder, uid, from_addr, subject, internaldate, state,
        reason, id_thread, id_message, attempts, retry_at, trail (`rung:outcome` each), suggested (a thread)."""
        where = mail.c.state == state.value
        with self._db.read() as connection:
            return _mails(connection, where if shop is None else where & (mail.c.shop == shop), limit)

    def intents(self, shop: str | None = None, states: Iterable[IntentState] = (), limit: int = 1000) -> list[View]:
        """The newest intents, oldest of them first, without payload. `group` is the group; `waits_for` is None or
        {key, state, why} of the intent that holds it up: why=after (it must be confirmed first; state `missing` when
        it was never made) or why=order (another of the group goes first)."""
        wanted = [state.value for state in states]
        where = intents.c.state.in_(wanted) if wanted else intents.c.id.is_not(None)
        with self._db.read() as connection:
            return _intents(connection, where if shop is None else where & (intents.c.shop == shop), limit)

    # --- bounces --------------------------------------------------------------------------------------------------

    def _add_altered(self, connection: Connection, view: View, shop: str) -> None:
        """Each message gets `altered`: in which way the shop's text differs from the one that was sent, None if not."""
        keys = {m["id"]: f"{Kind.MESSAGE_CREATE.value}:{m.pop('user_agent')}" for m in view["messages"]}
        found: dict[str, Any] = {}
        for some in in_batches(sorted(keys.values())):
            query = select(intents.c.key, intents.c.result).where(intents.c.shop == shop, intents.c.key.in_(some))
            found.update((row.key, row.result.get("stored")) for row in connection.execute(query))
        for message in view["messages"]:
            message["altered"] = found.get(keys[message["id"]])

    def _add_bounces(self, connection: Connection, view: View, shop: str) -> None:
        """view["bounces"]: mails of this thread that came back, oldest first. A message that one of them carried gets
        `bounced`: how many reports tell of it. view["bounced_mails"]: how many mails to this address came back, in all
        its threads."""
        query = select(*(bounce.c[name] for name in _BOUNCE)).order_by(bounce.c.at, bounce.c.copy_id)
        mine = query.where(bounce.c.shop == shop, bounce.c.id_thread == view["id"])
        view["bounces"] = [_plain(row) for row in connection.execute(mine).mappings()]
        for message in view["messages"]:
            message["bounced"] = sum(one["id_message"] == message["id"] for one in view["bounces"])
        threads = self._tables.main["customer_threads"]
        same = [threads.c.id == view["id"]]
        if "email_key" in threads.c and view["email"]:
            same = [threads.c.email_key == folded(view["email"])]
        of_person = select(threads.c.id).where(threads.c.shop == shop, *same)
        count = select(func.count(bounce.c.message_id.distinct()))
        count = count.where(bounce.c.shop == shop, bounce.c.id_thread.in_(of_person))
        view["bounced_mails"] = connection.execute(count).scalar_one()

    # --- parts ----------------------------------------------------------------------------------------------------

    def _select(
        self, connection: Connection, table_name: str, names: Iterable[str], shop: str, **equals: object
    ) -> list[View]:
        table = self._tables.main.get(table_name)
        if table is None or any(name not in table.c or value is None for name, value in equals.items()):
            return []
        where = [table.c[name] == value for name, value in equals.items()]
        columns = [_column(table, name) for name in names]
        # `+ 0`: sorted afterwards. SQLite would walk through all ids for the order, past the index of `equals`.
        query = select(*columns).where(table.c.shop == shop, *where).order_by(table.c.id + 0)
        return [_plain(row) for row in connection.execute(query).mappings()]

    def _first(
        self, connection: Connection, table_name: str, names: Iterable[str], shop: str, **equals: object
    ) -> View | None:
        return next(iter(self._select(connection, table_name, names, shop, **equals)), None)

    def _children(self, connection: Connection, main: str, name: str, shop: str, parent: int) -> list[View]:
        table = self._tables.children.get(main, {}).get(name)
        if table is None:
            return []
        columns = [column for column in table.c if column.name not in ("shop", "parent_id")]
        query = select(*columns).where(table.c.shop == shop, table.c.parent_id == parent).order_by(table.c.position)
        return [_plain(row) for row in connection.execute(query).mappings()]

    def _employees(self, connection: Connection, shop: str) -> dict[int, str]:
        rows = self._select(connection, "employees", ("id", "firstname", "lastname", "email"), shop)
        return {row["id"]: _full_name(row["firstname"], row["lastname"]) or row["email"] or "" for row in rows}

    def _names(self, connection: Connection, table_name: str, shop: str) -> dict[int, str]:
        """Names of order states or groups in the lowest language id."""
        table = self._tables.lang.get(table_name)
        if table is None or "name" not in table.c:
            return {}
        query = select(table.c.id, table.c.name).where(table.c.shop == shop).order_by(table.c.id_lang.desc())
        return {row.id: row.name for row in connection.execute(query)}


def _unfinished() -> ColumnElement[bool]:
    return intents.c.state.not_in((IntentState.CONFIRMED.value, IntentState.CANCELLED.value))


def _mails(connection: Connection, where: ColumnElement[bool], limit: int) -> list[View]:
    query = select(*(mail.c[name] for name in _MAIL)).where(where).order_by(mail.c.internaldate, mail.c.id)
    return [_plain(row) for row in connection.execute(query.limit(limit)).mappings()]


def _intents(connection: Connection, where: ColumnElement[bool], limit: int) -> list[View]:
    columns = [intents.c[name] for name in _INTENT] + [intents.c.group_key.label("group")]
    query = select(*columns).where(where).order_by(intents.c.id.desc()).limit(limit)
    rows = [_plain(row) for row in connection.execute(query).mappings()][::-1]
    in_the_way = select(func.min(intents.c.id)).where(intents.c.state.in_(IN_THE_WAY), may_go(intents))
    in_the_way = in_the_way.group_by(intents.c.shop, intents.c.group_key)
    brief = select(intents.c.id, intents.c.shop, intents.c.group_key, intents.c.key, intents.c.state)
    heads = {(h.shop, h.group_key): h for h in connection.execute(brief.where(intents.c.id.in_(in_the_way)))}
    flying = {
        (f.shop, f.group_key): f
        for f in connection.execute(brief.where(intents.c.state.in_(IN_FLIGHT), may_go(intents)))
    }
    named = select(intents.c.after).where(where, intents.c.after != "")
    first = {(f.shop, f.key): f for f in connection.execute(brief.where(intents.c.key.in_(named)))}
    for row in rows:
        row["waits_for"] = None
        if row["state"] not in (IntentState.PLANNED.value, IntentState.IN_DOUBT.value):
            continue
        after, group = first.get((row["shop"], row["after"])), (row["shop"], row["group"])
        head, ahead = heads.get(group), flying.get(group)
        if row["after"] and (after is None or after.state != IntentState.CONFIRMED.value):
            state = "missing" if after is None else after.state
            row["waits_for"] = {"key": row["after"], "state": state, "why": "after"}
        elif row["state"] == IntentState.PLANNED.value:
            other = head if head is not None and head.id < row["id"] else ahead
            if other is not None and other.id != row["id"]:
                row["waits_for"] = {"key": other.key, "state": other.state, "why": "order"}
    return rows


def _column(table: Table | None, name: str) -> ColumnElement[Any]:
    return table.c[name] if table is not None and name in table.c else null().label(name)


def _join(source: Any, table: Table, column: str, other: Table | None) -> Any:  # noqa: ANN401 - Table or Join
    if other is None or column not in table.c:
        return source if other is None else source.outerjoin(other, other.c.id.is_(None))
    return source.outerjoin(other, and_(other.c.shop == table.c.shop, other.c.id == table.c[column]))


def _full_name(first: str | None, last: str | None) -> str | None:
    return " ".join(part for part in (first, last) if part) or None


def _plain(row: RowMapping) -> View:
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value

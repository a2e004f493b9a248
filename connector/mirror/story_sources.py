"""Where the entries of a story come from: of each kind a table, and whose rows of it. Builds statements, runs none.

Whose rows they are is asked inside the database: the accounts of an address, the orders of the accounts, the threads
of all three. Every such step has its index (`tables.INDEXED`, `own_tables`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    Select,
    Table,
    and_,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from connector.core.model import MailState
from connector.core.timeline import DATELESS, KINDS, Mark
from connector.mirror.dialect import UTCDateTime, local_as_moment
from connector.mirror.own_tables import bounce, mail, thread_change
from connector.mirror.tables import MirroredTables


@dataclass(frozen=True, slots=True)
class About:
    """Whose story. email: a person's address, casefolded; '' for none. customer: an account, whatever its address.
    orders: only these orders instead, and what is about them."""

    shop: str
    email: str = ""
    customer: int | None = None
    orders: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """since: from then on; until: before then; before: what comes after this entry of an earlier page."""

    since: datetime | None = None
    until: datetime | None = None
    before: Mark | None = None


class Sources:
    """Statements about one person, or about some orders."""

    def __init__(self, tables: MirroredTables, about: About) -> None:
        self._main = tables.main
        self.about = about
        self._orders = self._make_orders()
        self._threads = self._make_threads()
        self._sources = list(self._make_sources())

    # --- whose ----------------------------------------------------------------------------------------------------

    def accounts(self) -> Select[Any] | None:
        """Ids of customers: of the address, else the account that has none."""
        people = self._table("customers", "email_key")
        if people is None or not (self.about.email or self.about.customer):
            return None
        mine = people.c.email_key == self.about.email if self.about.email else people.c.id == self.about.customer
        return select(people.c.id).where(people.c.shop == self.about.shop, mine)

    def orders(self) -> Select[Any] | None:
        """Ids of orders."""
        return None if self._orders is None else select(self._orders.c.id)

    def threads(self) -> Select[Any] | None:
        """Ids of threads: of the person's address, accounts and orders, whoever writes in them."""
        return None if self._threads is None else select(self._threads.c.id)

    def _make_orders(self) -> CTE | None:
        """Named, so that a statement that asks for them at several places finds them once."""
        orders = self._table("orders", "id_customer", "reference")
        if orders is None:
            return None
        found = select(orders.c.id, orders.c.reference).where(orders.c.shop == self.about.shop)
        if self.about.orders:
            return found.where(orders.c.id.in_(self.about.orders)).cte("their_orders")
        accounts = self.accounts()
        return None if accounts is None else found.where(orders.c.id_customer.in_(accounts)).cte("their_orders")

    def _make_threads(self) -> CTE | None:
        threads = self._table("customer_threads", "email_key", "id_customer", "id_order")
        if threads is None:
            return None
        every = select(threads.c.id).where(threads.c.shop == self.about.shop)
        orders, accounts = self.orders(), self.accounts()
        parts = [every.where(threads.c.id_order.in_(orders))] if orders is not None else []
        if not self.about.orders:
            parts += [every.where(threads.c.id_customer.in_(accounts))] if accounts is not None else []
            parts += [every.where(threads.c.email_key == self.about.email)] if self.about.email else []
        if not parts:
            return None
        # One after the other, each by its index; an OR of three would pass over every thread.
        return (union(*parts) if len(parts) > 1 else parts[0]).cte("their_threads")

    def quarantined(self) -> ColumnElement[bool]:
        """Mails that wait: from the address, or thought to belong to one of the threads."""
        theirs: list[ColumnElement[bool]] = [mail.c.from_addr == self.about.email] if self.about.email else []
        threads = self.threads()
        if threads is not None:
            theirs += [mail.c.id_thread.in_(threads), mail.c.suggested.in_(threads)]
        waiting = and_(mail.c.shop == self.about.shop, mail.c.state == MailState.QUARANTINED.value)
        return and_(waiting, or_(*theirs)) if theirs else literal(False)

    # --- entries --------------------------------------------------------------------------------------------------

    def keys(self, kinds: Sequence[str], span: Span, limit: int) -> Select[Any] | None:
        """The newest entries of these kinds: rank (place in KINDS), number (of the row), moment (UTC, DATELESS without
        one). None: nothing of the kind is mirrored. What else they say is read of these few rows only (`rows`)."""
        parts = []
        for kind, table, of, dated, _ in self._sources:
            if kind in kinds:
                moment, key = moment_of(table, dated), _key(kind, table)
                rank = KINDS.index(kind)
                columns: tuple[ColumnElement[Any], ...] = (
                    literal_column(str(rank)).label("rank"),
                    key.label("number"),
                    moment.label("moment"),
                )
                mine = table.c.shop == self.about.shop
                parts.append(select(*columns).where(mine, of, *_within(kind, moment, key, span)))
        if not parts:
            return None
        found = union_all(*parts).subquery()
        newest = (found.c.moment.desc(), found.c.rank.desc(), found.c.number.desc())
        return select(found.c.rank, found.c.number, found.c.moment).order_by(*newest).limit(limit)

    def rows(self, kind: str, numbers: Sequence[int]) -> Select[Any]:
        """These rows of a kind that `keys` gave: row_id, at, local (the shop's text of the time, where it has one), and
        the columns of the kind."""
        table, dated, columns = next((s[1], s[3], s[4]) for s in self._sources if s[0] == kind)
        key = _key(kind, table)
        local = column(table, f"{dated}_local", "local")
        query = select(
            key.label("row_id"), column(table, dated, "at"), local, *(column(table, name) for name in columns)
        )
        return query.where(table.c.shop == self.about.shop, key.in_(numbers))

    def _make_sources(self) -> Iterator[tuple[str, Table, ColumnElement[bool], str, tuple[str, ...]]]:
        for kind, name, columns in _OF_ORDERS:
            table = self._table(name, "id" if kind == "order" else "id_order")
            orders = self.orders()
            if table is not None and orders is not None:
                of: ColumnElement[bool] = (table.c.id if kind == "order" else table.c.id_order).in_(orders)
                if kind == "note" and "private" in table.c:
                    of = and_(of, table.c.private)  # what the customer wrote at the checkout is in a thread, too
                yield kind, table, of, "date_add", columns
        payments = self._table("order_payments", "order_reference")
        if payments is not None and self._orders is not None:
            references = select(self._orders.c.reference)
            yield "payment", payments, payments.c.order_reference.in_(references), "date_add", _PAYMENT
        messages, threads = self._table("customer_messages", "id_customer_thread"), self.threads()
        if threads is not None:
            if messages is not None:
                yield "message", messages, messages.c.id_customer_thread.in_(threads), "date_add", _MESSAGE
            yield "thread", thread_change, thread_change.c.id_thread.in_(threads), "at", _CHANGE
            yield "bounce", bounce, bounce.c.id_thread.in_(threads), "at", _BOUNCE
        yield "mail", mail, self.quarantined(), "internaldate", _MAIL

    def _table(self, name: str, *needed: str) -> Table | None:
        table = self._main.get(name)
        return table if table is not None and all(one in table.c for one in needed) else None


def _key(kind: str, table: Table) -> ColumnElement[int]:
    return table.c.copy_id if kind == "bounce" else table.c.id


_OF_ORDERS = (
    ("order", "orders", ("id", "reference", "current_state", "total_paid", "id_currency", "valid", "payment",
                         "id_customer")),
    ("shipment", "order_carriers", ("id_order", "id_carrier", "tracking_number")),
    ("state", "order_histories", ("id_order", "id_order_state", "id_employee")),
    ("invoice", "order_invoices", ("id_order", "number", "total_paid_tax_incl")),
    ("slip", "order_slip", ("id_order", "total_products_tax_incl", "total_shipping_tax_incl", "amount",
                            "shipping_cost_amount")),
    ("return", "order_returns", ("id_order", "question", "state")),
    ("note", "messages", ("id_order", "id_employee", "message")),
)  # fmt: skip
_PAYMENT = ("order_reference", "amount", "id_currency", "payment_method", "transaction_id", "id_employee")
_MESSAGE = ("id_customer_thread", "id_employee", "message", "private", "file_name", "user_agent")
_CHANGE = ("id_thread", "was", "became", "origin")
_BOUNCE = ("copy_id", "id_thread", "id_message", "action", "status")
_MAIL = ("mailbox", "folder", "from_addr", "subject", "reason", "id_thread", "suggested", "retry_at")


def column(table: Table | None, name: str, label: str = "") -> ColumnElement[Any]:
    """A column, or NULL where it is not mirrored."""
    found = table.c[name] if table is not None and name in table.c else null()
    return found.label(label or name)


def moment_of(table: Table, name: str) -> ColumnElement[Any]:
    """The UTC time; the shop's own where its zone is unknown, as everywhere."""
    if name not in table.c:
        return type_coerce(literal(DATELESS, UTCDateTime()), UTCDateTime())
    parts: list[ColumnElement[Any]] = [table.c[name]]
    if f"{name}_local" in table.c:
        parts.append(local_as_moment(table.c[f"{name}_local"]))
    return type_coerce(func.coalesce(*parts, literal(DATELESS, UTCDateTime())), UTCDateTime())


def _within(
    kind: str, moment: ColumnElement[Any], key: ColumnElement[int], span: Span
) -> Iterator[ColumnElement[bool]]:
    if span.since is not None:
        yield moment >= span.since
    if span.until is not None:
        yield moment < span.until
    if span.before is not None:
        at, rank, other = span.before.at, KINDS.index(kind), KINDS.index(span.before.kind)
        if rank < other:
            yield moment <= at
        elif rank > other:
            yield moment < at
        else:
            yield or_(moment < at, and_(moment == at, key < span.before.id))

"""The views: a documented interface of the mirror for tools that read it with SQL.

They are dropped and made anew by a start that changes anything in the schema, or that brings other views. Which fields
they stand on is told by `core.mapping.viewed`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    inspect,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from connector.core.mapping.viewed import VIEWS
from connector.mirror import counting, dialect
from connector.mirror.counting import counts, worth
from connector.mirror.dialect import CleanText, Money
from connector.mirror.own_tables import bounce, mail, meta, thread_change
from connector.mirror.tables import MirroredTables

_MARK = "views"
"""Under this name `meta` keeps which views were made, and by which text of this program."""
_MILLION: ColumnElement[Any] = literal_column("1000000.0")


def are_current(connection: Connection, mirrored: MirroredTables) -> bool:
    """Are all views there, as this program wants them?"""
    if connection.execute(select(meta.c.value).where(meta.c.name == _MARK)).scalar() != _mark(mirrored):
        return False
    return set(mapped(mirrored)) <= set(inspect(connection).get_view_names())


def drop(connection: Connection) -> None:
    """In the caller's transaction, as `make`, before anything is changed that they stand on."""
    for name in VIEWS:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def make(connection: Connection, mirrored: MirroredTables) -> None:
    """All of which everything is mapped."""
    for name, query in selects(mirrored).items():
        text = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {text}")
    connection.execute(delete(meta).where(meta.c.name == _MARK))
    connection.execute(insert(meta).values(name=_MARK, value=_mark(mirrored)))


def mapped(mirrored: MirroredTables) -> list[str]:
    """The views of which everything is mapped."""

    def has(table: str, wanted: set[str]) -> bool:
        return table in mirrored.main and wanted <= set(mirrored.main[table].c.keys())

    return [view for view, needed in VIEWS.items() if all(has(*one) for one in needed.items())]


def selects(mirrored: MirroredTables) -> dict[str, Any]:
    """View -> its statement, of those of which everything is mapped."""
    builders = {
        "v_customer_stats": _customer_stats,
        "v_open_threads": _open_threads,
        "v_thread_timeline": _thread_timeline,
    }
    return {name: builders[name](mirrored.main) for name in mapped(mirrored)}


def _mark(mirrored: MirroredTables) -> str:
    return f"{_text_hash()} {' '.join(mapped(mirrored))}"


@cache
def _text_hash() -> str:
    """Of the files that say what the views are: to write the statements takes a hundred times as long."""
    files = (__file__, counting.__file__, dialect.__file__)
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()[:16]


# --- the views ------------------------------------------------------------------------------------------------------


def _customer_stats(main: dict[str, Table]) -> Select[Any]:
    """A line for each account, guests too; lines of one `email_key` are one person."""
    customer, order, thread = main["customers"], main["orders"], main["customer_threads"]

    def threads(*more: ColumnElement[bool]) -> ColumnElement[Any]:
        """Those of the account, and those of its address that are not: each by its index."""
        of_account = thread.c.id_customer == customer.c.id
        of_address = and_(
            thread.c.email_key == customer.c.email_key, thread.c.id_customer.is_distinct_from(customer.c.id)
        )
        both = [
            select(func.count())
            .where(thread.c.shop == customer.c.shop, of, *more)
            .correlate(customer)
            .scalar_subquery()
            for of in (of_account, of_address)
        ]
        return both[0] + both[1]

    valid = counts(order)
    spent = func.coalesce(func.sum(case((valid, worth(order)), else_=0)), 0)
    plain = ("email_key", "id_shop", "id_lang", "active", "deleted", "is_guest", "newsletter", "optin")
    columns = [customer.c.shop, customer.c.id.label("id_customer"), *(customer.c[name] for name in plain)]
    columns.append(customer.c.date_add.label("registered_at"))
    of_customer = and_(order.c.shop == customer.c.shop, order.c.id_customer == customer.c.id)
    return (
        select(
            *columns,
            func.count(order.c.id).label("orders"),
            func.coalesce(func.sum(case((valid, 1), else_=0)), 0).label("valid_orders"),
            func.round(spent / _MILLION, 6, type_=Money()).label("spent"),
            func.min(case((valid, order.c.date_add))).label("first_order_at"),
            func.max(case((valid, order.c.date_add))).label("last_order_at"),
            threads().label("threads"),
            threads(_not_closed(thread)).label("open_threads"),
        )
        .select_from(customer.outerjoin(order, of_customer))
        # The address, too: SQLite carries a condition into a view by the columns that it is grouped by.
        .group_by(customer.c.shop, customer.c.id, customer.c.email_key)
    )


def _open_threads(main: dict[str, Table]) -> Select[Any]:
    """A line for each thread that is not closed. Notes for colleagues are neither words of the customer nor answers."""
    thread, message, customer, order = (
        main[name] for name in ("customer_threads", "customer_messages", "customers", "orders")
    )
    of_thread = and_(message.c.shop == thread.c.shop, message.c.id_customer_thread == thread.c.id)
    public = message.c.private.is_not(True)
    by_staff = func.coalesce(message.c.id_employee, 0) != 0
    answer = message.alias("answer")
    # `+ 0`: SQLite would go through the ids of all messages of the shop rather than through those of the thread.
    last_answer = select(func.max(answer.c.id + 0)).where(
        answer.c.shop == thread.c.shop,
        answer.c.id_customer_thread == thread.c.id,
        func.coalesce(answer.c.id_employee, 0) != 0,
        answer.c.private.is_not(True),
    )
    later = message.c.id + 0 > func.coalesce(last_answer.correlate(thread).scalar_subquery(), 0)
    unanswered = and_(of_thread, public, ~by_staff, later)

    def of(what: ColumnElement[Any], where: ColumnElement[bool], name: str) -> ColumnElement[Any]:
        return select(what).where(where).correlate(thread).scalar_subquery().label(name)

    return (
        select(
            thread.c.shop,
            thread.c.id.label("id_thread"),
            *(thread.c[name] for name in ("status", "email", "email_key", "id_customer")),
            customer.c.firstname,
            customer.c.lastname,
            thread.c.id_order,
            order.c.reference.label("order_reference"),
            thread.c.id_contact,
            thread.c.id_lang,
            thread.c.date_add.label("opened_at"),
            of(func.count(), of_thread, "messages"),
            of(func.max(message.c.date_add), of_thread, "last_message_at"),
            of(func.min(message.c.date_add), unanswered, "waiting_since"),
            of(func.count(), unanswered, "unanswered"),
        )
        .select_from(
            thread.outerjoin(
                customer, and_(customer.c.shop == thread.c.shop, customer.c.id == thread.c.id_customer)
            ).outerjoin(order, and_(order.c.shop == thread.c.shop, order.c.id == thread.c.id_order))
        )
        .where(_not_closed(thread))
    )


def _thread_timeline(main: dict[str, Table]) -> Any:  # noqa: ANN401 - a union
    """A line for each thing that happened in a thread. kind: message, status (seen to change), bounce, mail (waits in
    quarantine, and is thought to belong there)."""
    message = main["customer_messages"]
    nothing: dict[str, ColumnElement[Any]] = {
        "at_local": cast(null(), String),
        "id_employee": cast(null(), BigInteger),
        "private": cast(null(), Boolean),
        "text": cast(null(), CleanText),
        "was": cast(null(), String),
        "became": cast(null(), String),
        "reason": cast(null(), CleanText),
    }

    def line(
        table: Table, kind: str, thread: ColumnElement[Any], key: ColumnElement[Any], **known: ColumnElement[Any]
    ) -> Select[Any]:
        at = known.pop("at")
        columns = {**nothing, **known}
        first = (table.c.shop, thread.label("id_thread"), at.label("at"), literal(kind).label("kind"), key.label("id"))
        return select(*first, *(columns[name].label(name) for name in nothing))

    m, c, b = message.c, thread_change.c, bounce.c
    waiting = func.coalesce(mail.c.id_thread, mail.c.suggested)
    quarantined = line(
        mail, "mail", waiting, mail.c.id, at=mail.c.internaldate, text=mail.c.subject, reason=mail.c.reason
    ).where(mail.c.state == "quarantined", waiting.is_not(None))
    return union_all(
        line(
            message, "message", m.id_customer_thread, m.id, at=m.date_add, at_local=m.date_add_local,
            id_employee=m.id_employee, private=m.private, text=m.message,
        ).where(m.id_customer_thread.is_not(None)),
        line(thread_change, "status", c.id_thread, c.id, at=c.at, was=c.was, became=c.became, reason=c.origin),
        line(bounce, "bounce", b.id_thread, b.copy_id, at=b.at, reason=b.status),
        quarantined,
    )  # fmt: skip


def _not_closed(thread: Table) -> ColumnElement[bool]:
    return func.coalesce(thread.c.status, "") != "closed"

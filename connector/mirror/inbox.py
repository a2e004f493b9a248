"""Threads for the page, by filters and words, newest message first; made for mirrors with very many threads.

Reads only. Threads without a message are left out: nobody can answer them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, literal, null, or_, select

from connector.core.storedtext import readable
from connector.mirror.database import Database
from connector.mirror.search import Search
from connector.mirror.tables import MirroredTables

FEW = 5_000
"""Threads that are sorted one by one; beyond, messages are walked from the newest on until a page is full."""
SNIPPET = 160
NEEDED = {"customer_threads": {"status", "email"}, "customer_messages": {"id_customer_thread", "message"}}


@dataclass(frozen=True, slots=True)
class Wanted:
    """status '', contact, language, customer 0: any. words: see `search`."""

    status: str = ""
    contact: int = 0
    language: int = 0
    waiting: bool = False
    words: str = ""
    longest_first: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """threads: shop, id, status, email, customer, id_order, order_reference, id_contact, id_lang, last_message_at,
    last_by (customer, employee), last_private, snippet. more: `after` of the next page. cut: see `Search.threads`."""

    threads: list[dict[str, Any]]
    more: str = ""
    cut: bool = False


class Inbox:
    def __init__(self, database: Database, tables: MirroredTables, search: Search) -> None:
        self._db = database
        self._tables = tables
        self._search = search

    def threads(self, shop: str, wanted: Wanted, after: str = "", limit: int = 50) -> Found:
        """One page. after: the mark of the page before, '' for the first."""
        main = self._tables.main
        if any(name not in main or not columns <= set(main[name].c.keys()) for name, columns in NEEDED.items()):
            return Found([])
        thread, message = main["customer_threads"], main["customer_messages"]
        mark = int(after) if after.isascii() and after.isdigit() else 0
        with self._db.read() as connection:
            where = [thread.c.shop == shop, *self._conditions(thread, message, wanted)]
            cut = False
            if wanted.words.strip():
                ids, cut = self._search.threads(connection, shop, wanted.words)
                where.append(thread.c.id.in_(ids))
            probe = select(thread.c.id).where(*where).limit(FEW + 1).subquery()
            count = connection.execute(select(func.count()).select_from(probe)).scalar_one()
            if count > FEW:
                page = self._walked(connection, thread, message, where, mark, limit, shop)
            else:
                page = self._sorted(connection, thread, message, where, mark, limit, wanted.longest_first)
            threads = self._shown(connection, shop, page[:limit])
        more = str(page[limit - 1][1]) if len(page) > limit else ""
        return Found(threads, more, cut)

    @staticmethod
    def _conditions(thread: Table, message: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if wanted.status == "open":
            found.append(or_(thread.c.status == "open", thread.c.status.is_(None), thread.c.status == ""))
        elif wanted.status:
            found.append(thread.c.status == wanted.status)
        for name, value in (("id_contact", wanted.contact), ("id_lang", wanted.language)):
            if value and name in thread.c:
                found.append(thread.c[name] == value)
        if wanted.waiting and {"id_employee", "private"} <= set(message.c.keys()):
            last = message.alias("last")
            newest = _of(select(func.max(last.c.id)), last, thread).where(_public(last)).correlate(thread)
            theirs = message.alias("theirs")
            found.append(
                exists().where(
                    theirs.c.shop == thread.c.shop,
                    theirs.c.id == newest.scalar_subquery(),
                    func.coalesce(theirs.c.id_employee, 0) == 0,
                )
            )
        return found

    @staticmethod
    def _sorted(
        connection: Connection,
        thread: Table,
        message: Table,
        where: list[ColumnElement[bool]],
        mark: int,
        limit: int,
        longest_first: bool,
    ) -> Sequence[tuple[int, int]]:
        """(thread, its newest message) of few threads."""
        newest = _of(select(func.max(message.c.id)), message, thread).correlate(thread).scalar_subquery()
        pairs = select(thread.c.id, newest.label("newest")).where(*where).subquery()
        query = select(pairs.c.id, pairs.c.newest).where(pairs.c.newest.is_not(None))
        if mark:
            query = query.where(pairs.c.newest > mark if longest_first else pairs.c.newest < mark)
        query = query.order_by(pairs.c.newest.asc() if longest_first else pairs.c.newest.desc())
        return [(row.id, row.newest) for row in connection.execute(query.limit(limit + 1))]

    @staticmethod
    def _walked(
        connection: Connection,
        thread: Table,
        message: Table,
        where: list[ColumnElement[bool]],
        mark: int,
        limit: int,
        shop: str,
    ) -> Sequence[tuple[int, int]]:
        """The same of very many: each message, from the newest on, that is the last of a thread that is wanted."""
        later = message.alias("later")
        is_last = ~exists().where(
            later.c.shop == message.c.shop,
            later.c.id_customer_thread == message.c.id_customer_thread,
            later.c.id > message.c.id,
        )
        fits = exists().where(thread.c.id == message.c.id_customer_thread, *where).correlate(message)
        query = select(message.c.id_customer_thread, message.c.id).where(message.c.shop == shop, is_last, fits)
        if mark:
            query = query.where(message.c.id < mark)
        rows = connection.execute(query.order_by(message.c.id.desc()).limit(limit + 1))
        return [(row[0], row[1]) for row in rows]

    def _shown(self, connection: Connection, shop: str, page: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        main = self._tables.main
        thread, message = main["customer_threads"], main["customer_messages"]
        customer, order = main.get("customers"), main.get("orders")
        last = dict(page)
        columns = [_column(thread, name) for name in ("shop", "id", "status", "email", "id_order", "id_customer")]
        columns += [_column(thread, name) for name in ("id_contact", "id_lang")]
        columns += [_column(customer, "firstname"), _column(customer, "lastname")]
        columns.append(_column(order, "reference").label("order_reference"))
        source: Any = thread
        for other, name in ((customer, "id_customer"), (order, "id_order")):
            if other is not None and name in thread.c:
                source = source.outerjoin(other, and_(other.c.shop == thread.c.shop, other.c.id == thread.c[name]))
            elif other is not None:
                source = source.outerjoin(other, literal(value=False))
        query = select(*columns).select_from(source).where(thread.c.shop == shop, thread.c.id.in_(list(last)))
        threads = {row["id"]: dict(row) for row in connection.execute(query).mappings()}
        said = [_column(message, name) for name in ("id_customer_thread", "id_employee", "private", "date_add")]
        query = select(*said, message.c.message).where(message.c.shop == shop, message.c.id.in_(list(last.values())))
        for row in connection.execute(query).mappings():
            one = threads[row["id_customer_thread"]]
            words = " ".join(readable((row["message"] or "")[: 4 * SNIPPET]).split())
            one["snippet"] = words if len(words) <= SNIPPET else words[:SNIPPET] + "…"
            one["last_by"] = "employee" if row["id_employee"] else "customer"
            one["last_private"] = bool(row["private"])
            one["last_message_at"] = _iso(row["date_add"])
        for one in threads.values():
            one["customer"] = " ".join(part for part in (one.pop("firstname"), one.pop("lastname")) if part) or None
        return [threads[number] for number, _ in page if number in threads]


def _of(query: Any, message: Any, thread: Table) -> Any:  # noqa: ANN401 - a Select
    return query.where(message.c.shop == thread.c.shop, message.c.id_customer_thread == thread.c.id)


def _public(message: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a table or its alias
    return or_(message.c.private.is_(None), ~message.c.private)


def _column(table: Table | None, name: str) -> ColumnElement[Any]:
    return table.c[name] if table is not None and name in table.c else null().label(name)


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at is not None else None

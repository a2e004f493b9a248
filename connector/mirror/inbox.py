"""Threads for the page, by filters and words, newest message first; made for mirrors with very many threads.

Reads only. Threads without a message are left out: nobody can answer them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, literal, null, or_, select, true

from connector.core.storedtext import readable
from connector.mirror.database import Database
from connector.mirror.search import Search, one_of
from connector.mirror.tables import MirroredTables

FEW = 3_000
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
    last_by (customer, employee), last_private, snippet. more: `after` of the next page. cut: see `Search.threads`.
    unsorted: too many for the longest wait to be found; the newest come first."""

    threads: list[dict[str, Any]]
    more: str = ""
    cut: bool = False
    unsorted: bool = False


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
            where = [thread.c.shop == shop, *self._conditions(thread, wanted)]
            cut = False
            if wanted.words.strip():
                ids, cut = self._search.threads(connection, shop, wanted.words)
                where.append(one_of(connection, thread.c.id, ids))
            few: Sequence[int] = connection.execute(select(thread.c.id).where(*where).limit(FEW + 1)).scalars().all()
            theirs = [*where, self._waits(thread, message)] if wanted.waiting else where
            if len(few) > FEW:
                page = self._walked(connection, thread, message, theirs, mark, limit, shop)
            else:
                if wanted.waiting:
                    few = connection.execute(select(thread.c.id).where(*theirs)).scalars().all()
                page = self._sorted(connection, message, shop, few, mark, wanted.longest_first)
            threads = self._shown(connection, shop, page[:limit])
        more = str(page[limit - 1][1]) if len(page) > limit else ""
        return Found(threads, more, cut, wanted.longest_first and len(few) > FEW)

    @staticmethod
    def _conditions(thread: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if wanted.status == "open":
            found.append(thread.c.status.in_(("open", "")))  # an empty one is what the shop makes of an unknown one
        elif wanted.status:
            found.append(thread.c.status == wanted.status)
        for name, value in (("id_contact", wanted.contact), ("id_lang", wanted.language)):
            if value and name in thread.c:
                found.append(thread.c[name] == value)
        return found

    @staticmethod
    def _waits(thread: Table, message: Table) -> ColumnElement[bool]:
        """Is the newest message that the customer can see the customer's?"""
        if not {"id_employee", "private"} <= set(message.c.keys()):
            return true()
        last, theirs = message.alias("last"), message.alias("theirs")
        newest = _of(select(func.max(_by_thread(last))), last, thread).where(_public(last)).correlate(thread)
        mine = (theirs.c.shop == thread.c.shop) & (theirs.c.id == newest.scalar_subquery())
        return exists().where(mine, func.coalesce(theirs.c.id_employee, 0) == 0)

    @staticmethod
    def _sorted(
        connection: Connection, message: Table, shop: str, threads: Sequence[int], mark: int, longest_first: bool
    ) -> Sequence[tuple[int, int]]:
        """(thread, its newest message) of few threads."""
        newest = func.max(_by_thread(message))
        query = select(message.c.id_customer_thread, newest).where(message.c.shop == shop)
        query = query.where(one_of(connection, message.c.id_customer_thread, threads)).group_by(
            message.c.id_customer_thread
        )
        found = [(row[0], row[1]) for row in connection.execute(query)]
        if mark:
            found = [one for one in found if (one[1] > mark if longest_first else one[1] < mark)]
        return sorted(found, key=lambda one: one[1], reverse=not longest_first)

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
            _by_thread(later) > message.c.id,
        )
        fits = exists().where(thread.c.id == message.c.id_customer_thread, *where).correlate(message)
        query = select(message.c.id_customer_thread, message.c.id).where(message.c.shop == shop, fits, is_last)
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


def _by_thread(message: Any) -> ColumnElement[int]:  # noqa: ANN401 - a table or its alias
    """The id, so written that SQLite looks for messages of a thread by the index on threads: it has no statistics and
    would walk through all ids for the highest one."""
    return message.c.id + 0  # type: ignore[no-any-return]


def _public(message: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a table or its alias
    return or_(message.c.private.is_(None), ~message.c.private)


def _column(table: Table | None, name: str) -> ColumnElement[Any]:
    return table.c[name] if table is not None and name in table.c else null().label(name)


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at is not None else None

"""Storing the shop's rows: only what is new or changed is written, together with the cursor that follows from it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, delete, func, select, update

from connector.core.mapping import Cells, Resource, Row
from connector.engine.ports import Broken, Stored
from connector.errors import DataError
from connector.mirror import erased, quarantine, thread_changes
from connector.mirror.database import Database
from connector.mirror.dialect import among, bulk, in_batches, insert_ignore, upsert
from connector.mirror.leases import must_hold
from connector.mirror.own_tables import cursor as cursors
from connector.mirror.own_tables import tombstone
from connector.mirror.tables import MirroredTables

CLOSE = 4
"""Ids on average between two of a page, at most, for the page to count as one piece of the table."""


class SqlRows:
    """The port `Rows` over SQL. Commits are not flushed one by one: what a power cut takes is pulled again."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables
        self._news: dict[tuple[str, str], bool] = {}  # (shop, table) -> had its last page any?

    def store(
        self,
        shop: str,
        resource: Resource,
        rows: Sequence[Row],
        cursor: dict[str, Any] | None,
        broken: Sequence[Broken] = (),
        *,
        asked_at: datetime | None = None,
    ) -> Stored:
        """One page, all or nothing. A row twice in the page: the last one counts. `cursor` None leaves it where it is.

        Digests are compared first, so a page without news writes nothing at all. asked_at: when the shop was asked, for
        whoever may work beside the shop's worker (`verify --repair`): every row is written, also one whose digest says
        that nothing changed, but for those that were written after that moment. Raises DataError for a resource that
        was not among those the mirror was opened with, StateError when the database cannot be written, LeaseLost when
        another process works for the shop by now (the page was asked for before that, and may be older than the rows).
        """
        main = self._tables.main.get(resource.table)
        if main is None:
            raise DataError("mirror.unknown_table", table=resource.table)
        # By id: two processes that store overlapping pages lock the rows in one order, so neither waits for the other.
        page = {row.id: row for row in sorted(rows, key=attrgetter("id"))}
        # After a page with news, as in a first pull, the next one will hardly be without.
        look = asked_at is None and not broken and not self._news.get((shop, resource.table))
        if look and self._known(shop, resource, main, page, cursor):
            return Stored(0, 0, len(page))
        now = self._db.now()
        with self._db.write(flush=False) as connection:
            if asked_at is None:
                must_hold(connection, shop, self._db.holder)
            known = _digests(connection, main, shop, sorted(page))
            if asked_at is None:
                fresh = [row for row in page.values() if not row.digest or known.get(row.id) != row.digest]
            else:
                newer = _written_after(connection, main, shop, sorted(page), asked_at)
                fresh = [row for row in page.values() if row.id not in newer]
            if fresh:
                fresh = list(erased.blanked(connection, shop, resource, fresh))
                if resource.table == thread_changes.THREADS and "status" in main.c:
                    statuses = {row.id: row.values.get("status") for row in fresh if row.id in known}
                    thread_changes.note(connection, main, shop, statuses, now, "shop")
                bulk(connection, main, _main_columns(main, shop, fresh, now), ("shop", "id"))
                # A repair also finds parts of rows that somebody deleted without them.
                parted = known if asked_at is None else page
                self._replace_parts(connection, resource.table, shop, fresh, parted)
                _raise(connection, shop, resource.name, {row.id for row in fresh if row.id not in known})
            quarantine.release(connection, shop, resource.name, page)
            quarantine.put(connection, shop, resource.name, broken, now)
            if cursor is not None:
                _move_cursor(connection, shop, resource.name, cursor, now)
        self._news[shop, resource.table] = bool(fresh)
        changed = sum(1 for row in fresh if row.id in known)
        return Stored(len(fresh) - changed, changed, len(page) - len(fresh))

    def _known(
        self, shop: str, resource: Resource, main: Table, page: Mapping[int, Row], cursor: dict[str, Any] | None
    ) -> bool:
        """Is there nothing to write? Most pages of an idle shop are such, and a look costs less than a transaction."""
        with self._db.read() as connection:
            known = _digests(connection, main, shop, list(page))
            if any(not row.digest or known.get(row.id) != row.digest for row in page.values()):
                return False
            if cursor is not None and not _cursor_is(connection, shop, resource.name, cursor):
                return False
            return not quarantine.held(connection, shop, resource.name).intersection(page)

    def _replace_parts(
        self, connection: Connection, table: str, shop: str, fresh: Sequence[Row], known: Container[int]
    ) -> None:
        """Languages and associations of the given rows: the old ones out, the new ones in."""
        old = [row.id for row in fresh if row.id in known]
        lang = self._tables.lang.get(table)
        if lang is not None:
            _delete_parts(connection, lang, "id", shop, old)
            texts = {(row.id, part["id_lang"]): part for row in fresh for part in row.langs}
            keys: dict[str, Sequence[Any]] = {"shop": [shop] * len(texts), "id": [number for number, _ in texts]}
            bulk(connection, lang, {**keys, **_by_column(lang, keys, list(texts.values()))})
        for name, child in self._tables.children.get(table, {}).items():
            _delete_parts(connection, child, "parent_id", shop, old)
            placed = [(row.id, n, part) for row in fresh for n, part in enumerate(row.children.get(name, ()))]
            keys = {
                "shop": [shop] * len(placed),
                "parent_id": [parent for parent, _, _ in placed],
                "position": [position for _, position, _ in placed],
            }
            bulk(connection, child, {**keys, **_by_column(child, keys, [part for _, _, part in placed])})

    def cursor(self, shop: str, resource: str) -> dict[str, Any] | None:
        """Where the last page ended; None before the first, and again after a mapping gained a column."""
        with self._db.read() as connection:
            found = connection.execute(_ITS_CURSOR, {"shop": shop, "resource": resource}).first()
        return None if found is None or found.reread else found.value

    def cursors(self, shop: str) -> dict[str, dict[str, Any]]:
        """All that `cursor` would give, in one look."""
        with self._db.read() as connection:
            return {row.resource: row.value for row in connection.execute(_CURSORS, {"shop": shop})}

    def read_again(self, shop: str, resources: Sequence[str] | None) -> None:
        """Let these resources (None: all) be read from the first row on by the next pull; no row is dropped."""
        mine = cursors.c.shop == shop
        if resources is not None:
            mine &= cursors.c.resource.in_(list(resources))
        with self._db.write(flush=False) as connection:
            connection.execute(update(cursors).where(mine).values(reread=True))

    def count(self, shop: str, table: str) -> int:
        """Rows of a table; 0 for one that is not mapped."""
        target = self._tables.any(table)
        if target is None:
            return 0
        with self._db.read() as connection:
            return connection.execute(select(func.count()).where(target.c.shop == shop)).scalar_one()

    def ids_where(self, shop: str, table: str, column: str, value: object) -> set[int]:
        """Ids whose column equals the value (None: IS NULL). Raises DataError for a column that is not mapped."""
        target = self._tables.main.get(table)
        if target is None:
            return set()
        if column not in target.c:
            raise DataError("mirror.unknown_column", table=table, column=column)
        # SQLAlchemy writes == None as IS NULL
        query = select(target.c.id).where(target.c.shop == shop, target.c[column] == value)
        with self._db.read() as connection:
            return set(connection.execute(query).scalars())

    def all_ids(self, shop: str, table: str) -> set[int]:
        target = self._tables.main.get(table)
        if target is None:
            return set()
        with self._db.read() as connection:
            return set(connection.execute(select(target.c.id).where(target.c.shop == shop)).scalars())

    def patch(self, shop: str, table: str, row_id: int, values: dict[str, Any]) -> None:
        """Write columns of one row, making the row when it is new. What is not mapped is left out.

        The digest is emptied, so that the next pull writes the shop's truth even if it has not changed since. Raises
        LeaseLost: the successor may have read something newer.
        """
        target = self._tables.main.get(table)
        known = {name: value for name, value in values.items() if target is not None and name in target.c}
        if target is None or not known:
            return
        row = {"shop": shop, "id": row_id, "digest": "", "pulled_at": self._db.now(), **known}
        if "email_key" in target.c and "email" in known:
            row["email_key"] = folded(known["email"])
        name = self._tables.resource_of[table]
        with self._db.write(flush=False) as connection:
            must_hold(connection, shop, self._db.holder)
            if erased.among(connection, shop, name, [row_id]):
                personal = {item.name for one in self._tables.resources if one.name == name for item in one.personal}
                row = {column: value for column, value in row.items() if column not in {*personal, "email_key"}}
            if table == thread_changes.THREADS and "status" in row:
                thread_changes.note(connection, target, shop, {row_id: row["status"]}, row["pulled_at"], "ours")
            upsert(connection, target, [row], ("shop", "id"))

    def remove(self, shop: str, resource: Resource, ids: Iterable[int]) -> int:
        """Rows that are gone from the shop leave the mirror, with their parts; a tombstone each keeps the date.

        Returns how many there were. A row that comes back loses its tombstone when it is stored.
        """
        main = self._tables.main.get(resource.table)
        if main is None:
            return 0
        now = self._db.now()
        with self._db.write(flush=False) as connection:
            wanted = sorted(set(ids))
            gone = sorted(_digests(connection, main, shop, wanted))
            for part, column in self._parts(resource.table):
                _delete_parts(connection, part, column, shop, gone)
            _delete_parts(connection, main, "id", shop, gone)
            quarantine.release(connection, shop, resource.name, wanted)
            erased.forget(connection, shop, resource.name, wanted)
            dead = {"shop": shop, "resource": resource.name, "at": now, "reason": "deleted"}
            upsert(connection, tombstone, [{**dead, "row_id": row} for row in gone], ("shop", "resource", "row_id"))
        return len(gone)

    def note_absent(self, shop: str, resource: Resource, ids: Iterable[int]) -> None:
        """Rows that others point to and that the shop does not have: noted, so that they are not asked for again.

        A tombstone that is there already keeps its date and reason."""
        absent = {"shop": shop, "resource": resource.name, "at": self._db.now(), "reason": "referenced"}
        with self._db.write(flush=False) as connection:
            insert_ignore(connection, tombstone, [{**absent, "row_id": row} for row in sorted(set(ids))])

    def _parts(self, table: str) -> Iterable[tuple[Table, str]]:
        if table in self._tables.lang:
            yield self._tables.lang[table], "id"
        for child in self._tables.children.get(table, {}).values():
            yield child, "parent_id"

    def rereads(self, shop: str) -> list[str]:
        """Resources that gained a column and have not begun their new reading yet."""
        query = select(cursors.c.resource).where(cursors.c.shop == shop, cursors.c.reread.is_(True))
        with self._db.read() as connection:
            return sorted(connection.execute(query).scalars())


def folded(email: str | None) -> str | None:
    """The form in which addresses are compared."""
    return None if email is None else email.strip().casefold()


def _digests(connection: Connection, main: Table, shop: str, ids: Sequence[int]) -> dict[int, str | None]:
    """What is known of these rows. Ids that lie close together, as those of a page do, are asked for by their ends:
    a list of a thousand ids takes longer to write down than to answer."""
    found: dict[int, str | None] = {}
    near, listed = _digests_of(main)
    if ids and ids[-1] - ids[0] < CLOSE * len(ids):
        wanted = set(ids)
        rows = connection.execute(near, {"shop": shop, "first": ids[0], "last": ids[-1]})
        return {row_id: digest for row_id, digest in rows if row_id in wanted}
    for some in in_batches(ids):
        found.update((row.id, row.digest) for row in connection.execute(listed, {"shop": shop, "wanted": some}))
    return found


# Built once: putting a statement together takes longer than running it, and every page asks.
@lru_cache(maxsize=256)
def _digests_of(main: Table) -> tuple[Select[Any], Select[Any]]:
    """Of the ids from `first` to `last`, and of those `wanted`."""
    query = select(main.c.id, main.c.digest).where(main.c.shop == bindparam("shop"))
    return query.where(main.c.id.between(bindparam("first"), bindparam("last"))), query.where(among(main.c.id))


_DEAD = select(tombstone.c.row_id).where(
    tombstone.c.shop == bindparam("shop"),
    tombstone.c.resource == bindparam("resource"),
    tombstone.c.row_id.between(bindparam("first"), bindparam("last")),
)
_CURSORS = select(cursors.c.resource, cursors.c.value).where(
    cursors.c.shop == bindparam("shop"), cursors.c.reread.is_(False)
)
_ITS_CURSOR = select(cursors.c.value, cursors.c.reread).where(
    cursors.c.shop == bindparam("shop"), cursors.c.resource == bindparam("resource")
)


def _raise(connection: Connection, shop: str, resource: str, ids: set[int]) -> None:
    """Rows that have come back lose their tombstones."""
    if not ids:
        return
    near = {"shop": shop, "resource": resource, "first": min(ids), "last": max(ids)}
    dead = ids.intersection(connection.execute(_DEAD, near).scalars())
    for some in in_batches(sorted(dead)):
        tomb = (tombstone.c.shop == shop) & (tombstone.c.resource == resource)
        connection.execute(delete(tombstone).where(tomb, tombstone.c.row_id.in_(some)))


def _written_after(connection: Connection, main: Table, shop: str, ids: Sequence[int], at: datetime) -> set[int]:
    found: set[int] = set()
    for some in in_batches(ids):
        query = select(main.c.id).where(main.c.shop == shop, main.c.id.in_(some), main.c.pulled_at > at)
        found.update(connection.execute(query).scalars())
    return found


def _main_columns(main: Table, shop: str, fresh: Sequence[Row], now: datetime) -> dict[str, Sequence[Any]]:
    columns: dict[str, Sequence[Any]] = {
        "shop": [shop] * len(fresh),
        "id": [row.id for row in fresh],
        "digest": [row.digest for row in fresh],
        "pulled_at": [now] * len(fresh),
    }
    if "email_key" in main.c:
        columns["email_key"] = [folded(row.values.get("email")) or None for row in fresh]
    return {**columns, **_by_column(main, columns, [row.values for row in fresh])}


def _by_column(table: Table, done: Container[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Any]]:
    """The rows' values, one list per column of the table that is not done yet; what a row lacks is NULL."""
    names = [column.name for column in table.c if column.name not in done]
    if rows and isinstance(rows[0], Cells):
        places = rows[0].places
        cells = [row.cells for row in rows if isinstance(row, Cells) and row.places is places]
        if len(cells) == len(rows):
            columns = dict(zip(places, zip(*cells, strict=True), strict=True))
            return {name: columns[name] if name in columns else [None] * len(rows) for name in names}
    return {name: [row.get(name) for row in rows] for name in names}


def _delete_parts(connection: Connection, table: Table, column: str, shop: str, ids: Sequence[int]) -> None:
    for some in in_batches(ids):
        connection.execute(delete(table).where(table.c.shop == shop, table.c[column].in_(some)))


def _move_cursor(connection: Connection, shop: str, resource: str, value: dict[str, Any], now: datetime) -> None:
    if _cursor_is(connection, shop, resource, value):
        return
    row = {"shop": shop, "resource": resource, "value": value, "reread": False, "updated_at": now}
    upsert(connection, cursors, [row], ("shop", "resource"))


def _cursor_is(connection: Connection, shop: str, resource: str, value: dict[str, Any]) -> bool:
    found = connection.execute(_ITS_CURSOR, {"shop": shop, "resource": resource}).first()
    return found is not None and found.value == value and not found.reread

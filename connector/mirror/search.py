"""Full-text search in messages, names and addresses: SQLite's FTS5, PostgreSQL's tsvector under a GIN index.

The index belongs to the mirrored tables and is made with them at start, from what is there; the database itself keeps
it current with every row that is stored, emptied or removed, so that no writer has to think of it. SQLite: tables of
words without the texts (contentless), fed by triggers; a row number says shop and id. PostgreSQL: indexes over an
expression. Both fold case and accents.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
)

from connector.mirror.tables import MirroredTables

SEARCHED: dict[str, tuple[str, ...]] = {
    "customer_messages": ("message",),
    "customers": ("firstname", "lastname", "company", "email"),
    "customer_threads": ("email",),
}
"""Table -> the columns whose words are found."""
MOST_HITS = 600
"""Hits in each table that are looked at, the newest of them: a word that everybody writes finds nobody."""

_LONGEST = 100_000  # characters of a text that are indexed; a tsvector holds a megabyte
_ROOM = 1 << 40  # ids of one shop
_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 12
_MARKS = '@._-/:+#<>&;="()[]{}!?,*|\\~`^%$'

_SHOPS_DDL = "CREATE TABLE search_shops (number INTEGER PRIMARY KEY, shop VARCHAR NOT NULL UNIQUE)"


def missing(connection: Connection, tables: MirroredTables) -> list[str]:
    """The statements that bring the index up to date; empty when it is. Reads only."""
    if connection.dialect.name == "postgresql":
        known = set(
            connection.execute(text(r"SELECT indexname FROM pg_indexes WHERE indexname LIKE 'search\_%'")).scalars()
        )
        wanted = dict(_indexes(tables))
        if not wanted:
            return []
        old = [f"DROP INDEX {name}" for name in sorted(known - wanted.keys())]
        return old + [ddl for name, ddl in wanted.items() if name not in known]
    wanted = dict(_triggered(tables))
    if not wanted:
        return []
    wanted = {"search_shops": _SHOPS_DDL, **wanted}
    rows = connection.execute(text(r"SELECT name, type, sql FROM sqlite_master WHERE name LIKE 'search\_%' ESCAPE '\'"))
    had = {row.name: row for row in rows if row.type in ("table", "trigger")}
    if all(name in had and had[name].sql == ddl for name, ddl in wanted.items()):
        return []
    drop = [f"DROP TRIGGER {name}" for name, row in had.items() if row.type == "trigger"]
    drop += [f"DROP TABLE {name}" for name in had if name == "search_shops" or name.endswith("_words")]
    return [*drop, *wanted.values(), *_filled(tables)]


def make(connection: Connection, statements: Sequence[str]) -> None:
    """Carry out what `missing` gave, in the caller's transaction. Takes seconds for a large mirror, once."""
    for statement in statements:
        connection.exec_driver_sql(
            statement.replace("%", "%%") if connection.dialect.name == "postgresql" else statement
        )


def compact(connection: Connection) -> None:
    """Leave no word of rows that were emptied in SQLite's index, where they are only marked as gone until then."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text(r"SELECT name FROM sqlite_master WHERE name LIKE 'search\_%\_words' ESCAPE '\'"))
        for name in rows.scalars().all():
            connection.exec_driver_sql(f"INSERT INTO {name} ({name}) VALUES ('optimize')")  # noqa: S608 - our own name


# --- the index ------------------------------------------------------------------------------------------------------


def _columns(tables: MirroredTables) -> Iterator[tuple[str, list[str]]]:
    """(table, columns) of what is mapped."""
    for name, columns in SEARCHED.items():
        found = [column for column in columns if name in tables.main and column in tables.main[name].c]
        if found:
            yield name, found


def _joined(columns: Sequence[str], row: str) -> str:
    prefix = f"{row}." if row else ""
    whole = " || ' ' || ".join(f"coalesce({prefix}{column}, '')" for column in columns)
    return f"substr({whole}, 1, {_LONGEST})"


def _number(shops: str, row: str) -> str:
    return f"{shops}.number * {_ROOM} + {row}.id"


def _triggered(tables: MirroredTables) -> Iterator[tuple[str, str]]:
    for name, columns in _columns(tables):
        words = f"search_{name}_words"
        known = "FROM search_shops s WHERE s.shop ="
        seen = (
            "INSERT INTO search_shops (shop) SELECT new.shop "
            "WHERE NOT EXISTS (SELECT 1 FROM search_shops WHERE shop = new.shop); "
        )
        put = (
            f"INSERT INTO {words} (rowid, words) SELECT {_number('s', 'new')}, {_joined(columns, 'new')} "
            f"{known} new.shop; "
        )
        gone = (
            f"INSERT INTO {words} ({words}, rowid, words) SELECT 'delete', {_number('s', 'old')}, "
            f"{_joined(columns, 'old')} {known} old.shop; "
        )
        changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
        start = f"CREATE TRIGGER search_{name}"
        tokens = "tokenize='unicode61 remove_diacritics 2'"
        yield words, f"CREATE VIRTUAL TABLE {words} USING fts5(words, content='', {tokens})"
        yield f"search_{name}_new", f"{start}_new AFTER INSERT ON {name} BEGIN {seen}{put}END"
        yield f"search_{name}_gone", f"{start}_gone AFTER DELETE ON {name} BEGIN {gone}END"
        yield (
            f"search_{name}_changed",
            f"{start}_changed AFTER UPDATE OF {', '.join(columns)} ON {name} WHEN {changed} BEGIN {gone}{put}END",
        )


def _filled(tables: MirroredTables) -> Iterator[str]:
    for name, columns in _columns(tables):
        yield (
            f"INSERT INTO search_shops (shop) SELECT DISTINCT shop FROM {name} "  # noqa: S608 - names of our own
            "WHERE shop NOT IN (SELECT shop FROM search_shops)"
        )
        yield (
            f"INSERT INTO search_{name}_words (rowid, words) SELECT {_number('s', 't')}, "  # noqa: S608
            f"{_joined(columns, 't')} FROM {name} t JOIN search_shops s ON s.shop = t.shop"
        )


def _vector(columns: Sequence[str]) -> str:
    """PostgreSQL's expression; a query must say it in the same words for the index to serve."""
    marks = _MARKS.replace("'", "''")
    plain = f"regexp_replace(normalize({_joined(columns, '')}, NFKD), '[\u0300-\u036f]', '', 'g')"
    return f"to_tsvector('simple', translate({plain}, '{marks}', '{' ' * len(_MARKS)}'))"


def _indexes(tables: MirroredTables) -> Iterator[tuple[str, str]]:
    for name, columns in _columns(tables):
        ddl = f"ON {name} USING gin ({_vector(columns)})"
        index = f"search_{name}_{hashlib.sha256(ddl.encode()).hexdigest()[:8]}"
        yield index, f"CREATE INDEX {index} {ddl}"


# --- asking ---------------------------------------------------------------------------------------------------------


def folded_words(given: str) -> list[str]:
    """What is searched of what somebody typed: words without case and accents."""
    plain = unicodedata.normalize("NFKD", given[:500])
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return [word.casefold() for word in _WORD.findall(plain)][:_MOST_WORDS]


def one_of(connection: Connection, column: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Is it one of these numbers? As one parameter: thousands of them take longer than the answer."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(ids), ARRAY(BigInteger)))
    listed = func.json_each(json.dumps(list(ids))).table_valued("value")
    return column.in_(select(listed.c.value))


class Search:
    """Threads by words. All words must be there; only if that finds nothing, words that begin with them count, too."""

    def __init__(self, tables: MirroredTables) -> None:
        self._tables = tables

    def threads(self, connection: Connection, shop: str, given: str) -> tuple[list[int], bool]:
        """Threads with a message, a customer or an address in which all words stand, the thread of this number and
        those of the order with this reference. True: there were more hits than are looked at."""
        given = "".join(sign for sign in given if sign.isprintable())
        words = folded_words(given)
        found, cut = self._named(connection, shop, given.strip().lstrip("#")), False
        for beginnings in (False, True):
            for name, columns in _columns(self._tables) if words else ():
                ids = self._hits(connection, shop, name, columns, words, beginnings=beginnings)
                cut = cut or len(ids) > MOST_HITS
                found |= self._threads_of(connection, shop, name, ids[:MOST_HITS])
            if found:
                break
        return sorted(found, reverse=True), cut

    def _hits(
        self,
        connection: Connection,
        shop: str,
        name: str,
        columns: Sequence[str],
        words: Sequence[str],
        *,
        beginnings: bool,
    ) -> list[int]:
        """Ids of rows, the newest first, one more than are looked at."""
        if connection.dialect.name == "postgresql":
            query = text(
                f"WITH hits AS MATERIALIZED (SELECT id FROM {name} WHERE shop = :shop "  # noqa: S608 - our own names
                f"AND {_vector(columns).replace(':', chr(92) + ':')} @@ to_tsquery('simple', :words)) "
                "SELECT id FROM hits ORDER BY id DESC LIMIT :most"
            )
            wanted = " & ".join(f"'{word}'{':*' if beginnings else ''}" for word in words)
            given = {"shop": shop, "words": wanted, "most": MOST_HITS + 1}
            return list(connection.execute(query, given).scalars())
        number = connection.execute(text("SELECT number FROM search_shops WHERE shop = :shop"), {"shop": shop}).scalar()
        if number is None:
            return []
        first, table = number * _ROOM, f"search_{name}_words"
        query = text(
            f"SELECT rowid FROM {table} WHERE {table} MATCH :words AND rowid BETWEEN :first AND :last "  # noqa: S608
            "ORDER BY rowid DESC LIMIT :most"
        )
        wanted = " ".join(f'"{word}"{"*" if beginnings else ""}' for word in words)
        given = {"words": wanted, "first": first, "last": first + _ROOM - 1, "most": MOST_HITS + 1}
        return [row - first for row in connection.execute(query, given).scalars()]

    def _threads_of(self, connection: Connection, shop: str, name: str, ids: Sequence[int]) -> set[int]:
        main = self._tables.main
        if name == "customer_threads":
            return set(ids)
        if name == "customer_messages":
            table, column, wanted = main[name], main[name].c.id, main[name].c.id_customer_thread
        else:
            threads = main.get("customer_threads")
            if threads is None or "id_customer" not in threads.c:
                return set()
            table, column, wanted = threads, threads.c.id_customer, threads.c.id
        query = select(wanted).where(table.c.shop == shop, one_of(connection, column, ids))
        # What points nowhere is left out here: told so in SQL, SQLite would walk through the index of the other column.
        return {number for number in connection.execute(query).scalars() if number is not None}

    def _named(self, connection: Connection, shop: str, given: str) -> set[int]:
        threads, orders = self._tables.main.get("customer_threads"), self._tables.main.get("orders")
        if threads is None or not given:
            return set()
        where = []
        if given.isascii() and given.isdigit() and len(given) < 12:
            where.append(threads.c.id == int(given))
        if orders is not None and "id_order" in threads.c and "reference" in orders.c:
            same = orders.c.reference == bindparam("reference", given.upper())
            where.append(threads.c.id_order.in_(select(orders.c.id).where(orders.c.shop == shop, same)))
        if not where:
            return set()
        return set(connection.execute(select(threads.c.id).where(threads.c.shop == shop, or_(*where))).scalars())

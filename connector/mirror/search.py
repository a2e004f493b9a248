"""Full-text search in messages, names and addresses: SQLite's FTS5, PostgreSQL's tsvector under a GIN index.

The index belongs to the mirrored tables and is made with them at start, from what is there; the database itself keeps
it current with every row that is stored, emptied or removed, so that no writer has to think of it. SQLite: one table of
words without the texts (contentless), fed by triggers; a row number says shop, kind and id. PostgreSQL: an index over
an expression. Both fold case and accents.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, bindparam, or_, select, text

from connector.mirror.dialect import in_batches
from connector.mirror.tables import MirroredTables

SEARCHED: dict[str, tuple[str, ...]] = {
    "customer_messages": ("message",),
    "customers": ("firstname", "lastname", "company", "email"),
    "customer_threads": ("email",),
}
"""Table -> the columns whose words are found. The place in this list is part of SQLite's row numbers."""
MOST_HITS = 2_000
"""Hits in each table that are looked at, the newest of them: a word that everybody writes finds nobody."""

_LONGEST = 100_000  # characters of a text that are indexed; a tsvector holds a megabyte
_ROOM = 1 << 40  # ids of one kind in one shop
_KINDS = 8
_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 12
_MARKS = '@._-/:+#<>&;="()[]{}!?,*|\\~`^%$'

_WORDS_DDL = "CREATE VIRTUAL TABLE search_words USING fts5(words, content='', tokenize='unicode61 remove_diacritics 2')"
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
    wanted = {"search_words": _WORDS_DDL, "search_shops": _SHOPS_DDL, **wanted}
    rows = connection.execute(text(r"SELECT name, type, sql FROM sqlite_master WHERE name LIKE 'search\_%' ESCAPE '\'"))
    had = {row.name: row for row in rows if row.type in ("table", "trigger")}
    if all(name in had and had[name].sql == ddl for name, ddl in wanted.items()):
        return []
    drop = [f"DROP TRIGGER {name}" for name, row in had.items() if row.type == "trigger"]
    drop += [f"DROP TABLE {name}" for name in ("search_words", "search_shops") if name in had]
    return [*drop, *wanted.values(), *_filled(tables)]


def make(connection: Connection, statements: Sequence[str]) -> None:
    """Carry out what `missing` gave, in the caller's transaction. Takes seconds for a large mirror, once."""
    for statement in statements:
        connection.exec_driver_sql(
            statement.replace("%", "%%") if connection.dialect.name == "postgresql" else statement
        )


def compact(connection: Connection) -> None:
    """Leave no word of rows that were emptied in SQLite's index, where they are only marked as gone until then."""
    if connection.dialect.name == "sqlite" and connection.dialect.has_table(connection, "search_words"):
        connection.exec_driver_sql("INSERT INTO search_words (search_words) VALUES ('optimize')")


# --- the index ------------------------------------------------------------------------------------------------------


def _columns(tables: MirroredTables) -> Iterator[tuple[int, str, list[str]]]:
    """(kind, table, columns) of what is mapped."""
    for kind, (name, columns) in enumerate(SEARCHED.items()):
        found = [column for column in columns if name in tables.main and column in tables.main[name].c]
        if found:
            yield kind, name, found


def _joined(columns: Sequence[str], row: str) -> str:
    prefix = f"{row}." if row else ""
    whole = " || ' ' || ".join(f"coalesce({prefix}{column}, '')" for column in columns)
    return f"substr({whole}, 1, {_LONGEST})"


def _triggered(tables: MirroredTables) -> Iterator[tuple[str, str]]:
    for kind, name, columns in _columns(tables):

        def number(row: str, kind: int = kind) -> str:
            return f"(number * {_KINDS} + {kind}) * {_ROOM} + {row}.id"

        seen = (
            "INSERT INTO search_shops (shop) SELECT new.shop "
            "WHERE NOT EXISTS (SELECT 1 FROM search_shops WHERE shop = new.shop); "
        )
        put = (
            f"INSERT INTO search_words (rowid, words) SELECT {number('new')}, {_joined(columns, 'new')} "  # noqa: S608
            "FROM search_shops WHERE shop = new.shop; "
        )
        gone = (
            f"INSERT INTO search_words (search_words, rowid, words) SELECT 'delete', {number('old')}, "  # noqa: S608
            f"{_joined(columns, 'old')} FROM search_shops WHERE shop = old.shop; "
        )
        changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
        start = f"CREATE TRIGGER search_{name}"
        yield f"search_{name}_new", f"{start}_new AFTER INSERT ON {name} BEGIN {seen}{put}END"
        yield f"search_{name}_gone", f"{start}_gone AFTER DELETE ON {name} BEGIN {gone}END"
        yield (
            f"search_{name}_changed",
            f"{start}_changed AFTER UPDATE OF {', '.join(columns)} ON {name} WHEN {changed} BEGIN {gone}{put}END",
        )


def _filled(tables: MirroredTables) -> Iterator[str]:
    for kind, name, columns in _columns(tables):
        yield (
            f"INSERT INTO search_shops (shop) SELECT DISTINCT shop FROM {name} "  # noqa: S608 - names of our own
            "WHERE shop NOT IN (SELECT shop FROM search_shops)"
        )
        yield (
            f"INSERT INTO search_words (rowid, words) SELECT (s.number * {_KINDS} + {kind}) * {_ROOM} + t.id, "  # noqa: S608
            f"{_joined(columns, 't')} FROM {name} t JOIN search_shops s ON s.shop = t.shop"
        )


def _vector(columns: Sequence[str]) -> str:
    """PostgreSQL's expression; a query must say it in the same words for the index to serve."""
    marks = _MARKS.replace("'", "''")
    plain = f"regexp_replace(normalize({_joined(columns, '')}, NFKD), '[\u0300-\u036f]', '', 'g')"
    return f"to_tsvector('simple', translate({plain}, '{marks}', '{' ' * len(_MARKS)}'))"


def _indexes(tables: MirroredTables) -> Iterator[tuple[str, str]]:
    for _, name, columns in _columns(tables):
        ddl = f"ON {name} USING gin ({_vector(columns)})"
        index = f"search_{name}_{hashlib.sha256(ddl.encode()).hexdigest()[:8]}"
        yield index, f"CREATE INDEX {index} {ddl}"


# --- asking ---------------------------------------------------------------------------------------------------------


def folded_words(given: str) -> list[str]:
    """What is searched of what somebody typed: words without case and accents."""
    plain = unicodedata.normalize("NFKD", given[:500])
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return [word.casefold() for word in _WORD.findall(plain)][:_MOST_WORDS]


class Search:
    """Threads by words. All words must be there, each at the beginning of one that was written."""

    def __init__(self, tables: MirroredTables) -> None:
        self._tables = tables

    def threads(self, connection: Connection, shop: str, given: str) -> tuple[list[int], bool]:
        """Threads with a message, a customer or an address in which all words stand, the thread of this number and
        those of the order with this reference. True: there were more hits than are looked at."""
        words = folded_words(given)
        found, cut = set[int](), False
        if words:
            for kind, name, columns in _columns(self._tables):
                ids = self._hits(connection, shop, kind, name, columns, words)
                cut = cut or len(ids) > MOST_HITS
                found |= self._threads_of(connection, shop, name, ids[:MOST_HITS])
        found |= self._named(connection, shop, given.strip().lstrip("#"))
        return sorted(found, reverse=True), cut

    def _hits(
        self, connection: Connection, shop: str, kind: int, name: str, columns: Sequence[str], words: Sequence[str]
    ) -> list[int]:
        """Ids of rows, the newest first, one more than are looked at."""
        if connection.dialect.name == "postgresql":
            query = text(
                f"WITH hits AS MATERIALIZED (SELECT id FROM {name} WHERE shop = :shop "  # noqa: S608 - our own names
                f"AND {_vector(columns).replace(':', chr(92) + ':')} @@ to_tsquery('simple', :words)) "
                "SELECT id FROM hits ORDER BY id DESC LIMIT :most"
            )
            wanted = " & ".join(f"'{word}':*" for word in words)
            given = {"shop": shop, "words": wanted, "most": MOST_HITS + 1}
            return list(connection.execute(query, given).scalars())
        number = connection.execute(text("SELECT number FROM search_shops WHERE shop = :shop"), {"shop": shop}).scalar()
        if number is None:
            return []
        first = (number * _KINDS + kind) * _ROOM
        query = text(
            "SELECT rowid FROM search_words WHERE search_words MATCH :words AND rowid BETWEEN :first AND :last "
            "ORDER BY rowid DESC LIMIT :most"
        )
        wanted = " ".join(f'"{word}"*' for word in words)
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
        found: set[int] = set()
        for some in in_batches(ids):
            query = select(wanted).where(table.c.shop == shop, column.in_(some), wanted.is_not(None))
            found.update(connection.execute(query).scalars())
        return found

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

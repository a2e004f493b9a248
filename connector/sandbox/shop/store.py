"""The shop's tables: one in-memory SQLite database, one table per resource.

Keeps rows as the shop's database would: integers as integers, decimals and dates as text, i18n fields as a JSON
object of language id to text. Knows no HTTP, no validation and no side effects; what a value becomes on its way into
a column is `rules.stored_value`.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from connector.sandbox.shop.definitions import Resource

#: What a column holds: text, a number, nothing, or texts by language id.
Cell = Any
Row = dict[str, Cell]

#: Columns worth an index on a big shop.
_INDEXED = ("id_order", "id_customer", "id_customer_thread", "date_upd", "date_add", "id_cart")

#: Tables beside the resources: links of customers to groups, what lies in a cart.
_BESIDE = (
    "CREATE TABLE customer_group (id_customer INTEGER, id_group INTEGER, PRIMARY KEY (id_customer, id_group))",
    "CREATE TABLE cart_product (id_cart INTEGER, id_product INTEGER, id_product_attribute INTEGER,"
    " id_address_delivery INTEGER, id_customization INTEGER DEFAULT 0, quantity INTEGER)",
)


@lru_cache(maxsize=65536)
def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return bare.casefold().rstrip(" ")


def fold(value: Cell) -> Cell:
    """Text as MySQL's `utf8mb4_unicode_ci` compares it: without case, accents and trailing spaces."""
    if not isinstance(value, str):
        return value
    if value.isascii():
        return value.lower().rstrip(" ")
    return _fold(value)


class Store:
    """Rows of all resources behind one lock.

    Use `lock` around a group of calls that belongs together (one request).
    """

    def __init__(self, resources: dict[str, Resource]) -> None:
        self.resources = resources
        self._i18n = {
            name: [field.name for field in resource.fields if field.i18n] for name, resource in resources.items()
        }
        self.lock = threading.RLock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.create_function("fold", 1, fold, deterministic=True)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        for resource in resources.values():
            columns = ", ".join(f'"{field.name}"' for field in resource.fields)
            self._db.execute(f'CREATE TABLE "{resource.name}" (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})')
        for statement in _BESIDE:
            self._db.execute(statement)

    def build_indexes(self) -> None:
        """Index the foreign keys and dates; called once after seeding, when it is cheapest."""
        for resource in self.resources.values():
            for name in _INDEXED:
                if resource.has(name):
                    self._db.execute(
                        f'CREATE INDEX IF NOT EXISTS "{resource.name}_{name}" ON "{resource.name}" ("{name}")'
                    )
        self._db.execute("CREATE INDEX IF NOT EXISTS cart_product_id_cart ON cart_product (id_cart)")
        if "order_payments" in self.resources:
            self._db.execute("CREATE INDEX IF NOT EXISTS payments_reference ON order_payments (order_reference)")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One SQLite transaction around many inserts."""
        with self.lock:
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")

    @property
    def written(self) -> int:
        """How many rows have been inserted, changed or deleted so far."""
        return self._db.total_changes

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self.lock:
            return self._db.execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; gives the number of rows it touched."""
        with self.lock:
            return self._db.execute(sql, parameters).rowcount

    def insert_many(self, resource: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        with self.lock:
            self._db.executemany(f'INSERT INTO "{resource}" ({names}) VALUES ({marks})', rows)

    def insert(self, resource: str, row: Row) -> int:
        """Insert one row (with or without an id) and give its id."""
        encoded = self._encode(resource, row)
        names = ", ".join(f'"{name}"' for name in encoded)
        marks = ", ".join("?" * len(encoded))
        with self.lock:
            cursor = self._db.execute(
                f'INSERT OR REPLACE INTO "{resource}" ({names}) VALUES ({marks})', list(encoded.values())
            )
            return int(cursor.lastrowid or 0)

    def update(self, resource: str, row_id: int, changes: Row) -> bool:
        encoded = self._encode(resource, changes)
        encoded.pop("id", None)
        if not encoded:
            return self.get(resource, row_id) is not None
        names = ", ".join(f'"{name}" = ?' for name in encoded)
        return self.execute(f'UPDATE "{resource}" SET {names} WHERE id = ?', [*encoded.values(), row_id]) > 0

    def next_id(self, resource: str, row_id: int) -> None:
        """Let AUTOINCREMENT go on with this id."""
        with self.lock:
            self._db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (resource,))
            self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (resource, row_id - 1))

    def delete(self, resource: str, row_id: int) -> bool:
        return self.execute(f'DELETE FROM "{resource}" WHERE id = ?', (row_id,)) > 0

    def get(self, resource: str, row_id: int) -> Row | None:
        found = self.query(f'SELECT * FROM "{resource}" WHERE id = ?', (row_id,))
        return self._decoded(resource, found)[0] if found else None

    def get_many(self, resource: str, ids: Sequence[int], columns: Sequence[str]) -> dict[int, Row]:
        """Rows by id, with `id` and these columns."""
        rows: dict[int, Row] = {}
        wanted = ", ".join(f'"{name}"' for name in ("id", *columns))
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ", ".join("?" * len(part))
            for row in self._decoded(
                resource, self.query(f'SELECT {wanted} FROM "{resource}" WHERE id IN ({marks})', part)
            ):
                rows[row["id"]] = row
        return rows

    def rows(self, resource: str, **equal: Cell) -> list[Row]:
        """Rows in id order whose columns equal the given values exactly."""
        where = " AND ".join(f'"{name}" = ?' for name in equal) or "1"
        found = self.query(f'SELECT * FROM "{resource}" WHERE {where} ORDER BY id', list(equal.values()))
        return self._decoded(resource, found)

    def count(self, resource: str, **equal: Cell) -> int:
        where = " AND ".join(f'"{name}" = ?' for name in equal) or "1"
        return int(self.query(f'SELECT COUNT(*) FROM "{resource}" WHERE {where}', list(equal.values()))[0][0])

    def groups_of(self, id_customer: int) -> list[int]:
        sql = "SELECT id_group FROM customer_group WHERE id_customer = ? ORDER BY id_group"
        found = self.query(sql, (id_customer,))
        return [row[0] for row in found]

    def set_groups(self, id_customer: int, groups: Iterable[int]) -> None:
        with self.lock:
            self._db.execute("DELETE FROM customer_group WHERE id_customer = ?", (id_customer,))
            rows = [(id_customer, group) for group in groups]
            self._db.executemany("INSERT OR IGNORE INTO customer_group VALUES (?, ?)", rows)

    def link_groups(self, links: Iterable[tuple[int, int]]) -> None:
        """Many (id_customer, id_group) at once."""
        with self.lock:
            self._db.executemany("INSERT INTO customer_group VALUES (?, ?)", links)

    def fill_carts(self, rows: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Many (id_cart, id_product, id_product_attribute, id_address_delivery, quantity) at once."""
        columns = "id_cart, id_product, id_product_attribute, id_address_delivery, quantity"
        with self.lock:
            self._db.executemany(f"INSERT INTO cart_product ({columns}) VALUES (?, ?, ?, ?, ?)", rows)

    def _encode(self, resource: str, row: Row) -> Row:
        fields = self.resources[resource].by_name
        encoded: Row = {}
        for name, value in row.items():
            if name == "id":
                encoded[name] = int(value)
                continue
            if name not in fields:
                raise KeyError(f"{resource} has no field {name!r}")
            if fields[name].i18n:
                encoded[name] = json.dumps({str(key): text for key, text in value.items()}, ensure_ascii=False)
            else:
                encoded[name] = value
        return encoded

    def _decoded(self, resource: str, found: Sequence[sqlite3.Row]) -> list[Row]:
        names = found[0].keys() if found else []
        rows = [dict(zip(names, row, strict=True)) for row in found]  # dict(row) looks each name up from the left
        for name in self._i18n[resource]:
            if name in names:
                for row in rows:
                    row[name] = {int(key): value for key, value in json.loads(row[name] or "{}").items()}
        return rows

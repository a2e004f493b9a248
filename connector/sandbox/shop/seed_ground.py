"""The workbench of a seeding: batches of rows, the random numbers, and who and what exists so far.

Used by the `seed_*` modules; holds no data of its own.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.sandbox.shop import seed_data as data
from connector.sandbox.shop.rules import ZERO_DATE, ZERO_DATETIME
from connector.sandbox.shop.store import Cell, Row
from connector.sandbox.shop.world import World

SPAN = timedelta(days=360)
_END = datetime(2025, 6, 1, 18, 0)  # noqa: DTZ001 - a shop's wall clock has no offset


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    orders: int
    customers: int
    threads: int
    messages: int
    shops: int = 1

    @classmethod
    def of(cls, orders: int, customers: int | None, threads: int | None, messages: int | None, shops: int) -> Size:
        customers = customers if customers is not None else max(24, orders // 2)
        threads = threads if threads is not None else max(12, orders * 3 // 10)
        return cls(orders, customers, threads, messages if messages is not None else threads * 28 // 10, shops)


def blank_row(world: World, resource: str) -> Row:
    """A row of column zeros."""
    row: Row = {}
    for field in world.resources[resource].fields:
        if field.i18n:
            row[field.name] = {}
        elif field.nullable:
            row[field.name] = None
        elif field.kind in ("int", "bool"):
            row[field.name] = 0
        elif field.is_decimal:
            row[field.name] = f"{0:.{field.digits}f}"
        elif field.is_date:
            row[field.name] = ZERO_DATETIME if field.kind == "datetime" else ZERO_DATE
        else:
            row[field.name] = ""
    return row


class Table:
    """Collects rows of one resource and writes them in batches; fields that the version lacks are ignored."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.keeps_all = world.dialect.utf8mb4
        blank = blank_row(world, name) if name in world.resources else {}
        self.exists = bool(blank)
        self.columns = ["id", *blank]
        self.index = {column: place for place, column in enumerate(self.columns)}
        self.blank = [0, *(self._cell(value) for value in blank.values())]
        self.rows: list[list[Cell]] = []
        self.last_id = 0

    def _cell(self, value: Cell) -> Cell:
        if isinstance(value, dict):
            value = json.dumps(value, ensure_ascii=False)
        if isinstance(value, str) and not self.keeps_all and not value.isascii():
            value = "".join(char for char in value if ord(char) < 0x10000).rstrip()
        return value

    def always(self, **values: Cell) -> None:
        """Values that every row has unless `add` says otherwise."""
        self._set(self.blank, values)

    def add(self, **values: Cell) -> int:
        row = self.blank.copy()
        self.last_id = row[0] = values.pop("id", self.last_id + 1)
        self._set(row, values)
        self.rows.append(row)
        if len(self.rows) >= 2000:
            self.flush()
        return self.last_id

    def _set(self, row: list[Cell], values: Row) -> None:
        index = self.index
        for name, value in values.items():
            if name in index:
                simple = self.keeps_all if type(value) is str else type(value) is not dict
                row[index[name]] = value if simple else self._cell(value)

    def flush(self) -> None:
        if self.exists and self.rows:
            self.world.store.insert_many(self.name, self.columns, self.rows)
        self.rows = []


def text(moment: datetime) -> str:
    """A moment as a DATETIME column shows it."""
    return moment.isoformat(" ", "seconds")


def i18n(texts: Sequence[str]) -> dict[int, str]:
    """English, French, German, Spanish, then English again for the other languages."""
    chosen = [*texts[:4], *([texts[0]] * 4)][: len(data.LANGUAGES)]
    return dict(enumerate(chosen, 1))


@dataclass(frozen=True)
class Person:
    """A seeded customer, as far as orders and threads need to know."""

    id: int
    email: str
    id_lang: int
    id_address: int
    id_shop: int


@dataclass(frozen=True)
class Sale:
    """A seeded order, as far as threads need to know."""

    id: int
    id_customer: int
    email: str
    id_lang: int
    id_shop: int


class Ground:
    """One filling of one shop."""

    def __init__(self, world: World, size: Size) -> None:
        self.world, self.size = world, size
        self.random = random.Random(f"{world.seed}/{world.dialect.mark}")
        self.end = min(_END, world.now()) if world.clock else _END
        self.start = self.end - SPAN
        self.password_hash = data.PASSWORD_MD5 if world.dialect.mark == "6" else data.PASSWORD_HASH
        self.tables: dict[str, Table] = {}
        self.people: list[Person] = []
        self.sales: list[Sale] = []
        self.cart_rows: list[tuple[int, int, int, int, int]] = []

    def table(self, name: str) -> Table:
        if name not in self.tables:
            self.tables[name] = Table(self.world, name)
        return self.tables[name]

    def fill_carts(self) -> None:
        self.world.store.fill_carts(self.cart_rows)
        self.cart_rows = []

    def flush(self) -> None:
        for table in self.tables.values():
            table.flush()

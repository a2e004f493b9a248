"""A small shop in memory that answers the questions of the pull the way the webservice does.

It knows rows, filters, sorting and limits, a wall clock in a time zone, and the awkward things: rows that become
visible late, rows that change between the shop's list query and its rendering, and rows that no form gives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.core.query import Filter, Query
from connector.engine.ports import Broken, Page, Record
from connector.errors import ShopForbidden

READ = frozenset({"GET", "HEAD"})


class SimShop:
    """rights: resource -> methods; None for everything. `requests` counts every question."""

    def __init__(self, at: datetime, zone: str = "Europe/Paris", version: str = "8.2.1") -> None:
        self.at = at
        self.zone = ZoneInfo(zone)
        self.version = version
        self.tables: dict[str, dict[int, Record]] = {}
        self.rights: dict[str, frozenset[str]] | None = None
        self.broken: dict[str, set[int]] = {}
        self.nameless = False  # broken rows come without their id
        self.before_answer: Callable[[str, Query], None] = lambda resource, query: None
        self.while_rendering: Callable[[str, list[int]], None] = lambda resource, ids: None
        self.questions: list[tuple[str, Query]] = []
        self._one_at_a_time = threading.RLock()
        self._late: list[tuple[datetime, str, int, Record]] = []

    # what happens in the shop

    def local(self) -> str:
        return self.at.astimezone(self.zone).replace(tzinfo=None).isoformat(" ", "seconds")

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        for due in [late for late in self._late if late[0] <= self.at]:
            self._late.remove(due)
            self.tables.setdefault(due[1], {})[due[2]] = due[3]

    def put(self, resource: str, row_id: int, *, visible_in: float = 0, **fields: Any) -> None:
        """Add or change a row; date_upd is the shop's now."""
        table = self.tables.setdefault(resource, {})
        row = {**table.get(row_id, {"id": row_id, "date_add": self.local()}), "date_upd": self.local(), **fields}
        if visible_in > 0:
            self._late.append((self.at + timedelta(seconds=visible_in), resource, row_id, row))
        else:
            table[row_id] = row

    # the port

    def probe(self) -> ShopInfo:
        rights = self.rights
        if rights is None:
            rights = dict.fromkeys(self.tables, READ)
        return ShopInfo("sim", self.version, rights)

    def read(self, resource: Resource, query: Query, stop: Callable[[], bool] = lambda: False) -> Page:
        with self._one_at_a_time:
            return self._read(resource, query)

    def _read(self, resource: Resource, query: Query) -> Page:
        ids = self._answer(resource.name, query)
        self.while_rendering(resource.name, ids)
        table = self.tables.get(resource.name, {})
        names = set(query.display)
        page = Page([], full=bool(query.limit) and len(ids) >= query.limit)
        for row_id in ids:
            record = table.get(row_id)
            if record is None:
                continue
            text_asked = not names or bool(names - {"id", "date_upd"})
            if row_id in self.broken.get(resource.name, ()) and text_asked:
                page.broken.append(Broken(None if self.nameless else row_id, "unreadable", b"?"))
            else:
                page.records.append({key: value for key, value in record.items() if not names or key in names})
        return page

    def ids(self, resource: str, query: Query, stop: Callable[[], bool] = lambda: False) -> list[int]:
        with self._one_at_a_time:
            return self._answer(resource, query)

    def close(self) -> None:
        return None

    def _answer(self, resource: str, query: Query) -> list[int]:
        self.questions.append((resource, query))
        self.before_answer(resource, query)
        if self.rights is not None and "GET" not in self.rights.get(resource, ()):
            raise ShopForbidden("shop.resource_forbidden", resource=resource)
        rows = [row for row in self.tables.get(resource, {}).values() if all(_fits(row, f) for f in query.filters)]
        if query.id_shop not in ("", "all"):
            rows = [row for row in rows if str(row.get("id_shop", "1")) == query.id_shop]
        rows.sort(key=lambda row: tuple(row.get(name, "") for name in query.sort), reverse=query.newest_first)
        return [row["id"] for row in (rows[: query.limit] if query.limit else rows)]


def _fits(row: Record, condition: Filter) -> bool:
    value, wanted = row.get(condition.field, ""), condition.values
    if condition.field == "id":
        number, numbers = int(value), [int(text) for text in wanted]
        return _compare(number, condition.op, numbers)
    return _compare(str(value), condition.op, list(wanted))


def _compare(value: Any, op: str, wanted: list[Any]) -> bool:
    match op:
        case "gt":
            return value > wanted[0]
        case "lt":
            return value < wanted[0]
        case "between":
            return wanted[0] <= value <= wanted[1]
        case "not":
            return value not in wanted
        case "starts":  # as LIKE does: `_` is any character
            return len(value) >= len(wanted[0]) and all(b in ("_", a) for a, b in zip(value, wanted[0], strict=False))
    return value in wanted


class SimClock:
    """The same time as the shop's, so that a test drives both at once."""

    def __init__(self, shop: SimShop) -> None:
        self._shop = shop

    def now(self) -> datetime:
        return self._shop.at.astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        self._shop.pass_time(seconds)

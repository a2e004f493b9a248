"""How a reading of many rows is cut into pieces that can be asked for side by side. Pure.

A reading in the order of ids (`core/cursor.py`, phases `first` and `read`) can be told beforehand which ids there are:
a *survey*, a list of ids only, for which the shop loads no row. It is cut into contiguous ranges, each a question of
its own. However late its answer comes, a range holds what lies between its two ids: nothing that came in between is
lost, and no offset makes later pages slower. The answers are stored in the order of the ids, and the cursor moves to a
range's end with it, so that a reading that was interrupted goes on as one that never heard of ranges.

What a survey saw last is left to the ordinary questions, which also bring what was added meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.core.cursor import ID_WINDOW, Cursor
from connector.core.query import Filter, Query

SURVEY_PAGES = 10
"""A survey brings the ids of so many pages: one cheap request among ten, and never many ids in memory."""

SMALLEST_PAGE = 25
GOOD_PAGES = 8


@dataclass(frozen=True, slots=True)
class Range:
    """All rows with an id from `first` to `last`. rows: how many there were when they were counted."""

    first: int
    last: int
    rows: int

    @property
    def question(self) -> Query:
        """The limit is no page: it is far more than was counted, and keeps an import into the gaps from filling the
        memory. An answer that reaches it is treated as a page that may have a next one."""
        between = Filter("id", "between", (str(self.first), str(self.last)))
        return Query((between,), ("id",), limit=2 * self.rows)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a survey found behind an id. more: behind the last range there is more to be surveyed. left: rows that the
    ranges do not cover, as far as the survey saw."""

    ranges: tuple[Range, ...]
    more: bool
    left: int

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.ranges) + self.left


def after(cursor: Cursor) -> int | None:
    """The id behind which a reading goes on in the order of ids; None when it does not."""
    if "phase" not in cursor:
        return None  # of several passes
    if cursor["phase"] == "first":
        return int(cursor["last"])
    return int(cursor["at"]) if cursor["phase"] == "read" else None


def is_large(stored: Cursor | None) -> bool:
    """May many rows be expected of a reading that begins with this stored cursor? Reference tables are small until
    their first page is full; what was interrupted goes on as it was begun."""
    if stored is not None and "by_shop" in stored:
        return any(is_large(part) for part in stored["by_shop"].values())
    return stored is None or stored["phase"] in ("note", "first", "read")


def survey(behind: int, size: int) -> Query:
    """The question for the ids of the next pages. size: rows a page."""
    return Query((Filter("id", "gt", (str(behind),)),), ("id",), limit=size * SURVEY_PAGES + ID_WINDOW)


def newest() -> Query:
    """The question for the highest id."""
    return Query((), ("id",), limit=1, newest_first=True)


def cut(behind: int, ids: Sequence[int], size: int) -> Survey:
    """The answer to `survey(behind, size)` as ranges of `size` rows.

    The last ids stay outside: if they are the newest rows, others among them may become visible only later
    (ID_WINDOW), and a last page that is not full is an ordinary question's work anyway."""
    ids = sorted({row_id for row_id in ids if row_id > behind})
    more = len(ids) >= size * SURVEY_PAGES + ID_WINDOW
    covered = size * SURVEY_PAGES if more else len(ids) - max(ID_WINDOW, len(ids) % size)
    ranges = []
    for start in range(0, covered, size):
        part = ids[start : min(start + size, covered)]
        ranges.append(Range(behind + 1, part[-1], len(part)))
        behind = part[-1]
    return Survey(tuple(ranges), more, len(ids) - max(covered, 0))


def reached(cursor: Cursor, last: int) -> Cursor:
    """The cursor after everything up to this id was read."""
    name = "last" if cursor["phase"] == "first" else "at"
    cursor = {key: value for key, value in cursor.items() if key != "stuck"} | {name: last}
    return {**cursor, "last": max(cursor["last"], last)} if cursor["kind"] == "id" else cursor


def expected(behind: int, found: Survey, newest_id: int) -> int:
    """How many rows lie behind an id: counted, or, when the survey did not see them all, judged by the highest id and
    the gaps so far."""
    if not found.more or not found.ranges:
        return found.rows
    covered = found.rows - found.left
    return max(found.rows, round(covered * (newest_id - behind) / (found.ranges[-1].last - behind)))


class PageSizes:
    """Rows to ask for at once, by resource. A page that was too much for the shop makes the next ones smaller; good
    ones make them larger again, below what failed. A new run (`renew`) may find a shop that was only ill for a while.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._now: dict[str, int] = {}
        self._failed: dict[str, int] = {}
        self._good: dict[str, int] = {}

    def of(self, resource: str) -> int:
        return self._now.get(resource, self._size)

    def renew(self) -> None:
        self._failed.clear()

    def too_large(self, resource: str, rows: int) -> bool:
        """The shop could not serve so many. False: there is nothing smaller to try."""
        if rows <= SMALLEST_PAGE * 2:
            return False
        self._failed[resource] = min(rows, self._failed.get(resource, rows))
        self._now[resource] = max(SMALLEST_PAGE, min(rows, self.of(resource)) // 4)
        self._good[resource] = 0
        return True

    def served(self, resource: str) -> None:
        """A full page came well."""
        now = self._now.get(resource)
        if now is None:
            return
        self._good[resource] = self._good.get(resource, 0) + 1
        larger = min(now * 2, self._size)
        if self._good[resource] >= GOOD_PAGES and larger < self._failed.get(resource, larger + 1):
            self._good[resource] = 0
            self._now[resource] = larger

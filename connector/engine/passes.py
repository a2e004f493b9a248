"""One reading of one resource in one shop's context: question, answer, rows, cursor, page by page.

While a page is converted and stored, the next one is already being fetched. Each page is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connector.core import cursor as cursors
from connector.core.cursor import Cursor, Moment, NoProgressError, Seen
from connector.core.mapping import Resource
from connector.core.query import Filter, Query
from connector.core.values import BadValueError, Converter, to_local
from connector.engine.ports import Broken, Clock, Events, Page, Record, Rows, Shop, Stored
from connector.errors import ConnectorError, ShopUnavailable, ShopUnreadable
from connector.ops import events as ev

SMALLEST_PAGE = 25

Stop = Callable[[], bool]
Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class Surroundings:
    """What all readings of a shop share. sizes: rows per page of resources whose pages were too large for the shop.
    told: broken rows that the log knows already."""

    shop: Shop
    rows: Rows
    events: Events
    clock: Clock
    name: str
    page_size: int
    progress: Progress | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    told: set[tuple[str, int | None, str]] = field(default_factory=set)


@dataclass(slots=True)
class ResourceReport:
    """What became of one resource, in rows. skipped: why it was not read ('' if it was): forbidden, version, fresh."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    broken: int = 0
    requests: int = 0
    seconds: float = 0.0
    skipped: str = ""
    error: ConnectorError | None = None

    @property
    def rows(self) -> int:
        return self.new + self.changed + self.unchanged

    def add(self, stored: Stored) -> None:
        self.new += stored.new
        self.changed += stored.changed
        self.unchanged += stored.unchanged


class Notebook:
    """The stored cursor of one pass: flat for a single pass, else {"by_shop": {id_shop: cursor}}.

    When the passes change (a second shop was added, id_shop=all became possible) the rows seen so far say nothing
    about the new pass, so it begins anew.
    """

    def __init__(self, stored: Cursor | None, passes: Sequence[str], id_shop: str) -> None:
        self.stored = stored
        self._several = len(passes) > 1
        self._passes = passes
        self.id_shop = id_shop

    def open(self) -> Cursor | None:
        if self.stored is None:
            return None
        if self._several:
            found: Cursor | None = self.stored.get("by_shop", {}).get(self.id_shop)
            return found
        if "by_shop" in self.stored or self.stored.get("id_shop", "") != self.id_shop:
            return None
        return {name: value for name, value in self.stored.items() if name != "id_shop"}

    def whole(self, cursor: Cursor) -> Cursor:
        """What to store so that `open` gives this cursor."""
        if self._several:
            others = (self.stored or {}).get("by_shop", {})
            kept = {name: value for name, value in others.items() if name in self._passes}
            return {"by_shop": {**kept, self.id_shop: cursor}}
        return {**cursor, "id_shop": self.id_shop} if self.id_shop else cursor


class Pass:
    """One reading of one resource, in one shop's context."""

    def __init__(
        self,
        around: Surroundings,
        resource: Resource,
        converter: Converter,
        report: ResourceReport,
        book: Notebook,
        ahead: ThreadPoolExecutor,
    ) -> None:
        self._around = around
        self._resource = resource
        self._converter = converter
        self._report = report
        self.book = book
        self._ahead = ahead
        self._expected: int | None = None
        self._broken: set[tuple[int | None, str, bytes]] = set()

    def run(self, moment: Moment, stop: Stop, max_age: timedelta) -> bool:
        cursor = cursors.begin(self._resource.pull, self.book.open(), moment, max_age)
        if cursor["phase"] in ("note", "first") or (cursor["phase"] == "read" and cursor["at"] == 0):
            self._expected = self._how_many()
        waiting: Future[Page] | None = None
        try:
            while not stop():
                question = self._question(cursor)
                if question is None:
                    if not cursor.get("again"):
                        return True
                    moment = Moment(self._around.clock.now(), moment.zone)
                    cursor = cursors.begin(self._resource.pull, cursor, moment, max_age)
                    continue
                page = self._answer(question, waiting)
                if page is None:
                    waiting = None
                    continue  # the page was too much for the shop: the same question, smaller
                seen = self._seen(question, page)
                try:
                    cursor = cursors.tell(cursor, seen, page.full, moment)
                except NoProgressError as error:
                    raise ShopUnreadable("pull.no_progress", resource=self._resource.name) from error
                following = self._question(cursor)
                waiting = None if following is None else self._ahead.submit(self._read, following)
                self._store(question, page, cursor)
        finally:
            if waiting is not None and not waiting.cancel():
                with suppress(Exception):
                    waiting.result()
        return False

    # --- asking ---------------------------------------------------------------------------------------------------

    def _question(self, cursor: Cursor) -> Query | None:
        size = self._around.sizes.get(self._resource.name, self._around.page_size)
        question = cursors.ask(cursor, size)
        return None if question is None else self._whole(question)

    def _whole(self, question: Query) -> Query:
        only = self._resource.only
        more = (Filter(only[0], "any", only[1]),) if only else ()
        return replace(
            question,
            filters=(*question.filters, *more),
            display=question.display or self._resource.asked,
            id_shop=self.book.id_shop,
        )

    def _answer(self, question: Query, waiting: Future[Page] | None) -> Page | None:
        """The page; None when the shop gave up on it and the next try will ask for less."""
        self._report.requests += 1
        try:
            return waiting.result() if waiting is not None else self._read(question)
        except ShopUnavailable:
            # Large pages with display=full can exhaust the shop's memory or time.
            if question.limit <= SMALLEST_PAGE * 2:
                raise
            self._around.sizes[self._resource.name] = max(SMALLEST_PAGE, question.limit // 4)
            return None

    def _read(self, question: Query) -> Page:
        if question.display == ("id",) and question.newest_first:
            ids = self._around.shop.ids(self._resource.name, question)
            return Page([{"id": row_id} for row_id in ids], full=False)
        return self._around.shop.read(self._resource, question)

    def _how_many(self) -> int | None:
        """How many rows a first reading will bring; asked only when somebody watches."""
        if self._around.progress is None:
            return None
        self._report.requests += 1
        return len(self._around.shop.ids(self._resource.name, self._whole(Query())))

    # --- what a page holds ----------------------------------------------------------------------------------------

    def _seen(self, question: Query, page: Page) -> list[Seen]:
        """Ids and dates of a page. Where rows could not be read, a second question without their texts tells them."""
        seen = [row for row in map(self._place, page.records) if row is not None]
        unplaced = len(page.records) - len(seen) + len(page.broken)
        if unplaced == 0 or not page.full:
            return seen
        self._report.requests += 1
        skeleton = replace(question, display=("id", "date_upd") if self._resource.has_date_upd else ("id",))
        places = map(self._place, self._around.shop.read(self._resource, skeleton).records)
        return cursors.covered(seen, unplaced, [place for place in places if place is not None])

    def _place(self, record: Record) -> Seen | None:
        try:
            row_id = self._converter.row_id(record)
        except BadValueError:
            return None
        try:
            return Seen(row_id, to_local(record.get("date_upd")) if self._resource.has_date_upd else None)
        except ValueError:
            return Seen(row_id)

    def _store(self, question: Query, page: Page, cursor: Cursor) -> None:
        rows, broken = [], list(page.broken)
        if question.display in ((), self._resource.asked):
            for record in page.records:
                try:
                    rows.append(self._converter.row(record))
                except BadValueError as error:
                    broken.append(unfit(self._converter, record, error))
        whole = self.book.whole(cursor)
        if not rows and not broken and whole == self.book.stored:
            return
        stored = self._around.rows.store(self._around.name, self._resource, rows, whole, broken)
        self.book.stored = whole
        self._report.add(stored)
        for one in broken:
            self._set_aside(one)
        if self._around.progress is not None and rows:
            self._around.progress(self._resource.name, self._report.rows, self._expected)

    def _set_aside(self, one: Broken) -> None:
        """Count and tell once what every overlap brings again."""
        key = (one.id, one.reason, b"" if one.id else one.raw)
        self._report.broken += key not in self._broken
        self._broken.add(key)
        name = self._resource.name
        if (name, one.id, one.reason) not in self._around.told:
            self._around.told.add((name, one.id, one.reason))
            self._around.events.emit(
                ev.ROW_QUARANTINED, shop=self._around.name, resource=name, row_id=one.id, reason=one.reason
            )


def unfit(converter: Converter, record: Record, error: BadValueError) -> Broken:
    """The quarantine's view of a record with a value that does not fit its field."""
    try:
        row_id = converter.row_id(record)
    except BadValueError:
        row_id = None
    return Broken(row_id, f"{error.field}: no {error.expected}", converter.kept(record))

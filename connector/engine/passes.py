"""One reading of one resource in one shop's context: question, answer, rows, cursor, page by page.

While a page is converted and stored, the next ones are already being fetched: one after the other where each question
follows from the answer before, several at once where many rows are read in the order of their ids. Each page is one
transaction, and pages are stored in order, so that a cursor never runs ahead of the rows.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from connector.core import cursor as cursors
from connector.core import ranges
from connector.core.convert import Converter
from connector.core.cursor import Cursor, Moment, NoProgressError, Seen
from connector.core.mapping import Resource, Row
from connector.core.query import Filter, Query
from connector.core.ranges import PageSizes, Survey
from connector.core.values import BadValueError, to_local
from connector.engine.ahead import Ahead, SideBySide, Stop, StoppedError, answer
from connector.engine.notebook import Notebook
from connector.engine.ports import Broken, Clock, Events, Page, Record, Rows, Shop, Stored
from connector.engine.progress import Meter
from connector.errors import ConnectorError, ShopUnavailable, ShopUnreadable
from connector.ops import events as ev

T = TypeVar("T")

MOST_TOLD = 10_000
"""Broken rows that are remembered as told: a shop with more of them may be told of one twice."""

_NOT_FOR_SIZE = frozenset({"shop.tls_failed", "shop.too_many_requests", "shop.stopped"})


class _UncountableError(Exception):
    """The shop could not give the ids of many rows at once."""


@dataclass(slots=True)
class Surroundings:
    """What all readings of a shop share. told: broken rows that the log knows already."""

    shop: Shop
    rows: Rows
    events: Events
    clock: Clock
    name: str
    sizes: PageSizes
    meter: Meter
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


class Pass:
    """One reading of one resource, in one shop's context."""

    def __init__(
        self,
        around: Surroundings,
        resource: Resource,
        converter: Converter,
        report: ResourceReport,
        book: Notebook,
        ahead: Ahead,
    ) -> None:
        self._around = around
        self._resource = resource
        self._converter = converter
        self._dated = resource.has_date_upd
        self._report = report
        self.book = book
        self._ahead = ahead
        self._stop: Stop = lambda: False
        self._newest: int | None = None
        self._by_ranges = True
        self._broken: set[tuple[int | None, str, bytes]] = set()

    def run(self, moment: Moment, stop: Stop, max_age: timedelta) -> bool:
        """Read what there is. False when it was asked to stop. Raises what the shop and the mirror raise."""
        self._stop = stop
        stored = self.book.open()
        cursor = cursors.begin(self._resource.pull, stored, moment, max_age)
        many = self._resource.pull != "snapshot" and ranges.is_large(stored)
        waiting: Future[Page] | None = None
        try:
            while not stop():
                if many and self._in_order_of_ids(cursor):
                    cursor, many = self._side_by_side(cursor, moment)
                    continue
                question = self._question(cursor)
                if question is None:
                    if not cursor.get("again"):
                        return True
                    moment = Moment(self._around.clock.now(), moment.zone)
                    cursor = cursors.begin(self._resource.pull, cursor, moment, max_age)
                    continue
                page = self._answer(question, waiting)
                waiting = None
                if page is None:
                    continue  # the page was too much for the shop: the same question, smaller
                cursor = self._told(cursor, question, page, moment)
                many = many or page.full
                following = self._question(cursor)
                if following is not None and not (many and self._in_order_of_ids(cursor)):
                    waiting = self._ahead.ask(self._read, following)
                self._store(question, page, cursor)
        except StoppedError:
            return False
        finally:
            if waiting is not None:
                waiting.cancel()
        return False

    def _told(self, cursor: Cursor, question: Query, page: Page, moment: Moment) -> Cursor:
        try:
            return cursors.tell(cursor, self._seen(question, page), page.full, moment)
        except NoProgressError as error:
            raise ShopUnreadable("pull.no_progress", resource=self._resource.name) from error

    # --- many rows ------------------------------------------------------------------------------------------------

    def _in_order_of_ids(self, cursor: Cursor) -> bool:
        return self._by_ranges and ranges.after(cursor) is not None

    def _side_by_side(self, cursor: Cursor, moment: Moment) -> tuple[Cursor, bool]:
        """Read by ranges what a survey shows. Gives the cursor behind it, and whether to look for more ranges: where
        the shop could not serve one, or a range held so many rows that it was cut off. A shop that cannot give the
        list of ids is read page by page."""
        behind = ranges.after(cursor)
        if behind is None:
            return cursor, False
        name, sizes = self._resource.name, self._around.sizes
        asked = SideBySide(
            self._ahead, lambda part: self._read(self._whole(part)), self._survey, lambda: sizes.of(name), self._expect
        )
        try:
            with closing(asked.pages(behind, self._stop)) as pages:
                for part, coming in pages:
                    question = self._whole(part.question)
                    try:
                        page = answer(coming, self._stop)
                    except ShopUnavailable as error:
                        if not self._smaller(error, part.rows):
                            raise
                        return cursor, True
                    sizes.served(name)
                    if page.full:
                        cursor = self._told(cursor, question, page, moment)
                        self._store(question, page, cursor)
                        return cursor, True
                    cursor = ranges.reached(cursor, part.last)
                    self._store(question, page, cursor)
                    if self._stop():
                        raise StoppedError
        except _UncountableError:
            self._by_ranges = False
        finally:
            self._report.requests += asked.requests
        return cursor, False

    def _survey(self, behind: int, size: int) -> Survey:
        try:
            found = ranges.cut(behind, self._ids(ranges.survey(behind, size)), size)
            if found.more and self._newest is None:
                self._newest = max(self._ids(ranges.newest()), default=0)
        except ShopUnavailable as error:
            if error.code in _NOT_FOR_SIZE or error.retry_after is not None:
                raise
            raise _UncountableError from error
        return found

    def _ids(self, question: Query) -> list[int]:
        return self._around.shop.ids(self._resource.name, self._whole(question), self._stop)

    def _expect(self, behind: int, found: Survey) -> None:
        self._around.meter.expect(self._resource.name, ranges.expected(behind, found, self._newest or 0))

    # --- asking ---------------------------------------------------------------------------------------------------

    def _question(self, cursor: Cursor) -> Query | None:
        question = cursors.ask(cursor, self._around.sizes.of(self._resource.name))
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
            page = answer(waiting or self._ahead.ask(self._read, question), self._stop)
        except ShopUnavailable as error:
            if not self._smaller(error, question.limit):
                raise
            return None
        if page.full:
            self._around.sizes.served(self._resource.name)
        return page

    def _smaller(self, error: ShopUnavailable, rows: int) -> bool:
        """Large pages with display=full can exhaust the shop's memory or time. Is there a smaller one to try?"""
        if error.code in _NOT_FOR_SIZE or error.retry_after is not None:
            return False
        return self._around.sizes.too_large(self._resource.name, rows)

    def _read(self, question: Query) -> Page:
        if question.display == ("id",) and question.newest_first:
            ids = self._around.shop.ids(self._resource.name, question, self._stop)
            return Page([{"id": row_id} for row_id in ids], full=False)
        return self._around.shop.read(self._resource, question, self._stop)

    # --- what a page holds ----------------------------------------------------------------------------------------

    def _seen(self, question: Query, page: Page) -> list[Seen]:
        """Ids and dates of a page. Where rows could not be read, a second question without their texts tells them."""
        seen = [row for row in map(self._place, page.records) if row is not None]
        unplaced = len(page.records) - len(seen) + len(page.broken)
        if unplaced == 0 or not page.full:
            return seen
        self._report.requests += 1
        skeleton = replace(question, display=("id", "date_upd") if self._dated else ("id",))
        places = map(self._place, self._around.shop.read(self._resource, skeleton, self._stop).records)
        return cursors.covered(seen, unplaced, [place for place in places if place is not None])

    def _place(self, record: Record) -> Seen | None:
        try:
            row_id = self._converter.row_id(record)
        except BadValueError:
            return None
        try:
            return Seen(row_id, to_local(record.get("date_upd")) if self._dated else None)
        except ValueError:
            return Seen(row_id)

    def _store(self, question: Query, page: Page, cursor: Cursor) -> None:
        rows: list[Row] = []
        broken = list(page.broken)
        if question.display in ((), self._resource.asked):
            rows, bad = self._converter.rows(page.records)
            broken += [unfit(self._converter, record, error) for record, error in bad]
        whole = self.book.whole(cursor)
        if not rows and not broken and whole == self.book.stored:
            return
        stored = self._around.rows.store(self._around.name, self._resource, rows, whole, broken)
        self.book.stored = whole
        self._report.add(stored)
        for one in broken:
            self._set_aside(one)
        if rows and not question.uses_dates:  # what an overlap brings again was counted before
            self._around.meter.stored(self._resource.name, len(rows))

    def _set_aside(self, one: Broken) -> None:
        """Count and tell once what every overlap brings again."""
        key = (one.id, one.reason, b"" if one.id else one.raw[:200])
        self._report.broken += key not in self._broken
        remember(self._broken, key)
        name = self._resource.name
        if (name, one.id, one.reason) not in self._around.told:
            remember(self._around.told, (name, one.id, one.reason))
            self._around.events.emit(
                ev.ROW_QUARANTINED, shop=self._around.name, resource=name, row_id=one.id, reason=one.reason
            )


def remember(known: set[T], one: T) -> None:
    """Keep it, in place of another one when there are too many."""
    if len(known) >= MOST_TOLD:
        known.pop()
    known.add(one)


def unfit(converter: Converter, record: Record, error: BadValueError) -> Broken:
    """The quarantine's view of a record with a value that does not fit its field."""
    try:
        row_id = converter.row_id(record)
    except BadValueError:
        row_id = None
    return Broken(row_id, f"{error.field}: no {error.expected}", converter.kept(record))

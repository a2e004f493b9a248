"""Pull: the shop's rows into the mirror, each page in one transaction with the cursor that follows from it.

Decides nothing about order and completeness (`core/cursor.py` does) and nothing about values (`core/values.py`).
While a page is converted and stored, the next one is already being fetched. One resource that cannot be read stops no
other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from itertools import count

from connector.core import cursor as cursors
from connector.core.cursor import Cursor, Moment, NoProgressError, Seen
from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.core.query import Filter, Query
from connector.core.values import BadValueError, Converter, to_local
from connector.engine.ports import Broken, Clock, Events, Page, Record, Rows, Shop, Stored
from connector.errors import (
    ConnectorError,
    ShopError,
    ShopForbidden,
    ShopMisconfigured,
    ShopUnavailable,
    ShopUnreadable,
    StateError,
)
from connector.ops import events as ev

FIRST = ("configurations", "languages")
"""Pulled before all others: the time zone and the languages that the others' values need."""

SMALLEST_PAGE = 25

_FORBIDDEN = frozenset({"shop.resource_forbidden", "shop.method_forbidden"})
_THIS_ONE = _FORBIDDEN | {
    "shop.resource_unknown",
    "shop.query_refused",
    "shop.method_unsupported",
    "shop.id_shop_forbidden",
    "shop.id_shop_unknown",
}
"""Refusals that concern one resource; after any other refusal there is no point in asking for the next."""

Stop = Callable[[], bool]
Progress = Callable[[str, int, int | None], None]


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


@dataclass(slots=True)
class PullReport:
    """resources: name -> report, in the order of reading. stopped: ended early because it was asked to."""

    resources: dict[str, ResourceReport] = field(default_factory=dict)
    stopped: bool = False

    @property
    def new(self) -> int:
        return sum(report.new for report in self.resources.values())

    @property
    def changed(self) -> int:
        return sum(report.changed for report in self.resources.values())

    @property
    def unchanged(self) -> int:
        return sum(report.unchanged for report in self.resources.values())

    @property
    def broken(self) -> int:
        return sum(report.broken for report in self.resources.values())

    @property
    def requests(self) -> int:
        return sum(report.requests for report in self.resources.values())

    @property
    def errors(self) -> list[ConnectorError]:
        return [report.error for report in self.resources.values() if report.error is not None]


class Pull:
    """The pull leg of one shop. Keep the object: it remembers which pages were too large for the shop.

    info: version and rights, asked once a run (the caller keeps them). zone: the shop's time zone or None, asked at
    the beginning and again after the settings were pulled. snapshot_seconds: how old a reference table may get.
    id_shops: one pass for each over the resources that show one shop's rows only; ("",) for a shop without
    multistore, ("all",) from 8.1 on, else every active id.
    """

    def __init__(
        self,
        shop: Shop,
        rows: Rows,
        events: Events,
        clock: Clock,
        *,
        shop_name: str,
        resources: Sequence[Resource],
        info: Callable[[], ShopInfo],
        zone: Callable[[], tzinfo | None],
        page_size: int = 500,
        snapshot_seconds: float = 3600,
        id_shops: Sequence[str] = ("",),
        progress: Progress | None = None,
    ) -> None:
        self._shop = shop
        self._rows = rows
        self._events = events
        self._clock = clock
        self._name = shop_name
        self._resources = in_order(resources)
        self._info = info
        self._zone = zone
        self._page_size = page_size
        self._max_age = timedelta(seconds=snapshot_seconds)
        self._id_shops = tuple(id_shops) or ("",)
        self._progress = progress
        self._sizes: dict[str, int] = {}
        self._told: set[tuple[str, int | None, str]] = set()

    def run(self, only: Sequence[str] | None = None, stop: Stop = lambda: False, *, force: bool = False) -> PullReport:
        """Read what is new. only: names of resources. force: read reference tables even if they are fresh.

        Raises what `info` raises and StateError when the mirror cannot be written; everything else is in the report.
        """
        report = PullReport()
        info = self._info()
        zone = self._zone()
        unreachable = 0
        with ThreadPoolExecutor(1, thread_name_prefix="pull") as ahead:
            for resource in self._resources:
                if only is not None and resource.name not in only:
                    continue
                if stop():
                    report.stopped = True
                    break
                mine = report.resources[resource.name] = ResourceReport()
                if self._left_out(resource, info, mine):
                    continue
                began = self._clock.now()
                try:
                    done = self._resource(resource, zone, mine, ahead, stop, force)
                    report.stopped = report.stopped or not done
                    unreachable = 0
                except StateError:
                    raise
                except ConnectorError as error:
                    mine.error = error
                except Exception as error:  # a fault of ours in one resource must not stop the others
                    mine.error = ConnectorError("pull.fault", resource=resource.name, error=type(error).__name__)
                mine.seconds = (self._clock.now() - began).total_seconds()
                self._tell(resource, mine)
                unreachable += isinstance(mine.error, ShopUnavailable)
                if report.stopped or unreachable > 1 or _concerns_the_shop(mine.error):
                    break
                if resource.name in FIRST:
                    zone = self._zone()
        return report

    # --- one resource ---------------------------------------------------------------------------------------------

    def _resource(
        self,
        resource: Resource,
        zone: tzinfo | None,
        mine: ResourceReport,
        ahead: ThreadPoolExecutor,
        stop: Stop,
        force: bool,
    ) -> bool:
        """False when it was asked to stop."""
        passes = self._id_shops if resource.per_shop else ("",)
        cursor = self._rows.cursor(self._name, resource.name)
        converter = Converter(resource, zone, self._languages(resource))
        asked = mine.requests
        for id_shop in passes:
            reading = _Pass(self, resource, converter, mine, Notebook(cursor, passes, id_shop), ahead)
            if not reading.run(Moment(self._clock.now(), zone), stop, timedelta(0) if force else self._max_age):
                return False
            cursor = reading.book.stored
        if mine.requests == asked:
            mine.skipped = "fresh"
        return True

    def _languages(self, resource: Resource) -> list[int]:
        return sorted(self._rows.ids_where(self._name, "languages", "active", True)) if resource.lang else []

    def _left_out(self, resource: Resource, info: ShopInfo, mine: ResourceReport) -> bool:
        version = version_of(info.version)
        if version and version < resource.since:
            mine.skipped = "version"
        elif not info.may(resource.name, "GET"):
            mine.skipped = "forbidden"
            self._events.emit(ev.RESOURCE_FORBIDDEN, shop=self._name, resource=resource.name)
        return bool(mine.skipped)

    def _tell(self, resource: Resource, mine: ResourceReport) -> None:
        error = mine.error
        if error is not None and error.code in _FORBIDDEN:
            # The key lost the right after its rights were last asked for.
            mine.skipped, mine.error = "forbidden", None
            self._events.emit(ev.RESOURCE_FORBIDDEN, shop=self._name, resource=resource.name)
            return
        counts = {name: getattr(mine, name) for name in ("new", "changed", "unchanged", "broken", "requests")}
        counts["seconds"] = round(mine.seconds, 3)
        if error is None:
            if not mine.skipped:
                self._events.emit(ev.RESOURCE_PULLED, shop=self._name, resource=resource.name, **counts)
            return
        self._events.emit(
            ev.RESOURCE_FAILED,
            shop=self._name,
            resource=resource.name,
            error=error.code,
            error_class=type(error).__name__,
            **counts,
        )


class Notebook:
    """The stored cursor of one pass: flat for a single pass, else {"by_shop": {id_shop: cursor}}.

    When the passes change (a second shop was added, id_shop=all became possible) the rows seen so far say nothing
    about the new pass, so it begins anew.
    """

    def __init__(self, stored: Cursor | None, passes: Sequence[str], id_shop: str) -> None:
        self.stored = stored
        self._several = len(passes) > 1
        self._passes = passes
        self._id_shop = id_shop

    def open(self) -> Cursor | None:
        if self.stored is None:
            return None
        if self._several:
            found: Cursor | None = self.stored.get("by_shop", {}).get(self._id_shop)
            return found
        if "by_shop" in self.stored or self.stored.get("id_shop", "") != self._id_shop:
            return None
        return {name: value for name, value in self.stored.items() if name != "id_shop"}

    def whole(self, cursor: Cursor) -> Cursor:
        """What to store so that `open` gives this cursor."""
        if self._several:
            others = (self.stored or {}).get("by_shop", {})
            kept = {name: value for name, value in others.items() if name in self._passes}
            return {"by_shop": {**kept, self._id_shop: cursor}}
        return {**cursor, "id_shop": self._id_shop} if self._id_shop else cursor


class _Pass:
    """One reading of one resource, in one shop's context."""

    def __init__(
        self,
        pull: Pull,
        resource: Resource,
        converter: Converter,
        mine: ResourceReport,
        book: Notebook,
        ahead: ThreadPoolExecutor,
    ) -> None:
        self._pull = pull
        self._resource = resource
        self._converter = converter
        self._mine = mine
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
                    moment = Moment(self._pull._clock.now(), moment.zone)
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
        size = self._pull._sizes.get(self._resource.name, self._pull._page_size)
        question = cursors.ask(cursor, size)
        return None if question is None else self._whole(question)

    def _whole(self, question: Query) -> Query:
        only = self._resource.only
        more = (Filter(only[0], "any", only[1]),) if only else ()
        return replace(
            question,
            filters=(*question.filters, *more),
            display=question.display or self._resource.asked,
            id_shop=self.book._id_shop,
        )

    def _answer(self, question: Query, waiting: Future[Page] | None) -> Page | None:
        """The page; None when the shop gave up on it and the next try will ask for less."""
        self._mine.requests += 1
        try:
            return waiting.result() if waiting is not None else self._read(question)
        except ShopUnavailable:
            # Large pages with display=full can exhaust the shop's memory or time.
            if question.limit <= SMALLEST_PAGE * 2:
                raise
            self._pull._sizes[self._resource.name] = max(SMALLEST_PAGE, question.limit // 4)
            return None

    def _read(self, question: Query) -> Page:
        if question.display == ("id",) and question.newest_first:
            ids = self._pull._shop.ids(self._resource.name, question)
            return Page([{"id": row_id} for row_id in ids], full=False)
        return self._pull._shop.read(self._resource, question)

    def _how_many(self) -> int | None:
        """How many rows a first reading will bring; asked only when somebody watches."""
        if self._pull._progress is None:
            return None
        self._mine.requests += 1
        return len(self._pull._shop.ids(self._resource.name, self._whole(Query())))

    # --- what a page holds ----------------------------------------------------------------------------------------

    def _seen(self, question: Query, page: Page) -> list[Seen]:
        """Ids and dates of a page. Where rows could not be read, a second question without their texts tells them."""
        seen = [row for row in map(self._place, page.records) if row is not None]
        unplaced = len(page.records) - len(seen) + len(page.broken)
        if unplaced == 0 or not page.full:
            return seen
        self._mine.requests += 1
        skeleton = replace(question, display=("id", "date_upd") if self._resource.has_date_upd else ("id",))
        places = map(self._place, self._pull._shop.read(self._resource, skeleton).records)
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
        stored = self._pull._rows.store(self._pull._name, self._resource, rows, whole, broken)
        self.book.stored = whole
        self._mine.add(stored)
        for one in broken:
            self._set_aside(one)
        if self._pull._progress is not None and rows:
            self._pull._progress(self._resource.name, self._mine.rows, self._expected)

    def _set_aside(self, one: Broken) -> None:
        """Count and tell once what every overlap brings again."""
        key = (one.id, one.reason, b"" if one.id else one.raw)
        self._mine.broken += key not in self._broken
        self._broken.add(key)
        name = self._resource.name
        if (name, one.id, one.reason) not in self._pull._told:
            self._pull._told.add((name, one.id, one.reason))
            self._pull._events.emit(
                ev.ROW_QUARANTINED, shop=self._pull._name, resource=name, row_id=one.id, reason=one.reason
            )


# --- small parts ----------------------------------------------------------------------------------------------------


def in_order(resources: Sequence[Resource]) -> list[Resource]:
    """Settings and languages, then the other reference tables, then what grows."""

    def rank(resource: Resource) -> int:
        if resource.name in FIRST:
            return FIRST.index(resource.name)
        return len(FIRST) + (resource.pull != "snapshot")

    return sorted(resources, key=rank)


def version_of(text: str) -> tuple[int, ...]:
    """(8, 2, 1) of '8.2.1'; () of '' and of '0', which newer shops tell strangers."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", text)
    version = tuple(int(part) for part in found[0].split(".")) if found else ()
    return version if any(version) else ()


def unfit(converter: Converter, record: Record, error: BadValueError) -> Broken:
    """The quarantine's view of a record with a value that does not fit its field."""
    try:
        row_id = converter.row_id(record)
    except BadValueError:
        row_id = None
    return Broken(row_id, f"{error.field}: no {error.expected}", converter.kept(record))


def batches(ids: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in count(0, size):
        if start >= len(ids):
            return
        yield list(ids[start : start + size])


def _concerns_the_shop(error: ConnectorError | None) -> bool:
    return (
        isinstance(error, ShopError)
        and isinstance(error, ShopForbidden | ShopMisconfigured)
        and error.code not in _THIS_ONE
    )

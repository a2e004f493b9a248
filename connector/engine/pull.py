"""Pull: the shop's rows into the mirror, each page in one transaction with the cursor that follows from it.

Knows the order of the resources and what stops what: one that cannot be read stops no other. How one is read is in
`engine/passes.py`, what comes next in `core/cursor.py`, what a value is in `core/values.py`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from itertools import count
from typing import Any

from connector.core import ranges
from connector.core.convert import Converter
from connector.core.cursor import Moment
from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.core.ranges import PageSizes
from connector.engine.ahead import Ahead, Stop, StoppedError, answer, work_off
from connector.engine.notebook import Notebook
from connector.engine.passes import Pass, ResourceReport, Surroundings, unfit
from connector.engine.ports import Clock, Events, Rows, Shop
from connector.engine.progress import Meter, Progress
from connector.errors import ConnectorError, ShopError, ShopForbidden, ShopMisconfigured, ShopUnavailable, StateError
from connector.ops import events as ev

__all__ = ["Pull", "PullReport", "ResourceReport", "Stop", "batches", "in_order", "unfit", "version_of"]

AT_ONCE = 3
"""Resources. More would only hold more pages in memory: two connections of a shop are kept busy by three."""

SHOPS = "shops"
"""The resource that tells which shops of a multistore can be asked."""

FIRST = ("configurations", SHOPS, "languages")
"""Pulled before all others: the time zone and the languages that the others' values need, and the shops in whose
context they are asked for: a question in the context of one that was switched off is sent to the home page."""

_FORBIDDEN = frozenset({"shop.resource_forbidden", "shop.method_forbidden"})
_THIS_ONE = _FORBIDDEN | {
    "shop.resource_unknown",
    "shop.query_refused",
    "shop.method_unsupported",
    "shop.id_shop_forbidden",
    "shop.id_shop_unknown",
}
"""Refusals that concern one resource; after any other refusal there is no point in asking for the next."""


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


@dataclass(slots=True)
class _Run:
    """One run. unreachable: resources in a row for which the shop did not answer. cursors: as they were at its
    beginning; nobody else moves them. id_shops: None until asked for, and again once the shops were read."""

    report: PullReport
    info: ShopInfo
    zone: tzinfo | None
    ahead: Ahead
    stop: Stop
    force: bool
    cursors: dict[str, dict[str, Any]]
    id_shops: Sequence[str] | None = None
    unreachable: int = 0


class Pull:
    """The pull leg of one shop. Keep the object: it remembers which pages were too large for the shop.

    info: version and rights, asked once a run (the caller keeps them). zone: the shop's time zone or None, asked at
    the beginning and again after the settings were pulled. snapshot_seconds: how old a reference table may get.
    id_shops: asked anew in each run; one pass for each over those that show one shop's rows only; ("",) without
    multistore, ("all",) from 8.1 on, else every active id. connections: how many questions the shop may be asked at
    once; the shop's adapter may ask fewer.
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
        connections: int = 2,
        snapshot_seconds: float = 3600,
        id_shops: Callable[[], Sequence[str]] = lambda: ("",),
        progress: Progress | None = None,
    ) -> None:
        meter = Meter(shop_name, events, clock, progress)
        self._around = Surroundings(shop, rows, events, clock, shop_name, PageSizes(page_size), meter)
        self._connections = connections
        self._progress = progress
        self._rows = rows
        self._events = events
        self._clock = clock
        self._name = shop_name
        self._resources = in_order(resources)
        self._info = info
        self._zone = zone
        self._max_age = timedelta(seconds=snapshot_seconds)
        self._id_shops = id_shops

    def run(self, only: Sequence[str] | None = None, stop: Stop = lambda: False, *, force: bool = False) -> PullReport:
        """Read what is new. only: names of resources. force: read reference tables even if they are fresh.

        Raises what `info` raises and StateError when the mirror cannot be written; everything else is in the report.
        """
        report = PullReport()
        info = self._info()
        zone = self._zone()
        self._around.sizes.renew()
        self._around.meter = Meter(self._name, self._events, self._clock, self._progress)
        wanted = [resource for resource in self._resources if only is None or resource.name in only]
        cursors = self._rows.cursors(self._name)
        with Ahead(self._connections) as ahead:
            if self._progress is not None:
                self._foresee(wanted, cursors, info, ahead, stop)
            run = _Run(report, info, zone, ahead, stop, force, cursors)
            for resource in wanted:
                if resource.name in FIRST:
                    if not self._one(resource, run):
                        return report
                    run.zone = self._zone()
            # One more than the shop is asked by: while one comes to its end, page by page, or begins with a survey,
            # the shop has the others to answer.
            rest = mixed([resource for resource in wanted if resource.name not in FIRST])
            work_off(rest, lambda resource: self._one(resource, run), min(AT_ONCE, self._connections + 1))
        report.resources = {r.name: report.resources[r.name] for r in wanted if r.name in report.resources}
        return report

    def _foresee(
        self,
        wanted: Sequence[Resource],
        cursors: dict[str, dict[str, Any]],
        info: ShopInfo,
        ahead: Ahead,
        stop: Stop,
    ) -> None:
        """Somebody looks on: judge by the highest ids how many rows a first pull will bring. One cheap question for
        each resource that grows; what cannot be told now stays unknown."""
        hoped: dict[str, tuple[int, Future[list[int]]]] = {}
        for resource in wanted:
            cursor = cursors.get(resource.name)
            if resource.pull != "snapshot" and ranges.is_large(cursor) and not _why_not(resource, info):
                behind = (ranges.after(cursor) or 0) if cursor else 0
                question = ahead.ask(self._around.shop.ids, resource.name, ranges.newest(), stop)
                hoped[resource.name] = (behind, question)
        with suppress(ConnectorError, StoppedError):
            for name, (behind, question) in hoped.items():
                ids = answer(question, stop)
                self._around.meter.expect(name, max(0, max(ids, default=0) - behind))

    # --- one resource ---------------------------------------------------------------------------------------------

    def _one(self, resource: Resource, run: _Run) -> bool:
        """Read it, whatever becomes of it. False: there is no point in reading another. Raises StateError."""
        if run.stop():
            run.report.stopped = True
            return False
        mine = run.report.resources[resource.name] = ResourceReport()
        if self._left_out(resource, run.info, mine):
            return True
        began = self._clock.now()
        self._around.meter.begun(resource.name)
        try:
            if not self._read(resource, mine, run):
                run.report.stopped = True
        except StateError:
            raise
        except ConnectorError as error:
            mine.error = error
        except Exception as error:  # a fault of ours in one resource must not stop the others
            mine.error = ConnectorError("pull.fault", resource=resource.name, error=type(error).__name__)
        mine.seconds = (self._clock.now() - began).total_seconds()
        self._around.meter.ended(resource.name)
        if resource.name == SHOPS and mine.requests:
            run.id_shops = None
        self._tell(resource, mine)
        if isinstance(mine.error, ShopUnavailable):
            run.unreachable += 1
        elif mine.error is None:
            run.unreachable = 0
        return not run.report.stopped and run.unreachable <= 1 and not _refused(mine.error)

    def _read(self, resource: Resource, mine: ResourceReport, run: _Run) -> bool:
        """False when it was asked to stop."""
        passes = self._passes(resource, run)
        cursor = run.cursors.get(resource.name)
        converter = Converter(resource, run.zone, self._languages(resource))
        asked = mine.requests
        at_once = run.force or (resource.name == SHOPS and tuple(self._id_shops()) not in ((), ("",)))
        max_age = timedelta(0) if at_once else self._max_age
        for id_shop in passes:
            reading = Pass(self._around, resource, converter, mine, Notebook(cursor, passes, id_shop), run.ahead)
            moment = Moment(self._clock.now(), run.zone)
            if not reading.run(moment, run.stop, max_age):
                return False
            cursor = reading.book.stored
        if mine.requests == asked:
            mine.skipped = "fresh"
        return True

    def _passes(self, resource: Resource, run: _Run) -> Sequence[str]:
        if not resource.per_shop:
            return ("",)
        if run.id_shops is None:
            run.id_shops = tuple(self._id_shops()) or ("",)
        return run.id_shops

    def _languages(self, resource: Resource) -> list[int]:
        return sorted(self._rows.ids_where(self._name, "languages", "active", True)) if resource.lang else []

    def _left_out(self, resource: Resource, info: ShopInfo, mine: ResourceReport) -> bool:
        mine.skipped = _why_not(resource, info)
        if mine.skipped == "forbidden":
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


# --- small parts ----------------------------------------------------------------------------------------------------


def in_order(resources: Sequence[Resource]) -> list[Resource]:
    """Settings, shops and languages, then the other reference tables, then what grows: the widest first, since a first
    pull is as long as its last resource, and a wide one takes us longer than the shop."""

    def rank(resource: Resource) -> tuple[int, int]:
        if resource.name in FIRST:
            return FIRST.index(resource.name), 0
        if resource.pull == "snapshot":
            return len(FIRST), 0
        return len(FIRST) + 1, -len(resource.fields) - sum(len(child.fields) for child in resource.children)

    return sorted(resources, key=rank)


def mixed(resources: Sequence[Resource]) -> list[Resource]:
    """What grows, from both ends of its order in turn: wide rows keep the shop busy and narrow ones us, so that side by
    side neither waits long for the other."""
    growing = deque(resource for resource in resources if resource.pull != "snapshot")
    tables = [resource for resource in resources if resource.pull == "snapshot"]
    return tables + [growing.pop() if n % 2 else growing.popleft() for n in range(len(growing))]


def _why_not(resource: Resource, info: ShopInfo) -> str:
    """Why a resource is not read at all; '' when it is."""
    version = version_of(info.version)
    if version and version < resource.since:
        return "version"
    return "" if info.may(resource.name, "GET") else "forbidden"


def version_of(text: str) -> tuple[int, ...]:
    """(8, 2, 1) of '8.2.1'; () of '' and of '0', which newer shops tell strangers."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", text)
    version = tuple(int(part) for part in found[0].split(".")) if found else ()
    return version if any(version) else ()


def batches(ids: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in count(0, size):
        if start >= len(ids):
            return
        yield list(ids[start : start + size])


def concerns_the_shop(error: ConnectorError | None) -> bool:
    """Is the whole shop out of reach, or only one resource?"""
    return isinstance(error, ShopUnavailable) or _refused(error)


def _refused(error: ConnectorError | None) -> bool:
    return (
        isinstance(error, ShopError)
        and isinstance(error, ShopForbidden | ShopMisconfigured)
        and error.code not in _THIS_ONE
    )

"""Sweep: changes that no date tells of. For each value of a watched field one list of ids, compared with the mirror.

A list without `display` costs the shop almost nothing; only the rows that differ are read in full. What the shop does
not give any more is counted as missing and left for the deletions: a sweep deletes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo

from connector.core.convert import Converter
from connector.core.cursor import LAST_DATE, Moment
from connector.core.mapping import Field, Resource, Sweep
from connector.core.model import ShopInfo
from connector.core.query import Filter, Query
from connector.core.values import BadValueError, value_of
from connector.engine.census import Census, passes_of, unlisted_by
from connector.engine.comparable import comparable
from connector.engine.ports import Clock, Contents, Events, Held, Page, Rows, Shop, Stored
from connector.engine.pull import Stop, batches, in_order, unfit
from connector.errors import ConnectorError, DataError, ShopForbidden, ShopMisconfigured, ShopUnavailable, StateError
from connector.ops import events as ev

BATCH = 100
"""Ids in one filter: the address of a request must stay short enough for every web server."""


@dataclass(slots=True)
class SweepReport:
    """differing: rows whose value differed and that were read again. missing: those the shop did not give, by
    resource. errors: one per resource that could not be swept."""

    swept: int = 0
    differing: int = 0
    stored: Stored = field(default_factory=Stored)
    broken: int = 0
    requests: int = 0
    missing: dict[str, set[int]] = field(default_factory=dict)
    errors: list[ConnectorError] = field(default_factory=list)
    stopped: bool = False

    @property
    def counts(self) -> dict[str, int]:
        return {
            "new": self.stored.new,
            "changed": self.stored.changed,
            "broken": self.broken,
            "missing": sum(len(ids) for ids in self.missing.values()),
            "requests": self.requests,
        }


class Sweeps:
    """The sweep leg of one shop; the other arguments are those of `Pull`."""

    def __init__(
        self,
        shop: Shop,
        rows: Rows,
        contents: Contents,
        events: Events,
        clock: Clock,
        *,
        shop_name: str,
        resources: Sequence[Resource],
        info: Callable[[], ShopInfo],
        zone: Callable[[], tzinfo | None],
        page_size: int = 500,
        id_shops: Callable[[], Sequence[str]] = lambda: ("",),
    ) -> None:
        self._shop = shop
        self._rows = rows
        self._contents = contents
        self._events = events
        self._clock = clock
        self._name = shop_name
        self._resources_all = in_order(resources)
        self._resources = [resource for resource in self._resources_all if resource.sweeps]
        self._info = info
        self._zone = zone
        self._page_size = page_size
        self._id_shops = id_shops

    def run(self, stop: Stop = lambda: False, only: Sequence[str] | None = None) -> SweepReport:
        """Every sweep once. Raises what `info` raises and StateError; everything else is in the report."""
        report = SweepReport()
        info = self._info()
        zone = self._zone()
        for resource in comparable(self._resources, info, self._rows, self._name, only):
            try:
                _Sweeping(self, resource, zone, report, stop).run()
            except StateError:
                raise
            except ConnectorError as error:
                report.errors.append(error)
                self._events.emit(
                    ev.RESOURCE_FAILED,
                    shop=self._name,
                    resource=resource.name,
                    error=error.code,
                    error_class=type(error).__name__,
                )
                if isinstance(error, ShopUnavailable | ShopForbidden | ShopMisconfigured):
                    break
            if stop():
                report.stopped = True
                break
        self._events.emit(ev.SWEEP_FINISHED, shop=self._name, count=report.swept, **report.counts)
        return report

    def reread(self, name: str, ids: Sequence[int], stop: Stop = lambda: False) -> SweepReport:
        """Read these rows of a resource in full and store them; no cursor moves. Raises DataError for a resource that
        is not mapped, and what `info` raises; what the shop does not give is in `missing`."""
        report = SweepReport()
        resource = next((r for r in self._resources_all if r.name == name), None)
        if resource is None:
            raise DataError("resource.unknown", name=name)
        self._info()
        try:
            _Sweeping(self, resource, self._zone(), report, stop).read(sorted(set(ids)))
        except StateError:
            raise
        except ConnectorError as error:
            report.errors.append(error)
        return report


class _Sweeping:
    """The sweeps of one resource."""

    def __init__(
        self, sweeps: Sweeps, resource: Resource, zone: tzinfo | None, report: SweepReport, stop: Stop
    ) -> None:
        self._shop = sweeps._shop
        self._rows = sweeps._rows
        self._of = sweeps
        self._resource = resource
        self._zone = zone
        self._report = report
        self._stop = stop
        active = sweeps._rows.ids_where(sweeps._name, "languages", "active", True) if resource.lang else ()
        self._converter = Converter(resource, zone, sorted(active))
        self._all_passes = tuple(sweeps._id_shops()) or ("",)
        self._passes = passes_of(resource, self._all_passes)
        unlisted = unlisted_by(sweeps._rows, sweeps._contents, sweeps._name, resource)
        self._census = Census(sweeps._shop, resource, self._passes, unlisted)

    def run(self) -> None:
        try:
            self._sweep()
        finally:
            self._report.requests += self._census.requests

    def _sweep(self) -> None:
        differing: set[int] = set()
        for sweep in self._resource.sweeps:
            if self._stop():
                return
            if sweep.days:
                self._reread(sweep)
            if sweep.filled:
                # `_` stands for any character: all that hold at least one. What was set anew on a row of any age.
                differing |= self._unequal(
                    Filter(sweep.field, "starts", ("_",)), Held(sweep.field, ("",), none_of=True)
                )
            elif sweep.every:
                differing |= self._unlike(sweep.field)
            elif not sweep.days:
                differing |= self._differing(sweep)
            self._report.swept += 1
        self._report.differing += len(differing)
        self.read(sorted(differing))

    # --- by values --------------------------------------------------------------------------------------------------

    def _differing(self, sweep: Sweep) -> set[int]:
        """Ids that the shop has under one value and the mirror under another."""
        item = self._resource.field(sweep.field)
        if item is None:
            return set()
        values = self._values(sweep)
        typed = [value_of(item, value, self._zone) for value in values]
        found: set[int] = set()
        for value, here in zip(values, typed, strict=True):
            found |= self._unequal(Filter(sweep.field, "eq", (value,)), Held(sweep.field, (here,)))
        if sweep.others:
            others = Held(sweep.field, tuple(typed), none_of=True)
            found |= self._unequal(Filter(sweep.field, "not", tuple(values)), others)
        return found

    def _unequal(self, there: Filter, here: Held) -> set[int]:
        """Ids that the shop finds by its filter and the mirror does not, or the other way round; in memory there is
        one window and what differs."""
        found: set[int] = set()
        name, table = self._of._name, self._resource.table
        for window in self._census.windows(there, stop=self._stop):
            known = self._of._contents.ids_between(name, table, window.after, window.upto, here)
            found |= window.ids ^ (known - self._census.unlisted(window.after, window.upto))
        return found

    def _unlike(self, name: str) -> set[int]:
        """Ids of the rows that have another value in this field, which is read of all of them, page by page."""
        item = self._resource.field(name)
        found: set[int] = set()
        for id_shop in self._passes if item is not None else ():
            last = 0
            while not self._stop():
                above = Filter("id", "gt", (str(last),))
                page = self._page(Query((above,), ("id",), self._of._page_size, ("id", name), id_shop))
                there = {record["id"]: record.get(name) for record in page.records if record["id"] > last}
                if not there:
                    break
                after, last = last, max(there)
                here = self._of._contents.values_between(self._of._name, self._resource.table, name, after, last)
                found.update(i for i, value in there.items() if i not in here or self._typed(item, value) != here[i])
                if not page.full:
                    break
        return found

    def _typed(self, item: Field | None, value: object) -> object:
        """As the mirror holds it; a value that does not fit is equal to none, so that its row is read."""
        try:
            return value_of(item, value, self._zone) if item is not None else None
        except BadValueError:
            return self

    def _values(self, sweep: Sweep) -> list[str]:
        if not sweep.ids_of:
            return list(sweep.values)
        return ["0", *(str(row_id) for row_id in sorted(self._rows.all_ids(self._of._name, sweep.ids_of)))]

    # --- by days ----------------------------------------------------------------------------------------------------

    def _reread(self, sweep: Sweep) -> None:
        """Read the rows of the last days again, and with `through` those whose parent changed in these days."""
        local = Moment(self._of._clock.now(), self._zone).local - timedelta(days=sweep.days)
        since = local.isoformat(" ", "seconds")
        recent = Filter(sweep.by, "between", (since, LAST_DATE))
        seen: set[int] = set()
        for id_shop in self._passes:
            last = 0
            while not self._stop():
                above = Filter("id", "gt", (str(last),))
                page = self._page(Query((recent, above), ("id",), self._of._page_size, id_shop=id_shop))
                ids = [row_id for row_id in self._keep(page) if row_id > last]
                seen.update(ids)
                if not page.full or not ids:
                    break
                last = max(ids)
        if sweep.through is not None:
            self._through(sweep.through, since)

    def _through(self, through: tuple[str, str], since: str) -> None:
        field_name, parent = through
        changed = Filter("date_upd", "between", (since, LAST_DATE))
        parents: set[int] = set()
        for id_shop in self._all_passes:
            self._report.requests += 1
            parents.update(self._shop.ids(parent, Query((changed,), id_shop=id_shop)))
        old = Filter("date_add", "lt", (since,))
        for some in batches(sorted(parents), BATCH):
            if self._stop():
                return
            chosen = Filter(field_name, "any", tuple(str(row_id) for row_id in some))
            self._keep(self._page(Query((chosen, old))))

    # --- reading and storing ----------------------------------------------------------------------------------------

    def read(self, ids: Sequence[int]) -> None:
        for some in batches(ids, BATCH):
            if self._stop():
                return
            wanted = Filter("id", "any", tuple(str(row_id) for row_id in some))
            came: set[int] = set()
            for id_shop in self._passes:
                came.update(self._keep(self._page(Query((wanted,), id_shop=id_shop))))
            gone = set(some) - came
            if gone:
                self._report.missing.setdefault(self._resource.name, set()).update(gone)

    def _page(self, query: Query) -> Page:
        self._report.requests += 1
        only = self._resource.only
        more = (Filter(only[0], "any", only[1]),) if only else ()
        display = query.display or self._resource.asked
        question = Query((*query.filters, *more), query.sort, query.limit, display, query.id_shop)
        return self._shop.read(self._resource, question)

    def _keep(self, page: Page) -> list[int]:
        """Store a page; the ids it held, broken ones too. The pull's cursor stays where it is."""
        rows, broken = [], list(page.broken)
        for record in page.records:
            try:
                rows.append(self._converter.row(record))
            except BadValueError as error:
                broken.append(unfit(self._converter, record, error))
        if rows or broken:
            self._report.stored += self._rows.store(self._of._name, self._resource, rows, None, broken)
        self._report.broken += len(broken)
        for one in broken:
            self._of._events.emit(
                ev.ROW_QUARANTINED,
                shop=self._of._name,
                resource=self._resource.name,
                row_id=one.id,
                reason=one.reason,
            )
        return [row.id for row in rows] + [one.id for one in broken if one.id is not None]

"""Deletions: rows that the shop does not have any more leave the mirror. The webservice tells of none, so all ids are
compared, window by window; what the shop has and the mirror lacks is brought in on the way.

Two things stand before a row is said to be gone: the guard over the whole resource, and a second look at that very id
(a row that came while the lists were read is in one and not in the other).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from connector.core.guards import mass_deletion
from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.engine.census import LOOK, Census, passes_of, unlisted_by
from connector.engine.comparable import comparable
from connector.engine.ports import Contents, Events, Rows, Shop
from connector.engine.pull import Stop, batches, in_order
from connector.engine.sweep import SweepReport
from connector.errors import ConnectorError, GuardTripped, ShopForbidden, ShopMisconfigured, ShopUnavailable, StateError
from connector.ops import events as ev

AT_ONCE = 1000
"""Ids that are looked at, removed or read again between two questions whether to stop."""

Reread = Callable[[str, Sequence[int]], SweepReport]
"""Reads these rows of a resource in full and stores them."""


@dataclass(slots=True)
class Found:
    """What came of one resource, in rows. gone: left the mirror. fetched: came into it."""

    gone: int = 0
    fetched: int = 0
    requests: int = 0


@dataclass(slots=True)
class DeletionReport:
    """guards: one per resource of which too much was gone. errors: one per resource that could not be compared, the
    guards among them."""

    resources: dict[str, Found] = field(default_factory=dict)
    guards: list[GuardTripped] = field(default_factory=list)
    errors: list[ConnectorError] = field(default_factory=list)
    stopped: bool = False

    @property
    def counts(self) -> dict[str, int]:
        found = self.resources.values()
        return {
            "gone": sum(one.gone for one in found),
            "fetched": sum(one.fetched for one in found),
            "requests": sum(one.requests for one in found),
        }


class Deletions:
    """The deletions leg of one shop.

    most_percent: the share of a resource that may be gone at once. reread: `Sweeps.reread`. The other arguments are
    those of `Pull`.
    """

    def __init__(
        self,
        shop: Shop,
        rows: Rows,
        contents: Contents,
        events: Events,
        *,
        shop_name: str,
        resources: Sequence[Resource],
        info: Callable[[], ShopInfo],
        reread: Reread,
        most_percent: float,
        id_shops: Callable[[], Sequence[str]] = lambda: ("",),
    ) -> None:
        self._shop = shop
        self._rows = rows
        self._contents = contents
        self._events = events
        self._name = shop_name
        self._resources = in_order(resources)
        self._info = info
        self._reread = reread
        self._most_percent = most_percent
        self._id_shops = id_shops

    def run(
        self, stop: Stop = lambda: False, only: Sequence[str] | None = None, allowed: Collection[str] = ()
    ) -> DeletionReport:
        """Compare the ids of every resource, or of those in `only`. allowed: resources whose guard is lifted.

        Raises what `info` raises and StateError; everything else is in the report."""
        report = DeletionReport()
        for resource in comparable(self._resources, self._info(), self._rows, self._name, only):
            if stop():
                break
            found = report.resources[resource.name] = Found()
            try:
                self._compare(resource, found, stop, resource.name in allowed)
            except StateError:
                raise
            except GuardTripped as tripped:
                report.guards.append(tripped)
                report.errors.append(tripped)
                self._events.emit(
                    ev.GUARD_TRIPPED,
                    shop=self._name,
                    resource=resource.name,
                    guard="mass_deletion",
                    setting="most_deleted_percent",
                    count=tripped.facts["gone"],
                )
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
        report.stopped = stop()
        self._events.emit(ev.DELETIONS_FINISHED, shop=self._name, count=len(report.resources), **report.counts)
        return report

    def _compare(self, resource: Resource, found: Found, stop: Stop, allowed: bool) -> None:
        unlisted = unlisted_by(self._rows, self._contents, self._name, resource)
        census = Census(self._shop, resource, passes_of(resource, self._id_shops()), unlisted)
        known = self._rows.count(self._name, resource.table)
        candidates: set[int] = set()
        count, tripped = 0, False
        try:
            for window in census.windows(stop=stop):
                here = self._contents.ids_between(self._name, resource.table, window.after, window.upto)
                kept = self._contents.quarantined_between(self._name, resource.name, window.after, window.upto)
                gone = here - window.ids
                count += len(gone)
                tripped = not allowed and mass_deletion(known, count, self._most_percent)
                candidates |= set() if tripped else (here | kept) - window.ids
                self._bring(resource, sorted(window.ids - here - kept), found, stop)
            if tripped:
                raise GuardTripped(
                    "guard.mass_deletion", resource=resource.name, gone=count, known=known, percent=self._most_percent
                )
            for some in batches(sorted(candidates), AT_ONCE):
                if stop():
                    return
                self._remove(resource, set(some) - census.among(some), found)
        finally:
            found.requests += census.requests

    def _bring(self, resource: Resource, ids: Sequence[int], found: Found, stop: Stop) -> None:
        for some in batches(ids, LOOK):
            if stop():
                return
            read = self._reread(resource.name, some)
            found.fetched += read.stored.new
            found.requests += read.requests
            if read.errors:
                raise read.errors[0]

    def _remove(self, resource: Resource, ids: set[int], found: Found) -> None:
        if not ids:
            return
        removed = self._rows.remove(self._name, resource, ids)
        found.gone += removed
        if removed:
            self._events.emit(ev.ROWS_DELETED, shop=self._name, resource=resource.name, count=removed)

"""Relations: what rows point to is here, or it is noted that the shop does not have it.

Looks at the rows written since the last time, asks the shop for what they point to and the mirror does not know, and
leaves a tombstone for what the shop does not give, so that it is not asked for again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.engine.census import LOOK
from connector.engine.comparable import comparable
from connector.engine.deletions import Reread
from connector.engine.ports import Clock, Contents, Events, Memory, Rows
from connector.engine.pull import Stop
from connector.errors import ConnectorError, ShopForbidden, ShopMisconfigured, ShopUnavailable
from connector.ops import events as ev

OVERLAP = timedelta(minutes=10)
"""Rows are stamped when their transaction begins and seen when it ends."""


@dataclass(slots=True)
class RelationReport:
    """In rows. fetched: pointed to, and brought in. absent: pointed to, and not in the shop."""

    fetched: int = 0
    absent: int = 0
    requests: int = 0
    errors: list[ConnectorError] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {"fetched": self.fetched, "absent": self.absent, "requests": self.requests}


@dataclass(frozen=True, slots=True)
class _Reference:
    """A column that holds the ids of another resource."""

    resource: Resource
    table: str
    column: str
    target: Resource

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


class Relations:
    """The references of one shop's rows. reread: `Sweeps.reread`."""

    def __init__(
        self,
        rows: Rows,
        contents: Contents,
        memory: Memory,
        events: Events,
        clock: Clock,
        *,
        shop_name: str,
        resources: Sequence[Resource],
        info: Callable[[], ShopInfo],
        reread: Reread,
    ) -> None:
        self._rows = rows
        self._contents = contents
        self._memory = memory
        self._events = events
        self._clock = clock
        self._name = shop_name
        self._resources = {resource.name: resource for resource in resources}
        self._info = info
        self._reread = reread

    def run(self, stop: Stop = lambda: False) -> RelationReport:
        """Every reference once. Raises what `info` raises and StateError; everything else is in the report."""
        report = RelationReport()
        began = self._clock.now()
        marks: dict[str, str] = json.loads(self._memory.get(self._key) or "{}")
        # A target that is filtered lacks rows on purpose; one that is being filled lacks them for now.
        filled = comparable(list(self._resources.values()), self._info(), self._rows, self._name)
        whole = {resource.name for resource in filled if resource.only is None}
        broken: set[str] = set()
        for reference in self._references():
            target = reference.target.name
            if target not in whole or target in broken:
                continue
            if stop():
                break
            since = datetime.fromisoformat(marks[reference.name]) - OVERLAP if reference.name in marks else None
            error = self._follow(reference, since, report, stop)
            if error is not None:
                report.errors.append(error)
                broken.add(target)
                if isinstance(error, ShopUnavailable | ShopForbidden | ShopMisconfigured):
                    break
            elif not stop():
                marks[reference.name] = began.isoformat()
        self._memory.set(self._key, json.dumps(marks, sort_keys=True))
        self._events.emit(ev.RELATIONS_FOLLOWED, shop=self._name, **report.counts)
        return report

    @property
    def _key(self) -> str:
        return f"{self._name}.relations"

    def _references(self) -> Iterator[_Reference]:
        for resource in self._resources.values():
            tables = [(resource.table, resource.fields), *((child.table, child.fields) for child in resource.children)]
            for table, fields in tables:
                for item in fields:
                    if item.target in self._resources:
                        yield _Reference(resource, table, item.name, self._resources[item.target])

    def _follow(
        self, reference: _Reference, since: datetime | None, report: RelationReport, stop: Stop
    ) -> ConnectorError | None:
        """Bring in or note everything that this column points to; an error when that could not be done."""
        before: list[int] = []
        while not stop():
            lost = self._contents.unresolved(
                self._name, reference.resource, reference.table, reference.column, reference.target, since, LOOK
            )
            if not lost or lost == before:
                return None
            read = self._reread(reference.target.name, lost)
            report.requests += read.requests
            report.fetched += read.stored.new
            if read.errors:
                return read.errors[0]
            absent = read.missing.get(reference.target.name, set())
            if absent:
                self._rows.note_absent(self._name, reference.target, absent)
                report.absent += len(absent)
            before = lost
        return None

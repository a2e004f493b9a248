"""Repair: exactly the rows that `verify` found different are read again and stored as the shop has them.

Needs no lease: rows that the shop's worker wrote meanwhile are left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from connector.core.guards import mass_deletion
from connector.core.mapping import Resource
from connector.engine.census import LOOK
from connector.engine.ports import Difference
from connector.engine.pull import Stop, batches, concerns_the_shop
from connector.engine.verify import Verify
from connector.errors import ConnectorError, GuardTripped, StateError
from connector.ops import events as ev

AT_ONCE = 1000
"""Noted differences that are taken from the mirror at once."""


@dataclass(slots=True)
class RepairReport:
    """repaired: resource -> rows that are as in the shop now. broken: rows that lie in the quarantine instead."""

    repaired: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    errors: list[ConnectorError] = field(default_factory=list)
    stopped: bool = False


class Repair:
    """most_deleted_percent: of a resource's rows; when more of them would leave the mirror at once, none does."""

    def __init__(self, verify: Verify, most_deleted_percent: float) -> None:
        self._of = verify
        self._percent = most_deleted_percent

    def run(
        self, names: Sequence[str], stop: Stop = lambda: False, *, allow_deletions: Collection[str] = ()
    ) -> RepairReport:
        """Mend the noted differences of these resources. Raises StateError; everything else is in the report."""
        report = RepairReport()
        for resource in self._of.resources:
            if resource.name not in names:
                continue
            try:
                self._one(resource, report, stop, guarded=resource.name not in allow_deletions)
            except StateError:
                raise
            except ConnectorError as error:
                report.errors.append(error)
                if concerns_the_shop(error):
                    break
            if stop():
                report.stopped = True
                break
        return report

    def _one(self, resource: Resource, report: RepairReport, stop: Stop, *, guarded: bool) -> None:
        of = self._of
        reader, census = of.rereads.reader(resource, stop), of.census(resource)
        while not stop():
            noted = [d for d in of.found.listing(of.name, resource.name, AT_ONCE) if d.kind != "extra"]
            if not noted:
                break
            for some in batches([d.row_id for d in noted], LOOK):
                if stop():
                    return
                told = of.rereads.store(resource, reader, census, some, remove=False)
                gone = [one.id for one in told if one.outcome == "gone"]
                of.found.forget(of.name, resource.name, [one.id for one in told if one.outcome != "gone"])
                of.found.add(of.name, [Difference(resource.name, row_id, "extra") for row_id in gone])
                report.broken += sum(1 for one in told if one.outcome == "broken")
                self._mended(report, resource, sum(1 for one in told if one.outcome not in ("gone", "broken")))
        self._remove(resource, report, stop, guarded=guarded)

    def _remove(self, resource: Resource, report: RepairReport, stop: Stop, *, guarded: bool) -> None:
        of = self._of
        extra = of.found.counts(of.name).get(resource.name, {}).get("extra", 0)
        known = of.rows.count(of.name, resource.table)
        if guarded and mass_deletion(known, extra, self._percent):
            of.events.emit(ev.GUARD_TRIPPED, shop=of.name, resource=resource.name, guard="mass_deletion", count=extra)
            raise GuardTripped(
                "verify.mass_deletion", resource=resource.name, gone=extra, known=known, percent=self._percent
            )
        census = of.census(resource)
        while extra and not stop():
            ids = [d.row_id for d in of.found.listing(of.name, resource.name, AT_ONCE) if d.kind == "extra"]
            if not ids:
                return
            back = census.among(ids)
            self._mended(report, resource, of.rows.remove(of.name, resource, set(ids) - back))
            of.found.forget(of.name, resource.name, ids)

    def _mended(self, report: RepairReport, resource: Resource, rows: int) -> None:
        report.repaired[resource.name] = report.repaired.get(resource.name, 0) + rows

"""Verify: is the mirror equal to the shop? The ids of every resource, and with `deep` every field of every row.

The mirror's own digests prove nothing here, since somebody may have changed the mirror by SQL: rows are compared field
by field. Whatever differs is looked at a second time before it is noted, because the shop goes on changing meanwhile.
Writes nothing but what it found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from datetime import tzinfo
from itertools import islice
from typing import Any

from connector.core import cursor as cursors
from connector.core.compare import differing
from connector.core.cursor import Moment
from connector.core.erasure import without_person
from connector.core.mapping import Resource, Row
from connector.core.model import ShopInfo
from connector.core.query import Filter
from connector.engine.ahead import Ahead, StoppedError, answer
from connector.engine.census import LOOK, Census, passes_of, unlisted_by
from connector.engine.comparable import is_filled
from connector.engine.ports import Clock, Contents, Difference, Differences, Events, Held, Memory, Rows, Shop
from connector.engine.progress import Progress, Step
from connector.engine.pull import Stop, batches, concerns_the_shop, in_order, version_of
from connector.engine.reread import Look, Reader, Rereads
from connector.engine.verified import COUNTED, Position, Tally, VerifyReport
from connector.errors import ConnectorError, ShopForbidden, StateError
from connector.ops import events as ev


class Verify:
    """The comparison of one shop; the arguments are those of `Sweeps` and the mirror's further ports. connections: how
    many pages the shop may be asked for at once."""

    def __init__(
        self,
        shop: Shop,
        rows: Rows,
        contents: Contents,
        differences: Differences,
        memory: Memory,
        events: Events,
        clock: Clock,
        *,
        shop_name: str,
        resources: Sequence[Resource],
        info: Callable[[], ShopInfo],
        zone: Callable[[], tzinfo | None],
        page_size: int = 500,
        connections: int = 2,
        id_shops: Callable[[], Sequence[str]] = lambda: ("",),
    ) -> None:
        self._shop = shop
        self.rows = rows
        self.contents = contents
        self.found = differences
        self._memory = memory
        self.events = events
        self.name = shop_name
        self.resources = in_order(resources)
        self._info = info
        self._clock = clock
        self._zone = zone
        self.page_size = page_size
        self.connections = connections
        self._id_shops = id_shops
        self.rereads = Rereads(
            shop,
            rows,
            contents,
            clock,
            shop_name=shop_name,
            resources=resources,
            info=info,
            zone=zone,
            id_shops=id_shops,
        )

    def run(
        self,
        stop: Stop = lambda: False,
        *,
        deep: bool = False,
        only: Sequence[str] | None = None,
        anew: bool = False,
        progress: Progress | None = None,
    ) -> VerifyReport:
        """Compare. An interrupted deep comparison of the same resources goes on where it ended; anew: from the first
        row. Raises what `info` raises and StateError; everything else is in the report."""
        info = self._info()
        version = version_of(info.version)
        wanted = [resource for resource in self.resources if only is None or resource.name in only]
        position = Position.read(self._memory, f"{self.name}.verify", wanted, anew=anew) if deep else None
        report = VerifyReport(deep)
        if position is not None and (position.resource or position.done):
            report.resumed = (position.resource, position.last)
        look_on = _LookOn(progress, {r.name: self.rows.count(self.name, r.table) for r in wanted} if progress else {})
        for resource in wanted:
            if position is not None and resource.name in position.done:
                tally = report.resources[resource.name] = position.done[resource.name]
                look_on.add(resource.name, tally.there)
                continue
            if stop():
                report.stopped = True
                break
            tally = report.resources[resource.name] = Tally()
            tally.skipped = self._why_not(resource, info, version)
            if tally.skipped:
                continue
            try:
                work = _Comparing(self, resource, tally, stop, deep, position, look_on)
                report.stopped = not work.run()
            except StateError:
                raise
            except ShopForbidden as error:
                tally.skipped = "" if concerns_the_shop(error) else "forbidden"
                tally.error = error if concerns_the_shop(error) else None
            except ConnectorError as error:
                report.stopped = report.stopped or error.code == "shop.stopped"
                tally.error = None if error.code == "shop.stopped" else error
            if report.stopped or concerns_the_shop(tally.error):
                break
        else:
            if position is not None:
                position.clear()
        counts = {name: sum(getattr(t, name) for t in report.resources.values()) for name in COUNTED}
        self.events.emit(ev.VERIFY_FINISHED, shop=self.name, count=report.differences, counts=counts)
        return report

    def moment(self) -> Moment:
        return Moment(self._clock.now(), self._zone())

    def census(self, resource: Resource) -> Census:
        unlisted = unlisted_by(self.rows, self.contents, self.name, resource)
        return Census(self._shop, resource, passes_of(resource, self._id_shops()), unlisted)

    def _why_not(self, resource: Resource, info: ShopInfo, version: tuple[int, ...]) -> str:
        if version and version < resource.since:
            return "version"
        if not info.may(resource.name, "GET"):
            return "forbidden"
        return "" if is_filled(self.rows.cursor(self.name, resource.name)) else "not_pulled"


def cursors_of(stored: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Shop context -> cursor."""
    if not stored:
        return {}
    if "by_shop" in stored:
        return dict(stored["by_shop"])
    return {str(stored.get("id_shop", "")): stored}


class _LookOn:
    """Tells how far it is, to whoever looks on."""

    def __init__(self, progress: Progress | None, expected: dict[str, int]) -> None:
        self._progress = progress
        self._expected = expected
        self._rows: dict[str, int] = {}

    def add(self, resource: str, rows: int) -> None:
        if self._progress is None:
            return
        self._rows[resource] = self._rows.get(resource, 0) + rows
        expected = sum(max(self._expected.get(name, 0), rows) for name, rows in self._rows.items())
        expected += sum(rows for name, rows in self._expected.items() if name not in self._rows)
        done = self._rows[resource]
        step = Step(resource, done, self._expected.get(resource), sum(self._rows.values()), expected)
        self._progress(step)


class _Comparing:
    """The comparison of one resource."""

    def __init__(
        self,
        of: Verify,
        resource: Resource,
        tally: Tally,
        stop: Stop,
        deep: bool,
        position: Position | None,
        look_on: _LookOn,
    ) -> None:
        self._of = of
        self._resource = resource
        self._tally = tally
        self._stop = stop
        self._deep = deep
        self._position = position
        self._look_on = look_on
        self._census = of.census(resource)
        self._reader: Reader = of.rereads.reader(resource, stop)
        self._cursors = cursors_of(of.rows.cursor(of.name, resource.name))
        self._moment = of.moment()

    def run(self) -> bool:
        """False when it was asked to stop."""
        try:
            with Ahead(self._of.connections) as ahead:
                return self._run(ahead)
        except StoppedError:
            return False

    def _run(self, ahead: Ahead) -> bool:
        start = self._begin()
        for window in self._census.windows(start=start, stop=self._stop):
            here = self._of.contents.ids_between(self._of.name, self._resource.table, window.after, window.upto)
            aside = self._of.contents.quarantined_between(self._of.name, self._resource.name, window.after, window.upto)
            size = self._of.page_size if self._deep else max(1, len(window.ids))
            pages = list(batches(sorted(window.ids), size)) or [[]]
            after = window.after
            for number, (page, look) in enumerate(self._looks(pages, ahead)):
                if self._stop():
                    return False
                upto = window.upto if number == len(pages) - 1 else page[-1]
                part = {row_id for row_id in here if after < row_id and (upto is None or row_id <= upto)}
                self._page(page, part, aside, look)
                if upto is not None:
                    after = upto
                    if self._position is not None:
                        self._position.reached(self._resource.name, after, self._tally)
        if self._stop():
            return False
        self._count_by_shop()
        if self._position is not None:
            self._position.finished(self._resource.name, self._tally)
        return True

    def _looks(self, pages: Sequence[list[int]], ahead: Ahead) -> Generator[tuple[list[int], Look | None], None, None]:
        """Each page of ids, in a deep comparison with what the shop has of it; the next ones are asked for meanwhile.
        What changes between the shop's answer and the look into the mirror is looked at again, as any difference."""
        todo = iter(pages)
        waiting: deque[tuple[list[int], Future[Look] | None]] = deque()
        try:
            while True:
                for page in islice(todo, ahead.waiting - len(waiting)):
                    coming = ahead.ask(self._reader.page, page) if self._deep and page else None
                    waiting.append((page, coming))
                if not waiting:
                    return
                page, coming = waiting.popleft()
                yield page, answer(coming, self._stop) if coming is not None else None
        finally:
            for _, coming in waiting:
                if coming is not None:
                    coming.cancel()

    def _begin(self) -> int:
        """The id behind which to go on. What was noted before is forgotten, or looked at again where this comparison
        does not see it."""
        of, name = self._of, self._resource.name
        position = self._position
        if position is not None and position.resource == name and position.tally is not None:
            for counted in (*COUNTED, "by_shop"):
                setattr(self._tally, counted, getattr(position.tally, counted))
            self._look_on.add(name, self._tally.there)
            return position.last
        noted = [] if self._deep else [d.row_id for d in of.found.listing(of.name, name) if d.kind == "differing"]
        of.found.forget(of.name, name)
        self._look_again(noted)
        return 0

    def _page(self, there: Sequence[int], here: set[int], aside: set[int], look: Look | None) -> None:
        """there: the shop's ids, ascending. here: the mirror's of the same stretch. look: the shop's rows, if asked."""
        tally, off = self._tally, self._census.off(there)
        tally.unlisted += len(off)
        shop_ids, here = set(there) - off, here - off
        absent = shop_ids - here
        explained = absent & aside
        tally.quarantined += len(explained)
        suspects = (here - shop_ids) | self._without_new(absent - explained)
        erased = self._of.contents.erased(self._of.name, self._resource.name, here & shop_ids)
        tally.erased += len(erased)
        if look is not None:
            both = self._of.contents.load(self._of.name, self._resource, here & shop_ids)
            for row_id, row in both.items():
                fresh = look.rows.get(row_id)
                if fresh is None or differing(row, self._as_kept(fresh, erased)):
                    suspects.add(row_id)
        self._look_again(sorted(suspects))
        tally.there += len(shop_ids)
        tally.here += len(here)
        self._look_on.add(self._resource.name, len(shop_ids))

    def _without_new(self, ids: set[int]) -> set[int]:
        """Ids above the cursor's need no second look: they were added after the last pull."""
        lasts = [part["last"] for part in self._cursors.values() if part.get("kind") == "id" and part.get("last")]
        if self._resource.pull != "id" or not lasts:
            return ids
        new = {row_id for row_id in ids if row_id > max(lasts)}
        self._tally.not_pulled_yet += len(new)
        return ids - new

    def _look_again(self, ids: Sequence[int]) -> None:
        """Read these rows of the shop and of the mirror once more; what still differs is noted."""
        for some in batches(list(ids), LOOK):
            look = self._reader.these(some)
            held = self._of.contents.load(self._of.name, self._resource, some)
            erased = self._of.contents.erased(self._of.name, self._resource.name, some)
            absent = set(some) - look.rows.keys() - look.broken.keys()
            hidden = self._census.among(absent) if absent else set()
            off = self._census.off(absent)
            found: list[Difference] = []
            for row_id in some:
                if row_id in off:
                    continue
                if row_id in look.broken or row_id in hidden:
                    self._tally.quarantined += 1
                    continue
                there = look.rows.get(row_id)
                there = None if there is None else self._as_kept(there, erased)
                one = self._judge(row_id, there, held.get(row_id), look.contexts.get(row_id, ""))
                if one is not None:
                    found.append(one)
            if found:
                self._of.found.add(self._of.name, found)

    def _as_kept(self, row: Row, erased: set[int]) -> Row:
        return without_person(self._resource, row) if row.id in erased else row

    def _judge(self, row_id: int, there: Row | None, here: Row | None, context: str) -> Difference | None:
        name, tally = self._resource.name, self._tally
        if there is None:
            if here is None:
                return None
            tally.extra += 1
            return Difference(name, row_id, "extra")
        fields = tuple(one.field for one in differing(here, there)) if here is not None else ()
        if here is not None and not fields:
            return None
        cursor = self._cursors.get(context, {})
        if there.date_upd_local is not None and cursors.to_come(cursor, there.date_upd_local, self._moment):
            tally.not_pulled_yet += 1
            return None
        if here is None:
            tally.missing += 1
            return Difference(name, row_id, "missing")
        tally.differing += 1
        return Difference(name, row_id, "differing", fields)

    def _count_by_shop(self) -> None:
        """With several active shops: how many rows each of them has, there and here."""
        of = self._of
        shops = sorted(of.rows.ids_where(of.name, "shops", "active", True))
        item = self._resource.field("id_shop")
        if len(shops) < 2 or item is None:
            return
        self._tally.by_shop = {}
        for number in shops:
            held = Held("id_shop", (number,))
            counts = [0, 0]
            for window in self._census.windows(Filter(item.key, "eq", (str(number),)), stop=self._stop):
                here = of.contents.ids_between(of.name, self._resource.table, window.after, window.upto, held)
                counts[0] += len(window.ids)
                counts[1] += len(here)
            if any(counts):
                self._tally.by_shop[str(number)] = (counts[0], counts[1])

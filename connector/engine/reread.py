"""Single rows of a resource, read again in full: for comparison with the mirror, and to be stored beside the shop's
worker. No cursor moves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from connector.core.compare import FieldDifference, differing
from connector.core.convert import Converter
from connector.core.mapping import Resource, Row
from connector.core.model import ShopInfo
from connector.core.query import Filter, Query
from connector.engine.census import LOOK, Census, passes_of, unlisted_by
from connector.engine.passes import unfit
from connector.engine.ports import Broken, Clock, Contents, Rows, Shop
from connector.engine.pull import Stop, batches
from connector.errors import DataError, ShopUnavailable

_NOT_FOR_SIZE = frozenset({"shop.tls_failed", "shop.too_many_requests", "shop.stopped"})
SMALLEST = 10


@dataclass(slots=True)
class Look:
    """What the shop gave. contexts: in which shop context a row came. `broken` holds those whose id is known; what is
    neither among `rows` nor there is gone or cannot be told from others that are broken."""

    rows: dict[int, Row] = field(default_factory=dict)
    broken: dict[int, Broken] = field(default_factory=dict)
    contexts: dict[int, str] = field(default_factory=dict)


class Reader:
    """Reads rows of one resource by their ids. contexts: as for `Census`. Several threads may ask."""

    def __init__(
        self, shop: Shop, resource: Resource, converter: Converter, contexts: Sequence[str], stop: Stop = lambda: False
    ) -> None:
        self._shop = shop
        self._resource = resource
        self._converter = converter
        self._contexts = contexts
        self._stop = stop
        self._one_at_a_time = threading.Lock()

    def these(self, ids: Iterable[int]) -> Look:
        """Exactly these rows. Raises what `Shop.read` raises."""
        look = Look()
        for some in batches(sorted(set(ids)), LOOK):
            self._read(some, look, by_range=False)
        return look

    def page(self, ids: Sequence[int]) -> Look:
        """The rows from the first to the last of these ids, which are ascending and all there are in between."""
        look = Look()
        if ids:
            self._read(ids, look, by_range=True)
        return look

    def _read(self, ids: Sequence[int], look: Look, *, by_range: bool) -> None:
        try:
            for context in self._contexts:
                self._ask(ids, context, look, by_range=by_range)
        except ShopUnavailable as error:
            # As with the pages of a pull: too much at once can exhaust the shop's memory or time.
            if error.code in _NOT_FOR_SIZE or error.retry_after is not None or len(ids) <= SMALLEST:
                raise
            half = len(ids) // 2
            self._read(ids[:half], look, by_range=by_range)
            self._read(ids[half:], look, by_range=by_range)

    def _ask(self, ids: Sequence[int], context: str, look: Look, *, by_range: bool) -> None:
        if by_range:
            wanted = Filter("id", "between", (str(ids[0]), str(ids[-1])))
        else:
            wanted = Filter("id", "any", tuple(str(row_id) for row_id in ids))
        only = self._resource.only
        more = (Filter(only[0], "any", only[1]),) if only else ()
        question = Query((wanted, *more), ("id",), display=self._resource.asked, id_shop=context)
        page = self._shop.read(self._resource, question, self._stop)
        with self._one_at_a_time:
            rows, bad = self._converter.rows(page.records)
        for row in rows:
            look.rows[row.id] = row
            look.contexts[row.id] = context
        for one in (*page.broken, *(unfit(self._converter, record, error) for record, error in bad)):
            if one.id is not None:
                look.broken[one.id] = one


@dataclass(frozen=True, slots=True)
class Reread:
    """What became of one row. outcome: equal, changed, new, broken (it lies in the quarantine), gone (it left the
    mirror), unlisted (its shop is switched off; it stays), unknown (neither shop nor mirror has it). fields: mirror ->
    shop."""

    id: int
    outcome: str
    fields: tuple[FieldDifference, ...] = ()
    reason: str = ""


class Rereads:
    """Reads rows of one shop again and stores them as they are there; the shop's worker is not disturbed."""

    def __init__(
        self,
        shop: Shop,
        rows: Rows,
        contents: Contents,
        clock: Clock,
        *,
        shop_name: str,
        resources: Sequence[Resource],
        info: Callable[[], ShopInfo],
        zone: Callable[[], tzinfo | None],
        id_shops: Callable[[], Sequence[str]] = lambda: ("",),
    ) -> None:
        self._shop = shop
        self._rows = rows
        self._contents = contents
        self._clock = clock
        self._name = shop_name
        self._resources = {resource.name: resource for resource in resources}
        self._info = info
        self._zone = zone
        self._id_shops = id_shops

    def run(self, name: str, ids: Sequence[int]) -> list[Reread]:
        """Raises DataError for a resource that is not mapped, what `info` and the shop raise, and StateError."""
        if name not in self._resources:
            raise DataError("resource.unknown", name=name)
        self._info()  # tells the version, and with it how the shop must be asked
        resource = self._resources[name]
        reader = self.reader(resource)
        census = self.census(resource)
        found: list[Reread] = []
        for some in batches(sorted(set(ids)), LOOK):
            found += self.store(resource, reader, census, some, remove=True)
        return found

    def reader(self, resource: Resource, stop: Stop = lambda: False) -> Reader:
        active = self._rows.ids_where(self._name, "languages", "active", True) if resource.lang else ()
        converter = Converter(resource, self._zone(), sorted(active))
        return Reader(self._shop, resource, converter, passes_of(resource, self._id_shops()), stop)

    def census(self, resource: Resource) -> Census:
        unlisted = unlisted_by(self._rows, self._contents, self._name, resource)
        return Census(self._shop, resource, passes_of(resource, self._id_shops()), unlisted)

    def store(
        self, resource: Resource, reader: Reader, census: Census, ids: Sequence[int], *, remove: bool
    ) -> list[Reread]:
        """Read at most `LOOK` rows and store them. remove: rows that are gone from the shop leave the mirror at
        once; else they are told as gone and stay."""
        asked_at = self._clock.now()
        look = reader.these(ids)
        before = self._contents.load(self._name, resource, ids)
        absent = set(ids) - look.rows.keys() - look.broken.keys()
        off = census.off(absent)
        hidden = census.among(absent) - off if absent else set()
        gone = absent - hidden - off
        broken = [*look.broken.values(), *(Broken(row_id, "unreadable", b"") for row_id in sorted(hidden))]
        if look.rows or broken:
            self._rows.store(self._name, resource, list(look.rows.values()), None, broken, asked_at=asked_at)
        if remove and gone:
            self._rows.remove(self._name, resource, gone)
        reasons = {one.id: one.reason for one in broken}
        told: list[Reread] = []
        for row_id in sorted(ids):
            if row_id in reasons:
                told.append(Reread(row_id, "broken", reason=reasons[row_id]))
            elif row_id in off:
                told.append(Reread(row_id, "unlisted"))
            elif row_id in gone:
                told.append(Reread(row_id, "gone" if row_id in before else "unknown"))
            elif row_id not in before:
                told.append(Reread(row_id, "new", tuple(differing(_nothing(row_id), look.rows[row_id]))))
            else:
                fields = tuple(differing(before[row_id], look.rows[row_id]))
                told.append(Reread(row_id, "changed" if fields else "equal", fields))
        return told


def _nothing(row_id: int) -> Row:
    return Row(id=row_id, values={}, langs=(), children={}, digest="", date_upd_local=None)

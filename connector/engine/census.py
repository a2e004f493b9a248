"""All ids of a resource in the shop, window by window: what deletions, sweeps and `verify` compare with the mirror.

A list without `display` costs the shop next to nothing (it loads no object per row), and a window bounds the memory,
whatever the size of the table. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from connector.core.exchange import Held
from connector.core.mapping import Resource
from connector.core.query import Filter, Query
from connector.engine.ports import Contents, Rows, Shop
from connector.errors import ShopUnreadable

Unlisted = Callable[[int, int | None], set[int]]
"""Ids with after < id <= upto (None: no end) of rows that the shop has and shows in no list."""

WINDOW = 20_000
"""Ids in one answer: some 300 kB."""

LOOK = 100
"""Ids in one filter: the address of a request must stay short enough for every web server."""


@dataclass(frozen=True, slots=True)
class Window:
    """The ids that the shop has with after < id <= upto (None: no end)."""

    after: int
    upto: int | None
    ids: frozenset[int]


@dataclass(slots=True)
class Census:
    """Lists of ids of one resource. passes: the shop contexts to ask in, ("",) without multistore; their lists are one
    set. unlisted: rows that count as there although no list shows them. Counts its requests."""

    shop: Shop
    resource: Resource
    passes: Sequence[str] = ("",)
    unlisted: Unlisted = lambda after, upto: set()
    size: int = WINDOW
    requests: int = field(default=0, init=False)

    def windows(self, *filters: Filter, start: int = 0, stop: Callable[[], bool] = lambda: False) -> Iterator[Window]:
        """All rows, or those that fit the filters, with ids above `start`; the last window has no end.

        Ends early when stop() says so. Raises what `Shop.ids` raises."""
        after = start
        while not stop():
            found: set[int] = set()
            ends: list[int] = []
            for context in self.passes:
                ids = self._ask((*filters, Filter("id", "gt", (str(after),))), context, self.size)
                found.update(row_id for row_id in ids if row_id > after)
                if len(ids) >= self.size:
                    ends.append(max(ids))
            upto = min(ends, default=None)
            if upto is not None and upto <= after:
                # A full list without a new id: taking it for the end would bury every row behind it.
                raise ShopUnreadable("pull.no_progress", resource=self.resource.name)
            if not filters:
                found |= self.unlisted(after, upto)
            if upto is None:
                yield Window(after, None, frozenset(found))
                return
            # Beyond the end of the shortest list nothing is known of the other contexts: the next window asks again.
            yield Window(after, upto, frozenset(row_id for row_id in found if row_id <= upto))
            after = upto

    def among(self, ids: Collection[int]) -> set[int]:
        """Which of these ids the shop has: the second look before anything is said to be gone."""
        wanted, found = sorted(ids), set[int]()
        for start in range(0, len(wanted), LOOK):
            some = tuple(str(row_id) for row_id in wanted[start : start + LOOK])
            for context in self.passes:
                found.update(self._ask((Filter("id", "any", some),), context, 0))
        return (found | self.off(wanted)) & set(wanted)

    def off(self, ids: Collection[int]) -> set[int]:
        """Which of these no list shows."""
        return self.unlisted(min(ids) - 1, max(ids)) & set(ids) if ids else set()

    def _ask(self, filters: tuple[Filter, ...], context: str, limit: int) -> list[int]:
        self.requests += 1
        only = self.resource.only
        more = (Filter(only[0], "any", only[1]),) if only else ()
        return self.shop.ids(self.resource.name, Query((*filters, *more), ("id",), limit, id_shop=context))


def passes_of(resource: Resource, id_shops: Sequence[str]) -> tuple[str, ...]:
    """The contexts a resource is asked in: all of the shop's where it shows one shop's rows only, else none."""
    return (tuple(id_shops) or ("",)) if resource.per_shop else ("",)


def unlisted_by(rows: Rows, contents: Contents, shop: str, resource: Resource) -> Unlisted:
    """What the mirror has of the shops of a multistore that are switched off or deleted. Their orders and customers are
    in no list, whatever the context (Shop::addSqlRestriction and Shop::getContextListShopID, all versions: active
    shops only), and they come back when the shop does: nothing says that they are gone."""
    if not resource.per_shop or resource.field("id_shop") is None:
        return lambda after, upto: set()
    off = rows.ids_where(shop, "shops", "active", False) | rows.ids_where(shop, "shops", "deleted", True)
    held = Held("id_shop", tuple(sorted(off)))
    return lambda after, upto: contents.ids_between(shop, resource.table, after, upto, held) if off else set()

"""Consents as the shop holds them now. A withdrawal moves no date, so it is asked for, not read from the mirror.

By lists of ids, one per flag: they cost the shop next to nothing (measured on a genuine 8.2.1: 5,000 customers 0.04 s).
Addresses are read of the rows that changed since the newest one that the mirror has.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.core.consent import Consents
from connector.core.cursor import LAST_DATE
from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.core.query import Filter, Query
from connector.engine.census import Census, passes_of
from connector.engine.ports import Contents, Shop
from connector.errors import DataError, ShopForbidden

_PAGE = 1000


class ConsentReader:
    """Asks one shop. id_shops: the shop contexts to ask in."""

    def __init__(
        self,
        shop_name: str,
        shop: Shop,
        info: ShopInfo,
        contents: Contents,
        resources: Sequence[Resource],
        id_shops: Sequence[str],
    ) -> None:
        self._name = shop_name
        self._shop = shop
        self._info = info
        self._contents = contents
        self._resources = resources
        self._id_shops = id_shops

    def read(self, consent: str, since: str | None) -> Consents:
        """consent: newsletter or optin. since: when the newest known customer changed, shop-local; None: nobody is
        known. Raises what the shop raises; there is no answer from memory."""
        customers = next((one for one in self._resources if one.name == "customers"), None)
        if customers is None:
            raise DataError("resource.unknown", name="customers")
        if not self._info.may("customers", "GET"):
            raise ShopForbidden("shop.method_forbidden", resource="customers", method="GET")
        passes = passes_of(customers, self._id_shops)
        return Consents(
            given=self._ids(customers, passes, consent, "1"),
            active=self._ids(customers, passes, "active", "1"),
            kept=self._ids(customers, passes, "deleted", "0"),
            addresses=self._changed(customers, passes, since),
        )

    def _ids(self, customers: Resource, passes: Sequence[str], flag: str, value: str) -> frozenset[int]:
        found: set[int] = set()
        for window in Census(self._shop, customers, passes).windows(Filter(flag, "eq", (value,))):
            found |= window.ids
        return frozenset(found)

    def _changed(self, customers: Resource, passes: Sequence[str], newest: str | None) -> dict[int, str]:
        """id -> address of the customers that are new or changed since then; "" for an unreadable one.
        Erased people stay nobody."""
        since = (Filter("date_upd", "between", (newest, LAST_DATE)),) if newest else ()
        found: dict[int, str] = {}
        for context in passes:
            last = 0
            while True:
                above = Filter("id", "gt", (str(last),))
                query = Query((*since, above), ("id",), _PAGE, ("id", "email"), context)
                page = self._shop.read(customers, query)
                ids = [record["id"] for record in page.records if record["id"] > last]
                found.update(
                    (record["id"], str(record.get("email") or "").strip().casefold()) for record in page.records
                )
                found.update((one.id, "") for one in page.broken if one.id is not None)
                if not page.full or not ids:
                    break
                last = max(ids)
        for gone in self._contents.erased(self._name, "customers", found):
            del found[gone]
        return found

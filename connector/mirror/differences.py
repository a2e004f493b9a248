"""What `verify` found and has not repaired yet, kept so that an interrupted comparison loses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, select

from connector.engine.ports import Difference
from connector.mirror.database import Database
from connector.mirror.dialect import in_batches, upsert
from connector.mirror.own_tables import difference


class SqlDifferences:
    """The port `Differences` over SQL. Not flushed: what is lost is found again."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, shop: str, found: Sequence[Difference]) -> None:
        """A row that was noted before is noted anew."""
        now = self._db.now()
        rows = [
            {
                "shop": shop,
                "resource": one.resource,
                "row_id": one.row_id,
                "kind": one.kind,
                "fields": list(one.fields),
                "found_at": now,
            }
            for one in found
        ]
        with self._db.write(flush=False) as connection:
            upsert(connection, difference, rows, ("shop", "resource", "row_id"))

    def forget(self, shop: str, resource: str | None = None, ids: Iterable[int] | None = None) -> None:
        """Everything of a shop, of one resource of it, or of some of its rows."""
        mine = difference.c.shop == shop
        if resource is not None:
            mine &= difference.c.resource == resource
        with self._db.write(flush=False) as connection:
            if ids is None:
                connection.execute(delete(difference).where(mine))
                return
            for some in in_batches(sorted(set(ids))):
                connection.execute(delete(difference).where(mine, difference.c.row_id.in_(some)))

    def listing(self, shop: str, resource: str | None = None, limit: int = 1000) -> list[Difference]:
        """By resource and id."""
        query = select(difference).where(difference.c.shop == shop)
        if resource is not None:
            query = query.where(difference.c.resource == resource)
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(difference.c.resource, difference.c.row_id).limit(limit))
            return [Difference(r.resource, r.row_id, r.kind, tuple(r.fields)) for r in rows]

    def counts(self, shop: str) -> dict[str, dict[str, int]]:
        """resource -> kind -> how many."""
        found: dict[str, dict[str, int]] = {}
        with self._db.read() as connection:
            query = (
                select(difference.c.resource, difference.c.kind, func.count())
                .where(difference.c.shop == shop)
                .group_by(difference.c.resource, difference.c.kind)
            )
            for resource, kind, count in connection.execute(query):
                found.setdefault(resource, {})[kind] = count
        return found

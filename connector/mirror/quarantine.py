"""Rows of the shop that no form gave: kept with their bytes until they can be read or a person drops them.

Broken mails are not here: they are ledger rows in state `quarantined` (`queries.quarantined_mails` lists them).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, delete, select

from connector.engine.ports import Broken
from connector.errors import DataError
from connector.mirror import erased
from connector.mirror.database import Database
from connector.mirror.dialect import in_batches, upsert
from connector.mirror.own_tables import quarantine_row


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A broken row. `raw` is empty in listings. attempts: how many pulls met it."""

    id: int
    shop: str
    resource: str
    row_id: int | None
    reason: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
    raw: bytes = b""


class Quarantine:
    def __init__(self, database: Database) -> None:
        self._db = database

    def list(self, shop: str | None = None, resource: str | None = None, limit: int = 1000) -> list[QuarantinedRow]:
        """Broken rows, oldest first, without their bytes."""
        columns = [column for column in quarantine_row.c if column.name not in ("raw", "row_key")]
        query = select(*columns).order_by(quarantine_row.c.id).limit(limit)
        if shop is not None:
            query = query.where(quarantine_row.c.shop == shop)
        if resource is not None:
            query = query.where(quarantine_row.c.resource == resource)
        with self._db.read() as connection:
            return [QuarantinedRow(**row) for row in connection.execute(query).mappings()]

    def get(self, row: int) -> QuarantinedRow:
        """One broken row with its bytes. Raises DataError when there is no such row."""
        with self._db.read() as connection:
            found = connection.execute(select(quarantine_row).where(quarantine_row.c.id == row)).mappings().first()
        if found is None:
            raise DataError("quarantine.unknown_row", row=row)
        return _with_bytes(found)

    def drop(self, row: int) -> None:
        """Forget a broken row. Raises DataError when there is no such row."""
        with self._db.write() as connection:
            if connection.execute(delete(quarantine_row).where(quarantine_row.c.id == row)).rowcount != 1:
                raise DataError("quarantine.unknown_row", row=row)


def _with_bytes(found: RowMapping) -> QuarantinedRow:
    values = {name: value for name, value in found.items() if name not in ("raw", "row_key")}
    return QuarantinedRow(raw=zlib.decompress(found["raw"]), **values)


def put(connection: Connection, shop: str, resource: str, broken: Sequence[Broken], now: datetime) -> None:
    """Keep broken rows, in the caller's transaction. One met before counts an attempt and keeps its first date."""
    fresh = {_key(item): item for item in broken}
    if not fresh:
        return
    mine = (quarantine_row.c.shop == shop) & (quarantine_row.c.resource == resource)
    query = select(quarantine_row.c.row_key, quarantine_row.c.first_seen, quarantine_row.c.attempts).where(mine)
    known = {row.row_key: row for row in connection.execute(query) if row.row_key in fresh}
    empty = erased.among(connection, shop, resource, (item.id for item in fresh.values() if item.id is not None))
    rows = [
        {
            "shop": shop,
            "resource": resource,
            "row_key": key,
            "row_id": item.id,
            "reason": item.reason,
            "raw": zlib.compress(b"" if item.id in empty else item.raw),
            "first_seen": known[key].first_seen if key in known else now,
            "last_seen": now,
            "attempts": known[key].attempts + 1 if key in known else 1,
        }
        for key, item in fresh.items()
    ]
    upsert(connection, quarantine_row, rows, ("shop", "resource", "row_key"))


def release(connection: Connection, shop: str, resource: str, ids: Iterable[int]) -> None:
    """Rows that could be read now leave, in the caller's transaction. Writes nothing when none of them is here."""
    for some in in_batches(sorted(held(connection, shop, resource).intersection(ids))):
        mine = (quarantine_row.c.shop == shop) & (quarantine_row.c.resource == resource)
        connection.execute(delete(quarantine_row).where(mine, quarantine_row.c.row_id.in_(some)))


def held(connection: Connection, shop: str, resource: str) -> set[int]:
    """Ids of a resource's broken rows; those without an id are left out."""
    return set(connection.execute(_HELD, {"shop": shop, "resource": resource}).scalars())


_HELD = select(quarantine_row.c.row_id).where(  # built once: every page asks
    quarantine_row.c.shop == bindparam("shop"),
    quarantine_row.c.resource == bindparam("resource"),
    quarantine_row.c.row_id.is_not(None),
)


def _key(item: Broken) -> str:
    return str(item.id) if item.id is not None else "raw:" + hashlib.sha256(item.raw).hexdigest()[:32]

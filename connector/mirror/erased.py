"""Rows of erased people: empty in what is personal, and kept so when the shop sends them again.

Works in the caller's transaction. `privacy.py` enters the rows; whoever stores rows asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from connector.core.erasure import MARK, without_person
from connector.core.mapping import Resource, Row
from connector.mirror.dialect import in_batches, insert_ignore
from connector.mirror.own_tables import erased_row, mail

# Built once: putting a statement together takes longer than running it, and every page asks.
_NEAR = select(erased_row.c.row_id).where(
    erased_row.c.shop == bindparam("shop"),
    erased_row.c.resource == bindparam("resource"),
    erased_row.c.row_id.between(bindparam("first"), bindparam("last")),
)


def among(connection: Connection, shop: str, resource: str, ids: Iterable[int]) -> set[int]:
    """Those of the ids whose rows are erased. Asked for by their ends: there are few erased rows, and many ids."""
    wanted = set(ids)
    if not wanted:
        return set()
    near = {"shop": shop, "resource": resource, "first": min(wanted), "last": max(wanted)}
    return wanted.intersection(connection.execute(_NEAR, near).scalars())


def blanked(connection: Connection, shop: str, resource: Resource, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows as they may be stored."""
    gone = among(connection, shop, resource.name, (row.id for row in rows))
    return [without_person(resource, row) if row.id in gone else row for row in rows] if gone else rows


def senders(connection: Connection, shop: str, mail_keys: Sequence[str]) -> dict[str, str]:
    """Of these mails, those that were erased: mail_key -> what stands for the sender. A copy of one that turns up again
    (the server has numbered its folder anew) brings nothing back."""
    found: dict[str, str] = {}
    for some in in_batches(sorted(set(mail_keys))):
        mine = (mail.c.shop == shop) & mail.c.mail_key.in_(some) & mail.c.from_addr.startswith(MARK)
        query = select(mail.c.mail_key, mail.c.from_addr).where(mine)
        found.update((row.mail_key, row.from_addr) for row in connection.execute(query))
    return found


def enter(connection: Connection, shop: str, resource: str, ids: Iterable[int], now: datetime) -> None:
    """These rows stay empty from now on."""
    insert_ignore(
        connection,
        erased_row,
        [{"shop": shop, "resource": resource, "row_id": number, "at": now} for number in sorted(ids)],
    )


def forget(connection: Connection, shop: str, resource: str, ids: Sequence[int]) -> None:
    """The shop has no such rows any more, so nothing can come back."""
    mine = (erased_row.c.shop == shop) & (erased_row.c.resource == resource)
    for some in in_batches(sorted(among(connection, shop, resource, ids))):
        connection.execute(delete(erased_row).where(mine, erased_row.c.row_id.in_(some)))

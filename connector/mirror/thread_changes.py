"""Which threads changed their status, and when that was noticed: the shop keeps no record of it.

Works in the transaction of whoever writes the thread's row. A thread that is seen for the first time has not changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Table, insert, select

from connector.mirror.dialect import in_batches
from connector.mirror.own_tables import thread_change

THREADS = "customer_threads"


def note(
    connection: Connection, threads: Table, shop: str, statuses: Mapping[int, str | None], at: datetime, origin: str
) -> None:
    """Keep what differs from the rows as they stand; to be called before they are written. statuses: id -> the new
    one. origin: `ours` for a change of this program, `shop` for one that a pull or a sweep brought."""
    changes = []
    for some in in_batches(sorted(statuses)):
        query = select(threads.c.id, threads.c.status).where(threads.c.shop == shop, threads.c.id.in_(some))
        for number, was in connection.execute(query):
            became = statuses[number] or ""
            if became != (was or ""):
                row = {"shop": shop, "id_thread": number, "was": was or "", "became": became}
                changes.append({**row, "origin": origin, "at": at})
    if changes:
        connection.execute(insert(thread_change), changes)

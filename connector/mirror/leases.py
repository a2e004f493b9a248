"""One worker per shop, held by a row with an end. All times are the database's, so hosts need not agree on theirs."""

from __future__ import annotations

from sqlalchemy import delete, or_, select, update

from connector.mirror.database import Database
from connector.mirror.dialect import database_now, insert_ignore
from connector.mirror.own_tables import lease


class SqlLeases:
    """The port `Leases` over SQL. Not flushed: after a power cut no holder is left to keep one for."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def take(self, shop: str, holder: str, seconds: float) -> bool:
        """Take or renew, for `seconds` from now; False while somebody else's is alive."""
        with self._db.write(flush=False) as connection:
            mine_or_over = or_(lease.c.holder == holder, lease.c.expires_at <= database_now())
            taken = connection.execute(
                update(lease)
                .where(lease.c.shop == shop, mine_or_over)
                .values(holder=holder, expires_at=database_now(seconds))
            )
            if taken.rowcount == 1:
                return True
            # No row, or a living one. The second of two who insert at once finds the first one's row.
            until = connection.execute(select(database_now(seconds))).scalar_one()
            insert_ignore(connection, lease, [{"shop": shop, "holder": holder, "expires_at": until}])
            found: str = connection.execute(select(lease.c.holder).where(lease.c.shop == shop)).scalar_one()
            return found == holder

    def release(self, shop: str, holder: str) -> None:
        """Give it up at once; somebody else's is left alone."""
        with self._db.write(flush=False) as connection:
            connection.execute(delete(lease).where(lease.c.shop == shop, lease.c.holder == holder))

    def holder(self, shop: str) -> str | None:
        with self._db.read() as connection:
            return connection.execute(
                select(lease.c.holder).where(lease.c.shop == shop, lease.c.expires_at > database_now())
            ).scalar()

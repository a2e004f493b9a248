"""One worker per shop, held by a row with an end. All times are the database's, so hosts need not agree on theirs.

A worker that slept past the end (a stopped process, a suspended machine) does not know it when it wakes. Three things
keep it from spoiling its successor's work: what it has open in PostgreSQL is ended when its lease is taken over, pages
that it stores from then on are refused (`must_hold`), and so is its note that a write to the shop begins.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, func, literal_column, or_, select, text, update

from connector.errors import LeaseLost
from connector.mirror.database import Database, session_name
from connector.mirror.dialect import database_now, insert_ignore
from connector.mirror.own_tables import lease


class SqlLeases:
    """The port `Leases` over SQL. Not flushed: after a power cut no holder is left to keep one for."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def take(self, shop: str, holder: str, seconds: float) -> bool:
        """Take or renew, for `seconds` from now; False while somebody else's is alive."""
        with self._db.write(flush=False) as connection:
            self._end_sessions(connection, shop, holder)
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

    def _end_sessions(self, connection: Connection, shop: str, holder: str) -> None:
        """A holder whose lease has run out may have been stopped in the middle of a transaction, with rows locked that
        its successor needs. PostgreSQL lets a role end its own sessions."""
        if self._db.is_sqlite:
            return
        over = (lease.c.holder != holder) & (lease.c.expires_at <= database_now())
        other = connection.execute(select(lease.c.holder).where(lease.c.shop == shop, over)).scalar()
        if other is not None:
            theirs = (literal_column("application_name") == session_name(other)) & text("usename = current_user")
            sessions = text("pg_stat_activity")
            connection.execute(
                select(func.pg_terminate_backend(literal_column("pid"))).select_from(sessions).where(theirs)
            )

    def release(self, shop: str, holder: str) -> None:
        """Give it up at once; somebody else's is left alone."""
        with self._db.write(flush=False) as connection:
            connection.execute(delete(lease).where(lease.c.shop == shop, lease.c.holder == holder))

    def holder(self, shop: str) -> str | None:
        with self._db.read() as connection:
            return connection.execute(_HOLDER, {"shop": shop}).scalar()


# Built once: each change that is pushed asks.
_HOLDER = select(lease.c.holder).where(lease.c.shop == bindparam("shop"), lease.c.expires_at > database_now())
_HELD = select(lease.c.holder).where(lease.c.shop == bindparam("shop")).with_for_update()


def must_hold(connection: Connection, shop: str, holder: str) -> None:
    """Refuse what only the shop's worker may write, in the caller's transaction; `holder` "": nobody is asked.

    The row stays locked until the commit, so nobody takes the lease over in between, and threads of the worker that
    store rows of one shop come one after the other, as on SQLite. Raises LeaseLost.
    """
    if not holder:
        return
    found = connection.execute(_HELD, {"shop": shop}).scalar()
    if found != holder:
        raise LeaseLost("mirror.lease_lost", shop=shop)

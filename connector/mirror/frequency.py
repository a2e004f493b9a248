"""How often people write: counts over the ledger, for the guards against machines that answer machines."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import Select

from connector.core.model import Copy, MailState, Role
from connector.mirror.database import Database
from connector.mirror.dialect import among
from connector.mirror.own_tables import mail

_INDEXED_LENGTH = 400  # characters; an index row of PostgreSQL ends at 2704 bytes, and strangers choose the length


class Frequency:
    """The counting part of the port `Ledger`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def count_from(self, copy: Copy, window: timedelta) -> int:
        """Copies in customers' folders from this copy's sender that came within the window before it, itself
        included, later ones and backfill left out."""
        values = {**_moments(copy, window), "from_addr": cut(copy.from_addr)}
        with self._db.read() as connection:
            return int(connection.execute(_COUNT_FROM, values).scalar_one())

    def counts_from(self, shop: str, senders: Collection[str], since: datetime, upto: datetime) -> dict[str, int]:
        """As `count_from`, for several senders and whatever copies came after `since` and not after `upto`."""
        asked = {cut(sender): sender for sender in senders}
        values = {"shop": shop, "wanted": sorted(asked), "since": since, "upto": upto}
        with self._db.read() as connection:
            found = connection.execute(_COUNTS_FROM, values).all() if asked else ()
        return {asked[sender]: count for sender, count in found}

    def counts_in_threads(self, shop: str, ids: Collection[int], since: datetime, upto: datetime) -> dict[int, int]:
        """As `count_in_thread`, for several threads and this time."""
        values = {"shop": shop, "wanted": sorted(ids), "since": since, "upto": upto}
        with self._db.read() as connection:
            return {i: count for i, count in connection.execute(_COUNTS_IN_THREADS, values)} if ids else {}  # noqa: C416

    def count_in_thread(self, copy: Copy, thread_id: int, window: timedelta) -> int:
        """Other mails from customers' folders filed in this thread that came within the window before this one."""
        values = {**_moments(copy, window), "id_thread": thread_id}
        with self._db.read() as connection:
            return int(connection.execute(_COUNT_IN_THREAD, values).scalar_one())


def cut(text: str) -> str:
    """A Message-ID or address as the ledger keeps it."""
    return text[:_INDEXED_LENGTH]


def _counting(*columns: ColumnElement[Any]) -> Select[Any]:
    """How many mails of people came after a moment."""
    recent = (mail.c.shop == bindparam("shop")) & (mail.c.internaldate > bindparam("since"))
    of_people = (mail.c.role == Role.CUSTOMERS.value) & mail.c.backfill.is_(False)
    return select(*columns, func.count()).where(recent, of_people).group_by(*columns)


# Asked for every mail, so built once: putting a statement together takes longer than running it.
_COUNTS_FROM = _counting(mail.c.from_addr).where(among(mail.c.from_addr), mail.c.internaldate <= bindparam("upto"))
_FILED = mail.c.state.in_((MailState.PENDING.value, MailState.IMPORTED.value))
_COUNTS_IN_THREADS = _counting(mail.c.id_thread).where(
    among(mail.c.id_thread), _FILED, mail.c.internaldate <= bindparam("upto")
)
_COUNT_FROM = _counting().where(
    mail.c.from_addr == bindparam("from_addr"),
    (mail.c.internaldate < bindparam("at"))
    | ((mail.c.internaldate == bindparam("at")) & (mail.c.id <= bindparam("copy_id"))),
)
_COUNT_IN_THREAD = _counting().where(
    mail.c.id_thread == bindparam("id_thread"),
    _FILED,
    mail.c.internaldate <= bindparam("at"),
    mail.c.id != bindparam("copy_id"),
)


def _moments(copy: Copy, window: timedelta) -> dict[str, Any]:
    return {"shop": copy.shop, "at": copy.internaldate, "since": copy.internaldate - window, "copy_id": copy.id}

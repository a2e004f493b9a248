"""What may go after its time: bytes of mails and files, texts of intents, senders and subjects. Rows stay.

Each call is one short transaction over at most `most` rows. Kept whatever their age: mails that are not dealt with
(received, pending, quarantined), and those with an intent that is not final; intents that are not confirmed or
cancelled (a dead letter can still be sent again).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, exists, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from connector.core.erasure import MARK, without_texts
from connector.core.model import IntentState, MailState
from connector.mirror.database import Database
from connector.mirror.emptying import drop_unused
from connector.mirror.own_tables import attachment, conflict, mail
from connector.mirror.own_tables import intent as intents

WHY = "retention"
_DONE = (MailState.IMPORTED.value, MailState.IGNORED.value)
_OVER = (IntentState.CONFIRMED.value, IntentState.CANCELLED.value)


class SqlRetention:
    """The port `Dropping` over SQL. Times are when a mail came, a file was stored, an intent ended."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def mails(self, shop: str, before: datetime, most: int) -> int:
        """Raw bytes of mails. A file that was not stored for itself goes with them."""
        due = select(mail.c.id, mail.c.blob).where(mail.c.blob.is_not(None), *_dealt_with(shop, before))
        with self._db.write() as connection:
            found = connection.execute(due.order_by(mail.c.id).limit(most)).all()
            ids = [row.id for row in found]
            connection.execute(update(mail).where(mail.c.id.in_(ids)).values(blob=None))
            drop_unused(connection, sorted({row.blob for row in found}))
        return len(found)

    def attachments(self, shop: str, before: datetime, most: int) -> int:
        """Files of mails. As long as the mail's own bytes are kept, they can still be had out of those."""
        due = select(attachment.c.id, attachment.c.blob).join(mail, mail.c.id == attachment.c.copy_id)
        due = due.where(attachment.c.blob.is_not(None), *_dealt_with(shop, before))
        with self._db.write() as connection:
            found = connection.execute(due.order_by(attachment.c.id).limit(most)).all()
            mine = attachment.c.id.in_([row.id for row in found])
            connection.execute(update(attachment).where(mine).values(blob=None, reason=WHY))
            drop_unused(connection, sorted({row.blob for row in found}))
        return len(found)

    def texts(self, shop: str, before: datetime, most: int) -> int:
        """What intents carried: texts, addresses, tracking numbers, and both sides of conflicts."""
        mine = (intents.c.shop == shop) & intents.c.state.in_(_OVER) & (intents.c.moved_at < before)
        due = select(intents.c.id, intents.c.payload, intents.c.decided_on, intents.c.result)
        due = due.where(mine, intents.c.error_detail != WHY, ~_waited_for()).order_by(intents.c.id).limit(most)
        with self._db.write() as connection:
            found = connection.execute(due).all()
            for row in found:
                values = {name: without_texts(getattr(row, name)) for name in ("payload", "decided_on", "result")}
                change = update(intents).where(intents.c.id == row.id)
                connection.execute(change.values(**values, error_detail=WHY))
            nothing = {"detail": "", "expected": None, "found": None, "wanted": None}
            of_them = conflict.c.intent_id.in_([row.id for row in found])
            connection.execute(update(conflict).where(of_them).values(nothing))
        return len(found)

    def headers(self, shop: str, before: datetime, most: int) -> int:
        """Sender and subject in the ledger."""
        there = or_(mail.c.from_addr != "", mail.c.subject != "") & ~mail.c.from_addr.startswith(MARK)
        due = select(mail.c.id).where(there, *_dealt_with(shop, before)).order_by(mail.c.id).limit(most)
        with self._db.write() as connection:
            ids: Sequence[int] = connection.execute(due).scalars().all()
            nothing = {"from_addr": "", "subject": "", "text_hash": ""}
            connection.execute(update(mail).where(mail.c.id.in_(ids)).values(nothing))
        return len(ids)

    def sizes(self, shop: str) -> dict[str, int]:
        """How much there is: mails and files with bytes."""
        with self._db.read() as connection:
            return {
                "mails": _count(connection, (mail.c.shop == shop) & mail.c.blob.is_not(None)),
                "attachments": _count(connection, (attachment.c.shop == shop) & attachment.c.blob.is_not(None)),
            }


def _count(connection: Connection, where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(where)).scalar_one())


def _dealt_with(shop: str, before: datetime) -> list[ColumnElement[bool]]:
    unfinished = exists().where(intents.c.copy_id == mail.c.id, intents.c.state.not_in(_OVER))
    return [mail.c.shop == shop, mail.c.state.in_(_DONE), mail.c.entered_at < before, ~unfinished]


def _waited_for() -> ColumnElement[bool]:
    """A later intent that still needs it: a copy for the Sent folder is made from the mail's own."""
    later = intents.alias("later")
    return exists().where(later.c.shop == intents.c.shop, later.c.after == intents.c.key, later.c.state.not_in(_OVER))

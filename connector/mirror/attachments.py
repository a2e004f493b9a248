"""The files of mails: a row each beside the mail, their bytes once for all in `blob`."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from connector.core.attachments import KeptAttachment, NewAttachment
from connector.mirror.database import Database
from connector.mirror.dialect import insert_ignore
from connector.mirror.own_tables import attachment, blob, mail

_LEVEL = 1  # zlib, as for mails: most files are compressed already
_LONGEST_TYPE = 150

Packed = tuple[dict[str, Any], dict[str, Any] | None]


class SqlAttachments:
    """The port `Attachments` over SQL."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, attachment_id: int) -> KeptAttachment | None:
        with self._db.read() as connection:
            row = connection.execute(_kept().where(attachment.c.id == attachment_id)).mappings().first()
        return None if row is None else _from_row(row)

    def of_thread(self, shop: str, thread_id: int) -> list[KeptAttachment]:
        """Those of the mails that belong to a thread, in the order in which they came."""
        query = _kept().where(attachment.c.shop == shop, mail.c.id_thread == thread_id)
        query = query.order_by(mail.c.internaldate, attachment.c.copy_id, attachment.c.position)
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query).mappings()]

    def kept_since(self, shop: str, mailbox: str, since: datetime) -> int:
        """Bytes, uncompressed, of the files that were kept since then for mails of one mailbox."""
        query = select(func.coalesce(func.sum(attachment.c.size), 0)).join(mail, mail.c.id == attachment.c.copy_id)
        query = query.where(
            attachment.c.shop == shop,
            attachment.c.stored_at > since,
            attachment.c.blob.is_not(None),
            mail.c.mailbox == mailbox,
        )
        with self._db.read() as connection:
            return int(connection.execute(query).scalar_one())


def pack(shop: str, copy_id: int, files: Sequence[NewAttachment], now: datetime) -> list[Packed]:
    """Rows of `attachment` and `blob`, hashed and compressed before the transaction: the one writer's time is
    everybody's."""
    mine = {"shop": shop, "copy_id": copy_id, "stored_at": now}
    return [_to_rows(one, mine) for one in files]


def insert_packed(connection: Connection, files: Sequence[Packed]) -> None:
    """A mail that is decided anew keeps the rows that it has: their ids are what people were told."""
    insert_ignore(connection, blob, list({row["sha256"]: row for _, row in files if row is not None}.values()))
    insert_ignore(connection, attachment, [row for row, _ in files])


def _to_rows(one: NewAttachment, mine: dict[str, Any]) -> Packed:
    said = one.attachment
    row = {
        **mine,
        "position": one.position,
        "name": said.name,
        "content_type": one.kind,
        "declared_type": said.content_type[:_LONGEST_TYPE],
        "size": said.size if one.data is None else len(one.data),
        "content_id": said.content_id,
        "inline": said.inline,
        "blob": None,
        "reason": one.reason,
    }
    if one.data is None:
        return row, None
    row["blob"] = hashlib.sha256(one.data).hexdigest()
    data = {"sha256": row["blob"], "size": len(one.data), "data": zlib.compress(one.data, _LEVEL)}
    return row, data | {"stored_at": mine["stored_at"]}


def _kept() -> Any:  # noqa: ANN401 - a Select
    columns = (mail.c.id_thread, mail.c.id_message, mail.c.blob.label("mail_blob"))
    return select(attachment, *columns).join(mail, mail.c.id == attachment.c.copy_id)


def _from_row(row: RowMapping) -> KeptAttachment:
    return KeptAttachment(
        id=row["id"],
        shop=row["shop"],
        copy_id=row["copy_id"],
        position=row["position"],
        name=row["name"],
        content_type=row["content_type"],
        declared_type=row["declared_type"],
        size=row["size"],
        content_id=row["content_id"],
        inline=row["inline"],
        blob=row["blob"] or "",
        reason=row["reason"],
        mail_blob=row["mail_blob"] or "",
        id_thread=row["id_thread"],
        id_message=row["id_message"],
    )

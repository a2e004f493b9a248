"""Rows, mails and intents without what tells of a person, in the caller's transaction. Ids, keys and dates stay.

Bytes go when nothing points to them any more; several mails may share an attachment.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Table, case, delete, exists, select, update

from connector.core.erasure import ERASED, MARK, without_texts
from connector.core.mapping import Field, Resource
from connector.core.model import IntentState, MailState
from connector.mirror import erased
from connector.mirror.dialect import in_batches
from connector.mirror.own_tables import attachment, blob, conflict, mail, quarantine_row, segment_member
from connector.mirror.own_tables import intent as intents
from connector.mirror.tables import MirroredTables

WHY = "erased"


def rows(
    connection: Connection, tables: MirroredTables, shop: str, resource: Resource, ids: Sequence[int], now: datetime
) -> None:
    """Empty the personal columns of these rows, of their languages and associations, for good."""
    main = tables.main.get(resource.table)
    if main is None:
        return
    parts: list[tuple[Table | None, str, Sequence[Field]]] = [(main, "id", resource.fields)]
    parts.append((tables.lang.get(resource.table), "id", resource.lang))
    children = tables.children.get(resource.table, {})
    parts += [(children.get(child.table), "parent_id", child.fields) for child in resource.children]
    for table, column, fields in parts:
        changes = _emptied(resource, table, fields) if table is not None else {}
        if table is None or not changes:
            continue
        for some in in_batches(ids):
            mine = (table.c.shop == shop) & table.c[column].in_(some)
            connection.execute(update(table).where(mine).values(changes))
    erased.enter(connection, shop, resource.name, ids, now)


def _emptied(resource: Resource, table: Table, fields: Sequence[Field]) -> dict[str, object]:
    """The same as `core.erasure.blank`, told to the database."""
    changes: dict[str, object] = {}
    for one in fields:
        if not one.personal or one.name not in table.c:
            continue
        column = table.c[one.name]
        if one.type != "text":
            changes[one.name] = None
        elif any(sweep.field == one.name and sweep.filled for sweep in resource.sweeps):
            changes[one.name] = case((column.is_(None), None), (column == "", ""), else_=ERASED)
        else:
            changes[one.name] = case((column.is_(None), None), else_="")
        for derived in (f"{one.name}_local", "email_key" if one.name == "email" else ""):
            if derived in table.c:
                changes[derived] = None
    return changes


def mails(connection: Connection, ids: Sequence[int], person: str) -> None:
    """Ledger rows without sender, subject, text and bytes. What was still in quarantine has been dealt with by this."""
    dropped: set[str] = set()
    for some in in_batches(ids):
        mine = mail.c.id.in_(some)
        theirs = attachment.c.copy_id.in_(some)
        dropped |= set(connection.execute(select(mail.c.blob).where(mine, mail.c.blob.is_not(None))).scalars())
        files = select(attachment.c.blob).where(theirs, attachment.c.blob.is_not(None))
        dropped |= set(connection.execute(files).scalars())
        nothing = {"subject": "", "text_hash": "", "blob": None, "retry_at": None, "suggested": None}
        connection.execute(update(mail).where(mine).values({**nothing, "from_addr": MARK + person}))
        connection.execute(update(mail).where(mine, mail.c.omitted.is_not(None)).values(omitted=[]))
        waiting = mine & (mail.c.state == MailState.QUARANTINED.value)
        connection.execute(update(mail).where(waiting).values(state=MailState.IGNORED.value, reason=WHY))
        gone = {"name": WHY, "content_id": "", "blob": None, "reason": WHY, "declared_type": ""}
        connection.execute(update(attachment).where(theirs).values(gone))
    drop_unused(connection, sorted(dropped))


def drop_unused(connection: Connection, blobs: Sequence[str]) -> int:
    """Delete those of these bytes that no mail and no attachment has any more; how many."""
    count = 0
    used = exists().where(mail.c.blob == blob.c.sha256) | exists().where(attachment.c.blob == blob.c.sha256)
    for some in in_batches(blobs):
        count += connection.execute(delete(blob).where(blob.c.sha256.in_(some), ~used)).rowcount
    return count


def intents_of(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Intents without their texts. A dead letter cannot be sent again, so it is cancelled."""
    for some in in_batches(ids):
        mine = intents.c.id.in_(some)
        columns = (intents.c.id, intents.c.payload, intents.c.decided_on, intents.c.result, intents.c.state)
        for row in connection.execute(select(*columns).where(mine)).all():
            values = {name: without_texts(getattr(row, name)) for name in ("payload", "decided_on", "result")}
            values["error_detail"] = ""
            if row.state == IntentState.FAILED.value:
                values |= {"state": IntentState.CANCELLED.value, "moved_at": now}
            connection.execute(update(intents).where(intents.c.id == row.id).values(values))
        nothing = {"detail": "", "expected": None, "found": None, "wanted": None}
        connection.execute(update(conflict).where(conflict.c.intent_id.in_(some)).values(nothing))


def memberships(connection: Connection, shop: str, customers: Sequence[int]) -> None:
    """No segment remembers them any more. In the shop's group they stay until they are erased there."""
    for some in in_batches(customers):
        mine = (segment_member.c.shop == shop) & segment_member.c.id_customer.in_(some)
        connection.execute(delete(segment_member).where(mine))


def quarantined(connection: Connection, ids: Sequence[int]) -> None:
    """Broken rows without their bytes: the row stays, because the shop still has it and it still cannot be read."""
    kept = quarantine_row.c
    for some in in_batches(ids):
        mine = kept.id.in_(some)
        where = select(kept.shop, kept.resource, kept.row_id, kept.last_seen).where(mine, kept.row_id.is_not(None))
        for row in connection.execute(where).all():
            erased.enter(connection, row.shop, row.resource, [row.row_id], row.last_seen)
        connection.execute(update(quarantine_row).where(mine).values(raw=zlib.compress(b""), reason=WHY))

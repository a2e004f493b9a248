"""The ledger of mails: one row per copy, its bytes beside it, the decision with its intents in one transaction."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, exists, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import Select

from connector.core.attachments import NewAttachment
from connector.core.decisions import Bounced
from connector.core.model import Attachment, Baseline, Copy, Kind, MailState, NewIntent, Role
from connector.core.retry import mail_due
from connector.engine.ports import NewCopy
from connector.errors import DataError, StateError
from connector.mirror import erased
from connector.mirror.attachments import insert_packed, pack
from connector.mirror.dialect import among, in_batches, insert_ignore, upsert
from connector.mirror.frequency import Frequency, cut
from connector.mirror.leases import must_hold
from connector.mirror.outbox import insert_rows, intent_rows
from connector.mirror.own_tables import baseline as baselines
from connector.mirror.own_tables import blob as blobs
from connector.mirror.own_tables import bounce as bounces
from connector.mirror.own_tables import intent as intents
from connector.mirror.own_tables import mail

_LEVEL = 1  # zlib: most mail is base64, where a higher level costs three times as long for a few per cent


_Place = tuple[str, str, int, int]


class SqlLedger(Frequency):
    """The port `Ledger` over SQL. Nothing here deletes a row or its bytes."""

    def baseline(self, shop: str, mailbox: str, folder: str) -> Baseline | None:
        line = (baselines.c.uidvalidity, baselines.c.uidnext, baselines.c.at, baselines.c.numbering)
        query = select(*line).where(
            baselines.c.shop == shop, baselines.c.mailbox == mailbox, baselines.c.folder == folder
        )
        with self._db.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Baseline(row.uidvalidity, row.uidnext, row.at, row.numbering or row.uidvalidity)

    def set_baseline(self, shop: str, mailbox: str, folder: str, baseline: Baseline) -> None:
        where = {"shop": shop, "mailbox": mailbox, "folder": folder}
        line = asdict(baseline)
        with self._db.write() as connection:
            upsert(connection, baselines, [{**where, **line}], tuple(where))

    def known_uids(self, shop: str, mailbox: str, folder: str, uidvalidity: int) -> set[int]:
        query = select(mail.c.uid).where(*_numbered(shop, mailbox, folder, uidvalidity))
        with self._db.read() as connection:
            return set(connection.execute(query).scalars())

    def at(self, shop: str, mailbox: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> list[Copy]:
        """The copies with these UIDs, as far as they are known."""
        found = in_batches(sorted(set(uids)))
        query = select(mail).where(*_numbered(shop, mailbox, folder, uidvalidity)).order_by(mail.c.uid)
        return [copy for some in found for copy in self._copies(query.where(mail.c.uid.in_(some)))]

    def folder_states(self, shop: str, mailbox: str, folder: str) -> dict[str, int]:
        """State -> number of copies of one folder, under whatever numbering."""
        here = (mail.c.shop == shop) & (mail.c.mailbox == mailbox) & (mail.c.folder == folder)
        query = select(mail.c.state, func.count()).where(here).group_by(mail.c.state)
        with self._db.read() as connection:
            return {name: number for name, number in connection.execute(query)}  # noqa: C416

    def adrift(self, shop: str) -> int:
        """How many pending copies have no intent that would carry them on."""
        carried = exists().where(intents.c.copy_id == mail.c.id)
        query = select(func.count()).where(mail.c.shop == shop, mail.c.state == MailState.PENDING.value, ~carried)
        with self._db.read() as connection:
            return int(connection.execute(query).scalar_one())

    def stuck(self, shop: str, before: datetime) -> list[Copy]:
        """Copies that were entered before this moment and are undecided still."""
        query = _copies(shop).where(mail.c.state == MailState.RECEIVED.value, mail.c.entered_at < before)
        return self._copies(query.order_by(mail.c.id))

    def enter(self, shop: str, copies: Sequence[NewCopy]) -> int:
        """Store copies (state received) and their bytes; returns how many were new. Entering twice changes nothing.

        Not flushed: the mails are still on the server, and a decision on them is.
        """
        now = self._db.now()
        new: dict[_Place, NewCopy] = {}
        for item in copies:
            new.setdefault((item.mailbox, item.folder, item.uidvalidity, item.uid), item)
        # Hashed and compressed before the transaction: the one writer's time is everybody's.
        hashes = {place: hashlib.sha256(item.raw).hexdigest() for place, item in new.items()}
        packed = {place: zlib.compress(item.raw, _LEVEL) for place, item in new.items()}
        with self._db.write(flush=False) as connection:
            known = set()
            for mailbox, folder, uidvalidity in {place[:3] for place in new}:
                query = select(mail.c.uid).where(
                    *_numbered(shop, mailbox, folder, uidvalidity), mail.c.uid >= min(place[3] for place in new)
                )
                known |= {(mailbox, folder, uidvalidity, uid) for uid in connection.execute(query).scalars()}
            fresh = [place for place in new if place not in known]
            gone = erased.senders(connection, shop, [_key(new[p]) for p in fresh])
            insert_ignore(
                connection, mail, [_to_erased(shop, new[p], gone, now) for p in fresh if _key(new[p]) in gone]
            )
            count, fresh = len(fresh), [p for p in fresh if _key(new[p]) not in gone]
            stored = [
                {"sha256": hashes[p], "size": len(new[p].raw), "data": packed[p], "stored_at": now} for p in fresh
            ]
            insert_ignore(connection, blobs, stored)
            insert_ignore(
                connection, mail, [{**_to_row(shop, new[p]), "blob": hashes[p], "entered_at": now} for p in fresh]
            )
        return count

    def received(self, shop: str, limit: int) -> list[Copy]:
        """Rows to decide on, by (internaldate, id) across folders: new ones, and quarantined ones that are due
        again."""
        again = (mail.c.state == MailState.QUARANTINED.value) & (mail.c.retry_at <= self._db.now())
        query = _copies(shop).where(or_(mail.c.state == MailState.RECEIVED.value, again))
        return self._copies(query.order_by(mail.c.internaldate, mail.c.id).limit(limit))

    def raw(self, blob: str) -> bytes:
        """The bytes of a mail. Raises DataError when retention has dropped them, StateError when they are damaged."""
        with self._db.read() as connection:
            data = connection.execute(_DATA, {"blob": blob}).scalar()
        if data is None:
            raise DataError("mirror.bytes_gone", blob=blob)
        try:
            return zlib.decompress(data)
        except zlib.error as error:
            raise StateError("mirror.damaged", mirror=self._db.name, error="blob") from error

    def raws(self, wanted: Collection[str]) -> dict[str, bytes]:
        """The bytes of several mails, of those that can be had."""
        found: dict[str, bytes] = {}
        with self._db.read() as connection:
            for row in connection.execute(_DATAS, {"wanted": sorted(wanted)}) if wanted else ():
                with suppress(zlib.error):
                    found[row.sha256] = zlib.decompress(row.data)
        return found

    def get(self, copy_id: int) -> Copy | None:
        return next(iter(self._copies(select(mail).where(mail.c.id == copy_id))), None)

    def same_mail(self, shop: str, mail_key: str) -> list[Copy]:
        return self._copies(_SAME_MAIL, {"shop": shop, "mail_key": mail_key})

    def same_mails(self, shop: str, mail_keys: Collection[str], besides: Collection[int] = ()) -> list[Copy]:
        """Copies of these mails, oldest first, besides those with these ids."""
        values = {"shop": shop, "wanted": sorted(mail_keys), "besides": sorted(besides)}
        return self._copies(_SAME_MAILS, values) if mail_keys else []

    def by_message_id(self, shop: str, message_ids: Sequence[str], besides: Collection[int] = ()) -> list[Copy]:
        """Copies with one of these Message-IDs (compared exactly), oldest first, besides those with these ids; an empty
        one matches nothing."""
        values = {"shop": shop, "wanted": sorted({cut(i) for i in message_ids if i}), "besides": sorted(besides)}
        return self._copies(_BY_MESSAGE_ID, values) if values["wanted"] else []

    def of_thread(self, shop: str, thread_id: int) -> list[Copy]:
        """Imported copies of a thread from customers' folders, oldest first."""
        imported = (mail.c.state == MailState.IMPORTED.value) & (mail.c.role == Role.CUSTOMERS.value)
        query = _copies(shop).where(mail.c.id_thread == thread_id, imported)
        return self._copies(query.order_by(mail.c.internaldate, mail.c.id))

    def bounced(self, shop: str, message_ids: Sequence[str]) -> set[str]:
        """Those of these mails of ours (by Message-ID) of which a bounce is known."""
        query = select(bounces.c.message_id).where(bounces.c.shop == shop, bounces.c.message_id.in_(message_ids))
        with self._db.read() as connection:
            return set(connection.execute(query).scalars()) if message_ids else set()

    def conclude(
        self,
        copy: Copy,
        state: MailState,
        reason: str,
        *,
        text_hash: str = "",
        id_thread: int | None = None,
        id_message: int | None = None,
        intents: Sequence[NewIntent] = (),
        trail: str = "",
        suggested: int | None = None,
        bounced: Bounced | None = None,
        files: Sequence[NewAttachment] = (),
        worker: bool = False,
    ) -> None:
        """The decision on a copy, its intents, its files and the bounce that it tells of, in one flushed transaction.
        Quarantine counts as an attempt and sets when the next one is due.

        Raises StateError `ledger.moved_elsewhere` when the copy is not in `copy.state` any more: somebody else has
        decided on it. Inside `together` that is raised later, at its end at the latest.
        worker: only for who holds the shop's lease, else LeaseLost.

        An intent whose key exists is not made again; the copy then points at the existing one. It points at the
        intent that creates the message, else at the first. What is not given stays as it was.
        """
        now = self._db.now()
        again = copy.attempts + 1 if state is MailState.QUARANTINED else None
        change = {
            "of": copy.id,
            "found": copy.state.value,
            "to": state.value,
            "why": reason,
            "now": now,
            "due": None if again is None else mail_due(reason, again, now),
            "new_attempts": again,
            "new_trail": trail or None,
            "new_suggested": suggested,
            "new_text_hash": text_hash or None,
            "new_id_thread": id_thread,
            "new_id_message": id_message,
        }
        packed = pack(copy.shop, copy.id, files, now)
        with self._db.together():
            if worker:
                self._db.once(("lease", copy.shop), lambda held: must_hold(held, copy.shop, self._db.holder))
            self._db.later(_change, change)
            self._db.later(insert_packed, *packed)
            if bounced is not None:
                self._db.later(_note_bounces, _to_bounce(copy, bounced))
            if intents:
                self._db.later(insert_rows, *intent_rows(copy.shop, intents, now, copy.id))
                self._db.later(_point, {"of": copy.id, "its_shop": copy.shop, "its_key": _main_intent(intents).key})

    def states(self, shop: str) -> dict[str, int]:
        """State -> number of copies."""
        query = select(mail.c.state, func.count()).where(mail.c.shop == shop).group_by(mail.c.state)
        with self._db.read() as connection:
            return {name: number for name, number in connection.execute(query)}  # noqa: C416

    def listing(self, shop: str, states: Sequence[MailState], limit: int = 1000) -> list[Copy]:
        """The newest `limit` copies in these states (none given: all), oldest of them first."""
        query = _copies(shop).order_by(mail.c.id.desc()).limit(limit)
        if states:
            query = query.where(mail.c.state.in_([state.value for state in states]))
        return self._copies(query)[::-1]

    def any_rows(self, shop: str) -> bool:
        with self._db.read() as connection:
            return connection.execute(select(mail.c.id).where(mail.c.shop == shop).limit(1)).first() is not None

    def together(self) -> AbstractContextManager[None]:
        """All that this thread asks and stores inside, of the whole mirror, is one flushed transaction."""
        return self._db.together()

    def _copies(self, query: Select[Any], values: dict[str, Any] | None = None) -> list[Copy]:
        with self._db.read() as connection:
            return [_to_copy(row) for row in connection.execute(query, values).mappings()]


def _numbered(shop: str, mailbox: str, folder: str, uidvalidity: int) -> list[ColumnElement[bool]]:
    c = mail.c
    return [c.shop == shop, c.mailbox == mailbox, c.folder == folder, c.uidvalidity == uidvalidity]


def _copies(shop: str) -> Select[Any]:
    return select(mail).where(mail.c.shop == shop)


# Asked for every mail, so built once: putting a statement together takes longer than running it.
_MINE = select(mail).where(mail.c.shop == bindparam("shop")).order_by(mail.c.id)
_SAME_MAIL = _MINE.where(mail.c.mail_key == bindparam("mail_key"))
_BESIDES = _MINE.where(mail.c.id.not_in(bindparam("besides", expanding=True)))
_BY_MESSAGE_ID = _BESIDES.where(among(mail.c.message_id))
_DATA = select(blobs.c.data).where(blobs.c.sha256 == bindparam("blob"))
_CHANGE = (
    update(mail)
    .where(mail.c.id == bindparam("of"), mail.c.state == bindparam("found"))
    .values(
        state=bindparam("to"), reason=bindparam("why"), concluded_at=bindparam("now"), retry_at=bindparam("due"),
        **{
            name: func.coalesce(bindparam(f"new_{name}", type_=mail.c[name].type), mail.c[name])
            for name in ("attempts", "trail", "suggested", "text_hash", "id_thread", "id_message")
        },
    )
)  # fmt: skip
_ITS_INTENT = select(intents.c.id).where(intents.c.shop == bindparam("its_shop"), intents.c.key == bindparam("its_key"))
_POINT = update(mail).where(mail.c.id == bindparam("of")).values(intent_id=_ITS_INTENT.scalar_subquery())
_STATES = select(mail.c.id, mail.c.state).where(among(mail.c.id))
_DATAS = select(blobs.c.sha256, blobs.c.data).where(among(blobs.c.sha256))
_SAME_MAILS = _BESIDES.where(among(mail.c.mail_key))


def _change(connection: Connection, changes: list[dict[str, Any]]) -> None:
    """Raises StateError or DataError when one of these copies is not in the state that it was found in."""
    if connection.execute(_CHANGE, changes).rowcount == len(changes):
        return
    found = connection.execute(_STATES, {"wanted": [one["of"] for one in changes]})
    states = {row.id: row.state for row in found}
    moved = next((one for one in changes if states.get(one["of"]) != one["to"]), changes[0])
    if moved["of"] not in states:
        raise DataError("mirror.unknown_mail", mail=moved["of"])
    raise StateError("ledger.moved_elsewhere", mail=moved["of"], found=states[moved["of"]], expected=moved["found"])


def _note_bounces(connection: Connection, rows: list[dict[str, Any]]) -> None:
    upsert(connection, bounces, rows, ("copy_id",))


def _point(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(_POINT, rows)


def _main_intent(made: Sequence[NewIntent]) -> NewIntent:
    return next((item for item in made if item.kind is Kind.MESSAGE_CREATE), made[0])


def _to_row(shop: str, item: NewCopy) -> dict[str, Any]:
    return {
        "shop": shop,
        "mailbox": item.mailbox,
        "folder": item.folder,
        "role": item.role.value,
        "uidvalidity": item.uidvalidity,
        "uid": item.uid,
        "internaldate": item.internaldate,
        "size": item.size,
        "mail_key": item.identity.mail_key,
        "message_id": cut(item.identity.message_id),
        "from_addr": cut(item.identity.from_addr),
        "subject": item.identity.subject,
        "mail_date": item.identity.date,
        "state": MailState.RECEIVED.value,
        "reason": "",
        "backfill": item.backfill,
        "text_hash": "",
        "omitted": None if item.omitted is None else [asdict(one) for one in item.omitted],
    }


def _key(item: NewCopy) -> str:
    return item.identity.mail_key


def _to_erased(shop: str, item: NewCopy, senders: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """A further copy of a mail that was erased: noted, so that it is accounted for."""
    nothing = {"subject": "", "omitted": None, "blob": None, "entered_at": now, "concluded_at": now}
    dealt_with = {"state": MailState.IGNORED.value, "reason": "erased", "from_addr": senders[_key(item)]}
    return {**_to_row(shop, item), **nothing, **dealt_with}


def _to_bounce(copy: Copy, bounced: Bounced) -> dict[str, Any]:
    return {
        "copy_id": copy.id,
        "shop": copy.shop,
        "message_id": cut(bounced.message_id),
        "id_thread": bounced.thread.id,
        "id_message": bounced.id_message,
        "action": bounced.action[:40],
        "status": bounced.status[:40],
        "at": copy.internaldate,
    }


def _to_copy(row: RowMapping) -> Copy:
    return Copy(
        id=row["id"],
        shop=row["shop"],
        mailbox=row["mailbox"],
        folder=row["folder"],
        role=Role(row["role"]),
        uidvalidity=row["uidvalidity"],
        uid=row["uid"],
        internaldate=row["internaldate"],
        size=row["size"],
        mail_key=row["mail_key"],
        message_id=row["message_id"],
        from_addr=row["from_addr"],
        subject=row["subject"],
        state=MailState(row["state"]),
        reason=row["reason"],
        backfill=row["backfill"],
        blob=row["blob"] or "",
        text_hash=row["text_hash"],
        id_thread=row["id_thread"],
        id_message=row["id_message"],
        intent_id=row["intent_id"],
        attempts=row["attempts"],
        retry_at=row["retry_at"],
        trail=row["trail"],
        suggested=row["suggested"],
        omitted=None if row["omitted"] is None else tuple(Attachment(**one) for one in row["omitted"]),
    )

"""The files of mails beside their mails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from connector.core.attachments import NewAttachment
from connector.core.model import Attachment, Copy, MailState
from connector.errors import StateError
from connector.mirror.db import Mirror
from connector.mirror.own_tables import attachment, blob
from tests.mirror.world import NOW, SHOP, copy


def a_file(position: int = 0, data: bytes | None = b"bytes", name: str = "a.pdf", reason: str = "") -> NewAttachment:
    said = Attachment(name, "image/png", 5, "one@x", inline=True)
    return NewAttachment(position, said, "application/pdf", data, reason)


def entered(mirror: Mirror, *uids: int, mailbox: str = "support") -> list[Copy]:
    mirror.ledger.enter(SHOP, [copy(uid, mailbox=mailbox) for uid in uids])
    return mirror.ledger.received(SHOP, 100)


def concluded(mirror: Mirror, found: Copy, *files: NewAttachment, thread: int = 12) -> None:
    mirror.ledger.conclude(found, MailState.PENDING, "thread_by_token", id_thread=thread, files=files)


def test_a_file_comes_back_as_it_was_entered(mirror: Mirror) -> None:
    (mail,) = entered(mirror, 1)
    concluded(mirror, mail, a_file(), a_file(1, None, "b\0\udcff.zip", "mail_over_its_limit"))
    first, second = mirror.attachments.of_thread(SHOP, 12)
    assert (first.name, first.content_type, first.declared_type) == ("a.pdf", "application/pdf", "image/png")
    assert (first.size, first.content_id, first.inline, first.reason) == (5, "one@x", True, "")
    assert mirror.ledger.raw(first.blob) == b"bytes"
    assert (second.blob, second.reason, second.position) == ("", "mail_over_its_limit", 1)
    assert second.mail_blob == mail.blob
    assert mirror.attachments.get(first.id) == first
    assert mirror.attachments.get(999) is None
    assert mirror.attachments.of_thread("rome", 12) == mirror.attachments.of_thread(SHOP, 13) == []


def test_a_mail_that_is_decided_anew_keeps_the_ids_of_its_files(mirror: Mirror) -> None:
    (mail,) = entered(mirror, 1)
    concluded(mirror, mail, a_file())
    before = mirror.attachments.of_thread(SHOP, 12)
    again = mirror.ledger.get(mail.id)
    assert again is not None
    concluded(mirror, again, a_file(), a_file(1))
    after = mirror.attachments.of_thread(SHOP, 12)
    assert after[0] == before[0]
    assert len(after) == 2


def test_equal_bytes_lie_there_once(mirror: Mirror) -> None:
    for mail in entered(mirror, 1, 2):
        concluded(mirror, mail, a_file(0, b"same"), a_file(1, b"same"))
    with mirror.database.read() as connection:
        rows = connection.execute(select(func.count()).select_from(attachment)).scalar_one()
        hashes = connection.execute(select(attachment.c.blob).distinct()).scalars().all()
    assert (rows, len(hashes)) == (4, 1)


def test_what_was_kept_of_late_is_counted_by_mailbox_and_without_what_was_not_kept(mirror: Mirror) -> None:
    for mail in entered(mirror, 1):
        concluded(mirror, mail, a_file(0, b"x" * 70), a_file(1, None, reason="day_over_its_limit"))
    mirror.ledger.enter(SHOP, [copy(1, mailbox="sales")])
    concluded(mirror, mirror.ledger.received(SHOP, 1)[0], a_file(0, b"y" * 30))
    day = timedelta(hours=24)
    assert mirror.attachments.kept_since(SHOP, "support", NOW - day) == 70
    assert mirror.attachments.kept_since(SHOP, "sales", NOW - day) == 30
    assert mirror.attachments.kept_since(SHOP, "support", NOW) == 0


def test_bytes_that_a_file_is_made_of_cannot_be_dropped(mirror: Mirror) -> None:
    (mail,) = entered(mirror, 1)
    concluded(mirror, mail, a_file())
    (kept,) = mirror.attachments.of_thread(SHOP, 12)
    with pytest.raises(StateError, match=r"mirror\.inconsistent"), mirror.database.write() as connection:
        connection.execute(delete(blob).where(blob.c.sha256 == kept.blob))
    assert mirror.ledger.raw(kept.blob) == b"bytes"

"""What may go after its time, and what may not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from connector.core.attachments import NewAttachment
from connector.core.model import Attachment, IntentState, Kind, MailState, NewIntent
from connector.engine.retention import Retention
from connector.errors import DataError
from connector.mirror.own_tables import intent, mail
from tests.mirror.world import NOW, SHOP
from tests.mirror.world import copy as copy_of

OLD = NOW - timedelta(days=40)


class Later:
    def now(self):
        return NOW + timedelta(days=1)


def entered(mirror, number, state=MailState.IMPORTED, *, at=OLD, intents=(), files=()):
    """A mail that was taken in then, and decided on."""
    made = copy_of(number)
    mirror.ledger.enter(SHOP, [made])
    (copy,) = mirror.ledger.at(SHOP, made.mailbox, made.folder, made.uidvalidity, [number])
    if state is not MailState.RECEIVED:
        mirror.ledger.conclude(copy, state, "why", id_thread=5, intents=intents, files=files)
    with mirror.database.write() as connection:
        connection.execute(update(mail).where(mail.c.id == copy.id).values(entered_at=at))
        connection.execute(update(intent).where(intent.c.copy_id == copy.id).values(moved_at=at))
    return mirror.ledger.get(copy.id)


def drop(mirror, **days):
    class Log:
        def emit(self, name, **keys):
            assert name == "retention.applied"

    return Retention(SHOP, mirror.retention, days, Log(), Later()).run()


def test_bytes_of_old_mails_go_and_their_rows_stay(mirror):
    old, fresh = entered(mirror, 1), entered(mirror, 2, at=NOW)
    assert drop(mirror, mails=30) == {"mails": 1}
    assert mirror.ledger.get(old.id).state is MailState.IMPORTED
    with pytest.raises(DataError):
        mirror.ledger.raw(old.blob)
    assert mirror.ledger.raw(fresh.blob)
    assert drop(mirror, mails=30) == {"mails": 0}


@pytest.mark.parametrize("state", [MailState.RECEIVED, MailState.PENDING, MailState.QUARANTINED])
def test_bytes_of_what_is_not_dealt_with_are_never_dropped(mirror, state):
    kept = entered(mirror, 1, state)
    assert drop(mirror, mails=1, attachments=1, headers=1) == {"mails": 0, "attachments": 0, "headers": 0}
    assert mirror.ledger.raw(kept.blob)
    assert mirror.ledger.get(kept.id).subject == kept.subject


@pytest.mark.parametrize("state", [IntentState.PLANNED, IntentState.SENDING, IntentState.IN_DOUBT, IntentState.FAILED])
def test_what_an_unfinished_intent_needs_is_never_dropped(mirror, state):
    wish = NewIntent(Kind.MESSAGE_CREATE, "k", "r", "thread:5", {"text": "Hello", "id_thread": 5}, origin="mail")
    kept = entered(mirror, 1, intents=[wish])
    with mirror.database.write() as connection:
        connection.execute(update(intent).values(state=state.value))
    assert drop(mirror, mails=1, texts=1) == {"mails": 0, "texts": 0}
    assert mirror.ledger.raw(kept.blob)
    assert mirror.outbox.by_key(SHOP, "k").payload["text"] == "Hello"


def test_texts_of_what_is_done_go_and_their_ids_stay(mirror):
    wish = NewIntent(Kind.MESSAGE_CREATE, "k", "r", "thread:5", {"text": "Hello", "id_thread": 5}, origin="mail")
    entered(mirror, 1, intents=[wish])
    with mirror.database.write() as connection:
        connection.execute(update(intent).values(state="confirmed"))
    assert drop(mirror, texts=30) == {"texts": 1}
    assert mirror.outbox.by_key(SHOP, "k").payload == {"text": "", "id_thread": 5}
    assert drop(mirror, texts=30) == {"texts": 0}


def test_a_file_that_two_mails_have_goes_with_the_last_of_them(mirror):
    file = NewAttachment(0, Attachment("a.txt", "text/plain", 2), "text/plain", b"hi", "")
    entered(mirror, 1, files=[file])
    entered(mirror, 2, at=NOW, files=[file])
    assert drop(mirror, attachments=30) == {"attachments": 1}
    gone, kept = mirror.attachments.of_thread(SHOP, 5)
    assert (gone.blob, gone.reason, mirror.ledger.raw(kept.blob)) == ("", "retention", b"hi")


def test_sender_and_subject_go_and_the_keys_stay(mirror):
    old = entered(mirror, 1)
    assert drop(mirror, headers=30) == {"headers": 1}
    left = mirror.ledger.get(old.id)
    assert (left.from_addr, left.subject) == ("", "")
    assert (left.mail_key, left.message_id, left.uid) == (old.mail_key, old.message_id, old.uid)
    assert drop(mirror, headers=30) == {"headers": 0}


def test_without_settings_nothing_is_dropped(mirror):
    kept = entered(mirror, 1)
    assert drop(mirror, mails=0) == {}
    assert mirror.ledger.raw(kept.blob)

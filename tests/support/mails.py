"""Mails and rows for tests of decisions: every field has a harmless default, a test names what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from connector.core.model import Copy, Mail, MailState, Role, Thread

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "an instance secret of good length"


def a_mail(**changes: object) -> Mail:
    mail = Mail(
        mail_key="k" * 64,
        message_id="one@mail.example",
        from_addr="ann@example.com",
        from_name="Ann",
        to=("support@shop.test",),
        cc=(),
        delivered_to=(),
        reply_to=(),
        subject="Where is my parcel?",
        date=NOW,
        in_reply_to=(),
        references=(),
        headers=(),
        content_type="text/plain",
        parts=("text/plain",),
        text="Where is my parcel?",
        from_html=False,
    )
    return replace(mail, **changes)  # type: ignore[arg-type]


def a_thread(**changes: object) -> Thread:
    thread = Thread(
        id=12,
        email="ann@example.com",
        token="AbCdEfGhIjKl",
        status="open",
        id_shop=1,
        id_lang=1,
        id_customer=5,
        id_order=None,
        id_contact=2,
    )
    return replace(thread, **changes)  # type: ignore[arg-type]


def a_copy(**changes: object) -> Copy:
    copy = Copy(
        id=100,
        shop="main",
        mailbox="support",
        folder="INBOX",
        role=Role.CUSTOMERS,
        uidvalidity=1,
        uid=7,
        internaldate=NOW,
        size=1000,
        mail_key="k" * 64,
        message_id="one@mail.example",
        from_addr="ann@example.com",
        subject="Where is my parcel?",
        state=MailState.RECEIVED,
        reason="",
        backfill=False,
        blob="b" * 64,
    )
    return replace(copy, **changes)  # type: ignore[arg-type]

"""The sandbox mailbox answers a client that knows nothing of it."""

from __future__ import annotations

import imaplib
from datetime import UTC, datetime

import pytest

from connector.sandbox.mailbox import SandboxMailbox

USERS = {"support@shop.test": "secret", "sales@shop.test": "other"}
RAW = b"Subject: hi\r\n\r\nhello\r\n"


def test_a_delivered_mail_is_served_with_its_date() -> None:
    with SandboxMailbox(USERS) as mailbox:
        mailbox.deliver("support@shop.test", "INBOX", RAW, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), ["\\Seen"])
        with imaplib.IMAP4(mailbox.host, mailbox.port, timeout=5) as client:
            client.login('"support@shop.test"', "secret")
            client.select("INBOX", readonly=True)
            _, rows = client.fetch("1", "(INTERNALDATE FLAGS BODY.PEEK[])")
        assert b"02-Jan-2026 03:04:05 +0000" in rows[0][0]
        assert rows[0][1] == RAW
        assert mailbox.flags("support@shop.test", "INBOX") == [{"\\Seen"}]


def test_users_have_their_own_folders() -> None:
    with SandboxMailbox(USERS) as mailbox:
        mailbox.deliver("support@shop.test", "Sent", RAW)
        mailbox.make_folder("sales@shop.test", "Done")
        mailbox.deliver("sales@shop.test", "Done", RAW)
        counts = [mailbox.count(user, folder) for user in USERS for folder in ("INBOX", "Sent")]
        assert counts == [0, 1, 0, 0]
        assert mailbox.mails("sales@shop.test", "Done") == [RAW]


def test_two_run_side_by_side_and_one_can_start_again() -> None:
    with SandboxMailbox(USERS) as first, SandboxMailbox(USERS) as second:
        assert first.port != second.port
        first.deliver("support@shop.test", "INBOX", RAW)
        assert second.count("support@shop.test", "INBOX") == 0
    with pytest.raises(RuntimeError):
        first.count("support@shop.test", "INBOX")
    with pytest.raises(OSError, match="refused"):
        imaplib.IMAP4(second.host, second.port, timeout=2)


def test_a_port_that_is_taken_is_told() -> None:
    with SandboxMailbox(USERS) as first, pytest.raises(RuntimeError):
        SandboxMailbox(USERS, port=first.port).start()

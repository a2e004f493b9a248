"""Filing a copy of a mail that went out: once, as it is, whatever the line does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.engine.ports import Mailbox, OutgoingMail
from connector.errors import MailboxError, MailboxMisconfigured, Next
from connector.mailbox.client import Account, ImapMailbox
from connector.mailbox.compose import compose
from tests.support.cutting import Cutting
from tests.support.dovecot import Dovecot, require_dovecot

SENT = "Gesendete Objekte & mehr"
AT = datetime(2026, 1, 5, 9, 12, 7, tzinfo=UTC)
MAIL = OutgoingMail("psc1.1@shop.test", "a@shop.test", "Shop", "b@c.test", "Hello #ct1", "Grüße\n.\n", date=AT)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as running:
        running.make_folder(SENT)
        yield running


def mailbox(server: Dovecot, port: int = 0) -> ImapMailbox:
    return ImapMailbox(
        "support", Account(server.host, port or server.port, server.user, server.password, "plain", timeout=5)
    )


def test_a_copy_is_filed_whole_read_and_with_its_time(server: Dovecot) -> None:
    raw = compose(MAIL)
    with mailbox(server) as open_box:
        box: Mailbox = open_box
        assert not box.find_message_id(SENT, MAIL.message_id)
        box.append(SENT, raw, AT)
        assert box.find_message_id(SENT, MAIL.message_id)
        box.select(SENT)
        (uid,) = box.search(1)
        (copy,) = box.fetch([uid], 10**6)
    assert (copy.raw, copy.internaldate) == (raw, AT)
    assert server.flags(SENT)[0] >= {"\\Seen"}


def test_a_folder_that_is_not_there_is_named(server: Dovecot) -> None:
    with mailbox(server) as box, pytest.raises(MailboxMisconfigured) as caught:
        box.append("Gesendete Objekte", compose(MAIL), AT)
    assert caught.value.code == "imap.folder_unknown"
    assert SENT in str(caught.value.facts["similar"])


def test_when_the_line_breaks_it_is_told_whether_the_copy_may_be_there(server: Dovecot) -> None:
    """At every place of the talk. What is not called unknown was surely not filed."""
    told: dict[tuple[str, bool], set[bool]] = {}
    with Cutting(server.host, server.port) as line, mailbox(server) as outside:
        for limit in range(1, 1100, 5):
            mail = replace(MAIL, message_id=f"psc1.cut{limit}@shop.test")
            line.cut(limit, times=1)
            try:
                with mailbox(server, line.port) as box:
                    box.append(SENT, compose(mail), AT)
            except MailboxError as error:
                said = (type(error).__name__, error.next is Next.LOOK_UP)
            else:
                said = ("filed", False)
            told.setdefault(said, set()).add(outside.find_message_id(SENT, mail.message_id))
    assert told == {
        ("filed", False): {True},
        ("MailboxOutcomeUnknown", True): {True, False},
        ("MailboxUnavailable", False): {False},
    }

"""Waiting for mail by IDLE: a real Dovecot that tells of it, and servers that hang up or cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connector.engine.ports import FolderWatch
from connector.errors import MailboxMisconfigured, MailboxUnavailable
from connector.mailbox.client import Account, ImapMailbox
from connector.mailbox.idle import IdleFolder
from tests.mailbox.test_client import SELECT, mail, scripted
from tests.support.dovecot import Dovecot, require_dovecot

CAN_IDLE = ("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE\n{tag} OK done\n")
LONG = 20.0


def account(server: Dovecot) -> Account:
    return Account(server.host, server.ssl_port, server.user, server.password, "ssl", True, server.cert_file, 10)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as running:
        yield running


@pytest.mark.parametrize(
    ("folder", "security"),
    [
        ("Plain", "plain"),
        ("Start", "starttls"),
        ("Gelöscht & Co", "ssl"),
        ("送信済み", "ssl"),
        ("&AOk-", "ssl"),
        ('quo"te\\d', "ssl"),
    ],
)
def test_a_mail_that_arrives_is_told_within_a_second_or_so(dovecot: Dovecot, folder: str, security: str) -> None:
    dovecot.make_folder(folder)
    port = dovecot.ssl_port if security == "ssl" else dovecot.port
    line: FolderWatch = IdleFolder("m", replace(account(dovecot), security=security, port=port), folder)
    with line:
        threading.Timer(0.1, dovecot.deliver, (folder, mail(1))).start()
        began = time.monotonic()
        assert line.wait(LONG)
        assert time.monotonic() - began < 3
    with ImapMailbox("m", account(dovecot)) as box:
        box.select(folder)
        assert len(box.search(1)) == 1


def test_silence_ends_when_the_time_is_up_and_the_line_can_be_renewed(dovecot: Dovecot) -> None:
    dovecot.make_folder("Quiet")
    with IdleFolder("m", account(dovecot), "Quiet") as line:
        assert not line.wait(0.05)
        line.renew()
        assert not line.wait(0.05)
        dovecot.deliver("Quiet", mail(1))
        assert line.wait(LONG)


def test_what_others_read_or_remove_is_no_news(dovecot: Dovecot) -> None:
    dovecot.make_folder("Read")
    for number in range(2):
        dovecot.deliver("Read", mail(number))
    with IdleFolder("m", account(dovecot), "Read") as line:
        dovecot.expunge("Read", 1)  # told as FETCH (FLAGS ...) and EXPUNGE
        with ImapMailbox("m", account(dovecot)) as other:
            other.select("Read")
            other.flag([2], "\\Seen")
        assert not line.wait(1.0)
        dovecot.deliver("Read", mail(3))
        assert line.wait(LONG)


def test_no_flag_changes_while_a_folder_is_watched(dovecot: Dovecot) -> None:
    dovecot.make_folder("Untouched")
    with IdleFolder("m", account(dovecot), "Untouched") as line:
        dovecot.deliver("Untouched", mail(1))
        assert line.wait(LONG)
    assert dovecot.flags("Untouched") == [{"\\Recent"}]


def test_a_server_without_idle_says_so() -> None:
    require_dovecot()
    with Dovecot(hide=("IDLE",)) as running:
        with pytest.raises(MailboxMisconfigured) as caught, IdleFolder("m", account(running), "INBOX"):
            pass
        assert caught.value.code == "imap.no_idle"


def test_an_unknown_folder_is_named_with_similar_ones(dovecot: Dovecot) -> None:
    dovecot.make_folder("Entwürfe")
    with pytest.raises(MailboxMisconfigured) as caught, IdleFolder("m", account(dovecot), "Entwurfe"):
        pass
    assert caught.value.code == "imap.folder_unknown"
    assert "Entwürfe" in str(caught.value.facts["similar"])


@pytest.mark.parametrize(
    "idle",
    [
        "+ idling\n* BYE shutting down\nHANGUP",
        "+ idling\nHANGUP",
        "+ idling\n* 4 EXI",
        "+ idling\n{tag} OK enough\nHANGUP",
        "+ idling\n\x01\x02 what\nHANGUP",
        "{tag} NO not now\n",
        "{tag} BAD what\n",
        "* BYE shutting down\nHANGUP",
        "+ idling\nSILENCE",
        "SILENCE",
    ],
    ids=["bye", "hangup", "half a line", "ended", "nonsense", "no", "bad", "bye first", "silent", "never"],
)
def test_a_line_that_ends_is_an_error_and_never_a_wait_for_ever(idle: str) -> None:
    with scripted(CAN_IDLE, SELECT, ("IDLE", idle)) as where:
        began = time.monotonic()
        with pytest.raises(MailboxUnavailable), IdleFolder("m", where, "INBOX") as line:  # noqa: PT012
            if not line.wait(0.2):
                line.renew()
            line.wait(0.2)
            line.renew()
        assert time.monotonic() - began < 4


def test_a_server_that_ends_tells_so_at_once() -> None:
    require_dovecot()
    with Dovecot() as running, IdleFolder("m", account(running), "INBOX") as line:
        threading.Timer(0.1, running.kill).start()
        began = time.monotonic()
        with pytest.raises(MailboxUnavailable):  # noqa: PT012
            while True:
                line.wait(LONG)
        assert time.monotonic() - began < 5


def test_signs_of_life_are_no_news() -> None:
    with scripted(CAN_IDLE, SELECT, ("IDLE", "+ idling\n* OK Still here\n* 1 FETCH (FLAGS (\\Seen))\n")) as where:  # noqa: SIM117
        with IdleFolder("m", where, "INBOX") as line:
            assert not line.wait(0.3)

"""Mails from a real Dovecot into the ledger: whatever the server or the line does, nothing twice and nothing lost."""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.core.model import Baseline, Copy, MailState, Role
from connector.engine.audit import Audit, FolderAudit
from connector.engine.collect import Collect, FolderReport
from connector.engine.scope import ANOTHER_COUNT, FolderPlan
from connector.mailbox.client import Account, ImapMailbox
from connector.mailbox.mime import MimeCodec
from connector.mirror.db import Mirror, open_mirror
from connector.ops import events as ev
from connector.ops.clock import SystemClock
from tests.support import databases
from tests.support.cutting import Cutting
from tests.support.dovecot import Dovecot, require_dovecot

pytestmark = databases.on_one
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LIMIT = 100_000
_names = itertools.count()


def letter(number: int, *, body: str = "", message_id: str | None = "") -> bytes:
    named = f"<m{number}@customer.test>" if message_id == "" else message_id
    head = f"Message-ID: {named}\r\n" if named else ""
    text = body or f"Hello {number}, " + "where is my parcel? " * (number % 7 + 1)
    return f"{head}From: Ann <ann@customer.test>\r\nSubject: Question {number}\r\n\r\n{text}\r\n".encode()


class Heard:
    """The events of a test, by name."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def emit(self, name: str, /, **keys: object) -> None:
        assert set(keys) <= set(ev.KEYS)
        self.names.append(name)


class Desk:
    """One folder of the server, collected into a ledger."""

    def __init__(self, server: Dovecot, mirror: Mirror, folder: str) -> None:
        self.server, self.mirror, self.folder = server, mirror, folder
        self.account = Account(server.host, server.port, server.user, server.password, "plain", timeout=10)
        self.heard = Heard()
        self.since: datetime | None = None
        self.mailbox = "support"
        self.collecting = self._collect()

    def _collect(self) -> Collect:
        return Collect(
            "main",
            self.mailbox,
            lambda: ImapMailbox(self.mailbox, self.account),
            lambda: [FolderPlan(self.folder, Role.CUSTOMERS, self.since)],
            self.mirror.ledger,
            MimeCodec(),
            self.heard,
            SystemClock(),
            LIMIT,
        )

    def put(self, *letters: bytes, at: datetime | None = None) -> None:
        for one in letters:
            self.server.deliver(self.folder, one, at)

    def collect(self) -> FolderReport:
        return self.collecting.run().folders[0]

    def audit(self) -> FolderAudit:
        audit = Audit(
            "main",
            self.mailbox,
            lambda: ImapMailbox(self.mailbox, self.account),
            lambda: [FolderPlan(self.folder, Role.CUSTOMERS, self.since)],
            self.mirror.ledger,
            self.mirror.outbox,
            MimeCodec(),
            LIMIT,
            lambda: None,
        )
        return audit.run()[0]

    def copies(self) -> list[Copy]:
        found = self.mirror.ledger.listing("main", list(MailState), 10_000)
        return [c for c in found if (c.mailbox, c.folder) == (self.mailbox, self.folder)]

    def raws(self) -> list[bytes]:
        return [self.mirror.ledger.raw(copy.blob) for copy in self.copies()]

    def everything_is_in_scope(self) -> None:
        """As if it had been collected first when it was empty."""
        with ImapMailbox("m", self.account) as box:
            validity = box.select(self.folder).uidvalidity
        line = Baseline(validity, 1, LONG_AGO, validity)
        self.mirror.ledger.set_baseline("main", self.mailbox, self.folder, line)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as running:
        yield running


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with closing(open_mirror(databases.new_mirror(tmp_path, ()), ())) as opened:
        yield opened


@pytest.fixture
def desk(server: Dovecot, mirror: Mirror) -> Desk:
    folder = f"folder{next(_names)}"
    server.make_folder(folder)
    return Desk(server, mirror, folder)


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_what_others_have_read_is_collected_all_the_same_and_no_flag_is_touched(desk: Desk) -> None:
    desk.collect()
    desk.put(letter(1), letter(2))
    with desk.server._session() as session:
        session.select(desk.folder)
        session.store("1", "+FLAGS", "\\Seen")
    assert desk.collect().fetched == 2
    assert [flags - {"\\Recent"} for flags in desk.server.flags(desk.folder)] == [{"\\Seen"}, set()]


def test_two_mails_with_one_message_id_and_mails_without_any_are_all_kept(desk: Desk) -> None:
    desk.collect()
    desk.put(letter(1), letter(1, body="Something else."), letter(2, message_id=None), letter(3, message_id=None))
    assert desk.collect().fetched == 4
    assert len({copy.mail_key for copy in desk.copies()}) == 4


def test_a_copy_and_a_moved_mail_are_known_by_their_content(desk: Desk) -> None:
    desk.collect()
    desk.put(letter(1), letter(2))
    desk.collect()
    with desk.server._session() as session:
        session.select(desk.folder)
        session.uid("COPY", str(desk.copies()[0].uid), desk.folder)
    assert desk.collect().fetched == 1
    first, _, copied = desk.copies()
    assert (copied.mail_key, copied.blob) == (first.mail_key, first.blob)


def test_a_changed_uidvalidity_is_told_once_and_costs_no_mail(desk: Desk) -> None:
    old = datetime.now(UTC) - timedelta(days=30)
    desk.collect()
    desk.put(letter(1))
    desk.collect()
    desk.server.recreate_folder(desk.folder)
    desk.put(letter(9), at=old)
    desk.put(letter(1), letter(2))
    assert desk.collect().fetched == 2  # the one from before the baseline stays where it is
    desk.put(letter(3))
    assert desk.collect().fetched == 1
    assert desk.heard.names.count(ev.UIDVALIDITY_CHANGED) == 1
    one, again, two, three = desk.copies()
    assert one.mail_key == again.mail_key
    assert len({one.mail_key, two.mail_key, three.mail_key}) == 3
    assert not any(copy.backfill for copy in desk.copies())


def test_an_old_mail_that_is_moved_in_after_a_change_of_uidvalidity_is_in_scope(desk: Desk) -> None:
    desk.collect()
    desk.server.recreate_folder(desk.folder)
    desk.collect()
    desk.put(letter(1), at=datetime.now(UTC) - timedelta(days=30))
    assert desk.collect().fetched == 1
    assert not desk.copies()[0].backfill


def test_numbers_that_a_restored_mailbox_gives_anew_hide_no_mail(tmp_path: Path) -> None:
    require_dovecot()
    with Dovecot() as server, closing(open_mirror(databases.new_mirror(tmp_path, ()), ())) as mirror:
        server.make_folder("Shop")
        desk = Desk(server, mirror, "Shop")
        desk.collect()
        desk.put(letter(1))
        server.back_up()
        desk.put(letter(2), letter(3))
        desk.collect()
        server.restore()
        desk.put(letter(4))  # with the UID that letter 2 had
        assert desk.audit().renumbered
        assert desk.collect().fetched == 2
        assert [copy.uid for copy in desk.copies()] == [1, 2, 3, 1, 2]
        assert set(desk.raws()) == {letter(n) for n in (1, 2, 3, 4)}
        assert desk.copies()[-1].uidvalidity == desk.copies()[0].uidvalidity + ANOTHER_COUNT
        desk.put(letter(5))
        assert desk.collect().fetched == 1
        assert desk.heard.names.count(ev.UIDVALIDITY_CHANGED) == 1
        assert desk.audit().holds


def test_older_mails_come_in_by_since_and_are_marked(desk: Desk) -> None:
    day = datetime.now(UTC) - timedelta(days=3)
    for days in (5, 3, 1):
        desk.put(letter(days), at=datetime.now(UTC) - timedelta(days=days))
    desk.collect()
    assert desk.copies() == []
    desk.since = day - timedelta(hours=1)
    assert desk.collect().fetched == 2
    desk.put(letter(7))
    desk.since = None
    assert desk.collect().fetched == 1
    assert [copy.backfill for copy in desk.copies()] == [True, True, False]
    assert desk.audit().gone == []


# --- the line ---------------------------------------------------------------------------------------------------------


def test_a_mail_that_is_expunged_between_search_and_fetch_is_nobodys_loss(desk: Desk) -> None:
    desk.everything_is_in_scope()
    desk.put(letter(1), letter(2), letter(3))

    class Expunging(ImapMailbox):
        def fetch(self, uids, max_bytes=None):  # type: ignore[no-untyped-def]
            desk.server.expunge(desk.folder, sorted(uids)[1])
            return super().fetch(uids, max_bytes)

    desk.collecting._connect = lambda: Expunging("support", desk.account)
    report = desk.collect()
    assert (report.new, report.fetched, report.missing, report.error) == (3, 2, 0, None)
    assert desk.raws() == [letter(1), letter(3)]


def test_a_mail_that_comes_while_others_are_fetched_is_not_missing(desk: Desk) -> None:
    desk.everything_is_in_scope()
    desk.put(letter(1))

    class Arriving(ImapMailbox):
        def fetch(self, uids, max_bytes=None):  # type: ignore[no-untyped-def]
            desk.put(letter(2))
            return super().fetch(uids, max_bytes)

    desk.collecting._connect = lambda: Arriving("support", desk.account)
    assert desk.collect().missing == 0
    assert ev.ACCOUNTING_MISMATCH not in desk.heard.names
    desk.collect()
    assert desk.raws()[:2] == [letter(1), letter(2)]


CUTS = sorted(random.Random(4).sample(range(1, 7_000), 40))


def test_a_line_that_is_cut_at_any_byte_costs_no_mail_and_brings_none_twice(desk: Desk) -> None:
    letters = [letter(n, body=f"{n} " * (n * 37 % 200)) for n in range(1, 13)]
    desk.put(*letters)
    with Cutting(desk.server.host, desk.server.port) as line:
        desk.account = Account(line.host, line.port, desk.server.user, desk.server.password, "plain", timeout=10)
        for cut in CUTS:
            desk.mailbox = f"cut{cut}"
            desk.everything_is_in_scope()
            desk.collecting = desk._collect()
            line.cut(cut, times=2)
            for _ in range(6):
                report = desk.collect()
                if report.error is None:
                    break
            assert (report.error, report.missing) == (None, 0), cut
            assert sorted(desk.raws()) == sorted(letters), cut
            assert desk.audit().holds


def test_lines_that_never_last_bring_everything_bit_by_bit(desk: Desk) -> None:
    letters = [letter(n, body="x" * 400) for n in range(1, 13)]
    desk.put(*letters)
    desk.everything_is_in_scope()
    with Cutting(desk.server.host, desk.server.port) as line:
        desk.account = Account(line.host, line.port, desk.server.user, desk.server.password, "plain", timeout=10)
        line.cut(3_000, times=None)
        for _ in range(12):
            desk.collect()
        assert sorted(desk.raws()) == sorted(letters)
        assert len(desk.copies()) == len(letters)


class Choking(ImapMailbox):
    """A server that cannot hand out one mail: it hangs up whenever that is asked for."""

    bad = 0

    def _fetch_batch(self, batch, sizes):  # type: ignore[no-untyped-def]
        if self.bad in batch:
            assert self._client is not None
            self._client.socket().shutdown(socket.SHUT_RDWR)
        return super()._fetch_batch(batch, sizes)


def test_a_mail_that_the_server_chokes_on_holds_nobody_up_and_is_told(desk: Desk) -> None:
    desk.everything_is_in_scope()
    desk.put(*(letter(n) for n in range(1, 6)))
    Choking.bad = 2
    desk.collecting._connect = lambda: Choking("support", desk.account)
    report = desk.collect()
    assert desk.raws() == [letter(n) for n in (1, 3, 4, 5)]
    assert (report.missing, report.error is not None) == (1, True)
    assert ev.ACCOUNTING_MISMATCH in desk.heard.names
    shown = desk.audit()
    assert [(m.uid, m.message_id, m.subject) for m in shown.missing] == [(2, "m2@customer.test", "Question 2")]
    assert not shown.holds
    desk.put(letter(6))
    assert desk.collect().fetched == 1
    Choking.bad = 0
    assert desk.collect().fetched == 1
    assert desk.audit().holds


# --- large mails ------------------------------------------------------------------------------------------------------

LARGE = b"""\
Message-ID: <large@customer.test>\r
From: Ann <ann@customer.test>\r
Subject: Pictures\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="out er"\r
\r
--out er\r
Content-Type: multipart/alternative; boundary="inner"\r
\r
--inner\r
Content-Type: text/plain; charset="iso-8859-1"; format=flowed\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=FC=DFe, the door is dented.\r
--inner\r
Content-Type: text/html\r
\r
<p>Gr&uuml;&szlig;e</p>\r
--inner--\r
--out er\r
Content-Type: image/jpeg; name="=?utf-8?q?T=C3=BCr=2Ejpg?="\r
Content-Disposition: attachment; filename*=utf-8''T%C3%BCr.jpg\r
Content-Transfer-Encoding: base64\r
\r
%s\r
--out er\r
Content-Type: message/rfc822\r
\r
Subject: inside\r
\r
not the customer's words\r
--out er--\r
"""


def test_of_a_large_mail_header_text_and_names_of_files_are_kept(desk: Desk) -> None:
    lines = b"\r\n".join([b"QUJD" * 19] * 1_500)
    desk.everything_is_in_scope()
    desk.put(letter(1), LARGE.replace(b"%s", lines), letter(2))
    assert desk.collect().fetched == 3
    first, large, last = desk.copies()
    assert first.whole
    assert last.whole
    assert large.size == len(LARGE.replace(b"%s", lines))
    assert large.omitted is not None
    assert [(a.name, a.content_type) for a in large.omitted] == [
        ("Tür.jpg", "image/jpeg"),
        ("part-2", "message/rfc822"),
    ]
    assert large.omitted[0].size == pytest.approx(57 * 1_500, rel=0.01)
    raw = desk.mirror.ledger.raw(large.blob)
    read = MimeCodec().decode(raw)
    assert len(raw) < 1_000
    assert read.text.strip() == "Grüße, the door is dented."
    assert (read.message_id, read.subject, read.from_addr) == ("large@customer.test", "Pictures", "ann@customer.test")
    assert large.mail_key == MimeCodec().identify(raw).mail_key


def test_a_large_mail_of_one_part_is_cut_and_one_file_has_no_text(desk: Desk) -> None:
    desk.everything_is_in_scope()
    desk.put(letter(1, body="word " * 300_000))
    head = (
        b"Message-ID: <f@x>\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    desk.put(head + b"\r\n".join([b"QUJD" * 19] * 1_500))
    desk.collect()
    text, file = desk.copies()
    assert text.omitted == ()
    assert 900_000 < len(MimeCodec().decode(desk.mirror.ledger.raw(text.blob)).text) <= 1_000_000
    assert [a.name for a in file.omitted or ()] == ["a.pdf"]
    assert desk.mirror.ledger.raw(file.blob) == head

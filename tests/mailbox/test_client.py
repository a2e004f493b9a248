"""The IMAP client: one contract against pymap and against a real Dovecot, then TLS, logins and broken lines."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from connector.engine.ports import Mailbox, Mark
from connector.errors import MailboxError, MailboxForbidden, MailboxMisconfigured, MailboxUnavailable
from connector.mailbox import client as client_module
from connector.mailbox.client import Account, ImapMailbox
from connector.sandbox.mailbox import SandboxMailbox
from tests.support.dovecot import Dovecot, make_certificate, require_dovecot

AT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def mail(number: int, body: str = "hello") -> bytes:
    return f"Message-ID: <m{number}@customer.test>\r\nSubject: {number}\r\n\r\n{body}\r\n".encode()


class Server(Protocol):
    account: Account

    def deliver(self, folder: str, raw: bytes, at: datetime | None = None) -> None: ...
    def make_folder(self, name: str) -> None: ...
    def flags(self, folder: str) -> list[set[str]]: ...
    def count(self, folder: str) -> int: ...


class PymapServer:
    USER = "support@shop.test"

    def __init__(self) -> None:
        self._sandbox = SandboxMailbox({self.USER: 'sécret "quoted" \\'})
        self._sandbox.start()
        self.account = Account(
            self._sandbox.host, self._sandbox.port, self.USER, 'sécret "quoted" \\', security="plain", timeout=10
        )

    def stop(self) -> None:
        self._sandbox.stop()

    def deliver(self, folder: str, raw: bytes, at: datetime | None = None) -> None:
        self._sandbox.deliver(self.USER, folder, raw, at)

    def make_folder(self, name: str) -> None:
        self._sandbox.make_folder(self.USER, name)

    def flags(self, folder: str) -> list[set[str]]:
        return self._sandbox.flags(self.USER, folder)

    def count(self, folder: str) -> int:
        return self._sandbox.count(self.USER, folder)


class DovecotServer:
    """The class-wide Dovecot with a folder of its own per test, standing in for INBOX where a test counts."""

    def __init__(self, dovecot: Dovecot) -> None:
        self._dovecot = dovecot
        self.account = Account(
            dovecot.host, dovecot.ssl_port, dovecot.user, dovecot.password, "ssl", True, dovecot.cert_file, 10
        )
        self.deliver, self.make_folder = dovecot.deliver, dovecot.make_folder
        self.count = dovecot.count

    def flags(self, folder: str) -> list[set[str]]:
        return [{flag for flag in flags if flag != "\\Recent"} for flags in self._dovecot.flags(folder)]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as running:
        yield running


_folders = iter(range(10_000))


@pytest.fixture(params=["pymap", "dovecot"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "dovecot":
        yield DovecotServer(request.getfixturevalue("dovecot"))
        return
    running = PymapServer()
    yield running
    running.stop()


@pytest.fixture
def folder(server: Server) -> str:
    name = f"folder{next(_folders)}"
    server.make_folder(name)
    return name


@pytest.fixture
def box(server: Server) -> Iterator[ImapMailbox]:
    with ImapMailbox("support", server.account) as opened:
        yield opened


def uids(box: Mailbox, folder: str) -> list[int]:
    box.select(folder)
    return box.search(1)


class TestContract:
    """What `ports.Mailbox` promises, of each server."""

    def test_it_fits_the_port(self, server: Server) -> None:
        opened: Mailbox = ImapMailbox("support", server.account)
        assert opened.name == "support"

    def test_selecting_tells_the_state_of_the_folder(self, server: Server, box: Mailbox, folder: str) -> None:
        before = box.select(folder)
        server.deliver(folder, mail(1))
        after = box.select(folder)
        assert (after.exists, before.exists) == (1, 0)
        assert after.uidnext == before.uidnext + 1
        assert after.uidvalidity == before.uidvalidity > 0

    def test_searching_from_beyond_the_last_uid_finds_nothing(self, server: Server, box: Mailbox, folder: str) -> None:
        server.deliver(folder, mail(1))
        state = box.select(folder)
        assert box.search(1) == [state.uidnext - 1]
        assert box.search(state.uidnext) == []  # `UID n:*` itself would give the last mail
        assert box.search(state.uidnext + 1000) == []

    def test_searching_since_a_day_leaves_out_what_is_clearly_older(
        self, server: Server, box: Mailbox, folder: str
    ) -> None:
        for days in (10, 0):
            server.deliver(folder, mail(days), AT - timedelta(days=days))
        everything = uids(box, folder)
        assert box.search(1, since=AT) == everything[1:]
        assert box.search(everything[1] + 1, since=AT) == []

    def test_bytes_size_and_utc_date_come_as_they_were_delivered(
        self, server: Server, box: Mailbox, folder: str
    ) -> None:
        raw = mail(1, "Gr\u00fc\u00dfe \x01 .\r\n.\r\n") + b"\xff\xfe raw bytes\r\n"
        server.deliver(folder, raw, AT)
        [fetched] = box.fetch(uids(box, folder))
        assert (fetched.raw, fetched.internaldate, fetched.size) == (raw, AT, len(raw))
        assert fetched.internaldate.tzinfo is UTC

    def test_dates_and_sizes_are_told_without_reading_the_mails(
        self, server: Server, box: Mailbox, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client_module, "SIZE_BLOCK", 2)
        for days in range(3):
            server.deliver(folder, mail(days), AT + timedelta(days=days))
        known = uids(box, folder)
        sizes = [len(mail(days)) for days in range(3)]
        assert box.marks([*known, known[-1] + 50]) == {
            uid: Mark(AT + timedelta(days=n), sizes[n]) for n, uid in enumerate(known)
        }
        assert box.marks([]) == {}
        assert server.flags(folder) == [set(), set(), set()]

    def test_reading_touches_no_flag(self, server: Server, box: Mailbox, folder: str) -> None:
        server.deliver(folder, mail(1))
        list(box.fetch(uids(box, folder)))
        assert server.flags(folder) == [set()]

    def test_an_unknown_uid_is_simply_missing(self, server: Server, box: Mailbox, folder: str) -> None:
        for number in range(3):
            server.deliver(folder, mail(number))
        known = uids(box, folder)
        assert [one.uid for one in box.fetch([*known, known[-1] + 50])] == known

    def test_more_mails_than_one_batch_all_come_in_order(
        self, server: Server, box: Mailbox, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client_module, "BATCH_MAILS", 3)
        monkeypatch.setattr(client_module, "SIZE_BLOCK", 4)
        for number in range(10):
            server.deliver(folder, mail(number))
        known = uids(box, folder)
        assert [(one.uid, one.raw) for one in box.fetch(known)] == [(uid, mail(n)) for n, uid in enumerate(known)]

    def test_a_flag_is_set_on_the_given_mails_only(self, server: Server, box: Mailbox, folder: str) -> None:
        for number in range(2):
            server.deliver(folder, mail(number))
        first, _ = uids(box, folder)
        box.flag([first], "\\Flagged")
        assert server.flags(folder) == [{"\\Flagged"}, set()]

    def test_moving_moves_the_given_mails_only(self, server: Server, box: Mailbox, folder: str) -> None:
        target = f"{folder} für später & mehr"
        box_folder_made_by(box, server, target)
        for number in range(3):
            server.deliver(folder, mail(number))
        box.move(uids(box, folder)[:2], target)
        assert [one.raw for one in box.fetch(uids(box, folder))] == [mail(2)]
        assert [one.raw for one in box.fetch(uids(box, target))] == [mail(0), mail(1)]

    def test_deleting_leaves_what_others_marked_deleted(self, server: Server, box: Mailbox, folder: str) -> None:
        for number in range(3):
            server.deliver(folder, mail(number))
        first, second, _ = uids(box, folder)
        box.flag([second], "\\Deleted")
        box.delete([first])
        assert server.count(folder) == 2

    def test_a_message_id_is_found_only_when_it_is_the_same(self, server: Server, box: Mailbox, folder: str) -> None:
        server.deliver(folder, b"Message-ID:\r\n <Some.Long-ID@customer.test>\r\n\r\nx\r\n")
        box.select("INBOX")
        assert box.find_message_id(folder, "Some.Long-ID@customer.test")
        assert not box.find_message_id(folder, "Long-ID@customer.test")
        assert not box.find_message_id(folder, "some.long-id@customer.test")
        assert not box.find_message_id(folder, 'x"\r\nA1 LOGOUT')
        assert not box.find_message_id(folder, "")
        box.search(1)  # INBOX is still open

    @pytest.mark.parametrize("asked", ["Archive/NoSuch", 'we"ird \\ name', "inbax", "a\r\nb"])
    def test_an_unknown_folder_names_similar_ones(self, server: Server, box: Mailbox, asked: str) -> None:
        with pytest.raises(MailboxMisconfigured) as caught:
            box.select(asked)
        assert caught.value.code == "imap.folder_unknown"
        assert caught.value.facts["similar"]

    def test_moving_into_an_unknown_folder_loses_nothing(self, server: Server, box: Mailbox, folder: str) -> None:
        server.deliver(folder, mail(1))
        known = uids(box, folder)
        with pytest.raises(MailboxMisconfigured) as caught:
            box.move(known, "NoSuch")
        assert caught.value.code == "imap.folder_unknown"
        assert server.count(folder) == 1

    def test_a_wrong_password_is_forbidden(self, server: Server) -> None:
        with pytest.raises(MailboxForbidden) as caught, ImapMailbox("m", replace(server.account, password="no")):
            pass
        assert caught.value.code == "imap.login_refused"
        assert "no" not in caught.value.facts.values()

    def test_it_can_be_entered_again(self, server: Server, folder: str) -> None:
        opened = ImapMailbox("support", server.account)
        for _ in range(2):
            with opened:
                opened.select(folder)

    @pytest.mark.parametrize("flag", ["", "\\", "a b", "x)\r\nA1 LOGOUT", "ümlaut"])
    def test_a_flag_that_is_none_is_refused(self, box: Mailbox, folder: str, flag: str) -> None:
        box.select(folder)
        with pytest.raises(MailboxMisconfigured) as caught:
            box.flag([1], flag)
        assert caught.value.code == "imap.bad_flag"


def box_folder_made_by(box: ImapMailbox, server: Server, name: str) -> None:
    """Make a folder with a name beyond ASCII through the client's own connection, as imaplib cannot."""
    assert box._client is not None
    box._client.create_folder(name)


# --- Dovecot alone ------------------------------------------------------------------------------------------------


def opens(account: Account) -> bool:
    with ImapMailbox("m", account) as box:
        return box.select("INBOX").uidvalidity > 0


class TestTls:
    def test_ssl_and_starttls_work_with_a_trusted_certificate(self, dovecot: Dovecot) -> None:
        account = Account(dovecot.host, dovecot.port, dovecot.user, dovecot.password, "starttls", True)
        assert opens(replace(account, ca_file=dovecot.cert_file))
        assert opens(replace(account, ca_file=dovecot.cert_file, port=dovecot.ssl_port, security="ssl"))

    @pytest.mark.parametrize("security", ["ssl", "starttls"])
    def test_a_certificate_nobody_vouches_for_is_a_wrong_setting(self, dovecot: Dovecot, security: str) -> None:
        port = dovecot.ssl_port if security == "ssl" else dovecot.port
        account = Account(dovecot.host, port, dovecot.user, dovecot.password, security)
        with pytest.raises(MailboxMisconfigured) as caught:
            opens(account)
        assert caught.value.code == "imap.certificate"
        assert opens(replace(account, verify=False))

    def test_a_certificate_of_another_host_is_refused(self, dovecot: Dovecot) -> None:
        account = Account("127.0.0.2", dovecot.ssl_port, "u", "p", "ssl", True, dovecot.cert_file, timeout=5)
        with relay("127.0.0.2", dovecot.ssl_port) as port, pytest.raises(MailboxMisconfigured) as caught:
            opens(replace(account, port=port))
        assert caught.value.code == "imap.certificate"

    def test_ssl_on_the_plain_port_names_the_setting(self, dovecot: Dovecot) -> None:
        with pytest.raises(MailboxMisconfigured) as caught:
            opens(Account(dovecot.host, dovecot.port, "u", "p", "ssl", timeout=5))
        assert caught.value.code == "imap.tls"

    def test_a_missing_ca_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(MailboxMisconfigured) as caught:
            opens(Account("127.0.0.1", 1, "u", "p", "ssl", True, str(tmp_path / "none.pem")))
        assert caught.value.code == "imap.ca_file"
        assert caught.value.facts["file"] == str(tmp_path / "none.pem")


def test_a_folder_made_anew_has_another_uidvalidity(dovecot: Dovecot) -> None:
    server = DovecotServer(dovecot)
    server.make_folder("anew")
    with ImapMailbox("m", server.account) as box:
        before = box.select("anew").uidvalidity
        dovecot.recreate_folder("anew")
        assert box.select("anew").uidvalidity != before


@pytest.mark.parametrize("name", ["Gelöscht & Co", "送信済み", "Entwürfe.Réponses", "peter.mail.台北"])
def test_folders_with_any_name_are_read_moved_to_and_searched(dovecot: Dovecot, name: str) -> None:
    """RFC 3501 5.1.3: names travel in modified UTF-7; the settings hold them as people read them."""
    dovecot.make_folder(name)
    dovecot.make_folder(f"{name} 2")
    dovecot.deliver(name, mail(1))
    with ImapMailbox("m", DovecotServer(dovecot).account) as box:
        box.move(uids(box, name), f"{name} 2")
        assert box.find_message_id(f"{name} 2", "m1@customer.test")
        with pytest.raises(MailboxMisconfigured) as caught:
            box.select(f"{name} 3")
    assert f"{name} 2" in str(caught.value.facts["similar"])
    assert (dovecot.count(name), dovecot.count(f"{name} 2")) == (0, 1)


def test_a_mail_expunged_between_search_and_fetch_is_missing(dovecot: Dovecot) -> None:
    server = DovecotServer(dovecot)
    server.make_folder("expunged")
    for number in range(3):
        server.deliver("expunged", mail(number))
    with ImapMailbox("m", server.account) as box:
        first, second, third = uids(box, "expunged")
        dovecot.expunge("expunged", second)
        assert [one.uid for one in box.fetch([first, second, third])] == [first, third]


def test_a_server_without_move_and_uidplus_refuses_to_lose_mail() -> None:
    require_dovecot()
    with Dovecot(hide=("MOVE", "UIDPLUS")) as running:
        running.deliver("INBOX", mail(1))
        account = replace(DovecotServer(running).account)
        with ImapMailbox("m", account) as box:
            known = uids(box, "INBOX")
            for attempt, code in (
                (lambda: box.move(known, "INBOX"), "imap.no_move"),
                (lambda: box.delete(known), "imap.no_delete"),
            ):
                with pytest.raises(MailboxMisconfigured) as caught:
                    attempt()
                assert caught.value.code == code
                assert "UIDPLUS" in str(caught.value.facts["missing"])
        assert running.count("INBOX") == 1


def test_a_server_with_uidplus_alone_moves_by_copy_and_uid_expunge() -> None:
    require_dovecot()
    with Dovecot(hide=("MOVE",)) as running:
        running.make_folder("Done")
        for number in range(2):
            running.deliver("INBOX", mail(number))
        with ImapMailbox("m", DovecotServer(running).account) as box:
            box.move(uids(box, "INBOX")[:1], "Done")
        assert (running.count("INBOX"), running.count("Done")) == (1, 1)


# --- servers that misbehave -----------------------------------------------------------------------------------------


class Script(socketserver.StreamRequestHandler):
    """Says what the test scripted: a greeting, then per command prefix the lines to answer ({tag} is filled in).

    An answer that ends in HANGUP closes the line, one that ends in SILENCE never answers."""

    greeting = b"* OK ready\r\n"
    answers: Sequence[tuple[str, str]] = ()

    def handle(self) -> None:
        self.wfile.write(self.greeting)
        for line in self.rfile:
            tag, _, command = line.decode().strip().partition(" ")
            answer = next(
                (text for start, text in self.answers if command.upper().startswith(start)), "{tag} OK done\n"
            )
            text = answer.replace("{tag}", tag)
            self.wfile.write(text.removesuffix("HANGUP").removesuffix("SILENCE").replace("\n", "\r\n").encode())
            if text.endswith("HANGUP") or command.upper().startswith("LOGOUT"):
                return
            if text.endswith("SILENCE"):
                self.rfile.read(1)
                return


@contextmanager
def scripted(*answers: tuple[str, str], greeting: bytes = Script.greeting) -> Iterator[Account]:
    handler = type("Handler", (Script,), {"answers": answers, "greeting": greeting})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield Account("127.0.0.1", server.server_address[1], "u", "p", "plain", timeout=1)
        server.shutdown()


@contextmanager
def relay(host: str, target_port: int) -> Iterator[int]:
    """A port on another loopback address that leads to the target."""

    class Pipe(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", target_port), timeout=5) as far:
                back = threading.Thread(target=pump, args=(far, self.request), daemon=True)
                back.start()
                pump(self.request, far)
                back.join(2)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    with socketserver.ThreadingTCPServer((host, 0), Pipe) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


SELECT = ("EXAMINE", "* 3 EXISTS\n* OK [UIDVALIDITY 7] x\n* OK [UIDNEXT 4] x\n{tag} OK [READ-ONLY] done\n")
CAPABLE = ("CAPABILITY", "* CAPABILITY IMAP4rev1 UIDPLUS\n{tag} OK done\n")
SIZES = (
    "UID FETCH 1,2,3 (RFC822.SIZE",
    "".join(f"* {n} FETCH (UID {n} RFC822.SIZE 5)\n" for n in (1, 2, 3)) + "{tag} OK done\n",
)


def fetched(number: int, body: str) -> str:
    date = '" 5-Jan-2026 09:12:00 +0100"'
    return f"* {number} FETCH (UID {number} INTERNALDATE {date} BODY[] {{{len(body)}}}\n{body})\n"


def code_of(error: pytest.ExceptionInfo[MailboxError]) -> str:
    return error.value.code


def test_what_arrived_whole_before_a_bye_is_yielded_first() -> None:
    two = fetched(1, "mail1") + fetched(2, "mail2")
    script = (CAPABLE, SELECT, SIZES, ("UID FETCH", two + "* BYE going down\nHANGUP"))
    seen: list[tuple[int, bytes, datetime]] = []

    def read(box: ImapMailbox) -> None:
        for one in box.fetch([1, 2, 3]):
            seen.append((one.uid, one.raw, one.internaldate))

    with scripted(*script) as account, ImapMailbox("m", account) as box:
        box.select("INBOX")
        with pytest.raises(MailboxUnavailable) as caught:
            read(box)
    at = datetime(2026, 1, 5, 8, 12, tzinfo=UTC)
    assert seen == [(1, b"mail1", at), (2, b"mail2", at)]
    assert code_of(caught) == "imap.connection_lost"


def test_a_mail_cut_in_the_middle_is_not_yielded() -> None:
    cut = '* 1 FETCH (UID 1 INTERNALDATE " 5-Jan-2026 09:12:00 +0100" BODY[] {5000}\nonly the startHANGUP'
    with scripted(CAPABLE, SELECT, SIZES, ("UID FETCH", cut)) as account, ImapMailbox("m", account) as box:
        box.select("INBOX")
        with pytest.raises(MailboxUnavailable):
            next(iter(box.fetch([1, 2, 3])))


def test_flags_told_in_between_do_not_pass_for_mails() -> None:
    noise = "* 2 FETCH (UID 2 FLAGS (\\Seen))\n"
    script = (CAPABLE, SELECT, SIZES, ("UID FETCH", noise + fetched(1, "hi") + "{tag} OK done\n"))
    with scripted(*script) as account, ImapMailbox("m", account) as box:
        box.select("INBOX")
        assert [one.uid for one in box.fetch([1, 2, 3])] == [1]


def test_silence_ends_by_the_timeout() -> None:
    script = (CAPABLE, SELECT, ("UID SEARCH", "SILENCE"))
    with scripted(*script) as account, ImapMailbox("m", replace(account, timeout=0.3)) as box:
        box.select("INBOX")
        with pytest.raises(MailboxUnavailable) as caught:
            box.search(1)
        assert code_of(caught) == "imap.timeout"
        with pytest.raises(MailboxUnavailable) as caught:  # the session is over, and says so at once
            box.search(1)
        assert code_of(caught) == "imap.connection_lost"


def test_a_dead_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(MailboxUnavailable) as caught:
        opens(Account("127.0.0.1", port, "u", "p", "plain", timeout=2))
    assert code_of(caught) == "imap.unreachable"


@pytest.mark.parametrize(
    ("answers", "security", "code"),
    [
        ([("LOGIN", "{tag} NO [UNAVAILABLE] later\n")], "plain", "imap.login_unavailable"),
        ([("LOGIN", "{tag} NO [AUTHENTICATIONFAILED] no\n")], "plain", "imap.login_refused"),
        ([("LOGIN", "HANGUP")], "plain", "imap.connection_lost"),
        ([("CAPABILITY", "* CAPABILITY IMAP4rev1 LOGINDISABLED\n{tag} OK done\n")], "plain", "imap.login_disabled"),
        ([("CAPABILITY", "* CAPABILITY IMAP4rev1\n{tag} OK done\n")], "starttls", "imap.no_starttls"),
        ([("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS\n{tag} OK done\n"), ("STARTTLS", "{tag} NO no\n")],
         "starttls", "imap.starttls_failed"),
        ([("CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS\n{tag} OK done\n"), ("STARTTLS", "{tag} OK go\nHANGUP")],
         "starttls", "imap.connection_lost"),
    ],
)  # fmt: skip
def test_a_login_that_fails_says_why(answers: list[tuple[str, str]], security: str, code: str) -> None:
    with scripted(*answers, CAPABLE) as account, pytest.raises(MailboxError) as caught:
        opens(replace(account, security=security))
    assert code_of(caught) == code


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        (b"* PREAUTH welcome\r\n", "imap.preauth"),
        (b"* BYE full\r\n", "imap.refused"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "imap.connection_lost"),
    ],
)
def test_a_greeting_that_is_none_gets_no_password(greeting: bytes, code: str) -> None:
    with scripted(CAPABLE, greeting=greeting) as account, pytest.raises(MailboxError) as caught:
        opens(account)
    assert code_of(caught) == code


def test_a_folder_without_uidvalidity_is_no_use() -> None:
    with (
        scripted(CAPABLE, ("EXAMINE", "* 0 EXISTS\n{tag} OK done\n")) as account,
        pytest.raises(MailboxError) as caught,
    ):
        opens(account)
    assert code_of(caught) == "imap.no_uidvalidity"


def test_a_server_that_gives_no_uidnext_is_asked_for_the_last_uid() -> None:
    select = ("EXAMINE", "* 3 EXISTS\n* OK [UIDVALIDITY 7] x\n{tag} OK done\n")
    script = (CAPABLE, select, ("UID SEARCH UID *", "* SEARCH 41\n{tag} OK done\n"))
    with scripted(*script) as account, ImapMailbox("m", account) as box:
        assert box.select("INBOX").uidnext == 42


def test_uids_of_a_folder_made_anew_are_not_touched() -> None:
    anew = ("SELECT", "* 3 EXISTS\n* OK [UIDVALIDITY 8] x\n* OK [UIDNEXT 4] x\n{tag} OK [READ-WRITE] done\n")
    with scripted(CAPABLE, SELECT, anew) as account, ImapMailbox("m", account) as box:
        box.select("INBOX")
        with pytest.raises(MailboxUnavailable) as caught:
            box.delete([1])
        assert code_of(caught) == "imap.uidvalidity_changed"


def test_a_read_only_folder_is_a_wrong_setting() -> None:
    fixed = ("SELECT", "* 3 EXISTS\n* OK [UIDVALIDITY 7] x\n* OK [UIDNEXT 4] x\n{tag} OK [READ-ONLY] done\n")
    with scripted(CAPABLE, SELECT, fixed) as account, ImapMailbox("m", account) as box:
        box.select("INBOX")
        with pytest.raises(MailboxMisconfigured) as caught:
            box.flag([1], "\\Seen")
        assert code_of(caught) == "imap.read_only"


def test_a_search_answer_longer_than_a_megabyte_is_read() -> None:
    many = " ".join(str(uid) for uid in range(1_000_000, 1_200_000))
    script = (CAPABLE, SELECT, ("UID SEARCH", f"* SEARCH {many}\n{{tag}} OK done\n"))
    with scripted(*script) as account, ImapMailbox("m", replace(account, timeout=10)) as box:
        box.select("INBOX")
        assert len(box.search(1)) == 200_000


def test_batches_are_bounded_in_number_and_bytes() -> None:
    sizes = {1: 6_000_000, 2: 6_000_000, 3: 20_000_000, 4: 1, 6: 1}
    assert list(client_module._batches([1, 2, 3, 4, 5, 6], sizes)) == [[1], [2], [3], [4, 6]]
    assert [len(batch) for batch in client_module._batches(range(120), dict.fromkeys(range(120), 1))] == [50, 50, 20]


def test_the_certificate_helper_makes_a_pair(tmp_path: Path) -> None:
    require_dovecot()
    cert, key = make_certificate(tmp_path)
    assert b"BEGIN CERTIFICATE" in cert.read_bytes()
    assert b"PRIVATE KEY" in key.read_bytes()

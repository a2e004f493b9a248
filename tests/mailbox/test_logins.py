"""Logins with access tokens at a real Dovecot and a real SMTP server, and certificates that are pinned."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import Exit, MailboxMisconfigured, MailboxReauthorise, MailboxUnavailable
from connector.mailbox import bearer
from connector.mailbox.client import Account, ImapMailbox
from connector.mailbox.sender import SmtpAccount, SmtpSender
from connector.mailbox.tokens import Tokens
from connector.sandbox.smtp import SandboxSmtp
from connector.words import explain
from tests.mailbox.test_oauth import seeded
from tests.mailbox.test_sender import MAIL
from tests.support.dovecot import Dovecot, make_certificate, require_dovecot
from tests.support.tokenserver import TokenServer


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[TokenServer, Dovecot]]:
    require_dovecot()
    with TokenServer() as tokens, Dovecot(introspect=f"{tokens.url}/introspect") as dovecot:
        yield tokens, dovecot


@pytest.fixture
def server(running: tuple[TokenServer, Dovecot]) -> TokenServer:
    running[0].asked.clear()
    return running[0]


@pytest.fixture
def account(running: tuple[TokenServer, Dovecot], tmp_path: Path) -> Account:
    tokens, dovecot = running
    return Account(
        dovecot.host, dovecot.ssl_port, dovecot.user, "", "ssl", True, dovecot.cert_file, 10,
        tokens=seeded(tokens, tmp_path),
    )  # fmt: skip


def log_in(account: Account) -> None:
    with ImapMailbox("support", account) as box:
        box.select("INBOX")


def test_a_refusal_that_is_explained_is_ended_as_each_form_wants_it() -> None:
    """RFC 7628 3.2.3 wants one 0x01, Google's XOAUTH2 an empty line."""
    for mechanism, last in (("OAUTHBEARER", b"\x01"), ("XOAUTH2", b"")):
        answer = bearer.responder(mechanism, "a,b=c@shop.test", "T", "imap.test", 993)
        first = answer(b"")
        assert first.endswith(b"\x01auth=Bearer T\x01\x01")
        assert answer(b'{"status":"invalid_token"}') == last
    assert bearer.initial("OAUTHBEARER", "a,b=c@shop.test", "T", "h", 1).startswith(
        b"n,a=a=2Cb=3Dc@shop.test,\x01host=h"
    )


# --- IMAP -------------------------------------------------------------------------------------------------------------


def test_a_mailbox_is_opened_with_an_access_token(server: TokenServer, account: Account) -> None:
    log_in(account)
    log_in(account)
    assert server.asked == ["refresh_token"]


@pytest.mark.parametrize("mechanism", bearer.MECHANISMS)
def test_either_form_of_token_login_is_enough(server: TokenServer, tmp_path: Path, mechanism: str) -> None:
    with Dovecot(introspect=f"{server.url}/introspect", mechanisms=mechanism.lower()) as dovecot:
        account = Account(dovecot.host, dovecot.port, dovecot.user, "", "plain", tokens=seeded(server, tmp_path))
        log_in(account)
        server.forget_access_tokens()
        log_in(account)  # the refusal is read to its end in this form, too


def test_a_token_withdrawn_before_its_time_is_replaced_in_the_same_session(
    server: TokenServer, account: Account
) -> None:
    log_in(account)
    server.forget_access_tokens()
    log_in(account)
    assert server.asked == ["refresh_token"] * 2


def test_a_withdrawn_consent_is_said_and_mended_by_a_new_one(server: TokenServer, account: Account) -> None:
    log_in(account)
    server.withdraw()
    with pytest.raises(MailboxReauthorise, match=r"oauth\.grant_dead") as caught:
        log_in(account)
    assert caught.value.exit is Exit.NO_PERMISSION
    tokens = account.tokens
    assert isinstance(tokens, Tokens)
    request = tokens.server.request()
    tokens.adopt(tokens.server.redeem(request, server.agree(request.url)))
    log_in(account)
    assert tokens.state() == ""


def test_a_fresh_token_that_the_mail_server_refuses_needs_a_person(server: TokenServer, account: Account) -> None:
    """Somebody agreed with another account than the one in the settings."""
    other = replace(account, user="other@shop.test")
    tokens = account.tokens
    assert isinstance(tokens, Tokens)
    with pytest.raises(MailboxReauthorise, match=r"oauth\.token_refused"):
        log_in(other)
    assert tokens.state() == "oauth.token_refused"
    with pytest.raises(MailboxReauthorise, match=r"oauth\.token_refused"):
        log_in(other)
    tokens.access(refused=tokens.access())
    assert tokens.state() == "oauth.token_refused"  # the token server's yes does not clear it
    log_in(account)
    assert tokens.state() == ""


def test_trouble_at_the_token_server_is_a_passing_fault_of_the_mailbox(server: TokenServer, account: Account) -> None:
    server.fail_next(503)
    with pytest.raises(MailboxUnavailable, match=r"oauth\.unavailable"):
        log_in(account)
    log_in(account)


def test_a_mail_server_that_cannot_ask_about_a_token_is_a_passing_fault(tmp_path: Path) -> None:
    with TokenServer() as gone:
        tokens = seeded(gone, tmp_path)
        tokens.access()
    with Dovecot(introspect=f"{gone.url}/introspect") as dovecot:
        account = Account(dovecot.host, dovecot.port, dovecot.user, "", "plain", timeout=10, tokens=tokens)
        with pytest.raises(MailboxUnavailable, match=r"imap\.login_unavailable"):
            log_in(account)
    assert tokens.state() == ""


def test_a_server_without_token_logins_is_a_matter_of_settings(server: TokenServer, tmp_path: Path) -> None:
    with Dovecot() as dovecot:
        account = Account(dovecot.host, dovecot.port, dovecot.user, "", "plain", tokens=seeded(server, tmp_path))
        with pytest.raises(MailboxMisconfigured, match=r"imap\.no_oauth"):
            log_in(account)


# --- SMTP -------------------------------------------------------------------------------------------------------------


def sender_to(smtp: SandboxSmtp, tokens: Tokens, **changes: object) -> SmtpSender:
    account = SmtpAccount(smtp.host, smtp.port, "support@shop.test", "", "plain", timeout=5, tokens=tokens)
    return SmtpSender(replace(account, **changes))  # type: ignore[arg-type]


def test_a_mail_goes_out_by_access_token_and_a_refused_one_is_replaced(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    with SandboxSmtp(takes_token=lambda user, token: user == server.user and token in server._access) as smtp:
        sender_to(smtp, tokens).send(MAIL)
        server.forget_access_tokens()
        sender_to(smtp, tokens).send(MAIL)
        assert len(smtp.received) == 2
    assert server.asked == ["refresh_token"] * 2


def test_smtp_without_oauthbearer_takes_xoauth2(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    with SandboxSmtp(takes_token=lambda _, token: token in server._access, no_auth=("OAUTHBEARER",)) as smtp:
        sender_to(smtp, tokens).check()
        server.forget_access_tokens()
        sender_to(smtp, tokens).check()


def test_a_fresh_token_that_smtp_refuses_needs_a_person_and_nothing_is_sent(
    server: TokenServer, tmp_path: Path
) -> None:
    tokens = seeded(server, tmp_path)
    with SandboxSmtp(takes_token=lambda *_: False) as smtp:
        with pytest.raises(MailboxReauthorise, match=r"oauth\.token_refused"):
            sender_to(smtp, tokens).send(MAIL)
        assert smtp.received == []
    assert tokens.state() == "oauth.token_refused"


def test_smtp_without_token_logins_is_a_matter_of_settings(server: TokenServer, tmp_path: Path) -> None:
    with SandboxSmtp() as smtp, pytest.raises(MailboxMisconfigured, match=r"smtp\.no_oauth"):
        sender_to(smtp, seeded(server, tmp_path)).check()


# --- pinned certificates ----------------------------------------------------------------------------------------------


def fingerprint(pem: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.read_text())).hexdigest()


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_a_mailbox_takes_the_pinned_certificate_and_no_other(
    running: tuple[TokenServer, Dovecot], security: str
) -> None:
    dovecot = running[1]
    port = dovecot.ssl_port if security == "ssl" else dovecot.port
    pin = fingerprint(Path(dovecot.cert_file))
    account = Account(dovecot.host, port, dovecot.user, dovecot.password, security, timeout=5, pins=("0" * 64, pin))
    log_in(account)
    log_in(replace(account, host="localhost"))  # whatever name the certificate was made for
    with pytest.raises(MailboxMisconfigured, match=r"imap\.not_pinned") as caught:
        log_in(replace(account, pins=("0" * 64,)))
    assert pin in explain(caught.value)[0]


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_smtp_takes_the_pinned_certificate_and_no_other(tmp_path: Path, security: str) -> None:
    require_dovecot()
    cert, key = make_certificate(tmp_path, "elsewhere.test")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    options = {"ssl_context": context} if security == "ssl" else {"tls_context": context}
    with SandboxSmtp(**options) as smtp:  # type: ignore[arg-type]
        account = SmtpAccount(smtp.host, smtp.port, security=security, timeout=5, pins=(fingerprint(cert),))
        SmtpSender(account).send(MAIL)
        with pytest.raises(MailboxMisconfigured, match=r"smtp\.not_pinned"):
            SmtpSender(replace(account, pins=("0" * 64,))).send(MAIL)
        assert len(smtp.received) == 1

"""Sending: what is written, what was handed over, and what is not known."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.automail import classify
from connector.core.replies import extract
from connector.engine.ports import OutgoingFile, OutgoingMail, Sender
from connector.errors import (
    MailboxError,
    MailboxForbidden,
    MailboxMisconfigured,
    SmtpOutcomeUnknown,
    SmtpRejected,
    SmtpUnavailable,
)
from connector.mailbox.compose import as_html, compose, dot_stuffed, envelope_address
from connector.mailbox.mime import decode
from connector.mailbox.sender import SmtpAccount, SmtpSender
from connector.sandbox.smtp import Received, SandboxSmtp
from tests.support.dovecot import make_certificate, require_dovecot

MAIL = OutgoingMail(
    message_id="psc1.abc@shop.test",
    sender="support@shop.test",
    sender_name="Müller & Söhne",
    to="anna@customer.test",
    subject="Re: [Shop] An answer to your message is available #ct12 #tcAbCdEfGhIjKl",
    text="Hello Anna,\n\n.one line with a dot\nFrom us with ümläuts 🙂\n-- \nSupport",
    in_reply_to="question.1@customer.test",
    references=("first@customer.test", "x" * 200 + "@customer.test", "question.1@customer.test"),
    language="de",
    date=datetime(2026, 1, 5, 9, 12, tzinfo=UTC),
)


@pytest.fixture
def server() -> Iterator[SandboxSmtp]:
    with SandboxSmtp() as running:
        yield running


def sender_to(server: SandboxSmtp, **changes: object) -> SmtpSender:
    account = SmtpAccount(host=server.host, port=server.port, security="plain", timeout=5)
    return SmtpSender(replace(account, **changes))  # type: ignore[arg-type]


# --- composing --------------------------------------------------------------------------------------------------------


def test_what_is_composed_is_read_back() -> None:
    raw = compose(MAIL)
    mail = decode(raw)
    assert mail.text == MAIL.text + "\n"
    assert (mail.from_addr, mail.from_name, mail.to) == (MAIL.sender, MAIL.sender_name, (MAIL.to,))
    assert (mail.subject, mail.message_id, mail.date) == (MAIL.subject, MAIL.message_id, MAIL.date)
    assert (mail.in_reply_to, mail.references) == ((MAIL.in_reply_to,), MAIL.references)
    assert mail.header("content-language") == "de"
    assert mail.problems == ()


def test_a_file_goes_along_with_a_mail_that_nobody_wrote() -> None:
    file = OutgoingFile('re"port\r\nX: y.html', "text/html", b"<p>" + bytes(range(256)) * 50)
    mine = replace(MAIL, references=(), automatic=True, file=file)
    raw = compose(mine)
    assert raw == compose(mine)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    read = message_from_bytes(raw, policy=policy.SMTP)
    assert read.get_content_type() == "multipart/mixed"
    assert read["Auto-Submitted"] == "auto-generated"
    (part,) = read.iter_attachments()  # type: ignore[attr-defined]
    assert part.get_filename() == "re_port__X__y.html"
    assert part.get_payload(decode=True) == file.data
    assert decode(raw).text.rstrip("\n") == decode(compose(MAIL)).text.rstrip("\n")
    assert "Auto-Submitted" not in message_from_bytes(compose(MAIL))


def test_a_composed_mail_is_ascii_with_short_crlf_lines() -> None:
    raw = compose(MAIL)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert not any(line.startswith(b"From ") for line in raw.split(b"\r\n"))


def test_the_tokens_stay_readable_in_the_raw_subject() -> None:
    assert b"#ct12 #tcAbCdEfGhIjKl" in compose(MAIL).replace(b"\r\n ", b" ")


def test_a_persons_answer_is_not_marked_as_automatic_and_carries_our_loop_mark() -> None:
    mail = decode(compose(replace(MAIL, signature="Shop", reply_to="support@shop.test")))
    names = {name for name, _ in mail.headers}
    assert not any(name.startswith(("auto-", "list-", "x-auto", "precedence")) for name in names)
    assert mail.header_all("x-loop") == ["prestashop-connector"]
    assert classify(mail, frozenset({MAIL.sender})).kind == "loop"  # who brings it back to us is not answered


def test_the_signature_stands_under_both_texts_and_is_no_part_of_the_answer() -> None:
    signed = replace(MAIL, text="Hello.\n\nBye", signature="Müller & Söhne\nShop")
    mail = decode(compose(signed))
    assert mail.text == "Hello.\n\nBye\n\n-- \nMüller & Söhne\nShop\n"
    assert extract(mail.text).new == "Hello.\n\nBye"
    page = as_html(signed.text, signed.signature, "de")
    assert page.startswith('<!DOCTYPE html>\n<html lang="de">')
    assert "<p>-- <br>\nMüller &amp; Söhne<br>\nShop</p>" in page


def test_the_page_holds_the_text_and_nothing_that_acts() -> None:
    page = as_html('<script>alert(1)</script> & "x"\n  two  blanks\n\n\n<img src=x>')
    assert "<script" not in page
    assert "<img" not in page
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;<br>\n" in page
    assert "\u00a0 two\u00a0 blanks" in page


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=300), signature=st.text(max_size=40))
def test_no_text_ends_its_part(text: str, signature: str) -> None:
    raw = compose(replace(MAIL, text=text, signature=signature))
    assert compose(replace(MAIL, text=text, signature=signature)) == raw
    read = message_from_bytes(raw, policy=policy.default)
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert raw.isascii()


def test_the_standard_library_reads_the_same() -> None:
    read = message_from_bytes(compose(MAIL), policy=policy.default)
    assert read.get_content_type() == "multipart/alternative"
    plain, page = read.iter_parts()
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n") == MAIL.text + "\n"
    assert "<p>Hello Anna,</p>\n<p>.one line with a dot<br>\nFrom us" in page.get_content().replace("\r\n", "\n")
    assert read["subject"] == MAIL.subject
    assert read["references"].split() == [f"<{one}>" for one in MAIL.references]


line = st.text(max_size=80)


@settings(max_examples=120, deadline=None)
@given(subject=line, name=line, text=st.text(max_size=400), language=st.text(max_size=10))
def test_no_value_can_add_a_header(subject: str, name: str, text: str, language: str) -> None:
    raw = compose(replace(MAIL, subject=subject, sender_name=name, text=text, language=language))
    mail = decode(raw)
    expected = {"from", "to", "subject", "date", "message-id", "in-reply-to", "references", "mime-version",
                "x-loop", "content-type"}  # fmt: skip
    assert {key for key, _ in mail.headers} - {"content-language"} == expected
    assert mail.from_addr == MAIL.sender
    wanted = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    shown = wanted.encode("utf-8", "replace").decode().replace("\x00", "")
    assert mail.text == shown or not shown.strip()  # of a blank text the page is read, which is blank, too


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b\r\nRCPT TO:<c@d>",
        "a b@c.test",
        "a@b>",
        "<a@b>",
        "@b.test",
        "a@",
        "x" * 65 + "@b.test",
        "a,b@c",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(SmtpRejected) as caught:
        compose(replace(MAIL, to=address))
    assert caught.value.code == "smtp.bad_address"


@pytest.mark.parametrize("message_id", ["", "a b@c", "a@b>\r\nBcc: x@y", "ü@c", "<a@b>"])
def test_a_message_id_that_is_none_is_refused(message_id: str) -> None:
    for field in ("message_id", "in_reply_to"):
        if message_id or field == "message_id":
            with pytest.raises(SmtpRejected) as caught:
                compose(replace(MAIL, **{field: message_id}))
            assert caught.value.code == "smtp.bad_message_id"


def test_an_idn_domain_goes_out_in_its_ascii_form() -> None:
    assert envelope_address("anna@bücher.test") == "anna@xn--bcher-kva.test"


def test_dots_are_stuffed_and_the_end_is_marked() -> None:
    assert dot_stuffed(b".a\r\n..b\r\nc") == b"..a\r\n...b\r\nc\r\n.\r\n"


# --- handing over -----------------------------------------------------------------------------------------------------


def test_a_mail_is_handed_over_as_composed(server: SandboxSmtp) -> None:
    sender: Sender = sender_to(server)
    sender.send(MAIL)
    assert server.received == [Received(MAIL.sender, (MAIL.to,), sender.compose(MAIL))]


def test_the_blind_copy_gets_it_too_and_is_not_named(server: SandboxSmtp) -> None:
    sender_to(server, bcc="proof@shop.test").send(MAIL)
    assert server.received[0].rcpt_to == (MAIL.to, "proof@shop.test")
    assert b"proof@shop.test" not in server.received[0].raw


@pytest.mark.parametrize(
    ("fault", "error", "code", "taken"),
    [
        ("refuse_sender", SmtpRejected, "smtp.sender_refused", 0),
        ("refuse_recipient", SmtpRejected, "smtp.recipient_refused", 0),
        ("temporary", SmtpUnavailable, "smtp.not_now", 0),
        ("drop_before_data", SmtpUnavailable, "smtp.connection_lost", 0),
        ("refuse_content", SmtpRejected, "smtp.content_refused", 0),
        ("temporary_after_data", SmtpUnavailable, "smtp.not_now", 0),
        ("drop_after_data", SmtpOutcomeUnknown, "smtp.outcome_unknown", 1),
        ("hang_after_data", SmtpOutcomeUnknown, "smtp.outcome_unknown", 1),
    ],
)
def test_each_fault_is_told_for_what_it_is(
    server: SandboxSmtp, fault: str, error: type[MailboxError], code: str, taken: int
) -> None:
    server.fail_next(fault)
    with pytest.raises(MailboxError) as caught:
        sender_to(server, timeout=0.5).send(MAIL)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert len(server.received) == taken
    assert MAIL.to not in str(caught.value)
    sender_to(server).send(MAIL)  # the fault was about one mail
    assert len(server.received) == taken + 1


def test_a_refused_blind_copy_stops_the_mail(server: SandboxSmtp) -> None:
    class Second(SandboxSmtp):
        def _meets(self, *faults: str) -> str:
            self.asked = getattr(self, "asked", 0) + ("refuse_recipient" in faults)
            return "refuse_recipient" if "refuse_recipient" in faults and self.asked == 2 else ""

    with Second() as strict, pytest.raises(SmtpRejected) as caught:
        sender_to(strict, bcc="proof@shop.test").send(MAIL)
    assert caught.value.code == "smtp.bcc_refused"
    assert strict.received == []


def test_a_dead_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SmtpUnavailable) as caught:
        SmtpSender(SmtpAccount("127.0.0.1", port, security="plain", timeout=2)).send(MAIL)
    assert caught.value.code == "smtp.unreachable"


def test_a_server_that_never_greets_ends_by_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SmtpUnavailable) as caught:
        SmtpSender(SmtpAccount("127.0.0.1", silent.getsockname()[1], security="plain", timeout=0.3)).send(MAIL)
    assert caught.value.code == "smtp.timeout"


# --- logging in and TLS -----------------------------------------------------------------------------------------------


def test_login_takes_any_password() -> None:
    with SandboxSmtp({"support@shop.test": "pässword ☃"}) as server:
        sender_to(server, user="support@shop.test", password="pässword ☃").send(MAIL)
        assert (server.logins, len(server.received)) == (["support@shop.test"], 1)


def test_a_wrong_password_is_forbidden_and_not_told() -> None:
    with SandboxSmtp({"support@shop.test": "right"}) as server:
        with pytest.raises(MailboxForbidden) as caught:
            sender_to(server, user="support@shop.test", password="wrong-secret").send(MAIL)
        assert caught.value.code == "smtp.login_refused"
        assert "wrong-secret" not in str(caught.value)
        assert server.received == []


def test_a_login_that_is_not_offered_is_a_wrong_setting(server: SandboxSmtp) -> None:
    with pytest.raises(MailboxMisconfigured) as caught:
        sender_to(server, user="u", password="p").send(MAIL)
    assert caught.value.code == "smtp.no_login"


def test_starttls_that_is_not_offered_stops_the_mail(server: SandboxSmtp) -> None:
    with pytest.raises(MailboxMisconfigured) as caught:
        sender_to(server, security="starttls").send(MAIL)
    assert caught.value.code == "smtp.no_starttls"
    assert server.received == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    require_dovecot()
    cert, key = make_certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return cert, context


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_tls_is_verified(certificate: tuple[Path, ssl.SSLContext], security: str) -> None:
    cert, context = certificate
    options = {"ssl_context": context} if security == "ssl" else {"tls_context": context}
    with SandboxSmtp(**options) as server:
        sender_to(server, security=security, ca_file=str(cert)).send(MAIL)
        sender_to(server, security=security, verify=False).send(MAIL)
        with pytest.raises(MailboxMisconfigured) as caught:
            sender_to(server, security=security).send(MAIL)
        assert caught.value.code == "smtp.certificate"
        assert len(server.received) == 2


def test_ssl_on_a_plain_port_names_the_setting(server: SandboxSmtp) -> None:
    with pytest.raises(MailboxMisconfigured) as caught:
        sender_to(server, security="ssl").send(MAIL)
    assert caught.value.code == "smtp.tls"


# --- addresses beyond ASCII -------------------------------------------------------------------------------------------


def test_a_local_part_beyond_ascii_needs_smtputf8(server: SandboxSmtp) -> None:
    mail = replace(MAIL, to="jörg@customer.test")
    sender_to(server).send(mail)
    assert server.received[0].rcpt_to == ("jörg@customer.test",)
    assert decode(server.received[0].raw).to == ("jörg@customer.test",)
    with SandboxSmtp(smtputf8=False) as plain, pytest.raises(SmtpRejected) as caught:
        sender_to(plain).send(mail)
    assert caught.value.code == "smtp.no_utf8"


def test_the_sandbox_files_what_it_takes() -> None:
    filed: list[Received] = []
    with SandboxSmtp(deliver_to=filed.append) as server, smtplib.SMTP(server.host, server.port, timeout=5) as plain:
        plain.sendmail("a@b.test", ["c@d.test"], b"Subject: x\r\n\r\nhi\r\n")
        assert filed == server.received
        with pytest.raises(ValueError, match="no such fault"):
            server.fail_next("no such fault")


def test_answers_go_to_the_reply_address_where_there_is_one() -> None:
    raw = compose(replace(MAIL, reply_to="support+ct12.0123456789abcdef0123@shop.example"))
    assert b"\r\nReply-To: support+ct12.0123456789abcdef0123@shop.example\r\n" in raw
    assert b"\r\nReply-To" not in compose(MAIL)

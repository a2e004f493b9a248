"""The mail codec: a corpus with expected facts, properties over any bytes, and hostile mails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.engine.ports import MailCodec
from connector.errors import MailUnreadable
from connector.mailbox import header
from connector.mailbox.armor import ENCRYPTED_LINE
from connector.mailbox.attached import clean_name
from connector.mailbox.mime import SIGNED_LINE, MimeCodec, attachments, decode, identify, mail_key

CORPUS = Path(__file__).parent / "corpus"
NAMES = sorted(path.stem for path in CORPUS.glob("*.eml"))

quick = settings(max_examples=60, deadline=None)


def facts_of(raw: bytes) -> dict[str, object]:
    facts = asdict(decode(raw))
    facts["date"] = facts["date"].isoformat() if isinstance(facts["date"], datetime) else None
    facts["attachments"] = [[one["name"], one["content_type"], one["size"]] for one in facts["attachments"]]
    return {key: list(value) if isinstance(value, tuple) else value for key, value in facts.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_of_the_corpus_gives_its_facts(name: str) -> None:
    expected = json.loads((CORPUS / f"{name}.json").read_text())
    found = facts_of((CORPUS / f"{name}.eml").read_bytes())
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("name", NAMES)
def test_identity_and_mail_agree_and_line_ends_do_not_matter(name: str) -> None:
    raw = (CORPUS / f"{name}.eml").read_bytes()
    identity, mail = identify(raw), decode(raw)
    assert (identity.mail_key, identity.message_id, identity.from_addr, identity.subject, identity.date) == (
        mail.mail_key, mail.message_id, mail.from_addr, mail.subject, mail.date,
    )  # fmt: skip
    assert identify(raw.replace(b"\r\n", b"\n")).mail_key == identity.mail_key


def test_the_codec_fits_its_port() -> None:
    codec: MailCodec = MimeCodec()
    raw = b"Subject: x\r\n\r\nhello\r\n"
    assert codec.identify(raw) == identify(raw)
    assert codec.decode(raw).text == "hello\n"


# --- identity ---------------------------------------------------------------------------------------------------------

BASE = b"Message-ID: <a@b>\r\nFrom: x@y\r\nDate: Mon, 5 Jan 2026 09:12:00 +0000\r\nSubject: s\r\n\r\nbody\r\n"


def test_what_the_servers_add_on_the_way_does_not_change_the_mail_key() -> None:
    delivered = b"Received: from somewhere\r\nDelivered-To: box@shop.test\r\nX-Spam: no\r\n" + BASE
    assert mail_key(delivered) == mail_key(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"<a@b>", b"<a@c>"), (b"x@y", b"x@z"), (b"09:12", b"09:13"), (b"Subject: s", b"Subject: t"), (b"body", b"Body")],
)
def test_each_part_of_the_identity_counts(old: bytes, new: bytes) -> None:
    assert mail_key(BASE.replace(old, new)) != mail_key(BASE)


def test_no_value_can_pass_for_another_field() -> None:
    assert mail_key(b"From: a\r\n\r\n") != mail_key(b"Subject: a\r\n\r\n")
    assert mail_key(b"From: a\r\n\r\nb") != mail_key(b"From: ab\r\n\r\n")
    assert mail_key(b"Subject: a\r\nSubject: b\r\n\r\n") != mail_key(b"Subject: a\r\n b\r\n\r\n")


def test_the_mail_key_stays_what_it_was() -> None:
    # Stored in every ledger and in every imported message: a change would import all mails again.
    assert mail_key(BASE) == "2e20334470feb04e63e4e4832e526ca8b43983dd39df68d4f46002260c394ef7"


# --- any bytes --------------------------------------------------------------------------------------------------------

piece = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"\r\n", b"\n", b"\r\n\r\n", b"--b\r\n", b"--b--\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n",
         b"Content-Type: text/html; charset=utf-16\r\n", b"Content-Transfer-Encoding: base64\r\n", b"=?utf-8?B?",
         b"?=", b"From: ", b"<a@b>", b"Content-Type: message/rfc822\r\n", b"; filename*0*=utf-8''%", b"charset=hex",
         b"Content-Type: text/plain; format=flowed; charset=unicode_escape\r\n", b"Date: ", b"\x00", b"\xed\xa0\x80",
         b"Content-Type: multipart/alternative; boundary=b\r\n", b"Content-Transfer-Encoding: x-uuencode\r\n",
         b"begin 644 x\n", b"Subject: "]
    ),
)  # fmt: skip


@quick
@given(st.lists(piece, max_size=40).map(b"".join))
@example(b"Content-Type: text/plain; charset=idna\r\n\r\n\xff")
@example(b"Content-Type: multipart/mixed; boundary*0*=utf-8''%ff; boundary*9999999999=x\r\n\r\n--")
def test_no_bytes_raise_anything_but_mail_unreadable(raw: bytes) -> None:
    identity = identify(raw)
    assert len(identity.mail_key) == 64
    try:
        mail = decode(raw)
    except MailUnreadable:
        return
    for text in (mail.text, mail.subject, mail.from_name, *(value for _, value in mail.headers)):
        assert "\x00" not in text
        text.encode()  # no lone surrogate
    assert len(mail.headers) <= 200
    assert all(len(value) <= 10_000 for _, value in mail.headers)


@quick
@given(st.text(st.sampled_from('ab@.x <>",;:()\\\t=?é'), max_size=30))
@example("Ann Person <ann@shop.test> ")
@example("")
def test_a_plain_address_is_read_as_if_it_had_been_taken_apart(value: str) -> None:
    def said(pairs: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        return [(phrase.strip(), angle) for phrase, angle in pairs]

    assert said(header._mailboxes(value)) == said(header._taken_apart(value))


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30)


@quick
@given(text=words, subject=words, encoding=st.sampled_from(["base64", "quoted-printable", "8bit"]))
def test_what_the_standard_library_writes_is_read_back(text: str, subject: str, encoding: str) -> None:
    made = EmailMessage()
    made["From"] = "a@b.test"
    made["Subject"] = subject
    made.set_content(text + "\n", cte=encoding)
    made.add_alternative("<p>other</p>", subtype="html")
    made.add_attachment(b"123", maintype="application", subtype="pdf", filename="x.pdf")
    mail = decode(made.as_bytes())
    if text.strip():
        assert mail.text.strip() == text.strip()
    assert mail.subject.split() == str(made["Subject"]).split()
    assert [(one.name, one.size) for one in mail.attachments] == [("x.pdf", 3)]


# --- caps and hostile mails -------------------------------------------------------------------------------------------


def test_headers_ids_and_addresses_are_capped() -> None:
    mail = decode(
        b"From: a@b.test\r\nReferences: " + b"".join(b"<%d@x>\r\n " % n for n in range(5000)) + b"\r\nTo: "
        + b",".join(b"u%d@x.test" % n for n in range(5000)) + b"\r\nX-Long: " + b"y" * 50_000 + b"\r\n"
        + b"".join(b"X-%d: v\r\n" % n for n in range(1000)) + b"\r\nbody"
    )  # fmt: skip
    assert mail.references[-1] == "4999@x"
    assert len(mail.references) == 32
    assert len(mail.to) == 500
    assert len(mail.headers) == 200
    assert len(mail.header("x-long") or "") == 10_000
    assert mail.text == "body"


def test_an_id_that_is_too_long_is_none() -> None:
    assert decode(b"Message-ID: <" + b"a" * 2000 + b"@x>\r\n\r\n").message_id == ""


def _nested(depth: int) -> bytes:
    raw = b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n"
    for level in range(depth):
        raw += b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (level, level + 1)
    return raw + b"--b%d\r\n\r\nhello" % depth


def test_parts_inside_parts_are_read_to_a_depth_and_refused_beyond() -> None:
    assert decode(_nested(40)).text == "hello"
    with pytest.raises(MailUnreadable) as caught:
        decode(_nested(5000))
    assert caught.value.code == "mail.too_deep"


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(MailUnreadable) as caught:
        decode(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5000)
    assert caught.value.code == "mail.too_many_parts"


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "boundary of dashes": lambda n: b"Content-Type: multipart/mixed; boundary=-\n\n" + b"-" * (n * 100),
    "almost a boundary": lambda n: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * (n * 20),
    "unclosed encoded words": lambda n: b"Subject: " + b"=?utf-8?q?" * (n * 10) + b"\n\n",
    "open comments in From": lambda n: b"From: " + b"(" * (n * 50) + b"\n\n",
    "open angles in References": lambda n: b"References: " + b"<" * (n * 50) + b"\n\n",
    "fields": lambda n: b"A: b\n" * (n * 20) + b"\n",
    "parameters": lambda n: b"Content-Type: text/plain" + b';a="' * (n * 10) + b"\n\n",
    "flowed quotes": lambda n: b"Content-Type: text/plain; format=flowed\n\n" + b"> > x \n" * (n * 4),
    "folded header": lambda n: b"Subject: a\n" + b" b\n" * (n * 20) + b"\n",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_mail_of_twice_the_size_takes_about_twice_the_time(name: str) -> None:
    def seconds(size: int) -> float:
        raw = HOSTILE[name](size)
        started = time.process_time()
        decode(raw)
        return time.process_time() - started

    small = min(seconds(500) for _ in range(3))
    large = min(seconds(4_000) for _ in range(2))
    assert large < 8 * 3.5 * small + 0.05  # eight times the size; a quadratic reader takes 64 times as long


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=?utf-8?q?Bank_=E2=80=AEknab?=", "Bank knab"),
        ("=?utf-8?q?Z=E2=80=8Boe=EF=BB=BF?=", "Zoe"),
        ("=?utf-8?b?8J+RqeKAjfCfkrs=?=", "👩\u200d💻"),
        ("=?utf-8?q?=00Zoe=0D=0ABcc=3A_x?=", "Zoe Bcc: x"),
    ],
)
def test_a_name_cannot_turn_or_hide_itself(name: str, shown: str) -> None:
    assert decode(f"From: {name} <zoe@customer.example>\r\n\r\nx".encode()).from_name == shown


# --- attachments ------------------------------------------------------------------------------------------------------

PAGE = (
    b"From: a@b.test\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
    b"Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\n"
    b'Content-Type: text/html\r\n\r\n<p>Hi <img src="cid:logo%40x"></p>\r\n--r\r\n'
    b"Content-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\n\r\nLOGO\r\n--r\r\n"
    b"Content-Type: image/gif\r\nContent-ID: <unused@x>\r\nContent-Disposition: inline\r\n\r\nG\r\n--r--\r\n--m\r\n"
    b"Content-Type: image/jpeg; name=broken.jpg\r\nContent-Disposition: inline\r\n\r\nJPG\r\n--m\r\n"
    b"Content-Type: application/pdf\r\nContent-ID: <doc@x>\r\n"
    b"Content-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n"
    b"--m--\r\n"
)


def test_images_of_the_page_are_told_from_files() -> None:
    found = attachments(PAGE)
    assert [(one.name, one.content_id, one.inline, data) for one, data in found] == [
        ("logo.png", "logo@x", True, b"LOGO"),
        ("part-2", "unused@x", True, b"G"),
        ("broken.jpg", "", False, b"JPG"),
        ("a.pdf", "doc@x", False, b"PDF"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_attachments_are_given_as_the_mail_lists_them(name: str) -> None:
    raw = (CORPUS / f"{name}.eml").read_bytes()
    found = MimeCodec().attachments(raw)
    assert tuple(one for one, _ in found) == decode(raw).attachments
    assert [one.size for one, _ in found] == [len(data) for _, data in found]


# --- signed and sealed ------------------------------------------------------------------------------------------------


def test_words_signed_in_the_text_lose_their_armour() -> None:
    text = (
        "Hello\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nPlease send it.\n- -- \nZoe\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\nbelow"
    )
    mail = decode(b"From: a@b.test\n\n" + text.encode())
    assert (mail.text, mail.problems) == ("Hello\nPlease send it.\n-- \nZoe\nbelow", ("signed",))


def test_words_sealed_in_the_text_are_named() -> None:
    text = "Psst\n-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n"
    mail = decode(b"From: a@b.test\n\n" + text.encode())
    assert (mail.text.strip(), mail.problems) == (f"Psst\n{ENCRYPTED_LINE}", ("encrypted",))


def test_armour_that_never_ends_hides_nothing() -> None:
    text = "-----BEGIN PGP MESSAGE-----\nI only wrote this line."
    assert decode(b"From: a@b.test\n\n" + text.encode()).text == text


def test_a_mail_in_one_signed_piece_is_kept_and_said_so() -> None:
    mail = decode(b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n\nabc")
    assert (mail.text, mail.problems, [one.name for one in mail.attachments]) == (
        SIGNED_LINE,
        ("signed",),
        ["smime.p7m"],
    )


@quick
@given(st.text(max_size=300))
def test_an_attachment_name_is_only_a_name(name: str) -> None:
    cleaned = clean_name(name)
    assert len(cleaned) <= 150
    assert not set(cleaned) & set('/\\\x00\n\r<>:"|?*\u202e\u2066')
    assert cleaned not in (".", "..")
    assert clean_name(cleaned) == cleaned


def test_a_long_attachment_name_keeps_its_ending() -> None:
    assert clean_name("a" * 500 + ".pdf").endswith("a.pdf")

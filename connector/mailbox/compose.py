"""The bytes of a mail that a person wrote through us: its text as plain text and as simple HTML.

Written by hand because `email.message` encodes a References or In-Reply-To header that is longer than a line as an
RFC 2047 word, which no mail program reads as ids. No value can end its header: control characters never pass.
No Auto-Submitted, no Precedence and no List header: a person's answer is not automatic mail (RFC 3834 5); what nobody
wrote says so. The same mail gives the same bytes, so that a copy that is filed later is the mail that went out.
"""

from __future__ import annotations

import base64
import hashlib
import html
import quopri
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime

from connector.core.automail import LOOP_NAME
from connector.engine.ports import OutgoingFile, OutgoingMail
from connector.errors import SmtpRejected

LINE = 76
MAX_REFERENCES = 32
MAX_SUBJECT = 900


def compose(mail: OutgoingMail) -> bytes:
    """CRLF lines, pure ASCII unless an address has an international local part (then UTF-8, RFC 6532)."""
    language = mail.language.replace("_", "-")
    if not (language.isascii() and language.replace("-", "").isalnum()):
        language = ""
    plain = _unix(mail.text).rstrip("\n") + (f"\n\n-- \n{mail.signature.strip()}" if mail.signature.strip() else "")
    parts = (("text/plain", _body(plain)), ("text/html", _body(as_html(mail.text, mail.signature, language))))
    # Neither part can hold a digest of itself.
    boundary = "=_" + hashlib.sha256(repr((mail.message_id, parts)).encode()).hexdigest()[:40]
    headers = [
        ("From", _mailbox(mail.sender_name, mail.sender)),
        ("To", _mailbox("", mail.to)),
        ("Subject", _unstructured("Subject", mail.subject[:MAX_SUBJECT])),
        ("Date", format_datetime((mail.date or datetime.now(UTC)).astimezone(UTC))),
        ("Message-ID", _id(mail.message_id)),
    ]
    if mail.reply_to:
        headers.append(("Reply-To", _mailbox("", mail.reply_to)))
    if mail.in_reply_to:
        headers.append(("In-Reply-To", _id(mail.in_reply_to)))
    if mail.references:
        headers.append(("References", "\r\n ".join(_id(one) for one in mail.references[-MAX_REFERENCES:])))
    if mail.automatic:
        headers.append(("Auto-Submitted", "auto-generated"))
    headers += [("X-Loop", LOOP_NAME), ("MIME-Version", "1.0")]
    kind = ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"')
    last = [("Content-Language", language)] if language else []
    if mail.file is None:
        return _head([*headers, kind, *last]) + _alternative(parts, boundary)
    outer = f"{boundary[:-1]}+"
    mixed = ("Content-Type", f'multipart/mixed;\r\n boundary="{outer}"')
    first = f"--{outer}\r\n".encode() + _head([kind]) + _alternative(parts, boundary)
    pieces = [_head([*headers, mixed, *last]), first + f"--{outer}".encode(), _attached(mail.file)]
    return b"\r\n".join(pieces) + f"\r\n--{outer}--\r\n".encode()


def _head(headers: Sequence[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode()


def _alternative(parts: Sequence[tuple[str, tuple[str, bytes]]], boundary: str) -> bytes:
    pieces = [b""]
    for content_type, (encoding, body) in parts:
        inner = f"Content-Type: {content_type}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        pieces.append(f"--{boundary}\r\n{inner}".encode() + body)
    return b"\r\n".join(pieces) + f"\r\n--{boundary}--\r\n".encode()


def _attached(file: OutgoingFile) -> bytes:
    """A part with a file, without the boundaries around it."""
    name = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in file.name)
    head = [
        ("Content-Type", f'{file.content_type}; charset=utf-8;\r\n name="{name}"'),
        ("Content-Disposition", f'attachment;\r\n filename="{name}"'),
        ("Content-Transfer-Encoding", "base64"),
    ]
    return _head(head) + b"\r\n" + base64.encodebytes(file.data).replace(b"\n", b"\r\n").rstrip(b"\r\n")


def as_html(text: str, signature: str = "", language: str = "") -> str:
    """The text as a small HTML page: paragraphs and line breaks, everything in it escaped."""
    blocks = [f"<p>{_lines(block)}</p>" for block in re.split(r"\n[ \t]*\n\s*", _unix(text).strip("\n")) if block]
    if signature.strip():
        blocks.append(f"<p>-- <br>\n{_lines(_unix(signature).strip())}</p>")
    lang = f' lang="{language}"' if language else ""
    head = '<head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>'
    return "\n".join([f"<!DOCTYPE html>\n<html{lang}>{head}<body>", *blocks, "</body></html>"])


def _lines(text: str) -> str:
    """Blanks at a line's start and double ones stay visible."""
    kept = (re.sub(r"^ | (?= )", "\u00a0", html.escape(line)) for line in text.split("\n"))
    return "<br>\n".join(kept)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def envelope_address(address: str) -> str:
    """For MAIL FROM and RCPT TO: an IDN domain in its ASCII form. Raises SmtpRejected `smtp.bad_address`."""
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain) or any(c in ' <>()[]:;,"\\' or not c.isprintable() for c in local + domain):
        raise SmtpRejected("smtp.bad_address")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as exc:
            raise SmtpRejected("smtp.bad_address") from exc
    if len(local.encode()) > 64 or len(domain) > 255:
        raise SmtpRejected("smtp.bad_address")
    return f"{local}@{domain}"


def dot_stuffed(raw: bytes) -> bytes:
    """What goes over the wire after DATA, the final dot included (RFC 5321 4.5.2)."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
    return stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _body(text: str) -> tuple[str, bytes]:
    lines = _unix(text).rstrip("\n") + "\n"
    data = lines.encode("utf-8", "replace")
    # "From " at a line's start is what an mbox store writes ">" before; quoted-printable can hide it, 7bit cannot.
    if data.isascii() and all(len(line) <= LINE and not line.startswith(b"From ") for line in data.split(b"\n")):
        return "7bit", data.replace(b"\n", b"\r\n")
    encoded = b"\n".join(
        b"=46rom " + line[5:] if line.startswith(b"From ") else line for line in quopri.encodestring(data).split(b"\n")
    )
    return "quoted-printable", encoded.replace(b"\n", b"\r\n")


def _mailbox(name: str, address: str) -> str:
    plain = _clean(name)[:200]
    spec = f"<{envelope_address(address)}>"
    if not plain:
        return spec[1:-1]
    if plain.isascii() and "=?" not in plain:
        quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"\r\n {spec}'
    return f"{_encoded('From', plain)}\r\n {spec}"


def _unstructured(name: str, value: str) -> str:
    """ASCII stays as it is, folded at spaces: PrestaShop's own sync looks for `#ct` in the raw subject."""
    plain = _clean(value)
    if plain.isascii() and "=?" not in plain and all(len(word) < 900 for word in plain.split(" ")):
        return Header(plain, "us-ascii", maxlinelen=LINE, header_name=name).encode(linesep="\r\n")
    return _encoded(name, plain)


def _encoded(name: str, value: str) -> str:
    return Header(value, "utf-8", maxlinelen=LINE, header_name=name).encode(linesep="\r\n")


def _clean(value: str) -> str:
    """One line: control characters and line separators become spaces, lone surrogates go."""
    text = "".join(c if c.isprintable() else " " for c in value.encode("utf-8", "ignore").decode("utf-8"))
    return " ".join(text.split())


def _id(message_id: str) -> str:
    if (
        not message_id.isascii()
        or not message_id.isprintable()
        or any(c in " <>" for c in message_id)
        or not 0 < len(message_id) <= 900
    ):
        raise SmtpRejected("smtp.bad_message_id")
    return f"<{message_id}>"

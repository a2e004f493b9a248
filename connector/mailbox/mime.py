"""Bytes of a mail to `MailIdentity` and `Mail`. Opens nothing, remembers nothing, trusts nothing.

Which text is the mail's text: of alternatives the plain one, unless it is empty or only says that the program cannot
show HTML; of mixed parts all texts that are no attachments, in order; of an enclosed mail none. What is encrypted stays
so and a line says it; of what only its signature wraps (S/MIME in one piece) a line says that, too. From winmail.dat
(TNEF) come its files, and its text when the mail has no other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from connector.core.model import Attachment, Mail, MailIdentity
from connector.errors import MailUnreadable
from connector.mailbox import armor, charset, flowed, header, html, report, structure, tnef, transfer
from connector.mailbox.attached import Collected, content_id, file_name, is_attachment
from connector.mailbox.structure import Part

T = TypeVar("T")

_KEY_FIELDS = ("message-id", "from", "date", "subject")
_RECEIVERS = ("delivered-to", "x-delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_ENCLOSED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
             "message/global-headers")  # fmt: skip
_VERBATIM = ("authentication-results",)
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")
SIGNED_LINE = "[This mail is signed in a way that its text cannot be read here.]"
_PLAIN = ("text/plain", "text/enriched", "text/markdown", "text/x-markdown", "text/richtext", "text")

# Words of "your program cannot show HTML" in the languages such stubs are written in.
_STUB_WORDS = ("client", "viewer", "program", "reader", "support", "compatible", "cannot", "unable", "enable",
               "browser", "view", "afficher", "messagerie", "anzeigen", "unterst", "visualizza", "supporta", "cliente",
               "formato", "weergeven", "wyświetl", "просмотр", "поддерж")  # fmt: skip
_STUB_LONGEST = 500


class MimeCodec:
    """Fits `ports.MailCodec`."""

    def identify(self, raw: bytes) -> MailIdentity:
        return identify(raw)

    def decode(self, raw: bytes) -> Mail:
        return decode(raw)

    def attachments(self, raw: bytes) -> list[tuple[Attachment, bytes]]:
        return attachments(raw)


def mail_key(raw: bytes) -> str:
    """Hex SHA-256 that names a mail whatever server or folder its copy lies in.

    Hashed are, in this order, all Message-ID, From, Date and Subject fields (for each name the number of fields, then
    each value) and the body. Each value is preceded by its length, so no two different inputs give the same bytes.
    Line ends are counted as LF wherever CRLF stands, because some servers store one and some the other; white space
    around a value is dropped and folding kept. Everything else (Received, Delivered-To, flags) may differ.
    """
    block, body = header.split(raw)
    return _key(header.fields(block, limit=10_000), body)


def _key(all_fields: header.Fields, body: bytes) -> str:
    digest = hashlib.sha256(b"mail_key 1\n")
    for name in _KEY_FIELDS:
        found = [value.strip() for value in all_fields.named(name)]
        digest.update(b"%d\n" % len(found))
        for value in found:
            digest.update(b"%d\n" % len(value))
            digest.update(value)
    digest.update(body.replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def identify(raw: bytes) -> MailIdentity:
    """What can be told of any bytes at all. Never raises."""
    block, body = header.split(raw)
    every = header.fields(block, limit=10_000)
    found = every if len(every) <= header.MAX_FIELDS else header.Fields(every[: header.MAX_FIELDS])
    senders = _senders(found)
    return MailIdentity(
        mail_key=_key(every, body),
        message_id=header.first_id(found),
        from_addr=senders[0][1] if senders else "",
        subject=_first(found, "subject"),
        date=_date(found),
    )


def decode(raw: bytes) -> Mail:
    """The decoded mail. Raises MailUnreadable when it is built to break readers, or breaks this one."""
    return _guarded(_Decoder(raw).mail)


def attachments(raw: bytes) -> list[tuple[Attachment, bytes]]:
    """What hangs on the mail, as `decode` lists it, with the decoded bytes. Raises MailUnreadable."""
    decoder = _Decoder(raw, keep=True)
    _guarded(decoder.mail)
    return decoder.files.all()


def _guarded(read: Callable[[], T]) -> T:
    try:
        return read()
    except MailUnreadable:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as exc:
        # A fault of this decoder must cost one mail its place in the queue, not the folder its import.
        raise MailUnreadable("mail.undecodable", reason=type(exc).__name__) from exc


class _Decoder:
    def __init__(self, raw: bytes, keep: bool = False) -> None:
        self.raw = raw
        self.problems: list[str] = []
        self.files = Collected(keep)
        self.enclosed: list[str] = []
        self.from_html = False
        self.spare: list[Part] = []  # named inline texts, used when there is no other text
        self.container = ""  # the text of winmail.dat, likewise
        self.related = False  # inside a multipart/related, where images belong to the page

    def mail(self) -> Mail:
        root = structure.read(self.raw)
        found = root.fields
        parts = list(structure.walk(root))
        self.problems += [problem for part in parts for problem in part.problems]
        text = self._body(root)
        if not text.strip() and self.spare:
            text = self._joined([self._text(part) for part in self.spare])
        text = text if text.strip() else self.container or text
        senders = _senders(found)
        action, status = report.delivery(self._bytes(p) for p in parts if p.content_type == "message/delivery-status")
        if len(senders) > 1:
            self.problems.append("several-from")
        return Mail(
            mail_key=_key(found, root.body) if len(found) < header.MAX_FIELDS else mail_key(self.raw),
            message_id=header.first_id(found),
            from_addr=senders[0][1] if senders else "",
            from_name=senders[0][0] if senders else "",
            to=header.addresses_of(found, "to"),
            cc=header.addresses_of(found, "cc"),
            delivered_to=header.addresses_of(found, *_RECEIVERS),
            reply_to=header.addresses_of(found, "reply-to"),
            subject=_first(found, "subject"),
            date=_date(found),
            in_reply_to=header.ids_of(found, "in-reply-to"),
            references=header.ids_of(found, "references"),
            headers=tuple((name, _value(name, value)) for name, value in found),
            content_type="multipart/mixed"
            if root.children and root.content_type == "text/plain"
            else root.content_type,
            parts=tuple(part.content_type for part in parts if not part.is_multipart),
            text=text,
            from_html=self.from_html,
            attachments=tuple(one for one, _ in self.files.all()),
            enclosed_ids=tuple(dict.fromkeys(self.enclosed)),
            report_type=root.parameters.get("report-type", "").lower()[:100],
            delivery_action=action,
            delivery_status=status,
            problems=tuple(dict.fromkeys(self.problems)),
        )

    # --- which text ------------------------------------------------------------------------------------------------

    def _body(self, part: Part) -> str:
        """The readable text of a part; notes attachments and enclosed mails on the way. Depth is bounded."""
        kind = part.content_type
        if part.is_multipart:
            if kind == "multipart/alternative":
                return self._alternative(part)
            if kind == "multipart/related":
                return self._related(part)
            if kind == "multipart/encrypted":
                return self._encrypted(part)
            if kind == "multipart/signed":
                self.problems.append("signed")
            return self._joined([self._body(child) for child in part.children if not self._signature(part, child)])
        if kind in _ENCLOSED:
            self._enclose(part)
            return ""
        if kind in _SEALED:
            if "signed" not in part.parameters.get("smime-type", ""):
                return self._encrypted(part)
            self.problems.append("signed")
            self._attach(part)
            return SIGNED_LINE
        if kind in _TNEF:
            self._open(part)
            return ""
        if kind in (*_PLAIN, "text/html", "application/xhtml+xml") and not is_attachment(part):
            if file_name(part):
                self.spare.append(part)
                self._attach(part)
                return ""
            return self._text(part)
        self._attach(part)
        return ""

    @staticmethod
    def _signature(parent: Part, child: Part) -> bool:
        return parent.content_type == "multipart/signed" and child.content_type in _SIGNATURES

    def _alternative(self, part: Part) -> str:
        """RFC 2046 5.1.4 has the best last; we want the plain one while it says something."""
        plain: list[str] = []
        rich: list[str] = []
        for child in part.children:
            before, self.from_html = self.from_html, False
            text = self._body(child)
            (rich if self.from_html else plain).append(text)
            self.from_html = before
        chosen = next((text for text in plain if text.strip()), "")
        best = next((text for text in reversed(rich) if text.strip()), "")
        if best and (not chosen or _is_stub(chosen)):
            if chosen:
                self.problems.append("stub-text")
            self.from_html = True
            return best
        return chosen

    def _related(self, part: Part) -> str:
        wanted = part.parameters.get("start", "").strip("<> ")
        root = next(
            (child for child in part.children if wanted and child.text_field("content-id").strip("<> ") == wanted),
            part.children[0],
        )
        text = self._body(root)
        outside, self.related = self.related, True
        others = self._joined([self._body(child) for child in part.children if child is not root])
        self.related = outside
        return text if text.strip() else others

    def _encrypted(self, part: Part) -> str:
        self.problems.append("encrypted")
        for leaf in structure.walk(part):
            if not leaf.is_multipart and leaf.content_type != "application/pgp-encrypted":
                self._attach(leaf)
        return armor.ENCRYPTED_LINE

    @staticmethod
    def _joined(texts: list[str]) -> str:
        return "\n\n".join(text.strip("\n") for text in texts if text.strip())

    # --- leaves ----------------------------------------------------------------------------------------------------

    def _text(self, part: Part) -> str:
        data = self._bytes(part)
        declared = part.parameters.get("charset", "")
        if part.content_type in ("text/html", "application/xhtml+xml"):
            source, problem = charset.decode(data, declared or _html_charset(data))
            self.files.refers(source)
            text = html.to_text(source)
            self.from_html = self.from_html or bool(text.strip())
        else:
            text, problem = charset.decode(data, declared)
            text = text.replace("\r\n", "\n").replace("\r", "\n")
            if part.parameters.get("format", "").lower() == "flowed":
                text = flowed.unflow(text, part.parameters.get("delsp", "").lower() == "yes")
            text, sealed = armor.unwrap(text)
            self.problems += [sealed] if sealed else []
        if problem:
            self.problems.append(problem)
        return text

    def _bytes(self, part: Part) -> bytes:
        data, problem = transfer.decode(part.body, part.text_field("content-transfer-encoding"))
        if problem:
            self.problems.append(problem)
        return data

    def _enclose(self, part: Part) -> None:
        inner = header.fields(header.split(self._bytes(part).lstrip(b"\r\n"))[0])
        message_id = header.first_id(inner)
        if message_id:
            self.enclosed.append(message_id)
        self._attach(part, fallback=(_first(inner, "subject") or "mail") + ".eml")

    def _attach(self, part: Part, fallback: str = "") -> None:
        beside = self.related and not is_attachment(part)
        name = file_name(part) or fallback
        self.files.add(name, part.content_type, self._bytes(part), content_id(part), beside)

    def _open(self, part: Part) -> None:
        """winmail.dat: its files instead of itself; itself only when nothing could be read."""
        contents = tnef.read(self._bytes(part))
        self.problems.append("tnef-damaged" if contents.damaged else "tnef")
        text = contents.text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip() and contents.html:
            self.files.refers(contents.html)
            text = html.to_text(contents.html)
        self.container = self.container or text
        if contents.damaged or not (text.strip() or contents.files):
            self._attach(part, fallback="winmail.dat")
        for one in contents.files:
            self.files.add(one.name, one.content_type, one.data, one.content_id.strip("<> "), in_text=True)


# --- small questions ------------------------------------------------------------------------------------------------


def _is_stub(text: str) -> bool:
    low = text.strip().lower()
    return len(low) <= _STUB_LONGEST and "html" in low and any(word in low for word in _STUB_WORDS)


def _html_charset(data: bytes) -> str:
    """What a `<meta charset>` says, when the part's header says nothing."""
    head = data[:2048].lower()
    at = head.find(b"charset=")
    if at < 0:
        return ""
    found = re.match(rb"[\"']?\s*([a-z0-9_.:-]{1,40})", head[at + 8 : at + 60])
    return found[1].decode("ascii") if found else ""


def _first(found: header.Fields, name: str) -> str:
    values = found.named(name)
    return header.decode(values[0]) if values else ""


def _value(name: str, value: bytes) -> str:
    """A server's verdict stays as it wrote it: a stranger's encoded word in it, decoded, could end a comment."""
    return header.unfold(value) if name in _VERBATIM else header.decode(value)


def _date(found: header.Fields) -> datetime | None:
    values = found.named("date")
    return header.date(values[0]) if values else None


def _senders(found: header.Fields) -> list[tuple[str, str]]:
    return [pair for value in found.named("from") for pair in header.addresses(value)]

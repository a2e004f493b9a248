"""Bytes of a mail to `MailIdentity` and `Mail`. Opens nothing, remembers nothing, trusts nothing.

Which text is the mail's text: of alternatives the plain one, unless it is empty or only says that the program cannot
show HTML; of mixed parts all texts that are no attachments, in order; of an enclosed mail none. What is encrypted stays
so and a line says it; winmail.dat (TNEF) is listed as an attachment and not opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import quopri
import re
from datetime import datetime

from connector.core.model import Attachment, Mail, MailIdentity
from connector.errors import MailUnreadable
from connector.mailbox import charset, flowed, header, html, structure
from connector.mailbox.structure import Part

_KEY_FIELDS = ("message-id", "from", "date", "subject")
_RECEIVERS = ("delivered-to", "x-delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_ENCLOSED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
             "message/global-headers")  # fmt: skip
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")
ENCRYPTED_LINE = "[This mail is encrypted; its text cannot be read here.]"
_PLAIN = ("text/plain", "text/enriched", "text/markdown", "text/x-markdown", "text/richtext", "text")

# Words of "your program cannot show HTML" in the languages such stubs are written in.
_STUB_WORDS = ("client", "viewer", "program", "reader", "support", "compatible", "cannot", "unable", "enable",
               "browser", "view", "afficher", "messagerie", "anzeigen", "unterst", "visualizza", "supporta", "cliente",
               "formato", "weergeven", "wyświetl", "просмотр", "поддерж")  # fmt: skip
_STUB_LONGEST = 500

_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff<>:"|?*]')
MAX_NAME = 150


class MimeCodec:
    """Fits `ports.MailCodec`."""

    def identify(self, raw: bytes) -> MailIdentity:
        return identify(raw)

    def decode(self, raw: bytes) -> Mail:
        return decode(raw)


def mail_key(raw: bytes) -> str:
    """Hex SHA-256 that names a mail whatever server or folder its copy lies in.

    Hashed are, in this order, all Message-ID, From, Date and Subject fields (for each name the number of fields, then
    each value) and the body. Each value is preceded by its length, so no two different inputs give the same bytes.
    Line ends are counted as LF wherever CRLF stands, because some servers store one and some the other; white space
    around a value is dropped and folding kept. Everything else (Received, Delivered-To, flags) may differ.
    """
    block, body = header.split(raw)
    all_fields = header.fields(block, limit=10_000)
    digest = hashlib.sha256(b"mail_key 1\n")
    for name in _KEY_FIELDS:
        found = [value.strip() for value in header.values(all_fields, name)]
        digest.update(b"%d\n" % len(found))
        for value in found:
            digest.update(b"%d\n" % len(value))
            digest.update(value)
    digest.update(body.replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def identify(raw: bytes) -> MailIdentity:
    """What can be told of any bytes at all. Never raises."""
    found = header.fields(header.split(raw)[0])
    senders = _senders(found)
    return MailIdentity(
        mail_key=mail_key(raw),
        message_id=header.first_id(found),
        from_addr=senders[0][1] if senders else "",
        subject=_first(found, "subject"),
        date=_date(found),
    )


def decode(raw: bytes) -> Mail:
    """The decoded mail. Raises MailUnreadable when it is built to break readers, or breaks this one."""
    try:
        return _Decoder(raw).mail()
    except MailUnreadable:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as exc:
        # A fault of this decoder must cost one mail its place in the queue, not the folder its import.
        raise MailUnreadable("mail.undecodable", reason=type(exc).__name__) from exc


class _Decoder:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.problems: list[str] = []
        self.attachments: list[Attachment] = []
        self.enclosed: list[str] = []
        self.from_html = False
        self.spare: list[Part] = []  # named inline texts, used when there is no other text

    def mail(self) -> Mail:
        root = structure.read(self.raw)
        found = root.fields
        parts = list(structure.walk(root))
        self.problems += [problem for part in parts for problem in part.problems]
        text = self._body(root)
        if not text.strip() and self.spare:
            text = self._joined([self._text(part) for part in self.spare])
        senders = _senders(found)
        if len(senders) > 1:
            self.problems.append("several-from")
        return Mail(
            mail_key=mail_key(self.raw),
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
            headers=tuple((name, header.decode(value)) for name, value in found),
            content_type="multipart/mixed"
            if root.children and root.content_type == "text/plain"
            else root.content_type,
            parts=tuple(part.content_type for part in parts if not part.is_multipart),
            text=text,
            from_html=self.from_html,
            attachments=tuple(self.attachments),
            enclosed_ids=tuple(dict.fromkeys(self.enclosed)),
            report_type=root.parameters.get("report-type", "").lower()[:100],
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
            return self._joined([self._body(child) for child in part.children if not self._signature(part, child)])
        if kind in _ENCLOSED:
            self._enclose(part)
            return ""
        if kind in _SEALED and "signed" not in part.parameters.get("smime-type", ""):
            return self._encrypted(part)
        if kind in (*_PLAIN, "text/html", "application/xhtml+xml") and not _attached(part):
            if _file_name(part):
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
        others = self._joined([self._body(child) for child in part.children if child is not root])
        return text if text.strip() else others

    def _encrypted(self, part: Part) -> str:
        self.problems.append("encrypted")
        for leaf in structure.walk(part):
            if not leaf.is_multipart and leaf.content_type != "application/pgp-encrypted":
                self._attach(leaf)
        return ENCRYPTED_LINE

    @staticmethod
    def _joined(texts: list[str]) -> str:
        return "\n\n".join(text.strip("\n") for text in texts if text.strip())

    # --- leaves ----------------------------------------------------------------------------------------------------

    def _text(self, part: Part) -> str:
        data = self._bytes(part)
        declared = part.parameters.get("charset", "")
        if part.content_type in ("text/html", "application/xhtml+xml"):
            source, problem = charset.decode(data, declared or _html_charset(data))
            text = html.to_text(source)
            self.from_html = self.from_html or bool(text.strip())
        else:
            text, problem = charset.decode(data, declared)
            text = text.replace("\r\n", "\n").replace("\r", "\n")
            if part.parameters.get("format", "").lower() == "flowed":
                text = flowed.unflow(text, part.parameters.get("delsp", "").lower() == "yes")
        if problem:
            self.problems.append(problem)
        return text

    def _bytes(self, part: Part) -> bytes:
        encoding = part.text_field("content-transfer-encoding").split(";")[0].strip().lower()
        if encoding == "base64":
            return self._base64(part.body)
        if encoding == "quoted-printable":
            return quopri.decodestring(part.body)
        if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
            return self._uudecode(part.body)
        if encoding not in ("", "7bit", "8bit", "binary"):
            self.problems.append("encoding-unknown")
        return part.body

    def _base64(self, body: bytes) -> bytes:
        try:
            return base64.b64decode(body + b"===")  # non-alphabet bytes are dropped, padding may be short
        except (binascii.Error, ValueError):
            pass
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        self.problems.append("base64-damaged")
        try:
            return base64.b64decode(kept[: len(kept) // 4 * 4])
        except (binascii.Error, ValueError):
            return body

    def _uudecode(self, body: bytes) -> bytes:
        lines = body.splitlines()
        begin = next((number for number, line in enumerate(lines) if line.startswith(b"begin ")), -1)
        decoded = []
        for line in lines[begin + 1 :]:
            if line.strip() in (b"end", b"`", b""):
                break
            try:
                decoded.append(binascii.a2b_uu(line))
            except binascii.Error:
                self.problems.append("uuencode-damaged")
                return body
        return b"".join(decoded)

    def _enclose(self, part: Part) -> None:
        inner = header.fields(header.split(self._bytes(part).lstrip(b"\r\n"))[0])
        message_id = header.first_id(inner)
        if message_id:
            self.enclosed.append(message_id)
        self._attach(part, fallback=(_first(inner, "subject") or "mail") + ".eml")

    def _attach(self, part: Part, fallback: str = "") -> None:
        if part.content_type in _TNEF:
            self.problems.append("tnef")
            fallback = "winmail.dat"
        name = clean_name(_file_name(part)) or clean_name(fallback) or f"part-{len(self.attachments) + 1}"
        self.attachments.append(Attachment(name=name, content_type=part.content_type, size=len(self._bytes(part))))


# --- small questions ------------------------------------------------------------------------------------------------


def clean_name(name: str) -> str:
    """A file name without path, control, bidi or shell-unfriendly characters; its ending survives the cut."""
    base = charset.scrub(name).replace("\\", "/").rpartition("/")[2]
    base = _UNSAFE.sub("", base).strip(". ")
    if len(base) > MAX_NAME:
        stem, dot, ending = base.rpartition(".")
        base = stem[: MAX_NAME - len(ending) - 1] + dot + ending if dot and len(ending) <= 10 else base[:MAX_NAME]
    return base


def _file_name(part: Part) -> str:
    disposition = header.values(part.fields, "content-disposition")
    _, parameters = header.parameters(disposition[0]) if disposition else ("", {})
    return parameters.get("filename") or part.parameters.get("name", "")


def _attached(part: Part) -> bool:
    disposition = header.values(part.fields, "content-disposition")
    return bool(disposition) and header.parameters(disposition[0])[0] == "attachment"


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


def _first(found: list[header.Field], name: str) -> str:
    values = header.values(found, name)
    return header.decode(values[0]) if values else ""


def _date(found: list[header.Field]) -> datetime | None:
    values = header.values(found, "date")
    return header.date(values[0]) if values else None


def _senders(found: list[header.Field]) -> list[tuple[str, str]]:
    return [pair for value in header.values(found, "from") for pair in header.addresses(value)]

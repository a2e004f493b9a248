"""Header fields of any bytes: split, decode, and read addresses, ids, dates and parameters.

Every function is total and takes time linear in its input: headers are written by strangers and may be megabytes long,
nested a thousand deep or cut in half. No recursion (email.utils recurses into comments) and no backtracking patterns.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.message import Message
from email.utils import collapse_rfc2231_value, parsedate_to_datetime
from functools import lru_cache

from connector.mailbox import charset

MAX_FIELDS = 200
MAX_NAME = 100
MAX_VALUE = 10_000  # bytes and characters of one value
MAX_ADDRESS_VALUE = 64_000
MAX_ADDRESSES = 500
MAX_ADDRESS = 320  # RFC 5321: 64 + @ + 255
MAX_ID = 900  # a header line holds at most 998 characters (RFC 5322 2.1.1)
MAX_IDS = 32

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FIELD_NAME = re.compile(rb"[!-~]+")
# A value with nothing in it that would have to be taken apart: `name <address>` or an address.
_ONE_MAILBOX = re.compile(r'([^"(),:;<>\\]*)<([^"(),:;<>\\]*)>\s*|([^"(),:;<>\\]*)')
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?\n]*)\?=")
# Marks that turn the order of writing around or are not seen. The joiners of Persian and of emoji stay.
_TRICKS = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

Field = tuple[str, bytes]
"""Lower-case name and raw value, line ends still in it."""


class Fields(list[Field]):
    """In the order of the header; made once, then only read."""

    _by_name: dict[str, list[bytes]] | None = None

    def named(self, name: str) -> list[bytes]:
        """The values of all fields of that name. Kept by name: a mail's header is asked for three dozen."""
        if self._by_name is None:
            self._by_name = {}
            for key, value in self:
                self._by_name.setdefault(key, []).append(value)
        return self._by_name.get(name, [])


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Header block and body. Without an empty line everything is header; a leading empty line means no header."""
    for newline in (b"\r\n", b"\n"):
        if raw.startswith(newline):
            return b"", raw[len(newline) :]
    found = _BLANK_LINE.search(raw)
    return (raw[: found.start()], raw[found.end() :]) if found else (raw, b"")


def fields(block: bytes, limit: int = MAX_FIELDS) -> Fields:
    """The first `limit` fields in order. Lines that are no field (an mbox `From ` line, garbage) are passed over."""
    found = Fields()
    name = ""
    parts: list[bytes] = []

    def close() -> None:
        if name:
            found.append((name, b"\n".join(parts)))

    for line in block.replace(b"\r\n", b"\n").split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            parts.append(line)
            continue
        close()
        name = ""
        if len(found) >= limit:
            return found
        head, colon, value = line.partition(b":")
        head = head.rstrip(b" \t")
        if colon and len(head) <= MAX_NAME and (name := _name(head)):
            parts = [value]
    close()
    return found


@lru_cache(maxsize=1024)
def _name(head: bytes) -> str:
    """Lower-case, '' for none. Kept: mails have the same few dozen."""
    return head.decode("ascii").lower() if _FIELD_NAME.fullmatch(head) else ""


def unfold(value: bytes, limit: int = MAX_VALUE) -> str:
    """One line of text, encoded words still in it. Raw 8-bit bytes are decoded by the charset ladder."""
    text, _ = charset.decode(value.strip()[:limit].replace(b"\n", b""))
    return text.strip()


def decode(value: bytes | str, limit: int = MAX_VALUE) -> str:
    """The value as a person reads it: unfolded, RFC 2047 decoded, control characters made spaces."""
    text = unfold(value, limit) if isinstance(value, bytes) else value
    if "=?" in text:
        text = "".join(_decoded_pieces(text))
    if text.isascii() and text.isprintable():
        return text.strip()[:limit]
    return charset.scrub(_CONTROL.sub(" ", text)).strip()[:limit]


def _decoded_pieces(text: str) -> Iterator[str]:
    """Neighbouring words of one charset are joined as bytes first: many senders cut inside a character."""
    pending, pending_charset, end = b"", "", 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        name = word[1].partition("*")[0].lower()  # RFC 2231 5: a language may follow
        data = _word_bytes(word[2].lower(), word[3])
        if pending_charset and between.strip() == "" and name == pending_charset:
            pending += data
        else:
            yield charset.decode(pending, pending_charset)[0]
            # RFC 2047 6.2: white space between two encoded words is not shown.
            yield between if between.strip() or not pending_charset else ""
            pending, pending_charset = data, name
        end = word.end()
    yield charset.decode(pending, pending_charset)[0]
    yield text[end:]


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding == "q":
        return quopri.decodestring(data, header=True)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return data


# --- ids ----------------------------------------------------------------------------------------------------------


def message_ids(value: bytes) -> list[str]:
    """Ids without angle brackets, white space inside them removed. A value without brackets is one bare id.

    Only the last MAX_IDS * MAX_ID bytes are looked at: the nearest ancestors stand at the end.
    """
    text = value[-MAX_IDS * MAX_ID :].decode("utf-8", "replace")
    pieces = text.split("<")
    ids = [piece.partition(">")[0] for piece in pieces[1:] if ">" in piece]
    if not ids and len(pieces) == 1 and "@" in text:
        ids = text.split()[:1]
    cleaned = ("".join(_CONTROL.sub("", one).split()) for one in ids)
    return [charset.scrub(one) for one in cleaned if 0 < len(one) <= MAX_ID]


def ids_of(all_fields: Fields, name: str) -> tuple[str, ...]:
    """Ids of all fields of that name, the last MAX_IDS, each once."""
    found = [one for value in all_fields.named(name) for one in message_ids(value)]
    return tuple(dict.fromkeys(found[-MAX_IDS:]))


def first_id(all_fields: Fields) -> str:
    """The mail's own Message-ID, '' if there is none."""
    for value in all_fields.named("message-id"):
        for one in message_ids(value):
            return one
    return ""


# --- addresses ----------------------------------------------------------------------------------------------------


def addresses(value: bytes) -> list[tuple[str, str]]:
    """(name, casefolded address) of each mailbox of a value, groups flattened; what is no address is left out.

    The structure is read before encoded words are decoded, so that no address can hide inside a name.
    """
    found: list[tuple[str, str]] = []
    for phrase, angle in _mailboxes(unfold(value, MAX_ADDRESS_VALUE)):
        address = clean_address(angle if angle is not None else phrase)
        if address:
            found.append((_person(phrase) if angle is not None else "", address))
        if len(found) >= MAX_ADDRESSES:
            break
    return found


def _person(phrase: str) -> str:
    """A name as it may be shown: with nothing in it that makes it look like another."""
    return " ".join(_TRICKS.sub("", decode(phrase.strip())).split())


def clean_address(text: str) -> str:
    """Casefolded, without folding of `+tag`; '' when it cannot be an address."""
    address = text.strip().strip("<>").casefold()
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or len(address) > MAX_ADDRESS:
        return ""
    return address if address.isprintable() and " " not in address else ""


def _mailboxes(text: str) -> Iterable[tuple[str, str | None]]:
    """(phrase, what stood in angle brackets or None) per mailbox."""
    one = _ONE_MAILBOX.fullmatch(text)
    if one is None:
        return _taken_apart(text)
    return [(one[1], one[2])] if one[3] is None else [(one[3], None)]


def _taken_apart(text: str) -> Iterator[tuple[str, str | None]]:
    """One pass, a depth counter for comments."""
    phrase: list[str] = []
    angle: list[str] | None = None
    in_quote = in_angle = escaped = False
    comment = 0
    for char in text:
        if escaped:
            escaped = False
            if not comment:
                (angle if in_angle and angle is not None else phrase).append(char)
        elif char == "\\" and (in_quote or comment):
            escaped = True
        elif in_quote:
            if char == '"':
                in_quote = False
            else:
                (angle if in_angle and angle is not None else phrase).append(char)
        elif comment:
            comment += (char == "(") - (char == ")")
        elif char == '"':
            in_quote = True
        elif char == "(":
            comment = 1
        elif in_angle and angle is not None:
            if char == ">":
                in_angle = False
            else:
                angle.append(char)
        elif char == "<":
            in_angle, angle = True, []
        elif char in ",;":
            yield "".join(phrase), None if angle is None else "".join(angle)
            phrase, angle = [], None
        elif char == ":" and angle is None and "@" not in phrase:
            phrase = []  # a group's name; its members follow
        else:
            phrase.append(char)
    yield "".join(phrase), None if angle is None else "".join(angle)


def addresses_of(all_fields: Fields, *names: str) -> tuple[str, ...]:
    found = [address for name in names for value in all_fields.named(name) for _, address in addresses(value)]
    return tuple(dict.fromkeys(found[:MAX_ADDRESSES]))


# --- dates and parameters -------------------------------------------------------------------------------------------


def date(value: bytes) -> datetime | None:
    """UTC, or None when it is no date. A date without a zone is taken as UTC (RFC 5322 4.3)."""
    try:
        parsed = parsedate_to_datetime(unfold(value, 200))
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """The value before the first `;`, lower-case, and its parameters (RFC 2231 joined and decoded, RFC 2047, too)."""
    main, found = _remembered(value) if len(value) <= MAX_NAME else _parameters(value)
    return main, dict(found)


def _parameters(value: bytes) -> tuple[str, dict[str, str]]:
    text = unfold(value)
    main = text.partition(";")[0].strip().lower()
    holder = Message()
    holder["Content-Type"] = text
    try:
        pairs = holder.get_params(failobj=[], header="content-type", unquote=True) or []
        found = {name.lower(): decode(collapse_rfc2231_value(raw, errors="replace")) for name, raw in pairs[1:]}
    except (ValueError, TypeError, IndexError, LookupError, AttributeError):
        return main, {}
    return main, found


_remembered = lru_cache(maxsize=1024)(_parameters)
"""Most mails say one of a few types."""

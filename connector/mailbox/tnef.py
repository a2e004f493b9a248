"""winmail.dat: the text and the files in Outlook's own format (TNEF, [MS-OXTNEF]).

Outlook sends it to the world when its sender chose "Rich Text". Reads what a person wants of it, the text and the
files; every length is checked against what is there, nothing recurses, and whatever ends too early keeps what came
before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.mailbox import charset, rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
MAX_ATTRIBUTES = 5_000
MAX_PROPERTIES = 5_000
MAX_FILES = 500

_LEVEL_FILE = 2
_BODY, _CODEPAGE, _MESSAGE_PROPERTIES = 0x0002800C, 0x00069007, 0x00069003
_NEXT_FILE, _TITLE, _DATA, _FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005

# Property ids of [MS-OXPROPS].
_TEXT, _HTML, _RTF, _HTML_CODEPAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
_LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _MIME_TYPE, _CONTENT_ID, _OBJECT = 0x3707, 0x3704, 0x3001, 0x370E, 0x3712, 0x3701

_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING, _UNICODE, _EMBEDDED, _BINARY = 0x1E, 0x1F, 0x0D, 0x102


@dataclass(slots=True)
class File:
    """A file of the container. `name` is as the stranger wrote it."""

    name: str = ""
    content_type: str = "application/octet-stream"
    content_id: str = ""
    data: bytes = b""


@dataclass(slots=True)
class Contents:
    """text: plain, '' if the container has none; html: its source, preferred by nobody when there is text.
    damaged: it ended too early or says impossible lengths."""

    text: str = ""
    html: str = ""
    files: list[File] = field(default_factory=list)
    damaged: bool = False


class _Broken(ValueError):
    """A length that points outside."""


def read(data: bytes) -> Contents:
    """Whatever can be read. Never raises; bytes that are no TNEF give `damaged`."""
    found = Contents()
    if not data.startswith(SIGNATURE):
        found.damaged = True
        return found
    codepage = ""
    try:
        for level, attribute, value in _attributes(data):
            if attribute == _CODEPAGE and len(value) >= 4:
                codepage = f"cp{struct.unpack_from('<I', value)[0]}"
            elif attribute == _BODY and level != _LEVEL_FILE:
                found.text = found.text or charset.decode(value.rstrip(b"\0"), codepage)[0]
            elif attribute == _MESSAGE_PROPERTIES:
                _message(found, value, codepage)
            elif attribute == _NEXT_FILE:
                if len(found.files) >= MAX_FILES:
                    raise _Broken
                found.files.append(File())
            elif found.files:
                _file(found.files[-1], attribute, value, codepage)
    except (_Broken, struct.error):
        found.damaged = True
    found.files = [one for one in found.files if one.name or one.data]
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(level, id, value) of each attribute: [MS-OXTNEF] 2.1.3."""
    at = 6  # signature and legacy key
    for _ in range(MAX_ATTRIBUTES):
        if at >= len(data):
            return
        level, attribute, length = struct.unpack_from("<BII", data, at)
        at += 9
        if at + length > len(data):
            raise _Broken
        yield level, attribute, data[at : at + length]
        at += length + 2  # a checksum follows, which says nothing that the lengths do not
    raise _Broken


def _message(found: Contents, value: bytes, codepage: str) -> None:
    source = compressed = b""
    html_codepage = codepage
    for key, kind, raw in _properties(value):
        if key == _TEXT:
            found.text = found.text or _string(raw, kind, codepage)
        elif key == _HTML:
            source = raw
        elif key == _RTF:
            compressed = raw
        elif key == _HTML_CODEPAGE and len(raw) >= 4:
            number = struct.unpack_from("<I", raw)[0]
            html_codepage = "utf-8" if number == 65001 else f"cp{number}"
    if source:
        found.html = charset.decode(source.rstrip(b"\0"), html_codepage)[0]
    elif compressed and not found.text.strip():
        found.text = rtf.to_text(rtf.decompress(compressed))


def _file(one: File, attribute: int, value: bytes, codepage: str) -> None:
    if attribute == _TITLE:
        one.name = one.name or charset.decode(value.rstrip(b"\0"), codepage)[0]
    elif attribute == _DATA:
        one.data = value
    elif attribute == _FILE_PROPERTIES:
        names = {_LONG_NAME: "", _SHORT_NAME: "", _SHOWN_NAME: ""}
        for key, kind, raw in _properties(value):
            if key in names:
                names[key] = _string(raw, kind, codepage)
            elif key == _MIME_TYPE:
                one.content_type = _string(raw, kind, codepage).strip().lower()[:127] or one.content_type
            elif key == _CONTENT_ID:
                one.content_id = _string(raw, kind, codepage)
            elif key == _OBJECT and not one.data:
                one.data = raw[16:]  # a class id stands before the bytes of an embedded object
        one.name = names[_LONG_NAME] or one.name or names[_SHORT_NAME] or names[_SHOWN_NAME]


def _properties(value: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(id, type, first value's bytes) of each MAPI property: [MS-OXTNEF] 2.1.3.4."""
    (count,) = struct.unpack_from("<I", value)
    at = 4
    for _ in range(min(count, MAX_PROPERTIES)):
        kind, key = struct.unpack_from("<HH", value, at)
        at += 4
        if key >= 0x8000:  # a named property: its name is of no interest
            at = _behind_name(value, at)
        several, kind = bool(kind & 0x1000), kind & 0x0FFF
        size = _FIXED.get(kind)
        if size is None and kind not in (_STRING, _UNICODE, _EMBEDDED, _BINARY):
            raise _Broken  # its length is unknown, so what follows cannot be read
        amount = 1
        if several or size is None:
            (amount,) = struct.unpack_from("<I", value, at)
            at += 4
        first = b""
        if size is not None:
            first, at = value[at : at + size], at + size * amount
            if at > len(value):
                raise _Broken
        else:
            if amount > len(value):
                raise _Broken
            for number in range(amount):
                piece, at = _sized(value, at)
                first = piece if number == 0 else first
        yield key, kind, first


def _behind_name(value: bytes, at: int) -> int:
    (named,) = struct.unpack_from("<I", value, at + 16)
    if not named:
        return at + 24
    return _sized(value, at + 20)[1]


def _sized(value: bytes, at: int) -> tuple[bytes, int]:
    """A length, that many bytes, and padding to four."""
    (length,) = struct.unpack_from("<I", value, at)
    at += 4
    if at + length > len(value):
        raise _Broken
    return value[at : at + length], at + length + -length % 4


def _string(raw: bytes, kind: int, codepage: str) -> str:
    if kind == _UNICODE:
        return charset.scrub(raw.decode("utf-16-le", "replace").rstrip("\0"))
    return charset.decode(raw.rstrip(b"\0"), codepage)[0]

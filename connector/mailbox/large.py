"""What is kept of a mail that is too large to be fetched: its header, its first text, and what was attached to it.

Reads the server's BODYSTRUCTURE (RFC 3501 7.4.2) as imapclient parses it, and puts header and text together to a mail
that every reader understands. Knows nothing of the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connector.core.model import Attachment
from connector.mailbox import attached, header
from connector.mailbox.structure import MAX_DEPTH, MAX_PARTS, Part

HEADER_BYTES = 256_000
TEXT_BYTES = 1_000_000
"""So much of a large mail's text is kept; a person writes less."""

_TEXTS = ("text/plain", "text/html")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part without parts. section: its number for FETCH. size: bytes as they are encoded. part: its own header
    fields."""

    section: str
    content_type: str
    encoding: str
    size: int
    part: Part

    @property
    def is_file(self) -> bool:
        named = bool(attached.file_name(self.part)) or attached.is_attachment(self.part)
        return named or not self.content_type.startswith("text/")

    def as_attachment(self, number: int) -> Attachment:
        decoded = self.size * 57 // 78 if self.encoding == "base64" else self.size  # lines of 76 characters and CR LF
        name = attached.clean_name(attached.file_name(self.part)) or f"part-{number}"
        return Attachment(name, self.content_type, decoded)


@dataclass(frozen=True, slots=True)
class Outline:
    """The leaves of a mail. boundary: that of its outermost multipart, b'' for a mail of one part."""

    leaves: tuple[Leaf, ...]
    boundary: bytes

    @property
    def text(self) -> Leaf | None:
        """What its author wrote, as far as types tell: the first plain text that is no file, else the first HTML."""
        for wanted in _TEXTS:
            for leaf in self.leaves:
                if leaf.content_type == wanted and not leaf.is_file:
                    return leaf
        return None

    @property
    def omitted(self) -> tuple[Attachment, ...]:
        files = [leaf for leaf in self.leaves if leaf.is_file]
        return tuple(leaf.as_attachment(number) for number, leaf in enumerate(files, start=1))


def outline(structure: object) -> Outline:
    """Raises ValueError for what is no BODYSTRUCTURE."""
    if not isinstance(structure, tuple) or not structure:
        raise ValueError("no BODYSTRUCTURE")
    boundary = b""
    if isinstance(structure[0], list):
        parameters = dict(_pairs(structure[2] if len(structure) > 2 else None))
        boundary = parameters.get(b"boundary", b"")
    return Outline(tuple(_leaves(structure)), boundary)


def reduced(head: bytes, found: Outline, text: bytes) -> bytes:
    """A mail of this header (as it was, with its empty line) and this text (as it was encoded) alone."""
    head = head.rstrip(b"\r\n") + b"\r\n\r\n"
    leaf = found.text
    if leaf is None or not found.boundary:
        return head + text
    mark = b"--" + found.boundary
    fields = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in leaf.part.fields)
    return head + mark + b"\r\n" + fields + b"\r\n" + text.rstrip(b"\r\n") + b"\r\n" + mark + b"--\r\n"


def _leaves(structure: Sequence[Any]) -> Iterator[Leaf]:
    waiting = [("", structure, 0)]
    seen = 0
    while waiting:
        section, part, depth = waiting.pop()
        seen += 1
        if seen > MAX_PARTS or depth > MAX_DEPTH:
            return  # what is built to break readers tells nothing more
        if isinstance(part[0], list):
            children = [(f"{section}.{n}".lstrip("."), child, depth + 1) for n, child in enumerate(part[0], start=1)]
            waiting += reversed(children)
        else:
            leaf = _leaf(section or "1", part)
            if leaf is not None:
                yield leaf


def _leaf(section: str, part: Sequence[Any]) -> Leaf | None:
    """type, subtype, parameters, id, description, encoding, size; then, by type, more; then MD5 and disposition."""
    if len(part) < 7:
        return None
    content_type = b"/".join(_bytes(value) for value in part[:2]).lower()
    encoding = _bytes(part[5]).lower()
    declared = content_type + _parameters(part[2])
    fields = [("content-type", declared), ("content-transfer-encoding", encoding)]
    rest = (value for value in part[7:] if isinstance(value, tuple) and len(value) == 2)
    disposition = next((v for v in rest if _bytes(v[0]).lower() in (b"attachment", b"inline")), None)
    if disposition is not None:
        fields.append(("content-disposition", _bytes(disposition[0]).lower() + _parameters(disposition[1])))
    main, parameters = header.parameters(declared)
    described = Part(header.Fields(fields), b"", main, parameters)
    size = part[6] if isinstance(part[6], int) else 0
    return Leaf(section, main, encoding.decode("ascii", "replace"), size, described)


def _parameters(flat: object) -> bytes:
    """(name value name value) as they stand in a header."""
    quoted = ((name, value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')) for name, value in _pairs(flat))
    return b"".join(b"; " + name + b'="' + value + b'"' for name, value in quoted)


def _pairs(flat: object) -> Iterator[tuple[bytes, bytes]]:
    values = [_bytes(value) for value in flat] if isinstance(flat, tuple) else []
    return zip((name.lower() for name in values[::2]), values[1::2], strict=False)


def _bytes(value: object) -> bytes:
    """One value without line ends: it becomes part of a header line."""
    text = value if isinstance(value, bytes) else b"" if value is None else str(value).encode()
    return b"".join(text.split(b"\r")).replace(b"\n", b"")

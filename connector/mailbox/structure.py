"""The parts of a mail, cut out of its bytes by boundary.

A scanner of its own: the standard library's parser recurses into every multipart and compares each line with every
boundary that is open, so a deep or long-winded mail stops it or takes minutes. Here each level is searched once, depth
and number of parts are bounded, and nothing is decoded. Knows RFC 2046; does not know what any part means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.errors import MailUnreadable
from connector.mailbox import header

MAX_DEPTH = 50
MAX_PARTS = 2_000
MAX_PART_FIELDS = 60
_BLANKS = b" \t\r"


@dataclass(slots=True)
class Part:
    """One node. `body`: raw bytes behind the header; for a multipart only its children matter."""

    fields: header.Fields
    body: bytes
    content_type: str
    parameters: dict[str, str]
    children: list[Part] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_multipart(self) -> bool:
        return bool(self.children)

    def text_field(self, name: str) -> str:
        """A field's value, decoded; '' if there is none."""
        found = self.fields.named(name)
        return header.decode(found[0]) if found else ""


def read(raw: bytes) -> Part:
    """The tree of parts. Raises MailUnreadable `mail.too_deep` or `mail.too_many_parts`."""
    root, budget = _part(raw, "text/plain", header.MAX_FIELDS), MAX_PARTS
    waiting = [(root, 0)]
    while waiting:
        part, depth = waiting.pop()
        if not part.content_type.startswith("multipart/"):
            continue
        boundary = part.parameters.get("boundary", "")
        sections = list(_sections(part.body, boundary.encode("utf-8", "replace"), budget)) if boundary else []
        if not sections:  # no boundary or none found: whatever stands there is text (RFC 2046 5.2 by analogy)
            part.problems.append("boundary-missing")
            part.content_type = "text/plain"
            continue
        if depth >= MAX_DEPTH:
            raise MailUnreadable("mail.too_deep", limit=MAX_DEPTH)
        budget -= len(sections)
        if budget < 0:
            raise MailUnreadable("mail.too_many_parts", limit=MAX_PARTS)
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        part.children = [_part(section, default, MAX_PART_FIELDS) for section in sections]
        waiting += [(child, depth + 1) for child in part.children]
    return root


def walk(root: Part) -> Iterator[Part]:
    """Every node, parents before children, in the order of the mail."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed(part.children)


def _part(raw: bytes, default_type: str, limit: int) -> Part:
    block, body = header.split(raw)
    fields = header.fields(block, limit)
    declared = fields.named("content-type")
    content_type, parameters = header.parameters(declared[0]) if declared else (default_type, {})
    main, slash, sub = content_type.partition("/")
    if not (main and slash and sub) or not content_type.isascii() or " " in content_type or len(content_type) > 127:
        content_type = "text/plain"  # RFC 2045 5.2
    return Part(fields=fields, body=body, content_type=content_type, parameters=parameters)


def _sections(body: bytes, boundary: bytes, most: int) -> Iterator[bytes]:
    """What stands between the delimiter lines; the closing one may be missing (RFC 2046 5.1.1). At most `most` + 1."""
    mark = b"--" + boundary
    start = -1
    count = 0
    # Only line starts are looked at, so every line is read at most once whatever the boundary looks like.
    position = 0 if body.startswith(mark) else body.find(b"\n" + mark) + 1 or -1
    while position >= 0 and count <= most:
        line_end = body.find(b"\n", position)
        line_end = len(body) if line_end < 0 else line_end
        rest = body[position + len(mark) : min(line_end, position + len(mark) + 200)].strip(_BLANKS)
        if rest in (b"", b"--"):
            if start >= 0:
                count += 1
                yield _without_last_newline(body[start:position])
            if rest == b"--":
                return
            start = min(line_end + 1, len(body))
        position = body.find(b"\n" + mark, line_end) + 1 or -1
    if start >= 0:
        yield body[start:]


def _without_last_newline(section: bytes) -> bytes:
    """The line end before a delimiter belongs to the delimiter."""
    return section.removesuffix(b"\n").removesuffix(b"\r")

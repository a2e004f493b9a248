"""Where a signature begins: `-- ` on a line of its own, or the line that a telephone adds."""

from __future__ import annotations

from connector.core import quote_headers as words
from connector.core.textlines import blank, seen

SIGNATURE_LINES = 30
"""Lines after `-- ` that may still be a signature; `--` alone divides texts too, so it gets fewer."""
BARE_SIGNATURE_LINES = 8
MOBILE_LINES = 3

_MOBILE = tuple(tuple(word.casefold().partition("…")[::2]) for word in words.MOBILE)
_POSSESSIVE = tuple(word.casefold() for word in words.POSSESSIVE)
_DEVICES = tuple(word.casefold() for word in words.DEVICES)


def signature_start(lines: list[str], start: int, end: int) -> tuple[int, int]:
    """Where the signature of lines[start:end] begins (end: none) and how many lines with text it has."""
    found, found_size, size = end, 0, 0
    for index in range(end - 1, start - 1, -1):
        line = lines[index]
        if blank(line):
            continue
        size += 1
        if size > SIGNATURE_LINES + 1:
            break
        short = line.rstrip(" \t\u00a0") if len(line) <= 8 else ""
        limit = SIGNATURE_LINES if line.startswith("-- ") else BARE_SIGNATURE_LINES
        if short in ("--", "—", "- --") and size - 1 <= limit:  # RFC 3676 section 4.3: "-- " on a line of its own
            return index, size
        if len(line) <= 120 and size <= MOBILE_LINES and _is_mobile(seen(line).strip("_-()<>[]~ ")):
            found, found_size = index, size
    return found, found_size


def _is_mobile(line: str) -> bool:
    """A whole line of a telephone's: `Sent from my desk, it is quicker` is a sentence, its device comes too late."""
    if line.endswith((" from mobile", " from my mobile")) or line.startswith(("from my iphone", "from my ipad")):
        return len(line) <= 40
    head = line.split(", ", 1)[0]
    named = any(device in head for device in _DEVICES)
    for start, later in _MOBILE:
        if line.startswith(start) and (later in line if later else named):
            return True
    return line.startswith(_POSSESSIVE) and "," not in line and len(line.split()) <= 6 and not line.endswith("?")

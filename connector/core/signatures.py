"""Where a signature begins: `-- ` on a line of its own, or the line that a telephone adds."""

from __future__ import annotations

from connector.core import quote_headers as words
from connector.core.textlines import blank, seen

SIGNATURE_LINES = 30
"""Lines after `-- ` that may still be a signature; `--` alone divides texts too, so it gets fewer."""
BARE_SIGNATURE_LINES = 8
MOBILE_LINES = 3

_MOBILE = tuple(tuple(word.casefold().partition("…")[::2]) for word in words.MOBILE)
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
        if len(line) <= 120 and size <= MOBILE_LINES and _is_mobile(seen(line).strip("_- ")):
            found, found_size = index, size
    return found, found_size


def _is_mobile(line: str) -> bool:
    named = any(device in line for device in _DEVICES)
    return any(line.startswith(start) and (later in line if later else named) for start, later in _MOBILE)

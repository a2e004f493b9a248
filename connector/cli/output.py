"""The one way in which text reaches a terminal or a pipe: safe, and the same for every command.

Foreign text (names, subjects, messages) may hold escape sequences that take a terminal over; `safe` makes every
control character visible. Rich is used for progress only, with markup off.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal

import click

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def safe(text: object, *, lines: bool = False) -> str:
    """Foreign text for a terminal: control and direction characters become visible escapes. lines: keep line ends."""
    out = []
    for char in str(text):
        if char == "\n" and lines:
            out.append(char)
        elif char in _BIDI or unicodedata.category(char) in ("Cc", "Cs", "Co"):
            out.append(f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return "".join(out)


def say(text: str = "") -> None:
    """A line for the reader on standard output."""
    click.echo(text)


def warn(text: str) -> None:
    """A line on standard error."""
    click.echo(text, err=True)


def emit_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, widest: int = 60) -> None:
    """Columns aligned by width; a long value is cut with an ellipsis. Prints the headings also for no rows."""
    cells = [[_cell(value, widest) for value in row] for row in rows]
    widths = [
        max([_width(head), *(_width(row[i]) for row in cells if i < len(row))]) for i, head in enumerate(headings)
    ]
    for row in [list(headings), *cells]:
        say("  ".join(_pad(value, widths[i]) for i, value in enumerate(row)).rstrip())


def pairs(values: Mapping[str, object]) -> None:
    """`name: value` lines, aligned."""
    width = max((_width(name) for name in values), default=0)
    for name, value in values.items():
        say(f"{_pad(name + ':', width + 1)} {safe(value)}")


def _cell(value: object, widest: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    text = safe(value)
    return text if len(text) <= widest else text[: widest - 1] + "…"


def _width(text: str) -> int:
    """Columns on a terminal: wide East Asian characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )


def _pad(text: str, width: int) -> str:
    return text + " " * max(0, width - _width(text))


LARGEST_ID = 2**63 - 1
ID = click.IntRange(1, LARGEST_ID)
"""An id on the command line: what a row number can be."""


def is_id(text: str) -> bool:
    """Is this text the number of a row?"""
    return text.isascii() and text.isdecimal() and 0 < int(text[:20]) <= LARGEST_ID

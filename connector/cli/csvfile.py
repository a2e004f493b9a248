"""CSV for people who open it with a spreadsheet: one line a row, and no cell that is taken for a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

RISKY = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """None is empty. Foreign text gets an apostrophe in front where a spreadsheet would calculate; control characters
    and line ends become blanks, so that a row stays one line."""
    text = "" if value is None else str(value)
    guarded = f"'{text}" if text.startswith(RISKY) else text
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in guarded)


def lines(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """RFC 4180, one text a row with its line end; the headings first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in chain([headings], rows):
        writer.writerow([cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()

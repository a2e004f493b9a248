"""Which line of a TOML text sets which key: `tomllib` forgets that, and an error should name it.

Only for texts that `tomllib` has already read without complaint; keys inside inline tables are not found (the line of
the key that holds the table is the answer then).
"""

from __future__ import annotations

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_PATH})\s*\]")
_KEY = re.compile(rf"\s*({_PATH})\s*=(.*)")
_STRING_OR_COMMENT = re.compile(r"""\"(?:\\.|[^"\\])*"|'[^']*'|#.*""")


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Path of a key or table -> its line, counted from 1."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    quotes, depth = "", 0  # inside a multi-line string; inside an array over several lines
    for number, line in enumerate(text.splitlines(), start=1):
        rest = line
        if not quotes and depth == 0:
            if header := _HEADER.match(line):
                table = _parts(header[1])
                found.setdefault(table, number)
                continue
            if not (key := _KEY.match(line)):
                continue
            found.setdefault(table + _parts(key[1]), number)
            rest = key[2]
        quotes, rest = _multi_line(quotes, rest)
        bare = _STRING_OR_COMMENT.sub("", rest)
        depth += bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")
    return found


def _multi_line(quotes: str, rest: str) -> tuple[str, str]:
    """(the quotes that are still open at the end of the line, the line without multi-line strings)"""
    outside = ""
    while rest:
        if quotes:
            _, closed, rest = rest.partition(quotes)
            if not closed:
                return quotes, outside
            quotes = ""
        opening = re.search(r"\"\"\"|'''|" + _STRING_OR_COMMENT.pattern, rest)
        if opening is None:
            return "", outside + rest
        if opening[0] in ('"""', "'''"):
            outside += rest[: opening.start()]
            quotes = opening[0]
        elif opening[0].startswith("#"):
            return "", outside + rest[: opening.start()]
        else:
            outside += rest[: opening.start()]
        rest = rest[opening.end() :]
    return quotes, outside


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, path))


def line_of(lines: dict[tuple[str, ...], int], path: tuple[str, ...]) -> int | None:
    """The line of the key, else of the nearest table around it."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None

"""What the person newly wrote: the text of a mail in three parts, without losing a line.

A scanner over lines: each line is looked at a bounded number of times and only up to `LOOK` characters, so the work
grows with the size of the text and with nothing else. Three of four libraries for this task can be hung by a mail of
less than 300 kB, and two can empty one; here, when everything would be cut, nothing is.

The text itself is never changed, only divided. Full texts are kept elsewhere; this decides what a reader sees first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from connector.core import quote_headers as words
from connector.core.signatures import signature_start
from connector.core.textlines import LOOK, blank, seen

HEADER_LINES = 4
BLOCK_LINES = 10

Confidence = Literal["high", "low"]


@dataclass(frozen=True, slots=True)
class Extracted:
    """new, quoted and signature together hold every line of the text; each keeps the lines' order.

    confidence: low when quotes had to stay in `new` (answers between quotes, or nothing else to show).
    """

    new: str
    quoted: str
    signature: str
    confidence: Confidence


_VERBS = tuple(word.casefold() for word in words.VERBS)
_PRONOUNS = tuple(f" {word.casefold()}" for word in words.PRONOUNS)
_STARTS = tuple(word.casefold() for word in words.STARTS)
_START_WORDS = frozenset(word for word in _STARTS if " " not in word)
_START_PHRASES = (*(word + " " for word in _STARTS if " " in word), "ב-", "בתאריך", "於", "在", "于")
_LABELS = {label.casefold(): kind for kind, labels in words.LABELS.items() for label in labels}
_ORIGINALS = frozenset(word.casefold() for word in words.ORIGINALS)
_FORWARDS = frozenset(word.casefold() for word in words.FORWARDS)
_SEPARATORS = tuple(word.casefold() for word in words.SEPARATORS)

_N, _Q, _S, _F = "new", "quoted", "signature", "forwarded"

_TIME = re.compile(r"\d{1,2} ?(?:[:h：]|uhr|時|时|點|点|시|часов) ?\d{0,2}|\bkl(?:o|\.)? ?\d{1,2}")
_DATE = re.compile(r"\d{4}|\d[-./] ?\d|[年月]")
_DATE_START = re.compile(r"[\"'(]?(?:\d{1,4}[-./年년 ]|\w{1,12}[.,]{1,2} ?\d{1,2}[-./ ])")
_COLONS = (":", "：", "﹕")


def extract(text: str) -> Extracted:
    """Divide a mail's text into what is new, what is quoted and the signature."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not any(not blank(line) for line in lines):
        return Extracted(text, "", "", "high")
    marks = _mark(lines)
    if _interleaved(lines, marks):
        marks = [_F if mark == _F else _N for mark in marks[: _last(lines, marks) + 1]] + marks[
            _last(lines, marks) + 1 :
        ]
        _mark_signatures(lines, marks)
        return _parts(lines, marks, "low")
    _mark_signatures(lines, marks)
    if not any(mark in (_N, _F) and not blank(line) for line, mark in zip(lines, marks, strict=True)):
        return Extracted(_join(lines), "", "", "low")
    return _parts(lines, marks, "high")


def _mark(lines: list[str]) -> list[str]:
    """new, quoted or forwarded, line by line."""
    looks = [seen(line) for line in lines]
    marks = [_N] * len(lines)
    at = 0
    while at < len(lines):
        line = looks[at]
        if not line:
            at += 1
            continue
        if line.startswith(">") or _is_bar_quote(line):
            marks[at] = _Q
            at += 1
            continue
        if _is_forward(line):
            marks[at:] = [_F] * (len(lines) - at)
            break
        if _ends_all(looks, at):
            marks[at:] = [_Q] * (len(lines) - at)
            break
        length = _header_length(looks, at)
        if length:
            following = _next_line(looks, at + length)
            if following is None or not (following.startswith(">") or _is_bar_quote(following)):
                if at and looks[at - 1] and not any("@" in part for part in looks[at : at + length]):
                    at += 1  # within a paragraph and without an address: a person's sentence
                    continue
                marks[at:] = [_Q] * (len(lines) - at)  # the program did not mark the quoted lines: it goes to the end
                break
            marks[at : at + length] = [_Q] * length
            at += length
            continue
        at += 1
    _join_gaps(looks, marks)
    return marks


def _join_gaps(looks: list[str], marks: list[str]) -> None:
    """Empty lines between quoted lines belong to the quote."""
    before, gap = _N, 0
    for index, line in enumerate(looks):
        if not line:
            gap += 1
            continue
        if before == marks[index] == _Q:
            marks[index - gap : index] = [_Q] * gap
        before, gap = marks[index], 0


def _is_bar_quote(line: str) -> bool:
    """`| quoted`, but not a row of a table."""
    return line.startswith("|") and (line == "|" or (line[1] in " |>" and "|" not in line.lstrip("|> ")))


def _bare(line: str) -> tuple[str, int]:
    """A line without the dashes around it, and how many signs were taken away at its start."""
    inner = line.lstrip("-_=*#–— ")
    return inner.rstrip("-_=*#–— :：").strip(), len(line) - len(inner)


def _is_forward(line: str) -> bool:
    inner, taken = _bare(line)
    return inner in _FORWARDS and (taken >= 2 or line.endswith(_COLONS))


def _ends_all(looks: list[str], at: int) -> bool:
    """Does a quote begin here that goes to the end: an Outlook header block, a separator, `reply above this line`?"""
    line = looks[at]
    inner, taken = _bare(line)
    if inner in _ORIGINALS and taken >= 2:
        return True
    if len(line) <= 150 and any(phrase in line for phrase in _SEPARATORS):
        return True
    if taken >= 10 and not inner:  # a line of underscores: only with a header block below
        below = _next_index(looks, at + 1)
        return below is not None and _is_block(looks, below)
    return _is_block(looks, at)


def _label(line: str) -> str:
    """Which header a line of an Outlook block is: from, sent, to, cc or subject; '' for none."""
    for colon in _COLONS:
        head, found, _rest = line[:60].partition(colon)
        if found:
            kind = _LABELS.get(head.strip("*_ "))
            if kind:
                return kind
    return ""


def _is_block(looks: list[str], at: int) -> bool:
    """From, Sent, To, Subject in any language and order. A traveller's `From: Berlin / To: Rome` has neither subject
    nor address."""
    if _label(looks[at]) not in ("from", "sent"):
        return False
    kinds: set[str] = set()
    address = False
    for line in looks[at : at + BLOCK_LINES]:
        if not line:
            if kinds >= {"from"} and len(kinds) >= 2:
                break
            continue  # some programs put an empty line between the headers
        kind = _label(line)
        if kind:
            kinds.add(kind)
        address = address or ("@" in line and bool(kind))
    return "from" in kinds and len(kinds) >= 3 and ("subject" in kinds or address)


def _header_length(looks: list[str], at: int) -> int:
    """How many lines the quote header that begins here has, 0 for none."""
    if not _may_begin(looks[at]):
        return 0
    joined = ""
    for length in range(1, HEADER_LINES + 1):
        here = at + length - 1
        if here >= len(looks) or not looks[here] or looks[here].startswith(">") or len(looks[here]) >= LOOK:
            return 0
        joined = f"{joined} {looks[here]}" if joined else looks[here]
        strength = _strength(joined, length, looks, here)
        if strength:
            for later in range(at + 1, here + 1):  # a line of text above the header is no part of it
                inner = " ".join(looks[later : here + 1])
                other = _strength(inner, here + 1 - later, looks, here)
                if (other == 2 and _DATE.search(inner)) or (other == 1 and strength == 1):
                    return 0
            return length
    return 0


def _may_begin(line: str) -> bool:
    return len(line) < LOOK and (
        _starts(line) or "@" in line or any(c.isdigit() for c in line) or line.endswith(_COLONS) or _has_verb(line)
    )


def _starts(line: str) -> bool:
    word = line.split(" ", 1)[0]
    return word in _START_WORDS or line.startswith(_START_PHRASES)


def _has_verb(text: str) -> bool:
    return any(verb in text for verb in _VERBS)


def _strength(text: str, length: int, looks: list[str], last: int) -> int:
    """2: surely a quote header, by its first word. 1: by its parts only. 0: none."""
    if not text.endswith(_COLONS) and not text.endswith(("写道", "寫道")):
        return 0
    if any(phrase in f" {text}" for phrase in _PRONOUNS):
        return 0
    time, address, verb = _TIME.search(text) is not None, "@" in text, _has_verb(text)
    following = _next_line(looks, last + 1)
    marked = following is not None and following.startswith(">")
    digits = any(c.isdigit() for c in text)
    if _starts(text) and verb and (address or marked or (time and _DATE.search(text))):
        return 2
    if _starts(text) and address and time:
        return 2
    if address and time and digits and len(text) <= 300 and ("<" in text or "(" in text or "[" in text):
        return 1
    if verb and (time or address) and digits and _DATE_START.match(text):
        return 1
    if verb and address and digits and not text.startswith("<"):
        return 1
    return 1 if (verb or address) and marked and length == 1 and not text.startswith("<") else 0


def _next_index(looks: list[str], at: int) -> int | None:
    for index in range(at, min(at + 4, len(looks))):
        if looks[index]:
            return index
    return None


def _next_line(looks: list[str], at: int) -> str | None:
    index = _next_index(looks, at)
    return None if index is None else looks[index]


def _interleaved(lines: list[str], marks: list[str]) -> bool:
    """Does new text stand between quotes?"""
    runs = [mark for line, mark in zip(lines, marks, strict=True) if not blank(line)]
    groups = [mark for index, mark in enumerate(runs) if index == 0 or runs[index - 1] != mark]
    first = groups.index(_Q) if _Q in groups else len(groups)
    return groups[first:].count(_Q) >= 2


def _last(lines: list[str], marks: list[str]) -> int:
    """Index of the last quoted line."""
    return max(index for index, mark in enumerate(marks) if mark == _Q and not blank(lines[index]))


def _mark_signatures(lines: list[str], marks: list[str]) -> None:
    """Find the signature at the end of every stretch of new text; never one that would leave nothing."""
    written = sum(mark in (_N, _F) and not blank(line) for line, mark in zip(lines, marks, strict=True))
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and marks[end] == marks[start]:
            end += 1
        if marks[start] == _N:
            cut, size = signature_start(lines, start, end)
            if cut < end and size < written:
                marks[cut:end] = [_S] * (end - cut)
                written -= size
        start = end


def _parts(lines: list[str], marks: list[str], confidence: Confidence) -> Extracted:
    pick = {
        wanted: _join([line for line, mark in zip(lines, marks, strict=True) if mark in wanted])
        for wanted in ((_N, _F), (_Q,), (_S,))
    }
    return Extracted(pick[_N, _F], pick[(_Q,)], pick[(_S,)], confidence)


def _join(lines: list[str]) -> str:
    """Lines without the empty ones at both ends."""
    first, last = 0, len(lines)
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    return "\n".join(lines[first:last])

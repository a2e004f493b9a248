"""What the person newly wrote: the text of a mail in three parts, without losing a line.

A scanner over lines: each line is looked at a bounded number of times and only up to `LOOK` characters, so the work
grows with the size of the text and with nothing else. Three of four libraries for this task can be hung by a mail of
less than 300 kB, and two can empty one; here, when everything would be cut, nothing is.

The text itself is never changed, only divided. Full texts are kept elsewhere; this decides what a reader sees first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connector.core import quote_starts as starts
from connector.core.signatures import signature_start
from connector.core.textlines import blank, seen

MAX_CHARS = 2_000_000
MAX_LINES = 30_000
MOST_LOOKS = 3_000
"""Lines of one text that are looked at closely. No mail of a person comes near; each costs some 20 microseconds."""
PICKED_LINES = 8
"""A quote without a header that is longer is taken for the mail that was answered, not for a passage picked out."""

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


_N, _Q, _H, _F, _S = "new", "quoted", "header", "forwarded", "signature"
_QUOTED = (_Q, _H)


def extract(text: str, subject: str = "") -> Extracted:
    """Divide a mail's text into what is new, what is quoted and the signature.

    A `subject` that begins with the mark of a forward (`FW:`, `WG:`, `TR:` ...) says that a header block begins a mail
    that was passed on, which is for us to read; without it such a block begins a quote. A text of more than MAX_CHARS
    characters or MAX_LINES lines, or with more than MOST_LOOKS lines that might begin a quote, is given back whole.
    """
    if len(text) > MAX_CHARS:
        return Extracted(text, "", "", "low")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    gaps = [blank(line) for line in lines]
    if all(gaps):
        return Extracted(text, "", "", "high")
    if len(lines) > MAX_LINES:
        return Extracted(_join(lines), "", "", "low")
    marks = _Marker(lines, starts.is_forward_subject(subject)).run()
    if marks is None:
        return Extracted(_join(lines), "", "", "low")
    confidence: Confidence = "high"
    if _Q in marks and _answers_between(gaps, marks):
        last = _last(gaps, marks)
        marks[: last + 1] = [_F if mark == _F else _N for mark in marks[: last + 1]]
        confidence = "low"
    _mark_signatures(lines, gaps, marks)
    if not _written(gaps, marks):
        return Extracted(_join(lines), "", "", "low")
    return _parts(lines, gaps, marks, confidence)


class _Marker:
    """new, quoted, header of a quote, or forwarded: line by line, in one pass."""

    def __init__(self, lines: list[str], passed_on: bool) -> None:
        self.looks = [seen(line) for line in lines]
        self.passed_on = passed_on
        self.marks = [_N] * len(lines)
        self.written = False  # has new text been seen?
        self.work = 0

    def run(self) -> list[str] | None:
        """None: too many lines look like the start of a quote to be worth the time."""
        at = 0
        while 0 <= at < len(self.looks):
            if self.looks[at]:
                at = self._step(at)
                if self.work > MOST_LOOKS:
                    return None
            else:
                at += 1
        _join_gaps(self.looks, self.marks)
        return self.marks

    def _step(self, at: int) -> int:
        """Mark the line at `at`, perhaps with its neighbours; where to go on, -1 when all is marked."""
        looks = self.looks
        if starts.is_quoted(looks[at]):
            self.marks[at] = _Q
            return at + 1
        if starts.is_forward(looks[at]):
            return self._rest(at, _F)
        if starts.ends_all(looks, at):
            self.work += 1
            if self.passed_on and starts.is_block(looks, at):
                return self._rest(at, _F)
            if self.written:
                return self._rest(at, _Q)
            while at < len(looks) and looks[at]:  # nothing stands above: this is not where the quoted mail begins
                at += 1
            self.written = True
            return at
        length = self._header(at)
        if length < 0:
            return self._rest(at, _Q)
        self.marks[at : at + length] = [_H] * length
        self.written = self.written or not length
        return at + max(length, 1)

    def _rest(self, at: int, mark: str) -> int:
        self.marks[at:] = [mark] * (len(self.marks) - at)
        return -1

    def _header(self, at: int) -> int:
        """Lines of the quote header that begins here, 0 for none, -1 when an unmarked quote follows it."""
        looks = self.looks
        if not starts.may_begin(looks, at):
            return 0
        self.work += 1
        length = starts.header_length(looks, at)
        if not length:
            return 0
        following = starts.next_line(looks, at + length)
        if following is not None and starts.is_quoted(following):
            return length
        if at and looks[at - 1] and not any("@" in part for part in looks[at : at + length]):
            return 0  # within a paragraph and without an address: a person's sentence
        return -1  # the program did not mark the quoted lines: the quote goes to the end


def _join_gaps(looks: list[str], marks: list[str]) -> None:
    """Empty lines between quoted lines belong to the quote."""
    before, gap = _N, 0
    for index, line in enumerate(looks):
        if not line:
            gap += 1
            continue
        if before in _QUOTED and marks[index] in _QUOTED:
            marks[index - gap : index] = [_Q] * gap
        before, gap = marks[index], 0


def _is_bar_quote(line: str) -> bool:
    """`| quoted`, but not a row of a table."""
    return line.startswith("|") and (line == "|" or (line[1] in " |>" and "|" not in line.lstrip("|> ")))


def _written(gaps: list[bool], marks: list[str]) -> int:
    """How many lines with something in them are new or forwarded."""
    return sum(mark in (_N, _F) and not gap for gap, mark in zip(gaps, marks, strict=True))


def _answers_between(gaps: list[bool], marks: list[str]) -> bool:
    """Does new text stand between quotes, or below a short passage that the person picked out? Such a passage has
    no header: it is what the answer refers to, not the mail that was answered."""
    groups: list[tuple[str, bool, int]] = []  # quoted or not, with a header, lines
    for mark in (mark for gap, mark in zip(gaps, marks, strict=True) if not gap):
        kind = _Q if mark in _QUOTED else mark
        if groups and groups[-1][0] == kind:
            groups[-1] = (kind, groups[-1][1] or mark == _H, groups[-1][2] + 1)
        else:
            groups.append((kind, mark == _H, 1))
    quotes = [number for number, group in enumerate(groups) if group[0] == _Q]
    if len(quotes) != 1:
        return len(quotes) > 1
    number = quotes[0]
    _kind, headed, size = groups[number]
    return not headed and number + 1 < len(groups) and size <= PICKED_LINES


def _last(gaps: list[bool], marks: list[str]) -> int:
    """Index of the last quoted line."""
    return max(index for index, mark in enumerate(marks) if mark in _QUOTED and not gaps[index])


def _mark_signatures(lines: list[str], gaps: list[bool], marks: list[str]) -> None:
    """Find the signature at the end of every stretch of new text; never one that would leave nothing."""
    written = _written(gaps, marks)
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


def _parts(lines: list[str], gaps: list[bool], marks: list[str], confidence: Confidence) -> Extracted:
    pick = {wanted: _join(_picked(lines, gaps, marks, wanted)) for wanted in ((_N, _F), _QUOTED, (_S,))}
    return Extracted(pick[_N, _F], pick[_QUOTED], pick[(_S,)], confidence)


def _picked(lines: list[str], gaps: list[bool], marks: list[str], wanted: tuple[str, ...]) -> list[str]:
    """The lines of these marks; where others were left out between empty lines, one of them stays."""
    picked: list[str] = []
    cut = after_gap = False
    for line, gap, mark in zip(lines, gaps, marks, strict=True):
        if mark not in wanted:
            cut = True
            continue
        if cut and gap and after_gap:
            continue
        cut, after_gap = cut and gap, gap
        picked.append(line)
    return picked


def _join(lines: list[str]) -> str:
    """Lines without the empty ones at both ends."""
    first, last = 0, len(lines)
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    return "\n".join(lines[first:last])

"""Where a quote begins: `On ... wrote:`, an Outlook header block, `-----Original Message-----`, a forward.

Looks at lines as `textlines.seen` gives them. Every function looks at a bounded number of lines and at no line twice as
often because it is long. The words of the languages are data: `quote_headers`.
"""

from __future__ import annotations

import re

from connector.core import quote_headers as words
from connector.core.textlines import LOOK

HEADER_LINES = 5
BLOCK_LINES = 10
NEAR = 8
"""Lines below a header in which the quoted text begins at the latest."""

_VERBS = tuple(word.casefold() for word in words.VERBS)
_PRONOUNS = tuple(f" {word.casefold()}" for word in words.PRONOUNS)
_STARTS = tuple(word.casefold() for word in words.STARTS)
_START_WORDS = frozenset(word for word in _STARTS if " " not in word)
_START_PHRASES = (*(word + " " for word in _STARTS if " " in word), "ב-", "בתאריך", "於", "在", "于")
_LABELS = {label.casefold(): kind for kind, labels in words.LABELS.items() for label in labels}
_ORIGINALS = frozenset(word.casefold() for word in words.ORIGINALS)
_FORWARDS = frozenset(word.casefold() for word in words.FORWARDS)
_FORWARD_MARKS = frozenset(word.casefold() for word in words.FORWARD_MARKS)
_SEPARATORS = tuple(word.casefold() for word in words.SEPARATORS)

_SHORTEST_SEPARATOR = min(len(word) for word in _SEPARATORS)

_TIME = re.compile(
    r"\d{1,2} ?(?:[:h：]|uhr|時|时|點|点|시|часов) ?\d{0,2}|\b(?:klo?|kello|kell|pukul|plkst|ob|lúc)\.? ?\d{1,2}"
)
_DATE = re.compile(r"\d{4}|\d[-./] ?\d|[年月]")
_DATE_START = re.compile(r"[\"'(]?(?:\d{1,4}[-./年년 ]|\w{1,12}[.,]{1,2} ?\d{1,2}[-./ ])")
_FULL_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b")
_AUTHOR = re.compile(r"[^<>:]{1,80}[<(][^<>()@ ]{1,100}@[^<>()@ ]{1,100}[>)] ?")
_LABEL_INSIDE = re.compile(r"(?:^|[ *])([^\W\d_][^\s:：]{0,13})\*? ?[:：]")
_TIME_LAST = re.compile(r"\d{1,2}[:.]\d{2}\W{0,3}$")
_COLONS = (":", "：", "﹕")
_ENDS = (*_COLONS, "写道", "寫道", ">", "-", "–", "—")


def is_bar_quote(line: str) -> bool:
    """`| quoted`, but not a row of a table."""
    return line.startswith("|") and (line == "|" or (line[1] in " |>" and "|" not in line.lstrip("|> ")))


def is_quoted(line: str) -> bool:
    """Does the line carry a quote's mark? `>>> look here <<<` is a person's decoration."""
    if line.startswith(">"):
        return not (line.startswith(">>>") and line.endswith("<<<"))
    return line.startswith("|") and is_bar_quote(line)


def is_forward_subject(subject: str) -> bool:
    """Does the subject begin with a forward's mark, such as `FW:`?"""
    head, colon, _rest = subject.strip()[:30].replace("：", ":").partition(":")
    return bool(colon) and head.strip().casefold() in _FORWARD_MARKS


def is_forward(line: str) -> bool:
    """A line above a mail that was passed on: what follows is for us to read."""
    if not line.endswith(_ENDS[:3]) and line[:1] not in "-_=*#–—[":
        return False
    inner, taken = _bare(line)
    return inner in _FORWARDS and (taken >= 2 or line.endswith(_COLONS))


def ends_all(looks: list[str], at: int) -> bool:
    """Does a quote begin here that goes to the end: a header block, a separator, `reply above this line`?"""
    line = looks[at]
    if line[0] in "-_=*#–—[":
        inner, taken = _bare(line)
        if inner in _ORIGINALS and taken >= 2:
            return True
        if inner.startswith("original message processed by"):
            return True
        if taken >= 10 and not inner:  # a line of underscores: only with a header block below
            below = _next_index(looks, at + 1)
            return below is not None and is_block(looks, below)
    if _SHORTEST_SEPARATOR <= len(line) <= 150 and any(phrase in line for phrase in _SEPARATORS):
        return True
    return is_block(looks, at)


def is_block(looks: list[str], at: int) -> bool:
    """From, Sent, To, Subject in any language and order. A traveller's `From: Berlin / To: Rome` has neither subject
    nor address."""
    if _label(looks[at]) not in ("from", "sent"):
        return False
    kinds: set[str] = set()
    address = dated = False
    for line in looks[at : at + BLOCK_LINES]:
        if not line:
            if kinds >= {"from"} and len(kinds) >= 2:
                break
            continue  # some programs put an empty line between the headers
        kind = _label(line)
        if kind:
            kinds.add(kind)
        address = address or ("@" in line and bool(kind))
        dated = dated or (kind == "sent" and _TIME.search(line) is not None and _DATE.search(line) is not None)
    if "from" in kinds and len(kinds) >= 3:
        return "subject" in kinds or address
    return (len(kinds) == 2 and address and dated) or _is_one_line_block(looks[at])


def _is_one_line_block(line: str) -> bool:
    """All labels in one line, as some programs for telephones write them."""
    kinds = {_LABELS.get(found[1], "") for found in _LABEL_INSIDE.finditer(line)}
    return kinds >= {"from", "to", "subject"} and "@" in line


def _label(line: str) -> str:
    """Which header a line of an Outlook block is: from, sent, to, cc or subject; '' for none."""
    for colon in _COLONS if _COLONS[1] in line or _COLONS[2] in line else _COLONS[:1]:
        head, found, _rest = line[:60].partition(colon)
        if found:
            kind = _LABELS.get(head.strip("*_ "))
            if kind:
                return kind
    return ""


def _bare(line: str) -> tuple[str, int]:
    """A line without the dashes around it, and how many signs were taken away at its start."""
    inner = line.lstrip("-_=*#–—[ ")
    return inner.rstrip("-_=*#–—] :：").strip(), len(line) - len(inner)


def header_length(looks: list[str], at: int) -> int:
    """How many lines the quote header that begins here has, 0 for none."""
    joined = ""
    for length in range(1, HEADER_LINES + 1):
        here = at + length - 1
        if here >= len(looks) or not looks[here] or looks[here].startswith(">") or len(looks[here]) >= LOOK:
            return 0
        joined = _append(joined, looks[here])
        strength = _strength(joined, length, looks, here) if looks[here].endswith(_ENDS) else 0
        if strength:
            return 0 if _begins_later(looks, at, here, strength) else length
    return 0


def _begins_later(looks: list[str], at: int, last: int, strength: int) -> bool:
    """A line of text above the header is no part of it."""
    for later in range(at + 1, last + 1):
        if looks[later].startswith("<") or looks[later - 1].endswith("<"):
            continue  # an address does not begin a header, its owner's name stands above
        inner = " ".join(looks[later : last + 1])
        other = _strength(inner, last + 1 - later, looks, last)
        if other == 2 and _DATE.search(inner):
            return True
        if other == 1 and strength == 1 and not _completes(" ".join(looks[at:later]), inner):
            return True
    return False


def _completes(above: str, inner: str) -> bool:
    """Does the text above bring a part of the header that is missing below: when, or by whom?"""
    if _TIME.search(inner) is None and _TIME.search(above) is not None and _DATE.search(above) is not None:
        return True
    return "@" not in inner and "@" in above and ("<" in above or "(" in above)


def _append(joined: str, line: str) -> str:
    if not joined:
        return line
    return joined + line if joined.endswith("<") else f"{joined} {line}"


def may_begin(looks: list[str], at: int) -> bool:
    """Cheap, because it is asked of every line: a header ends soon with a colon or its like, and begins like one."""
    line = looks[at]
    if len(line) >= LOOK or not any(other.endswith(_ENDS) for other in looks[at : at + HEADER_LINES]):
        return False
    following = looks[at + 1] if at + 1 < len(looks) else ""
    return (
        _starts(line)
        or "@" in line
        or line.endswith((*_COLONS, "<"))
        or any(c.isdigit() for c in line)
        or (following.startswith("<") and "@" in following)
        or _has_verb(line)
    )


def _starts(line: str) -> bool:
    word = line.split(" ", 1)[0]
    return word in _START_WORDS or line.startswith(_START_PHRASES)


def _has_verb(text: str) -> bool:
    return any(verb in text for verb in _VERBS)


def _strength(text: str, length: int, looks: list[str], last: int) -> int:
    """2: surely a quote header, by its first word. 1: by its parts only. 0: none."""
    inner, dashes = _bare(text)
    between = dashes >= 2 and text.endswith(("-", "–", "—")) and inner.endswith(_VERBS)  # ---- On ... wrote ----
    if between:
        text = inner + ":"
    closed = text.endswith((*_COLONS, "写道", "寫道"))
    time, address = _TIME.search(text) is not None, "@" in text
    following = next_line(looks, last + 1)
    marked = following is not None and following.startswith(">")
    if not closed:  # 2026/1/5 Shop <shop@example.org>
        return int(text.endswith(">") and address and _FULL_DATE.match(text) is not None)
    if any(phrase in f" {text}" for phrase in _PRONOUNS) and not (marked and time and _DATE.search(text)):
        return 0
    return _by_parts(text, length, time, address, marked, between)


def _by_parts(text: str, length: int, time: bool, address: bool, marked: bool, between: bool) -> int:
    verb, digits = _has_verb(text), any(c.isdigit() for c in text)
    if _starts(text) and ((verb and (address or marked or (time and _DATE.search(text)))) or (address and time)):
        return 2
    if between:
        return 2
    if address and time and digits and len(text) <= 300 and ("<" in text or "(" in text or "[" in text):
        return 1
    if verb and (time or address) and digits and (_DATE_START.match(text) or address or _TIME_LAST.search(text)):
        return 0 if text.startswith("<") else 1
    author = _AUTHOR.match(text) if verb and address else None
    if author is not None and text[author.end() :].rstrip(":： ") in _VERBS:
        return 1
    return 1 if (verb or address) and marked and length == 1 and not text.startswith("<") else 0


def next_line(looks: list[str], at: int) -> str | None:
    """The next line with text, when there is one near."""
    index = _next_index(looks, at)
    return None if index is None else looks[index]


def _next_index(looks: list[str], at: int) -> int | None:
    for index in range(at, min(at + NEAR, len(looks))):
        if looks[index]:
            return index
    return None

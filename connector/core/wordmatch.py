"""Words and addresses held against literal patterns with `*` and `?`. Linear in the text, whatever text and pattern.

Regular expressions have no place here: the texts come from strangers, the patterns from people who write rules.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LONGEST_TEXT = 20_000
"""Characters of a text that are looked at; whoever wants something says so earlier."""
LONGEST_PATTERN = 200
MOST_WORDS = 20
"""Words of one pattern."""
MOST_SINGLES = 10
"""`?` in one pattern: each place of a text costs as many looks."""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_WILD = frozenset("*?")

Phrase = tuple[str, ...]
"""Words that must stand one after another, folded; each may hold `*` (any letters, or none) and `?` (exactly one)."""


def fold(text: str) -> str:
    """Case, composed or decomposed letters and invisible characters do not count; accents do."""
    return unicodedata.normalize("NFC", text.translate(_INVISIBLE)).casefold()


def phrase(pattern: str) -> Phrase:
    """The words of a pattern, as they are looked for. Raises ValueError with what is wrong with it."""
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"is longer than {LONGEST_PATTERN} characters")
    if pattern.count("?") > MOST_SINGLES:
        raise ValueError(f"has more than {MOST_SINGLES} `?`")
    words = tuple(_split(fold(pattern), _WILD))
    if not any(set(word) - _WILD for word in words):
        raise ValueError("holds no letter or digit")
    if len(words) > MOST_WORDS:
        raise ValueError(f"has more than {MOST_WORDS} words")
    return words


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, in order. places: word -> where it stands. all: its words once each, to look for parts."""

    words: tuple[str, ...]
    places: dict[str, list[int]] = field(repr=False)
    all: str = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Words:
        words = tuple(_split(fold(text[:LONGEST_TEXT])[:LONGEST_TEXT], frozenset()))
        places: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            places.setdefault(word, []).append(at)
        return cls(words, places, "\n".join(places))

    def hold(self, wanted: Phrase) -> bool:
        """Do the words of the phrase stand here one after another?"""
        wild = [bool(set(word) & _WILD) for word in wanted]
        counts = {n: len(self.places.get(word, ())) for n, word in enumerate(wanted) if not wild[n]}
        if 0 in counts.values():
            return False
        anchor = (
            min(counts, key=lambda n: counts[n]) if counts else max(range(len(wanted)), key=lambda n: len(wanted[n]))
        )
        for at in self._places(wanted[anchor]):
            start = at - anchor
            here = self.words[start : start + len(wanted)] if start >= 0 else ()
            pairs = zip(wanted, here, wild, strict=False)
            if len(here) == len(wanted) and all(one == word or (free and glob(one, word)) for one, word, free in pairs):
                return True
        return False

    def _places(self, word: str) -> Iterator[int]:
        if not set(word) & _WILD:
            yield from self.places.get(word, ())
            return
        part = max(word.replace("?", "*").split("*"), key=len)
        if part in self.all:  # most patterns end here, at the speed of a plain search
            for known, places in self.places.items():
                if glob(word, known):
                    yield from places


def glob(pattern: str, text: str) -> bool:
    """Is the whole text as the pattern says? `*`: any characters or none, `?`: exactly one. Compared as they are."""
    pieces = pattern.split("*")
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return _same(pattern, text)
    end = len(text) - len(last)
    if end < len(first) or not _same(first, text[: len(first)]) or not _same(last, text[end:]):
        return False
    at = len(first)
    for piece in pieces[1:-1]:  # the leftmost place of each piece leaves the most room for the next
        at = _find(piece, text, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def any_glob(patterns: Sequence[str], texts: Sequence[str]) -> bool:
    return any(glob(pattern, text) for pattern in patterns for text in texts)


def _same(pattern: str, text: str) -> bool:
    return len(pattern) == len(text) and _fits(pattern.split("?"), text, 0)


def _fits(parts: Sequence[str], text: str, at: int) -> bool:
    """Do the parts stand there, with one character of any kind between each two?"""
    for part in parts:
        if not text.startswith(part, at):
            return False
        at += len(part) + 1
    return True


def _find(piece: str, text: str, start: int, end: int) -> int:
    parts = piece.split("?")
    if len(parts) == 1:
        return text.find(piece, start, end)
    return next((at for at in range(start, end - len(piece) + 1) if _fits(parts, text, at)), -1)


def _split(text: str, also: frozenset[str]) -> Iterator[str]:
    """Runs of letters, digits and marks on letters (and of the characters in `also`)."""
    start = -1
    for at, char in enumerate(text):
        inside = char.isalnum() or char in also or (start >= 0 and unicodedata.category(char)[0] == "M")
        if inside and start < 0:
            start = at
        elif not inside and start >= 0:
            yield text[start:at]
            start = -1
    if start >= 0:
        yield text[start:]

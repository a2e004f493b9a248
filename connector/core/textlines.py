"""How the rules for replies look at one line of a mail."""

from __future__ import annotations

import unicodedata

LOOK = 400
"""Characters of a line that are looked at: no program writes a longer quote header, people's long lines are text."""

_UNSEEN = {ord(c): None for c in "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff\u00ad"}
_SPACES = {ord(c): " " for c in "\u00a0\u2007\u2009\u202f\t"}


def seen(line: str) -> str:
    """A line as the rules look at it: cut, casefolded, without invisible characters and emphasis marks around it."""
    if line.isascii():  # nothing invisible in it: the quick way for most lines
        return line[:LOOK].replace("\t", " ").strip().strip("*").strip().lower()
    plain = line[:LOOK].translate(_UNSEEN).translate(_SPACES).strip().strip("*").strip()
    return unicodedata.normalize("NFC", plain).casefold()


def blank(line: str) -> bool:
    if line and "!" <= line[0] <= "~":
        return False
    # The end counts too: a line of 400 blanks and a word is no blank line.
    return not line.translate(_UNSEEN).strip()

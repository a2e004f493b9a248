"""Is what a shop stored what was sent? Compared in the normal form of `wording.comparable`. Pure."""

from __future__ import annotations

import re

from connector.core.wording import comparable

EMOJI = "emoji_lost"
"""The table holds three bytes a character: an emoji became question marks, or the text ends before it."""
CUT = "cut"
CHANGED = "changed"

_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")


def altered(sent: str, stored: str) -> str:
    """'' when a person reads the same, else in which way the text was changed: EMOJI, CUT or CHANGED."""
    wanted, found = comparable(sent), comparable(stored)
    if wanted == found:
        return ""
    first = _FOUR_BYTES.search(sent)
    if first is not None:
        # One mark a character or one a byte, as the connection's and the table's character sets differ.
        marked = (comparable(_FOUR_BYTES.sub(mark, sent)) for mark in ("????", "?"))
        if found in (*marked, comparable(sent[: first.start()])):
            return EMOJI
    return CUT if found and wanted.startswith(found) else CHANGED

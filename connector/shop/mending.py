"""Fields of an old row that today's validator refuses, and what may be sent in their place.

A PUT sends the whole row back, and from 8.0 on a PATCH validates all of it: one value that was stored before its rule
existed stops any change of the row (recording 201). Only what a person cannot see or what means nothing is mended:
blanks around a value, control characters, a date of zeros. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connector.shop.codec import FORBIDDEN

_FIELD = re.compile(r"[A-Z][A-Za-z]{1,40}-(?:>|&gt;|&amp;gt;)([a-z][a-z0-9_]{1,40})")
"""`Property Customer->company is not valid`, in any language; 8.2.1 escapes the arrow twice (recording 85)."""
_REQUIRED = re.compile(r'parameter "([a-z][a-z0-9_]{1,40})" ')
_ZERO_DATE = re.compile(r"0000-00-00(?: 00:00:00)?")
_BLANKS = " \t\r\n\u00a0\u200b\ufeff"


def refused_field(text: str) -> str:
    """The field that a refusal names, '' when it names none."""
    found = _FIELD.search(text) or _REQUIRED.search(text)
    return found[1] if found else ""


def mended(row: Mapping[str, object], field: str) -> str | None:
    """What may be sent instead of a refused value; None when every other value would be another one."""
    value = row.get(field)
    if not isinstance(value, str):
        return None
    if _ZERO_DATE.fullmatch(value):
        # An empty date would become now, and an old row look new; the other date of the row is the nearest.
        others = (str(row.get(name) or "") for name in ("date_upd", "date_add") if name != field)
        return next((other for other in others if other and not _ZERO_DATE.fullmatch(other)), None)
    plain = carried(value).strip(_BLANKS)
    return plain if plain and plain != value else None


def carried(value: str) -> str:
    """The value without the characters that XML cannot carry."""
    return FORBIDDEN.sub("", value)

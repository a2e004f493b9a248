"""Masks what must not stand in a log: addresses, keys, tokens, passwords. The second line of defence.

The first is the list of keys in `events`. Linear in the length of the text; long texts are cut before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

MASK = "***"
LONGEST = 500  # characters of one value

_ALNUM = "0-9A-Za-z"
# What the trail of a mail says of the token in its subject, never the token itself (core/matching.py).
_OUTCOMES = "match|of_several_threads|unknown|number_only|none"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{4,}"), rf"\1 {MASK}"),
    (
        re.compile(
            rf"(?i)\b(?!token:(?:{_OUTCOMES})(?![^\s,;&]))"
            r"(ws_key|key|password|passwd|pwd|secret|token|authorization)(['\"]?\s*[=:]\s*)[^\s,;&]+"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?<=://)[^\s/@]{1,200}:[^\s/@]{0,200}@"), f"{MASK}@"),
    (re.compile(r"[^\s@<>\"'(),;:]{1,64}@[^\s@<>\"'(),;:]{1,255}"), f"{MASK}@{MASK}"),
    (re.compile(rf"(?i)#?\btc[{_ALNUM}]{{12}}(?![{_ALNUM}])"), f"tc{MASK}"),
    (re.compile(rf"(?<![{_ALNUM}])[{_ALNUM}]{{32}}(?![{_ALNUM}])"), MASK),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def masker(secrets: Iterable[str] = ()) -> Callable[[object], object]:
    """A function from any value to one that may be logged: numbers as they are, texts masked and on one line.

    `secrets`: the settings' own, masked wherever they occur.
    """
    own = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
    known = re.compile("|".join(map(re.escape, own))) if own else None

    def text(value: str) -> str:
        shown = value[: 4 * LONGEST]
        if known is not None:
            shown = known.sub(MASK, shown)
        for pattern, replacement in _PATTERNS:
            shown = pattern.sub(replacement, shown)
        shown = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", shown)
        return shown if len(shown) <= LONGEST else shown[:LONGEST] + "..."

    def mask(value: object) -> object:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, Mapping):
            return {text(str(key)): mask(inner) for key, inner in list(value.items())[:100]}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [mask(inner) for inner in list(value)[:100]]
        return text(str(value))

    return mask

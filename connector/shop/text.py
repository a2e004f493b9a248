"""Message text as a shop can hold it without losing any of it.

The shop refuses or cuts what it takes for markup: `<name@host>` is lost everywhere (recordings 216, 217), `Transcript:`
and `<form` are refused with code 85 (Validate::isCleanHtml), a 4-byte character ends the text on tables of 3 bytes.
"""

from __future__ import annotations

import html
import re

from connector.shop.dialect import Dialect

# The event names of isCleanHtml that people could write before "=" in a mail; the rare others are refused by the shop.
_EVENT = re.compile(
    r"(on(?:click|load|unload|submit|change|focus|blur|error|input|select|reset|copy|paste|cut|drop|drag|scroll|resize|"
    r"abort|play|pause|start|end|stop|show|toggle|message|online|offline|search|wheel|finish|close|open|invalid))(?=\s*=)",
    re.IGNORECASE,
)
_TAG_START = re.compile(r"<(?=\s*[A-Za-z/!?])")
_ANGLE = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
_ZERO_WIDTH = "\N{ZERO WIDTH SPACE}"


def storable(text: str, dialect: Dialect) -> str:
    """The text to send so that a reader sees what was written.

    Where messages are HTML, `<`, `>` and `&` go as entities (the shop's own contact form stores the same). Before, a
    `<` that looks like a tag becomes the typographic one. `script:` and event names get an invisible break.
    """
    text = text.replace("\N{RIGHT-TO-LEFT OVERRIDE}", "")
    text = re.sub("(script)(?=:)", rf"\1{_ZERO_WIDTH}", text, flags=re.IGNORECASE)
    text = _EVENT.sub(rf"\1{_ZERO_WIDTH}", text)
    text = html.escape(text, quote=False) if dialect.html_messages else _TAG_START.sub(_ANGLE, text)
    if not dialect.utf8mb4:
        text = re.sub("[\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text)
    return text

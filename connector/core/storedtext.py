"""The text of a message as a shop stores it -> as a person reads it."""

from __future__ import annotations

import html
import re

_BREAK = re.compile(r"<br\s*/?>\r?\n?", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")


def readable(stored: str) -> str:
    """From PrestaShop 8 on messages are HTML (recordings message-stored-html), before plain text with the odd `<br />`
    of the shop's own mail import."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", stored)))

"""What hangs on a mail: names fit for a disk, and which images belong to the text."""

from __future__ import annotations

import re
from dataclasses import replace

from connector.core.model import Attachment
from connector.mailbox import charset, header
from connector.mailbox.structure import Part

MAX_NAME = 180
"""Bytes of UTF-8. File systems take 255; the rest is for what a person puts before or behind it."""
MAX_CONTENT_ID = 250

_UNSAFE = re.compile(
    '[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0f'
    '\ufeff\uffa0\ufff0-\ufffd\U000e0000-\U000e0fff<>:"|?*]'
)  # fmt: skip
# Names that Windows takes for a device, with any ending (Win32 naming rules; the superscript digits count, too).
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)", re.IGNORECASE)
_REFERENCE = re.compile(r"cid:([^\"'\s<>)]{1,250})", re.IGNORECASE)


def clean_name(name: str) -> str:
    """A file name without path, control, bidi or shell-unfriendly characters, that is no device, no option and no
    hidden file; its ending survives the cut. '' when nothing is left."""
    base = charset.scrub(name).replace("\\", "/").rpartition("/")[2]
    base = _UNSAFE.sub("", base).strip(". ")
    if len(base.encode()) > MAX_NAME:
        stem, dot, ending = base.rpartition(".")
        kept = dot + ending if dot and len(ending.encode()) <= 20 else ""
        base = _head(stem if kept else base, MAX_NAME - len(kept.encode())).rstrip(". ") + kept
    return f"_{base}" if base.startswith("-") or _DEVICE.match(base) else base


def _head(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")


def file_name(part: Part) -> str:
    """The name that the part gives itself, '' for none; Content-Disposition counts before Content-Type."""
    return _disposition(part)[1].get("filename") or part.parameters.get("name", "")


def is_attachment(part: Part) -> bool:
    return _disposition(part)[0] == "attachment"


def _disposition(part: Part) -> tuple[str, dict[str, str]]:
    found = part.fields.named("content-disposition")
    return header.parameters(found[0]) if found else ("", {})


def content_id(part: Part) -> str:
    return part.text_field("content-id").strip("<> ")[:MAX_CONTENT_ID]


class Collected:
    """Attachments in the order of the mail; their bytes too when they are wanted."""

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._found: list[tuple[Attachment, bytes, bool]] = []
        self._shown: set[str] = set()  # content ids that the text shows

    def add(self, name: str, content_type: str, data: bytes, cid: str = "", in_text: bool = False) -> None:
        """`in_text`: it stands beside the text in a multipart/related, not offered as a file."""
        shown = clean_name(name) or f"part-{len(self._found) + 1}"
        one = Attachment(shown, content_type, len(data), content_id=charset.scrub(cid))
        self._found.append((one, data if self._keep else b"", in_text))

    def refers(self, html: str) -> None:
        """Note which parts a page shows by `cid:` (RFC 2392)."""
        if "cid:" in html or "CID:" in html:
            self._shown.update(found[1].lower().replace("%40", "@") for found in _REFERENCE.finditer(html))

    def all(self) -> list[tuple[Attachment, bytes]]:
        """With inline told: an image that the text shows."""
        return [(replace(one, inline=self._inline(one, beside)), data) for one, data, beside in self._found]

    def _inline(self, one: Attachment, beside: bool) -> bool:
        if not one.content_id:
            return False
        return one.content_id.lower() in self._shown or (beside and one.content_type.startswith("image/"))

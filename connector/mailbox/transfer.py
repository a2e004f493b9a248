"""Content-Transfer-Encoding undone (RFC 2045 6), however damaged."""

from __future__ import annotations

import base64
import binascii
import quopri
import re

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def decode(body: bytes, encoding: str) -> tuple[bytes, str]:
    """The bytes, and what had to be repaired: '', 'base64-damaged', 'uuencode-damaged' or 'encoding-unknown'."""
    name = encoding.split(";")[0].strip().lower()
    if name == "base64":
        return _base64(body)
    if name == "quoted-printable":
        return quopri.decodestring(body), ""
    if name in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _uudecode(body)
    return body, "" if name in ("", "7bit", "8bit", "binary") else "encoding-unknown"


def _base64(body: bytes) -> tuple[bytes, str]:
    try:
        return base64.b64decode(body + b"==="), ""  # non-alphabet bytes are dropped, padding may be short
    except (binascii.Error, ValueError):
        pass
    kept = _NOT_BASE64.sub(b"", body)
    try:
        return base64.b64decode(kept[: len(kept) // 4 * 4]), "base64-damaged"
    except (binascii.Error, ValueError):
        return body, "base64-damaged"


def _uudecode(body: bytes) -> tuple[bytes, str]:
    lines = body.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith(b"begin ")), -1)
    decoded = []
    for line in lines[begin + 1 :]:
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            return body, "uuencode-damaged"
    return b"".join(decoded), ""

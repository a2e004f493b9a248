"""Bytes of unknown honesty to text: the ladder that repairs charsets that lie.

Declared charset, strict UTF-8, the alias table of what mail programs mean by a name, a guess by chardet, and cp1252
with replacement as the floor: text is never lost, and nothing here raises. Also scrubs what no database or XML takes.
"""

from __future__ import annotations

import codecs
import re

import chardet

GUESS_BYTES = 20_000  # what chardet gets to see; it is told nothing more by more
FAINT = 0.035  # below this chardet says of itself that it does not know

# What a name in the wild means: Windows and Outlook write the old name and use the superset.
ALIASES = {
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "euc-cn": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "big5": "big5hkscs",
    "utf8mb4": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "cp-850": "cp850",
    "macintosh": "mac-roman",
    "x-mac-roman": "mac-roman",
    "x-macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "windows-31j": "cp932",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "cp936": "gb18030",
    "x-big5": "big5hkscs",
}

# Only codecs of texts: Python also knows hex, zlib, punycode, unicode_escape ..., which a stranger must not choose.
_TEXT_CODECS = ("utf", "iso8859", "cp", "koi8", "mac", "euc", "gb", "big5", "shift", "iso2022", "hz", "johab",
                "tis", "ptcp", "latin", "ascii", "kz1048", "hp_roman")  # fmt: skip

_SCRUB = re.compile("[\x00\ud800-\udfff]")
_TO_EUC = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))
_HIGH = re.compile(rb"[\x80-\xff]")


def scrub(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL, XML and UTF-8 refuse."""
    return text.replace("\0", "") if text.isascii() else _SCRUB.sub("", text)


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """Text and what had to be repaired: '', 'charset-unknown', 'charset-lied' or 'charset-guessed'."""
    if not declared and data.isascii():
        return scrub(data.decode("ascii")), ""
    text, problem = _ladder(data, declared.strip().strip("\"'").lower())
    return scrub(text), problem


def _ladder(data: bytes, name: str) -> tuple[str, str]:
    if data[:3] == codecs.BOM_UTF8:
        data, name = data[3:], "utf-8"
    codec = _codec(name)
    stateful = codec.startswith(("iso2022", "hz", "utf_7", "utf_16", "utf_32"))
    if not stateful and data.isascii():
        return data.decode("ascii"), ""
    if codec and (text := _strict(data, codec)) is not None:
        # Single-byte charsets accept anything, so success proves nothing, while text in them is hardly ever valid
        # UTF-8 by chance. So valid UTF-8 that is declared as one of them is UTF-8.
        if _single_byte(codec) and (better := _strict(data, "utf-8")) is not None:
            return better, "" if name in ("us-ascii", "ascii") else "charset-lied"
        return text, ""
    if codec.startswith("iso2022_jp") and (text := _japanese(data)) is not None:
        return text, ""
    problem = "charset-lied" if codec else "charset-unknown" if name else ""
    if (text := _strict(data, "utf-8")) is not None:
        return text, problem
    return _guess(data, name), problem or "charset-guessed"


def _japanese(data: bytes) -> str | None:
    """ISO-2022-JP with the signs that Windows adds (\u2460, \u3231), which Python's codec refuses: by way of EUC-JP."""
    first, *parts = data.split(b"\x1b")
    pieces = [first]
    for part in parts:
        escape, body = part[:2], part[2:]
        if escape in (b"$B", b"$@"):
            pieces.append(body.translate(_TO_EUC))
        elif escape == b"(I":
            pieces.append(b"".join(b"\x8e" + bytes([byte | 0x80]) for byte in body))
        else:
            pieces.append(body)
    return _strict(b"".join(pieces), "euc_jis_2004")


def _guess(data: bytes, name: str) -> str:
    replaced = data.decode("utf-8", "replace")
    damage = replaced.count("\ufffd")
    if damage * 10 < sum(c > "\x7f" for c in replaced):  # UTF-8 that was cut or has one bad byte
        return replaced
    high = _HIGH.search(data)
    start = max(0, (high.start() if high else 0) - 2000)
    # MODERN_WEB: without it chardet takes a few German letters for Hebrew of MS-DOS.
    guess = chardet.detect(data[start : start + GUESS_BYTES], encoding_era=chardet.EncodingEra.MODERN_WEB)
    guessed = (guess.get("encoding") or "") if (guess.get("confidence") or 0) > FAINT else ""
    for candidate in (ALIASES.get(name, ""), guessed):
        codec = _codec(candidate.lower())
        if codec and codec != "ascii" and (text := _strict(data, codec)) is not None:
            return text
    return data.decode("cp1252", "replace")


def _codec(name: str) -> str:
    """Python's normal name of a text codec, by the alias table; '' for none."""
    wanted = ALIASES.get(name, name)
    if not wanted or len(wanted) > 40 or not wanted.isascii():
        return ""
    try:
        found = codecs.lookup(wanted).name.replace("-", "_")
    except (LookupError, ValueError):
        return ""
    return found if found.startswith(_TEXT_CODECS) else ""


def _single_byte(codec: str) -> bool:
    return codec.startswith(("iso8859", "latin", "koi8", "mac", "ascii")) or (
        codec.startswith("cp") and codec not in ("cp932", "cp949", "cp950")
    )


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None

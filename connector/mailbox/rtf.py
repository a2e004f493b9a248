"""The text of Outlook's compressed RTF ([MS-OXRTFCP]), also where it wraps HTML ([MS-OXRTFEX]).

Layout is lost except for paragraphs and tabs; it is read only when a container has no other text.
"""

from __future__ import annotations

import re
import struct

from connector.mailbox import charset

MAX_TEXT = 4_000_000  # bytes of RTF
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_SKIPPED = frozenset(
    ("fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "themedata", "listtable",
     "listoverridetable", "rsidtbl", "generator", "latentstyles", "datastore", "xmlnstbl")
)  # fmt: skip
_BREAKS = {"par": "\n", "line": "\n", "tab": "\t", "cell": " | ", "row": "\n", "sect": "\n", "emdash": "—",
           "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•"}  # fmt: skip
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)


def decompress(data: bytes) -> bytes:
    """RTF of PR_RTF_COMPRESSED; b'' when it is none."""
    if len(data) < 16:
        return b""
    _size, raw_size, magic = struct.unpack_from("<III", data)
    if magic == 0x414C454D:  # MELA: stored as it is
        return data[16 : 16 + min(raw_size, MAX_TEXT)]
    if magic != 0x75465A4C:  # LZFu
        return b""
    window = bytearray(4096)
    window[: len(_DICTIONARY)] = _DICTIONARY
    write = len(_DICTIONARY)
    out = bytearray()
    at, limit = 16, min(raw_size, MAX_TEXT)
    while at < len(data) and len(out) < limit:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if control >> bit & 1:
                token = int.from_bytes(data[at : at + 2], "big")
                at += 2
                offset, length = token >> 4, (token & 15) + 2
                if offset == write:
                    return bytes(out[:limit])
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    out.append(byte)
                    window[write] = byte
                    write = (write + 1) % 4096
            else:
                out.append(data[at])
                window[write] = data[at]
                write = (write + 1) % 4096
                at += 1
    return bytes(out[:limit])


def to_text(source: bytes) -> str:
    """Plain text of RTF, line by line; never raises."""
    reader = _Reader()
    for token in _TOKEN.finditer(source[:MAX_TEXT]):
        reader.take(token)
    return reader.finish()


class _Reader:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.bytes = bytearray()  # characters of the code page, decoded together
        self.stack: list[tuple[bool, int]] = []
        self.skip = False
        self.skip_html = False
        self.fallback = 1  # how many characters stand for one \u (\uc)
        self.drop = 0
        self.codepage = "cp1252"

    def take(self, token: re.Match[bytes]) -> None:
        word, number, code, symbol, brace, plain = token.groups()
        if brace == b"{":
            if len(self.stack) < 10_000:
                self.stack.append((self.skip, self.fallback))
        elif brace == b"}":
            if self.stack:
                self.skip, self.fallback = self.stack.pop()
        elif word is not None:
            self._word(word.decode("ascii"), int(number) if number is not None else None)
        elif code is not None:
            self._characters(bytes([int(code, 16)]))
        elif symbol is not None:
            if symbol == b"*":
                self.skip = True
            elif symbol in b"{}\\":
                self._characters(symbol)
            elif symbol == b"~":
                self._characters(b" ")
        elif plain is not None:
            self._characters(plain)

    def _word(self, word: str, number: int | None) -> None:
        if word == "htmlrtf":  # what stands between is RTF's own rendering of the HTML around it
            self.skip_html = number != 0
        elif word in _SKIPPED:
            self.skip = True
        elif word == "uc":
            self.fallback = max(0, min(number or 0, 10))
        elif word == "ansicpg" and number:
            self.codepage = f"cp{number}"
        elif self.skip or self.skip_html:
            return
        elif word == "u" and number is not None:
            self._flush()
            self.pieces.append(chr(number % 0x10000))
            self.drop = self.fallback
        elif word in _BREAKS:
            self._flush()
            self.pieces.append(_BREAKS[word])

    def _characters(self, data: bytes) -> None:
        if self.skip or self.skip_html:
            return
        if self.drop:
            dropped = min(self.drop, len(data))
            data, self.drop = data[dropped:], self.drop - dropped
        self.bytes += data

    def _flush(self) -> None:
        if self.bytes:
            self.pieces.append(charset.decode(bytes(self.bytes), self.codepage)[0])
            self.bytes.clear()

    def finish(self) -> str:
        self._flush()
        # Two \u may be the halves of one character.
        whole = "".join(self.pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return charset.scrub("\n".join(line.rstrip() for line in whole.split("\n"))).strip("\n")

"""Making a text acceptable to a shop, and comparing texts that went through one.

`safe_message` changes as little as can be seen, so that no PrestaShop version refuses the text or drops a piece of it.
`comparable` is the normal form in which the text of a mail, the text that we sent and the text that a shop gives back
are equal. Nothing here decides whether two equal texts are copies.

What shops do (PrestaShop's Validate::isCleanHtml and Db::escape, 1.6.1.24 to 9.0.0; recordings 57, 94, 214-223):
- refused with 400/85: `<script`, `script:` anywhere ("Transcript: ..."), `onclick =` and about 150 of its kind
  anywhere, `<iframe`, `<frame`, `<form`, `<input`, `<embed`, `<object`, and U+202E from 1.7.8.11 and 8.1.3 on;
- 1.6 and 1.7 (strip_tags): everything from a `<` that no white space follows up to the next `>` or the end is lost;
- 8.1.3 and later (HTMLPurifier): unknown tags are dropped, `&eacute;` becomes `é`, a bare `<` or `&` becomes an entity;
- shops with a 3-byte `utf8` table (1.6, 1.7.0 to 1.7.6, and databases that were never converted): an emoji becomes
  `????` or cuts the text (recording 94);
- all: LF is kept (recordings 219), CRLF and CR become LF in 8.1.3 and later. The pages of back and front office show a
  message through `nl2br`, which makes one line break of either, so LF is sent.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

ZWSP = "\u200b"
"""Breaks a refused pattern without being seen. Three bytes in UTF-8, so that 3-byte tables keep it, and a character
that neither strip_tags nor HTMLPurifier touches."""

MARKER = "[…]"

# Names of event handlers without the leading `on`. PrestaShop 8.2.1 and 9.0.0 know more than 1.6; all are here.
_EVENT_NAMES = """
    abort activate afterprint afterupdate animationcancel animationend animationiteration animationstart autocomplete
    autocompleteerror auxclick beforeactivate beforecopy beforecut beforedeactivate beforeeditfocus beforeinput
    beforepaste beforeprint beforeunload beforeupdate begin blur bounce cancel canplay canplaythrough cellchange change
    click close contextmenu controlselect copy cuechange cut dataavailable datasetchanged datasetcomplete dblclick
    deactivate drag dragdrop dragend dragenter dragexit dragleave dragover dragstart drop durationchange emptied end
    ended error errorupdate filterchange finish focus focusin focusout formdata fullscreenchange fullscreenerror
    gotpointercapture hashchange help input invalid keydown keypress keyup languagechange layoutcomplete load loadeddata
    loadedmetadata loadend loadstart losecapture lostpointercapture message messageerror mmouseup mousedown mouseenter
    mouseleave mousemove mouseout mouseover mouseup mousewheel move moveend movestart offline online pagehide pageshow
    paste pause play playing pointercancel pointerdown pointerenter pointerleave pointermove pointerout pointerover
    pointerrawupdate pointerup popstate progress propertychange ratechange readystatechange rejectionhandled repeat
    reset resize resizeend resizestart rowenter rowexit rowsdelete rowsinserted scroll scrollend search
    securitypolicyviolation seeked seeking select selectionchange selectstart show slotchange sort stalled start stop
    storage submit suspend timeupdate toggle touchcancel touchend touchmove touchstart transitioncancel transitionend
    transitionrun transitionstart unhandledrejection unload volumechange waiting wheel
"""
EVENTS = frozenset(_EVENT_NAMES.split())

_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff\ufffe\uffff]")
_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]+")
_TAG_START = re.compile(r"<(?:(?=[^ \t\n]|\Z)|(?=[ \t\n]+(?:script|i?frame|form|input|embed|object)))", re.I | re.A)
_SCRIPT = re.compile(r"(script):", re.I | re.A)
_EVENT = re.compile(
    "(on(?:" + "|".join(sorted(EVENTS, key=lambda name: (-len(name), name))) + r")[ \t\n]*)=", re.I | re.A
)
_ANY_HANDLER = re.compile(r"([ \t\n]on\w+)(?==[\"'])", re.I | re.A)
_ENTITY = re.compile(r"&(?=(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});)", re.I | re.A)

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff]")
_BREAK_TAG = re.compile(r"<(?:br|/p|/div|/li|/tr)\b[^<>]{0,2000}>", re.I | re.A)
_TAG = re.compile(r"</?([a-z][a-z0-9]{0,11})(?:[ \t\n/][^<>]{0,2000})?>", re.I | re.A)
_TAG_NAMES = """
    a abbr address article b big blockquote body br caption center cite code col colgroup dd del dfn div dl dt em font
    footer h1 h2 h3 h4 h5 h6 head header hr html i img ins kbd li main meta ol p pre q s samp section small span strike
    strong style sub sup table tbody td tfoot th thead title tr tt u ul var
"""
_TAGS = frozenset(_TAG_NAMES.split())


@dataclass(frozen=True, slots=True)
class SafeText:
    """text: what to send. changes: which kinds of change were made, sorted (`control`, `four_bytes`, `angle`,
    `entity`, `script`, `event`, `cut`); line ends alone are no change. cut: the end is missing."""

    text: str
    changes: tuple[str, ...]
    cut: bool


def safe_message(text: str, *, keeps_html: bool, utf8mb4: bool, limit: int = 65_000, marker: str = MARKER) -> SafeText:
    """A text that every rule of the shop lets through and of which no reader misses anything.

    keeps_html: PrestaShop 8 and later, where entities in the text would be decoded on display. utf8mb4: the shop
    stores 4-byte characters (1.7.7 and later). limit: bytes of UTF-8 as the shop stores them: the column is TEXT
    (65,535 bytes, cut in silence) in shops that were upgraded from early versions. marker: the last line of a cut text.
    Applying it twice changes nothing more.
    """
    changes: set[str] = set()
    out = _clean(text, keeps_html, utf8mb4, changes)
    cut = _stored_size(out, keeps_html) > limit
    if cut:
        changes.add("cut")
        tail = "\n" + _clean(marker, keeps_html, utf8mb4, set())
        out = _head(out, limit - _stored_size(tail, keeps_html), keeps_html).rstrip() + tail
    return SafeText(out, tuple(sorted(changes)), cut)


def comparable(text: str) -> str:
    """The normal form for recognising copies: entities decoded, tags dropped, `<br />` a white space, white space
    folded to single spaces, invisible and control characters and angle brackets dropped, 4-byte characters spelt out,
    NFC."""
    out = _LINE_ENDS.sub("\n", text)
    out = _INVISIBLE.sub("", _FORBIDDEN.sub("", out))
    for _ in range(3):  # a text may have been escaped by the mail program, by us and by the shop
        decoded = _INVISIBLE.sub("", html.unescape(out))
        if decoded == out:
            break
        out = decoded
    out = out.replace("‹", "<").replace("›", ">")
    out = _BREAK_TAG.sub("\n", out)
    out = _TAG.sub(lambda found: "" if found.group(1).lower() in _TAGS else found.group(0), out)
    out = out.replace("<", "").replace(">", "")
    out = _FOUR_BYTES.sub(_spell, _FORBIDDEN.sub("", out))
    return " ".join(unicodedata.normalize("NFC", out).split())


def _clean(text: str, keeps_html: bool, utf8mb4: bool, changes: set[str]) -> str:
    out = _change(changes, "control", _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text)), _LINE_ENDS.sub("\n", text))
    if not utf8mb4:
        out = _change(changes, "four_bytes", _FOUR_BYTES.sub(_spell, out), out)
    out = _change(changes, "angle", _round_brackets(out), out)
    if keeps_html:
        out = _change(changes, "entity", _ENTITY.sub("&" + ZWSP, out), out)
    out = _change(changes, "script", _SCRIPT.sub(rf"\1{ZWSP}:", out), out)
    return _change(changes, "event", _ANY_HANDLER.sub(rf"\1{ZWSP}", _EVENT.sub(rf"\1{ZWSP}=", out)), out)


def _change(changes: set[str], name: str, after: str, before: str) -> str:
    if after != before:
        changes.add(name)
    return after


def _round_brackets(text: str) -> str:
    """`<` that a shop would take for a tag becomes `‹`, and the `>` that closes it on the same line `›`.

    A bracket with white space behind it stays: every version keeps `x < 3` (recordings 217).
    """
    pieces: list[str] = []
    done = 0
    opened = False  # a `<` was changed and its `>` has not come yet
    for found in re.finditer(r"[<>\n]", text):
        sign, at = found.group(), found.start()
        if sign == "\n":
            opened = False
        elif sign == "<":
            opened = _TAG_START.match(text, at) is not None
            if opened:
                pieces += (text[done:at], "‹")
                done = at + 1
        elif opened:
            pieces += (text[done:at], "›")
            done = at + 1
            opened = False
    pieces.append(text[done:])
    return "".join(pieces)


def _spell(found: re.Match[str]) -> str:
    """4-byte characters in words: `:grinning face:`, flags as letters, styled letters plain, others `[U+20000]`."""
    out: list[str] = []
    for char in found.group():
        plain = unicodedata.normalize("NFKC", char)
        name = unicodedata.name(char, "")
        if all(ord(c) < 0x10000 for c in plain):
            out.append(plain)
        elif 0x1F1E6 <= ord(char) <= 0x1F1FF:  # regional indicators: two of them make a flag
            out.append(chr(ord("A") + ord(char) - 0x1F1E6))
        elif name and not name.startswith(("CJK ", "VARIATION ", "TAG ")):
            out.append(f":{name.lower()}:")
        else:
            out.append(f"[U+{ord(char):04X}]")
    return "".join(out)


def _stored_size(text: str, keeps_html: bool) -> int:
    """Bytes in the shop's column; 8.1.3 and later store `&`, `<` and `>` as entities (recordings 217)."""
    size = len(text.encode())
    return size + 4 * text.count("&") + 3 * (text.count("<") + text.count(">")) if keeps_html else size


def _head(text: str, limit: int, keeps_html: bool) -> str:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _stored_size(text[:middle], keeps_html) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low]

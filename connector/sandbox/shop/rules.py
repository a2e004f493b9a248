"""What the shop accepts in a field, and what becomes of a value on its way into the column.

Validators, PHP's casts, tag stripping, the HTML clean-up and MySQL's silent cuts. Pure functions of a value and a
dialect: no rows, no requests. Sources: recordings 56-57, 85, 94, 171, 201, 214-222 of the four versions and
PrestaShop's documented validation rules; the HTML clean-up imitates what HTMLPurifier does to customer messages, for
the tags people send, and is no purifier.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from connector.sandbox.shop.definitions import Field
from connector.sandbox.shop.dialect import Dialect
from connector.sandbox.shop.store import Cell

ZERO_DATE = "0000-00-00"
ZERO_DATETIME = "0000-00-00 00:00:00"
THREAD_STATUSES = ("open", "closed", "pending1", "pending2")

_TAG = re.compile(r"<(?=[^\s])[^>]*(?:>|$)", re.S)
_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)")
# Names of Validate::isCleanHtml up to 1.7.8.10 and 8.1.2, and those that came with 1.7.8.11 and 8.1.3; without `on`.
_EVENTS = """
    abort activate afterprint afterupdate beforeactivate beforecopy beforecut beforedeactivate beforeeditfocus
    beforepaste beforeprint beforeunload beforeupdate blur bounce cellchange change click contextmenu
    controlselect copy cut dataavailable datasetchanged datasetcomplete dblclick deactivate drag dragdrop
    dragend dragenter dragleave dragover dragstart drop error errorupdate filterchange finish focus focusin
    focusout hashchange help input keydown keypress keyup load losecapture message mmouseup mousedown mouseenter
    mouseleave mousemove mouseout mouseover mouseup mousewheel move moveend movestart offline online paste
    propertychange readystatechange reset resize resizeend resizestart rowenter rowexit rowsdelete rowsinserted
    scroll search select selectionchange selectstart start stop submit unload
""".split()  # noqa: SIM905 - sixty lines otherwise
_EVENTS_LATER = """
    animationcancel animationend animationiteration animationstart autocomplete autocompleteerror auxclick
    beforeinput begin cancel canplay canplaythrough close cuechange dragexit durationchange emptied end ended
    formdata fullscreenchange fullscreenerror gotpointercapture invalid languagechange layoutcomplete loadeddata
    loadedmetadata loadend loadstart lostpointercapture messageerror pagehide pageshow pause play playing
    pointercancel pointerdown pointerenter pointerleave pointermove pointerout pointerover pointerrawupdate
    pointerup popstate progress ratechange rejectionhandled repeat scrollend securitypolicyviolation seeked
    seeking show slotchange sort stalled storage suspend timeupdate toggle touchcancel touchend touchmove
    touchstart transitioncancel transitionend transitionrun transitionstart unhandledrejection volumechange
    waiting wheel
""".split()  # noqa: SIM905 - sixty lines otherwise


def _unclean(names: list[str]) -> tuple[re.Pattern[str], ...]:
    """Without the `u` modifier PHP's classes and case folding know ASCII only."""
    return (
        re.compile(r"<[\s]*script", re.I | re.A),
        re.compile(r"script:", re.I | re.A),
        re.compile(rf"on(?:{'|'.join(names)})[\s]*=", re.I | re.A),
        re.compile(r"<[\s]*(i?frame|form|input|embed|object)", re.I | re.A),
    )


_UNCLEAN = _unclean(_EVENTS)
_UNCLEAN_LATER = (
    *_unclean(_EVENTS + _EVENTS_LATER),
    re.compile(r"""<\s*\w+[^>]*\s(on\w+)=["'][^"']*["']""", re.I | re.A | re.S),
    re.compile("\u202e"),
)


def php_empty(value: object) -> bool:
    """PHP's `empty()`."""
    return value in (None, "", "0", 0, False)


def php_int(value: object) -> int:
    """PHP's `(int)`: the leading number, else 0."""
    found = _NUMBER.match(str(value))
    return int(Decimal(found[1])) if found else 0


def is_clean_html(text: str, dialect: Dialect) -> bool:
    """Without scripts, event handlers and forms; later versions also look for unknown handlers and U+202E."""
    later = dialect.number >= (8, 1, 3) or (1, 7, 8, 11) <= dialect.number < (8,)
    return not any(pattern.search(text) for pattern in (_UNCLEAN_LATER if later else _UNCLEAN))


def _date(text: str) -> bool:
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            datetime.strptime(text, form)  # noqa: DTZ007 - a shop's wall clock has no offset
        except ValueError:
            continue
        return True
    return text in (ZERO_DATE, ZERO_DATETIME)


def _pattern(expression: str, flags: int = 0) -> Callable[[str], bool]:
    compiled = re.compile(expression, flags)
    return lambda text: compiled.search(text) is not None


def _anything(text: str) -> bool:
    return True


_VALIDATORS: dict[str, Callable[[str], bool]] = {
    "isBool": lambda text: text in ("0", "1", "true", "false"),
    "isUnsignedId": _pattern(r"^\d{1,10}$"),
    "isUnsignedInt": _pattern(r"^\d{1,10}$"),
    "isNullOrUnsignedId": _pattern(r"^\d{1,10}$"),
    "isInt": _pattern(r"^-?\d+$"),
    "isFloat": _pattern(r"^-?\d*\.?\d+(?:[eE][+-]?\d+)?$"),
    "isUnsignedFloat": _pattern(r"^\d*\.?\d+$"),
    "isPrice": _pattern(r"^[0-9]{1,10}(\.[0-9]{1,9})?$"),
    "isNegativePrice": _pattern(r"^-?[0-9]{1,10}(\.[0-9]{1,9})?$"),
    "isGenericName": _pattern(r"^[^<>={}]*$"),
    "isCatalogName": _pattern(r"^[^<>;=#{}]*$"),
    "isCarrierName": _pattern(r"^[^<>;=#{}]*$"),
    "isReference": _pattern(r"^[^<>;={}]*$"),
    "isName": _pattern(r'^[^0-9!<>,;?=+()@#"°{}_$%:¤|]*$'),
    "isCustomerName": _pattern(r'^(?:[^0-9!<>,;?=+()/\\@#"°*`{}_^$%:¤\[\]|.。]|[.。](?:\s|$))*$'),
    "isAddress": _pattern(r"^[^!<>?=+@{}_$%]*$"),
    "isCityName": _pattern(r'^[^!<>;?=+@#"°{}_$%]*$'),
    "isPostCode": _pattern(r"^[a-zA-Z 0-9-]+$"),
    "isPhoneNumber": _pattern(r"^[+0-9. ()/-]*$"),
    "isMessage": _pattern(r"^[^<>{}]*$"),
    "isTrackingNumber": _pattern(r"^[~:#,%&_=()\[\].? +\-@/a-zA-Z0-9]+$"),
    "isIp2Long": _pattern(r"^-?[0-9]+$"),
    "isMd5": _pattern(r"^[a-f0-9A-F]{32}$"),
    "isSha1": _pattern(r"^[a-f0-9A-F]{40}$"),
    "isEmail": _pattern(r"^[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+$"),
    "isModuleName": _pattern(r"^[a-zA-Z0-9_-]+$"),
    "isColor": _pattern(r"^(#[0-9a-fA-F]{6}|[a-zA-Z0-9-]*)$"),
    "isLanguageIsoCode": _pattern(r"^[a-zA-Z]{2,3}$"),
    "isTplName": _pattern(r"^[a-zA-Z0-9_-]+$"),
    "isDate": lambda text: _date(text) and not text.startswith(ZERO_DATE),  # PHP's checkdate knows no zeros
    "isDateFormat": _date,
    "isDateOrNull": _date,
    "isBirthDate": _date,
}


def validation_error(class_name: str, field: Field, value: Cell, dialect: Dialect) -> str | None:
    """Why the shop refuses the value, in its words; None when it accepts it."""
    prop = f"{class_name}->{field.name}"
    stop = "." if dialect.long_validation_text else ""
    if field.required and (value is None or value == ""):
        return _words(f"Property {prop} is empty{stop}", dialect)
    text = "" if value is None else str(value)
    if field.max_size and len(text) > field.max_size:
        if dialect.long_validation_text:
            return _words(
                f"The length of property {prop} is currently {len(text)} chars. "
                f"It must be between 0 and {field.max_size} chars.",
                dialect,
            )
        return f"Property {prop} length ({len(text)}) must be between 0 and {field.max_size}"
    if php_empty(value):
        return None
    if field.validator == "isCleanHtml":
        valid = is_clean_html(text, dialect)
    else:
        valid = _VALIDATORS.get(field.validator, _anything)(text)
    return None if valid else _words(f"Property {prop} is not valid", dialect)


def _words(text: str, dialect: Dialect) -> str:
    return text.replace(">", "&gt;") if dialect.escapes_validation_text else text


def stored_value(field: Field, value: Cell, dialect: Dialect) -> Cell:
    """What the column holds after the shop wrote `value` (None: nothing was given)."""
    if value is None and field.nullable:
        return None
    if field.kind in ("int", "bool"):
        return php_int(value or 0)
    if field.is_decimal:
        return decimal_text(value or 0, field.digits)
    if field.is_date:
        return _stored_date(field, str(value or ""))
    text = "" if value is None else str(value)
    if field.name == "status" and field.validator == "":
        return text if text in THREAD_STATUSES else ""
    if field.kind == "html":
        purifies = field.validator == "isCleanHtml" and dialect.number >= (8, 1, 3)
        text = purified(text) if purifies else text
    else:
        text = strip_tags(text)
    if not dialect.utf8mb4:
        text = "".join(char if ord(char) < 0x10000 else "????" for char in text)
    size = field.column_size or field.max_size
    return text[:size] if size else text


def decimal_text(value: object, digits: int) -> str:
    """A DECIMAL column's text, e.g. `12.900000`."""
    try:
        number = Decimal(str(value).strip() or "0")
    except InvalidOperation:
        number = Decimal(php_int(value))
    return f"{number:.{digits}f}"


def _stored_date(field: Field, text: str) -> str:
    zero = ZERO_DATETIME if field.kind == "datetime" else ZERO_DATE
    if not _date(text):
        return zero
    if field.kind == "date":
        return text[:10]
    return text if len(text) > 10 else f"{text} 00:00:00"


def strip_tags(text: str) -> str:
    """PHP's `strip_tags`: everything from a `<` that is not followed by white space to the next `>` is lost."""
    return _TAG.sub("", text) if "<" in text else text


_PLAIN = (
    "abbr b big blockquote br center code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins li ol p pre s small span "
    "strike strong sub sup tbody thead tr tt u ul"
)
_ALLOWED: dict[str, tuple[str, ...]] = dict.fromkeys(_PLAIN.split(" "), ()) | {
    "a": ("href", "title", "target", "rel"),
    "img": ("src", "alt", "width", "height", "title"),
    "font": ("color", "size", "face"),
    "table": ("border", "width", "cellpadding", "cellspacing"),
    "td": ("colspan", "rowspan", "align", "width"),
    "th": ("colspan", "rowspan", "align", "width"),
}
_VOID = ("br", "img", "hr")
_COLORS = {"red": "#FF0000", "green": "#008000", "blue": "#0000FF", "black": "#000000", "white": "#FFFFFF"}


class _Purifier(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.muted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.muted += 1
        if tag not in _ALLOWED or self.muted:
            return
        kept = {name: value or "" for name, value in attrs if name in (*_ALLOWED[tag], "style", "class")}
        if tag == "a" and kept.get("target"):
            kept["rel"] = "noreferrer noopener"
        if tag == "img" and "alt" not in kept:
            kept["alt"] = urlsplit(kept.get("src", "")).path.rsplit("/", 1)[-1]
        if "color" in kept:
            kept["color"] = _COLORS.get(kept["color"].lower(), kept["color"])
        written = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
        self.out.append(f"<{tag}{written} />" if tag in _VOID else f"<{tag}{written}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.muted = max(0, self.muted - 1)
        if tag not in self.open:
            return
        while self.open:
            last = self.open.pop()
            self.out.append(f"</{last}>")
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self.muted:
            self.out.append(escape(data, quote=False))


def purified(text: str) -> str:
    """The text as it lies in the table after the shop's HTML clean-up (8.1.3 and later)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "<" not in text and "&" not in text:
        return text.replace(">", "&gt;")
    parser = _Purifier()
    parser.feed(text)
    parser.close()
    parser.out += [f"</{tag}>" for tag in reversed(parser.open)]
    return "".join(parser.out)

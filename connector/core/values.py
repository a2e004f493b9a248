"""What a value of the shop is: text, number or None as the codec gave it, into what the mirror's column holds.

The same row comes in several dresses: JSON or XML, numbers or texts of digits, NULL as null, '' or 0
(recordings 127-133 of all versions). Here they become one value, so that a row's digest depends on what the shop
stores and not on how it was told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from connector.core.mapping import Field, Type

PLACES = Decimal("0.000001")
"""Money and rates have six decimals in every version (webservice, decimal columns are decimal(20,6))."""

UNKNOWN_LANGUAGE = 0
"""id_lang of a text whose language the shop did not tell and that cannot be inferred."""

_INT = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?)?")
SURROGATE = re.compile("[\ud800-\udfff]")

BIGINT = 2**63
"""What a column for whole numbers cannot hold any more, SQLite's and PostgreSQL's alike."""


class BadValueError(ValueError):
    """A value that does not fit its field; the row goes to quarantine. Names the field, never the value."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field} is no {expected}")
        self.field = field
        self.expected = expected


# --- single values ------------------------------------------------------------------------------------------------
# Each takes what the codec gave (text, number, None) and returns the typed value or raises ValueError.


def to_int(value: object) -> int | None:
    """'' and None are NULL. Raises ValueError beyond 64 bits, which no column holds."""
    if value is None or value == "":
        return None
    if type(value) is str and value.isdigit() and value.isascii() and len(value) < 19:
        return int(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole and not (isinstance(value, str) and _INT.fullmatch(value)):
        raise ValueError("whole number")
    number: int = int(value)  # type: ignore[call-overload]  # an int, float or text by now
    if not -BIGINT <= number < BIGINT:
        raise ValueError("whole number")
    return number


def to_ref(value: object) -> int | None:
    """An id of another row; the shop writes 0 or NULL for none."""
    return to_int(value) or None


def to_bool(value: object) -> bool:
    """NULL counts as no: the forms do not tell '', null and 0 apart."""
    if value in ("0", 0, "", None):
        return False
    if value in ("1", 1):
        return True
    raise ValueError("yes or no")


def to_decimal(value: object) -> Decimal | None:
    """Six places, rounded half even; '' is NULL. Raises ValueError for what no decimal(20,6) can be."""
    if value is None or value == "":
        return None
    text = repr(value) if isinstance(value, float) else str(value) if type(value) is int else value
    if not isinstance(text, str):
        raise ValueError("amount")
    return _amount(text)


@lru_cache(maxsize=8192)  # most amounts of a shop come again and again, 0.000000 above all
def _amount(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("amount")
    try:
        number = Decimal(text).quantize(PLACES)
    except InvalidOperation:
        raise ValueError("amount") from None
    return number if number else abs(number)  # -0 is 0


def to_date(value: object) -> date | None:
    """A day; '0000-00-00' and other days with a zero in them are NULL."""
    if value is None or value == "":
        return None
    found = _DATE.match(value) if isinstance(value, str) else None
    if not found or (len(str(value)) > 10 and not _MOMENT.fullmatch(str(value))):
        raise ValueError("day")
    year, month, day = (int(part) for part in found.groups())
    return date(year, month, day) if year and month and day else None


def to_local(value: object) -> str | None:
    """A moment as shop-local text `YYYY-MM-DD HH:MM:SS`; zero dates are NULL."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("moment")
    return _moment(value)


@lru_cache(maxsize=4096)
def _moment(value: str) -> str | None:
    found = _MOMENT.fullmatch(value)
    if not found:
        raise ValueError("moment")
    day, hour = found.groups()
    if day.startswith("0000-") or "-00" in day[4:]:
        return None
    text = f"{day} {hour or '00:00:00'}"
    datetime.fromisoformat(text)  # a day that the calendar does not have is a ValueError
    return text


def to_utc(local: str | None, zone: tzinfo | None) -> datetime | None:
    """Shop-local text as UTC; None without a zone.

    An hour that comes twice is read as the first of the two (fold 0): the shop does not store which it was. A time
    inside the hour that a clock change skips is counted on from before the change. Nothing in years 1 and 9999 that
    leaves the calendar has a UTC time.
    """
    return None if local is None or zone is None else _utc(local, zone)


@lru_cache(maxsize=4096)
def _utc(local: str, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def to_text(value: object) -> str:
    """Text that every database takes: without NUL, without halves of surrogate pairs (U+FFFD instead).

    NULL is '' because XML cannot tell them apart. A field that this version serves in several languages and another
    serves plain (currencies.name) gives the text of the lowest language."""
    if isinstance(value, str):
        text = value
    elif value is None:
        return ""
    elif isinstance(value, bool):
        return "1" if value else "0"
    elif isinstance(value, int | float):
        text = str(value)
    elif isinstance(value, Mapping) and all(isinstance(part, str) for part in value.values()):
        text = str(value[min(value, key=_language_order)]) if value else ""
    else:
        raise ValueError("text")
    if "\0" in text:
        text = text.replace("\0", "")
    if SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _language_order(key: object) -> tuple[int, str]:
    text = str(key)
    return (int(text) if _INT.fullmatch(text) else BIGINT, text)


SINGLE: dict[Type, Callable[[object], object]] = {
    "int": to_int,
    "ref": to_ref,
    "bool": to_bool,
    "decimal": to_decimal,
    "date": to_date,
    "datetime": to_local,
    "text": to_text,
}

EXPECTED: dict[Type, str] = {
    "int": "whole number",
    "ref": "id",
    "bool": "yes or no",
    "decimal": "amount",
    "date": "day",
    "datetime": "moment",
    "text": "text",
}


def value_of(item: Field, value: object, zone: tzinfo | None = None) -> object:
    """One typed value as the mirror's column holds it (a datetime as UTC). Raises BadValueError."""
    try:
        typed = SINGLE[item.type](value)
    except (ValueError, TypeError):
        raise BadValueError(item.name, EXPECTED[item.type]) from None
    return to_utc(typed, zone) if item.type == "datetime" else typed  # type: ignore[arg-type]  # text by now

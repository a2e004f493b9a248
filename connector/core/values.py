"""Records of the shop into typed rows.

The same row comes in several dresses: JSON or XML, numbers or texts of digits, NULL as null, '' or 0
(recordings 127-133 of all versions). Here they become one value, so that a row's digest depends on what the shop
stores and not on how it was told.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from connector.core.mapping import Field, Resource, Row, Type

PLACES = Decimal("0.000001")
"""Money and rates have six decimals in every version (webservice, decimal columns are decimal(20,6))."""

UNKNOWN_LANGUAGE = 0
"""id_lang of a text whose language the shop did not tell and that cannot be inferred."""

_INT = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?)?")
_BIGINT = 2**63
_LINE_END = re.compile(r"\\\\|\\r\\n|\\r")  # in a repr; an escaped backslash is stepped over
_SURROGATE = re.compile("[\ud800-\udfff]")

MISSING = object()


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
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole and not (isinstance(value, str) and _INT.fullmatch(value)):
        raise ValueError("whole number")
    number: int = int(value)  # type: ignore[call-overload]  # an int, float or text by now
    if not -_BIGINT <= number < _BIGINT:
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
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _language_order(key: object) -> tuple[int, str]:
    text = str(key)
    return (int(text) if _INT.fullmatch(text) else _BIGINT, text)


_SINGLE: dict[Type, Callable[[object], object]] = {
    "int": to_int,
    "ref": to_ref,
    "bool": to_bool,
    "decimal": to_decimal,
    "date": to_date,
    "datetime": to_local,
    "text": to_text,
}

_EXPECTED: dict[Type, str] = {
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
        typed = _SINGLE[item.type](value)
    except (ValueError, TypeError):
        raise BadValueError(item.name, _EXPECTED[item.type]) from None
    return to_utc(typed, zone) if item.type == "datetime" else typed  # type: ignore[arg-type]  # text by now


# --- whole records ------------------------------------------------------------------------------------------------


class Converter:
    """Makes rows of one resource. Built once per pull, since the zone and the languages do not change under way.

    zone: the shop's, None when unknown: UTC columns stay NULL then. languages: ids of the shop's active languages; a
    text that the shop gave without its language (JSON of a shop with one language, or a field that had none in an
    older version) holds for all of them.
    """

    def __init__(self, resource: Resource, zone: tzinfo | None, languages: Sequence[int] = ()) -> None:
        self._resource = resource
        self._zone = zone
        self._languages = tuple(sorted(languages)) or (UNKNOWN_LANGUAGE,)
        self._fields = _plan(resource.fields)
        self._children = [(child.association, child.table, _plan(child.fields)) for child in resource.children]
        dated = any(item.type == "datetime" for item in resource.fields)
        dated = dated or any(item.type == "datetime" for child in resource.children for item in child.fields)
        self._head = repr((str(zone) if dated else "", [plan[0] for plan in self._fields], self._children_names()))

    def row(self, record: Mapping[str, Any]) -> Row:
        """Raises BadValueError, also for a missing or impossible id."""
        told = [self._head]
        values = self._values(self._fields, record, told)
        langs = self._langs(record)
        told.append(repr(langs))
        children = self._rows_of_children(record, told)
        return Row(
            id=self.row_id(record),
            values=values,
            langs=langs,
            children=children,
            digest=_digest(told),
            date_upd_local=values.get("date_upd_local"),
        )

    def row_id(self, record: Mapping[str, Any]) -> int:
        try:
            number = to_int(record.get("id"))
        except ValueError:
            number = None
        if number is None or number <= 0:
            raise BadValueError("id", "id")
        return number

    def kept(self, record: Mapping[str, Any]) -> bytes:
        """What of a record may lie in the quarantine: the mapped fields only, never the shop's secrets."""
        names = {"id", *(item.key for item in self._resource.fields), *(item.key for item in self._resource.lang)}
        part = {name: record[name] for name in record if name in names}
        associations = record.get("associations")
        if isinstance(associations, Mapping):
            part["associations"] = {
                child.association: [
                    {item.key: row[item.key] for item in child.fields if isinstance(row, Mapping) and item.key in row}
                    for row in associations[child.association]
                ]
                for child in self._resource.children
                if isinstance(associations.get(child.association), list)
            }
        return json.dumps(part, default=repr).encode()

    def _children_names(self) -> list[tuple[str, list[str]]]:
        return [(table, [plan[0] for plan in plans]) for _, table, plans in self._children]

    def _values(self, plan: _Plan, record: Mapping[str, Any], told: list[str]) -> dict[str, Any]:
        """told: gets what counts for the digest."""
        values: dict[str, Any] = {}
        zone = self._zone
        for name, key, convert, expected, is_moment in plan:
            found = record.get(key, MISSING)
            if found is MISSING:
                typed = None  # this version has no such field
            else:
                try:
                    typed = convert(found)
                except (ValueError, TypeError):
                    raise BadValueError(name, expected) from None
            if is_moment:
                values[name] = to_utc(typed, zone)  # type: ignore[arg-type]  # text by now
                values[f"{name}_local"] = typed
            else:
                values[name] = typed
            told.append(repr(typed))
        return values

    def _langs(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        if not self._resource.lang:
            return ()
        texts: dict[int, dict[str, Any]] = {}
        for item in self._resource.lang:
            found = record.get(item.key)
            if found is None:
                continue
            by_language = found if isinstance(found, Mapping) else {UNKNOWN_LANGUAGE: found}
            for key, text in by_language.items():
                try:
                    language, typed = to_int(key), to_text(text)
                except ValueError:
                    raise BadValueError(item.name, "text in languages") from None
                if language is None or language < 0:
                    raise BadValueError(item.name, "text in languages")
                for id_lang in (language,) if language != UNKNOWN_LANGUAGE else self._languages:
                    texts.setdefault(id_lang, {})[item.name] = typed
        names = [item.name for item in self._resource.lang]
        return tuple(
            {"id_lang": id_lang, **{name: texts[id_lang].get(name) for name in names}} for id_lang in sorted(texts)
        )

    def _rows_of_children(self, record: Mapping[str, Any], told: list[str]) -> dict[str, tuple[dict[str, Any], ...]]:
        if not self._children:
            return {}
        associations = record.get("associations") or {}
        if not isinstance(associations, Mapping):
            raise BadValueError("associations", "list")
        rows: dict[str, tuple[dict[str, Any], ...]] = {}
        for association, table, plan in self._children:
            items = associations.get(association) or ()
            if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
                raise BadValueError(association, "list")
            told.append(str(len(items)))
            rows[table] = tuple(self._values(plan, item, told) for item in items)
        return rows


_Plan = list[tuple[str, str, Callable[[object], object], str, bool]]


def _plan(fields: Sequence[Field]) -> _Plan:
    """By name, so that the order of lines in a mapping does not matter to the digest."""
    return [
        (item.name, item.key, _SINGLE[item.type], _EXPECTED[item.type], item.type == "datetime")
        for item in sorted(fields, key=lambda item: item.name)
    ]


def convert(resource: Resource, record: Mapping[str, Any], zone: tzinfo | None, languages: Sequence[int] = ()) -> Row:
    """One record as a typed row. Raises BadValueError. For many rows build one `Converter`."""
    return Converter(resource, zone, languages).row(record)


def _digest(told: Sequence[str]) -> str:
    """Line ends do not count: JSON keeps the carriage returns that XML parsing drops. Moments count by their local
    text and the zone, which is in the head."""
    text = "\n".join(told)
    if "\\r" in text:
        text = _LINE_END.sub(lambda found: "\\n" if found[0].startswith("\\r") else found[0], text)
    return hashlib.sha256(text.encode()).hexdigest()

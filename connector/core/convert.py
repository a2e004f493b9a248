"""Records of the shop into typed rows, many of them.

What a single value is stands in `core/values.py`. Here a record's values are converted type by type, and what came
before is remembered: a thousand orders have a few hundred different amounts, and a first pull has millions of values.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from connector.core.mapping import Field, Resource, Row, Type
from connector.core.values import (
    EXPECTED,
    SINGLE,
    SURROGATE,
    UNKNOWN_LANGUAGE,
    BadValueError,
    to_int,
    to_local,
    to_text,
    to_utc,
)

MOST_KNOWN = 8192
"""Values remembered of each type: half a megabyte."""

_DAY = timedelta(days=1)
_LINE_END = re.compile(r"\\\\|\\r\\n|\\r")  # in a repr; an escaped backslash is stepped over


class Converter:
    """Makes rows of one resource. Built once per pull, since the zone and the languages do not change under way.

    zone: the shop's, None when unknown: UTC columns stay NULL then. languages: ids of the shop's active languages; a
    text that the shop gave without its language (JSON of a shop with one language, or a field that had none in an
    older version) holds for all of them. Used by one thread at a time.
    """

    def __init__(self, resource: Resource, zone: tzinfo | None, languages: Sequence[int] = ()) -> None:
        self._resource = resource
        self._languages = tuple(sorted(languages)) or (UNKNOWN_LANGUAGE,)
        known = _memories(zone)
        self._fields = _Plan(resource.fields, known)
        self._children = [(child.association, child.table, _Plan(child.fields, known)) for child in resource.children]
        dated = self._fields.dated or any(plan.dated for _, _, plan in self._children)
        children = [(table, plan.columns) for _, table, plan in self._children]
        self._head = _hash(repr((str(zone) if dated else "", self._fields.columns, children)))

    def row(self, record: Mapping[str, Any]) -> Row:
        """Raises BadValueError, also for a missing or impossible id."""
        told = [self._head]
        values = self._fields.values(record, told)
        langs: tuple[dict[str, Any], ...] = ()
        if self._resource.lang:
            langs = self._langs(record)
            told.append(repr(langs))
        children = self._rows_of_children(record, told) if self._children else {}
        return Row(self.row_id(record), values, langs, children, _digest(told), values.get("date_upd_local"))

    def row_id(self, record: Mapping[str, Any]) -> int:
        found = record.get("id")
        if type(found) is int and found > 0:
            return found
        try:
            number = to_int(found)
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

    def _langs(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
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
        associations = record.get("associations") or {}
        if not isinstance(associations, Mapping):
            raise BadValueError("associations", "list")
        rows: dict[str, tuple[dict[str, Any], ...]] = {}
        for association, table, plan in self._children:
            items = associations.get(association) or ()
            if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
                raise BadValueError(association, "list")
            told.append(str(len(items)))
            rows[table] = tuple([plan.values(item, told) for item in items])
        return rows


def convert(resource: Resource, record: Mapping[str, Any], zone: tzinfo | None, languages: Sequence[int] = ()) -> Row:
    """One record as a typed row. Raises BadValueError. For many rows build one `Converter`."""
    return Converter(resource, zone, languages).row(record)


def _digest(told: Sequence[str]) -> str:
    """Line ends do not count: JSON keeps the carriage returns that XML parsing drops. Moments count by their local
    text and the zone, which is in the head."""
    text = "\n".join(told)
    if "\\r" in text:
        text = _LINE_END.sub(lambda found: "\\n" if found[0].startswith("\\r") else found[0], text)
    return _hash(text)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


# --- values that came before ----------------------------------------------------------------------------------------

Value = tuple[Any, str]
"""A typed value and how the digest is told of it. Of a moment: (UTC, shop-local text)."""

_MISSING = object()  # this version has no such field: NULL, whatever the type


class _Memory(dict[object, Value]):
    """Value in the record -> Value. Raises ValueError as the conversion does, TypeError for what has no hash."""

    def __init__(self, convert: Callable[[object], Value], missing: Value = (None, "None")) -> None:
        super().__init__()
        self._convert = convert
        self._missing = missing

    def __missing__(self, found: object) -> Value:
        if found is _MISSING:
            return self._missing
        value = self._convert(found)
        if type(found) is str:  # 1 and True would answer for each other
            if len(self) >= MOST_KNOWN:
                self.clear()
            self[found] = value
        return value


class _Numbers(_Memory):
    """Most ids are new, so what is new must be quick as well. none: what 0 means."""

    def __init__(self, convert: Callable[[object], Value], none: int | None) -> None:
        super().__init__(convert)
        self._zero: Value = (none, str(none))

    def __missing__(self, found: object) -> Value:
        if type(found) is not str or not found.isdigit() or not found.isascii() or len(found) > 18:
            return super().__missing__(found)
        number = int(found)
        value = (number, str(number)) if number else self._zero
        if len(self) >= MOST_KNOWN:
            self.clear()
        self[found] = value
        return value


def _telling(single: Callable[[object], object]) -> Callable[[object], Value]:
    def convert(found: object) -> Value:
        typed = single(found)
        return typed, str(typed)

    return convert


class _Moments(_Memory):
    """Moments of one zone; nearly every one is new. The days remember how far they are from UTC: to ask the zone takes
    longer than all else."""

    def __init__(self, zone: tzinfo | None) -> None:
        super().__init__(self._slowly, ((None, None), "None"))
        self._zone = zone
        self._offsets: dict[str, timedelta | None] = {}

    def __missing__(self, found: object) -> Value:
        if type(found) is not str or len(found) != 19 or found[4:17:3] != "-- ::":
            return super().__missing__(found)
        day = found[:10]
        offset = self._offsets[day] if day in self._offsets else self._offset(day)
        if offset is None:
            return super().__missing__(found)
        try:
            value = ((datetime.fromisoformat(found + "+00:00") - offset, found), found)
        except OverflowError:
            return super().__missing__(found)
        if len(self) >= MOST_KNOWN:
            self.clear()
        self[found] = value
        return value

    def _slowly(self, found: object) -> Value:
        local = to_local(found)
        return (to_utc(local, self._zone), local), str(local)

    def _offset(self, day: str) -> timedelta | None:
        """On that day of the shop; None when it changes, when there is no such day, and without a zone."""
        offset = None
        with suppress(ValueError, OverflowError):
            start = datetime.fromisoformat(f"{day} 00:00:00")
            if self._zone is not None and self._zone.utcoffset(start) == self._zone.utcoffset(start + _DAY):
                offset = self._zone.utcoffset(start)
        if len(self._offsets) >= MOST_KNOWN:
            self._offsets.clear()
        self._offsets[day] = offset
        return offset


def _memories(zone: tzinfo | None) -> dict[Type, _Memory]:
    """One for each type but text: texts seldom come again."""
    return {
        "int": _Numbers(_telling(SINGLE["int"]), 0),
        "ref": _Numbers(_telling(SINGLE["ref"]), None),
        **{name: _Memory(_telling(SINGLE[name])) for name in ("bool", "decimal", "date")},
        "datetime": _Moments(zone),
    }


# --- a record's fields ----------------------------------------------------------------------------------------------


class _Plan:
    """How the fields of a record, or of one of its children, become values.

    The digest is told of them by type and name, so that the order of lines in a mapping does not matter to it; the
    values come in the mapping's order."""

    def __init__(self, fields: Sequence[Field], memories: Mapping[Type, _Memory]) -> None:
        self._fields = fields
        self._memories = memories
        sorts: dict[Type, list[Field]] = {name: [] for name in SINGLE}
        for item in sorted(fields, key=attrgetter("name")):
            sorts[item.type].append(item)
        self._texts, moments = sorts.pop("text"), sorts.pop("datetime")
        self._text_keys = [item.key for item in self._texts]
        self._moment_keys = [item.key for item in moments]
        self._scalars = [(memories[item.type].__getitem__, item.key) for item in chain.from_iterable(sorts.values())]
        self._moment = memories["datetime"].__getitem__
        told = [*chain.from_iterable(sorts.values()), *moments, *self._texts]
        self.dated = bool(moments)
        self.columns = [(item.name, item.type) for item in told]
        self._names = [name for item in fields for name in _columns(item)]
        places = {name: place for place, name in enumerate(name for item in told for name in _columns(item))}
        self._in_order = _getter([places[name] for name in self._names])

    def values(self, record: Mapping[str, Any], told: list[str]) -> dict[str, Any]:
        """Raises BadValueError. told: gets what counts for the digest."""
        get = record.get
        try:
            values = [remembered(get(key, _MISSING)) for remembered, key in self._scalars]
            moments = [self._moment(get(key, _MISSING)) for key in self._moment_keys]
        except (ValueError, TypeError):
            raise self._bad(record) from None
        words = [get(key, _MISSING) for key in self._text_keys]
        if not _is_clean(words):
            words = [self._word(item, found) for item, found in zip(self._texts, words, strict=True)]
        typed = [value for value, _ in values]
        for moment, _ in moments:
            typed += moment
        typed += words
        told.append("\x1f".join([telling for _, telling in values + moments]))
        told.append(repr(words))
        return dict(zip(self._names, self._in_order(typed), strict=True))

    def _word(self, item: Field, found: object) -> str | None:
        try:
            return None if found is _MISSING else to_text(found)
        except (ValueError, TypeError):
            raise BadValueError(item.name, EXPECTED["text"]) from None

    def _bad(self, record: Mapping[str, Any]) -> BadValueError:
        """The first field, in the mapping's order, whose value does not fit."""
        for item in self._fields:
            try:
                if item.type != "text":
                    self._memories[item.type][record.get(item.key, _MISSING)]
            except (ValueError, TypeError):
                return BadValueError(item.name, EXPECTED[item.type])
        raise AssertionError("a value did not fit, and now all do")


def _getter(places: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """What picks these places of a list."""
    if len(places) < 2:  # itemgetter would give the bare value
        return lambda values: tuple(values[place] for place in places)
    return itemgetter(*places)


def _columns(item: Field) -> tuple[str, ...]:
    return (item.name, f"{item.name}_local") if item.type == "datetime" else (item.name,)


def _is_clean(words: list[Any]) -> bool:
    """Are they all texts that need no mending?"""
    try:
        together = "".join(words)
    except TypeError:
        return False
    return "\0" not in together and (together.isascii() or not SURROGATE.search(together))

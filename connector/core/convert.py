"""Records of the shop into typed rows, many of them.

What a single value is stands in `core/values.py`. Here the values of a page are converted column by column, and what
came before is remembered: a thousand orders have a few hundred different amounts, and a first pull has millions of
values. A page with a value that does not fit goes through record by record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from hashlib import blake2b
from itertools import chain, islice, repeat
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

from connector.core.mapping import Cells, Field, Resource, Row, Type
from connector.core.values import (
    BIGINT,
    EXPECTED,
    SINGLE,
    UNKNOWN_LANGUAGE,
    BadValueError,
    to_int,
    to_local,
    to_text,
    to_utc,
)

MOST_KNOWN = 2048
"""Values remembered of each type: some hundred kilobytes."""

_DAY = timedelta(days=1)
_LINE_END = re.compile(r"\\\\|\\r\\n|\\r")  # in a repr; an escaped backslash is stepped over


M = TypeVar("M", bound=Mapping[str, Any])


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
        self._head = blake2b(
            repr((str(zone) if dated else "", self._fields.columns, children)).encode(), digest_size=32
        )

    def rows(self, records: Sequence[M]) -> tuple[list[Row], list[tuple[M, BadValueError]]]:
        """A page of records: rows, and what cannot be one with its reason."""
        try:
            return self._together(records), []
        except BadValueError:
            rows: list[Row] = []
            bad: list[tuple[M, BadValueError]] = []
        for record in records:
            try:
                rows.append(self.row(record))
            except BadValueError as error:
                bad.append((record, error))
        return rows, bad

    def row(self, record: Mapping[str, Any]) -> Row:
        """Raises BadValueError, also for a missing or impossible id."""
        return self._together([record])[0]

    def _together(self, records: Sequence[Mapping[str, Any]]) -> list[Row]:
        values, told = self._fields.many(records)
        langs: list[tuple[dict[str, Any], ...]] = [()] * len(records)
        if self._resource.lang:
            langs = [self._langs(record) for record in records]
            told = [f"{one}\n{lang}" for one, lang in zip(told, langs, strict=True)]
        # One for all where nothing is put in.
        children: list[dict[str, tuple[Cells, ...]]] = [{}] * len(records)
        if self._children:
            children = [{} for _ in records]
        for association, table, plan in self._children:
            lists = [_items(record, association) for record in records]
            flat, lines = plan.many([*chain.from_iterable(lists)])
            parts, tellings, counts = iter(flat), iter(lines), [len(items) for items in lists]
            for row, count in zip(children, counts, strict=True):
                row[table] = tuple(islice(parts, count))
            told = ["\n".join([one, str(n), *islice(tellings, n)]) for one, n in zip(told, counts, strict=True)]
        dated = self._fields.places.get("date_upd_local")
        moments = [None if dated is None else row.cells[dated] for row in values]
        return [
            Row(self.row_id(record), main, lang, child, self._digest(one), moment)
            for record, main, lang, child, one, moment in zip(
                records, values, langs, children, told, moments, strict=True
            )
        ]

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

    def _digest(self, told: str) -> str:
        """Line ends do not count: JSON keeps the carriage returns that XML parsing drops. Moments count by their local
        text and the zone, which is in the head."""
        if "\\r" in told:
            told = _LINE_END.sub(lambda found: "\\n" if found[0].startswith("\\r") else found[0], told)
        digest = self._head.copy()
        digest.update(told.encode())
        return digest.hexdigest()


def convert(resource: Resource, record: Mapping[str, Any], zone: tzinfo | None, languages: Sequence[int] = ()) -> Row:
    """One record as a typed row. Raises BadValueError. For many rows build one `Converter`."""
    return Converter(resource, zone, languages).row(record)


def _items(record: Mapping[str, Any], association: str) -> Sequence[Mapping[str, Any]]:
    associations = record.get("associations") or {}
    if not isinstance(associations, Mapping):
        raise BadValueError("associations", "list")
    items = associations.get(association) or ()
    if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
        raise BadValueError(association, "list")
    return items


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

    def column(self, column: Sequence[object]) -> tuple[Sequence[Any], Sequence[str]]:
        """A whole column: typed values, and how the digest is told of them."""
        typed, telling = zip(*map(self.__getitem__, column), strict=True)
        return typed, telling


class _Numbers(_Memory):
    """Most ids are new, so what is new must be quick as well. none: what 0 means."""

    def __init__(self, convert: Callable[[object], Value], none: int | None) -> None:
        super().__init__(convert)
        self._zero: Value = (none, str(none))

    def column(self, column: Sequence[object]) -> tuple[Sequence[Any], Sequence[str]]:
        """Where most are new, there is nothing to remember."""
        kinds = set(map(type, column))
        if kinds in ({str}, {int}) and 2 * len(set(column)) > len(column):
            with suppress(ValueError):
                numbers = list(map(int, column))  # type: ignore[arg-type]  # texts or numbers by now
                told = list(map(str, numbers))
                plain = kinds == {int} or told == list(column)
                if plain and 0 not in numbers and min(numbers) >= -BIGINT and max(numbers) < BIGINT:
                    return numbers, told
        return super().column(column)

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
    """How the fields of records, or of their children, become values: column by column.

    The digest is told of them by type and name, so that the order of lines in a mapping does not matter to it; the
    values come in the mapping's order."""

    def __init__(self, fields: Sequence[Field], memories: Mapping[Type, _Memory]) -> None:
        self._fields = fields
        self._memories = memories
        sorts: dict[Type, list[Field]] = {name: [] for name in SINGLE}
        for item in sorted(fields, key=attrgetter("name")):
            sorts[item.type].append(item)
        self._texts, moments = sorts.pop("text"), sorts.pop("datetime")
        self._remembered = [*chain.from_iterable(sorts.values()), *moments]
        self._keys = [item.key for item in (*self._remembered, *self._texts)]
        self.dated = bool(moments)
        self.columns = [(item.name, item.type) for item in (*self._remembered, *self._texts)]
        names = [name for item in (*self._remembered, *self._texts) for name in _columns(item)]
        ordered = [name for item in fields for name in _columns(item)]
        self._order = [names.index(name) for name in ordered]
        self.places = {name: place for place, name in enumerate(ordered)}

    def many(self, records: Sequence[Mapping[str, Any]]) -> tuple[list[Cells], list[str]]:
        """For each record its values, and how the digest is told of them. Raises BadValueError for the first that does
        not fit."""
        if not records or not self._keys:
            return [Cells({}, ()) for _ in records], ["" for _ in records]
        found = iter(self._found(records))
        columns: list[Sequence[Any]] = []
        told: list[Sequence[str]] = []
        for item in self._remembered:
            column = next(found)
            try:
                typed, telling = self._memories[item.type].column(column)
            except (ValueError, TypeError):
                raise self._bad(records) from None
            told.append(telling)
            columns += zip(*typed, strict=True) if item.type == "datetime" else [typed]
        texts = [_mended(item, column) for item, column in zip(self._texts, found, strict=True)]
        columns += texts
        words = map(repr, zip(*texts, strict=True)) if texts else repeat("")
        lines = map("\x1f".join, zip(*told, strict=True)) if told else repeat("")
        rows = zip(*[columns[place] for place in self._order], strict=True)
        return (
            [Cells(self.places, row) for row in rows],
            [f"{line}\n{word}" for line, word, _ in zip(lines, words, records, strict=False)],
        )

    def _found(self, records: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Any]]:
        """The records' values, field by field."""
        if len(self._keys) > 1:
            with suppress(KeyError):
                return list(zip(*map(itemgetter(*self._keys), records), strict=True))
        return [[record.get(key, _MISSING) for record in records] for key in self._keys]

    def _bad(self, records: Sequence[Mapping[str, Any]]) -> BadValueError:
        """The first field, in the mapping's order, of the first record with a value that does not fit."""
        for record in records:
            for item in self._fields:
                try:
                    if item.type != "text":
                        self._memories[item.type][record.get(item.key, _MISSING)]
                except (ValueError, TypeError):
                    return BadValueError(item.name, EXPECTED[item.type])
        raise AssertionError("a value did not fit, and now all do")


def _mended(item: Field, column: Sequence[Any]) -> Sequence[str | None]:
    """A column of texts, nearly always as it is."""
    with suppress(TypeError, UnicodeEncodeError):
        together = "".join(column)
        if "\0" not in together and (together.isascii() or together.encode()):
            return column
    try:
        return [None if found is _MISSING else to_text(found) for found in column]
    except (ValueError, TypeError):
        raise BadValueError(item.name, EXPECTED["text"]) from None


def _columns(item: Field) -> tuple[str, ...]:
    return (item.name, f"{item.name}_local") if item.type == "datetime" else (item.name,)

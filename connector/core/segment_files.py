"""Reading `mappings/segments.toml`: the user's segments above the shipped ones, and every mistake with its line.

A table is a segment and carries its name. One of the name of a shipped segment stands in its place, whole. No file is
opened here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.core.mapping import MappingFileError, MappingText, Mistake
from connector.core.mapping.files import Layers, Path
from connector.core.segments import (
    CONDITIONS,
    CONSENTS,
    FLAGS,
    LISTS,
    NEWSLETTER,
    NUMBERS,
    THREAD_STATES,
    Conditions,
    Segment,
    Span,
)
from connector.core.statuses import fold
from connector.core.values import BIGINT

MOST_SEGMENTS = 200
MOST_VALUES = 500
"""Values of one condition."""
MOST_DAYS = 36_500

_KEYS = ("title", "when", "unless", "within_days", "consent", "group", "shops")
_ENDS = ("at_least", "at_most")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ISO = re.compile(r"[a-z]{2,3}(-[a-z0-9]+)?")


@dataclass(frozen=True, slots=True)
class Segments:
    """In the order of the files, the user's first. mistakes: in order of file and line; a segment with one is left
    out."""

    every: tuple[Segment, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    def of(self, shop: str) -> list[Segment]:
        return [one for one in self.every if one.is_for(shop)]


def read(shipped: MappingText, own: MappingText | None, shops: Collection[str]) -> Segments:
    """shops: the names that the settings have."""
    layers: list[Layers] = []
    mistakes: list[Mistake] = []
    for one in (own, shipped):
        if one is None:
            continue
        try:
            layers.append(Layers([one]))
        except MappingFileError as error:
            mistakes += error.mistakes
    order = list(dict.fromkeys(name for layer in layers for name in layer.data))
    if len(order) > MOST_SEGMENTS:
        mistakes.append(Mistake(layers[0].file, 0, f"more than {MOST_SEGMENTS} segments"))
    found: list[Segment] = []
    for name in order[:MOST_SEGMENTS]:
        reader = _Reader(name, next(layer for layer in layers if name in layer.data), shops)
        segment = reader.segment()
        mistakes += reader.mistakes
        if not reader.mistakes:
            found.append(segment)
    mistakes += _shared_groups(found)
    return Segments(tuple(found), tuple(sorted(mistakes, key=lambda m: (m.file, m.line))))


def _shared_groups(segments: list[Segment]) -> list[Mistake]:
    """One group belongs to one segment: what one puts in the other would take out."""
    found = []
    for place, one in enumerate(segments):
        for other in segments[:place]:
            together = not one.shops or not other.shops or set(one.shops) & set(other.shops)
            if one.group and one.group == other.group and together:
                text = f"[{one.name}] has the group of [{other.name}]; each needs a group of its own"
                found.append(Mistake(one.file, one.line, text))
    return found


class _Reader:
    """One segment of a file."""

    def __init__(self, name: str, file: Layers, shops: Collection[str]) -> None:
        self._name = name
        self._file = file
        self._shops = shops
        self.mistakes: list[Mistake] = []

    def segment(self) -> Segment:
        file, line = self._file.place((self._name,))
        nothing = Segment(self._name, file=file, line=line)
        if not _NAME.fullmatch(self._name):
            self._wrong((), f"a segment is called by a-z, 0-9, _ and -, at most 40 of them: not {self._name!r}")
            return nothing
        table = self._file.data[self._name]
        if not isinstance(table, dict):
            self._wrong((), f"`{self._name}` must be a table: [{self._name}]")
            return nothing
        self._known((), table, _KEYS)
        when, unless = (self._conditions(key, table) for key in ("when", "unless"))
        if "when" not in table or not when.names:
            self._wrong(("when",), "a segment needs a condition, e.g. when.orders = { at_least = 1 }")
        return Segment(
            self._name,
            title=self._text(table, "title"),
            when=when,
            unless=unless,
            consent=self._consent(table),
            within_days=self._days(table),
            group=self._group(table),
            shops=tuple(self._values((), "shops", table["shops"], self._shop)) if "shops" in table else (),
            file=file,
            line=line,
        )

    def _conditions(self, part: str, table: Mapping[str, Any]) -> Conditions:
        given = table.get(part, {})
        if not isinstance(given, dict):
            self._wrong((part,), f"`{part}` must be a table, e.g. {part}.orders = {{ at_least = 1 }}")
            return Conditions()
        self._known((part,), given, CONDITIONS)
        return Conditions(
            numbers={name: self._span((part, name), given[name]) for name in given if name in NUMBERS},
            lists={
                name: tuple(dict.fromkeys(self._values((part,), name, given[name], _CONVERT[name])))
                for name in given
                if name in LISTS
            },
            flags={name: self._flag((part, name), given[name]) for name in given if name in FLAGS},
        )

    # --- values -----------------------------------------------------------------------------------------------------

    def _wrong(self, path: Path, text: str) -> None:
        self.mistakes.append(self._file.mistake((self._name, *path), text))

    def _known(self, path: Path, table: Mapping[str, Any], keys: Collection[str]) -> None:
        for key in table:
            if key not in keys:
                self._wrong((*path, key), f"unknown key `{'.'.join((*path, key))}`; known are: {', '.join(keys)}")

    def _text(self, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key, "")
        if isinstance(value, str) and len(value) <= 200 and value.isprintable():
            return value.strip()
        self._wrong((key,), f"`{key}` must be a text of one line, at most 200 characters")
        return ""

    def _consent(self, table: Mapping[str, Any]) -> str:
        value = table.get("consent", NEWSLETTER)
        if value in CONSENTS:
            return str(value)
        self._wrong(("consent",), f"`consent` is one of: {', '.join(CONSENTS)} (none: the list is for no campaign)")
        return NEWSLETTER

    def _days(self, table: Mapping[str, Any]) -> int:
        value = table.get("within_days", 0)
        if "within_days" in table and (not _is_number(value) or value != int(value) or not 1 <= value <= MOST_DAYS):
            self._wrong(("within_days",), f"`within_days` must be a whole number from 1 to {MOST_DAYS}")
            return 0
        return int(value)

    def _group(self, table: Mapping[str, Any]) -> str:
        if "group" not in table:
            return ""
        if isinstance(table["group"], list):
            self._wrong(("group",), "`group` is one group: its id or its name")
            return ""
        found = self._values((), "group", table["group"], _name_or_id)
        return found[0] if found else ""

    def _shop(self, value: str | int) -> str:
        if value not in self._shops:
            raise ValueError("is no shop of the settings")
        return str(value)

    def _span(self, path: Path, given: object) -> Span:
        ends: dict[str, Any] = given if isinstance(given, dict) else {"at_least": given, "at_most": given}
        self._known(path, ends, _ENDS)
        if not ends or not all(_is_number(value) and 0 <= value < 10**12 for value in ends.values()):
            self._wrong(path, f"`{path[-1]}` must be a number from 0 on, or {{ at_least = ..., at_most = ... }}")
            return Span()
        low, high = (Decimal(str(ends[end])) if end in ends else None for end in _ENDS)
        if low is not None and high is not None and low > high:
            self._wrong(path, f"`{path[-1]}`: at_least is more than at_most, so it holds for nobody")
        return Span(low, high)

    def _flag(self, path: Path, value: object) -> bool:
        if isinstance(value, bool):
            return value
        self._wrong(path, f"`{path[-1]}` must be true or false")
        return False

    def _values(self, path: Path, key: str, given: object, convert: Callable[[str | int], str]) -> list[str]:
        values = given if isinstance(given, list) else [given]
        if not values or len(values) > MOST_VALUES:
            self._wrong((*path, key), f"`{key}` needs between 1 and {MOST_VALUES} values")
            return []
        found = []
        for value in values:
            if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
                self._wrong((*path, key), f"`{key}` must be a text or a list of texts, none of them empty")
                continue
            try:
                found.append(convert(value.strip() if isinstance(value, str) else value))
            except ValueError as error:
                self._wrong((*path, key), f"`{key}`: {value!r} {error}")
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**15


def _id(value: int) -> str:
    if not 0 < value < BIGINT:
        raise ValueError("is no id")
    return f"#{value}"


def _name_or_id(value: str | int) -> str:
    """A group's name is compared as PrestaShop's own names are: case, accents and punctuation do not count."""
    if isinstance(value, int):
        return _id(value)
    folded = fold(value)
    if not folded:
        raise ValueError("is no name")
    return folded


def _reference(value: str | int) -> str:
    return _id(value) if isinstance(value, int) else value.casefold()


def _iso(value: str | int) -> str:
    folded = str(value).casefold()
    if not _ISO.fullmatch(folded):
        raise ValueError("is no ISO code such as fr")
    return folded


def _state(value: str | int) -> str:
    if value not in THREAD_STATES:
        raise ValueError(f"is none of: {', '.join(THREAD_STATES)}")
    return str(value)


_CONVERT: dict[str, Callable[[str | int], str]] = {
    "country": _iso,
    "language": _iso,
    "group": _name_or_id,
    "product": _reference,
    "thread": _state,
}

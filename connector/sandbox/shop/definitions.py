"""Reads `definitions.toml`: the resources of one dialect as plain objects.

Holds no behaviour beyond parsing; the rows live in `store`, the rules in `rules` and `effects`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Field:
    """One field of a resource, as the synopsis shows it and as the table stores it."""

    name: str
    kind: str
    i18n: bool = False
    required: bool = False
    max_size: int | None = None
    column_size: int | None = None
    validator: str = ""
    getter: bool = False
    readonly: bool = False
    unwritable: bool = False
    nullable: bool = False
    link: str = ""

    @property
    def digits(self) -> int:
        """Decimals of a `decN` kind."""
        return int(self.kind[3:])

    @property
    def is_decimal(self) -> bool:
        return self.kind.startswith("dec")

    @property
    def is_date(self) -> bool:
        return self.kind in ("date", "datetime")


@dataclass(frozen=True)
class Association:
    """A resource's one association: linked (`api`) or virtual (`fields` of its own)."""

    name: str
    item: str
    api: str = ""
    virtual: bool = False
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Resource:
    """One resource: `order_slip` is the only one whose list node differs from its name."""

    name: str
    entity: str
    class_name: str
    fields: tuple[Field, ...]
    association: Association | None = None

    @property
    def plural(self) -> str:
        return "order_slips" if self.name == "order_slip" else self.name

    @property
    def by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    def has(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)

    @property
    def stored(self) -> tuple[Field, ...]:
        """Every field has a column, getters too: their columns hold what the getter would compute."""
        return self.fields


@dataclass(frozen=True)
class ApiEntry:
    """A line of the api root."""

    name: str
    description: str
    has_schema: bool


def _field(line: str) -> Field:
    name, kind, *flags = line.split()
    values: dict[str, Any] = {"name": name, "kind": kind}
    switches = {"i18n": "i18n", "req": "required", "getter": "getter", "readonly": "readonly"}
    switches |= {"unwritable": "unwritable", "null": "nullable"}
    for flag in flags:
        if flag in switches:
            values[switches[flag]] = True
        elif flag.startswith("max="):
            values["max_size"] = int(flag[4:])
        elif flag.startswith("col="):
            values["column_size"] = int(flag[4:])
        elif flag.startswith(">"):
            values["link"] = flag[1:]
        elif flag.startswith("is"):
            values["validator"] = flag
        else:
            raise ValueError(f"unknown flag {flag!r} in definition line {line!r}")
    return Field(**values)


def _lines(text: str, mark: str) -> list[str]:
    found = []
    for line in text.strip().splitlines():
        if line.startswith("@"):
            marks, line = line[1:].split(" ", 1)
            if mark not in marks:
                continue
        found.append(line)
    return found


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("definitions.toml").read_text("utf-8"))


@lru_cache(maxsize=8)
def load_resources(mark: str) -> dict[str, Resource]:
    """The resources that have rows, by name, for one dialect mark."""
    resources = {}
    for name, entry in _document().items():
        if name == "api" or mark not in entry.get("dialects", "6789"):
            continue
        association = None
        if "association" in entry:
            spec = entry["association"]
            fields = tuple(_field(line) for line in _lines(spec.get("fields", ""), mark))
            association = Association(
                spec["name"], spec["item"], spec.get("api", ""), bool(spec.get("virtual")), fields
            )
        fields = tuple(_field(line) for line in _lines(entry["fields"], mark))
        resources[name] = Resource(name, entry["entity"], entry["class"], fields, association)
    return resources


@lru_cache(maxsize=8)
def load_api(mark: str) -> tuple[ApiEntry, ...]:
    """The api root of one dialect, in its order; names without rows answer an empty list."""
    entries = []
    for line in _lines(_document()["api"]["list"], mark):
        name, description = line.split(": ", 1)
        entries.append(ApiEntry(name.rstrip("*"), description, not name.endswith("*")))
    return tuple(entries)

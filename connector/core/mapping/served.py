"""A mapping held against what a shop has: which mapped fields it does not serve, and what may have been meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from connector.core.mapping.files import Path
from connector.core.mapping.model import Field, Resource
from connector.core.schema import Schema


@dataclass(frozen=True, slots=True)
class Unserved:
    """path: the key in the file. name: what the shop was expected to call it. close: what it has instead, ''."""

    path: Path
    name: str
    close: str


def unserved(resource: Resource, schema: Schema) -> list[Unserved]:
    """Fields and associations that this version of the shop does not have, in the order of the file."""
    served = {item.name for item in schema.fields}
    found = [*_missing(("fields",), resource.fields, served), *_missing(("lang",), resource.lang, served)]
    associations = {one.name: {item.name for item in one.fields} for one in schema.associations}
    for child in resource.children:
        path = ("children", child.association)
        fields = associations.get(child.association)
        if fields is None:
            found.append(Unserved(path, child.association, _close(child.association, associations)))
        elif fields:  # else the shop names none
            found += _missing((*path, "fields"), child.fields, fields)
    return found


def _missing(path: Path, fields: Collection[Field], served: Collection[str]) -> Iterator[Unserved]:
    free = set(served) - {item.key for item in fields}  # a field that is mapped already was not meant
    for item in fields:
        if item.key not in served:
            yield Unserved((*path, item.name), item.key, _close(item.key, served if item.origin else free))


def _close(name: str, names: Collection[str]) -> str:
    return next(iter(get_close_matches(name, sorted(names), n=1, cutoff=0.75)), "")

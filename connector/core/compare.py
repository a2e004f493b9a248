"""One row in two places: which fields differ between the mirror's row and the shop's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.core.mapping import Row


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """field: a column, `name[id_lang]` for a text in a language, `table[position].column` for a child. None: nothing
    is there."""

    field: str
    mirror: object
    shop: object


def differing(mirror: Row, shop: Row) -> list[FieldDifference]:
    """Every field in which two rows of one resource differ, in the order of the mapping. Digests do not count: they
    are told by the mirror itself, and the question is whether it tells the truth."""
    found = _fields("", mirror.values, shop.values)
    found += _langs(mirror.langs, shop.langs)
    for table in sorted({*mirror.children, *shop.children}):
        found += _children(table, mirror.children.get(table, ()), shop.children.get(table, ()))
    return found


def same(mirror: object, shop: object) -> bool:
    """Equal as values: SQLite keeps an amount as a float, which tells fifteen digits of it."""
    if isinstance(mirror, Decimal) and isinstance(shop, Decimal):
        return mirror == shop or float(mirror) == float(shop)
    return mirror == shop


def _fields(before: str, mirror: Mapping[str, Any], shop: Mapping[str, Any]) -> list[FieldDifference]:
    names = [*shop, *(name for name in mirror if name not in shop)]
    return [
        FieldDifference(before + name, mirror.get(name), shop.get(name))
        for name in names
        if not same(mirror.get(name), shop.get(name))
    ]


def _langs(mirror: Sequence[Mapping[str, Any]], shop: Sequence[Mapping[str, Any]]) -> list[FieldDifference]:
    here = {part["id_lang"]: part for part in mirror}
    there = {part["id_lang"]: part for part in shop}
    found: list[FieldDifference] = []
    for language in sorted({*here, *there}):
        for difference in _fields("", here.get(language, {}), there.get(language, {})):
            if difference.field != "id_lang":
                name = f"{difference.field}[{language}]"
                found.append(FieldDifference(name, difference.mirror, difference.shop))
    return found


def _children(
    table: str, mirror: Sequence[Mapping[str, Any]], shop: Sequence[Mapping[str, Any]]
) -> list[FieldDifference]:
    found: list[FieldDifference] = []
    for position in range(max(len(mirror), len(shop))):
        here = mirror[position] if position < len(mirror) else {}
        there = shop[position] if position < len(shop) else {}
        found += _fields(f"{table}[{position}].", here, there)
    return found

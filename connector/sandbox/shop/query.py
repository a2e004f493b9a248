"""Turns the query string of a GET into SQL: filters, `date=1`, sort, limit, language and display.

Reads no rows itself (only which languages exist) and renders nothing; an error is an `ApiError` with the shop's own
code and words. Sources: recordings 07-18, 49-50, 144-187 and 195 of the four versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.shop.definitions import Field, Resource
from connector.sandbox.shop.rules import php_int
from connector.sandbox.shop.store import Cell, fold
from connector.sandbox.shop.world import ApiError, Died, World

_ID = Field("id", "int")
_DATES = ("date_add", "date_upd")
_BRACKETS = re.compile(r"^(.*)\[(.*)\](.*)$")
_BOUND = re.compile(r"^[\d.:\-\s]+$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")

#: Without `sort` the database answers in the order of the index it picks, seldom in id order (10, 128, 130).
_UNSORTED = {
    "customers": "date_add, id",
    "customer_messages": "id_customer_thread, id",
    "order_states": "fold(module_name), id",
}


class NoSuchColumn(Exception):
    """`date=1` named a date column that the table does not have."""


@dataclass
class Display:
    """What to render: `full`, ids only, or the named fields and associations."""

    full: bool = False
    minimum: bool = False
    fields: frozenset[str] = frozenset()
    associations: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def shows(self, name: str) -> bool:
        return self.full or name in self.fields

    def shows_association(self, name: str) -> bool:
        return self.full or name in self.associations


def closest(word: str, candidates: list[str]) -> str:
    """PHP's Levenshtein suggestion, where the last of the equally near names wins."""
    best, shortest = "", -1
    for candidate in candidates:
        distance = _levenshtein(word, candidate)
        if distance == 0:
            return candidate
        if distance <= shortest or shortest < 0:
            best, shortest = candidate, distance
    return best


def _levenshtein(left: str, right: str) -> int:
    previous = list(range(len(right) + 1))
    for row, char in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (char != other)))
        previous = current
    return previous[-1]


def _dates_allowed(params: dict[str, str]) -> bool:
    return params.get("date", "") not in ("", "0")


def _usable(resource: Resource, params: dict[str, str]) -> dict[str, Field]:
    names = {"id": _ID} | resource.by_name
    if not _dates_allowed(params):
        return {name: spec for name, spec in names.items() if name not in _DATES}
    for name in _DATES:
        names.setdefault(name, Field(name, "datetime", validator="missing"))
    return names


def select_ids(world: World, resource: Resource, params: dict[str, str], filters: dict[str, str]) -> list[int]:
    """The ids that a list request answers, in its order."""
    where, values = [], []
    try:
        for name, raw in filters.items():
            condition = _filter(world, resource, params, name, raw)
            if condition:
                where.append(condition[0])
                values += condition[1]
        order = _sort(world, resource, params, by_date=any(name in _DATES for name in filters))
    except NoSuchColumn:
        if world.dialect.missing_date_column_fails:
            raise Died(500) from None
        return []
    restriction = _shop_restriction(world, resource, params)
    if restriction:
        where.append(restriction)
    sql = f'SELECT id FROM "{resource.name}" AS main'
    if where:
        sql += " WHERE " + " AND ".join(where)
    sql += f" ORDER BY {order}" + _limit(params)
    return [row[0] for row in world.store.query(sql, values)]


def _shop_restriction(world: World, resource: Resource, params: dict[str, str]) -> str:
    """Orders and customers show the rows of the shop in question only; nothing else is restricted."""
    if resource.name not in ("orders", "customers"):
        return ""
    wanted = params.get("id_shop", "")
    if wanted == "all":
        ids = world.shop_ids()
    elif wanted:
        ids = [php_int(wanted)]
    elif params.get("id_group_shop") or params.get("id_shop_group"):
        group = php_int(params.get("id_group_shop") or params.get("id_shop_group"))
        ids = [row["id"] for row in world.store.rows("shops", id_shop_group=group)]
    else:
        ids = [1]
    return f"id_shop IN ({', '.join(map(str, ids)) or '0'})"


def _filter(
    world: World, resource: Resource, params: dict[str, str], name: str, raw: str
) -> tuple[str, list[Any]] | None:
    usable = _usable(resource, params)
    if name not in usable:
        names = list(usable)
        full = '", "'.join(names)
        raise ApiError(
            400,
            32,
            f'This filter does not exist. Did you mean: "{closest(name, names)}"? The full list is: "{full}"',
        )
    spec = usable[name]
    if raw == "":
        raise ApiError(400, 33, f'The filter "{name}" is malformed.')
    if spec.getter:
        raise ApiError(
            400, 34, f'The field "{name}" is dynamic. It is not possible to filter GET query with this field.'
        )
    if spec.validator == "missing":
        raise NoSuchColumn
    if spec.i18n:
        condition = _condition(Field(name, "str"), "value", raw)
        languages = ", ".join(map(str, languages_of(world, params)))
        if condition is None:
            return None
        inner = f'SELECT 1 FROM json_each(main."{name}") WHERE CAST(key AS INTEGER) IN ({languages})'
        return f"EXISTS ({inner} AND {condition[0]})", condition[1]
    return _condition(spec, f'main."{name}"', raw)


def _condition(spec: Field, column: str, raw: str) -> tuple[str, list[Any]] | None:
    left = _comparable(spec, column)
    found = _BRACKETS.match(raw)
    if found is None:
        return f"{left} = ?", [_value(spec, raw)]
    before, inner, after = found.groups()
    if "%" in (before, after) and before in ("", "%") and after in ("", "%"):
        return f"fold(CAST({column} AS TEXT)) LIKE ?", [fold(f"{before}{inner}{after}")]
    if after:
        return None
    if before == "":
        if inner.find("|") > 0:
            parts = inner.split("|")
            marks = ", ".join("?" * len(parts))
            return f"{left} IN ({marks})", [_value(spec, part) for part in parts]
        bounds = inner.split(",")
        if len(bounds) == 2 and all(_BOUND.match(bound) for bound in bounds):
            low, high = sorted(_value(spec, bound) for bound in bounds)
            return f"{left} BETWEEN ? AND ?", [low, high]
        return f"{left} = ?", [_value(spec, inner)]
    if before in ("<", ">"):
        return f"{left} {before} ?", [_value(spec, inner)]
    if before == "!":
        parts = inner.split("|")
        marks = ", ".join("?" * len(parts))
        return f"{left} NOT IN ({marks})", [_value(spec, part) for part in parts]
    return None


def _comparable(spec: Field, column: str) -> str:
    if spec.is_decimal:
        return f"CAST({column} AS REAL)"
    return column if spec.kind in ("int", "bool") or spec.is_date else f"fold({column})"


def _value(spec: Field, text: str) -> Cell:
    """A filter value as MySQL reads it beside a column of that kind."""
    if spec.kind in ("int", "bool") or spec.is_decimal:
        found = re.match(r"\s*([+-]?\d+(?:\.\d+)?)", text)
        number = float(found[1]) if found else 0.0
        return int(number) if number.is_integer() else number
    if spec.kind == "datetime" and _DAY.match(text.strip()):
        return f"{text.strip()} 00:00:00"
    return text.strip() if spec.is_date else fold(text)


def _sort(world: World, resource: Resource, params: dict[str, str], *, by_date: bool) -> str:
    raw = params.get("sort", "")
    if not raw:
        return "id" if by_date else _UNSORTED.get(resource.name, "id")
    found = re.match(r"^\[(.*)\](.*)$", raw)
    usable = _usable(resource, params)
    terms = []
    for part in (found[1] if found else raw).split(","):
        match = re.match(r"^(\w+)_(ASC|DESC)$", part.strip(), re.I)
        if not match:
            raise ApiError(
                400,
                37,
                'The "sort" value has to be formed as this example: "field_ASC" or '
                '"[field_1_DESC,field_2_ASC,field_3_ASC,...]" ("field" has to be an available field)',
            )
        name, direction = match[1], match[2].upper()
        if name not in usable:
            plain = ", ".join(key for key, spec in usable.items() if not spec.i18n)
            i18n = ", ".join(key for key, spec in usable.items() if spec.i18n)
            raise ApiError(
                400,
                38,
                f"Unable to filter by this field. However, these are available: {plain}, for i18n fields:{i18n}",
            )
        spec = usable[name]
        if spec.validator == "missing":
            raise NoSuchColumn
        column = f'main."{name}"'
        if spec.i18n:
            column = f"json_extract({column}, '$.\"{languages_of(world, params)[0]}\"')"
        terms.append(f"{_comparable(spec, column)} {direction}")
    return ", ".join(terms)


def _limit(params: dict[str, str]) -> str:
    raw = params.get("limit")
    if raw is None or raw == "":
        return ""
    parts = raw.split(",")
    if len(parts) > 2:
        raise ApiError(400, 39, 'The "limit" value has to be formed as this example: "5,25" or "10"')
    numbers = [max(0, php_int(part)) for part in parts]
    return f" LIMIT {numbers[0]}" if len(numbers) == 1 else f" LIMIT {numbers[1]} OFFSET {numbers[0]}"


def languages_of(world: World, params: dict[str, str]) -> list[int]:
    """The languages to render: all active ones, or those of `language=1`, `[1|3]`, `[1,3]`."""
    active = world.active_languages()
    raw = params.get("language")
    if not raw:
        return active
    found = re.match(r"^\[(.*)\](.*)$", raw)
    inner = found[1] if found else raw
    if "|" in inner:
        wanted = inner.split("|")
    elif "," in inner:
        bounds = inner.split(",")
        if len(bounds) != 2:
            raise ApiError(400, 78, "A range value for a language must contains only 2 values")
        low, high = sorted(php_int(bound) for bound in bounds)
        return [number for number in active if low <= number <= high]
    else:
        wanted = [inner]
    chosen = []
    for number in wanted:
        if not number.strip().isdigit():
            raise ApiError(400, 80, f"Language ID must be numeric, got '{number}'")
        if int(number) not in active:
            raise ApiError(400, 81, f"This language is not available: {number}")
        chosen.append(int(number))
    return chosen


def parse_display(world: World, resource: Resource, params: dict[str, str], *, single: bool) -> Display:
    """The `display` parameter; up to 1.7.7 it spoils the answer for a single resource."""
    raw = params.get("display", "")
    if single and raw and world.dialect.number < (1, 7, 8):
        return Display(minimum=True)
    if raw == "":
        return Display(full=single, minimum=not single)
    if raw == "full":
        return Display(full=True)
    if raw == "minimum":
        return Display(minimum=True)
    found = re.match(r"^\[(.*)\]$", raw, re.S)
    if not found:
        raise ApiError(
            400,
            36,
            "The 'display' syntax is wrong. You can set 'full' or '[field_1,field_2,...]'. "
            "These are available: " + ", ".join(["id", *resource.by_name]),
        )
    fields: set[str] = set()
    associations: dict[str, frozenset[str] | None] = {}
    for part in _split(found[1]):
        nested = re.match(r"^(\w+)\[(.*)\]$", part)
        name = nested[1] if nested else part
        association = resource.association
        if association is not None and name == association.name:
            subs = frozenset(sub.strip() for sub in nested[2].split(",")) if nested else None
            associations[name] = subs
        elif nested is None and (name == "id" or resource.has(name)):
            fields.add(name)
        else:
            available = ", ".join(["id", *resource.by_name])
            raise ApiError(
                400,
                35,
                f'Unable to display this field "{name}". However, these are available: {available}',
            )
    return Display(fields=frozenset(fields), associations=associations)


def _split(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth, current = [], 0, ""
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [*parts, current.strip()]

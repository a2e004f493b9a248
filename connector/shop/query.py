"""A core Query as URL parameters, in exactly the forms that every version of the shop understands.

The shop matches a filter with `^(.*)\\[(.*)\\](.*)$` and ignores what it does not know, so that a wrong form returns
every row: what cannot be said for sure is refused here (SQLUtils@8.2.1, WebserviceRequest@1.6.1.24).
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from connector.core.query import Filter, Query

Params = list[tuple[str, str]]

_FIELD = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)
_UNASKABLE = re.compile("[\\[\\]|\r\n\0\ud800-\udfff]")
_RANGE_BOUND = re.compile(r"[\d.:\-\s]+")  # what the shop takes as a bound of a range; else `[a,b]` is an equality
_LOOKS_LIKE_RANGE = re.compile(r"[\d.:\-\s]+,[\d.:\-\s]+")


def list_params(query: Query) -> Params:
    """A list of rows with their fields: `display=full` or `display=[a,b]`. Raises ValueError."""
    if not query.display:
        return [("display", "full"), *_conditions(query)]
    # Rows are named by their id, so it is always asked for.
    fields = query.display if "id" in query.display else ("id", *query.display)
    return [("display", "[" + ",".join(_field(name) for name in fields) + "]"), *_conditions(query)]


def id_params(query: Query) -> Params:
    """A list without `display`: the shop gives ids only and loads no object per row. Raises ValueError."""
    return _conditions(query)


def encode(params: Params) -> str:
    """The query string. Brackets are encoded (firewalls block bare ones) and a space is %20."""
    return urlencode(params, quote_via=quote)


def _conditions(query: Query) -> Params:
    params = [(f"filter[{_field(item.field)}]", _value(item)) for item in query.filters]
    if query.uses_dates:
        params.append(("date", "1"))  # without it the shop refuses date_add and date_upd (recordings 09, 146)
    if query.sort:
        direction = "DESC" if query.newest_first else "ASC"
        params.append(("sort", "[" + ",".join(f"{_field(name)}_{direction}" for name in query.sort) + "]"))
    if query.limit > 0:
        params.append(("limit", str(query.limit)))  # in brackets it would be read as 0 (LIMIT 0, n for every page)
    if query.id_shop:
        if query.id_shop != "all" and not query.id_shop.isdigit():
            raise ValueError("id_shop is a number or 'all'")
        params.append(("id_shop", query.id_shop))
    return params


def _field(name: str) -> str:
    if not _FIELD.fullmatch(name):
        raise ValueError(f"{name!r} is no field name")
    return name


def _value(item: Filter) -> str:
    for value in item.values:
        if _UNASKABLE.search(value):
            raise ValueError(f"filter on {item.field}: the shop cannot be asked for a value with [ ] | or a line break")
        if item.op == "starts" and "%" in value:
            raise ValueError(f"filter on {item.field}: % is a wildcard")
        if item.op == "between" and not _RANGE_BOUND.fullmatch(value):
            raise ValueError(f"filter on {item.field}: a bound must be a number or a date")
        if item.op in ("eq", "any") and _LOOKS_LIKE_RANGE.fullmatch(value):
            raise ValueError(f"filter on {item.field}: the shop would take the value for a range")
    match item.op:
        case "eq":
            return f"[{item.values[0]}]"
        case "any":
            return "[" + "|".join(item.values) + "]"
        case "not":
            return "![" + "|".join(item.values) + "]"
        case "between":
            return f"[{item.values[0]},{item.values[1]}]"
        case "gt":
            return f">[{item.values[0]}]"
        case "lt":
            return f"<[{item.values[0]}]"
        case "starts":  # `_` stands for any character: the answer may hold more rows than start so
            return f"[{item.values[0]}]%"

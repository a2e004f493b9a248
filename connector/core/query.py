"""Questions to the webservice, limited to what every version supports.

The shop ignores an unsupported operator and returns everything (`>=[5]`, recordings/filter), so a query can only be
built from the forms below. Rendering into a URL is the adapter's work (`shop/query.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Op = Literal["eq", "any", "not", "between", "gt", "lt", "starts"]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `any` and `not` take one or more values, `between` exactly two, the others one.

    `between` includes both ends; date bounds must be full timestamps (a day alone means its midnight).
    """

    field: str
    op: Op
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        wanted = {"eq": 1, "gt": 1, "lt": 1, "starts": 1, "between": 2}.get(self.op)
        if (wanted is not None and len(self.values) != wanted) or not self.values:
            raise ValueError(f"filter {self.op} on {self.field} takes another number of values")
        if any(value == "" or "\n" in value for value in self.values):
            raise ValueError(f"filter on {self.field}: a value is empty or has a line break")


@dataclass(frozen=True, slots=True)
class Query:
    """filters are ANDed, at most one per field. sort: fields, all ascending, or all descending with `newest_first`
    (to learn the newest row: recordings 156-date-day-only-upper, all versions). limit: rows, 0 = no limit.

    display: field names, or () for all fields. Dates: any filter or sort on date_add/date_upd makes the adapter send
    `date=1`, without which the shop refuses it (code 32 / 38 in all versions).
    """

    filters: tuple[Filter, ...] = ()
    sort: tuple[str, ...] = ("id",)
    limit: int = 0
    display: tuple[str, ...] = ()
    id_shop: str = ""  # "", "all" or a number
    newest_first: bool = False

    def __post_init__(self) -> None:
        fields = [f.field for f in self.filters]
        if len(fields) != len(set(fields)):
            raise ValueError("two filters on one field: the shop would keep only the last")

    @property
    def uses_dates(self) -> bool:
        named = {f.field for f in self.filters} | set(self.sort)
        return bool(named & {"date_add", "date_upd"})

"""What a mapping says: a resource of the webservice, its fields with their types, its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Type = Literal["int", "ref", "bool", "decimal", "date", "datetime", "text"]
Pull = Literal["delta", "id", "snapshot"]

SECRETS = frozenset(
    {"passwd", "secure_key", "last_passwd_gen", "reset_password_token", "reset_password_validity", "ws_key", "key"}
)
"""Fields that the webservice hands out and no mapping may name: password hashes and what resets or replaces them."""

MIRRORS_OWN = {"main": {"shop", "id", "digest", "pulled_at"}, "lang": {"shop", "id", "id_lang"}}
MIRRORS_OWN["child"] = {"shop", "id", "parent_id", "position"}
"""Columns that the mirror makes itself, by kind of table."""


@dataclass(frozen=True, slots=True)
class Field:
    """One mirrored field.

    ref: an id of another row; 0 and '' become NULL. text: '' stays ''. datetime: shop-local in the shop; stored as
    UTC in `<name>` and as text in `<name>_local`; `0000-00-00 00:00:00` becomes NULL in both.
    personal: holds personal data (erasure, export and log redaction read this mark).
    origin: the shop's name where the column has another one, '' for the same.
    target: of a ref, the resource whose id it is (e.g. "customers"); '' when it is not told or not mirrored.
    """

    name: str
    type: Type
    personal: bool = False
    origin: str = ""
    target: str = ""

    @property
    def key(self) -> str:
        """The name in the shop's record."""
        return self.origin or self.name


@dataclass(frozen=True, slots=True)
class Child:
    """An association that is mirrored as rows of its own table, keyed (shop, parent_id, position)."""

    association: str
    table: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A field that changes without moving date_upd: asked for by one id list per value.

    others: one more list, of the rows that have none of the values. ids_of: the values are the ids in that mirrored
    table, and 0. days > 0 instead of values: the rows of the last days by the date `by` are read again in full, and
    with `through` (field, resource) also those whose parent changed within the days, e.g. ("id_order", "orders").
    filled: one list of ids, of the rows that have any text there. every: this one field of all rows is read.
    """

    field: str
    values: tuple[str, ...] = ()
    others: bool = False
    ids_of: str = ""
    days: int = 0
    by: str = "date_add"
    through: tuple[str, str] | None = None
    filled: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One mapping file.

    name: as in the URL. table: main table; i18n fields live in `<table>_lang`, keyed (shop, id, id_lang).
    pull: delta = (date_upd, id) keyset; id = id keyset; snapshot = all rows each time.
    since: first PrestaShop version that has the resource, e.g. (1, 7). only: a fixed filter (field, values).
    display: True when only the mapped fields are asked for, False for display=full (needed for associations).
    """

    name: str
    table: str
    pull: Pull
    fields: tuple[Field, ...]
    lang: tuple[Field, ...] = ()
    children: tuple[Child, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    since: tuple[int, ...] = (1, 6)
    only: tuple[str, tuple[str, ...]] | None = None
    display: bool = False
    per_shop: bool = False  # the list shows the shop context only: multistore asks id_shop=all, or every id_shop
    source: str = ""  # file name, for messages

    @property
    def has_date_upd(self) -> bool:
        return any(f.name == "date_upd" for f in self.fields)

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields to ask for by name, () for all of them."""
        if not self.display:
            return ()
        return tuple(dict.fromkeys(("id", *(f.key for f in self.fields), *(f.key for f in self.lang))))

    @property
    def personal(self) -> tuple[Field, ...]:
        """The fields of the main table that are marked as personal data."""
        return tuple(one for one in self.fields if one.personal)

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


class Cells(Mapping[str, Any]):
    """A row's values under the names of their columns. All rows of a page share one `places`, name -> place among the
    cells: a dict for each row takes ten times as long to make (44 columns).
    """

    __slots__ = ("cells", "places")

    def __init__(self, places: Mapping[str, int], cells: tuple[Any, ...]) -> None:
        self.places = places
        self.cells = cells

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever a column holds
        return self.cells[self.places[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(slots=True)
class Row:
    """A typed row, ready to be stored. Not frozen, since a first pull makes a million of them: that takes four times as
    long to make. Nobody changes one.

    values: column -> value of the main table (without shop and id). langs: one mapping per language with `id_lang`.
    children: table -> rows in order (without shop, parent_id and position). digest: 64 hex digits over all of it.
    date_upd_local: for the cursor, None where there is none or it is zero.
    """

    id: int
    values: Mapping[str, Any]
    langs: tuple[Mapping[str, Any], ...] = ()
    children: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    digest: str = ""
    date_upd_local: str | None = None

"""Resources of the webservice as data: which fields are mirrored, with which types, into which tables.

`parse` turns the text of one mapping file (`mappings/resources/*.toml`, format in `mappings/README.md`) into a
`Resource`; `convert` turns one record of the shop into a typed `Row`. No file is opened here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Type = Literal["int", "ref", "bool", "decimal", "date", "datetime", "text"]
Pull = Literal["delta", "id", "snapshot"]


@dataclass(frozen=True, slots=True)
class Field:
    """One mirrored field.

    ref: an id of another row; 0 and '' become NULL. text: '' stays ''. datetime: shop-local in the shop; stored as
    UTC in `<name>` and as text in `<name>_local`; `0000-00-00 00:00:00` becomes NULL in both.
    personal: holds personal data (erasure, export and log redaction read this mark).
    """

    name: str
    type: Type
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Child:
    """An association that is mirrored as rows of its own table, keyed (shop, parent_id, position)."""

    association: str
    table: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A field that changes without moving date_upd: asked for by one id list per value."""

    field: str
    values: tuple[str, ...]


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
    per_shop: bool = False  # restricted to the shop context (orders, customers): multistore asks id_shop=all
    source: str = ""  # file name, for messages

    @property
    def has_date_upd(self) -> bool:
        return any(f.name == "date_upd" for f in self.fields)


@dataclass(frozen=True, slots=True)
class Row:
    """A typed row, ready to be stored.

    values: column -> value of the main table (without shop and id). langs: one dict per language with `id_lang`.
    children: table -> rows in order (without shop, parent_id and position). digest: hex SHA-256 over all of it.
    date_upd_local: for the cursor, None where there is none or it is zero.
    """

    id: int
    values: dict[str, Any]
    langs: tuple[dict[str, Any], ...] = ()
    children: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    digest: str = ""
    date_upd_local: str | None = None

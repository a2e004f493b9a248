"""What a shop says about a resource's fields when it is asked for `schema=synopsis`.

Facts only; what becomes of them is decided in `suggest` and `mapping/served`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchemaField:
    """format: the name of the shop's validator (isUnsignedId, isPrice ...), '' where it tells none. max_size: most
    characters, 0 untold. filterable: False for what the shop computes (getters). link: the resource that the field's
    ids belong to, told for some fields of associations (from 1.7 on)."""

    name: str
    format: str = ""
    max_size: int = 0
    i18n: bool = False
    filterable: bool = True
    link: str = ""


@dataclass(frozen=True, slots=True)
class Association:
    """resource: whose ids it lists, '' for rows that exist in it only. fields: () when the shop tells none."""

    name: str
    resource: str = ""
    fields: tuple[SchemaField, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """`id` is not among the fields: every resource has it."""

    fields: tuple[SchemaField, ...]
    associations: tuple[Association, ...] = ()

    def field(self, name: str) -> SchemaField | None:
        return next((item for item in self.fields if item.name == name), None)

"""Mappings and genuine shops: which mapped fields a shop does not have, and a mapping made from what it has.

Reads the shop only; the mirror is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from connector.core.exchange import Record
from connector.core.mapping import Mapped, Mappings, unserved
from connector.core.query import Query
from connector.core.schema import Schema
from connector.core.suggest import SMALL, Known, suggest, to_look_at
from connector.engine.ports import Shop
from connector.engine.pull import version_of
from connector.errors import DataError, ShopForbidden, ShopRejected, ShopUnreadable

SAMPLE = 20
"""Rows that are looked at to try types on them: the newest, which most likely are filled."""

Kind = Literal["unreadable", "forbidden", "refused", "absent"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in which a mapping and a shop do not agree.

    kind: forbidden (the key may not read the resource, or the shop does not have it), unreadable (the shop does not
    describe it), refused (a field that is asked for by name and is not there: the shop refuses the whole question),
    absent (a field that stays NULL). name: the field, '' for the resource. close: what may have been meant.
    serious: not so for shipped fields that only other versions have.
    """

    kind: Kind
    resource: str
    file: str
    line: int
    name: str = ""
    close: str = ""
    serious: bool = True


def compare(shop: Shop, mappings: Mappings) -> list[Finding]:
    """Every mapping held against this shop. Raises ShopError when the shop cannot be asked at all."""
    info = shop.probe()
    version = version_of(info.version)
    return [
        finding
        for one in mappings.mapped
        if not version or one.resource.since <= version
        for finding in _of_one(shop, one, info.may(one.resource.name, "GET"))
    ]


def _of_one(shop: Shop, one: Mapped, readable: bool) -> Iterator[Finding]:
    name = one.resource.name
    if not readable:
        yield Finding("forbidden", name, one.layers.file, 0)
        return
    try:
        schema = shop.schema(name)
    except (ShopRejected, ShopUnreadable):
        yield Finding("unreadable", name, one.layers.file, 0)
        return
    for missing in unserved(one.resource, schema):
        file, line = one.place(missing.path)
        by_name = one.resource.display and missing.path[0] != "children"
        kind: Kind = "refused" if by_name else "absent"
        yield Finding(kind, name, file, line, missing.name, missing.close, serious=by_name or file == one.own)


def make(shop: Shop, resource: str, mappings: Mappings) -> str:
    """The text of a mapping for a resource of this shop, '' when its mapping lacks nothing.

    Raises DataError for a resource that the shop does not name, ShopForbidden where the key may not read it."""
    info = shop.probe()
    if resource not in info.rights:
        close = get_close_matches(resource, sorted(info.rights), n=1)
        raise DataError("mapping.resource_unknown", resource=resource, known=", ".join(close or sorted(info.rights)))
    if not info.may(resource, "GET"):
        raise ShopForbidden("shop.resource_forbidden", resource=resource)
    schema = shop.schema(resource)
    return suggest(
        resource,
        schema,
        Known(
            mappings.resources,
            served=info.rights,
            rows=_look(shop, resource, schema),
            small=len(shop.ids(resource, Query(limit=SMALL + 1))) <= SMALL,
            prestashop=info.version,
        ),
    )


def _look(shop: Shop, resource: str, schema: Schema) -> list[Record]:
    """The newest rows; none where the shop cannot give them, which spoils no suggestion."""
    try:
        return shop.read(to_look_at(resource, schema), Query(limit=SAMPLE, newest_first=True)).records
    except (ShopRejected, ShopUnreadable):
        return []

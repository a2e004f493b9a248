"""Bytes of `?schema=synopsis` to `core.schema.Schema`. Opens nothing.

The fields of the entity carry `format`, `maxSize` and `notFilterable="true"`; a field in languages holds `<language>`
elements; `<associations>` hold one sample item each (recordings 06, 96-124 of all versions). PrestaShop 8.0.0 to 8.1.1
on PHP 8 write `<0>` elements into associations (#32476), which no XML parser takes; they are cut out.
"""

from __future__ import annotations

import re
from typing import Any

from connector.core.schema import Association, Schema, SchemaField
from connector.shop import codec
from connector.shop.codec import UndecodableError

_NUMBERED = re.compile(rb"<(\d+)\b[^>]*(?:/>|>.*?</\1>)", re.DOTALL)


def read(body: bytes) -> Schema:
    """Raises UndecodableError."""
    entities = _elements(codec.content(_NUMBERED.sub(b"", body)))
    if len(entities) != 1 or not isinstance(entities[0][1], dict):
        raise UndecodableError("structure")
    entity: dict[str, Any] = entities[0][1]
    fields = tuple(_field(name, node) for name, node in _elements(entity) if name not in ("id", "associations"))
    associations = entity.get("associations")
    found = _elements(associations) if isinstance(associations, dict) else []
    return Schema(fields, tuple(_association(name, node) for name, node in found))


def _elements(node: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in node.items() if name[0] not in "@#"]


def _field(name: str, node: object) -> SchemaField:
    if not isinstance(node, dict):
        return SchemaField(name)
    size = str(node.get("@maxSize", ""))
    link = re.search(r"/api/([a-z_]+)/?$", str(node.get("@xlink:href", "")))
    return SchemaField(
        name,
        format=str(node.get("@format", "")),
        max_size=int(size) if size.isascii() and size.isdecimal() else 0,
        i18n="language" in node,
        filterable=node.get("@notFilterable") != "true",
        link=link[1] if link else "",
    )


def _association(name: str, node: object) -> Association:
    if not isinstance(node, dict):
        return Association(name)
    items = [item for _, item in _elements(node) if isinstance(item, dict)]
    fields = tuple(_field(field, inner) for field, inner in _elements(items[0])) if items else ()
    return Association(name, str(node.get("@api", "")), fields)

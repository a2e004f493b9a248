"""Which resources can be compared with the shop: those that it shows and whose first pull has come to its end."""

from __future__ import annotations

from collections.abc import Sequence

from connector.core.cursor import Cursor
from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.engine.ports import Rows
from connector.engine.pull import version_of


def is_filled(cursor: Cursor | None) -> bool:
    """Has every pass been at the end once? Before that every row that is not here yet would differ."""
    parts = list(cursor.get("by_shop", {}).values()) or [cursor] if cursor else []
    return bool(parts) and all(part["phase"] not in ("note", "first", "read") for part in parts)


def comparable(
    resources: Sequence[Resource], info: ShopInfo, rows: Rows, shop: str, only: Sequence[str] | None = None
) -> list[Resource]:
    """Those that the shop's version has, the key may read and the mirror holds in full. only: names, None for all."""
    version = version_of(info.version)
    return [
        resource
        for resource in resources
        if (only is None or resource.name in only)
        and not (version and version < resource.since)
        and info.may(resource.name, "GET")
        and is_filled(rows.cursor(shop, resource.name))
    ]

"""What opening the mirror with these mappings would change in it. Reads only, and makes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import inspect

from connector.core.mapping import Resource
from connector.errors import MappingError
from connector.mirror import own_tables, remembered, tables, views
from connector.mirror.database import Database
from connector.mirror.db import is_there


@dataclass(frozen=True, slots=True)
class Preview:
    """changes: tables and columns that would be made, a line each. reread: resources that would be read again in full.
    refused: columns whose type would have to change; with one of them the program does not start."""

    changes: tuple[str, ...]
    reread: tuple[str, ...]
    refused: tuple[MappingError, ...]


def preview(url: str, resources: Sequence[Resource], *, password: str = "") -> Preview | None:
    """None when there is no mirror yet. Raises as `open_mirror`, but not for a changed type."""
    mirrored = tables.build(resources)
    if not is_there(url, password=password):
        return None
    database = Database(url, password=password)
    try:
        with database.read() as connection:
            plan = tables.compare(connection, mirrored)
            if inspect(connection).has_table(own_tables.meta.name):
                plan.reread.update(remembered.grown(connection, mirrored))
                if not views.are_current(connection, mirrored):
                    plan.changes.append("make the views anew")
    finally:
        database.close()
    return Preview(tuple(plan.changes), tuple(sorted(plan.reread)), tuple(plan.refused))

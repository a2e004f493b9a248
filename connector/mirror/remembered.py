"""What the mirror was filled by: the fields of every mapping at the last start.

A new column tells by itself that its resource must be read again. What this is for tells nobody else: a field that was
left out for a while (its column stayed), another origin of a column, a type that shares its column with the old one (0
is a number and no id), another table, a further value of `only`. A mapping that is out of force is remembered, since
its rows stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, inspect, select

from connector.core.mapping import Resource, fields_of
from connector.mirror import own_tables
from connector.mirror.tables import MirroredTables, has_rows

_PREFIX = "mapped."
_ROWS = "rows "
_IN = f"{_ROWS}in "
_meta = own_tables.meta


def entries(resource: Resource) -> list[str]:
    """What a mapping mirrors, one text each, sorted: more of them means that there is more to read."""
    found = [f"{'.'.join(path)} {item.key} {item.type}" for path, item in fields_of(resource)]
    rows = [f"{resource.only[0]}={value}" for value in resource.only[1]] if resource.only else ["all"]
    found += [f"{_ROWS}{which}" for which in rows]
    return sorted([*found, f"{_IN}{resource.table}"])


def grown(connection: Connection, tables: MirroredTables) -> set[str]:
    """Resources that mirror something which they did not at the last start: further rows, or fields of rows that are
    there. A mapping never seen before is none."""
    known = _known(connection)
    found = set()
    for resource in tables.resources:
        new = set(entries(resource)) - known.get(resource.name, set())
        if resource.name not in known or not new:
            continue
        main = tables.main[resource.table]
        filled = inspect(connection).has_table(main.name) and has_rows(connection, main)
        if filled or any(entry.startswith(_ROWS) for entry in new):
            found.add(resource.name)
    return found


def moved(connection: Connection, tables: MirroredTables) -> set[str]:
    """Resources whose rows went into another table at the last start."""
    known = _known(connection)
    return {
        one.name
        for one in tables.resources
        if any(entry.startswith(_IN) and entry != f"{_IN}{one.table}" for entry in known.get(one.name, ()))
    }


def is_current(connection: Connection, resources: Iterable[Resource]) -> bool:
    """Is everything noted as it is now?"""
    known = _known(connection)
    return all(known.get(one.name) == set(entries(one)) for one in resources)


def remember(connection: Connection, resources: Iterable[Resource]) -> None:
    """Note the mappings, in the caller's transaction."""
    rows = [{"name": _PREFIX + one.name, "value": json.dumps(entries(one))} for one in resources]
    if rows:
        connection.execute(delete(_meta).where(_meta.c.name.in_([row["name"] for row in rows])))
        connection.execute(insert(_meta), rows)


def _known(connection: Connection) -> dict[str, set[str]]:
    query = select(_meta.c.name, _meta.c.value).where(_meta.c.name.startswith(_PREFIX, autoescape=True))
    return {name.removeprefix(_PREFIX): set(json.loads(value)) for name, value in connection.execute(query)}

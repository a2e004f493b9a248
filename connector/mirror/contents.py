"""What the mirror holds, asked for comparison with the shop: ids in windows, whole rows, references that lead nowhere.

Reads only; `rows.py` writes. Every answer is bounded by the window or the ids that it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, bindparam, func, or_, select, text
from sqlalchemy.sql.elements import ColumnElement

from connector.core.mapping import Resource, Row
from connector.engine.ports import Held
from connector.mirror import erased
from connector.mirror.database import Database
from connector.mirror.dialect import UTCDateTime, in_batches
from connector.mirror.own_tables import quarantine_row, tombstone
from connector.mirror.tables import MirroredTables

# As text: there is one for every column that points somewhere, and to build them of tables takes longer than to ask.
_UNRESOLVED = """
SELECT DISTINCT here.{column} FROM {here} AS here
WHERE here.shop = :shop AND here.{column} IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM {there} AS known WHERE known.shop = :shop AND known.id = here.{column})
AND NOT EXISTS (SELECT 1 FROM tombstone AS t WHERE t.shop = :shop AND t.resource = :target AND t.row_id = here.{column})
AND NOT EXISTS (
    SELECT 1 FROM quarantine_row AS q WHERE q.shop = :shop AND q.resource = :target AND q.row_id = here.{column}
)"""
_ASCENDING = " ORDER BY here.{column} LIMIT :most"


class SqlContents:
    """The port `Contents` over SQL."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables

    def ids_between(self, shop: str, table: str, after: int, upto: int | None, held: Held | None = None) -> set[int]:
        """Ids of rows with after < id <= upto (None: no end), all of them or those that `held` describes."""
        target = self._tables.main.get(table)
        if target is None:
            return set()
        query = select(target.c.id).where(target.c.shop == shop, *_window(target.c.id, after, upto))
        if held is not None:
            query = query.where(_condition(target, held))
        with self._db.read() as connection:
            return set(connection.execute(query).scalars())

    def values_between(self, shop: str, table: str, column: str, after: int, upto: int) -> dict[int, object]:
        """id -> what the column holds, of the rows with after < id <= upto."""
        target = self._tables.main.get(table)
        if target is None or column not in target.c:
            return {}
        query = select(target.c.id, target.c[column]).where(target.c.shop == shop, *_window(target.c.id, after, upto))
        with self._db.read() as connection:
            return {row.id: row[1] for row in connection.execute(query)}

    def quarantined_between(self, shop: str, resource: str, after: int, upto: int | None) -> set[int]:
        """Ids of rows that wait in the quarantine because they cannot be read."""
        kept = quarantine_row.c
        query = select(kept.row_id).where(
            kept.shop == shop,
            kept.resource == resource,
            kept.row_id.is_not(None),
            *_window(kept.row_id, after, upto),
        )
        with self._db.read() as connection:
            return set(connection.execute(query).scalars())

    def erased(self, shop: str, resource: str, ids: Iterable[int]) -> set[int]:
        """Those of the ids whose rows were emptied because their person was erased."""
        with self._db.read() as connection:
            return erased.among(connection, shop, resource, ids)

    def load(self, shop: str, resource: Resource, ids: Iterable[int]) -> dict[int, Row]:
        """Whole rows as they are stored, with languages and children, in the form that `Converter` makes of the shop's
        records, for comparison field by field. `digest` is the stored one."""
        main = self._tables.main.get(resource.table)
        found: dict[int, Row] = {}
        if main is None:
            return found
        skipped = ("shop", "id", "digest", "pulled_at", "email_key")
        with self._db.read() as connection:
            for some in in_batches(sorted(set(ids))):
                query = select(main).where(main.c.shop == shop, main.c.id.in_(some))
                langs = self._parts(connection, self._tables.lang.get(resource.table), "id", shop, some)
                children = {
                    name: self._parts(connection, child, "parent_id", shop, some)
                    for name, child in self._tables.children.get(resource.table, {}).items()
                }
                for row in connection.execute(query).mappings():
                    values = {name: value for name, value in row.items() if name not in skipped}
                    found[row["id"]] = Row(
                        id=row["id"],
                        values=values,
                        langs=tuple(langs.get(row["id"], ())),
                        children={name: tuple(parts.get(row["id"], ())) for name, parts in children.items()},
                        digest=row["digest"] or "",
                        date_upd_local=values.get("date_upd_local"),
                    )
        return found

    def _parts(
        self,
        connection: Any,  # noqa: ANN401 - a Connection
        table: Table | None,
        column: str,
        shop: str,
        ids: Sequence[int],
    ) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = {}
        if table is None:
            return found
        order = table.c.id_lang if column == "id" else table.c.position
        query = select(table).where(table.c.shop == shop, table.c[column].in_(ids)).order_by(table.c[column], order)
        for row in connection.execute(query).mappings():
            part = {name: value for name, value in row.items() if name not in ("shop", column, "position")}
            found.setdefault(row[column], []).append(part)
        return found

    def unresolved(
        self,
        shop: str,
        resource: Resource,
        table: str,
        column: str,
        target: Resource,
        since: datetime | None,
        limit: int,
    ) -> list[int]:
        """Ids in `column` of a resource's main or child table for which the target's table has no row, no quarantined
        row and no tombstone: at most `limit`, ascending. since: only rows written from then on (UTC)."""
        main, here = self._tables.main.get(resource.table), self._tables.any(table)
        there = self._tables.main.get(target.table)
        if main is None or here is None or there is None or column not in here.c:
            return []
        window = ""
        if since is not None and here is main:
            window = " AND here.pulled_at >= :since"
        elif since is not None:
            window = " AND here.parent_id IN (SELECT id FROM {main} WHERE shop = :shop AND pulled_at >= :since)"
        with self._db.read() as connection:
            quote = connection.dialect.identifier_preparer.quote
            names = {"here": here.name, "there": there.name, "main": main.name, "column": column}
            sql = (_UNRESOLVED + window + _ASCENDING).format(**{name: quote(value) for name, value in names.items()})
            values: dict[str, object] = {"shop": shop, "target": target.name, "most": limit}
            if since is None:
                return list(connection.execute(text(sql), values).scalars())
            query = text(sql).bindparams(bindparam("since", type_=UTCDateTime))
            return list(connection.execute(query, {**values, "since": since}).scalars())

    def tombstones(self, shop: str) -> dict[str, dict[str, int]]:
        """How many per resource and reason (`deleted`, `referenced`)."""
        query = (
            select(tombstone.c.resource, tombstone.c.reason, func.count())
            .where(tombstone.c.shop == shop)
            .group_by(tombstone.c.resource, tombstone.c.reason)
        )
        found: dict[str, dict[str, int]] = {}
        with self._db.read() as connection:
            for resource, reason, count in connection.execute(query):
                found.setdefault(resource, {})[reason] = count
        return found


def _window(column: ColumnElement[int], after: int, upto: int | None) -> Collection[ColumnElement[bool]]:
    return (column > after,) if upto is None else (column > after, column <= upto)


def _condition(table: Table, held: Held) -> ColumnElement[bool]:
    """None among the values stands for NULL, which SQL's IN and NOT IN never find."""
    column = table.c[held.column]
    values = [value for value in held.values if value is not None]
    with_null = None in held.values
    if held.none_of:
        others: ColumnElement[bool] = column.not_in(values)
        return and_(column.is_not(None), others) if with_null else or_(column.is_(None), others)
    same: ColumnElement[bool] = column.in_(values)
    return or_(column.is_(None), same) if with_null else same

"""What the shop holds twice of what was written once: found in the mirror, kept until the row is gone from the shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select

from connector.core import duplicates as core
from connector.core.duplicates import Duplicate, HistoryRow
from connector.core.identity import REFERENCE_PREFIX
from connector.core.model import Kind
from connector.mirror.database import Database
from connector.mirror.dialect import in_batches, insert_ignore
from connector.mirror.outbox import to_intent
from connector.mirror.own_tables import duplicate
from connector.mirror.own_tables import intent as intents
from connector.mirror.tables import MirroredTables

_LOOK_BACK = timedelta(days=3)  # statuses sent earlier than this get no late writes any more


class SqlDuplicates:
    """The port `Duplicates` over SQL. Deletes nothing in the shop and nothing that was read from it."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables

    def look(self, shop: str) -> list[Duplicate]:
        """Compare what is mirrored with what was wished; returns what was not known yet. What has left the shop since
        is forgotten."""
        with self._db.read() as connection:
            found = [*self._messages(connection, shop), *self._threads(connection, shop)]
            found += self._histories(connection, shop)
            known = {(row.resource, row.row_id) for row in connection.execute(_mine(shop))}
            gone = self._gone(connection, shop, known)
        new = [one for one in found if (one.resource, one.row_id) not in known]
        if not new and not gone:
            return []
        rows = [{"shop": shop, "found_at": self._db.now(), **asdict(one)} for one in new]
        with self._db.write(flush=False) as connection:
            for resource, row_id in gone:
                mine = (duplicate.c.shop == shop) & (duplicate.c.resource == resource)
                connection.execute(delete(duplicate).where(mine, duplicate.c.row_id == row_id))
            insert_ignore(connection, duplicate, rows)
        return new

    def listing(self, shop: str) -> list[Duplicate]:
        with self._db.read() as connection:
            return [_to_duplicate(row) for row in connection.execute(_mine(shop))]

    def of_intent(self, intent_id: int) -> list[Duplicate]:
        query = select(duplicate).where(duplicate.c.intent_id == intent_id).order_by(duplicate.c.row_id)
        with self._db.read() as connection:
            return [_to_duplicate(row) for row in connection.execute(query)]

    def _messages(self, connection: Connection, shop: str) -> list[Duplicate]:
        table = self._table("customer_messages", "user_agent")
        if table is None:
            return []
        ours = func.substr(table.c.user_agent, 1, len(REFERENCE_PREFIX)) == REFERENCE_PREFIX
        twice = select(table.c.user_agent).where(table.c.shop == shop, ours).group_by(table.c.user_agent)
        names = connection.execute(twice.having(func.count() > 1)).scalars().all()
        return self._of_references(connection, shop, table, "user_agent", Kind.MESSAGE_CREATE, names)

    def _threads(self, connection: Connection, shop: str) -> list[Duplicate]:
        table = self._table("customer_threads", "token")
        if table is None:
            return []
        mine = select(intents.c.reference).where(intents.c.shop == shop, intents.c.kind == Kind.THREAD_CREATE.value)
        twice = select(table.c.token).where(table.c.shop == shop, table.c.token.in_(mine)).group_by(table.c.token)
        names = connection.execute(twice.having(func.count() > 1)).scalars().all()
        return self._of_references(connection, shop, table, "token", Kind.THREAD_CREATE, names)

    def _of_references(
        self, connection: Connection, shop: str, table: Table, column: str, kind: Kind, names: Sequence[str]
    ) -> list[Duplicate]:
        found: list[tuple[str, int]] = []
        known: dict[str, int] = {}
        for some in in_batches(sorted(names)):
            rows = select(table.c[column], table.c.id).where(table.c.shop == shop, table.c[column].in_(some))
            found += [(row[0], row[1]) for row in connection.execute(rows)]
            of_kind = (intents.c.shop == shop) & (intents.c.kind == kind.value) & intents.c.reference.in_(some)
            query = select(intents.c.reference, intents.c.id).where(of_kind)
            known.update((row.reference, row.id) for row in connection.execute(query))
        return core.of_references(table.name, found, known)

    def _histories(self, connection: Connection, shop: str) -> list[Duplicate]:
        table = self._table("order_histories", "id_order", "id_order_state", "id_employee", "date_add")
        if table is None:
            return []
        statuses = (intents.c.shop == shop) & (intents.c.kind == Kind.ORDER_STATUS.value)
        recent = intents.c.sent_at > self._db.now() - _LOOK_BACK
        sent = [to_intent(row) for row in connection.execute(select(intents).where(statuses, recent)).mappings()]
        claimed: set[int] = set()
        rows: list[HistoryRow] = []
        for groups in in_batches(sorted({one.group for one in sent})):
            own = select(intents.c.remote_id).where(statuses, intents.c.group_key.in_(groups))
            claimed.update(number for number in connection.execute(own).scalars() if number)
        columns = (table.c.id, table.c.id_order, table.c.id_order_state, table.c.id_employee, table.c.date_add)
        for orders in in_batches(sorted({int(one.payload["id_order"]) for one in sent})):
            of_orders = select(*columns).where(table.c.shop == shop, table.c.id_order.in_(orders))
            rows += [HistoryRow(*row) for row in connection.execute(of_orders)]
        return core.of_histories(sent, rows, claimed)

    def _gone(self, connection: Connection, shop: str, known: set[tuple[str, int]]) -> set[tuple[str, int]]:
        """Those of the known that the mirror does not hold any more."""
        there: set[tuple[str, int]] = set()
        for resource in {name for name, _ in known}:
            table = self._tables.main.get(resource)
            for ids in in_batches(sorted(row_id for name, row_id in known if name == resource)):
                if table is not None:
                    query = select(table.c.id).where(table.c.shop == shop, table.c.id.in_(ids))
                    there.update((resource, row_id) for row_id in connection.execute(query).scalars())
        return known - there

    def _table(self, name: str, *columns: str) -> Table | None:
        table = self._tables.main.get(name)
        return table if table is not None and all(column in table.c for column in columns) else None


def _mine(shop: str) -> Any:  # noqa: ANN401 - a Select of this table's columns
    return select(duplicate).where(duplicate.c.shop == shop).order_by(duplicate.c.resource, duplicate.c.row_id)


def _to_duplicate(row: Any) -> Duplicate:  # noqa: ANN401 - a row of this table
    return Duplicate(row.resource, row.row_id, row.first_id, row.intent_id, row.reference)

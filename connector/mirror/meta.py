"""Small facts about the mirror itself, by name."""

from __future__ import annotations

from sqlalchemy import delete, select

from connector.mirror.database import Database
from connector.mirror.dialect import upsert
from connector.mirror.own_tables import meta


class Meta:
    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str) -> str | None:
        with self._db.read() as connection:
            return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()

    def set(self, name: str, value: str | None) -> None:
        """Keep a value, flushed; None forgets it."""
        with self._db.write() as connection:
            if value is None:
                connection.execute(delete(meta).where(meta.c.name == name))
            else:
                upsert(connection, meta, [{"name": name, "value": value}], ("name",))

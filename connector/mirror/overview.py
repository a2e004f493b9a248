"""What `status` and the metrics show of a shop, counted in SQL and in one look. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, func, select

from connector.core.model import FINAL
from connector.mirror.database import Database
from connector.mirror.own_tables import conflict, duplicate, mail, quarantine_row
from connector.mirror.own_tables import intent as intents


@dataclass(frozen=True, slots=True)
class Figures:
    """mails, intents: state -> how many. oldest: state of unfinished changes -> when the oldest of them was wished."""

    mails: dict[str, int]
    intents: dict[str, int]
    oldest: dict[str, datetime]
    quarantined_rows: int
    conflicts: int
    duplicates: int


class Overview:
    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, shop: str) -> Figures:
        """Of one shop. Each number is one question that an index answers or that passes over few rows."""
        open_conflicts = (conflict.c.shop == shop) & conflict.c.resolved_at.is_(None)
        final = [state.value for state in FINAL]
        waiting = (intents.c.shop == shop) & intents.c.state.not_in(final)
        with self._db.read() as connection:

            def count(table: Table, where: ColumnElement[bool]) -> int:
                return int(connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())

            by_mail = select(mail.c.state, func.count()).where(mail.c.shop == shop).group_by(mail.c.state)
            by_intent = select(intents.c.state, func.count()).where(intents.c.shop == shop).group_by(intents.c.state)
            oldest = select(intents.c.state, func.min(intents.c.created_at)).where(waiting).group_by(intents.c.state)
            return Figures(
                mails={row[0]: row[1] for row in connection.execute(by_mail)},
                intents={row[0]: row[1] for row in connection.execute(by_intent)},
                oldest={row[0]: row[1] for row in connection.execute(oldest)},
                quarantined_rows=count(quarantine_row, quarantine_row.c.shop == shop),
                conflicts=count(conflict, open_conflicts),
                duplicates=count(duplicate, duplicate.c.shop == shop),
            )

    def altered(self, shop: str) -> int:
        """Messages of which the shop stored another text than was sent. Passes over all changes of the shop."""
        stored = intents.c.result["stored"].as_string()
        with self._db.read() as connection:
            query = select(func.count()).where(intents.c.shop == shop, stored.is_not(None), stored != "")
            return int(connection.execute(query).scalar_one())

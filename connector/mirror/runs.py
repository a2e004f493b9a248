"""The history of leg runs that `status` shows, kept for a month."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from connector.mirror.database import Database
from connector.mirror.own_tables import run

KEPT = timedelta(days=30)
_CLEAN_EVERY = 100  # runs
OK = "ok"
"""The outcome that counts as success."""


class SqlRuns:
    """The port `Runs` over SQL. Not flushed: a lost line of history harms nobody."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(self, shop: str, leg: str, run_id: str, at: datetime) -> int:
        """Note the start; returns the row for `finish`. A row without an end is a run that died or still goes on."""
        row = {"shop": shop, "leg": leg, "run_id": run_id, "started_at": at, "outcome": "", "counts": {}, "error": ""}
        with self._db.write(flush=False) as connection:
            number: int = connection.execute(run.insert().values(row).returning(run.c.id)).scalar_one()
            if number % _CLEAN_EVERY == 0:
                kept = select(func.max(run.c.id)).where(run.c.outcome == OK).group_by(run.c.shop, run.c.leg)
                connection.execute(delete(run).where(run.c.started_at < at - KEPT, run.c.id.not_in(kept)))
            return number

    def finish(self, row: int, at: datetime, outcome: str, counts: dict[str, Any], error: str = "") -> None:
        values = {"finished_at": at, "outcome": outcome, "counts": counts, "error": error}
        with self._db.write(flush=False) as connection:
            connection.execute(update(run).where(run.c.id == row).values(values))

    def last(self, shop: str) -> list[dict[str, Any]]:
        """Per leg, by name: leg, run_id, started_at, finished_at, outcome, counts, error of the last run, and
        last_success_began and last_success_at (when the newest run with outcome `ok` began and ended, None if never).
        Datetimes are aware UTC."""
        newest = select(func.max(run.c.id)).where(run.c.shop == shop).group_by(run.c.leg)
        success = select(func.max(run.c.id)).where(run.c.shop == shop, run.c.outcome == OK).group_by(run.c.leg)
        with self._db.read() as connection:
            ended = select(run.c.leg, run.c.started_at, run.c.finished_at).where(run.c.id.in_(success))
            good = {row.leg: (row.started_at, row.finished_at) for row in connection.execute(ended)}
            rows = connection.execute(select(run).where(run.c.id.in_(newest)).order_by(run.c.leg)).mappings().all()
        names = ("leg", "run_id", "started_at", "finished_at", "outcome", "counts", "error")
        found = []
        for row in rows:
            began, at = good.get(row["leg"], (None, None))
            values = {name: row[name] for name in names}
            found.append({**values, "last_success_began": began, "last_success_at": at})
        return found

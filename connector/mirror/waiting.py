"""Threads whose customer waits for an answer, for the people who give it. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, and_, case, cast, exists, func, literal, or_, select

from connector.core.model import FINAL, IntentState, Kind
from connector.mirror.database import Database
from connector.mirror.own_tables import intent as intents
from connector.mirror.tables import MirroredTables

NEEDED = {
    "customer_threads": {"status", "email"},
    "customer_messages": {"id_customer_thread", "id_employee", "private", "date_add"},
}


class Waiting:
    """Which threads are unanswered, as the mirror knows them."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables

    def threads(self, shop: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Open threads that end with the customer's words, who waits longest first: shop, id, email, id_order,
        id_contact, waiting_since (UTC ISO text: the first message since the last answer; None when it has no date) and
        unanswered (how many there are).

        Notes for colleagues are no answer. Left out are threads in `pending1` and `pending2`, which are the team's own
        marks, and those whose answer is on its way.
        """
        main = self._tables.main
        if any(name not in main or not columns <= set(main[name].c.keys()) for name, columns in NEEDED.items()):
            return []
        thread, message = main["customer_threads"], main["customer_messages"]
        open_ = or_(thread.c.status.is_(None), thread.c.status.in_(("open", "")))
        if shop is not None:
            open_ = and_(thread.c.shop == shop, open_)
        public = or_(message.c.private.is_(None), ~message.c.private)
        staff = func.coalesce(message.c.id_employee, 0) != 0
        # In one pass: asked message by message, SQLite would look for each newest answer from the table's end.
        said = (
            select(
                thread.c.shop,
                thread.c.id.label("id_customer_thread"),
                message.c.id,
                message.c.date_add,
                and_(public, ~staff).label("theirs"),
                func.max(case((and_(public, staff), message.c.id)))
                .over(partition_by=(thread.c.shop, thread.c.id))
                .label("answer"),
            )
            .join(message, and_(message.c.shop == thread.c.shop, message.c.id_customer_thread == thread.c.id))
            .where(open_)
            .subquery()
        )
        theirs = (
            select(
                said.c.shop,
                said.c.id_customer_thread,
                func.min(said.c.date_add).label("since"),
                func.count().label("number"),
            )
            .where(said.c.theirs, said.c.id > func.coalesce(said.c.answer, 0))
            .group_by(said.c.shop, said.c.id_customer_thread)
            .subquery()
        )
        under_way = exists().where(
            intents.c.shop == thread.c.shop,
            intents.c.group_key == literal("thread:") + cast(thread.c.id, String),
            intents.c.kind == Kind.MESSAGE_CREATE.value,
            intents.c.origin == "command",
            intents.c.state.in_([state.value for state in IntentState if state not in FINAL]),
        )
        columns = [thread.c[name] for name in ("id_order", "id_contact") if name in thread.c]
        query = (
            select(thread.c.shop, thread.c.id, thread.c.email, *columns, theirs.c.since, theirs.c.number)
            .join(theirs, and_(theirs.c.shop == thread.c.shop, theirs.c.id_customer_thread == thread.c.id))
            .where(~under_way)
            .order_by(theirs.c.since.asc().nulls_last(), thread.c.shop, thread.c.id)
            .limit(limit)
        )
        with self._db.read() as connection:
            found = [dict(row) for row in connection.execute(query).mappings()]
        for row in found:
            row["waiting_since"] = _iso(row.pop("since"))
            row["unanswered"] = row.pop("number")
        return found


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at is not None else None

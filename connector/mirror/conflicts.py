"""The history of conflicts: one row each time a change met another one, whoever decided on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.sql.expression import Select

from connector.core.conflicts import Clash, Conflict
from connector.core.model import Intent, IntentState, Kind
from connector.mirror.database import Database
from connector.mirror.own_tables import conflict
from connector.mirror.own_tables import intent as intents

_OUT = {IntentState.PLANNED: "ours", IntentState.CANCELLED: "shop", IntentState.CONFIRMED: "done"}
"""What a move out of `conflict` says about whose side counts."""


class SqlConflicts:
    """The port `Conflicts` over SQL. Rows are written by the moves of the intents themselves (`note`)."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, conflict_id: int) -> Conflict | None:
        return next(iter(self._found(_ALL.where(conflict.c.id == conflict_id))), None)

    def of_intent(self, intent_id: int) -> list[Conflict]:
        """Oldest first."""
        return self._found(_ALL.where(conflict.c.intent_id == intent_id).order_by(conflict.c.id))

    def listing(self, shop: str | None = None, *, resolved: bool = False, limit: int = 1000) -> list[Conflict]:
        """The newest `limit`, oldest of them first: those that wait for a decision, or all of them."""
        query = _ALL.order_by(conflict.c.id.desc()).limit(limit)
        if shop is not None:
            query = query.where(conflict.c.shop == shop)
        if not resolved:
            query = query.where(conflict.c.resolved_at.is_(None))
        return self._found(query)[::-1]

    def _found(self, query: Select[Any]) -> list[Conflict]:
        with self._db.read() as connection:
            return [_to_conflict(row) for row in connection.execute(query).mappings()]


_ALL = select(*conflict.c, intents.c.kind).join(intents, intents.c.id == conflict.c.intent_id)


def note(
    connection: Connection, intent: Intent, state: IntentState, clash: Clash | None, detail: str, now: datetime
) -> None:
    """In the transaction of a move: opened by the one into `conflict`, resolved by the one out of it. A clash that goes
    with another move was decided by the policy, at once."""
    if intent.state is IntentState.CONFLICT:
        mine = (conflict.c.intent_id == intent.id) & conflict.c.resolved_at.is_(None)
        decided = {"resolved_at": now, "resolution": _OUT[state], "resolved_by": "person"}
        connection.execute(update(conflict).where(mine).values(decided))
    if clash is None:
        return
    is_open = state is IntentState.CONFLICT
    connection.execute(
        conflict.insert().values(
            shop=intent.shop,
            intent_id=intent.id,
            reason=clash.reason,
            detail=detail,
            expected=clash.expected,
            found=clash.found,
            wanted=clash.wanted,
            opened_at=now,
            resolved_at=None if is_open else now,
            resolution="" if is_open else "shop" if state is IntentState.CANCELLED else "ours",
            resolved_by="" if is_open else "policy",
        )
    )


def _to_conflict(row: RowMapping) -> Conflict:
    return Conflict(
        id=row["id"],
        shop=row["shop"],
        intent_id=row["intent_id"],
        kind=Kind(row["kind"]),
        clash=Clash(row["reason"], row["expected"], row["found"], row["wanted"]),
        detail=row["detail"],
        opened_at=row["opened_at"],
        resolved_at=row["resolved_at"],
        resolution=row["resolution"],
        resolved_by=row["resolved_by"],
    )

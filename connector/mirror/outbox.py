"""Intents in SQL: what is due, in which order, and moves that exactly one caller can make.

Decides nothing and sends nothing. The order of a group is the order of its row numbers, which is the order of birth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.expression import FromClause, Select

from connector.core.conflicts import Clash
from connector.core.model import BULK, FINAL, LEGAL_MOVES, Intent, IntentState, Kind, NewIntent
from connector.errors import StateError
from connector.mirror import conflicts
from connector.mirror.database import Database
from connector.mirror.dialect import among, in_batches, insert_ignore
from connector.mirror.leases import must_hold
from connector.mirror.own_tables import intent as intents

IN_THE_WAY = ("planned", "sending", "in_doubt", "conflict")
"""States in which an intent holds up the later ones of its group. A failed one is a person's business: it holds up only
what comes `after` it."""
IN_FLIGHT = (IntentState.SENDING.value, IntentState.IN_DOUBT.value)
_TRIED = (IntentState.PLANNED.value, IntentState.IN_DOUBT.value)
_OPEN = (*_TRIED, IntentState.SENDING.value)


class SqlOutbox:
    """The port `Outbox` over SQL. A commit is on disk before the method returns, but for one that may be lost: that a
    write was confirmed which can be looked up. It is `sending` on disk, which a power cut leaves as a death would."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, shop: str, new: Sequence[NewIntent]) -> list[Intent]:
        """Insert those whose key is new; returns the rows of all keys given, in order."""
        with self._db.write() as connection:
            return insert_intents(connection, shop, new, self._db.now())

    def due(self, shop: str, now: datetime, limit: int, only: Iterable[int] | None = None) -> list[Intent]:
        """Heads of their groups that may be tried now, oldest first (see the port).

        An intent that was never postponed is due whatever the clock says, so that a clock that was set back holds up
        nothing new. One whose `after` failed or was cancelled stays planned and is not due; `queries.intents` says so.
        """
        chosen = None if only is None else sorted(set(only))
        query = _DUE if chosen is None else _DUE.where(intents.c.id.in_(chosen))
        with self._db.read() as connection:
            found = connection.execute(query.limit(limit), {"shop": shop, "now": now}).mappings()
            return [to_intent(row) for row in found]

    def next_due(self, shop: str) -> datetime | None:
        """When the first of the heads becomes due; None when nothing waits for time."""
        with self._db.read() as connection:
            return connection.execute(_NEXT_DUE, {"shop": shop}).scalar()

    def followers(self, shop: str, key: str) -> list[Intent]:
        """Intents in any state that come after this key, directly or through others; oldest first."""
        found: dict[str, Intent] = {}
        wave = [key]
        with self._db.read() as connection:
            while wave:
                query = select(intents).where(intents.c.shop == shop, intents.c.after.in_(wave))
                new = [to_intent(row) for row in connection.execute(query).mappings()]
                wave = [item.key for item in new if item.key not in found and item.key != key]
                found.update((item.key, item) for item in new)
        return sorted(found.values(), key=lambda item: item.id)

    def waiting_for(self, shop: str, key: str) -> list[Intent]:
        """Those of `followers` that are not final."""
        return [item for item in self.followers(shop, key) if item.state not in FINAL]

    def revive(self, intent: Intent, wish: NewIntent | None, now: datetime) -> Intent:
        """A failed, conflicting or cancelled intent is planned again, due now, with the content of a new decision
        (payload, decided_on, group, after) or as it was (None). Raises StateError when it is in another state.

        `sent_at` stays: whether an earlier write has arrived after all is looked up before there is a new one."""
        values: dict[str, Any] = {"due_at": now, "error": "", "error_detail": "", "attempts": 0, "delays": 0}
        if wish is not None:
            values |= {
                "payload": wish.payload,
                "decided_on": wish.decided_on,
                "group_key": wish.group,
                "after": wish.after,
                "copy_id": wish.copy_id,
            }
        return self._move(intent, IntentState.PLANNED, now, values, _CHANGE)

    def get(self, intent_id: int) -> Intent | None:
        return self._one(select(intents).where(intents.c.id == intent_id))

    def by_key(self, shop: str, key: str) -> Intent | None:
        return next(iter(self._intents(_BY_KEY, {"shop": shop, "key": key})), None)

    def mails_since(self, shop: str, since: datetime) -> list[Intent]:
        """Mails to people that were wished for since then and not given up, oldest first."""
        given_up = (IntentState.FAILED.value, IntentState.CANCELLED.value)
        states = [state.value for state in IntentState if state.value not in given_up]
        of_mail = (intents.c.kind == Kind.MAIL_SEND.value) & (intents.c.created_at >= since)
        query = select(intents).where(intents.c.shop == shop, intents.c.state.in_(states), of_mail)
        return self._intents(query.order_by(intents.c.id))

    def sent_mail(self, shop: str, message_id: str) -> Intent | None:
        """The intent that sent the mail with this Message-ID."""
        of_mail = (intents.c.kind == Kind.MAIL_SEND.value) & (intents.c.reference == message_id)
        return self._one(select(intents).where(intents.c.shop == shop, of_mail).order_by(intents.c.id).limit(1))

    def of_copy(self, copy_id: int) -> list[Intent]:
        return self._intents(_OF_COPY, {"copy_id": copy_id})

    def note(self, intent: Intent, facts: dict[str, Any]) -> None:
        """Add to the result of a final intent. Not flushed: what is lost is found again."""
        mine = intents.c.id == intent.id
        with self._db.write(flush=False) as connection:
            result = connection.execute(select(intents.c.result).where(mine)).scalar_one()
            connection.execute(update(intents).where(mine).values(result={**result, **facts}))

    def move(
        self,
        intent: Intent,
        state: IntentState,
        *,
        now: datetime,
        due_at: datetime | None = None,
        remote_id: int | None = None,
        result: dict[str, Any] | None = None,
        error: str = "",
        error_detail: str = "",
        payload: dict[str, Any] | None = None,
        decided_on: dict[str, Any] | None = None,
        delayed: bool = False,
        clash: Clash | None = None,
        then: Sequence[NewIntent] = (),
    ) -> Intent:
        """A legal move, made only if the row is still in `intent.state`. Returns the row as it is now.

        What is not given stays, but: `planned` without `due_at` is due at once, `confirmed` clears the error.
        Every move to `sending` counts an attempt; one from there back to `planned` says that nothing was sent.
        delayed: counts as put off. clash: what the shop changed meanwhile, noted with the move. then: wishes that
        follow from it, added in the same transaction.
        Raises StateError `outbox.illegal_move`, or `outbox.moved_elsewhere` when somebody else was first; LeaseLost
        when a write is to begin and another process works for the shop now.
        """
        values: dict[str, Any] = {}
        if state is IntentState.SENDING:
            values["sent_at"] = now
        elif intent.state is IntentState.SENDING and state is IntentState.PLANNED:
            values["sent_at"] = None
        if state is IntentState.PLANNED or due_at is not None:
            values["due_at"] = due_at or now
        if error or state is IntentState.CONFIRMED:
            values |= {"error": error, "error_detail": error_detail}
        given = {"remote_id": remote_id, "result": result, "payload": payload, "decided_on": decided_on}
        values |= {name: value for name, value in given.items() if value is not None}
        if state is IntentState.CONFLICT and clash is None:
            clash = Clash(error)
        change = _ATTEMPT if state is IntentState.SENDING else _DELAY if delayed else _CHANGE
        return self._move(intent, state, now, values, change, clash, error_detail, then)

    def _move(
        self,
        intent: Intent,
        state: IntentState,
        now: datetime,
        values: dict[str, Any],
        change: ReturningUpdate[Any],
        clash: Clash | None = None,
        detail: str = "",
        then: Sequence[NewIntent] = (),
    ) -> Intent:
        if state not in LEGAL_MOVES[intent.state]:
            raise StateError("outbox.illegal_move", intent=intent.id, found=intent.state.value, wanted=state.value)
        which = {"of": intent.id, "found": intent.state.value}
        found_again = intent.state is IntentState.SENDING and intent.kind is not Kind.MAIL_SEND
        with self._db.write(flush=not (found_again and state is IntentState.CONFIRMED)) as connection:
            if state is IntentState.SENDING:
                must_hold(connection, intent.shop, self._db.holder)
            new = {"state": state.value, "moved_at": now, **values}
            row = connection.execute(change, {**new, **which}).mappings().first()
            if row is None:
                found = connection.execute(select(intents.c.state).where(intents.c.id == intent.id)).scalar() or "gone"
                raise StateError("outbox.moved_elsewhere", intent=intent.id, found=found, expected=intent.state.value)
            conflicts.note(connection, intent, state, clash, detail, now)
            insert_intents(connection, intent.shop, then, now)
            return to_intent(row)

    def confirmed_since(self, intent: Intent, *, in_group: bool = False) -> list[Intent]:
        """Other changes of the same kind that were confirmed since this one was wished, oldest first. in_group: only
        those of its group, whenever they were confirmed."""
        same = (intents.c.shop == intent.shop) & (intents.c.kind == intent.kind.value) & (intents.c.id != intent.id)
        done = same & (intents.c.state == IntentState.CONFIRMED.value)
        which = intents.c.group_key == intent.group if in_group else intents.c.moved_at >= intent.created_at
        return self._intents(select(intents).where(done, which).order_by(intents.c.moved_at, intents.c.id))

    def doubtful_after_crash(self, shop: str, now: datetime) -> list[Intent]:
        """Every `sending` intent becomes in_doubt, to be looked up at once; returns them. Raises LeaseLost when this
        process does not work for the shop: what it takes for left over is another's write under way."""
        mine = (intents.c.shop == shop) & (intents.c.state == IntentState.SENDING.value)
        with self._db.write() as connection:
            must_hold(connection, shop, self._db.holder)
            ids = list(connection.execute(select(intents.c.id).where(mine)).scalars())
            if not ids:
                return []
            values = {
                "state": IntentState.IN_DOUBT.value,
                "due_at": now,
                "moved_at": now,
                "error": "outbox.interrupted",
            }
            connection.execute(update(intents).where(mine).values(error_detail="", **values))
            rows = connection.execute(select(intents).where(intents.c.id.in_(ids)).order_by(intents.c.id)).mappings()
            return [to_intent(row) for row in rows]

    def stranded(self, shop: str) -> list[Intent]:
        """Those to be tried whose `after` has come to nothing, oldest first. Some of a mirror that was brought back are
        in doubt: what follows on something that was not written was not written, either."""
        first = intents.alias("its_first")
        over = [s.value for s in (IntentState.FAILED, IntentState.CANCELLED, IntentState.CONFLICT)]
        broken = exists().where(first.c.shop == intents.c.shop, first.c.key == intents.c.after, first.c.state.in_(over))
        mine = (intents.c.shop == shop) & intents.c.state.in_(_TRIED) & (intents.c.after != "")
        return self._intents(select(intents).where(mine, broken).order_by(intents.c.id))

    def states(self, shop: str) -> dict[str, int]:
        """State -> number of intents."""
        return self._counts(intents.c.state, intents.c.shop == shop)

    def listing(self, shop: str | None, states: Sequence[IntentState] = (), limit: int = 1000) -> list[Intent]:
        """The newest `limit` intents in these states (none given: all), oldest of them first."""
        query = select(intents).order_by(intents.c.id.desc()).limit(limit)
        if shop is not None:
            query = query.where(intents.c.shop == shop)
        if states:
            query = query.where(intents.c.state.in_([state.value for state in states]))
        return self._intents(query)[::-1]

    def _intents(self, query: Select[Any], values: dict[str, Any] | None = None) -> list[Intent]:
        with self._db.read() as connection:
            return [to_intent(row) for row in connection.execute(query, values).mappings()]

    def _one(self, query: Select[Any]) -> Intent | None:
        return next(iter(self._intents(query)), None)

    def _counts(self, column: ColumnElement[str], where: ColumnElement[bool]) -> dict[str, int]:
        with self._db.read() as connection:
            found = connection.execute(select(column, func.count()).where(where).group_by(column).order_by(column))
            return {name: number for name, number in found}  # noqa: C416 - rows are not pairs to dict()'s types


def may_go(other: FromClause) -> ColumnElement[bool]:
    """One that waits for something else itself holds nobody up: what it waits for may be behind it in the group. One in
    doubt waits so, too, in a mirror that was brought back: what was written before it is looked up first."""
    first = intents.alias("its_first")
    confirmed = exists().where(
        first.c.shop == other.c.shop,
        first.c.key == other.c.after,
        first.c.state == IntentState.CONFIRMED.value,
    )
    return or_(other.c.state.not_in(_TRIED), other.c.after == "", confirmed)


def _heads() -> Select[Any]:
    """Intents that can be tried, with nothing of their group in the way, and whose `after` is confirmed.

    A failed intent that a person sends again may find a later one of its group on the way already. It waits for that
    one, and that one, when in doubt, is looked up without waiting for it: otherwise each would wait for the other.
    """
    other, first = intents.alias("other"), intents.alias("first")
    planned = intents.c.state == IntentState.PLANNED.value
    earlier = other.c.id < intents.c.id
    blocked = exists().where(
        other.c.shop == intents.c.shop,
        other.c.group_key == intents.c.group_key,
        other.c.id != intents.c.id,
        or_(
            other.c.state == IntentState.SENDING.value,
            and_(other.c.state == IntentState.IN_DOUBT.value, or_(planned, earlier), may_go(other)),
            and_(other.c.state.in_(IN_THE_WAY), planned, earlier, may_go(other)),
        ),
    )
    confirmed = exists().where(
        first.c.shop == intents.c.shop,
        first.c.key == intents.c.after,
        first.c.state == IntentState.CONFIRMED.value,
    )
    may_start = or_(intents.c.after == "", confirmed)
    mine = intents.c.shop == bindparam("shop")
    return select(intents).where(and_(mine, intents.c.state.in_(_TRIED), ~blocked, may_start))


# Built once: putting the statement together takes longer than running it, and the daemon asks every second.
_HEADS = _heads()
_NOW = bindparam("now", type_=intents.c.due_at.type)
_DUE = _HEADS.where(or_(intents.c.due_at <= _NOW, intents.c.due_at == intents.c.created_at))
_DUE = _DUE.order_by(intents.c.origin == BULK, intents.c.id)
_BY_KEY = select(intents).where(intents.c.shop == bindparam("shop"), intents.c.key == bindparam("key"))
_BY_KEYS = select(intents).where(intents.c.shop == bindparam("shop"), among(intents.c.key))
_OF_COPY = select(intents).where(intents.c.copy_id == bindparam("copy_id")).order_by(intents.c.id)
_NEXT_DUE = select(func.min(_HEADS.subquery().c.due_at))
_FOUND = update(intents).where(intents.c.id == bindparam("of"), intents.c.state == bindparam("found"))
_CHANGE = _FOUND.returning(intents)
_ATTEMPT = _FOUND.values(attempts=intents.c.attempts + 1).returning(intents)
_DELAY = _FOUND.values(delays=intents.c.delays + 1).returning(intents)


def insert_intents(
    connection: Connection, shop: str, new: Sequence[NewIntent], now: datetime, copy_id: int | None = None
) -> list[Intent]:
    """As `enter_intents`; returns the rows of all keys given, in order."""
    enter_intents(connection, shop, new, now, copy_id)
    found: dict[str, Intent] = {}
    for keys in in_batches([item.key for item in new]):
        found_rows = connection.execute(_BY_KEYS, {"shop": shop, "wanted": keys}).mappings()
        found.update((row["key"], to_intent(row)) for row in found_rows)
    return [found[item.key] for item in new]


def enter_intents(
    connection: Connection, shop: str, new: Sequence[NewIntent], now: datetime, copy_id: int | None = None
) -> None:
    """Insert wishes in the caller's transaction; a key that exists keeps its row. copy_id: see `intent_rows`."""
    insert_rows(connection, intent_rows(shop, new, now, copy_id))


def insert_rows(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """What `intent_rows` made, in the caller's transaction."""
    insert_ignore(connection, intents, rows)


def intent_rows(shop: str, new: Sequence[NewIntent], now: datetime, copy_id: int | None = None) -> list[dict[str, Any]]:
    """Rows of wishes. `copy_id`: for those without one that carry the mail itself; what a rule adds to it has no say in
    what becomes of the mail."""
    return [
        {
            "shop": shop,
            "kind": item.kind.value,
            "key": item.key,
            "reference": item.reference,
            "group_key": item.group,
            "payload": item.payload,
            "decided_on": item.decided_on,
            "after": item.after,
            "copy_id": copy_id if item.copy_id is None and item.origin == "mail" else item.copy_id,
            "origin": item.origin,
            "state": IntentState.PLANNED.value,
            "attempts": 0,
            "created_at": now,
            "due_at": now,
            "moved_at": now,
            "result": {},
            "error": "",
            "error_detail": "",
        }
        for item in new
    ]


def to_intent(row: RowMapping) -> Intent:
    return Intent(
        id=row["id"],
        shop=row["shop"],
        kind=Kind(row["kind"]),
        key=row["key"],
        reference=row["reference"],
        group=row["group_key"],
        payload=row["payload"],
        decided_on=row["decided_on"],
        after=row["after"],
        copy_id=row["copy_id"],
        origin=row["origin"],
        state=IntentState(row["state"]),
        attempts=row["attempts"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        sent_at=row["sent_at"],
        remote_id=row["remote_id"],
        result=row["result"],
        error=row["error"],
        error_detail=row["error_detail"],
        delays=row["delays"],
    )

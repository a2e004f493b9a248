"""What the mirror holds about a person: found, handed out, emptied.

Who belongs to whom is read from the mappings: a row belongs to a person when a `ref` of it points to one of their
accounts, orders or threads. A thread belongs to who writes in it, so one of another address about the person's order
does not. Other people's rows are never touched.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, func, select
from sqlalchemy.sql.elements import ColumnElement

from connector.core.erasure import Holdings, concerns, folded, mentions
from connector.core.mapping import Resource
from connector.core.model import IntentState, MailState
from connector.mirror import emptying, search
from connector.mirror.contents import SqlContents
from connector.mirror.database import Database
from connector.mirror.dialect import in_batches
from connector.mirror.own_tables import (
    attachment,
    bounce,
    conflict,
    erasure,
    mail,
    quarantine_row,
    segment_member,
    thread_change,
)
from connector.mirror.own_tables import intent as intents
from connector.mirror.tables import MirroredTables

_PEOPLE, _ORDERS, _THREADS = "customers", "orders", "customer_threads"
_UNDECIDED = (MailState.RECEIVED.value, MailState.PENDING.value)
_UNFINISHED = tuple(
    state.value
    for state in IntentState
    if state not in (IntentState.CONFIRMED, IntentState.CANCELLED, IntentState.FAILED)
)


class SqlPrivacy:
    """The port `Holder` over SQL."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables
        self._resources = {one.name: one for one in tables.resources}

    # --- whose is what --------------------------------------------------------------------------------------------

    def find(self, shop: str, who: int | str) -> Holdings:
        """What there is of the customer with this id, or of the person with this address; for an id also of all other
        accounts with its address. Nothing: empty holdings."""
        with self._db.read() as connection:
            return self._find(connection, shop, who)

    def _find(self, connection: Connection, shop: str, who: int | str) -> Holdings:
        people = self._tables.main.get(_PEOPLE)
        addresses, accounts = set[str](), set[int]()
        if isinstance(who, str):
            addresses = {folded(who)} - {""}  # rows without an address belong to nobody
        if people is not None and isinstance(who, int):
            mine = select(people.c.email_key).where(people.c.shop == shop, people.c.id == who)
            found = connection.execute(mine).all()
            accounts = {who} if found else accounts
            addresses = {row.email_key for row in found if row.email_key}
        for address in addresses:
            accounts |= self._ids(connection, _PEOPLE, shop, "email_key", [address])
        held = Holdings(shop, frozenset(addresses), {_PEOPLE: accounts})
        self._add_rows(connection, held)
        threads = held.rows.get(_THREADS, set())
        of_them: list[ColumnElement[bool]] = [mail.c.id_thread.in_(some) for some in in_batches(sorted(threads))]
        of_them += [func.lower(mail.c.from_addr) == address for address in addresses]
        mails: set[int] = set()
        for condition in of_them:
            mails |= set(connection.execute(select(mail.c.id).where(mail.c.shop == shop, condition)).scalars())
        held.mails = sorted(mails)
        columns = (intents.c.id, intents.c.group_key, intents.c.copy_id, intents.c.payload)
        for row in connection.execute(select(*columns).where(intents.c.shop == shop).order_by(intents.c.id)):
            if concerns(held, mails, group=row.group_key, copy_id=row.copy_id, payload=row.payload):
                held.intents.append(row.id)
        kept = quarantine_row.c
        broken = select(kept.id, kept.resource, kept.row_id, kept.raw).where(kept.shop == shop).order_by(kept.id)
        for row in connection.execute(broken):
            written = zlib.decompress(row.raw).decode("utf-8", "replace")
            theirs = row.row_id is not None and row.row_id in held.rows.get(row.resource, ())
            if theirs or mentions(written, addresses):
                held.quarantined.append(row.id)
        return held

    def _add_rows(self, connection: Connection, held: Holdings) -> None:
        """Rows that point to what the person has, until nothing is added: an invoice to an order to an account."""
        shop = held.shop
        for address in held.addresses:
            found = self._ids(connection, _THREADS, shop, "email_key", [address])
            held.rows.setdefault(_THREADS, set()).update(found)
        grown = True
        while grown:
            grown = False
            for resource in self._resources.values():
                mine = held.rows.setdefault(resource.name, set())
                before = len(mine)
                for one in resource.fields:
                    if resource.name == _THREADS and one.target != _PEOPLE:
                        continue
                    if one.target in (_PEOPLE, _ORDERS, _THREADS) and held.rows.get(one.target):
                        ids = held.rows[one.target]
                        mine |= self._ids(connection, resource.name, shop, one.name, sorted(ids))
                grown = grown or len(mine) > before
        held.rows.setdefault("order_payments", set()).update(self._payments(connection, held))
        held.rows = {name: ids for name, ids in held.rows.items() if ids}

    def _payments(self, connection: Connection, held: Holdings) -> set[int]:
        """A payment names its orders by their reference only."""
        orders = self._tables.main.get(_ORDERS)
        if orders is None or "reference" not in orders.c:
            return set()
        found: set[int] = set()
        for some in in_batches(sorted(held.rows.get(_ORDERS, ()))):
            query = select(orders.c.reference).where(orders.c.shop == held.shop, orders.c.id.in_(some))
            references = [text for text in connection.execute(query).scalars() if text]
            found |= self._ids(connection, "order_payments", held.shop, "order_reference", references)
        return found

    def _ids(self, connection: Connection, resource: str, shop: str, column: str, values: Sequence[Any]) -> set[int]:
        table = self._tables.main.get(self._resources[resource].table) if resource in self._resources else None
        found: set[int] = set()
        if table is None or column not in table.c:
            return found
        for some in in_batches(list(values)):
            query = select(table.c.id).where(table.c.shop == shop, table.c[column].in_(some))
            found |= set(connection.execute(query).scalars())
        return found

    # --- handing out ----------------------------------------------------------------------------------------------

    def rows(self, held: Holdings, resource: Resource) -> list[dict[str, Any]]:
        """The person's rows of one resource as they are stored, texts in languages and associations inside."""
        ids = sorted(held.rows.get(resource.name, ()))
        loaded = SqlContents(self._db, self._tables).load(held.shop, resource, ids)
        shown = []
        for number, row in sorted(loaded.items()):
            parts = {name: list(found) for name, found in row.children.items() if found}
            langs = {"languages": list(row.langs)} if row.langs else {}
            shown.append(_plain({"id": number, **row.values, **langs, **parts}))
        return shown

    def mails(self, held: Holdings) -> list[dict[str, Any]]:
        """The ledger's lines, oldest first; `blob` tells whether the bytes are there."""
        return self._listed(mail, mail.c.id, held.mails)

    def attachments(self, held: Holdings) -> list[dict[str, Any]]:
        return self._listed(attachment, attachment.c.copy_id, held.mails)

    def bounces(self, held: Holdings) -> list[dict[str, Any]]:
        """Reports about mails of theirs, or in their threads."""
        found = self._listed(bounce, bounce.c.copy_id, held.mails)
        found += self._listed(
            bounce, bounce.c.id_thread, sorted(held.rows.get(_THREADS, ())), bounce.c.shop == held.shop
        )
        return list({row["copy_id"]: row for row in found}.values())

    def intents(self, held: Holdings) -> list[dict[str, Any]]:
        return self._listed(intents, intents.c.id, held.intents)

    def conflicts(self, held: Holdings) -> list[dict[str, Any]]:
        return self._listed(conflict, conflict.c.intent_id, held.intents)

    def thread_changes(self, held: Holdings) -> list[dict[str, Any]]:
        """Statuses of their threads that were seen to change."""
        mine = thread_change.c.shop == held.shop
        return self._listed(thread_change, thread_change.c.id_thread, sorted(held.rows.get(_THREADS, ())), mine)

    def segments(self, held: Holdings) -> list[dict[str, Any]]:
        """The segments that put them into a customer group."""
        mine = segment_member.c.shop == held.shop
        found = self._listed(segment_member, segment_member.c.id_customer, sorted(held.rows.get(_PEOPLE, ())), mine)
        return [{name: row[name] for name in ("segment", "id_group", "id_customer")} for row in found]

    def quarantined(self, held: Holdings) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Each broken row of theirs, and its bytes."""
        for number in held.quarantined:
            with self._db.read() as connection:
                row = connection.execute(select(quarantine_row).where(quarantine_row.c.id == number)).mappings().first()
            if row is not None:
                shown = {name: value for name, value in row.items() if name not in ("raw", "row_key")}
                yield _plain(shown), zlib.decompress(row["raw"])

    def _listed(
        self, table: Table, column: ColumnElement[int], ids: Sequence[int], *more: ColumnElement[bool]
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        key = next(iter(table.primary_key.columns))
        with self._db.read() as connection:
            for some in in_batches(list(ids)):
                query = select(table).where(column.in_(some), *more).order_by(key)
                found += [_plain(dict(row)) for row in connection.execute(query).mappings()]
        return found

    # --- emptying -------------------------------------------------------------------------------------------------

    def waits(self, held: Holdings) -> tuple[list[RowMapping], list[RowMapping]]:
        """What must end first: (intents, mails) that are under way, each with id and state."""
        with self._db.read() as connection:
            return self._waits(connection, held)

    def _waits(self, connection: Connection, held: Holdings) -> tuple[list[RowMapping], list[RowMapping]]:
        def of(table: Table, ids: Sequence[int], states: Iterable[str]) -> list[RowMapping]:
            found: list[RowMapping] = []
            for some in in_batches(list(ids)):
                query = select(table.c.id, table.c.state).where(table.c.id.in_(some), table.c.state.in_(states))
                found += connection.execute(query.order_by(table.c.id)).mappings()
            return found

        return of(intents, held.intents, _UNFINISHED), of(mail, held.mails, _UNDECIDED)

    def erase(self, shop: str, who: int | str, person: str) -> Holdings | None:
        """Empty all of it in one flushed transaction, and note that it was done. None: something is under way by now.

        person: the keyed hash of the address. Looked for anew: what came since is erased, too. Whatever of it the shop
        still has is stored without personal data from now on.
        """
        now = self._db.now()
        with self._db.write() as connection:
            if self._db.is_sqlite:
                connection.exec_driver_sql("PRAGMA secure_delete=ON")  # freed pages are overwritten with zeros
            held = self._find(connection, shop, who)
            if any(self._waits(connection, held)):
                return None
            for name, ids in sorted(held.rows.items()):
                emptying.rows(connection, self._tables, shop, self._resources[name], sorted(ids), now)
            emptying.mails(connection, held.mails, person)
            emptying.intents_of(connection, held.intents, now)
            emptying.quarantined(connection, held.quarantined)
            emptying.memberships(connection, shop, sorted(held.rows.get(_PEOPLE, ())))
            search.compact(connection)
            line = {"shop": shop, "person": person, "at": now, "counts": held.counts()}
            connection.execute(erasure.insert().values(line))
        self._db.empty_log()
        return held

    def erased_at(self, shop: str, person: str) -> datetime | None:
        """When a person with this keyed hash was erased last."""
        query = select(func.max(erasure.c.at)).where(erasure.c.shop == shop, erasure.c.person == person)
        with self._db.read() as connection:
            return connection.execute(query).scalar()

    def journal(self, shop: str | None = None) -> list[dict[str, Any]]:
        """Every erasure, oldest first."""
        query = select(erasure).order_by(erasure.c.id)
        with self._db.read() as connection:
            rows = connection.execute(query if shop is None else query.where(erasure.c.shop == shop)).mappings()
            return [_plain(dict(row)) for row in rows]


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value

"""Whom a segment put into its customer group. Only these may it take out again.

What became of a wish is read from its intent, so nothing has to be told back here. A row whose customer turned out to
be in the group already is nobody's doing of ours and goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from connector.core.model import Intent, IntentState, NewIntent
from connector.core.segment_changes import Member
from connector.mirror.database import Database
from connector.mirror.dialect import in_batches, upsert
from connector.mirror.outbox import enter_intents, to_intent
from connector.mirror.own_tables import intent as intents
from connector.mirror.own_tables import segment_member as members
from connector.mirror.tables import MirroredTables

_FAILED, _CANCELLED = IntentState.FAILED.value, IntentState.CANCELLED.value


class SqlSegmentMembers:
    """The port `SegmentMembers` over SQL."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables

    def of(self, shop: str, segment: str) -> list[Member]:
        """Whom the segment put into a group and has not taken out, as far as the outbox knows; by group and customer.

        Whose way in was given up, or found the customer there already, is left out; so is whose way out is done."""
        added, removed = intents.alias("added"), intents.alias("removed")
        query = (
            select(
                members.c.id_group,
                members.c.id_customer,
                added.c.state.label("added"),
                added.c.result,
                removed.c.state.label("removed"),
            )
            .join(added, added.c.id == members.c.added_by)
            .outerjoin(removed, removed.c.id == members.c.removed_by)
            .where(members.c.shop == shop, members.c.segment == segment)
            .order_by(members.c.id_group, members.c.id_customer)
        )
        found = []
        with self._db.read() as connection:
            for row in connection.execute(query):
                confirmed = row.added == IntentState.CONFIRMED.value
                if row.added == _CANCELLED or (confirmed and row.result.get("already")):
                    continue
                if row.removed == IntentState.CONFIRMED.value:
                    continue
                leaving = row.removed not in (None, _FAILED, _CANCELLED)
                refused = _FAILED in (row.added, row.removed)
                found.append(Member(row.id_group, row.id_customer, arrived=confirmed, leaving=leaving, refused=refused))
        return found

    def in_group(self, shop: str, group: int) -> set[int]:
        """Customers who are in the group as far as the mirror knows."""
        table = self._tables.children.get("customers", {}).get("customer_groups")
        if table is None or "id_group" not in table.c:
            return set()
        query = select(table.c.parent_id).where(table.c.shop == shop, table.c.id_group == group)
        with self._db.read() as connection:
            return set(connection.execute(query).scalars())

    def defaults(self, shop: str, ids: Collection[int]) -> dict[int, int]:
        """customer -> default group."""
        table = self._tables.main.get("customers")
        found: dict[int, int] = {}
        if table is None or "id_default_group" not in table.c:
            return found
        with self._db.read() as connection:
            for some in in_batches(sorted(ids)):
                query = select(table.c.id, table.c.id_default_group).where(table.c.shop == shop, table.c.id.in_(some))
                found.update((row.id, row.id_default_group or 0) for row in connection.execute(query))
        return found

    def wish(
        self,
        shop: str,
        segment: str,
        add: Sequence[NewIntent],
        remove: Sequence[NewIntent],
        remember: Iterable[str],
        gone: Iterable[tuple[int, int]] = (),
    ) -> list[Intent]:
        """Commit these wishes and what they mean for the members, in one transaction. remember: keys of those in `add`
        whose customers the segment owns from now on (who was taken out by hand and is put back is one already). gone:
        (group, customer) to be forgotten."""
        now, kept = self._db.now(), set(remember)
        with self._db.write() as connection:
            self._forget(connection, shop, segment)
            for group, customer in gone:
                connection.execute(delete(members).where(*_one(shop, segment, group, customer)))
            enter_intents(connection, shop, [*add, *remove], now)
            made = self._made(connection, shop, [one.key for one in (*add, *remove)])
            rows = [
                {
                    "shop": shop,
                    "segment": segment,
                    "id_group": one.payload["add"][0],
                    "id_customer": one.payload["id_customer"],
                    "added_by": made[one.key].id,
                    "removed_by": None,
                }
                for one in add
                if one.key in kept
            ]
            upsert(connection, members, rows, ("shop", "segment", "id_group", "id_customer"))
            for one in remove:
                row = _one(shop, segment, one.payload["remove"][0], one.payload["id_customer"])
                connection.execute(update(members).where(*row).values(removed_by=made[one.key].id))
        return list(made.values())

    @staticmethod
    def _forget(connection: Connection, shop: str, segment: str) -> None:
        """Rows that say nothing any more: taken out, or never put in."""
        mine = (members.c.shop == shop) & (members.c.segment == segment)
        gone = members.c.removed_by.in_(select(intents.c.id).where(intents.c.state == IntentState.CONFIRMED.value))
        never = members.c.added_by.in_(select(intents.c.id).where(intents.c.state == _CANCELLED))
        # A way out that is still under way needs its row: its outcome is read from it.
        connection.execute(delete(members).where(mine, or_(gone, and_(never, members.c.removed_by.is_(None)))))

    @staticmethod
    def _made(connection: Connection, shop: str, keys: Sequence[str]) -> dict[str, Intent]:
        found: dict[str, Intent] = {}
        for some in in_batches(keys):
            query = select(intents).where(intents.c.shop == shop, intents.c.key.in_(some)).order_by(intents.c.id)
            found.update((row["key"], to_intent(row)) for row in connection.execute(query).mappings())
        return found


def _one(shop: str, segment: str, group: int, customer: int) -> tuple[ColumnElement[bool], ...]:
    of_segment = (members.c.shop == shop, members.c.segment == segment)
    return (*of_segment, members.c.id_group == group, members.c.id_customer == customer)

"""The people of a shop as segments see them: one look per table, put together by address. Reads only.

What is not mapped is not known: a condition on it holds for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Table, case, cast, func, null, or_, select
from sqlalchemy.sql.elements import ColumnElement

from connector.core.segments import WAITING, Account, Person, Wants
from connector.mirror.counting import counts, worth
from connector.mirror.database import Database
from connector.mirror.own_tables import bounce
from connector.mirror.tables import MirroredTables
from connector.mirror.waiting import Waiting

_ACCOUNT = ("firstname", "lastname", "id_lang", "is_guest", "active", "deleted", "newsletter", "optin")
_MILLION = Decimal(1_000_000)
_ALL = 10**9
_PORTION = 5000


class SqlPeople:
    """The port `People` over SQL."""

    def __init__(self, database: Database, tables: MirroredTables, waiting: Waiting) -> None:
        self._db = database
        self._tables = tables
        self._waiting = waiting

    def people(self, shop: str, wants: Wants) -> dict[str, Person]:
        """address -> what is known. Rows without an address, and those of erased people, belong to nobody."""
        with self._db.read() as connection:
            found, owner = self._accounts(connection, shop, wants)
            if wants.groups:
                self._add_groups(connection, shop, owner)
            if wants.orders:
                self._add_orders(connection, shop, owner, wants)
            if wants.countries:
                self._add_countries(connection, shop, owner)
            if wants.products:
                self._add_products(connection, shop, owner, wants)
            if wants.threads:
                self._add_threads(connection, shop, found, owner)
        if wants.threads:
            for row in self._waiting.threads(shop, _ALL):
                _add_thread(found, owner, row["email"], row.get("id_customer"), WAITING)
        return found

    def group_names(self, shop: str) -> dict[int, list[str]]:
        """Every customer group -> its names by ascending language id."""
        main, texts = self._tables.main.get("groups"), self._tables.lang.get("groups")
        with self._db.read() as connection:
            if main is None:
                return {}
            ids = connection.execute(select(main.c.id).where(main.c.shop == shop)).scalars()
            found: dict[int, list[str]] = {number: [] for number in ids}
            if texts is not None and "name" in texts.c:
                query = select(texts.c.id, texts.c.name).where(texts.c.shop == shop)
                for row in connection.execute(query.order_by(texts.c.id, texts.c.id_lang)):
                    found.setdefault(row.id, []).append(row.name or "")
        return found

    def bounced(self, shop: str) -> set[str]:
        """Addresses to which a mail of ours could not be delivered for good (RFC 3463: 4.x.x is passing)."""
        threads = self._tables.main.get("customer_threads")
        if threads is None or "email_key" not in threads.c:
            return set()
        same = (threads.c.shop == bounce.c.shop) & (threads.c.id == bounce.c.id_thread)
        query = select(threads.c.email_key).join(bounce, same).where(bounce.c.shop == shop)
        with self._db.read() as connection:
            found = connection.execute(query.where(~bounce.c.status.startswith("4.")).distinct()).scalars()
            return {address for address in found if address}

    def newest_local(self, shop: str) -> str | None:
        """When a customer changed last as far as the mirror knows, in the shop's own time."""
        table = self._tables.main.get("customers")
        if table is None or "date_upd_local" not in table.c:
            return None
        with self._db.read() as connection:
            query = select(func.max(table.c.date_upd_local)).where(table.c.shop == shop)
            newest: str | None = connection.execute(query).scalar()
        return newest

    # --- parts ----------------------------------------------------------------------------------------------------

    def _accounts(self, connection: Connection, shop: str, wants: Wants) -> tuple[dict[str, Person], dict[int, Person]]:
        found: dict[str, Person] = {}
        owner: dict[int, Person] = {}
        table = self._tables.main.get("customers")
        if table is None or "email_key" not in table.c:
            return found, owner
        languages = self._codes(connection, "languages", shop)
        columns = [table.c.id, table.c.email_key, *(_column(table, name) for name in _ACCOUNT)]
        columns += [_column(table, "id_default_group"), _column(table, "date_add") if wants.registered else null()]
        query = select(*columns).where(table.c.shop == shop, table.c.email_key.like("%@%")).order_by(table.c.id)
        for row in _rows(connection, query):
            number, address, first, last, lang, guest, active, deleted, news, opt, group, since = row
            account = Account(
                number, first or "", last or "", languages.get(lang, ""), bool(guest), bool(active), bool(deleted),
                bool(news), bool(opt), default_group=group or 0, registered_at=since,
            )  # fmt: skip
            person = found.get(address)
            if person is None:
                person = found[address] = Person(address)
            person.accounts.append(account)
            owner[number] = person
        return found, owner

    def _add_groups(self, connection: Connection, shop: str, owner: dict[int, Person]) -> None:
        table = self._tables.children.get("customers", {}).get("customer_groups")
        if table is None or "id_group" not in table.c:
            return
        query = select(table.c.parent_id, table.c.id_group).where(table.c.shop == shop)
        members: dict[int, list[int]] = {}
        for customer, group in _rows(connection, query):
            if customer in owner and group:
                members.setdefault(customer, []).append(group)
        for customer, groups in members.items():
            for account in owner[customer].accounts:
                if account.id == customer:
                    account.groups = frozenset(groups)

    def _add_orders(self, connection: Connection, shop: str, owner: dict[int, Person], wants: Wants) -> None:
        table = self._tables.main.get("orders")
        if not _has(table, "id_customer", "valid", "total_paid", "conversion_rate", "date_add"):
            return
        assert table is not None  # noqa: S101 - asked above
        number: ColumnElement[Any] = func.count()
        amount: ColumnElement[Any] = worth(table)
        if wants.since is not None:
            young = table.c.date_add >= wants.since
            number, amount = func.sum(case((young, 1), else_=0)), case((young, amount), else_=0)
        # A moment costs as much to convert as all the rest of its row.
        earliest = func.min(table.c.date_add) if wants.first_orders else null()
        columns = (table.c.id_customer, number, cast(func.sum(amount), BigInteger), earliest)
        mine = select(*columns, func.max(table.c.date_add)).where(table.c.shop == shop, counts(table))
        for customer, orders, micros, first, last in _rows(connection, mine.group_by(table.c.id_customer)):
            person = owner.get(customer)
            if person is None:
                continue
            person.orders += int(orders)
            person.spent += Decimal(int(micros or 0)) / _MILLION
            if first is not None and (person.first_order is None or first < person.first_order):
                person.first_order = first
            if last is not None and (person.last_order is None or last > person.last_order):
                person.last_order = last

    def _add_countries(self, connection: Connection, shop: str, owner: dict[int, Person]) -> None:
        table = self._tables.main.get("addresses")
        if not _has(table, "id_customer", "id_country"):
            return
        assert table is not None  # noqa: S101 - asked above
        countries = self._codes(connection, "countries", shop)
        query = select(table.c.id_customer, table.c.id_country).where(table.c.shop == shop).distinct()
        if "deleted" in table.c:
            query = query.where(or_(table.c.deleted.is_(None), ~table.c.deleted))
        for customer, country in _rows(connection, query):
            if customer in owner and country in countries:
                owner[customer].countries |= {countries[country]}

    def _add_products(self, connection: Connection, shop: str, owner: dict[int, Person], wants: Wants) -> None:
        order, line = self._tables.main.get("orders"), self._tables.children.get("orders", {}).get("order_rows")
        if not _has(order, "id_customer", "valid", "date_add") or not _has(line, "product_id", "product_reference"):
            return
        assert order is not None  # noqa: S101 - asked above
        assert line is not None  # noqa: S101
        ids = [int(one[1:]) for one in wants.products if one.startswith("#")]
        references = [one for one in wants.products if not one.startswith("#")]
        # SQLite's lower() knows ASCII only.
        folded = func.lower(line.c.product_reference).in_(references)
        written = line.c.product_reference.in_([one.upper() for one in references])
        chosen = or_(line.c.product_id.in_(ids), folded, written)
        of_order = (order.c.shop == line.c.shop) & (order.c.id == line.c.parent_id)
        query = (
            select(order.c.id_customer, line.c.product_id, line.c.product_reference)
            .join(line, of_order)
            .where(order.c.shop == shop, counts(order), chosen)
            .distinct()
        )
        if wants.since is not None:
            query = query.where(order.c.date_add >= wants.since)
        for customer, product, reference in _rows(connection, query):
            if customer in owner:
                owner[customer].products |= {f"#{product}", (reference or "").casefold()}

    def _add_threads(
        self, connection: Connection, shop: str, found: dict[str, Person], owner: dict[int, Person]
    ) -> None:
        table = self._tables.main.get("customer_threads")
        if not _has(table, "email_key", "id_customer", "status"):
            return
        assert table is not None  # noqa: S101 - asked above
        query = select(table.c.email_key, table.c.id_customer, table.c.status).where(table.c.shop == shop).distinct()
        for address, customer, status in _rows(connection, query):
            _add_thread(found, owner, address, customer, status or "open")

    def _codes(self, connection: Connection, table_name: str, shop: str) -> dict[int, str]:
        """id -> ISO code in lower case, of languages or countries."""
        table = self._tables.main.get(table_name)
        if not _has(table, "iso_code"):
            return {}
        assert table is not None  # noqa: S101 - asked above
        rows = connection.execute(select(table.c.id, table.c.iso_code).where(table.c.shop == shop))
        return {row.id: (row.iso_code or "").casefold() for row in rows}


def _add_thread(
    found: dict[str, Person], owner: dict[int, Person], address: str | None, customer: int | None, state: str
) -> None:
    """A conversation is of whoever writes in it, else of its customer."""
    folded = (address or "").strip().casefold()
    person = owner.get(customer or 0)
    if "@" in folded:
        person = found.get(folded)
        if person is None:
            person = found[folded] = Person(folded)
    if person is not None:
        person.threads |= {state}


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """Fetched in portions: row by row takes half as long again."""
    return chain.from_iterable(connection.execute(query).partitions(_PORTION))


def _has(table: Table | None, *names: str) -> bool:
    return table is not None and all(name in table.c for name in names)


def _column(table: Table, name: str) -> ColumnElement[Any]:
    return table.c[name] if name in table.c else null().label(name)

"""Orders and customers in figures, counted in SQL. Reads only. What counts and what it is worth: `counting`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, case, distinct, func, or_, select

from connector.core.buyers import Buyer, of_customers
from connector.core.figures import CustomerPeriod, DayFigures, ProductFigures, Refunds, Sales
from connector.core.periods import Period
from connector.core.spread import money, share
from connector.mirror.counting import converted, counts, worth
from connector.mirror.dialect import micros
from connector.mirror.mapped import Ground

NEEDED = {
    "orders": {
        "id_customer", "id_address_delivery", "id_carrier", "module", "valid", "conversion_rate", "total_paid",
        "total_paid_tax_excl", "date_add_local",
    },
    "order_rows": {"product_id", "product_name", "product_reference", "product_quantity", "unit_price_tax_incl"},
    "order_slip": {"id_order", "amount", "shipping_cost_amount", "conversion_rate", "date_add_local"},
    "customers": {"email_key", "is_guest", "date_add_local"},
    "addresses": {"id_country"},
    "countries": {"iso_code"},
    "carriers": {"id_reference", "name"},
    "currencies": {"iso_code"},
}  # fmt: skip


class SqlCustomerFigures:
    """Of one shop. products: how many are listed. Raises DataError `figures.unmapped`."""

    def __init__(self, ground: Ground, products: int) -> None:
        ground.need(NEEDED)
        self._ground = ground
        self._db = ground.database
        self._tables = ground.tables
        self._shop = ground.shop
        self._listed = products
        self._orders = ground.tables.main["orders"]

    def currency(self) -> str:
        """ISO code of the shop's default currency, '' when the mirror does not know it."""
        table = self._tables.main["currencies"]
        default = self._ground.setting("PS_CURRENCY_DEFAULT")
        if not default.isdecimal():
            return ""
        with self._db.read() as connection:
            query = select(table.c.iso_code).where(table.c.shop == self._shop, table.c.id == int(default))
            return connection.execute(query).scalar() or ""

    def of(self, period: Period, also: Iterable[ProductFigures] = ()) -> CustomerPeriod:
        """The figures of one period. also: products that are listed, too, if they were bought, for a comparison with
        another period. Raises MirrorUnavailable and StateError when the mirror does not answer."""
        with self._db.read() as connection:
            sold = self._sold(connection, period)
            orders, total = sum(row.orders for row in sold), sum(row.micros for row in sold)
            return CustomerPeriod(
                period=period,
                orders=orders,
                total=money(total),
                total_tax_excl=money(sum(int(row.net) for row in sold)),
                uncounted=self._count(connection, self._orders, period, or_(~self._counts, self._valid.is_(None))),
                average=share(total, orders),
                registered=self._registered(connection, period),
                products=self._products(connection, period, [one.id for one in also if one.id]),
                countries=self._countries(connection, sold),
                carriers=self._carriers(connection, sold),
                modules=_grouped((row.module or "", row) for row in sold),
                refunds=self._refunds(connection, period),
                days=self._days(connection, period),
                **of_customers(self._buyers(connection, period), period),
            )

    # --- orders ---------------------------------------------------------------------------------------------------

    @property
    def _counts(self) -> ColumnElement[bool]:
        return counts(self._orders)

    @property
    def _valid(self) -> ColumnElement[Any]:
        return self._orders.c.valid

    def _mine(self, table: Table) -> ColumnElement[bool]:
        return table.c.shop == self._shop

    def _sold(self, connection: Connection, period: Period) -> list[Any]:
        """Counted orders by carrier, module and country of delivery: orders, micros, net (without tax)."""
        o, address = self._orders, self._tables.main["addresses"]
        delivered = and_(address.c.shop == o.c.shop, address.c.id == o.c.id_address_delivery)
        query = (
            select(
                o.c.id_carrier,
                o.c.module,
                address.c.id_country,
                func.count().label("orders"),
                func.sum(worth(o)).label("micros"),
                func.sum(converted(o, o.c.total_paid_tax_excl)).label("net"),
            )
            .select_from(o.outerjoin(address, delivered))
            .where(self._mine(o), self._counts, _within(o, period))
            .group_by(o.c.id_carrier, o.c.module, address.c.id_country)
        )
        return list(connection.execute(query))

    def _days(self, connection: Connection, period: Period) -> list[DayFigures]:
        o, day = self._orders, func.substr(self._orders.c.date_add_local, 1, 10)
        query = select(day, func.count(), func.sum(worth(o))).where(self._mine(o), self._counts, _within(o, period))
        found = connection.execute(query.group_by(day).order_by(day))
        return [DayFigures(date.fromisoformat(row[0]), row[1], money(int(row[2]))) for row in found]

    def _count(self, connection: Connection, table: Table, period: Period, where: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(table).where(self._mine(table), _within(table, period), where)
        return int(connection.execute(query).scalar_one())

    def _registered(self, connection: Connection, period: Period) -> int:
        table = self._tables.main["customers"]
        return self._count(connection, table, period, func.coalesce(table.c.is_guest, False).is_(False))

    def _buyers(self, connection: Connection, period: Period) -> list[Buyer]:
        """Every account with counted orders up to the period's end."""
        o, customer = self._orders, self._tables.main["customers"]
        inside = o.c.date_add_local >= period.first_local
        per_account = (
            select(
                o.c.shop,
                o.c.id_customer,
                func.sum(case((inside, 1), else_=0)).label("orders"),
                func.sum(case((inside, worth(o)), else_=0)).label("micros"),
                func.sum(worth(o)).label("ever"),
                func.substr(func.min(o.c.date_add_local), 1, 10).label("first"),
                func.substr(func.max(o.c.date_add_local), 1, 10).label("last"),
            )
            .where(self._mine(o), self._counts, o.c.date_add_local < period.end_local)
            .group_by(o.c.shop, o.c.id_customer)
            .subquery()
        )
        same = and_(customer.c.shop == per_account.c.shop, customer.c.id == per_account.c.id_customer)
        account = per_account.c
        query = select(
            account.id_customer,
            func.coalesce(customer.c.email_key, ""),
            account.orders,
            account.micros,
            account.ever,
            account.first,
            account.last,
        ).select_from(per_account.outerjoin(customer, same))
        return [
            Buyer(number, person, int(orders), int(inside_), int(ever), _day(first), _day(last))
            for number, person, orders, inside_, ever, first, last in connection.execute(query)
        ]

    # --- by what --------------------------------------------------------------------------------------------------

    def _countries(self, connection: Connection, sold: list[Any]) -> list[Sales]:
        ids = {row.id_country for row in sold if row.id_country}
        named = self._ground.names(connection, "countries", ids)
        table = self._tables.main["countries"]
        query = select(table.c.id, table.c.iso_code).where(self._mine(table), table.c.id.in_(ids))
        codes = {row.id: row.iso_code or "" for row in connection.execute(query)}
        return _grouped(((row.id_country, row) for row in sold), named, codes)

    def _carriers(self, connection: Connection, sold: list[Any]) -> list[Sales]:
        """An edit of a carrier makes a new row with the same reference: they are one, named as the newest is."""
        table = self._tables.main["carriers"]
        query = select(table.c.id, table.c.id_reference, table.c.name).where(self._mine(table)).order_by(table.c.id)
        newest: dict[int, int] = {}
        reference: dict[int, int] = {}
        named: dict[int, str] = {}
        for row in connection.execute(query):
            reference[row.id] = row.id_reference or row.id
            newest[reference[row.id]] = row.id
            named[row.id] = row.name or ""
        if "0" in named.values():  # PrestaShop shows its own name for a carrier that is called so
            own = self._ground.setting("PS_SHOP_NAME")
            named = {number: own if name == "0" and own else name for number, name in named.items()}
        now = {number: newest[of] for number, of in reference.items()}
        return _grouped(((now.get(row.id_carrier, row.id_carrier), row) for row in sold), named)

    def _products(self, connection: Connection, period: Period, also: list[int]) -> list[ProductFigures]:
        o, line = self._orders, self._tables.children["orders"]["order_rows"]
        number = func.coalesce(line.c.product_quantity, 0)
        quantity = func.sum(number).label("quantity")
        query = (
            select(
                line.c.product_id,
                func.max(line.c.product_name).label("name"),
                func.max(line.c.product_reference).label("reference"),
                quantity,
                func.count(distinct(o.c.id)).label("orders"),
                func.sum(converted(o, line.c.unit_price_tax_incl * number)).label("micros"),
            )
            .select_from(o.join(line, and_(line.c.shop == o.c.shop, line.c.parent_id == o.c.id)))
            .where(self._mine(o), self._counts, _within(o, period))
            .group_by(line.c.product_id)
            .order_by(quantity.desc(), line.c.product_id)
        )
        rows = list(connection.execute(query.limit(self._listed)))
        if others := set(also) - {row.product_id for row in rows}:
            rows += connection.execute(query.where(line.c.product_id.in_(others)))
        ids = {row.product_id for row in rows if row.product_id}
        named = self._ground.names(connection, "products", ids)
        return [
            ProductFigures(
                row.product_id,
                named.get(row.product_id) or row.name or "",
                row.reference or "",
                int(row.quantity),
                row.orders,
                money(int(row.micros)),
            )
            for row in rows
        ]

    def _refunds(self, connection: Connection, period: Period) -> Refunds:
        """By the rate of the slip's order, of the slip itself where the order is not in the mirror."""
        o, slip = self._orders, self._tables.main["order_slip"]
        rate = func.coalesce(func.nullif(o.c.conversion_rate, 0), func.nullif(slip.c.conversion_rate, 0), 1)
        shipping = func.coalesce(slip.c.shipping_cost_amount, 0)
        given = micros(func.coalesce(slip.c.amount, 0) + shipping, rate)
        query = (
            select(
                func.count(),
                func.count(distinct(slip.c.id_order)),
                func.coalesce(func.sum(given), 0),
                func.coalesce(func.sum(micros(shipping, rate)), 0),
                func.coalesce(func.sum(case((self._counts, given), else_=0)), 0),
            )
            .select_from(slip.outerjoin(o, and_(o.c.shop == slip.c.shop, o.c.id == slip.c.id_order)))
            .where(self._mine(slip), _within(slip, period))
        )
        slips, orders, *sums = connection.execute(query).one()
        return Refunds(slips, orders, *(money(int(value)) for value in sums))


_day = lru_cache(4096)(date.fromisoformat)  # many buyers, few days


def _within(table: Table, period: Period) -> ColumnElement[bool]:
    """By the shop's own text, which sorts as its clock goes."""
    return and_(table.c.date_add_local >= period.first_local, table.c.date_add_local < period.end_local)


def _grouped(
    rows: Iterable[tuple[Any, Any]], named: dict[int, str] | None = None, codes: dict[int, str] | None = None
) -> list[Sales]:
    """Sums by key, the largest first. named None: the key is the name."""
    orders: defaultdict[Any, int] = defaultdict(int)
    total: defaultdict[Any, int] = defaultdict(int)
    for key, row in rows:
        orders[key] += row.orders
        total[key] += int(row.micros)
    keys = sorted(orders, key=lambda key: (-total[key], str(key)))
    if named is None:
        return [Sales(None, key, orders[key], money(total[key])) for key in keys]
    known = codes or {}
    return [Sales(key, named.get(key, ""), orders[key], money(total[key]), known.get(key, "")) for key in keys]

"""The part of a report about orders and customers: what was sold, to how many, how often, from where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from connector.core.figures import CustomerFigures, CustomerPeriod, ProductFigures, Refunds, Sales
from connector.report.common import Drafts, paired
from connector.report.shapes import Block, Figure, Part, Table, Tile
from connector.report.texts import plain

MOST_DAYS = 62
"""A longer period is drawn by month."""
_NOTHING = Decimal(0)


def customer_part(found: CustomerFigures, drafts: Drafts) -> Part:
    texts, this, before = drafts.texts, found.this, found.before
    blocks = [
        _course(this, before, drafts),
        _new(this, before, drafts),
        _products(this.products, before.products, drafts),
        _sales("countries", "country", this.countries, before.countries, drafts),
        _sales("carriers", "carrier", this.carriers, before.carriers, drafts),
        _sales("modules", "module", this.modules, before.modules, drafts),
        drafts.compared("frequency", [
            (drafts.counted(one), one.count, other.count)
            for one, other in zip(this.frequency, before.frequency, strict=True)
        ], texts.number, heading="orders"),
        drafts.compared("recency", [
            (drafts.counted(one), one.count, other.count)
            for one, other in zip(this.recency, before.recency, strict=True)
        ], texts.number, heading="recency.days", note=texts("recency.note")),
        _refunds(this.refunds, before.refunds, drafts),
    ]  # fmt: skip
    return Part("customers", texts("customers"), _tiles(this, before, drafts), blocks)


def _tiles(this: CustomerPeriod, before: CustomerPeriod, drafts: Drafts) -> list[Tile]:
    number, money = drafts.texts.number, drafts.money
    return [
        drafts.tile("tile.total", this.total, before.total, money),
        drafts.tile("tile.orders", this.orders, before.orders, number),
        drafts.tile("tile.average", this.average, before.average, money),
        drafts.tile("tile.customers", this.customers, before.customers, number),
        drafts.tile("tile.new", this.new, before.new, number),
        drafts.tile("tile.returning", this.returning, before.returning, number),
        drafts.tile("tile.registered", this.registered, before.registered, number),
        drafts.tile("tile.refunds", this.refunds.total, before.refunds.total, money),
    ]


def _course(this: CustomerPeriod, before: CustomerPeriod, drafts: Drafts) -> Block:
    """Sales by day, in a long period by month."""
    texts = drafts.texts
    if not this.orders and not before.orders:
        return drafts.nothing("course")
    monthly = this.period.days > MOST_DAYS
    now, then = _steps(this, monthly=monthly), _steps(before, monthly=monthly)
    names = [texts.month(day) if monthly else texts.day_of_month(day) for day, _, _ in now]
    every = -(-len(now) // 12) if monthly else max(1, -(-len(now) // 8))
    drawing = drafts.plots.course(
        names, [float(total) for _, _, total in now], [float(total) for _, _, total in then], texts.short, every
    )
    figure = Figure(drawing, texts("course"), texts("plot.course", this=drafts.this, before=drafts.before),
                    drafts.legend)  # fmt: skip
    columns = (texts("month" if monthly else "day"), texts("tile.orders"), texts("tile.total"))
    rows = [
        (texts.month(day) if monthly else texts.day(day), texts.number(orders), drafts.money(total))
        for day, orders, total in now
    ]
    counts = [
        (texts("tile.orders"), texts.number(this.orders), texts.number(before.orders),
         texts.change(this.orders, before.orders)),
        (texts("tile.total"), drafts.money(this.total), drafts.money(before.total),
         texts.change(this.total, before.total)),
        (texts("total.tax_excl"), drafts.money(this.total_tax_excl), drafts.money(before.total_tax_excl),
         texts.change(this.total_tax_excl, before.total_tax_excl)),
        (texts("uncounted"), texts.number(this.uncounted), texts.number(before.uncounted),
         texts.change(this.uncounted, before.uncounted)),
    ]  # fmt: skip
    whole = Table((texts("whole"), *drafts.beside), counts)
    return Block("course", texts("course"), texts("counts.note"), [figure], [whole, Table(columns, rows)],
                 folded=len(rows) > 12)  # fmt: skip


def _steps(period: CustomerPeriod, *, monthly: bool) -> list[tuple[date, int, Decimal]]:
    """(first day, orders, sales) of every day or month, those without an order, too."""
    sums: dict[date, tuple[int, Decimal]] = defaultdict(lambda: (0, _NOTHING))
    day = period.period.first
    while day < period.period.end:
        sums[day.replace(day=1) if monthly else day] = (0, _NOTHING)
        day += timedelta(days=1)
    for one in period.days:
        key = one.day.replace(day=1) if monthly else one.day
        orders, total = sums[key]
        sums[key] = (orders + one.orders, total + one.total)
    return [(day, *values) for day, values in sorted(sums.items())]


def _new(this: CustomerPeriod, before: CustomerPeriod, drafts: Drafts) -> Block:
    texts = drafts.texts
    more = [
        (texts("new.total"), drafts.money(this.new_total), drafts.money(before.new_total),
         texts.change(this.new_total, before.new_total)),
        (texts("returning.total"), drafts.money(this.returning_total), drafts.money(before.returning_total),
         texts.change(this.returning_total, before.returning_total)),
        (texts("per_customer"), drafts.money(this.per_customer.mean), drafts.money(before.per_customer.mean),
         texts.change(this.per_customer.mean, before.per_customer.mean)),
        (texts("lifetime"), drafts.money(this.lifetime.mean), drafts.money(before.lifetime.mean),
         texts.change(this.lifetime.mean, before.lifetime.mean)),
    ]  # fmt: skip
    lines = [
        (texts("tile.new"), this.new, before.new),
        (texts("tile.returning"), this.returning, before.returning),
    ]
    return drafts.compared("new", lines, texts.number, heading="customers.count",
                           more=[Table((texts("tile.total"), *drafts.beside), more)])  # fmt: skip


def _products(this: Sequence[ProductFigures], before: Sequence[ProductFigures], drafts: Drafts) -> Block:
    texts = drafts.texts
    if not this:
        return drafts.nothing("products")
    earlier = {product.id: product for product in before}
    names = [_product(product, drafts) for product in this]
    olds = [earlier.get(product.id) for product in this]
    pieces = [(name, one.quantity, old.quantity if old else 0)
              for name, one, old in zip(names, this, olds, strict=True)]  # fmt: skip
    figure = drafts.side_by_side(texts("products"), pieces[:10], texts.number)
    columns = (texts("product"), texts("reference"), texts("quantity"), texts("quantity.before"), texts("tile.orders"),
               texts("tile.total"))  # fmt: skip
    rows = [
        (name, plain(product.reference), texts.number(product.quantity), texts.number(old.quantity if old else 0),
         texts.number(product.orders), drafts.money(product.total))
        for name, product, old in zip(names, this, olds, strict=True)
    ]  # fmt: skip
    return Block("products", texts("products"), texts("products.note"), [figure], [Table(columns, rows)])


def _product(product: ProductFigures, drafts: Drafts) -> str:
    return plain(product.name) or plain(product.reference) or drafts.named("", product.id)


def _sales(key: str, heading: str, this: Sequence[Sales], before: Sequence[Sales], drafts: Drafts) -> Block:
    """By country, carrier or payment module: sales in a plot, orders beside them in the table."""
    texts = drafts.texts
    empty = Sales(None, "", 0, _NOTHING)
    both = [(one or empty, other or empty) for one, other in paired(this, before, lambda row: (row.id, row.name))]
    names = [drafts.named(one.name or other.name or one.code or other.code, one.id or other.id) for one, other in both]
    orders = [(name, one.orders, other.orders) for name, (one, other) in zip(names, both, strict=True)]
    more = Table((texts("tile.orders"), *drafts.beside), drafts.rows(orders, texts.number))
    lines = [(name, one.total, other.total) for name, (one, other) in zip(names, both, strict=True)]
    return drafts.compared(key, lines, drafts.money, heading=heading, more=[more])


def _refunds(this: Refunds, before: Refunds, drafts: Drafts) -> Block:
    texts = drafts.texts
    if not this.slips and not before.slips:
        return drafts.nothing("refunds")
    counts = [(texts("refunds.slips"), this.slips, before.slips), (texts("tile.orders"), this.orders, before.orders)]
    more = Table((texts("number"), *drafts.beside), drafts.rows(counts, texts.number))
    lines = [
        (texts("tile.refunds"), this.total, before.total),
        (texts("refunds.shipping"), this.shipping, before.shipping),
        (texts("refunds.of_counted"), this.of_counted, before.of_counted),
    ]
    return drafts.compared("refunds", lines, drafts.money, heading="refunds", note=texts("refunds.note"), more=[more])

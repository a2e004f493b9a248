"""Figures as rows: one number a row, with the period before beside it, for a terminal and for CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connector.core.figures import (
    Amounts,
    Band,
    CustomerFigures,
    CustomerPeriod,
    Sales,
    ServiceFigures,
    ServiceNow,
    ServicePeriod,
    Spread,
    ThreadGroup,
)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Row:
    """section: what it belongs to. id, name: of an employee, contact, product ... unit: number, money, seconds or
    moment. this, before: None where there is none; a figure of now has no before."""

    section: str
    id: int | None
    name: str
    figure: str
    unit: str
    this: Any
    before: Any = None


def service_rows(found: ServiceFigures) -> list[Row]:
    """Customer service: now, then the period beside the one before."""
    return [*_now(found.now), *_service(found.this, found.before)]


def customer_rows(found: CustomerFigures) -> list[Row]:
    return list(_customers(found.this, found.before))


# --- customer service ---------------------------------------------------------------------------------------------


def _now(now: ServiceNow) -> Iterator[Row]:
    yield Row("now", None, "", "threads", "number", now.threads)
    for status, count in now.statuses.items():
        yield Row("now", None, "", f"threads {status or 'without status'}", "number", count)
    yield Row("now", None, "", "waiting for an answer", "number", now.waiting)
    yield Row("now", None, "", "longest waiting since", "moment", now.waiting_since)
    for band in now.waiting_ages:
        yield Row("waiting by age", None, age(band), "waiting", "number", band.count)
    for section, groups in (("contact", now.contacts), ("language", now.languages), ("age", now.ages)):
        for group in groups:
            yield from _thread_group(section, group)


def _thread_group(section: str, group: ThreadGroup) -> Iterator[Row]:
    name = age(Band(group.first, group.last, 0)) if section == "age" else group.name or "none"
    for status, count in (*group.statuses.items(), ("waiting", group.waiting)):
        yield Row(f"now by {section}", group.id, name, status or "without status", "number", count)


_SERVICE = (
    ("threads begun", "begun"),
    ("threads with messages", "active"),
    ("messages of customers", "from_customers"),
    ("answers", "answers"),
    ("notes", "notes"),
    ("automatic notes", "automatic"),
    ("begun and unanswered", "unanswered"),
)


def _service(this: ServicePeriod, before: ServicePeriod) -> Iterator[Row]:
    for figure, field in _SERVICE:
        yield Row("service", None, "", figure, "number", getattr(this, field), getattr(before, field))
    yield from _spread("service", "first answer", "seconds", this.first_answer, before.first_answer)
    yield from _spread("service", "closing", "seconds", this.closing, before.closing)
    yield from _spread("service", "messages a thread", "number", this.per_thread, before.per_thread)
    counts = (("begun by contact", "begun_contacts"), ("begun by language", "begun_languages"))
    for section, field in counts:
        for one, other in _paired(getattr(this, field), getattr(before, field), lambda row: row.id):
            named = one or other
            yield _row(section, named.id, named.name or "none", "threads begun", "number", one, other, "count")
    for one, other in _paired(this.employees, before.employees, lambda row: row.id):
        named = one or other
        for figure in ("answers", "notes", "threads"):
            yield _row("employee", named.id, named.name, figure, "number", one, other, figure)
        empty = Spread()
        spreads = (one.first_answer if one else empty, other.first_answer if other else empty)
        yield from _spread("employee", "first answer", "seconds", *spreads, id_=named.id, name=named.name)
    for figure in ("total", "imported", "quarantined", "bounced"):
        yield _row("mails", None, "", figure, "number", this.mails, before.mails, figure)
    for kind in sorted({*this.mails.automatic, *before.mails.automatic}):
        both = (this.mails.automatic.get(kind, 0), before.mails.automatic.get(kind, 0))
        yield Row("mails", None, "", f"automatic: {kind}", "number", *both)
    for who, field in (("customers", "customer_hours"), ("answers", "answer_hours")):
        now, then = getattr(this, field), getattr(before, field)
        for day, name in enumerate(WEEKDAYS):
            for hour in range(24):
                figure = f"{who} {hour:02d}:00"
                yield Row("weekday and hour", None, name, figure, "number", now[day][hour], then[day][hour])


# --- customers ----------------------------------------------------------------------------------------------------

_CUSTOMERS = (
    ("orders", "orders", "number"),
    ("total", "total", "money"),
    ("total without tax", "total_tax_excl", "money"),
    ("average order", "average", "money"),
    ("orders that do not count", "uncounted", "number"),
    ("customers", "customers", "number"),
    ("accounts", "accounts", "number"),
    ("new customers", "new", "number"),
    ("returning customers", "returning", "number"),
    ("total of new", "new_total", "money"),
    ("total of returning", "returning_total", "money"),
    ("accounts registered", "registered", "number"),
)
_REFUNDS = (
    ("slips", "slips", "number"),
    ("orders", "orders", "number"),
    ("total", "total", "money"),
    ("shipping", "shipping", "money"),
    ("of orders that count", "of_counted", "money"),
)


def _customers(this: CustomerPeriod, before: CustomerPeriod) -> Iterator[Row]:
    for figure, field, unit in _CUSTOMERS:
        yield _row("customers", None, "", figure, unit, this, before, field)
    yield from _spread("customers", "orders a customer", "number", this.orders_each, before.orders_each)
    yield from _amounts("customers", "total a customer", this.per_customer, before.per_customer)
    yield from _amounts("customers", "total a customer, ever", this.lifetime, before.lifetime)
    yield from _spread("customers", "days since last order", "number", this.recency_days, before.recency_days)
    for section, field in (("orders a customer", "frequency"), ("days since last order", "recency")):
        for one, other in zip(getattr(this, field), getattr(before, field), strict=True):
            yield Row(section, None, band(one), "customers", "number", one.count, other.count)
    for figure, field, unit in _REFUNDS:
        yield _row("refunds", None, "", figure, unit, this.refunds, before.refunds, field)
    for section, field in (("country", "countries"), ("carrier", "carriers"), ("payment module", "modules")):
        for one, other in _paired(getattr(this, field), getattr(before, field), _sales_key):
            named = one or other
            yield _row(section, named.id, named.name or "none", "orders", "number", one, other, "orders")
            yield _row(section, named.id, named.name or "none", "total", "money", one, other, "total")
    then = {one.id: one for one in before.products}
    for one in this.products:
        for figure, unit in (("quantity", "number"), ("orders", "number"), ("total", "money")):
            yield _row("product", one.id, one.name, figure, unit, one, then.get(one.id), figure)
    for one in this.best:
        yield Row("best customers", one.id, "", "orders", "number", one.orders)
        yield Row("best customers", one.id, "", "total", "money", one.total)


def _sales_key(row: Sales) -> object:
    return row.id, row.name


# --- parts --------------------------------------------------------------------------------------------------------


def _row(
    section: str,
    id_: int | None,
    name: str,
    figure: str,
    unit: str,
    this: Any,  # noqa: ANN401 - two of a kind
    before: Any,  # noqa: ANN401 - the same
    field: str,
) -> Row:
    both = (0 if one is None else getattr(one, field) for one in (this, before))
    return Row(section, id_, name, figure, unit, *both)


def _spread(
    section: str, figure: str, unit: str, this: Spread, before: Spread, *, id_: int | None = None, name: str = ""
) -> Iterator[Row]:
    yield Row(section, id_, name, f"{figure}: counted", "number", this.count, before.count)
    yield Row(section, id_, name, f"{figure}: mean", unit, this.mean, before.mean)
    yield Row(section, id_, name, f"{figure}: median", unit, this.median, before.median)
    yield Row(section, id_, name, f"{figure}: 90th percentile", unit, this.p90, before.p90)


def _amounts(section: str, figure: str, this: Amounts, before: Amounts) -> Iterator[Row]:
    yield Row(section, None, "", f"{figure}: mean", "money", this.mean, before.mean)
    yield Row(section, None, "", f"{figure}: median", "money", this.median, before.median)
    yield Row(section, None, "", f"{figure}: 90th percentile", "money", this.p90, before.p90)


def _paired(this: Sequence[Any], before: Sequence[Any], key: Callable[[Any], object]) -> Iterator[tuple[Any, Any]]:
    """Each of this period with its like of the one before, then those that only the one before has."""
    others = {key(one): one for one in before}
    yield from ((one, others.pop(key(one), None)) for one in this)
    yield from ((None, one) for one in others.values())


def age(of: Band) -> str:
    """`under 4 h`, `1-3 days`, `over 90 days`."""
    if of.first is None:
        return f"under {_length(of.last or 0)}"
    return f"over {_length(of.first)}" if of.last is None else f"{_length(of.first)} to {_length(of.last)}"


def band(of: Band) -> str:
    """`up to 30`, `31-90`, `366 and more`, `2`."""
    if of.first is None:
        return f"up to {of.last}"
    if of.last is None:
        return f"{of.first} and more"
    return str(of.first) if of.first == of.last else f"{of.first}-{of.last}"


def _length(seconds: int) -> str:
    return f"{seconds // 3600} h" if seconds < 86_400 else f"{seconds // 86_400} d"


def sections(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Rows by section, in their order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.section, []).append(row)
    return list(found.items())

"""Figures of a made-up shop, with names that try to be more than names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from connector.core import periods
from connector.core.figures import (
    Amounts,
    Band,
    CustomerFigures,
    CustomerPeriod,
    DayFigures,
    EmployeeFigures,
    Mails,
    NamedCount,
    ProductFigures,
    Refunds,
    Sales,
    ServiceFigures,
    ServiceNow,
    ServicePeriod,
    Spread,
    ThreadGroup,
)
from connector.report.shapes import Report

AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    "</svg><img src=x onerror=alert(1)>",
    "$\\frac{a}{b}$ & \"quoted\" 'twice'",
    "bell \x07 and \u202eturned\x0b\ufffe",
    "{{ 7 * 7 }} {this} %s w0",
    "木の椅子 🪑",
    "كرسي خشبي 4",
    "A name that goes on and on until nobody wants to read it any more, and then goes on for a while",
)
HOURS = [[(day * hour) % 11 for hour in range(24)] for day in range(7)]
NOBODY = [[0] * 24 for _ in range(7)]


def report(period: str = "2026-10") -> Report:
    this = periods.parse(period)
    return Report(
        title="Rue & <b>Fils</b>",
        service=ServiceFigures("main", _now(), _service(this, 3), _service(this.before(), 2)),
        customers=CustomerFigures("main", "EUR", _customers(this, 3), _customers(this.before(), 2)),
        days=this.days,
    )


def empty(period: str = "2026-10") -> Report:
    """Of a shop that was opened this minute."""
    this = periods.parse(period)
    services = [ServicePeriod(one, customer_hours=NOBODY, answer_hours=NOBODY) for one in (this, this.before())]
    bands = [Band(None, 1, 0), Band(2, 2, 0), Band(3, None, 0)]
    both = [CustomerPeriod(one, frequency=bands, recency=bands) for one in (this, this.before())]
    service = ServiceFigures("main", ServiceNow(AT), *services)
    return Report("main", service, CustomerFigures("main", "", *both), 3)


def _now() -> ServiceNow:
    statuses = {"open": 7, "closed": 1200, "pending1": 2, "": 1}
    groups = [ThreadGroup(number or None, name, statuses, 3) for number, name in enumerate(("", *HOSTILE[:3]))]
    ages = [ThreadGroup(None, "", {"open": 2}, 1, 0, 86_400), ThreadGroup(None, "", {"open": 5}, 2, 86_400, None)]
    waiting = [Band(0, 4 * 3600, 1), Band(4 * 3600, 86_400, 0), Band(86_400, None, 2)]
    since = AT - timedelta(days=9)
    return ServiceNow(AT, 1210, statuses, groups, groups, ages, 3, since, waiting)


def _service(period: periods.Period, by: int) -> ServicePeriod:
    counts = [NamedCount(number, name, by * number) for number, name in enumerate(HOSTILE[:3], 1)]
    employees = [
        EmployeeFigures(number, name, 10 * by, by, by, Spread(2, 4000.0, 5000.0, 90_000.0))
        for number, name in enumerate(("Salma Benali", *HOSTILE[:2]), 1)
    ]
    mails = Mails(40 * by, 30 * by, by, {"bounce": by, "auto_reply": 1, "<new>": 1}, by)
    return ServicePeriod(
        period, 12 * by, counts, counts, 20 * by, 30 * by, 25 * by, by, 2,
        Spread(9, 7200.0, 5400.0 * by, 200_000.0), by, Spread(), Spread(5, 2.5, 2.0, 6.0), employees,
        HOURS, NOBODY, mails,
    )  # fmt: skip


def _customers(period: periods.Period, by: int) -> CustomerPeriod:
    products = [
        ProductFigures(number, name, "R<1>", by * number, number, Decimal(number) * 7)
        for number, name in enumerate(HOSTILE, 1)
    ]
    sales = [Sales(number, name, by, Decimal(100 * by), "FR") for number, name in enumerate(HOSTILE[:4], 1)]
    days = [DayFigures(date.fromordinal(period.first.toordinal() + day), by, Decimal(70 * by)) for day in (0, 1, 5, 27)]
    bands = [Band(None, 1, 5 * by), Band(2, 2, by), Band(3, None, 0)]
    money = Decimal("1234567.891000") * by
    amounts = Amounts(3, money, money / 3, money / 3, money)
    return CustomerPeriod(
        period, 40 * by, money, money / 2, by, money / 40, 30, 31, 10, 20, money / 4, money / 2, 12, bands, Spread(),
        amounts, bands, Spread(), amounts, (), products, sales, sales[:2], sales,
        Refunds(by, by, Decimal(9), Decimal(1)), days,
    )  # fmt: skip


__all__ = ["AT", "HOSTILE", "empty", "report"]

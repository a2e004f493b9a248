"""`figures service|customers`: how customer service and customers are doing, with the period before beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import click

from connector.cli.csvfile import lines
from connector.cli.figure_rows import WEEKDAYS, Row, customer_rows, sections, service_rows
from connector.cli.output import emit_json, safe, say, table
from connector.cli.session import Options, opened, pick_shop
from connector.core.figures import CustomerFigures, ServiceFigures
from connector.core.health import span
from connector.errors import Exit, UsageError
from connector.wiring import App
from connector.wiring import figures as data

_HOURS = "weekday and hour"
_CURRENCY = Decimal("0.01")
_COLUMNS = ("shop", "period", "before", "section", "id", "name", "figure", "unit", "this_value", "before_value")


def _options(command: Callable[..., int]) -> Callable[..., int]:
    for option in (
        click.option("--csv", "as_csv", is_flag=True, help="As CSV, one figure a line."),
        click.option("--json", "as_json", is_flag=True, help="As JSON."),
        click.option("--shop", help="Only this shop."),
        click.option(
            "--period",
            default="",
            metavar="PERIOD",
            help="2026-10, 2026, 2026-W40 or 2026-10-05..2026-10-18, by the shop's days; without it the last 30 days.",
        ),
    ):
        command = option(command)
    return command


@click.group()
def figures() -> None:
    """Customer service and customers in numbers, each with the period before beside it. Reads the mirror only."""


@figures.command("service")
@_options
@click.pass_obj
def service(options: Options, period: str, shop: str | None, as_json: bool, as_csv: bool) -> int:
    """Threads by status, contact, language and age, who waits for an answer, first answers, closings, employees, hours.

    Closing times are those of status changes that were seen, by a pull, a sweep or a change of ours: the shop keeps no
    record of them, so there are none from before the mirror was made.
    """

    def look(app: App, name: str) -> ServiceFigures:
        return data.service(app, name, data.period(app, name, period))

    return _show(options, shop, as_json, as_csv, look, service_rows)


@figures.command("customers")
@_options
@click.pass_obj
def customers(options: Options, period: str, shop: str | None, as_json: bool, as_csv: bool) -> int:
    """Orders, their value, new and returning customers, products, countries, carriers, payment modules, refunds.

    Orders count that PrestaShop calls valid. Money is in the shop's default currency, by each order's own rate. A
    customer is a person: accounts and guest orders with one e-mail address are one.
    """

    def look(app: App, name: str) -> CustomerFigures:
        return data.customers(app, name, data.period(app, name, period))

    return _show(options, shop, as_json, as_csv, look, customer_rows)


def _show(
    options: Options,
    shop: str | None,
    as_json: bool,
    as_csv: bool,
    look: Callable[[App, str], Any],
    rows: Callable[[Any], list[Row]],
) -> int:
    if as_json and as_csv:
        raise UsageError("figures.json_or_csv")
    with opened(options, reading=True) as app:
        names = [pick_shop(app, shop)] if shop else list(app.settings.shops)
        found = [look(app, name) for name in names]
        so_far = [data.days_so_far(app, one.shop, one.this.period) for one in found]
    if as_json:
        emit_json({"shops": [data.as_json(one) for one in found]})
    elif as_csv:
        for line in lines(_COLUMNS, _lines(found, rows)):
            click.echo(line, nl=False)
    else:
        for one, days in zip(found, so_far, strict=True):
            _say(one, rows(one), days)
    return int(Exit.OK)


# --- CSV ------------------------------------------------------------------------------------------------------------


def _lines(found: Sequence[Any], rows: Callable[[Any], list[Row]]) -> Iterator[Sequence[object]]:
    for one in found:
        periods = (one.shop, one.this.period.label, one.before.period.label)
        for row in rows(one):
            unit = (getattr(one, "currency", "") or "money") if row.unit == "money" else row.unit
            values = (data.as_json(row.this), data.as_json(row.before))
            yield (*periods, row.section, row.id, row.name, row.figure, unit, *values)


# --- a terminal -----------------------------------------------------------------------------------------------------


def _say(found: Any, rows: list[Row], days: int) -> None:  # noqa: ANN401 - either of the two
    currency = getattr(found, "currency", "")
    this, before = found.this.period.label, found.before.period.label
    whole = found.this.period.days
    running = f" ({days} of {whole} days so far)" if days < whole else ""
    say(f"shop {safe(found.shop)}: {this}{running}, before it {before}{f' ({safe(currency)})' if currency else ''}")
    for section, part in sections(rows):
        say("")
        if section == _HOURS:
            _say_hours("messages of customers", found.this.customer_hours)
            say("")
            _say_hours("answers", found.this.answer_hours)
        elif section.startswith(("now by ", "best")):
            _say_grid(section, part)
        elif section in ("country", "carrier", "payment module", "product", "employee"):
            _say_pairs(section, part, this, before)
        else:
            alone = all(row.before is None for row in part) and section in ("now", "waiting by age")
            headings = (section, "") if alone else (section, this, before, "change")
            table(headings, [_line(row, alone=alone) for row in part])


def _line(row: Row, *, alone: bool) -> list[str]:
    shown = [row.name or row.figure, _value(row.unit, row.this)]
    return shown if alone else [*shown, _value(row.unit, row.before), _change(row)]


def _say_grid(section: str, rows: list[Row]) -> None:
    """A line a thing, a column a figure."""
    columns = list(dict.fromkeys(row.figure for row in rows))
    lines: dict[tuple[int | None, str], dict[str, str]] = {}
    for row in rows:
        lines.setdefault((row.id, row.name), {})[row.figure] = _value(row.unit, row.this)
    named = [[_label(*key), *(cells.get(column, "0") for column in columns)] for key, cells in lines.items()]
    table((section, *columns), named, widest=40)


def _say_pairs(section: str, rows: list[Row], this: str, before: str) -> None:
    """A line a thing, two columns a figure: now and before."""
    shown = [row for row in rows if not row.figure.endswith((": counted", ": mean", ": 90th percentile"))]
    columns = list(dict.fromkeys(row.figure for row in shown))
    lines: dict[tuple[int | None, str], dict[str, tuple[str, str]]] = {}
    for row in shown:
        both = (_value(row.unit, row.this), _value(row.unit, row.before))
        lines.setdefault((row.id, row.name), {})[row.figure] = both
    say(f"{section}: {this} (before it {before})")
    table(
        ("", *columns),
        [[_label(*key), *("{} ({})".format(*cells[column]) for column in columns)] for key, cells in lines.items()],
        widest=40,
    )


def _say_hours(title: str, hours: Sequence[Sequence[int]]) -> None:
    columns = [f"{hour:02d}" for hour in range(24)]
    table((title, *columns), [(day, *row) for day, row in zip(WEEKDAYS, hours, strict=True)])


def _label(number: int | None, name: str) -> str:
    return " ".join(part for part in (str(number or ""), name) if part) or "none"


def _value(unit: str, value: Any) -> str:  # noqa: ANN401 - int, float, Decimal, datetime or None
    if value is None:
        return "-"
    if unit == "money":
        return f"{Decimal(value).quantize(_CURRENCY, ROUND_HALF_UP):,}"
    if unit == "seconds":
        return span(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def _change(row: Row) -> str:
    """In percent of the period before."""
    if row.this is None or not row.before:
        return ""
    return f"{(Decimal(row.this) / Decimal(row.before) - 1) * 100:+.0f} %"

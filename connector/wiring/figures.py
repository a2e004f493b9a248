"""Figures of a shop as data, for the commands, the report and the page. Reads the mirror only.

    wanted = period(app, "main", "2026-10")
    for_people = service(app, "main", wanted)      # ServiceFigures: now, this, before
    for_owners = customers(app, "main", wanted)    # CustomerFigures: this, before

The shapes stand in `connector.core.figures`, the periods in `connector.core.periods`; `as_json` makes either a dict of
JSON values (days and moments as ISO text, money as text, a period as its label, first and last day).
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.core import periods
from connector.core.figures import CustomerFigures, ServiceFigures
from connector.core.periods import Period
from connector.mirror import tables
from connector.mirror.customer_figures import SqlCustomerFigures
from connector.mirror.mapped import Ground
from connector.mirror.service_figures import SqlServiceFigures

if TYPE_CHECKING:
    from connector.wiring.app import App

USUAL_DAYS = 30
PRODUCTS = 20
"""Products that are listed, the most bought first."""


def period(app: App, shop: str, text: str = "") -> Period:
    """What a person wrote (see `periods.parse`); without any, the last 30 days with the shop's today. Raises
    DataError `figures.period`."""
    if text:
        return periods.parse(text)
    return periods.last_days(_today(app, shop), USUAL_DAYS)


def days_so_far(app: App, shop: str, wanted: Period) -> int:
    """How many days of a period have begun by the shop's clock: fewer than it has while it runs, when a comparison with
    the whole one before it says little."""
    return max(0, min(wanted.days, (_today(app, shop) - wanted.first).days + 1))


def _today(app: App, shop: str) -> date:
    return date.fromisoformat(app.local(shop, app.clock.now())[:10])


def service(app: App, shop: str, wanted: Period, language: str = "") -> ServiceFigures:
    """Customer service now, in the period and in the one before. language: ISO code for the names of contacts; where
    the shop has none in it, and without it, the shop's default language is taken."""
    found = SqlServiceFigures(_ground(app, shop, language), app.zone(shop))
    return ServiceFigures(shop, found.now(app.clock.now()), found.of(wanted), found.of(wanted.before()))


def customers(app: App, shop: str, wanted: Period, language: str = "", products: int = PRODUCTS) -> CustomerFigures:
    """Orders and customers in the period and in the one before. language: as for `service`, for countries and
    products. products: how many of the most bought are listed; those of the period also in the one before."""
    found = SqlCustomerFigures(_ground(app, shop, language), products)
    this = found.of(wanted)
    return CustomerFigures(shop, found.currency(), this, found.of(wanted.before(), this.products))


def _ground(app: App, shop: str, language: str) -> Ground:
    lookups = app.mirror.lookups

    def setting(name: str) -> str:
        return lookups.configuration(shop, name) or ""

    return Ground(app.mirror.database, tables.build(app.resources), shop, setting, language)


def as_json(value: Any) -> Any:  # noqa: ANN401 - any of the shapes, and what they are made of
    """A shape as dicts, lists and JSON values. Thread groups carry their `total`, too."""
    if isinstance(value, Period):
        return {"span": value.span, "label": value.label, "first": str(value.first), "last": str(value.last)}
    if is_dataclass(value) and not isinstance(value, type):
        found = {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
        return found | ({"total": value.total} if hasattr(value, "statuses") and hasattr(value, "total") else {})
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date | Decimal):
        return str(value)
    if isinstance(value, dict):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return value

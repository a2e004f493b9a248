"""A report as one HTML file: the parts, put into the template. Nothing in it is loaded from anywhere."""

from __future__ import annotations

from datetime import tzinfo
from functools import cache
from importlib.resources import files

from connector.errors import SettingsError
from connector.report.common import Drafts
from connector.report.customers import customer_part
from connector.report.plots import Plots
from connector.report.service import service_part
from connector.report.shapes import Report
from connector.report.texts import Texts, plain

try:
    from jinja2 import Environment, PackageLoader, StrictUndefined, Template
    from markupsafe import Markup
except ModuleNotFoundError as error:
    raise SettingsError("report.library_missing", library=error.name or "jinja2") from error


def render(data: Report, language: str, zone: tzinfo | None = None) -> bytes:
    """The file, UTF-8. language: ISO code; English where there are no texts in it. zone: the shop's, for moments. The
    same data give the same bytes."""
    texts = Texts(language, zone)
    plots = Plots(mirrored=texts.direction == "rtl")
    period = data.service.this.period
    this, before = texts.period(period), texts.period(data.service.before.period)
    drafts = Drafts(texts, plots, this, before, data.customers.currency)
    parts = [service_part(data.service, drafts), customer_part(data.customers, drafts)]
    running = data.days < period.days
    page = _template().render(
        t=texts,
        language=texts.language,
        direction=texts.direction,
        title=plain(data.title),
        this=this,
        headline=this[:1].upper() + this[1:],
        before=before,
        running=texts("running", days=texts.number(data.days), whole=texts.number(period.days)) if running else "",
        at=texts.moment(data.service.now.at),
        parts=parts,
        style=_style(),
    )
    return page.encode("utf-8")


@cache
def _template() -> Template:
    made = Environment(
        loader=PackageLoader("connector.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["drawn"] = Markup  # of a Drawing, whose words were escaped when it was written
    return made.get_template("report.html")


@cache
def _style() -> Markup:
    return Markup(files("connector.report").joinpath("templates", "report.css").read_text(encoding="utf-8"))  # noqa: S704

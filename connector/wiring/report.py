"""The report of a shop, from the mirror's figures. Matplotlib, babel and jinja2 are loaded when one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.periods import Period
from connector.errors import UsageError
from connector.wiring import figures

if TYPE_CHECKING:
    from connector.wiring.app import App

FALLBACK = "en"


def report(app: App, shop: str, wanted: Period, language: str = "") -> bytes:
    """One HTML file, UTF-8. language: ISO code; without it the shop's default one, English where there are no texts in
    that. Raises SettingsError without the extra `report`, UsageError `report.language` for a language asked for that
    there are no texts in."""
    from connector.report.page import render
    from connector.report.shapes import Report
    from connector.report.texts import catalogues, known

    if language and known(language) != language.lower().replace("-", "_").partition("_")[0]:
        raise UsageError("report.language", language=language, known=", ".join(catalogues()))
    language = known(language or spoken(app, shop))
    lookups = app.mirror.lookups
    data = Report(
        lookups.configuration(shop, "PS_SHOP_NAME") or shop,
        figures.service(app, shop, wanted, language),
        figures.customers(app, shop, wanted, language),
        figures.days_so_far(app, shop, wanted),
    )
    return render(data, language, app.zone(shop))


def spoken(app: App, shop: str) -> str:
    """The shop's default language as ISO code; English while the mirror does not know it."""
    default = app.mirror.lookups.configuration(shop, "PS_LANG_DEFAULT") or ""
    return app.mirror.lookups.languages(shop).get(int(default) if default.isdigit() else 0, FALLBACK)

"""The report that goes out by mail, put together from an App."""

from __future__ import annotations

from datetime import UTC, date
from importlib.util import find_spec
from typing import TYPE_CHECKING

from connector.core.periods import Period, last_whole
from connector.engine.reports import Made, Reports
from connector.errors import SettingsError
from connector.wiring.report import report, spoken

if TYPE_CHECKING:
    from connector.wiring.app import App

LIBRARIES = ("babel", "jinja2", "matplotlib")


def reports(app: App, name: str) -> Reports | None:
    """None where nobody wants one, or the shop has no mail server to send it by."""
    wanted, smtp = app.settings.report, app.shop_settings(name).smtp
    if not wanted.to or smtp is None:
        return None

    def period() -> Period:
        for library in LIBRARIES:  # told on the first day, not at the end of the month
            if find_spec(library) is None:
                raise SettingsError("report.library_missing", library=library)
        return last_whole(date.fromisoformat(app.local(name, app.clock.now())[:10]), wanted.every)

    def ready(of: Period) -> bool:
        """A pull that began after its end has come to its own."""
        _, end = of.in_utc(app.zone(name) or UTC)
        began = (run["last_success_began"] for run in app.mirror.runs.last(name) if run["leg"] == "pull")
        return any(at is not None and at >= end for at in began)

    def make(of: Period) -> Made:
        from connector.report.texts import Texts

        texts = Texts(wanted.language or spoken(app, name))
        title = app.mirror.lookups.configuration(name, "PS_SHOP_NAME") or name
        return Made(
            smtp.sender_name or title,
            texts.language,
            texts("mail.subject", shop=title, period=texts.period(of)),
            texts("mail.text", period=texts.period(of)),
            f"{name}-{of.label}.html",
            report(app, name, of, texts.language),
        )

    return Reports(name, wanted.to, (smtp.sender, smtp.message_id_host), period, ready, make, app.mirror.outbox)

"""What concerns people's data, put together from an App."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from connector.engine.privacy import Privacy
from connector.engine.retention import Retention

if TYPE_CHECKING:
    from connector.wiring.app import App


def privacy(app: App) -> Privacy:
    return Privacy(
        app.mirror.privacy,
        app.mirror.ledger,
        app.mirror.attachments,
        app.files(),
        app.resources,
        app.events,
        app.clock,
        lambda: app.secrets[0],
    )


def retention(app: App, shop: str) -> Retention:
    kept = app.settings.retention
    days = {
        "mails": kept.mails_days,
        "attachments": kept.attachments_days,
        "texts": kept.texts_days,
        "headers": kept.headers_days,
    }
    return Retention(shop, app.mirror.retention, days, app.events, app.clock)


def copies(app: App) -> list[Path]:
    """Copies of the mirror beside it: those made before an upgrade or a restore."""
    if not app.mirror.database.is_sqlite:
        return []
    mirror = Path(app.mirror.database.name)
    return sorted(path for path in mirror.parent.glob(f"{mirror.name}.*") if path.is_file())

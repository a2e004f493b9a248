"""What in `docs/` is made from the program: the manual page, the mirror, the log's events and the metrics.

`python -m reference` (or `make docs`) writes them; a test compares them with the program.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reference import manpage, schema, watching

REPOSITORY = Path(__file__).parent.parent

MADE: dict[str, Callable[[], str]] = {
    "docs/prestashop-connector.8": manpage.page,
    "docs/mirror-schema.md": schema.page,
    "docs/events.md": watching.events_page,
    "docs/metrics.md": watching.metrics_page,
}
"""Path -> what makes its text."""

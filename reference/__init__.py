"""What in `docs/` is made from the program: the manual page and the description of the mirror.

`python -m reference` (or `make docs`) writes them; a test compares them with the program.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reference import manpage, schema

REPOSITORY = Path(__file__).parent.parent

MADE: dict[str, Callable[[], str]] = {
    "docs/prestashop-connector.8": manpage.page,
    "docs/mirror-schema.md": schema.page,
}
"""Path -> what makes its text."""

"""Which part of a large set of cases is played today: a rotating share in `make test`, everything in `make soak`.

The share rotates with the calendar, so that two runs of one day are the same and a month of them covers most. The
number of the slice is told with each failure; `SLICE=n` plays that one again, `SLICE=all` plays everything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

_Case = TypeVar("_Case")


def today() -> int:
    """The number of the slice."""
    chosen = os.environ.get("SLICE", "")
    return int(chosen) if chosen.isdigit() else datetime.now(UTC).date().toordinal()


def everything(most: int) -> int:
    """As many cases as are to be played: so many, or all that there are."""
    return sys.maxsize if os.environ.get("SLICE") == "all" else most


def share(cases: Sequence[_Case], most: int, at: int | None = None) -> list[_Case]:
    """At most so many of them, evenly spread; other ones at the next slice."""
    if len(cases) <= most:
        return list(cases)
    parts = -(-len(cases) // most)
    return list(cases[(today() if at is None else at) % parts :: parts])

"""The real time, for those who get a clock handed in."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Fits `engine.ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

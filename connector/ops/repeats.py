"""Keeps a failure that lasts for days from filling the log: told at once, then after growing pauses, with a count.

"The same" is the same event at the same place for the same reason; numbers that change from run to run do not make it
another one. What is held back is not lost: the log writes it at debug level.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PAUSES = (60.0, 300.0, 1800.0, 7200.0, 21600.0)
"""Seconds after which a failure that goes on is told again; the last one repeats. A week of it: 32 lines."""
FORGOTTEN = 3600.0
"""Seconds of silence, beyond the pause, after which the next one is news again."""
MOST = 2000
"""How many different ones are kept in mind; the oldest goes first."""
VOLATILE = frozenset(
    {"run_id", "cycle_id", "seconds", "retry_in", "attempts", "text", "where", "exc_info", "repeated", "requests"}
    | {"counts", "count", "rows", "fetched", "new", "changed", "unchanged", "broken", "gone", "absent", "missing"}
    | {"rows_per_second", "expected", "pending", "folders", "connections", "removed"}
)
"""Keys that say how much or when, not what."""
_DIGITS = re.compile(r"\d+")


@dataclass(slots=True)
class _Seen:
    told: float
    last: float
    step: int = 0
    held: int = 0


class Repeats:
    """Threads share it. clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[object, ...], _Seen] = OrderedDict()

    def check(self, name: str, keys: Mapping[str, object]) -> int | None:
        """None: hold it back. Else tell it; so many were held back since it was told last."""
        signature = (name, *sorted((key, str(value)) for key, value in keys.items() if key not in VOLATILE))
        return self.check_signature(signature)

    def check_text(self, name: str, text: str) -> int | None:
        """The same for free text: numbers in it are taken for equal."""
        return self.check_signature((name, _DIGITS.sub("#", text)[:200]))

    def check_signature(self, signature: tuple[object, ...]) -> int | None:
        now = self._clock()
        with self._lock:
            seen = self._seen.get(signature)
            pause = PAUSES[min(seen.step, len(PAUSES) - 1)] if seen else 0.0
            if seen is None or now - seen.last > pause + FORGOTTEN:
                self._seen[signature] = _Seen(now, now)
                self._seen.move_to_end(signature)
                while len(self._seen) > MOST:
                    self._seen.popitem(last=False)
                return seen.held if seen else 0
            seen.last = now
            if now - seen.told < pause:
                seen.held += 1
                return None
            held, seen.held, seen.told = seen.held, 0, now
            seen.step += 1
            return held

    def forget(self, name: str, keys: Mapping[str, object]) -> None:
        """It went well again: the next failure with these keys is news."""
        wanted = {(key, str(value)) for key, value in keys.items()}
        with self._lock:
            for signature in [one for one in self._seen if one[0] == name and wanted <= set(one[1:])]:
                del self._seen[signature]

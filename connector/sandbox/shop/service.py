"""How long a genuine shop needs for an answer, and how many answers it gives at a time.

The sandbox answers from memory; a genuine shop loads one PHP object per rendered row and has a handful of PHP
processes, behind which further requests queue. Off by default; benchmarks switch it on, since a shop that answers at
once hides no mistake but shows no honest ratio either. Knows no HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Work:
    """What an answer took: objects rendered whole, objects loaded for some fields, ids listed without objects."""

    resource: str = ""
    rows: int = 0
    partial_rows: int = 0
    ids: int = 0


#: Seconds for a row with `display=full`, measured with a genuine 8.2.1 on PHP 8.1 (customers, orders, messages); with
#: `display=[id]` 25,000 histories took 1.6 s and 3,000 threads 0.17 s there, the rest is a middle of all of these.
ROW_SECONDS = {
    "customers": 0.00018,
    "orders": 0.00038,
    "customer_messages": 0.00007,
    "customer_threads": 0.00009,
    "order_histories": 0.00008,
}


@dataclass(frozen=True)
class ServiceTime:
    """Seconds per answer: `request` for any, `row` by resource (`other` for the rest), `identifier` for each id of a
    list without display. A list of some fields loads its objects too and saves only their rendering: of 0.38 ms an
    order keeps 0.25 ms, the share `partial`. `workers` answers are given at the same time."""

    request: float = 0.01
    row: Mapping[str, float] = field(default_factory=lambda: MappingProxyType(ROW_SECONDS))
    other: float = 0.0001
    partial: float = 0.66
    identifier: float = 0.000005
    workers: int = 2

    def seconds(self, work: Work) -> float:
        rows = work.rows + work.partial_rows * self.partial
        return self.request + rows * self.row.get(work.resource, self.other) + work.ids * self.identifier


#: As fast as the genuine shops that were measured.
LIKE_GENUINE = ServiceTime()


class Workers:
    """The shop's PHP processes: each answer holds one of them for its service time; requests beyond them wait.

    The sandbox's own time for the answer is part of it: only the rest is slept.
    """

    def __init__(
        self,
        service: ServiceTime,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self._clock = clock
        self._sleep = sleep
        self._free = threading.BoundedSemaphore(service.workers)

    def serve(self, answer: Callable[[], _Result], work_of: Callable[[_Result], Work]) -> tuple[_Result, float]:
        """The answer and its service time in seconds."""
        with self._free:
            began = self._clock()
            result = answer()
            seconds = self.service.seconds(work_of(result))
            rest = seconds - (self._clock() - began)
            if rest > 0:
                self._sleep(rest)
            return result, seconds

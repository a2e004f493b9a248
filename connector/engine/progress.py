"""How far a pull is: for a person at a terminal after every page, for the log now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.engine.ports import Clock, Events
from connector.ops import events as ev

LOG_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """Rows read of a resource and in the whole run, and how many are expected (None: not known)."""

    resource: str
    rows: int
    expected: int | None
    all_rows: int
    all_expected: int | None


Progress = Callable[[Step], None]


class Meter:
    """Counts the rows of one run, of which several threads tell."""

    def __init__(self, shop_name: str, events: Events, clock: Clock, progress: Progress | None) -> None:
        self._shop_name = shop_name
        self._events = events
        self._clock = clock
        self._progress = progress
        self._rows: dict[str, int] = {}
        self._expected: dict[str, int] = {}
        self._began: dict[str, datetime] = {}
        self._told: datetime = clock.now()
        self._one_at_a_time = threading.Lock()

    def expect(self, resource: str, more: int) -> None:
        """So many rows are still to come of a resource, as far as anybody can tell."""
        with self._one_at_a_time:
            self._expected[resource] = self._rows.get(resource, 0) + more

    def begun(self, resource: str) -> None:
        self._began[resource] = self._clock.now()

    def ended(self, resource: str) -> None:
        """What was expected of it has come, or will not come now."""
        with self._one_at_a_time:
            if resource in self._expected:
                self._expected[resource] = self._rows.get(resource, 0)

    def stored(self, resource: str, rows: int) -> None:
        with self._one_at_a_time:
            self._stored(resource, rows)

    def _stored(self, resource: str, rows: int) -> None:
        self._rows[resource] = self._rows.get(resource, 0) + rows
        if self._progress is not None:
            self._progress(self._step(resource))
        now = self._clock.now()
        if (now - self._told).total_seconds() < LOG_SECONDS:
            return
        self._told = now
        seconds = (now - self._began.get(resource, now)).total_seconds()
        self._events.emit(
            ev.PULL_PROGRESSED,
            shop=self._shop_name,
            resource=resource,
            rows=self._rows[resource],
            expected=self._expected.get(resource),
            rows_per_second=round(self._rows[resource] / seconds) if seconds > 0 else None,
        )

    def _step(self, resource: str) -> Step:
        # A count from before may be too low by now, never more than what has come.
        hopes = {name: max(count, self._rows.get(name, 0)) for name, count in self._expected.items()}
        everything = sum(hopes.values()) + sum(rows for name, rows in self._rows.items() if name not in hopes)
        return Step(
            resource,
            self._rows[resource],
            hopes.get(resource),
            sum(self._rows.values()),
            everything if hopes else None,
        )

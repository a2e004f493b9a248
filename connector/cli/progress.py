"""What a terminal shows while a sync runs. Silent in a pipe."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from connector.cli.output import safe
from connector.engine.progress import Step

LOOK_BACK = 20.0
"""Seconds over which the rate is taken: resources differ, so the whole run would say little about now."""


class Rate:
    """Rows a second, lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, rows: int) -> float | None:
        """now: seconds of a clock that never goes back. rows: all so far. None until there is something to compare."""
        self._seen.append((now, rows))
        while len(self._seen) > 2 and now - self._seen[0][0] > LOOK_BACK:
            self._seen.popleft()
        began, before = self._seen[0]
        return (rows - before) / (now - began) if now > began else None


def line(step: Step, rate: float | None, verb: str = "pull") -> str:
    """`pull orders: 12,000 of 100,000 rows, 1,234 rows/s, 1 h 05 min left`: the time left is the whole run's."""
    known = f" of {step.expected:,}" if step.expected is not None else ""
    text = f"{verb} {step.resource}: {step.rows:,}{known} rows"
    if not rate:
        return text
    text += f", {rate:,.0f} rows/s"
    left = (step.all_expected or 0) - step.all_rows
    return f"{text}, {_duration(left / rate)} left" if left > 0 else text


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min" if seconds >= 90 else f"{seconds:.0f} s"


class Bar:
    """One line that changes."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._rate = Rate()
        self._task = progress.add_task("starting", total=None)

    def _set(self, text: str, done: int = 0, total: int | None = None) -> None:
        self._progress.update(self._task, description=safe(text), completed=done, total=total)

    def leg(self, name: str) -> None:
        self._rate = Rate()
        self._set(name.replace("_", " "))

    def rows(self, step: Step) -> None:
        self._tell(step, "pull")

    def compared(self, step: Step) -> None:
        self._tell(step, "verify")

    def _tell(self, step: Step, verb: str) -> None:
        rate = self._rate.add(self._clock(), step.all_rows)
        self._set(line(step, rate, verb), step.all_rows, step.all_expected)

    def changes(self, done: int, total: int) -> None:
        self._set(f"push: {done:,} of {total:,} changes", done, total)

    def waiting(self, seconds: float) -> None:
        self._set(f"waiting {seconds:.0f} s until a doubtful write can be judged")


@contextmanager
def shown(quiet: bool) -> Iterator[Bar | None]:
    """The bar on standard error; None where nobody looks, so that nothing is counted for it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress)

"""The gate before a shop: reads that bring many rows wait here for their turn; `core.pace` decides when it comes.

One gate per shop, shared by all threads. Look-ups and writes do not come through here: a reply must not wait for a
pull. A wait ends early when the reader is asked to stop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from connector.core.pace import Pace
from connector.errors import ShopUnavailable
from connector.shop.faults import Answer
from connector.shop.query import Params

Stop = Callable[[], bool]

LONGEST_WAIT = 120.0
"""Seconds. A shop that wants a longer pause is left to the caller, who has other work."""

LISTEN_SECONDS = 0.25
NEWS_SECONDS = 60.0


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class PaceNews:
    """slowed: fewer reads at once than the settings allow, or a pause; else all of them again. wait: seconds of it."""

    slowed: bool
    allowed: int
    bound: int
    wait: float


class Gate:
    """attempts: how often a read is tried in all. total: seconds for all of them. tell: hears of changes, once a minute
    at most."""

    def __init__(
        self,
        pace: Pace,
        attempts: int,
        total: float,
        tell: Callable[[PaceNews], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace = pace
        self._attempts = attempts
        self._total = total
        self._tell = tell
        self._clock = clock
        self._turn = threading.Condition()
        self._under_way = 0
        self._slow = False
        self._told_slow = False
        self._told_at = -NEWS_SECONDS
        self._last: ShopUnavailable | None = None

    def ask(self, question: Callable[[], Answer], kind: str, stop: Stop) -> Answer:
        """Ask when it is our turn, again after a passing fault. kind: what the answer can be compared by.

        Raises what the question raises at last, and ShopUnavailable: `shop.stopped`, or what made the shop want a
        pause that is too long to wait for."""
        began = self._enter(kind, stop)
        deadline = began + self._total
        for attempt in range(1, self._attempts + 1):
            outcome: Answer | ShopUnavailable | None = None
            try:
                outcome = question()
                return outcome
            except ShopUnavailable as error:
                outcome = error
                if attempt == self._attempts:
                    raise
            finally:
                pause = self._leave(began, kind, outcome)
            if pause > LONGEST_WAIT or self._clock() + pause > deadline:
                raise outcome
            began = self._enter(kind, stop)
        raise AssertionError("the last attempt ends in an answer or an error")

    def _enter(self, kind: str, stop: Stop) -> float:
        with self._turn:
            while True:
                if stop():
                    raise ShopUnavailable("shop.stopped", resource=kind)
                now = self._clock()
                pause = self._pace.wait(now)
                if pause > LONGEST_WAIT and self._last is not None:
                    raise ShopUnavailable(self._last.code, pause, **self._last.facts)
                if pause == 0 and self._under_way < self._pace.allowed:
                    self._under_way += 1
                    return now
                self._turn.wait(min(pause or LISTEN_SECONDS, LISTEN_SECONDS))

    def _leave(self, began: float, kind: str, outcome: Answer | ShopUnavailable | None) -> float:
        """Make room for the next, and learn. Gives the seconds until anything may be asked."""
        with self._turn:
            self._under_way -= 1
            now = self._clock()
            if isinstance(outcome, ShopUnavailable):
                self._last = outcome
                self._slow = True
                self._pace.failed(began, now, outcome.retry_after)
            elif outcome is not None:
                before = self._pace.allowed
                self._pace.answered(began, now, kind, outcome.seconds, len(outcome.body))
                # It starts below the bound; that is not slow.
                self._slow = self._pace.allowed < before or (self._slow and self._pace.allowed < self._pace.bound)
            pause = self._pace.wait(now)
            self._turn.notify_all()
            news = self._news(now, pause)
        if news is not None:
            self._tell(news)
        return pause

    def _news(self, now: float, pause: float) -> PaceNews | None:
        if self._slow == self._told_slow or now - self._told_at < NEWS_SECONDS:
            return None
        self._told_slow, self._told_at = self._slow, now
        return PaceNews(self._slow, self._pace.allowed, self._pace.bound, pause)


@dataclass(frozen=True, slots=True)
class Paced:
    """A `reading.Source` whose requests go through the gate."""

    base_url: str
    once: Callable[[str, Params], Answer]
    gate: Gate
    stop: Stop

    def get(self, path: str, params: Params) -> Answer:
        return self.gate.ask(lambda: self.once(path, params), path.partition("/")[0], self.stop)

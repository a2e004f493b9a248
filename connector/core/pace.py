"""How many reads a shop may be asked at once, and when: decided from how its answers come. Pure.

A bound is set by the user; below it the pace follows the shop. It begins with one read and adds one for every good
answer of some size, so that it knows how fast a single one is answered. When a host refuses or breaks down (429, 503,
a timeout, no connection) it halves, and all reads wait as long as the host asked for, else longer each time. When
answers take nearly twice as long for the same number of bytes, more reads at once bring nothing any more: the shop only
answers them one after the other, and its customers wait in the same line. Then there is one fewer, and the next is
tried after a run of good answers, a longer one each time that it brought nothing.

Times are seconds of one clock that never goes back, handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

RUN = 8
"""Good answers in a row before one more read at once is tried again."""

LONGEST_RUN = 64
TOO_SLOW = 1.7
"""So many times as long as the best for the same bytes: twice is what two reads take that are answered in turn."""

NOTICEABLE = 0.2
"""Seconds. A quicker answer is no burden, and what it took is as much ours as the shop's."""

SAMPLES = 3
WORTH_MEASURING = 20_000
"""Bytes: below, what a request costs in itself outweighs its rows."""

FORGETTING = 1.002
"""The best is forgotten slowly, since one lucky answer proves nothing."""

KINDS = 100
LONGEST_PAUSE = 10.0


@dataclass(slots=True)
class _Kind:
    """Answers that can be compared: those about one resource. Seconds a byte."""

    best: float
    last: list[float] = field(default_factory=list)


class Pace:
    """bound: reads at once, at most. pause: seconds to wait after the first failure of a row of them."""

    def __init__(self, bound: int, pause: float) -> None:
        if bound < 1:
            raise ValueError("at least one read at a time")
        self.bound = bound
        self.allowed = 1
        self.not_before = 0.0
        self._pause = pause
        self._starting = True
        self._failures = 0
        self._changed = 0.0
        self._good = 0
        self._run = RUN
        self._kinds: dict[str, _Kind] = {}

    def wait(self, now: float) -> float:
        """Seconds until anything may be asked."""
        return max(0.0, self.not_before - now)

    def answered(self, began: float, now: float, kind: str, seconds: float, size: int) -> None:
        """A good answer came. began: when it was asked. seconds: until its head came. size: of its body, in bytes."""
        if began < self._changed:
            return  # asked before the last change: it tells of another pace
        self._failures = 0
        self._good += 1
        measured = size >= WORTH_MEASURING
        slow = measured and self._too_slow(kind, seconds / size) and seconds >= NOTICEABLE
        if slow and self.allowed > 1:
            self._slower(now, self.allowed - 1)
            self._run = min(self._run * 2, LONGEST_RUN)
        elif self.allowed < self.bound and (self._good >= self._run or (self._starting and measured)):
            self.allowed += 1
            self._good = 0

    def failed(self, began: float, now: float, retry_after: float | None) -> None:
        """The host refused, broke down or did not answer. retry_after: seconds that it asked for."""
        if retry_after is not None:
            self.not_before = max(self.not_before, now + retry_after)
        if began < self._changed:
            return  # what was asked together fails together: that is one failure
        self._failures += 1
        if retry_after is None:
            self.not_before = max(self.not_before, now + min(self._pause * 2 ** (self._failures - 1), LONGEST_PAUSE))
        self._slower(now, self.allowed // 2)

    def _slower(self, now: float, allowed: int) -> None:
        self.allowed = max(1, allowed)
        self._changed = now
        self._starting = False
        self._good = 0
        for kind in self._kinds.values():
            kind.last.clear()

    def _too_slow(self, name: str, a_byte: float) -> bool:
        kind = self._kinds.get(name)
        if kind is None:
            if len(self._kinds) >= KINDS:
                self._kinds.clear()
            kind = self._kinds[name] = _Kind(a_byte)
        kind.last = [*kind.last[1 - SAMPLES :], a_byte]
        level = median(kind.last)
        kind.best = min(kind.best * FORGETTING, level)
        return len(kind.last) == SAMPLES and level > kind.best * TOO_SLOW

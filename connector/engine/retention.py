"""Retention: what the settings do not want kept any longer leaves the mirror, a little at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from connector.engine.ports import Clock, Events
from connector.engine.ports.privacy import Dropping
from connector.ops import events as ev

MOST = 500
"""Rows of one transaction: other writers wait meanwhile."""


class Retention:
    """Of one shop. days: kind (mails, attachments, texts, headers) -> days that it is kept; 0: for ever."""

    def __init__(self, shop: str, dropping: Dropping, days: Mapping[str, int], events: Events, clock: Clock) -> None:
        self._shop = shop
        self._drop: dict[str, Callable[..., int]] = {
            "mails": dropping.mails,
            "attachments": dropping.attachments,
            "texts": dropping.texts,
            "headers": dropping.headers,
        }
        self._days = days
        self._events = events
        self._clock = clock

    def run(self, stop: Callable[[], bool] = lambda: False) -> dict[str, int]:
        """Kind -> how many were dropped. Asked to stop, it leaves the rest to the next run."""
        dropped: dict[str, int] = {}
        for kind, drop in self._drop.items():
            days = self._days.get(kind, 0)
            if not days:
                continue
            before = self._clock.now() - timedelta(days=days)
            dropped[kind] = 0
            while not stop():
                count = drop(self._shop, before, MOST)
                dropped[kind] += count
                if count < MOST:
                    break
        if any(dropped.values()):
            self._events.emit(ev.RETENTION_APPLIED, shop=self._shop, counts=dropped)
        return dropped

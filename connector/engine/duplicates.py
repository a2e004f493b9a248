"""Tells of what the shop holds twice, once each, as the pull brings it in. Deletes nothing: a person decides."""

from __future__ import annotations

from connector.engine.ports import Duplicates, Events
from connector.ops import events as ev

CONCERNED = frozenset({"customer_messages", "customer_threads", "order_histories"})
"""Resources in which a change of ours could be twice."""


class Detector:
    """Of one shop."""

    def __init__(self, shop: str, duplicates: Duplicates, events: Events) -> None:
        self.shop = shop
        self._duplicates = duplicates
        self._events = events

    def run(self) -> int:
        """How many there are now."""
        for one in self._duplicates.look(self.shop):
            self._events.emit(
                ev.DUPLICATE_DETECTED,
                shop=self.shop,
                resource=one.resource,
                row_id=one.row_id,
                remote_id=one.first_id,
                intent_id=one.intent_id,
            )
        return len(self._duplicates.listing(self.shop))

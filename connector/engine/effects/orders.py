"""Orders: a row of history for a status, the tracking number of a shipment. Looked up by what the shop says now."""

from __future__ import annotations

from collections.abc import Sequence

from connector.core.model import History, Intent, IntentState
from connector.core.order_changes import pays_twice
from connector.engine.effects.base import (
    CHANGED,
    GO_ON,
    HALF_WRITTEN,
    NOT_FOUND,
    ORDER_GONE,
    PAYS_TWICE,
    STATE_GONE,
    Base,
    TablePatch,
    Verdict,
)
from connector.engine.ports import Shop


class OrderStatus(Base):
    """A row in order_histories. Confirmed is: a newer row of the order with our state and our employee. The shop
    has no same-state check: posting the state again would write and mail again."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._mails = True  # has the state that was checked last a mail of its own?

    @staticmethod
    def _ours(intent: Intent, rows: Sequence[History]) -> History | None:
        p, newest = intent.payload, int(intent.decided_on.get("newest_history", 0))
        fitting = (r for r in rows if r.id_order_state == p["id_state"] and r.id_employee == p["id_employee"])
        return next((r for r in fitting if r.id > newest), None)

    def check(self, intent: Intent) -> Verdict:
        facts = self._shop.order_facts(int(intent.payload["id_order"]))
        if facts is None:
            return Verdict(IntentState.FAILED, error=ORDER_GONE)
        rows = self._shop.histories(int(intent.payload["id_order"]))
        ours = self._ours(intent, rows)
        if ours is not None:
            return self._confirmed(intent, ours)
        if facts.current_state == intent.payload["id_state"]:
            if intent.sent_at is not None:
                return Verdict(IntentState.CONFLICT, error=HALF_WRITTEN)
            return Verdict(IntentState.CONFIRMED, result={"already": True})
        if facts.current_state != intent.decided_on.get("current_state"):
            seen = {"current_state": facts.current_state, "newest_history": max((r.id for r in rows), default=0)}
            return Verdict(IntentState.CONFLICT, result={"shop": facts.current_state, "seen": seen}, error=CHANGED)
        state = self._shop.order_state(int(intent.payload["id_state"]))
        if state is None or state.deleted:
            return Verdict(IntentState.FAILED, error=STATE_GONE)
        if not intent.payload.get("force") and pays_twice(state, facts, 0):
            return Verdict(IntentState.FAILED, error=PAYS_TWICE)
        self._mails = state.send_email
        return GO_ON

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        mail = bool(p.get("mail_customer"))
        row = self._shop.add_history(int(p["id_order"]), int(p["id_state"]), int(p["id_employee"]), mail)
        told = "sent by the shop" if self._mails else "none: this status has no mail"
        return Verdict(IntentState.CONFIRMED, row, {"mail": told if mail else "none"})

    def look_up(self, intent: Intent) -> Verdict:
        ours = self._ours(intent, self._shop.histories(int(intent.payload["id_order"])))
        if ours is not None:
            return self._confirmed(intent, ours)
        facts = self._shop.order_facts(int(intent.payload["id_order"]))
        if facts is not None and facts.current_state == intent.payload["id_state"]:
            return Verdict(IntentState.CONFLICT, error=HALF_WRITTEN)
        return NOT_FOUND

    @staticmethod
    def _confirmed(intent: Intent, row: History) -> Verdict:
        return Verdict(IntentState.CONFIRMED, row.id, {"mail": _told(intent)})

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        return "orders", int(intent.payload["id_order"]), {"current_state": intent.payload["id_state"]}


class OrderTracking(Base):
    """The tracking number of one order_carriers row; an equal value is simply done."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._seen: dict[int, str] = {}  # intent id -> the number that was checked

    def _number(self, intent: Intent) -> str | None:
        rows = self._shop.order_carriers(int(intent.payload["id_order"]))
        return next((r.tracking_number for r in rows if r.id == intent.payload["id_order_carrier"]), None)

    def check(self, intent: Intent) -> Verdict:
        fresh = self._number(intent)
        if fresh is None:
            return Verdict(IntentState.FAILED, error=ORDER_GONE)
        if fresh == intent.payload["number"]:
            return Verdict(IntentState.CONFIRMED, intent.payload["id_order_carrier"], {"already": True})
        if fresh != intent.decided_on.get("number", ""):
            return Verdict(IntentState.CONFLICT, result={"shop": fresh}, error=CHANGED)
        self._seen = {intent.id: fresh}
        return GO_ON

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        wanted = bool(p.get("mail_customer"))
        before = self._seen.get(intent.id)
        mailed, mended = self._shop.set_tracking(int(p["id_order_carrier"]), p["number"], wanted, before)
        told = "asked of the shop" if mailed else "not sent: this version cannot" if wanted else "none"
        also = {"mended": list(mended)} if mended else {}
        return Verdict(IntentState.CONFIRMED, int(p["id_order_carrier"]), {"mail": told} | also)

    def look_up(self, intent: Intent) -> Verdict:
        if self._number(intent) == intent.payload["number"]:
            return Verdict(IntentState.CONFIRMED, int(intent.payload["id_order_carrier"]), {"mail": _told(intent)})
        return NOT_FOUND

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        p = intent.payload
        return "order_carriers", int(p["id_order_carrier"]), {"tracking_number": p["number"]}


def _told(intent: Intent) -> str:
    """What is known of the shop's mail after a look-up. Code 46: the change stands, the shop could not hand its mail
    over; it is never repeated for the mail's sake."""
    if not intent.payload.get("mail_customer"):
        return "none"
    return "failed" if intent.error == "shop.mail_failed" else "unknown"

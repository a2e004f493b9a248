"""What staff note of people: that a message was read, and the groups of a customer. Looked up by what the shop says."""

from __future__ import annotations

from collections.abc import Mapping

from connector.core.model import Intent, IntentState
from connector.engine.effects.base import (
    CUSTOMER_GONE,
    DEFAULT_GROUP,
    GO_ON,
    MESSAGE_GONE,
    NOT_FOUND,
    Base,
    TablePatch,
    Verdict,
)
from connector.engine.ports import Shop


class MessageRead(Base):
    """The read flag of a message. flags: the batch's, as the shop said them just now."""

    def __init__(self, shop: Shop, flags: Mapping[int, bool]) -> None:
        self._shop = shop
        self._flags = flags

    def check(self, intent: Intent) -> Verdict:
        message_id = int(intent.payload["id_message"])
        fresh = self._flags.get(message_id)
        if fresh is None:
            return Verdict(IntentState.FAILED, error=MESSAGE_GONE)
        return Verdict(IntentState.CONFIRMED, message_id, {"already": True}) if fresh == _read(intent) else GO_ON

    def write(self, intent: Intent) -> Verdict:
        message_id = int(intent.payload["id_message"])
        self._shop.set_message_read(message_id, _read(intent))
        return Verdict(IntentState.CONFIRMED, message_id)

    def look_up(self, intent: Intent) -> Verdict:
        message_id = int(intent.payload["id_message"])
        same = self._shop.read_flags([message_id]).get(message_id) == _read(intent)
        return Verdict(IntentState.CONFIRMED, message_id) if same else NOT_FOUND

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        return "customer_messages", int(intent.payload["id_message"]), {"read": _read(intent)}


def _read(intent: Intent) -> bool:
    return bool(intent.payload["read"])


class CustomerGroups(Base):
    """Groups that a customer is put into and taken out of. What others do to other groups meanwhile stays, so nothing
    can be in conflict; doing it twice changes nothing more. allow_put: where the version has no PATCH, the whole
    customer may be sent back."""

    def __init__(self, shop: Shop, *, allow_put: bool) -> None:
        self._shop = shop
        self._allow_put = allow_put

    def check(self, intent: Intent) -> Verdict:
        fresh = self._shop.customer(int(intent.payload["id_customer"]))
        if fresh is None:
            return Verdict(IntentState.FAILED, error=CUSTOMER_GONE)
        if fresh.id_default_group in intent.payload["remove"]:
            return Verdict(IntentState.FAILED, error=DEFAULT_GROUP)  # made so after the change was decided on
        return self._done(intent, fresh.groups, {"already": True}) or GO_ON

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        customer_id = int(p["id_customer"])
        mended = self._shop.set_customer_groups(customer_id, p["add"], p["remove"], self._allow_put)
        return Verdict(IntentState.CONFIRMED, customer_id, {"mended": list(mended)} if mended else {})

    def look_up(self, intent: Intent) -> Verdict:
        fresh = self._shop.customer(int(intent.payload["id_customer"]))
        return NOT_FOUND if fresh is None else self._done(intent, fresh.groups, {}) or NOT_FOUND

    @staticmethod
    def _done(intent: Intent, groups: frozenset[int], result: dict[str, object]) -> Verdict | None:
        p = intent.payload
        if set(p["add"]) <= groups and not set(p["remove"]) & groups:
            return Verdict(IntentState.CONFIRMED, int(p["id_customer"]), result)
        return None

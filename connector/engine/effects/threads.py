"""Threads and messages: created with a reference or token that can be looked up, statuses guarded by what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from typing import Any

from connector.core import identity
from connector.core.model import Intent, IntentState, Kind, NewIntent
from connector.core.query import Filter, Query
from connector.engine.effects.base import (
    CHANGED,
    CUSTOMER_WROTE,
    FALLBACK,
    GO_ON,
    NOT_CLOSED,
    NOT_FOUND,
    THREAD_GONE,
    Base,
    TablePatch,
    Verdict,
    first_of,
)
from connector.engine.ports import NewMessage, NewThread, Outbox, Shop
from connector.errors import ConnectorError


def thread_of(outbox: Outbox, intent: Intent) -> int | None:
    """The thread that an intent writes to: named, or what the intent `thread_key` created; None before that."""
    if intent.payload.get("id_thread"):
        return int(intent.payload["id_thread"])
    create = outbox.by_key(intent.shop, str(intent.payload.get("thread_key", "")))
    return create.remote_id if create is not None else None


class ThreadCreate(Base):
    """Looked up by its token, which the instance secret and the mail give."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        new = NewThread(
            email=p["email"],
            token=intent.reference,
            status=p["status"],
            id_shop=p["id_shop"],
            id_lang=p["id_lang"],
            id_contact=p["id_contact"],
            id_customer=p.get("id_customer", 0),
            id_order=p.get("id_order", 0),
        )
        return Verdict(IntentState.CONFIRMED, self._shop.create_thread(new))

    def look_up(self, intent: Intent) -> Verdict:
        found = self._shop.find_threads(intent.reference)
        return first_of(found)


class MessageCreate(Base):
    """Looked up by its reference in `user_agent`. The shop takes messages for threads that do not exist (recordings
    post-message-badthread), so the thread's existence is read first."""

    def __init__(
        self,
        shop: Shop,
        outbox: Outbox,
        statuses: Mapping[int, str],
        local: Callable[[datetime], str],
        say: Callable[..., str],
    ) -> None:
        self._shop = shop
        self._outbox = outbox
        self._statuses = statuses
        self._local = local
        self._say = say

    def check(self, intent: Intent) -> Verdict:
        thread_id = thread_of(self._outbox, intent)
        if thread_id is None or thread_id not in self._statuses:
            return Verdict(IntentState.FAILED, error=THREAD_GONE)
        # The failure that it follows from may have happened before: a mirror that was brought back does not know.
        return self.look_up(intent) if intent.origin == FALLBACK else GO_ON

    def checks_here(self, intent: Intent) -> bool:
        return intent.origin != FALLBACK

    def write(self, intent: Intent) -> Verdict:
        return self.overlapped(intent, lambda: None)

    def overlapped(self, intent: Intent, meanwhile: Callable[[], None]) -> Verdict:
        thread_id = thread_of(self._outbox, intent) or 0
        p = intent.payload
        message_id = self._shop.create_message(
            NewMessage(
                id_thread=thread_id,
                text=p["text"],
                reference=intent.reference,
                id_employee=p.get("id_employee", 0),
                private=p.get("private", False),
                cut_line=p.get("cut_line", ""),
            ),
            meanwhile,
        )
        return self._done(intent, message_id, thread_id)

    def look_up(self, intent: Intent) -> Verdict:
        thread_id = thread_of(self._outbox, intent)
        found = self._shop.find_messages(intent.reference, thread_id)
        return self._done(intent, found[0], thread_id or 0, len(found)) if found else NOT_FOUND

    def _done(self, intent: Intent, message_id: int, thread_id: int, copies: int = 1) -> Verdict:
        result: dict[str, Any] = {"id_thread": thread_id}
        if copies > 1:
            result["copies"] = copies
        if intent.payload.get("written_at"):
            at = datetime.fromisoformat(intent.payload["written_at"])
            try:
                result["dated"] = self._shop.set_message_date(message_id, self._local(at))
            except ConnectorError as error:
                # The message stands; that it shows the time of its import is no reason to doubt it.
                result["dated"] = False
                result["date_error"] = error.code
        return Verdict(IntentState.CONFIRMED, message_id, result)

    def on_failure(self, intent: Intent) -> list[NewIntent]:
        """A thread that we created and whose first message is refused for good gets a short safe text instead."""
        key = str(intent.payload.get("thread_key", ""))
        if not key or intent.payload.get("is_fallback") or intent.error == THREAD_GONE:
            return []
        reference = identity.reference(f"{intent.reference}/kept")
        text = f"[outbox {intent.id}]"  # of a command; it lies there
        if intent.copy_id is not None:
            text = self._say("text_kept", intent.payload.get("lang", "en"), id=intent.copy_id)
        payload = {"id_thread": None, "thread_key": key, "text": text, "is_fallback": True}
        return [
            NewIntent(
                kind=Kind.MESSAGE_CREATE,
                key=f"message.create:{reference}",
                reference=reference,
                group=intent.group,
                payload=payload,
                after=key,
                origin=FALLBACK,
            )
        ]


class ThreadStatus(Base):
    """Written only when the status is still the one it was decided on; otherwise two sides want two things."""

    def __init__(self, shop: Shop, outbox: Outbox, statuses: MutableMapping[int, str]) -> None:
        self._shop = shop
        self._outbox = outbox
        self._statuses = statuses

    def check(self, intent: Intent) -> Verdict:
        thread_id, wanted = thread_of(self._outbox, intent), intent.payload["status"]
        fresh = self._statuses.get(thread_id) if thread_id is not None else None
        if thread_id is None or fresh is None:
            return Verdict(IntentState.FAILED, error=THREAD_GONE)
        if fresh == wanted:
            return Verdict(IntentState.CONFIRMED, thread_id, {"already": True})
        expected = intent.decided_on.get("status")
        if intent.decided_on.get("reopens") and fresh != "closed":
            return Verdict(IntentState.CANCELLED, thread_id, {"shop": fresh}, error=NOT_CLOSED)
        if self._unanswered(intent, thread_id):
            return Verdict(IntentState.CANCELLED, thread_id, {"shop": fresh}, error=CUSTOMER_WROTE)
        if expected is not None and fresh != expected:
            return Verdict(IntentState.CONFLICT, thread_id, {"shop": fresh}, error=CHANGED)
        return GO_ON

    def _unanswered(self, intent: Intent, thread_id: int) -> bool:
        """Has the customer written again since the reply that this status ends? Then the thread is not done."""
        key = intent.decided_on.get("reply")
        reply = self._outbox.by_key(intent.shop, str(key)) if key else None
        if reply is None or not reply.remote_id:
            return False
        newer = (
            Filter("id_customer_thread", "eq", (str(thread_id),)),
            Filter("id", "gt", (str(reply.remote_id),)),
            Filter("id_employee", "eq", ("0",)),
            Filter("private", "eq", ("0",)),
        )
        return bool(self._shop.ids("customer_messages", Query(newer, limit=1)))

    def write(self, intent: Intent) -> Verdict:
        thread_id = thread_of(self._outbox, intent) or 0
        mended = self._shop.set_thread_status(thread_id, intent.payload["status"], self._statuses.get(thread_id))
        self._statuses[thread_id] = intent.payload["status"]
        return Verdict(IntentState.CONFIRMED, thread_id, {"mended": list(mended)} if mended else {})

    def look_up(self, intent: Intent) -> Verdict:
        thread_id = thread_of(self._outbox, intent) or 0
        fresh = self._shop.thread_statuses([thread_id]).get(thread_id)
        return Verdict(IntentState.CONFIRMED, thread_id) if fresh == intent.payload["status"] else NOT_FOUND

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        thread_id = thread_of(self._outbox, intent)
        return ("customer_threads", thread_id, {"status": intent.payload["status"]}) if thread_id is not None else None

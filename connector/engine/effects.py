"""How each kind of intent is checked, written, looked up and carried back: one class per kind.

Belongs to `push.py`, which owns order and states; only the two of them touch the far sides' writing methods. An
effect returns a `Verdict`; it moves no intent and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from connector.core import identity
from connector.core.model import History, Intent, IntentState, Kind, NewIntent
from connector.engine.ports import Clock, Mailbox, NewMessage, NewThread, Outbox, OutgoingMail, Sender, Shop
from connector.errors import ConnectorError, SettingsError

THREAD_GONE = "thread_gone"
ORDER_GONE = "order_gone"
SHOP_WINS = "shop_wins"
CHANGED = "changed_meanwhile"
HALF_WRITTEN = "half_written"

TablePatch = tuple[str, int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """state None: go on (after a check) or not found (after a look-up). never_resend: only a person may decide."""

    state: IntentState | None = None
    remote_id: int | None = None
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    never_resend: bool = False


GO_ON = Verdict()
NOT_FOUND = Verdict()


class Effect(Protocol):
    def check(self, intent: Intent) -> Verdict:
        """Is the state still the one it was decided on? A state in the verdict ends the intent without a write."""
        ...

    def write(self, intent: Intent) -> Verdict: ...
    def look_up(self, intent: Intent) -> Verdict:
        """Did the doubtful write happen?"""
        ...

    def mirror_patch(self, intent: Intent) -> TablePatch | None: ...
    def on_failure(self, intent: Intent) -> list[NewIntent]: ...


class _Base:
    def check(self, intent: Intent) -> Verdict:
        del intent
        return GO_ON

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        del intent
        return None

    def on_failure(self, intent: Intent) -> list[NewIntent]:
        del intent
        return []


class ThreadCreate(_Base):
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
        return _found(found)


class MessageCreate(_Base):
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

    def _thread(self, intent: Intent) -> int | None:
        if intent.payload.get("id_thread"):
            return int(intent.payload["id_thread"])
        create = self._outbox.by_key(intent.shop, str(intent.payload.get("thread_key", "")))
        return create.remote_id if create is not None else None

    def check(self, intent: Intent) -> Verdict:
        thread_id = self._thread(intent)
        if thread_id is None or (intent.payload.get("id_thread") and thread_id not in self._statuses):
            return Verdict(IntentState.FAILED, error=THREAD_GONE)
        return GO_ON

    def write(self, intent: Intent) -> Verdict:
        thread_id = self._thread(intent) or 0
        p = intent.payload
        message_id = self._shop.create_message(
            NewMessage(
                id_thread=thread_id,
                text=p["text"],
                reference=intent.reference,
                id_employee=p.get("id_employee", 0),
                private=p.get("private", False),
            )
        )
        return self._done(intent, message_id, thread_id)

    def look_up(self, intent: Intent) -> Verdict:
        thread_id = self._thread(intent)
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
        if not key or intent.payload.get("is_fallback") or intent.copy_id is None or intent.error == THREAD_GONE:
            return []
        reference = identity.reference(f"{intent.reference}/kept")
        text = self._say("text_kept", intent.payload.get("lang", "en"), id=intent.copy_id)
        payload = {**intent.payload, "text": text, "is_fallback": True, "written_at": ""}
        return [
            NewIntent(
                kind=Kind.MESSAGE_CREATE,
                key=f"message.create:{reference}",
                reference=reference,
                group=intent.group,
                payload=payload,
                after=key,
                origin="fallback",
            )
        ]


class ThreadStatus(_Base):
    """Written only when the status is still the one it was decided on; otherwise the shop wins."""

    def __init__(self, shop: Shop, statuses: Mapping[int, str]) -> None:
        self._shop = shop
        self._statuses = statuses

    def check(self, intent: Intent) -> Verdict:
        thread_id, wanted = int(intent.payload["id_thread"]), intent.payload["status"]
        fresh = self._statuses.get(thread_id)
        if fresh is None:
            return Verdict(IntentState.FAILED, error=THREAD_GONE)
        if fresh == wanted:
            return Verdict(IntentState.CONFIRMED, thread_id, {"already": True})
        expected = intent.decided_on.get("status")
        if expected is not None and fresh != expected:
            return Verdict(IntentState.CANCELLED, thread_id, {"shop": fresh}, error=SHOP_WINS)
        return GO_ON

    def write(self, intent: Intent) -> Verdict:
        thread_id = int(intent.payload["id_thread"])
        self._shop.set_thread_status(thread_id, intent.payload["status"])
        return Verdict(IntentState.CONFIRMED, thread_id)

    def look_up(self, intent: Intent) -> Verdict:
        thread_id = int(intent.payload["id_thread"])
        fresh = self._shop.thread_statuses([thread_id]).get(thread_id)
        return Verdict(IntentState.CONFIRMED, thread_id) if fresh == intent.payload["status"] else NOT_FOUND

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        return "customer_threads", int(intent.payload["id_thread"]), {"status": intent.payload["status"]}


class OrderStatus(_Base):
    """A row in order_histories. Confirmed is: a newer row of the order with our state and our employee. The shop
    has no same-state check: posting the state again would write and mail again."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def _ours(self, intent: Intent) -> History | None:
        p, newest = intent.payload, int(intent.decided_on.get("newest_history", 0))
        rows = self._shop.histories(int(p["id_order"]))
        return next(
            (
                r
                for r in rows
                if r.id > newest and r.id_order_state == p["id_state"] and r.id_employee == p["id_employee"]
            ),
            None,
        )

    def check(self, intent: Intent) -> Verdict:
        facts = self._shop.order_facts(int(intent.payload["id_order"]))
        if facts is None:
            return Verdict(IntentState.FAILED, error=ORDER_GONE)
        ours = self._ours(intent)
        if ours is not None:
            return self._confirmed(intent, ours)
        if facts.current_state == intent.payload["id_state"]:
            if intent.attempts:
                return Verdict(IntentState.CONFLICT, error=HALF_WRITTEN)
            return Verdict(IntentState.CONFIRMED, result={"already": True})
        if facts.current_state != intent.decided_on.get("current_state"):
            return Verdict(IntentState.CONFLICT, result={"shop": facts.current_state}, error=CHANGED)
        return GO_ON

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        mail = bool(p.get("mail_customer"))
        row = self._shop.add_history(int(p["id_order"]), int(p["id_state"]), int(p["id_employee"]), mail)
        return Verdict(IntentState.CONFIRMED, row, {"mail": "sent by the shop" if mail else "none"})

    def look_up(self, intent: Intent) -> Verdict:
        ours = self._ours(intent)
        if ours is not None:
            return self._confirmed(intent, ours)
        facts = self._shop.order_facts(int(intent.payload["id_order"]))
        if facts is not None and facts.current_state == intent.payload["id_state"]:
            return Verdict(IntentState.CONFLICT, error=HALF_WRITTEN)
        return NOT_FOUND

    @staticmethod
    def _confirmed(intent: Intent, row: History) -> Verdict:
        # Code 46: status and history stand, the shop could not hand its mail over. Never repeated for the mail.
        failed = intent.error == "shop.mail_failed"
        mail = ("failed" if failed else "unknown") if intent.payload.get("mail_customer") else "none"
        return Verdict(IntentState.CONFIRMED, row.id, {"mail": mail})

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        return "orders", int(intent.payload["id_order"]), {"current_state": intent.payload["id_state"]}


class OrderTracking(_Base):
    """The tracking number of one order_carriers row; an equal value is simply done."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

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
        return GO_ON

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        self._shop.set_tracking(int(p["id_order_carrier"]), p["number"], bool(p.get("mail_customer")))
        return Verdict(IntentState.CONFIRMED, int(p["id_order_carrier"]))

    def look_up(self, intent: Intent) -> Verdict:
        if self._number(intent) == intent.payload["number"]:
            return Verdict(IntentState.CONFIRMED, int(intent.payload["id_order_carrier"]))
        return NOT_FOUND

    def mirror_patch(self, intent: Intent) -> TablePatch | None:
        p = intent.payload
        return "order_carriers", int(p["id_order_carrier"]), {"tracking_number": p["number"]}


class MailSend(_Base):
    """SMTP has no look-up: a hand-over without an answer stays in doubt until a person decides."""

    def __init__(self, sender: Sender | None, clock: Clock, say: Callable[..., str]) -> None:
        self._sender = sender
        self._clock = clock
        self._say = say

    def write(self, intent: Intent) -> Verdict:
        if self._sender is None:
            raise SettingsError("smtp.not_configured", shop=intent.shop)
        p = intent.payload
        self._sender.send(
            OutgoingMail(
                message_id=intent.reference,
                sender=p["sender"],
                sender_name=p["sender_name"],
                to=p["to"],
                subject=p["subject"],
                text=p["text"],
                in_reply_to=p.get("in_reply_to", ""),
                references=tuple(p.get("references", ())),
                language=p.get("lang", ""),
                date=self._clock.now(),
            )
        )
        return Verdict(IntentState.CONFIRMED)

    def look_up(self, intent: Intent) -> Verdict:
        del intent
        return Verdict(never_resend=True)

    def on_failure(self, intent: Intent) -> list[NewIntent]:
        """The customer was not told: a private note says so and the thread goes back to `open`."""
        thread_id, lang = intent.payload["id_thread"], intent.payload.get("lang", "en")
        reference = identity.reference(f"{intent.reference}/failed")
        note = NewIntent(
            kind=Kind.MESSAGE_CREATE,
            key=f"message.create:{reference}",
            reference=reference,
            group=intent.group,
            payload={
                "id_thread": thread_id,
                "text": self._say("mail_failed", lang),
                "id_employee": intent.payload.get("id_employee", 0),
                "private": True,
            },
            origin="fallback",
        )
        reopen = NewIntent(
            kind=Kind.THREAD_STATUS,
            key=f"thread.status:{reference}",
            reference="",
            group=intent.group,
            payload={"id_thread": thread_id, "status": "open"},
            after=note.key,
            origin="fallback",
        )
        return [note, reopen]


class MailFile(_Base):
    """Flag, move or delete the copy in its mailbox. Repeating it does no harm, so doubt means doing it again."""

    def __init__(self, session: Callable[[str], Mailbox]) -> None:
        self._session = session

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        box = self._session(p["mailbox"])
        state = box.select(p["folder"])
        if state.uidvalidity != intent.decided_on.get("uidvalidity"):
            return Verdict(IntentState.FAILED, error="folder_renumbered")
        uid = int(p["uid"])
        if p["action"] == "flag":
            box.flag([uid], p["target"])
        elif p["action"] == "move":
            box.move([uid], p["target"])
        else:
            box.delete([uid])
        return Verdict(IntentState.CONFIRMED)

    def look_up(self, intent: Intent) -> Verdict:
        return self.write(intent)


def _found(ids: Sequence[int]) -> Verdict:
    if not ids:
        return NOT_FOUND
    return Verdict(IntentState.CONFIRMED, ids[0], {"copies": len(ids)} if len(ids) > 1 else {})


class Effects:
    """All kinds of one shop. `prepare` reads the states that a batch of intents was decided on, in few requests.

    local: UTC to shop-local text. connect: opens a mailbox by
    name; sessions stay open until `close`.
    """

    def __init__(
        self,
        shop: Shop,
        outbox: Outbox,
        sender: Sender | None,
        connect: Callable[[str], Mailbox],
        local: Callable[[datetime], str],
        say: Callable[..., str],
        clock: Clock,
    ) -> None:
        self._shop = shop
        self._outbox = outbox
        self._connect = connect
        self._statuses: dict[int, str] = {}
        self._sessions: dict[str, Mailbox] = {}
        self._stack = ExitStack()
        self._effects: dict[Kind, Effect] = {
            Kind.THREAD_CREATE: ThreadCreate(shop),
            Kind.MESSAGE_CREATE: MessageCreate(shop, outbox, self._statuses, local, say),
            Kind.THREAD_STATUS: ThreadStatus(shop, self._statuses),
            Kind.ORDER_STATUS: OrderStatus(shop),
            Kind.ORDER_TRACKING: OrderTracking(shop),
            Kind.MAIL_SEND: MailSend(sender, clock, say),
            Kind.MAIL_FILE: MailFile(self._session),
        }

    def of(self, intent: Intent) -> Effect:
        return self._effects[intent.kind]

    def prepare(self, due: Sequence[Intent]) -> None:
        """Read the present status of every thread that the batch writes to, a hundred threads a request."""
        self._statuses.clear()
        wanted = {
            int(i.payload["id_thread"])
            for i in due
            if i.kind in (Kind.MESSAGE_CREATE, Kind.THREAD_STATUS) and i.payload.get("id_thread")
        }
        if wanted:
            self._statuses.update(self._shop.thread_statuses(sorted(wanted)))

    def _session(self, name: str) -> Mailbox:
        if name not in self._sessions:
            self._sessions[name] = self._stack.enter_context(self._connect(name))
        return self._sessions[name]

    def close(self) -> None:
        """Log out of the mailboxes that this run opened."""
        self._sessions.clear()
        self._stack.close()
        self._stack = ExitStack()

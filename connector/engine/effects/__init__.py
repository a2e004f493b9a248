"""How each kind of intent is checked, written, looked up and carried back: one class per kind.

Belongs to `push.py`, which owns order and states; only the two of them touch the far sides' writing methods. An
effect returns a `Verdict`; it moves no intent and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime

from connector.core.model import Intent, Kind
from connector.engine.effects.base import GO_ON, Effect, Verdict
from connector.engine.effects.mails import MailCopy, MailFile, MailSend
from connector.engine.effects.orders import OrderStatus, OrderTracking
from connector.engine.effects.people import CustomerGroups, MessageRead
from connector.engine.effects.threads import MessageCreate, ThreadCreate, ThreadStatus, thread_of
from connector.engine.ports import Mailbox, Outbox, Sender, Shop
from connector.errors import ConnectorError


class Effects:
    """All kinds of one shop. `prepare` reads the states that a batch of intents was decided on, in few requests.

    local: UTC to shop-local text. connect: opens a mailbox by
    name; sessions stay open until
    `close`. proof: mailbox and folder that hold a copy of every mail that went out.
    """

    def __init__(
        self,
        shop: Shop,
        outbox: Outbox,
        sender: Sender | None,
        connect: Callable[[str], Mailbox],
        local: Callable[[datetime], str],
        say: Callable[..., str],
        proof: tuple[str, str] | None = None,
        *,
        allow_customer_put: bool = False,
    ) -> None:
        self._shop = shop
        self._outbox = outbox
        self._connect = connect
        self._statuses: dict[int, str] = {}
        self._reads: dict[int, bool] = {}
        self._sessions: dict[str, Mailbox] = {}
        self._down: dict[str, ConnectorError] = {}
        self._stack = ExitStack()
        self._effects: dict[Kind, Effect] = {
            Kind.THREAD_CREATE: ThreadCreate(shop),
            Kind.MESSAGE_CREATE: MessageCreate(shop, outbox, self._statuses, local, say),
            Kind.THREAD_STATUS: ThreadStatus(shop, outbox, self._statuses),
            Kind.MESSAGE_READ: MessageRead(shop, self._reads),
            Kind.ORDER_STATUS: OrderStatus(shop),
            Kind.ORDER_TRACKING: OrderTracking(shop),
            Kind.CUSTOMER_GROUPS: CustomerGroups(shop, allow_put=allow_customer_put),
            Kind.MAIL_SEND: MailSend(sender, outbox, say, self._session, proof),
            Kind.MAIL_COPY: MailCopy(sender, outbox, self._session),
            Kind.MAIL_FILE: MailFile(self._session),
        }

    def of(self, intent: Intent) -> Effect:
        return self._effects[intent.kind]

    def prepare(self, due: Sequence[Intent]) -> None:
        """Read the present status of every thread that the batch writes to and the flags of messages that it marks, a
        hundred rows a request."""
        self._statuses.clear()
        self._reads.clear()
        wanted = set()
        for intent in due:
            if intent.kind in (Kind.MESSAGE_CREATE, Kind.THREAD_STATUS) and (found := thread_of(self._outbox, intent)):
                wanted.add(found)
        if wanted:
            self._statuses.update(self._shop.thread_statuses(sorted(wanted)))
        marked = sorted({int(i.payload["id_message"]) for i in due if i.kind is Kind.MESSAGE_READ})
        if marked:
            self._reads.update(self._shop.read_flags(marked))

    def _session(self, name: str) -> Mailbox:
        if name in self._down:
            raise self._down[name]  # one time-out a run is enough: the next intents must not wait for it, too
        if name not in self._sessions:
            try:
                self._sessions[name] = self._stack.enter_context(self._connect(name))
            except ConnectorError as error:
                self._down[name] = error
                raise
        return self._sessions[name]

    def close(self) -> None:
        """Log out of the mailboxes that this run opened."""
        self._sessions.clear()
        self._down.clear()
        self._stack.close()
        self._stack = ExitStack()


__all__ = ["GO_ON", "Effect", "Effects", "Verdict"]

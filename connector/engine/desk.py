"""What people ask for by command: reply, set a status, give a tracking number. Wishes become intents here.

Checks what can be refused at once (unknown state, missing order, no SMTP) and decides on the state that is seen now;
pushing is `push`'s work. Nothing here writes to a far side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from connector.core import identity
from connector.core.matching import group_of
from connector.core.model import Intent, Kind, NewIntent, OrderState, Thread
from connector.core.order_changes import pays_twice
from connector.core.statuses import THREAD_STATUSES
from connector.engine.letters import Identity, Letters
from connector.engine.ports import Lookups, Outbox, Shop
from connector.errors import DataError, SettingsError

LONGEST_REPLY = 60_000
"""Bytes. The shop holds 65,000; an answer is refused rather than cut, an imported mail is cut with a mark."""

_TRACKING = re.compile(r"[~:#,%&_=()\[\].? +\-@/a-zA-Z0-9]{1,64}")
"""PrestaShop's isTrackingNumber; the column holds 64 characters."""


class Desk:
    """The commands of one shop. nonce: a fresh random text per call. resolve: a wish and the shop's states -> an
    order state id; raises DataError."""

    def __init__(
        self,
        shop_name: str,
        who: Identity,
        shop: Callable[[], Shop],
        lookups: Lookups,
        letters: Letters,
        outbox: Outbox,
        resolve: Callable[[str, Sequence[OrderState]], int],
        nonce: Callable[[], str],
    ) -> None:
        self.shop_name = shop_name
        self._who = who
        self._shop = shop
        self._lookups = lookups
        self.letters = letters
        self._outbox = outbox
        self._resolve = resolve
        self._nonce = nonce

    # --- threads ----------------------------------------------------------------------------------------------------

    def thread(self, thread_id: int) -> Thread:
        thread = self._lookups.thread(self.shop_name, thread_id)
        if thread is None:
            raise DataError("thread.unknown", id=thread_id, shop=self.shop_name)
        return thread

    def reply(
        self,
        thread_id: int,
        text: str,
        *,
        employee: int = 0,
        private: bool = False,
        mail: bool = True,
        force: bool = False,
    ) -> list[Intent]:
        """The employee's message into the thread, then the mail to the customer, then the status, each after the one
        before is confirmed; the copy in the Sent folder last. private: a note for colleagues, no mail, no status.
        force: however many mails went to this customer today."""
        thread, employee = self.may_reply(thread_id, employee=employee, private=private, mail=mail, force=force)
        if not text.strip():
            raise DataError("reply.empty")
        if len(text.encode("utf-8", "replace")) > LONGEST_REPLY:
            raise DataError("reply.too_long", limit=LONGEST_REPLY)
        reference = identity.reference(self._nonce())
        message = NewIntent(
            kind=Kind.MESSAGE_CREATE,
            key=f"message.create:{reference}",
            reference=reference,
            group=group_of(thread.id),
            payload={"id_thread": thread.id, "text": text.strip(), "id_employee": employee, "private": private},
            origin="command",
        )
        intents, copies = [message], list[NewIntent]()
        if mail and not private:
            letter = self.letters.reply(thread, text.strip(), reference, message.key, employee)
            intents.append(letter)
            copies = self.letters.copy_of(letter)
        if not private and self._who.reply_status != "none":
            intents.append(_status(thread, self._who.reply_status, reference, intents[-1].key, message.key))
        return self._outbox.add(self.shop_name, [*intents, *copies])

    def employee(self, wanted: int = 0) -> int:
        """Who writes: the one that is named, else the setting's. Raises SettingsError when there is neither, DataError
        when the shop has no such active employee."""
        employee = wanted or self._who.employee
        if not employee:
            raise SettingsError("settings.employee_missing", shop=self.shop_name)
        staff = self._lookups.employees(self.shop_name)
        if staff and not any(one.id == employee and one.active for one in staff):
            raise DataError("employee.unknown", id=employee)
        return employee

    def may_reply(
        self, thread_id: int, *, employee: int = 0, private: bool = False, mail: bool = True, force: bool = False
    ) -> tuple[Thread, int]:
        """The thread and the employee who writes, or the reason why not, so that nobody writes a text in vain."""
        thread, employee = self.thread(thread_id), self.employee(employee)
        wants_mail = mail and not private
        if wants_mail and not self._who.has_smtp:
            raise SettingsError("smtp.not_configured", shop=self.shop_name)
        if wants_mail and "@" not in thread.email:
            raise DataError("thread.no_address", id=thread_id)
        if wants_mail and not force:
            self.letters.refuse_flood(thread.email, thread.id)
        return thread, employee

    def thread_status(self, thread_id: int, status: str) -> list[Intent]:
        """Empty when the thread has that status already."""
        if status not in THREAD_STATUSES:
            raise DataError("thread.unknown_status", status=status, expected=", ".join(THREAD_STATUSES))
        thread = self.thread(thread_id)
        fresh = self._shop().thread_statuses([thread_id]).get(thread_id)
        if fresh is None:
            raise DataError("thread.gone", id=thread_id)
        if fresh == status:
            return []
        intent = NewIntent(
            kind=Kind.THREAD_STATUS,
            key=f"thread.status:{self._nonce()}",
            reference="",
            group=group_of(thread.id),
            payload={"id_thread": thread.id, "status": status},
            decided_on={"status": fresh},
            origin="command",
        )
        return self._outbox.add(self.shop_name, [intent])

    # --- orders -----------------------------------------------------------------------------------------------------

    def order_status(self, order_id: int, wish: str, *, mail: bool = False, force: bool = False) -> list[Intent]:
        """A new row in the order's history. Empty when the order is in that state already."""
        if not self._who.employee:
            raise SettingsError("settings.employee_missing", shop=self.shop_name)
        states = self._lookups.order_states(self.shop_name)
        if not states:
            raise DataError("order.no_states", shop=self.shop_name)
        state_id = self._resolve(wish, states)
        shop = self._shop()
        facts = shop.order_facts(order_id)
        if facts is None:
            raise DataError("order.unknown", id=order_id)
        if facts.current_state == state_id:
            return []
        state = shop.order_state(state_id)  # the mirror's may be an hour old
        if state is None:
            raise DataError("order.state_unknown", wish=wish, known="")
        if state.deleted:
            raise DataError("order.state_deleted", wish=wish, known="")
        payments = self._lookups.payments(self.shop_name, facts.reference)
        if not force and pays_twice(state, facts, payments):
            raise DataError("order.would_pay_twice", id=order_id, state=state_id)
        rows = shop.histories(order_id)
        intent = NewIntent(
            kind=Kind.ORDER_STATUS,
            key=f"order.status:{self._nonce()}",
            reference="",
            group=f"order:{order_id}",
            payload={
                "id_order": order_id,
                "id_state": state_id,
                "id_employee": self._who.employee,
                "mail_customer": mail,
                "force": force,
            },
            decided_on={
                "current_state": facts.current_state,
                "newest_history": max((r.id for r in rows), default=0),
            },
            origin="command",
        )
        return self._outbox.add(self.shop_name, [intent])

    def order_track(self, order_id: int, number: str, *, row: int = 0, mail: bool = False) -> list[Intent]:
        """The tracking number of the order's shipment; `row` names the order_carriers row when there are several."""
        if not _TRACKING.fullmatch(number):
            raise DataError("order.bad_number")
        shop = self._shop()
        rows = shop.order_carriers(order_id)
        if not rows and shop.order_facts(order_id) is None:
            raise DataError("order.unknown", id=order_id)
        if not rows:
            raise DataError("order.no_shipment", id=order_id)
        if row:
            rows = [r for r in rows if r.id == row]
            if not rows:
                raise DataError("order.unknown_shipment", id=order_id, row=row)
        if len(rows) > 1:
            listed = ", ".join(str(r.id) for r in rows)
            raise DataError("order.several_shipments", id=order_id, rows=listed)
        shipment = rows[0]
        if shipment.tracking_number == number:
            return []
        intent = NewIntent(
            kind=Kind.ORDER_TRACKING,
            key=f"order.tracking:{self._nonce()}",
            reference="",
            group=f"order:{order_id}",
            payload={
                "id_order": order_id,
                "id_order_carrier": shipment.id,
                "number": number,
                "mail_customer": mail,
            },
            decided_on={"number": shipment.tracking_number},
            origin="command",
        )
        return self._outbox.add(self.shop_name, [intent])


def _status(thread: Thread, status: str, reference: str, after: str, reply: str) -> NewIntent:
    """The status that ends a reply. The mirror may be behind the back office: a status that is ours already binds
    nothing. reply: key of the message; a customer who writes after it keeps the thread open."""
    return NewIntent(
        kind=Kind.THREAD_STATUS,
        key=f"thread.status:{reference}",
        reference="",
        group=f"reply:{reference}",
        payload={"id_thread": thread.id, "status": status},
        decided_on={"reply": reply} | ({"status": thread.status} if thread.status != status else {}),
        after=after,
        origin="command",
    )

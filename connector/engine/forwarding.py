"""A thread handed to a colleague or to anybody by mail: a private note in the thread says so, then the mail goes out.

Makes intents; sends nothing. No token, tag or Message-ID that proves the thread goes along.
"""

from __future__ import annotations

from collections.abc import Callable

from connector.core import forwarding, identity
from connector.core.matching import group_of
from connector.core.model import Intent, Kind, NewIntent, Thread
from connector.engine.desk import LONGEST_REPLY, Desk
from connector.engine.letters import Identity, Letters
from connector.engine.ports import Lookups, Outbox
from connector.errors import DataError, SettingsError


class Forwarding:
    """Of one shop, for people; what rules forward is made in `core.rule_effects`. is_address: can a mail go there.
    nonce: a fresh random text per call."""

    def __init__(
        self,
        desk: Desk,
        who: Identity,
        lookups: Lookups,
        letters: Letters,
        outbox: Outbox,
        say: Callable[..., str],
        is_address: Callable[[str], bool],
        nonce: Callable[[], str],
    ) -> None:
        self._desk = desk
        self._who = who
        self._lookups = lookups
        self._letters = letters
        self._outbox = outbox
        self._say = say
        self._is_address = is_address
        self._nonce = nonce

    def forward(
        self, thread_id: int, to: str, comment: str = "", *, employee: int = 0, force: bool = False
    ) -> list[Intent]:
        """to: an employee's id or address, or any address, which needs a comment. Private notes of the thread go to
        staff only. force: however many mails went there today."""
        thread, employee = self._desk.may_reply(thread_id, employee=employee, private=True)
        address, internal = self._reader(to.strip())
        if not internal and not comment.strip():
            raise DataError("forward.no_comment")
        if len(comment.encode("utf-8", "replace")) > LONGEST_REPLY:
            raise DataError("reply.too_long", limit=LONGEST_REPLY)
        if not force:
            self._letters.refuse_flood(address, thread.id, forward=True)
        reference = identity.reference(self._nonce())
        wishes = self._wishes(thread, address, comment, employee, reference, internal=internal)
        return self._outbox.add(self._desk.shop_name, wishes)

    def _wishes(
        self, thread: Thread, address: str, comment: str, employee: int, reference: str, *, internal: bool
    ) -> list[NewIntent]:
        shop = self._desk.shop_name
        if not self._who.has_smtp:
            raise SettingsError("smtp.not_configured", shop=shop)
        lang, title = self._letters.language(thread), self._letters.shop_title()
        first = self._say("forwarded_to", lang, address=address)
        note = NewIntent(
            kind=Kind.MESSAGE_CREATE,
            key=f"message.create:{reference}",
            reference=reference,
            group=group_of(thread.id),
            payload={
                "id_thread": thread.id,
                "text": f"{first}\n\n{comment.strip()}".strip(),
                "id_employee": employee,
                "private": True,
            },
            origin="command",
        )
        names = {one.id: one.email for one in self._lookups.employees(shop)}
        messages = self._lookups.messages(shop, thread.id)
        mail = NewIntent(
            kind=Kind.MAIL_SEND,
            key=f"mail.send:{reference}",
            reference=forwarding.message_id(reference, self._who.message_id_host),
            group=f"reply:{reference}",
            payload={
                "id_thread": thread.id,
                "id_employee": employee,
                "to": address,
                "forward": True,
                "sender": self._who.sender,
                "sender_name": self._who.sender_name or title,
                "subject": f"Fwd: {title}, {thread.id}",
                "text": forwarding.text(thread, messages, comment, names, internal=internal),
                "lang": lang,
            },
            after=note.key,
            origin="command",
        )
        return [note, mail, *self._letters.copy_of(mail)]

    def _reader(self, to: str) -> tuple[str, bool]:
        """The address, and whether it is an active employee's."""
        staff = [one for one in self._lookups.employees(self._desk.shop_name) if one.active]
        if to.isascii() and to.isdigit():
            found = next((one.email for one in staff if one.id == int(to)), "")
            if not found:
                raise DataError("employee.unknown", id=to)
            return found, True
        known = next((one.email for one in staff if one.email.casefold() == to.casefold()), "")
        if known:
            return known, True
        if not self._is_address(to):
            raise DataError("forward.no_address")
        return to, False

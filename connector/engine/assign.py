"""A person says where a mail belongs that no proof joined to a thread: it goes there through the outbox, once.

Checks what can be refused at once and commits decision and intents together; pushing is `push`'s work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from connector.core import identity
from connector.core.automail import AutoClass
from connector.core.decisions import Facts, Policy, Say
from connector.core.model import FINAL, Copy, Intent, IntentState, Mail, MailState, Role
from connector.core.reconcile import assign
from connector.engine.evidence import ShopFacts
from connector.engine.files import Files
from connector.engine.join import take_up
from connector.engine.ports import Clock, Events, Ledger, Lookups, MailCodec, Outbox
from connector.errors import DataError, MailUnreadable
from connector.ops import events as ev


class Assignment:
    """The mails of one shop. policies: mailbox name -> its settings."""

    def __init__(
        self,
        shop: str,
        facts: Callable[[], ShopFacts],
        policies: Mapping[str, Policy],
        ledger: Ledger,
        lookups: Lookups,
        outbox: Outbox,
        codec: MailCodec,
        files: Files,
        say: Say,
        events: Events,
        clock: Clock,
    ) -> None:
        self.shop = shop
        self._facts = facts
        self._policies = policies
        self._ledger = ledger
        self._lookups = lookups
        self._outbox = outbox
        self._codec = codec
        self._files = files
        self._say = say
        self._events = events
        self._clock = clock

    def assign(self, copy: Copy, thread_id: int, *, as_customer: bool = False) -> list[Intent]:
        """File the mail in the thread: as the customer's when it came from the thread's address (or as_customer), else
        as from somebody else. What cannot be decoded leaves a line that says where it is kept.

        Raises DataError: no such thread, a mail of staff, a mail that is in the shop or on its way there.
        """
        thread = self._lookups.thread(self.shop, thread_id)
        if thread is None:
            raise DataError("thread.unknown", id=thread_id, shop=self.shop)
        if copy.role is Role.STAFF:
            raise DataError("quarantine.staff_mail", id=copy.id)
        self._refuse_second(copy)
        policy = self._policies.get(copy.mailbox, Policy())
        mail = self._mail(copy)
        decision = assign(copy, mail, thread, self._gather(), policy, self._say, as_customer=as_customer)
        take_up(self._outbox, self.shop, decision.intents, self._clock)
        self._ledger.conclude(
            copy,
            decision.state,
            decision.reason,
            id_thread=thread.id,
            intents=decision.intents,
            trail=decision.trail,
            files=self._files.of(copy, mail, policy.attachments, self._clock.now()),
        )
        self._events.emit(ev.MAIL_PENDING, shop=self.shop, copy_id=copy.id, reason=decision.reason, thread_id=thread.id)
        made = (self._outbox.by_key(self.shop, wish.key) for wish in decision.intents)
        return [intent for intent in made if intent is not None]

    def _refuse_second(self, copy: Copy) -> None:
        reference = identity.reference(copy.mail_key)
        message = self._lookups.message_by_reference(self.shop, reference)
        earlier = self._outbox.by_key(self.shop, f"message.create:{reference}")
        if message is not None or (earlier is not None and earlier.state is IntentState.CONFIRMED):
            number = message.id if message is not None else earlier.remote_id if earlier is not None else None
            raise DataError("quarantine.in_shop", id=copy.id, message=number)
        if earlier is not None and earlier.state not in FINAL:
            raise DataError("quarantine.under_way", id=copy.id, intent=earlier.id)
        for other in self._ledger.same_mail(self.shop, copy.mail_key):
            if other.id != copy.id and other.state in (MailState.PENDING, MailState.IMPORTED):
                raise DataError("quarantine.under_way", id=copy.id, intent=other.intent_id)

    def _mail(self, copy: Copy) -> Mail | None:
        try:
            mail = self._codec.decode(self._ledger.raw(copy.blob))
        except MailUnreadable:
            return None
        return mail if copy.omitted is None else replace(mail, attachments=copy.omitted)

    def _gather(self) -> Facts:
        known, languages = self._facts(), self._lookups.languages(self.shop)
        default = self._lookups.configuration(self.shop, "PS_LANG_DEFAULT") or ""
        return Facts(
            auto=AutoClass("human", ""),
            now=self._clock.now(),
            languages=languages,
            default_lang=int(default) if default.isdigit() else next(iter(languages), 1),
            can_backdate=known.can_backdate,
            zone=known.zone,
        )

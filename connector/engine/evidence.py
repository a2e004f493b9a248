"""What is known of a mail before it is decided on: of its sender, its thread, its copies, and of the shop.

Asks the mirror, the ledger and the outbox; decides nothing (`core.reconcile` does) and stores nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from connector.core import authres, identity
from connector.core.automail import classify
from connector.core.decisions import Bounced, Facts, Policy
from connector.core.matching import Clues, Referenced, group_of
from connector.core.model import Contact, Copy, Employee, Kind, Mail, MailState, Role, Thread
from connector.engine.known import Known, Read
from connector.engine.ports import Clock, Events, Ledger, Lookups, Outbox
from connector.ops import events as ev

RETRY = "retry"
"""Reason of a copy that a person took out of the quarantine to be decided anew."""


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What decisions need to know of the shop itself. secrets: the instance secret first, then retired ones.

    own_addresses: casefolded addresses that the shop or its mailboxes send from."""

    secrets: tuple[str, ...]
    own_addresses: frozenset[str]
    can_backdate: bool
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the mirror knows of the shop and no mail changes: asked once for many mails."""

    employees: Sequence[Employee]
    contacts: Sequence[Contact]
    languages: dict[int, str]
    default_lang: int
    default_shop: int


class Evidence:
    """Of the mails of one shop."""

    def __init__(
        self, shop: str, ledger: Ledger, lookups: Lookups, outbox: Outbox, events: Events, clock: Clock
    ) -> None:
        self.shop = shop
        self._ledger = ledger
        self._lookups = lookups
        self._outbox = outbox
        self._events = events
        self._clock = clock

    def known(self, mails: Sequence[Read]) -> Known:
        """What a few questions tell of all these mails. At least one."""
        return Known(self.shop, mails, self._ledger, self._lookups, self._clock.now())

    def standing(self) -> Standing:
        default = self._lookups.configuration(self.shop, "PS_LANG_DEFAULT") or ""
        languages = self._lookups.languages(self.shop)
        return Standing(
            employees=self._lookups.employees(self.shop),
            contacts=self._lookups.contacts(self.shop),
            languages=languages,
            default_lang=int(default) if default.isdigit() else next(iter(languages), 1),
            default_shop=self._lookups.default_shop(self.shop),
        )

    def gather(self, read: Read, known: Known, standing: Standing, shop_facts: ShopFacts, policy: Policy) -> Facts:
        """What is to be known of one mail."""
        shop, lookups = self.shop, self._lookups
        copy, mail, found = read.copy, read.mail, read.found
        sender = mail.from_addr
        signed, addressed = known.threads(found.signed), known.threads(found.addressed)
        by_token = self._by_token(found, known)
        referenced = self._referenced(found, known)
        customers = known.customers(sender)
        near = [*signed, *addressed, *by_token, *(ref.thread for ref in referenced if ref.thread is not None)]
        may_begin = policy.create_threads and not (signed or addressed or by_token)
        return Facts(
            auto=classify(mail, shop_facts.own_addresses),
            now=self._clock.now(),
            signed=signed,
            addressed=addressed,
            by_token=by_token,
            referenced=referenced,
            by_recipient=self._open_threads_of(mail) if copy.role is Role.STAFF else (),
            bounced=self._bounced(found),
            bounced_before=frozenset(
                self._ledger.bounced(shop, [one for one, _ in found.bounced]) if found.bounced else ()
            ),
            dmarc=authres.dmarc(mail.headers, policy.authserv_id, sender),
            same_key=[c for c in known.same_mail(copy.mail_key) if c.id != copy.id],
            same_id=[c for c in known.by_message_id([mail.message_id]) if c.id != copy.id] if mail.message_id else (),
            in_shop=known.message(identity.reference(copy.mail_key)),
            customers=customers,
            orders=lookups.orders_of(shop, [c.id for c in customers]) if may_begin and customers else (),
            employees=standing.employees,
            contacts=standing.contacts,
            languages=standing.languages,
            default_lang=standing.default_lang,
            default_shop=standing.default_shop,
            written=read.written,
            text_hash=read.text_hash,
            can_backdate=shop_facts.can_backdate,
            zone=shop_facts.zone,
            too_many=self._loop(copy, sender, known),
            busy_threads=self._busy(copy, near, known),
        )

    @staticmethod
    def _by_token(found: Clues, known: Known) -> list[Thread]:
        """By number first, so that a token is compared in constant time where the number came through whole."""
        numbered = {t.id: t for t in known.threads(found.thread_ids)} if found.tokens else {}
        by_token = (t for token in found.tokens for t in known.threads_by_token(token))
        return list({**numbered, **{t.id: t for t in by_token}}.values())

    def _bounced(self, found: Clues) -> list[Bounced]:
        """The mails of ours that a bounce names, with the message of the thread that each carried."""
        result = []
        for message_id, thread_id in found.bounced[:5]:
            thread = self._lookups.thread(self.shop, thread_id)
            if thread is None:
                continue
            sent = self._outbox.sent_mail(self.shop, message_id)
            message = self._outbox.by_key(self.shop, sent.after) if sent is not None and sent.after else None
            result.append(Bounced(message_id, thread, message.remote_id if message is not None else None))
        return result

    def _busy(self, copy: Copy, threads: Sequence[Thread], known: Known) -> frozenset[int]:
        """Threads into which so many mails came of late that machines must be at work."""
        if copy.role is Role.STAFF or copy.reason == RETRY:
            return frozenset()
        ids = {thread.id for thread in threads}
        busy = {i for i in ids if i and known.is_busy(copy, i)}
        if busy:
            self._events.emit(ev.GUARD_TRIPPED, shop=self.shop, guard="thread_loop", copy_id=copy.id)
        return frozenset(busy)

    def _open_threads_of(self, mail: Mail) -> list[Thread]:
        threads: dict[int, Thread] = {}
        for address in mail.recipients[:20]:
            threads.update({t.id: t for t in self._lookups.open_threads_by_email(self.shop, address)})
        return list(threads.values())

    def _referenced(self, found: Clues, known: Known) -> list[Referenced]:
        """Ledger mails that this mail refers to, nearest first, with their thread or the intent that will make it."""
        rows = known.by_message_id(list(found.references))
        order = {ref: position for position, ref in enumerate(found.references)}
        result: list[Referenced] = []
        for row in sorted(rows, key=lambda r: (order.get(r.message_id, 99), r.id)):
            if row.state not in (MailState.PENDING, MailState.IMPORTED):
                continue
            thread = self._lookups.thread(self.shop, row.id_thread) if row.id_thread else None
            create_key, group = "", group_of(row.id_thread) if row.id_thread else ""
            if thread is None and not row.id_thread:
                message = next((i for i in self._outbox.of_copy(row.id) if i.kind is Kind.MESSAGE_CREATE), None)
                if message is None:
                    continue
                create_key, group = str(message.payload.get("thread_key", "")), message.group
            elif thread is None:
                # Created by us and not pulled back yet: its number is enough, its state is read before pushing.
                thread = Thread(row.id_thread or 0, row.from_addr, "", "open", None, None, None, None, None)
            # Who wrote a filed mail takes part only if it was the thread's own person, not a stranger with a token.
            own = row.reason == "new_thread" or row.reason.startswith("thread_by_")
            participants = frozenset(
                ({row.from_addr} if own else set()) | ({thread.email.casefold()} if thread else set())
            )
            result.append(Referenced(row.message_id, thread, create_key, group, participants - {""}))
        return result

    def _loop(self, copy: Copy, sender: str, known: Known) -> str:
        """The mail-loop guard: too many mails of one sender in a short time are set aside for a person to look at."""
        if not sender or copy.role is Role.STAFF or copy.reason == RETRY:
            return ""  # a person has looked at it and sent it on
        count = known.sent_too_often(copy)
        if not count:
            return ""
        self._events.emit(ev.GUARD_TRIPPED, shop=self.shop, guard="mail_loop", copy_id=copy.id, count=count)
        return "mail_loop"

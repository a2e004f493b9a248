"""The reconcile leg: every received mail gets its decision, and the intents that follow from it enter the outbox.

Gathers what `core.reconcile.decide` asks for, hands it in and stores the outcome: decision and intents of one mail
in one transaction. One mail that breaks us goes to quarantine; its neighbours go on. Nothing here talks to a shop
or a mailbox, so `plan` can run the same code without writing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo

from connector.core import authres, identity
from connector.core.automail import classify
from connector.core.decisions import Bounced, Decision, Facts, Policy, Say
from connector.core.guards import mail_loop, thread_loop
from connector.core.matching import Clues, Referenced, clues, group_of, suggest
from connector.core.model import Copy, IntentState, Kind, Mail, MailState, NewIntent, Role, Thread
from connector.core.reconcile import decide
from connector.core.replies import extract
from connector.core.wording import comparable
from connector.engine.files import Files
from connector.engine.ports import Clock, Events, Ledger, Lookups, MailCodec, Outbox
from connector.errors import ConnectorError, MailUnreadable
from connector.ops import events as ev

LOOP_WINDOW = timedelta(hours=2)
RETRY = "retry"
"""Reason of a copy that a person took out of the quarantine to be decided anew."""
RECENT = timedelta(days=30)
"""How long ago the last message of a thread may be for it to be suggested."""
_KNOWN = frozenset({"copy", "own", "loop", "shop_notification"})
"""Reasons to ignore a mail that leave nothing to suggest."""
_NO_BYTES = frozenset({"mirror.bytes_gone", "mirror.damaged"})
"""Codes of a mail whose bytes cannot be had; other faults of the mirror are not one mail's."""
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What decisions need to know of the shop itself. secrets: the instance secret first, then retired ones.

    own_addresses: casefolded addresses that the shop or its mailboxes send from."""

    secrets: tuple[str, ...]
    own_addresses: frozenset[str]
    can_backdate: bool
    zone: tzinfo | None


@dataclass(slots=True)
class JoinReport:
    """decided: (copy, mail or None, decision) in order, for `plan` and the demo; counts by state."""

    decided: list[tuple[Copy, Decision]] = field(default_factory=list)
    deferred: int = 0  # left `received`: their token may be of a thread that the mirror does not know yet

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(str(decision.state) for _, decision in self.decided))


class Join:
    """Decides on the received mails of one shop. policies: mailbox name -> its settings."""

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

    def run(self, stop: Callable[[], bool] = lambda: False, *, fresh: bool = True) -> JoinReport:
        """Decide and store, oldest mail first, until nothing is left that is `received`.

        fresh: the mirror was pulled after the mails had come. If not, a mail with an unknown token waits for a pull.
        """
        report = JoinReport()
        shop_facts = self._facts()
        waiting: set[int] = set()
        while not stop():
            copies = [c for c in self._ledger.received(self.shop, _CHUNK + len(waiting)) if c.id not in waiting]
            if not copies:
                break
            for copy in copies:
                if stop():
                    break
                decision, text_hash, mail = self.decision(copy, shop_facts)
                if not fresh and decision.reason == "token_unknown":
                    waiting.add(copy.id)
                    report.deferred += 1
                    continue
                self._store(copy, decision, text_hash, mail)
                report.decided.append((copy, decision))
        return report

    def preview(self) -> JoinReport:
        """The decisions on what is received now, nothing stored: the mail part of `plan`."""
        shop_facts = self._facts()
        report = JoinReport()
        for copy in self._ledger.received(self.shop, 10_000):
            report.decided.append((copy, self.decision(copy, shop_facts)[0]))
        return report

    def decision(self, copy: Copy, shop_facts: ShopFacts) -> tuple[Decision, str, Mail | None]:
        """The decision on one copy, the hash of its text and the mail ('' and None when it could not be read)."""
        policy = self._policies.get(copy.mailbox)
        if policy is None:
            return Decision(MailState.QUARANTINED, "mailbox_not_in_settings"), "", None
        try:
            mail = self._codec.decode(self._ledger.raw(copy.blob))
            if copy.omitted is not None:
                mail = replace(mail, attachments=copy.omitted)
            written = extract(mail.text, mail.subject).new
            text_hash = identity.text_hash(comparable(written)) if written.strip() else ""
            found = clues(mail, shop_facts.secrets, self.shop, policy.reply_addresses)
            facts = self._gather(copy, mail, found, text_hash, shop_facts, policy)
            decision = decide(copy, mail, found, facts, policy, self._say, shop_facts.secrets[0])
            return self._with_hint(mail, decision), text_hash, mail
        except MailUnreadable as error:
            return Decision(MailState.QUARANTINED, error.code), "", None
        except ConnectorError as error:
            if error.code not in _NO_BYTES:
                raise
            return Decision(MailState.QUARANTINED, error.code), "", None
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            # A mail that breaks our own code must not hold up its neighbours; its bytes are kept for the replay.
            return Decision(MailState.QUARANTINED, f"internal_{type(error).__name__}"), "", None

    def _with_hint(self, mail: Mail, decision: Decision) -> Decision:
        """A mail that is set aside carries the thread that its sender wrote in lately, for the person who looks."""
        aside = decision.state in (MailState.QUARANTINED, MailState.IGNORED) and decision.id_thread is None
        if not aside or decision.reason in _KNOWN or not mail.from_addr:
            return decision
        since = self._clock.now() - RECENT
        return replace(decision, suggested=suggest(self._lookups.recent_threads(self.shop, mail.from_addr, since)))

    def _store(self, copy: Copy, decision: Decision, text_hash: str, mail: Mail | None) -> None:
        joins = decision.state in (MailState.PENDING, MailState.IMPORTED)
        limits = self._policies.get(copy.mailbox, Policy()).attachments
        take_up(self._outbox, self.shop, decision.intents, self._clock)
        self._ledger.conclude(
            copy,
            decision.state,
            decision.reason,
            text_hash=text_hash,
            id_thread=decision.id_thread,
            id_message=decision.id_message,
            intents=decision.intents,
            trail=decision.trail,
            suggested=decision.suggested,
            bounced=decision.bounced,
            files=self._files.of(copy, mail, limits, self._clock.now()) if joins else (),
        )
        name = {
            MailState.PENDING: ev.MAIL_PENDING,
            MailState.IMPORTED: ev.MAIL_IMPORTED,
            MailState.IGNORED: ev.MAIL_IGNORED,
        }.get(decision.state, ev.MAIL_QUARANTINED)
        self._events.emit(
            name,
            shop=self.shop,
            copy_id=copy.id,
            mailbox=copy.mailbox,
            uid=copy.uid,
            reason=decision.reason,
            trail=decision.trail or None,
            thread_id=decision.id_thread,
            attempts=copy.attempts + 1 if decision.state is MailState.QUARANTINED else None,
        )
        if decision.bounced is not None:
            self._events.emit(
                ev.MAIL_BOUNCED,
                shop=self.shop,
                copy_id=copy.id,
                thread_id=decision.bounced.thread.id,
                message_id=decision.bounced.id_message,
                status=decision.bounced.status,
            )

    def _gather(
        self, copy: Copy, mail: Mail, found: Clues, text_hash: str, shop_facts: ShopFacts, policy: Policy
    ) -> Facts:
        shop, lookups = self.shop, self._lookups
        languages = lookups.languages(shop)
        default = lookups.configuration(shop, "PS_LANG_DEFAULT") or ""
        sender = mail.from_addr
        signed, addressed = self._threads(found.signed), self._threads(found.addressed)
        by_token = self._by_token(found)
        referenced = self._referenced(found)
        customers = lookups.customers_by_email(shop, sender) if sender else []
        near = [*signed, *addressed, *by_token, *(ref.thread for ref in referenced if ref.thread is not None)]
        return Facts(
            auto=classify(mail, shop_facts.own_addresses),
            now=self._clock.now(),
            signed=signed,
            addressed=addressed,
            by_token=by_token,
            referenced=referenced,
            by_recipient=self._open_threads_of(mail) if copy.role is Role.STAFF else (),
            bounced=self._bounced(found),
            bounced_before=frozenset(self._ledger.bounced(shop, [one for one, _ in found.bounced])),
            dmarc=authres.dmarc(mail.headers, policy.authserv_id, sender),
            same_key=[c for c in self._ledger.same_mail(shop, copy.mail_key) if c.id != copy.id],
            same_id=[c for c in self._ledger.by_message_id(shop, [mail.message_id]) if c.id != copy.id]
            if mail.message_id
            else (),
            in_shop=lookups.message_by_reference(shop, identity.reference(copy.mail_key)),
            customers=customers,
            orders=lookups.orders_of(shop, [c.id for c in customers]) if policy.create_threads else (),
            employees=lookups.employees(shop),
            contacts=lookups.contacts(shop),
            languages=languages,
            default_lang=int(default) if default.isdigit() else next(iter(languages), 1),
            default_shop=lookups.default_shop(shop),
            text_hash=text_hash,
            can_backdate=shop_facts.can_backdate,
            zone=shop_facts.zone,
            too_many=self._loop(copy, sender),
            busy_threads=self._busy(copy, near),
        )

    def _threads(self, ids: tuple[int, ...]) -> list[Thread]:
        found = (self._lookups.thread(self.shop, thread_id) for thread_id in ids[:5])
        return [thread for thread in found if thread is not None]

    def _by_token(self, found: Clues) -> list[Thread]:
        """By number first, so that a token is compared in constant time where the number came through whole."""
        numbered = {t.id: t for t in self._threads(found.thread_ids)} if found.tokens else {}
        by_token = (t for token in found.tokens for t in self._lookups.threads_by_token(self.shop, token))
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

    def _busy(self, copy: Copy, threads: Sequence[Thread]) -> frozenset[int]:
        """Threads into which so many mails came of late that machines must be at work."""
        if copy.role is Role.STAFF or copy.reason == RETRY:
            return frozenset()
        ids = {thread.id for thread in threads}
        busy = {i for i in ids if i and thread_loop(self._ledger.count_in_thread(copy, i, LOOP_WINDOW))}
        if busy:
            self._events.emit(ev.GUARD_TRIPPED, shop=self.shop, guard="thread_loop", copy_id=copy.id)
        return frozenset(busy)

    def _open_threads_of(self, mail: Mail) -> list[Thread]:
        threads: dict[int, Thread] = {}
        for address in mail.recipients[:20]:
            threads.update({t.id: t for t in self._lookups.open_threads_by_email(self.shop, address)})
        return list(threads.values())

    def _referenced(self, found: Clues) -> list[Referenced]:
        """Ledger mails that this mail refers to, nearest first, with their thread or the intent that will make it."""
        rows = self._ledger.by_message_id(self.shop, list(found.references))
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

    def _loop(self, copy: Copy, sender: str) -> str:
        """The mail-loop guard: too many mails of one sender in a short time are set aside for a person to look at."""
        if not sender or copy.role is Role.STAFF or copy.reason == RETRY:
            return ""  # a person has looked at it and sent it on
        count = self._ledger.count_from(copy, LOOP_WINDOW)
        if not mail_loop(count):
            return ""
        self._events.emit(ev.GUARD_TRIPPED, shop=self.shop, guard="mail_loop", copy_id=copy.id, count=count)
        return "mail_loop"


def take_up(outbox: Outbox, shop: str, intents: Sequence[NewIntent], clock: Clock) -> None:
    """Decided anew after a replay from the quarantine: an old wish that came to nothing gets its new content."""
    for intent in intents:
        earlier = outbox.by_key(shop, intent.key)
        if earlier is not None and earlier.state in (IntentState.FAILED, IntentState.CANCELLED):
            outbox.revive(earlier, intent, clock.now())

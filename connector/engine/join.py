"""The reconcile leg: every received mail gets its decision, and the intents that follow from it enter the outbox.

Gathers what `core.reconcile.decide` asks for, hands it in and stores the outcome: decision and intents of one mail
in one transaction. One mail that breaks us goes to quarantine; its neighbours go on. Nothing here talks to a shop
or a mailbox, so `plan` can run the same code without writing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic

from connector.core import identity
from connector.core.decisions import Decision, Policy, Say
from connector.core.matching import clues, suggest
from connector.core.model import Copy, IntentState, Mail, MailState, NewIntent
from connector.core.reconcile import decide
from connector.core.replies import extract
from connector.core.wording import comparable
from connector.engine.evidence import Evidence, ShopFacts, Standing
from connector.engine.files import Files
from connector.engine.ports import Clock, Events, Ledger, Lookups, MailCodec, Outbox
from connector.engine.ruling import Ruling
from connector.errors import ConnectorError, MailUnreadable, StateError
from connector.ops import events as ev

RECENT = timedelta(days=30)
"""How long ago the last message of a thread may be for it to be suggested."""
_KNOWN = frozenset({"copy", "own", "loop", "shop_notification"})
"""Reasons to ignore a mail that leave nothing to suggest."""
_NO_BYTES = frozenset({"mirror.bytes_gone", "mirror.damaged"})
"""Codes of a mail whose bytes cannot be had; other faults of the mirror are not one mail's."""
_CHUNK = 200
LONGEST_TURN = 0.2  # seconds that decisions may keep other writers waiting


@dataclass(frozen=True, slots=True)
class _Outcome:
    """stored False: the mail was left as it is."""

    copy: Copy
    decision: Decision
    stored: bool = True
    deferred: bool = False


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
        ruling: Ruling,
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
        self._ruling = ruling
        self._evidence = Evidence(shop, ledger, lookups, outbox, events, clock)

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
            while copies and not stop():
                outcomes = self._some(copies, shop_facts, fresh)
                copies = copies[len(outcomes) :]
                for outcome in outcomes:
                    if outcome.stored:
                        self._tell(outcome.copy, outcome.decision)
                        report.decided.append((outcome.copy, outcome.decision))
                    else:
                        waiting.add(outcome.copy.id)
                        report.deferred += outcome.deferred
        return report

    def _some(self, copies: Sequence[Copy], shop_facts: ShopFacts, fresh: bool) -> list[_Outcome]:
        """Decide on the first of these: as many as fit one short transaction, because a commit costs more than a
        decision does."""
        try:
            return self._decide_on(copies, shop_facts, fresh, monotonic() + LONGEST_TURN)
        except Exception:
            # One of them cannot be stored. Those before it can, each by itself; then its fault shows itself.
            return self._decide_on(copies[:1], shop_facts, fresh, monotonic())

    def _decide_on(self, copies: Sequence[Copy], shop_facts: ShopFacts, fresh: bool, until: float) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        with self._ledger.together():
            standing = self._evidence.standing()
            for copy in copies:
                outcomes.append(self._one(copy, shop_facts, standing, fresh))
                if monotonic() > until:
                    break
        return outcomes

    def _one(self, copy: Copy, shop_facts: ShopFacts, standing: Standing, fresh: bool) -> _Outcome:
        decision, text_hash, mail = self.decision(copy, shop_facts, standing)
        if not fresh and decision.reason == "token_unknown":
            return _Outcome(copy, decision, stored=False, deferred=True)
        try:
            self._store(copy, decision, text_hash, mail)
        except StateError as error:
            if not error.code.endswith(".moved_elsewhere"):
                raise
            return _Outcome(copy, decision, stored=False)  # a command has decided on it, or moved its intent, meanwhile
        return _Outcome(copy, decision)

    def preview(self) -> JoinReport:
        """The decisions on what is received now, nothing stored: the mail part of `plan`."""
        shop_facts = self._facts()
        report = JoinReport()
        standing = self._evidence.standing()
        for copy in self._ledger.received(self.shop, 10_000):
            report.decided.append((copy, self.decision(copy, shop_facts, standing)[0]))
        return report

    def decision(self, copy: Copy, shop_facts: ShopFacts, standing: Standing) -> tuple[Decision, str, Mail | None]:
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
            facts = self._evidence.gather(copy, mail, found, text_hash, shop_facts, policy, standing)
            decision = decide(copy, mail, found, facts, policy, self._say, shop_facts.secrets[0])
            decision = self._ruling.apply(copy, mail, decision, facts, policy).decision
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
            worker=True,
        )

    def _tell(self, copy: Copy, decision: Decision) -> None:
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
        self._ruling.tell(copy, decision)
        if decision.bounced is not None:
            self._events.emit(
                ev.MAIL_BOUNCED,
                shop=self.shop,
                copy_id=copy.id,
                thread_id=decision.bounced.thread.id,
                message_id=decision.bounced.id_message,
                status=decision.bounced.status,
            )


def take_up(outbox: Outbox, shop: str, intents: Sequence[NewIntent], clock: Clock) -> None:
    """Decided anew after a replay from the quarantine: an old wish that came to nothing gets its new content."""
    for intent in intents:
        earlier = outbox.by_key(shop, intent.key)
        if earlier is not None and earlier.state in (IntentState.FAILED, IntentState.CANCELLED):
            outbox.revive(earlier, intent, clock.now())

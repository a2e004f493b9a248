"""The reconcile leg: every received mail gets its decision, and the intents that follow from it enter the outbox.

Gathers what `core.reconcile.decide` asks for, hands it in and stores the outcome: decision and intents of one mail
in one transaction. One mail that breaks us goes to quarantine; its neighbours go on. Nothing here talks to a shop
or a mailbox, so `plan` can run the same code without writing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from connector.core import identity
from connector.core.decisions import Decision, Policy, Say
from connector.core.matching import clues, suggest
from connector.core.model import Copy, IntentState, Mail, MailState, NewIntent
from connector.core.reconcile import decide
from connector.core.replies import extract
from connector.core.wording import comparable
from connector.engine.evidence import RETRY, Evidence, ShopFacts, Standing
from connector.engine.files import Files
from connector.engine.known import Known, Read
from connector.engine.ports import Clock, Events, Ledger, Lookups, MailCodec, Outbox
from connector.engine.ruling import Ruling
from connector.errors import ConnectorError, MailUnreadable, StateError
from connector.ops import events as ev

_KNOWN = frozenset({"copy", "own", "loop", "shop_notification"})
"""Reasons to ignore a mail that leave nothing to suggest."""
_NO_BYTES = frozenset({"mirror.bytes_gone", "mirror.damaged"})
"""Codes of a mail whose bytes cannot be had; other faults of the mirror are not one mail's."""
_REFUSED = frozenset({"mirror.value_refused", "mirror.inconsistent"})
"""Codes of a database that will not take what was decided on one mail, now or later."""
_CHUNK = 200
_OURS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""A mail that breaks our own code must not hold up its neighbours; its bytes are kept for the replay."""
_TURN = 50  # mails that are decoded and asked about at once
_TURN_BYTES = 20_000_000
TOGETHER = 50
"""Decisions that are one transaction: a commit costs more than a decision does, and other writers must not wait long. A
number and not a time, so that the same mails make the same steps on every machine."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """decision None: the mail was left as it is; deferred: until the next pull."""

    copy: Copy
    decision: Decision | None
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class _Input:
    """A copy that is to be decided on; read None: it could not be, for this reason."""

    copy: Copy
    read: Read | None = None
    reason: str = ""


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
                some = self._read(_at_once(copies), shop_facts)
                copies = copies[len(some) :]
                for outcome in self._outcomes(some, shop_facts, fresh, stop):
                    if outcome.decision is not None:
                        self._tell(outcome.copy, outcome.decision)
                        report.decided.append((outcome.copy, outcome.decision))
                    else:
                        waiting.add(outcome.copy.id)
                        report.deferred += outcome.deferred
        return report

    def _outcomes(
        self, mails: Sequence[_Input], shop_facts: ShopFacts, fresh: bool, stop: Callable[[], bool]
    ) -> Iterator[_Outcome]:
        """As they are stored."""
        while mails and not stop():
            outcomes = self._some(mails, shop_facts, fresh)
            mails = mails[len(outcomes) :]
            yield from outcomes

    def _some(self, mails: Sequence[_Input], shop_facts: ShopFacts, fresh: bool) -> list[_Outcome]:
        """Decide on the first of these, in one transaction. One of them may be such that it cannot be stored: those
        before it are, and at last it is tried alone, so that its fault shows itself."""
        size = min(TOGETHER, len(mails))
        while size > 1:
            with suppress(Exception):
                return self._decide_on(mails[:size], shop_facts, fresh)
            self._files.recount()
            size //= 2
        try:
            return self._decide_on(mails[:1], shop_facts, fresh)
        except StateError as error:
            if error.code.endswith(".moved_elsewhere"):
                return [_Outcome(mails[0].copy, None)]  # a command has decided on it, or moved its intent, meanwhile
            if error.code not in _REFUSED:
                raise
            self._files.recount()
            aside = Decision(MailState.QUARANTINED, error.code)
            self._conclude(mails[0].copy, None, aside)
            return [_Outcome(mails[0].copy, aside)]

    def _decide_on(self, mails: Sequence[_Input], shop_facts: ShopFacts, fresh: bool) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        with self._ledger.together():
            known, standing = self._ask(mails)
            for one in mails:
                decision = self._decision(one, known, standing, shop_facts)
                if not fresh and decision.reason == "token_unknown":
                    outcomes.append(_Outcome(one.copy, None, deferred=True))
                    continue
                self._conclude(one.copy, one.read, decision)
                if known is not None:
                    known.stored(one.copy, decision.id_thread)
                outcomes.append(_Outcome(one.copy, decision))
        return outcomes

    def _ask(self, mails: Sequence[_Input]) -> tuple[Known | None, Standing]:
        read = [one.read for one in mails if one.read is not None]
        return self._evidence.known(read) if read else None, self._evidence.standing()

    def preview(self) -> JoinReport:
        """The decisions on what is received now, nothing stored: the mail part of `plan`."""
        shop_facts = self._facts()
        report = JoinReport()
        copies = self._ledger.received(self.shop, 10_000)
        while copies:
            some = self._read(_at_once(copies), shop_facts)
            known, standing = self._ask(some)
            report.decided += [(one.copy, self._decision(one, known, standing, shop_facts)) for one in some]
            copies = copies[len(some) :]
        return report

    def _read(self, copies: Sequence[Copy], shop_facts: ShopFacts) -> list[_Input]:
        """Decode these mails; needs no transaction."""
        raws = self._ledger.raws({copy.blob for copy in copies})
        return [self._decoded(copy, raws.get(copy.blob), shop_facts) for copy in copies]

    def _decoded(self, copy: Copy, raw: bytes | None, shop_facts: ShopFacts) -> _Input:
        policy = self._policies.get(copy.mailbox)
        if policy is None:
            return _Input(copy, reason="mailbox_not_in_settings")
        try:
            mail = self._codec.decode(self._ledger.raw(copy.blob) if raw is None else raw)
            if copy.omitted is not None:
                mail = replace(mail, attachments=copy.omitted)
            written = extract(mail.text, mail.subject).new
            text_hash = identity.text_hash(comparable(written)) if written.strip() else ""
            found = clues(mail, shop_facts.secrets, self.shop, policy.reply_addresses)
            return _Input(copy, Read(copy, mail, found, written, text_hash))
        except ConnectorError as error:
            if not isinstance(error, MailUnreadable) and error.code not in _NO_BYTES:
                raise
            return _Input(copy, reason=error.code)
        except _OURS as error:
            return _Input(copy, reason=f"internal_{type(error).__name__}")

    def _decision(self, one: _Input, known: Known | None, standing: Standing, shop_facts: ShopFacts) -> Decision:
        if one.read is None or known is None:
            return Decision(MailState.QUARANTINED, one.reason)
        policy = self._policies[one.copy.mailbox]
        try:
            facts = self._evidence.gather(one.read, known, standing, shop_facts, policy)
            read = one.read
            decision = decide(read.copy, read.mail, read.found, facts, policy, self._say, shop_facts.secrets[0])
            decision = self._ruling.apply(read.copy, read.mail, decision, facts, policy).decision
            return _with_hint(read.mail, decision, known)
        except _OURS as error:
            return Decision(MailState.QUARANTINED, f"internal_{type(error).__name__}")

    def _conclude(self, copy: Copy, read: Read | None, decision: Decision) -> None:
        joins = decision.state in (MailState.PENDING, MailState.IMPORTED)
        limits = self._policies.get(copy.mailbox, Policy()).attachments
        if copy.attempts or copy.reason == RETRY:
            take_up(self._outbox, self.shop, decision.intents, self._clock)
        mail = read.mail if read is not None else None
        self._ledger.conclude(
            copy,
            decision.state,
            decision.reason,
            text_hash=read.text_hash if read is not None else "",
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


def _with_hint(mail: Mail, decision: Decision, known: Known) -> Decision:
    """A mail that is set aside carries the thread that its sender wrote in lately, for the person who looks."""
    aside = decision.state in (MailState.QUARANTINED, MailState.IGNORED) and decision.id_thread is None
    if not aside or decision.reason in _KNOWN or not mail.from_addr:
        return decision
    return replace(decision, suggested=suggest(known.recent(mail.from_addr)))


def _at_once(copies: Sequence[Copy]) -> Sequence[Copy]:
    """The first of these, as many as fit into memory well; at least one."""
    total = 0
    for number, copy in enumerate(copies[:_TURN]):
        total += copy.size
        if total > _TURN_BYTES and number:
            return copies[:number]
    return copies[:_TURN]


def take_up(outbox: Outbox, shop: str, intents: Sequence[NewIntent], clock: Clock) -> None:
    """Decided anew after a replay from the quarantine: an old wish that came to nothing gets its new content."""
    for intent in intents:
        earlier = outbox.by_key(shop, intent.key)
        if earlier is not None and earlier.state in (IntentState.FAILED, IntentState.CANCELLED):
            outbox.revive(earlier, intent, clock.now())

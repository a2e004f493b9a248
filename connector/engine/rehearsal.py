"""What rules would do with a mail, tried: the whole decision is made and nothing is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from connector.core.decisions import Decision, Policy, Say
from connector.core.matching import clues
from connector.core.model import Copy, MailState, Role
from connector.core.reconcile import decide
from connector.core.replies import extract
from connector.core.rules import Judged
from connector.engine.evidence import Evidence, ShopFacts
from connector.engine.known import Read
from connector.engine.ports import Clock, Ledger, Lookups, MailCodec, Outbox
from connector.engine.ruling import Ruling
from connector.errors import DataError


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """decided: without rules. ruled: with them. judged: none when no rule is asked for such a mail."""

    decided: Decision
    ruled: Decision
    judged: tuple[Judged, ...]


class Rehearsal:
    """Of one shop. policies: mailbox name -> its settings. Nothing is written, not even the log."""

    def __init__(
        self,
        shop: str,
        facts: Callable[[], ShopFacts],
        policies: Mapping[str, Policy],
        ledger: Ledger,
        lookups: Lookups,
        outbox: Outbox,
        codec: MailCodec,
        say: Say,
        clock: Clock,
        ruling: Ruling,
    ) -> None:
        self.shop = shop
        self._facts = facts
        self._policies = policies
        self._codec = codec
        self._say = say
        self._clock = clock
        self._ruling = ruling
        self._evidence = Evidence(shop, ledger, lookups, outbox, _Silent(), clock)

    def run(self, raw: bytes, mailbox: str = "") -> Rehearsed:
        """The mail as if it came into a customers' folder of this mailbox (the first one) for the first time.

        Raises MailUnreadable, and DataError for a mailbox that the settings do not have."""
        policy = self._policies.get(mailbox) if mailbox else next(iter(self._policies.values()), Policy())
        if policy is None:
            raise DataError("rules.unknown_mailbox", name=mailbox, known=", ".join(self._policies))
        mail, known = self._codec.decode(raw), self._facts()
        copy = self._copy(raw, mailbox)
        found = clues(mail, known.secrets, self.shop, policy.reply_addresses)
        read, standing = Read(copy, mail, found, extract(mail.text, mail.subject).new, ""), self._evidence.standing()
        facts = self._evidence.gather(read, self._evidence.known([read]), standing, known, policy)
        # It may have come long ago: then the ledger and the shop know it, and it would be a copy of itself.
        facts = replace(facts, same_key=(), same_id=(), in_shop=None, too_many="", busy_threads=frozenset())
        decided = decide(copy, mail, found, facts, policy, self._say, known.secrets[0])
        ruled = self._ruling.apply(copy, mail, decided, facts, policy)
        return Rehearsed(decided, ruled.decision, tuple(ruled.judged))

    def _copy(self, raw: bytes, mailbox: str) -> Copy:
        about = self._codec.identify(raw)
        return Copy(
            id=0,
            shop=self.shop,
            mailbox=mailbox,
            folder="",
            role=Role.CUSTOMERS,
            uidvalidity=0,
            uid=0,
            internaldate=self._clock.now(),
            size=len(raw),
            mail_key=about.mail_key,
            message_id=about.message_id,
            from_addr=about.from_addr,
            subject=about.subject,
            state=MailState.RECEIVED,
            reason="",
            backfill=False,
            blob="",
        )


class _Silent:
    def emit(self, name: str, /, **keys: object) -> None:
        """Nothing happened."""

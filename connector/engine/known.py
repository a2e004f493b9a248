"""What mirror and ledger know of many mails, asked in a few questions instead of a dozen for each.

Holds for one transaction. What is stored in it meanwhile is asked anew: `stored` says of which mails that is true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.core import identity
from connector.core.guards import LOOP_LIMIT, THREAD_LIMIT, mail_loop, thread_loop
from connector.core.matching import Clues
from connector.core.model import Copy, Customer, Mail, Message, Thread
from connector.engine.ports import Ledger, Lookups

LOOP_WINDOW = timedelta(hours=2)
RECENT = timedelta(days=30)
"""How long ago the last message of a thread may be for it to be suggested."""
MOST = 5  # threads of one kind of proof that are looked at


@dataclass(frozen=True, slots=True)
class Read:
    """A mail that was decoded. written: what its writer newly wrote; text_hash: of that."""

    copy: Copy
    mail: Mail
    found: Clues
    written: str
    text_hash: str

    @property
    def thread_ids(self) -> tuple[int, ...]:
        """Threads that it names, whether or not it proves to belong there."""
        named = self.found.thread_ids[:MOST] if self.found.tokens else ()
        return (*self.found.signed[:MOST], *self.found.addressed[:MOST], *named)


class Known:
    """Of these mails of one shop. now: aware, what is recent depends on it."""

    def __init__(self, shop: str, mails: Sequence[Read], ledger: Ledger, lookups: Lookups, now: datetime) -> None:
        self._shop = shop
        self._ledger = ledger
        self._lookups = lookups
        self._threads = lookups.threads(shop, {i for one in mails for i in one.thread_ids})
        self._by_token = lookups.threads_by_tokens(shop, {token for one in mails for token in one.found.tokens})
        senders = {one.mail.from_addr for one in mails} - {""}
        self._customers = lookups.customers_by_emails(shop, senders)
        self._recent = lookups.recent_threads(shop, senders, now - RECENT)
        references = {identity.reference(one.copy.mail_key) for one in mails}
        self._messages = lookups.messages_by_references(shop, references)
        self._keys = {one.copy.mail_key for one in mails}
        self._ids = {i for one in mails for i in (one.mail.message_id, *one.found.references)} - {""}
        mine = [one.copy for one in mails]  # as they were read a moment ago; who moves one since spoils our decision
        besides = [copy.id for copy in mine]
        self._same_mail: dict[str, list[Copy]] = {}
        for copy in _by_id(mine + ledger.same_mails(shop, self._keys, besides)):
            self._same_mail.setdefault(copy.mail_key, []).append(copy)
        self._by_id: dict[str, list[Copy]] = {}
        for copy in mine + ledger.by_message_id(shop, sorted(self._ids), besides):
            self._by_id.setdefault(copy.message_id, []).append(copy)
        dates = [one.copy.internaldate for one in mails]
        since, upto = min(dates) - LOOP_WINDOW, max(dates)
        self._senders = ledger.counts_from(shop, {one.copy.from_addr for one in mails} - {""}, since, upto)
        near = {t.id for t in self._threads.values()} | {t.id for found in self._by_token.values() for t in found}
        self._counted = near
        self._filed = Counter(ledger.counts_in_threads(shop, near, since, upto))

    def stored(self, copy: Copy, thread_id: int | None) -> None:
        """A decision on this copy is in the ledger now."""
        self._keys.discard(copy.mail_key)
        self._ids.discard(copy.message_id)
        if thread_id is not None:
            self._filed[thread_id] += 1

    def threads(self, ids: Sequence[int]) -> list[Thread]:
        return [self._threads[i] for i in ids[:MOST] if i in self._threads]

    def threads_by_token(self, token: str) -> list[Thread]:
        return self._by_token.get(token, [])

    def customers(self, email: str) -> list[Customer]:
        return self._customers.get(email, [])

    def recent(self, email: str) -> list[Thread]:
        """Threads in which this sender, or somebody with them, wrote lately, the newest first."""
        return self._recent.get(email, [])

    def message(self, reference: str) -> Message | None:
        return self._messages.get(reference)

    def same_mail(self, mail_key: str) -> list[Copy]:
        if mail_key in self._keys:
            return self._same_mail.get(mail_key, [])
        return self._ledger.same_mail(self._shop, mail_key)

    def by_message_id(self, ids: Sequence[str]) -> list[Copy]:
        """Oldest first. Long ones are cut in the ledger, so that it has to be asked for them."""
        if not all(i in self._ids and (i in self._by_id or len(i) < 100) for i in ids if i):
            return self._ledger.by_message_id(self._shop, ids)
        return _by_id({copy.id: copy for i in ids for copy in self._by_id.get(i, ())}.values())

    def sent_too_often(self, copy: Copy) -> int:
        """How many mails of its sender came in the window before it, when that is too many; else 0."""
        if self._senders.get(copy.from_addr, 0) <= LOOP_LIMIT:
            return 0
        count = self._ledger.count_from(copy, LOOP_WINDOW)
        return count if mail_loop(count) else 0

    def is_busy(self, copy: Copy, thread_id: int) -> bool:
        """Did so many mails come into this thread of late that machines must be at work?"""
        if thread_id in self._counted and self._filed[thread_id] < THREAD_LIMIT:
            return False
        return thread_loop(self._ledger.count_in_thread(copy, thread_id, LOOP_WINDOW))


def _by_id(copies: Iterable[Copy]) -> list[Copy]:
    return sorted(copies, key=lambda copy: copy.id)

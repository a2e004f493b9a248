"""Which mails of a folder are in scope, and by which numbers the ledger knows them.

In scope are the UIDs since the baseline, with `since` also older mails of that day and later. After a change of numbers
the old ones mean nothing: every mail since the baseline's time is in scope, and copies are recognised by their
mail_key. Reads the server and the ledger, writes nothing: `collect` and `audit` share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo

from connector.core.model import Baseline, Role
from connector.engine.ports import FolderState, Ledger, Mailbox, MailCodec

ANOTHER_COUNT = 2**32
"""Added to the numbering when a server gives numbers anew without saying so: UIDVALIDITY has 32 bits (RFC 3501 9)."""
_WITNESSES = 3  # mails that are compared; numbers given anew are the highest ones, so that one would do


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """One folder to collect. since: mails that came then (UTC) or later are in scope although older than the
    baseline."""

    name: str
    role: Role
    since: datetime | None = None


def since_midnight(day: datetime | None, zone: tzinfo | None) -> datetime | None:
    """00:00 of a day in the shop's zone, as UTC."""
    if day is None:
        return None
    return datetime.combine(day.date(), time.min, zone or UTC).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a folder. known: its UIDs in the ledger; unknown: on the server, in scope and not in the ledger,
    ascending: exactly what is still to be fetched."""

    numbering: int
    known: frozenset[int]
    listed: frozenset[int]  # on the server, in scope or known
    unknown: tuple[int, ...]


class Scope:
    """Looks at the folders of one mailbox for one shop. max_bytes: as for `Mailbox.fetch`."""

    def __init__(self, shop: str, mailbox: str, ledger: Ledger, codec: MailCodec, max_bytes: int) -> None:
        self._shop = shop
        self._mailbox = mailbox
        self._ledger = ledger
        self._codec = codec
        self._max_bytes = max_bytes

    def look(self, box: Mailbox, plan: FolderPlan, state: FolderState, baseline: Baseline) -> Sight:
        """The folder must be open. A numbering other than the baseline's is news that `collect` writes down."""
        numbering = baseline.numbering
        if numbering % ANOTHER_COUNT != state.uidvalidity:
            numbering = numbering - numbering % ANOTHER_COUNT + state.uidvalidity
        sight = self.sight(box, plan, baseline, numbering)
        if self._given_anew(box, plan.name, sight):
            sight = self.sight(box, plan, baseline, numbering + ANOTHER_COUNT)
        return sight

    def sight(self, box: Mailbox, plan: FolderPlan, baseline: Baseline, numbering: int) -> Sight:
        """What is to be fetched under this numbering. Servers search by days in a zone of their own, so the mailbox
        asks one day wider and the exact INTERNALDATE decides."""
        known = self._ledger.known_uids(self._shop, self._mailbox, plan.name, numbering)
        renumbered = numbering != baseline.uidvalidity
        limit = plan.since
        if renumbered:
            limit = min(plan.since, baseline.second) if plan.since else baseline.second
        # The baseline's UIDNEXT belongs to its numbering. When that has changed, dates alone say what is in scope.
        since_baseline = set(box.search(baseline.uidnext)) if numbering == baseline.numbering else set()
        listed, certain = set(since_baseline), since_baseline - known
        dated: set[int] = set()
        if limit is not None:
            wide = set(box.search(1, limit))
            marks = box.marks(sorted(wide - known - certain))
            dated = {uid for uid, mark in marks.items() if mark.internaldate >= limit}
            listed |= (wide & known) | dated
        return Sight(numbering, frozenset(known), frozenset(listed), tuple(sorted(certain | dated)))

    def _given_anew(self, box: Mailbox, folder: str, sight: Sight) -> bool:
        """Does a known UID mean another mail now? A mailbox restored from a backup gives the numbers of the mails that
        came after the backup to the next ones. Asked by date and size; what differs there is read."""
        witnesses = sorted(sight.known & sight.listed)[-_WITNESSES:]
        if not witnesses:
            return False
        marks = box.marks(witnesses)
        copies = {c.uid: c for c in self._ledger.at(self._shop, self._mailbox, folder, sight.numbering, witnesses)}
        doubted = [
            uid
            for uid, mark in marks.items()
            if uid in copies and (mark.internaldate, mark.size) != (copies[uid].internaldate, copies[uid].size)
        ]
        if not doubted:
            return False
        found = {item.uid: self._codec.identify(item.raw).mail_key for item in box.fetch(doubted, self._max_bytes)}
        return any(key != copies[uid].mail_key for uid, key in found.items())

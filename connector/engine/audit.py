"""The audit of a mailbox: each folder on the server beside the ledger, mail by mail. Writes nothing on either side.

`collect` proves after each run that nothing is missing; this shows it to a person, whenever they ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.core.model import Baseline, Copy, MailState
from connector.engine.ports import Ledger, Mailbox, MailCodec, Outbox
from connector.engine.scope import FolderPlan, Scope
from connector.errors import ConnectorError, MailboxMisconfigured


@dataclass(frozen=True, slots=True)
class Missing:
    """A mail in scope on the server that the ledger lacks; message_id, from_addr and subject as its header says."""

    uid: int
    internaldate: datetime
    size: int
    message_id: str
    from_addr: str
    subject: str


@dataclass(slots=True)
class FolderAudit:
    """baseline None: never collected, so nothing is in scope yet. in_scope: UIDs on the server that must have a row.
    states: rows by state, under whatever numbering. stuck: undecided though mails were decided on since; unexplained:
    pending without a change that would carry them on. gone: rows whose mail is not in the folder any more, which is no
    fault. renumbered: the server gave its UIDs anew since the last collection."""

    mailbox: str
    folder: str
    baseline: Baseline | None = None
    uidvalidity: int = 0
    on_server: int = 0
    in_scope: int = 0
    states: dict[str, int] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    stuck: list[Copy] = field(default_factory=list)
    unexplained: list[Copy] = field(default_factory=list)
    gone: list[Copy] = field(default_factory=list)
    renumbered: bool = False
    error: ConnectorError | None = None

    @property
    def holds(self) -> bool:
        """Is every mail accounted for?"""
        return not (self.missing or self.stuck or self.unexplained)


class Audit:
    """Of one mailbox of a shop. connect, folders, max_bytes: as for `Collect`. decided_at: when mails were last decided
    on (UTC), None if never."""

    def __init__(
        self,
        shop: str,
        mailbox: str,
        connect: Callable[[], Mailbox],
        folders: Callable[[], Sequence[FolderPlan]],
        ledger: Ledger,
        outbox: Outbox,
        codec: MailCodec,
        max_bytes: int,
        decided_at: Callable[[], datetime | None],
    ) -> None:
        self._shop = shop
        self._mailbox = mailbox
        self._connect = connect
        self._folders = folders
        self._ledger = ledger
        self._outbox = outbox
        self._codec = codec
        self._scope = Scope(shop, mailbox, ledger, codec, max_bytes)
        self._decided_at = decided_at

    def run(self) -> list[FolderAudit]:
        """A folder that cannot be looked at tells its `error`. Raises ConnectorError when the mailbox cannot be."""
        found = []
        with self._connect() as box:
            for plan in self._folders():
                here = FolderAudit(self._mailbox, plan.name)
                found.append(here)
                try:
                    self._look(box, plan, here)
                except MailboxMisconfigured as error:
                    here.error = error
        return found

    def _look(self, box: Mailbox, plan: FolderPlan, here: FolderAudit) -> None:
        state = box.select(plan.name)
        here.uidvalidity, here.on_server = state.uidvalidity, state.exists
        here.states = self._ledger.folder_states(self._shop, self._mailbox, plan.name)
        here.baseline = self._ledger.baseline(self._shop, self._mailbox, plan.name)
        if here.baseline is None:
            return
        sight = self._scope.look(box, plan, state, here.baseline)
        here.renumbered = sight.numbering != here.baseline.numbering
        here.in_scope = len(sight.listed)
        here.missing = self._missing(box, sight.unknown)
        gone = sorted(sight.known - set(box.search(1)))
        here.gone = self._ledger.at(self._shop, self._mailbox, plan.name, sight.numbering, gone)
        decided_at = self._decided_at()
        undecided = self._ledger.stuck(self._shop, decided_at) if decided_at is not None else []
        here.stuck = [copy for copy in undecided if self._is_here(copy, plan)]
        pending = self._ledger.listing(self._shop, [MailState.PENDING], 100_000)
        here.unexplained = [c for c in pending if self._is_here(c, plan) and not self._outbox.of_copy(c.id)]

    def _is_here(self, copy: Copy, plan: FolderPlan) -> bool:
        return (copy.mailbox, copy.folder) == (self._mailbox, plan.name)

    def _missing(self, box: Mailbox, uids: Sequence[int]) -> list[Missing]:
        marks, heads = box.marks(uids), box.heads(uids)
        found = []
        for uid in sorted(marks):
            who = self._codec.identify(heads.get(uid, b""))
            mark = marks[uid]
            found.append(Missing(uid, mark.internaldate, mark.size, who.message_id, who.from_addr, who.subject))
        return found

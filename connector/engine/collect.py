"""The collect leg: copies of mails from a mailbox into the ledger, and the proof that none is missing.

Fetches and stores bytes; does not decode a mail's text and decides nothing (`join` does). Never touches a flag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from connector.core.model import Baseline
from connector.engine.fetching import Fetching
from connector.engine.ports import Clock, Events, Fetched, FolderState, Ledger, Mailbox, MailCodec, NewCopy
from connector.engine.scope import FolderPlan, Scope, Sight
from connector.errors import ConnectorError, MailboxMisconfigured, MailboxUnavailable
from connector.ops import events as ev

BATCH = 50  # mails a transaction


@dataclass(frozen=True, slots=True)
class FolderReport:
    mailbox: str
    folder: str
    new: int = 0  # in scope and not in the ledger when the run began
    fetched: int = 0
    missing: int = 0  # on the server, in scope, not in the ledger: must be 0
    baselined: bool = False
    error: ConnectorError | None = None


@dataclass(slots=True)
class CollectReport:
    folders: list[FolderReport] = field(default_factory=list)

    @property
    def fetched(self) -> int:
        return sum(f.fetched for f in self.folders)

    @property
    def missing(self) -> int:
        return sum(f.missing for f in self.folders)

    @property
    def errors(self) -> list[ConnectorError]:
        return [f.error for f in self.folders if f.error is not None]


class Collect:
    """Collects the folders of one mailbox for one shop. max_bytes: of a larger mail only header and text are taken."""

    def __init__(
        self,
        shop: str,
        mailbox_name: str,
        connect: Callable[[], Mailbox],
        folders: Callable[[], Sequence[FolderPlan]],
        ledger: Ledger,
        codec: MailCodec,
        events: Events,
        clock: Clock,
        max_bytes: int,
    ) -> None:
        self.shop = shop
        self.mailbox_name = mailbox_name
        self.folders = folders
        self._connect = connect
        self._ledger = ledger
        self._codec = codec
        self._events = events
        self._clock = clock
        self._scope = Scope(shop, mailbox_name, ledger, codec, max_bytes)
        self._fetching = Fetching(max_bytes)

    def run(self, stop: Callable[[], bool] = lambda: False) -> CollectReport:
        """Collect every folder; one broken folder stops no other, a broken mailbox ends this run only."""
        report = CollectReport()
        try:
            with self._connect() as box:
                for plan in self.folders():
                    if stop():
                        break
                    try:
                        report.folders.append(self._folder(box, plan, stop))
                    except ConnectorError as error:
                        report.folders.append(self._failed(plan.name, error))
                        if not isinstance(error, MailboxMisconfigured):  # a wrong folder is its own affair
                            break
        except ConnectorError as error:
            report.folders.append(self._failed("", error))
        return report

    def _failed(self, folder: str, error: ConnectorError) -> FolderReport:
        self._say_failed(folder, error)
        return FolderReport(self.mailbox_name, folder, error=error)

    def _say_failed(self, folder: str, error: ConnectorError) -> None:
        self._events.emit(
            ev.FOLDER_FAILED,
            mailbox=self.mailbox_name,
            folder=folder,
            error_class=type(error).__name__,
            error=error.code,
        )

    def _folder(self, box: Mailbox, plan: FolderPlan, stop: Callable[[], bool]) -> FolderReport:
        state = box.select(plan.name)
        baseline, fresh = self._baseline(plan, state)
        sight = self._scope.look(box, plan, state, baseline)
        if sight.numbering != baseline.numbering:
            self._events.emit(ev.UIDVALIDITY_CHANGED, mailbox=self.mailbox_name, folder=plan.name)
            baseline = replace(baseline, numbering=sight.numbering, uidnext=state.uidnext)
            self._ledger.set_baseline(self.shop, self.mailbox_name, plan.name, baseline)
        fetched, failure = self._fetch(box, plan, state, baseline, sight, stop)
        missing = 0
        if sight.unknown and not stop():
            missing = self._proof(box, plan, state, baseline, sight)
        if missing:
            self._events.emit(ev.ACCOUNTING_MISMATCH, mailbox=self.mailbox_name, folder=plan.name, missing=missing)
        if failure is not None:
            self._say_failed(plan.name, failure)
        else:
            self._events.emit(
                ev.FOLDER_COLLECTED,
                mailbox=self.mailbox_name,
                folder=plan.name,
                new=len(sight.unknown),
                fetched=fetched,
                missing=missing,
            )
        return FolderReport(self.mailbox_name, plan.name, len(sight.unknown), fetched, missing, fresh, failure)

    def _fetch(
        self,
        box: Mailbox,
        plan: FolderPlan,
        state: FolderState,
        baseline: Baseline,
        sight: Sight,
        stop: Callable[[], bool],
    ) -> tuple[int, MailboxUnavailable | None]:
        """How many mails were entered, and why others could not be had. What arrived is entered in any case."""
        fetched = 0
        batch: list[NewCopy] = []
        failure = None
        try:
            for item in self._fetching.fetch(box, plan.name, state.uidvalidity, sight.unknown):
                batch.append(self._copy(plan, baseline, item))
                if len(batch) >= BATCH:
                    fetched += self._enter(batch)
                    batch = []
                    if stop():
                        break
        except MailboxUnavailable as error:
            failure = error
        return fetched + self._enter(batch), failure

    def _copy(self, plan: FolderPlan, baseline: Baseline, item: Fetched) -> NewCopy:
        old = item.uid < baseline.uidnext
        if baseline.numbering != baseline.uidvalidity:
            old = old and item.internaldate < baseline.second
        return NewCopy(
            mailbox=self.mailbox_name,
            folder=plan.name,
            role=plan.role,
            uidvalidity=baseline.numbering,
            uid=item.uid,
            internaldate=item.internaldate,
            size=item.size,
            identity=self._codec.identify(item.raw),
            raw=item.raw,
            backfill=old,
            omitted=item.omitted,
        )

    def _proof(self, box: Mailbox, plan: FolderPlan, state: FolderState, baseline: Baseline, before: Sight) -> int:
        """How many of the mails that the first look found are on the server still and not in the ledger. What came in
        between is for the next run. The second look costs something only when something was to be fetched."""
        box.reopen(plan.name, state.uidvalidity)
        after = self._scope.sight(box, plan, baseline, baseline.numbering)
        return len(set(before.unknown) & set(after.unknown))

    def _enter(self, batch: Sequence[NewCopy]) -> int:
        return self._ledger.enter(self.shop, batch) if batch else 0

    def _baseline(self, plan: FolderPlan, state: FolderState) -> tuple[Baseline, bool]:
        """The line drawn at the first SELECT. Its time never moves, also when the numbers change."""
        stored = self._ledger.baseline(self.shop, self.mailbox_name, plan.name)
        if stored is not None:
            return stored, False
        baseline = Baseline(state.uidvalidity, state.uidnext, self._clock.now(), state.uidvalidity)
        self._ledger.set_baseline(self.shop, self.mailbox_name, plan.name, baseline)
        self._events.emit(ev.FOLDER_BASELINED, mailbox=self.mailbox_name, folder=plan.name, existing=state.exists)
        return baseline, True

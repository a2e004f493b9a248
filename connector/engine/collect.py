"""The collect leg: copies of mails from a mailbox into the ledger, and the proof that none is missing.

Fetches and stores bytes; does not decode a mail's text and decides nothing (`join` does). Never touches a flag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo

from connector.core.model import Baseline, Role
from connector.engine.ports import Clock, Events, FolderState, Ledger, Mailbox, MailCodec, NewCopy
from connector.errors import ConnectorError, Scope
from connector.ops import events as ev

BATCH = 50  # mails a transaction


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """One folder to collect. since: a date; mails of that day and later are in scope although older than the
    baseline. zone: in which a day of `since` begins."""

    name: str
    role: Role
    since: datetime | None = None


def since_midnight(day: datetime | None, zone: tzinfo | None) -> datetime | None:
    """00:00 of a day in the shop's zone, as UTC."""
    if day is None:
        return None
    return datetime.combine(day.date(), time.min, zone or UTC).astimezone(UTC)


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
    """Collects the folders of one mailbox for one shop."""

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
    ) -> None:
        self.shop = shop
        self.mailbox_name = mailbox_name
        self.folders = folders
        self._connect = connect
        self._ledger = ledger
        self._codec = codec
        self._events = events
        self._clock = clock

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
                        if error.scope is not Scope.FOLDER:
                            break
        except ConnectorError as error:
            report.folders.append(self._failed("", error))
        return report

    def _failed(self, folder: str, error: ConnectorError) -> FolderReport:
        self._events.emit(
            ev.FOLDER_FAILED,
            mailbox=self.mailbox_name,
            folder=folder,
            error_class=type(error).__name__,
            error=error.code,
        )
        return FolderReport(self.mailbox_name, folder, error=error)

    def _folder(self, box: Mailbox, plan: FolderPlan, stop: Callable[[], bool]) -> FolderReport:
        state = box.select(plan.name)
        baseline, fresh = self._baseline(plan, state)
        new = self._unknown_in_scope(box, plan, state, baseline)
        fetched = 0
        batch: list[NewCopy] = []
        for item in box.fetch(new):
            renumbered = state.uidvalidity != baseline.uidvalidity
            batch.append(
                NewCopy(
                    mailbox=self.mailbox_name,
                    folder=plan.name,
                    role=plan.role,
                    uidvalidity=state.uidvalidity,
                    uid=item.uid,
                    internaldate=item.internaldate,
                    size=item.size,
                    identity=self._codec.identify(item.raw),
                    raw=item.raw,
                    backfill=item.internaldate < baseline.at if renumbered else item.uid < baseline.uidnext,
                )
            )
            if len(batch) >= BATCH:
                fetched += self._enter(batch)
                batch = []
                if stop():
                    break
        fetched += self._enter(batch)
        missing = 0
        if new and not stop():  # the proof costs a second look only when something was to be fetched
            missing = len(self._unknown_in_scope(box, plan, state, baseline))
        if missing:
            self._events.emit(ev.ACCOUNTING_MISMATCH, mailbox=self.mailbox_name, folder=plan.name, missing=missing)
        report = FolderReport(self.mailbox_name, plan.name, len(new), fetched, missing, fresh)
        self._events.emit(
            ev.FOLDER_COLLECTED,
            mailbox=self.mailbox_name,
            folder=plan.name,
            new=len(new),
            fetched=fetched,
            missing=missing,
        )
        return report

    def _enter(self, batch: Sequence[NewCopy]) -> int:
        return self._ledger.enter(self.shop, batch) if batch else 0

    def _baseline(self, plan: FolderPlan, state: FolderState) -> tuple[Baseline, bool]:
        """The line drawn at the first SELECT; it never moves, also when UIDVALIDITY changes."""
        stored = self._ledger.baseline(self.shop, self.mailbox_name, plan.name)
        if stored is not None:
            if stored.uidvalidity != state.uidvalidity:
                self._events.emit(ev.UIDVALIDITY_CHANGED, mailbox=self.mailbox_name, folder=plan.name)
            return stored, False
        baseline = Baseline(state.uidvalidity, state.uidnext, self._clock.now())
        self._ledger.set_baseline(self.shop, self.mailbox_name, plan.name, baseline)
        self._events.emit(ev.FOLDER_BASELINED, mailbox=self.mailbox_name, folder=plan.name, existing=state.exists)
        return baseline, True

    def _unknown_in_scope(self, box: Mailbox, plan: FolderPlan, state: FolderState, baseline: Baseline) -> list[int]:
        """UIDs that are on the server, in scope and not in the ledger: exactly what is still to be fetched.

        In scope are the UIDs since the baseline, with `since` also older mails of that day and later. After a change
        of UIDVALIDITY the old numbers mean nothing: every mail since the baseline's time is in scope, and copies are
        recognised by their mail_key. Servers search by days in a zone of their own, so the mailbox asks one day wider
        and the exact INTERNALDATE decides.
        """
        known = self._ledger.known_uids(self.shop, self.mailbox_name, plan.name, state.uidvalidity)
        renumbered = state.uidvalidity != baseline.uidvalidity
        limit = plan.since
        if renumbered:
            limit = min(plan.since, baseline.at) if plan.since else baseline.at
        certain = set() if renumbered else set(box.search(baseline.uidnext)) - known
        if limit is None:
            return sorted(certain)
        asked = set(box.search(1, limit)) - known - certain
        dated = {uid for uid, at in box.dates(sorted(asked)).items() if at >= limit}
        return sorted(certain | dated)

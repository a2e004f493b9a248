"""Opening the mirror: the one entrance of this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.core.mapping import Resource
from connector.mirror import keepsake, migrations, remembered, search, tables, views
from connector.mirror.attachments import SqlAttachments
from connector.mirror.conflicts import SqlConflicts
from connector.mirror.contents import SqlContents
from connector.mirror.database import Database, parse, utc_now
from connector.mirror.dialect import migration_lock, refuse_encoding
from connector.mirror.differences import SqlDifferences
from connector.mirror.duplicates import SqlDuplicates
from connector.mirror.inbox import Inbox
from connector.mirror.leases import SqlLeases
from connector.mirror.ledger import SqlLedger
from connector.mirror.lookups import SqlLookups
from connector.mirror.meta import Meta
from connector.mirror.outbox import SqlOutbox
from connector.mirror.privacy import SqlPrivacy
from connector.mirror.quarantine import Quarantine
from connector.mirror.queries import Queries
from connector.mirror.retention import SqlRetention
from connector.mirror.rows import SqlRows
from connector.mirror.runs import SqlRuns
from connector.mirror.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Mirror:
    """An open mirror. Threads share it. `changes`: what opening it changed in the schema, a line each, for the log."""

    database: Database
    rows: SqlRows
    contents: SqlContents
    differences: SqlDifferences
    lookups: SqlLookups
    ledger: SqlLedger
    attachments: SqlAttachments
    outbox: SqlOutbox
    conflicts: SqlConflicts
    duplicates: SqlDuplicates
    leases: SqlLeases
    runs: SqlRuns
    quarantine: Quarantine
    queries: Queries
    waiting: Waiting
    inbox: Inbox
    privacy: SqlPrivacy
    retention: SqlRetention
    meta: Meta
    changes: tuple[str, ...] = ()

    def close(self) -> None:
        self.database.close()


def open_mirror(
    url: str,
    resources: Sequence[Resource],
    *,
    password: str = "",
    holder: str = "",
    wait: float = 15.0,
    now: Callable[[], datetime] = utc_now,
) -> Mirror:
    """Open the mirror at an SQLAlchemy URL, make or widen its tables, and hand out its parts.

    When nothing has to be made this only reads, so a reading command starts while a daemon writes.
    password: of the database's user; a URL that carries one is shown. holder: the name that this process takes leases
    under; with one, what only a shop's worker may write is written only while it holds the lease.
    wait: seconds to wait for another writer. now: the clock that stamps rows.

    Raises SettingsError (URL, driver, no such database, its encoding), MappingError (names or types that clash),
    CannotCreate, NotPermitted, MirrorUnavailable and StateError (see `files.prepare`, `faults`; `mirror.newer_schema`
    when a newer program wrote the database).
    """
    mirrored = tables.build(resources)
    database = Database(url, password=password, holder=holder, wait=wait, now=now)
    try:
        changes = _bring_up_to_date(database, mirrored)
    except BaseException:
        database.close()
        raise
    return Mirror(
        database=database,
        rows=SqlRows(database, mirrored),
        contents=SqlContents(database, mirrored),
        differences=SqlDifferences(database),
        lookups=SqlLookups(database, mirrored),
        ledger=SqlLedger(database),
        attachments=SqlAttachments(database),
        outbox=SqlOutbox(database),
        conflicts=SqlConflicts(database),
        duplicates=SqlDuplicates(database, mirrored),
        leases=SqlLeases(database),
        runs=SqlRuns(database),
        quarantine=Quarantine(database),
        queries=Queries(database, mirrored),
        waiting=Waiting(database, mirrored),
        inbox=Inbox(database, mirrored, search.Search(mirrored)),
        privacy=SqlPrivacy(database, mirrored),
        retention=SqlRetention(database),
        meta=Meta(database),
        changes=tuple(changes),
    )


def is_there(url: str, *, password: str = "") -> bool:
    """Has somebody made a mirror at this URL? Makes nothing. Raises as `open_mirror`."""
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(parsed.database or "").exists()
    database = Database(url, password=password)
    try:
        with database.read() as connection:
            return migrations.current(connection) is not None
    finally:
        database.close()


def _bring_up_to_date(database: Database, mirrored: tables.MirroredTables) -> list[str]:
    with database.read() as connection:
        refuse_encoding(connection, database.name)
        current = migrations.current(connection) == migrations.HEAD
        nothing_to_make = current and not tables.missing(connection, mirrored).ddl
        nothing_to_make = nothing_to_make and not search.missing(connection, mirrored)
        nothing_to_make = nothing_to_make and views.are_current(connection, mirrored)
        if nothing_to_make and remembered.is_current(connection, mirrored.resources):
            return []
    with database.write() as connection:
        migration_lock(connection)  # and look again: another process may have been first
        changes: list[str] = []
        if database.is_sqlite and migrations.is_behind(connection):
            copy = keepsake.keep(database, migrations.current(connection) or "")
            changes.append(f"kept {copy.name}")
        views.drop(connection)
        changes += migrations.upgrade(connection, database.name)
        plan = tables.missing(connection, mirrored)
        plan.reread.update(remembered.grown(connection, mirrored))
        plan.moved.update(remembered.moved(connection, mirrored))
        tables.apply(connection, mirrored, plan)
        if indexing := search.missing(connection, mirrored):
            search.make(connection, indexing)
        views.make(connection, mirrored)
        remembered.remember(connection, mirrored.resources)
        return changes + plan.changes

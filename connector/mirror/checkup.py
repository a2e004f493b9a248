"""A mirror looked at as it stands: is it whole, how large, what does it say? Brings nothing up to date."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from connector.core.mapping import Resource
from connector.errors import StateError
from connector.mirror import migrations, tables
from connector.mirror.database import Database
from connector.mirror.db import is_there
from connector.mirror.leases import SqlLeases
from connector.mirror.ledger import SqlLedger
from connector.mirror.lookups import SqlLookups
from connector.mirror.outbox import SqlOutbox
from connector.mirror.overview import Overview
from connector.mirror.rows import SqlRows
from connector.mirror.runs import SqlRuns


@dataclass(frozen=True, slots=True)
class Checkup:
    """revision: of its schema, '' before the first; damage: the database's own words, '' for none. size: bytes; room:
    bytes free beside it, None on a server. The parts answer only when the revision is `known` and the file whole."""

    name: str
    revision: str
    known: str
    damage: str
    size: int
    room: int | None
    lookups: SqlLookups
    leases: SqlLeases
    outbox: SqlOutbox
    ledger: SqlLedger
    rows: SqlRows
    runs: SqlRuns
    overview: Overview


@contextmanager
def checkup(url: str, resources: Sequence[Resource], *, password: str = "") -> Iterator[Checkup | None]:
    """None: there is no mirror yet. SQLite's quick check reads the whole file. Raises as `open_mirror`."""
    if not is_there(url, password=password):
        yield None
        return
    database = Database(url, password=password)
    try:
        mirrored = tables.build(resources)
        damage = _damage(database)
        with database.read() as connection:
            revision = "" if damage else migrations.current(connection) or ""
        yield Checkup(
            name=database.name,
            revision=revision,
            known=migrations.HEAD,
            damage=damage,
            size=_size(database),
            room=shutil.disk_usage(Path(database.name).parent).free if database.is_sqlite else None,
            lookups=SqlLookups(database, mirrored),
            leases=SqlLeases(database),
            outbox=SqlOutbox(database),
            ledger=SqlLedger(database),
            rows=SqlRows(database, mirrored),
            runs=SqlRuns(database),
            overview=Overview(database),
        )
    finally:
        database.close()


def _damage(database: Database) -> str:
    if not database.is_sqlite:
        return ""
    try:
        with database.read() as connection:
            found = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
    except StateError as error:
        if error.code != "mirror.damaged":
            raise
        return str(error.facts.get("error", "damaged"))
    # Of what it says only the first line, which names tables and pages.
    return "" if found == "ok" else found.splitlines()[0][:120]


def _size(database: Database) -> int:
    if database.is_sqlite:
        path = Path(database.name)
        return sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())
    with database.read() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

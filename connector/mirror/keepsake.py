"""A copy of a SQLite mirror, made before a newer program changes its schema: the way back to the older program.

It lies beside the mirror as `mirror.db.schema-0005-20260131T120000Z`, with mode 0600; the three newest are kept. Knows
nothing of migrations; whoever migrates asks for it. PostgreSQL's own tools (pg_dump) make the copies there.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from connector.errors import ConnectorError, StateError
from connector.mirror.database import Database
from connector.mirror.faults import translated

KEPT = 3


def keep(database: Database, revision: str) -> Path:
    """Copy the mirror as its last commit left it; the caller holds the write transaction, so nothing is added
    meanwhile. Returns the copy's path, which is on disk.

    Raises StateError `mirror.no_keepsake`: without a copy nothing is to be changed.
    """
    mirror = Path(database.name)
    stamp = database.now().strftime("%Y%m%dT%H%M%SZ")
    copy = mirror.with_name(f"{mirror.name}.schema-{revision}-{stamp}")
    draft = mirror.with_name(f".{copy.name}.part")
    try:
        with translated(database.name):
            copy_to(database, draft)
            os.replace(draft, copy)
            flush(mirror.parent)
    except ConnectorError as error:
        raise StateError(
            "mirror.no_keepsake", mirror=database.name, copy=str(copy), error=error.facts.get("error", error.code)
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    for old in kept(mirror)[:-KEPT]:
        old.unlink(missing_ok=True)
    return copy


def kept(mirror: Path) -> list[Path]:
    """The copies beside a mirror, the oldest first."""
    return sorted(mirror.parent.glob(f"{mirror.name}.schema-*"), key=lambda path: path.name.rpartition("-")[2])


def copy_to(database: Database, draft: Path) -> None:
    """By SQLite itself, page by page, through a connection of the pool: to open the file here would drop the locks that
    SQLite holds on it (see `files.prepare`)."""
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    source = database.engine.raw_connection()
    try:
        with closing(sqlite3.connect(draft)) as target:
            target.execute("PRAGMA journal_mode=OFF")
            driver = source.driver_connection
            assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
            driver.backup(target)
    finally:
        source.close()
    flush(draft)


def flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

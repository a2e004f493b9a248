"""A SQLite mirror copied while it is in use, and a copy put in a mirror's place. PostgreSQL has tools of its own.

A mirror that comes back is older than the shop: what was planned then may have been done since. So every intent that
was still to be sent is doubtful afterwards (it is looked up by its reference before anything is sent), nothing counts
as read to its end, and mails are decided on only when the shop has been read anew.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, func, or_, update

from connector.core.model import IntentState
from connector.errors import Busy, CannotCreate, DataError, StateError
from connector.mirror import keepsake, migrations
from connector.mirror.database import Database
from connector.mirror.faults import translated
from connector.mirror.own_tables import cursor, lease, meta
from connector.mirror.own_tables import intent as intents

_SIDE_FILES = ("", "-wal", "-shm")


def copy(database: Database, target: Path) -> None:
    """The mirror as its last commit left it, in one file. Writers go on meanwhile; raises StateError."""
    with translated(database.name):
        keepsake.copy_to(database, target)
        with closing(sqlite3.connect(target)) as made:
            made.execute("PRAGMA journal_mode=DELETE")  # one file, whole without a log beside it


def check(source: Path) -> str:
    """The schema's revision of a copy that is whole and ours. Opens it for reading only.

    Raises DataError `restore.not_a_backup`, `restore.damaged` and `restore.newer`.
    """
    if not source.is_file():
        raise DataError("restore.not_a_backup", path=str(source), error="no such file")
    try:
        with closing(_reading(source)) as connection:
            (told,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if told != "ok":
                raise DataError("restore.damaged", path=str(source), error="integrity_check")
            found = connection.execute("SELECT version_num FROM mirror_version").fetchone()
    except sqlite3.DatabaseError as error:
        name = error.sqlite_errorname if hasattr(error, "sqlite_errorname") else type(error).__name__
        code = "restore.damaged" if name == "SQLITE_CORRUPT" else "restore.not_a_backup"
        raise DataError(code, path=str(source), error=name) from None
    revision = str(found[0]) if found else ""
    if not revision or revision > migrations.HEAD:
        raise DataError("restore.newer", path=str(source), found=revision or "unknown", known=migrations.HEAD)
    return revision


def restore(source: Path, mirror: Path, *, force: bool, is_dead: Callable[[str], bool]) -> Path | None:
    """Put a copy in the mirror's place; the one that is there is kept beside it, and its path returned.

    is_dead: is the holder of a lease surely gone? Raises what `check` does, CannotCreate `restore.mirror_exists`
    without force, Busy `restore.busy` while somebody works with the mirror, StateError. Until the last step, which is
    one rename, the old mirror is in force.
    """
    check(source)
    there = mirror.exists()
    if there:
        _must_be_free(mirror, is_dead)
        if not force:
            raise CannotCreate("restore.mirror_exists", mirror=str(mirror))
    draft = mirror.with_name(f".{mirror.name}.restore.part")
    with translated(str(mirror)):
        try:
            for name in _SIDE_FILES:
                Path(f"{draft}{name}").unlink(missing_ok=True)
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with closing(_reading(source)) as there_is, closing(sqlite3.connect(draft)) as made:
                there_is.backup(made)
            database = Database(f"sqlite:///{draft}")
            try:
                adopt(database)
                database.empty_log()
            finally:
                database.close()
            kept = _aside(mirror) if there else None
            os.replace(draft, mirror)
            keepsake.flush(mirror.parent)
        finally:
            for name in _SIDE_FILES:
                Path(f"{draft}{name}").unlink(missing_ok=True)
    return kept


def adopt(database: Database) -> int:
    """A mirror that was brought back, whatever tool did it: see above. Returns how many intents are doubtful by it."""
    waiting = (IntentState.PLANNED.value, IntentState.SENDING.value)
    with database.write() as connection:
        now = database.now()
        connection.execute(delete(lease))
        connection.execute(update(cursor).values(reread=True))
        marks = or_(meta.c.name.endswith(".filled"), meta.c.name.endswith(".verify"))
        connection.execute(delete(meta).where(marks))
        doubtful = {
            "state": IntentState.IN_DOUBT.value,
            "due_at": now,
            "moved_at": now,
            "sent_at": func.coalesce(intents.c.sent_at, intents.c.created_at),
            "error": "outbox.interrupted",
            "error_detail": "",
        }
        return connection.execute(update(intents).where(intents.c.state.in_(waiting)).values(doubtful)).rowcount


def _must_be_free(mirror: Path, is_dead: Callable[[str], bool]) -> None:
    """Nobody holds a lease, nobody writes; its log is in the file then. A mirror that cannot be read is free."""
    try:
        with closing(sqlite3.connect(mirror, timeout=2.0)) as connection:
            now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            query = "SELECT holder FROM lease WHERE expires_at > ?"
            for (holder,) in connection.execute(query, (now,)).fetchall():
                if not is_dead(holder):
                    raise Busy("restore.busy", holder=holder)
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise Busy("restore.busy", holder="somebody writes") from None
    except sqlite3.DatabaseError:
        return


def _aside(mirror: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = mirror.with_name(f"{mirror.name}.replaced-{stamp}")
    if kept.exists():
        raise StateError("mirror.cannot_open", mirror=str(kept), error="is there already")
    for name in _SIDE_FILES[1:]:
        with suppress(FileNotFoundError):
            Path(f"{mirror}{name}").rename(f"{kept}{name}")
    mirror.rename(kept)
    return kept


def _reading(path: Path) -> sqlite3.Connection:
    """Reads without making a file beside it, also from a folder that cannot be written."""
    log = Path(f"{path}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)

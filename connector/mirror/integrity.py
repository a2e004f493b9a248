"""Is the mirror's file sound? SQLite only: PostgreSQL looks after its own."""

from __future__ import annotations

import sqlite3
import time
from enum import StrEnum

from connector.mirror.database import Database
from connector.mirror.faults import translated

_STEPS = 20_000  # of SQLite's machine between two looks at the clock: some milliseconds


class Soundness(StrEnum):
    SOUND = "sound"
    DAMAGED = "damaged"
    UNFINISHED = "unfinished"  # time was up, and nothing bad was found until then
    NOT_OURS = "not_ours"  # PostgreSQL


def look_through(database: Database, seconds: float) -> Soundness:
    """Read the file's structure (`PRAGMA quick_check`), for at most so many seconds. Writers go on meanwhile."""
    if not database.is_sqlite:
        return Soundness.NOT_OURS
    until = time.monotonic() + seconds
    with translated(database.name):
        raw = database.engine.raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
        try:
            driver.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
            (told,) = driver.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorname == "SQLITE_INTERRUPT":
                return Soundness.UNFINISHED
            if error.sqlite_errorname in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
                return Soundness.DAMAGED
            raise
        finally:
            driver.set_progress_handler(None, 0)
            raw.close()
    return Soundness.SOUND if told == "ok" else Soundness.DAMAGED

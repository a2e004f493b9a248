"""Database errors become `connector.errors`: no SQLAlchemy or driver error leaves the mirror.

Facts name the mirror and the database's own error name, never the statement's values: those are personal data.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.errors import ConnectorError, MirrorUnavailable, NotPermitted, SettingsError, StateError

# Primary result codes, https://www.sqlite.org/rescode.html; the extended ones keep them in their low byte.
_SQLITE = {
    sqlite3.SQLITE_BUSY: "mirror.locked",
    sqlite3.SQLITE_LOCKED: "mirror.locked",
    sqlite3.SQLITE_FULL: "mirror.disk_full",
    sqlite3.SQLITE_READONLY: "mirror.read_only",
    sqlite3.SQLITE_CANTOPEN: "mirror.cannot_open",
    sqlite3.SQLITE_PERM: "mirror.cannot_open",
    sqlite3.SQLITE_CORRUPT: "mirror.damaged",
    sqlite3.SQLITE_NOTADB: "mirror.damaged",
    sqlite3.SQLITE_IOERR: "mirror.io_failed",
    sqlite3.SQLITE_CONSTRAINT: "mirror.inconsistent",
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html; whole codes first, then classes.
_POSTGRESQL = {
    "55P03": "mirror.locked",
    "57014": "mirror.locked",
    "40001": "mirror.locked",
    "40P01": "mirror.locked",
    "53100": "mirror.disk_full",
    "25006": "mirror.read_only",
    "25P03": "mirror.unreachable",
    "2BP01": "mirror.view_used",
    "3D000": "mirror.no_database",
    "58030": "mirror.io_failed",
    "42501": "mirror.login_refused",
    "28": "mirror.login_refused",
    "08": "mirror.unreachable",
    "53": "mirror.unreachable",
    "57": "mirror.unreachable",
    "23": "mirror.inconsistent",
    "22": "mirror.value_refused",
    "XX": "mirror.damaged",
}


# Why a connection was not made has no SQLSTATE in libpq (https://www.postgresql.org/docs/current/libpq-status.html),
# only words, and those in the server's language. What is not recognised counts as unreachable, with the words shown.
_NO_CONNECTION = (
    (re.compile(r'database ".*" does not exist'), "mirror.no_database"),
    (
        re.compile(
            r'authentication failed|no password supplied|role ".*" (does not exist|is not permitted)|pg_hba\.conf'
        ),
        "mirror.login_refused",
    ),
    (re.compile(r"permission denied for database"), "mirror.login_refused"),
)

_CLASSES: dict[str, type[ConnectorError]] = {
    "mirror.login_refused": NotPermitted,
    "mirror.no_database": SettingsError,
    "mirror.unreachable": MirrorUnavailable,
}


@contextmanager
def translated(mirror: str) -> Iterator[None]:
    """Run a piece of database work; its errors come out as StateError or NotPermitted. `mirror`: path or safe URL."""
    try:
        yield
    except DBAPIError as error:
        if _is_psycopg(error.orig):  # its text quotes the row that was refused
            raise from_driver(mirror, error.orig) from None
        raise from_driver(mirror, error.orig) from error
    except sqlite3.Error as error:
        raise from_driver(mirror, error) from error
    except PoolTimeout as error:
        raise StateError("mirror.locked", mirror=mirror, error="pool") from error
    except SQLAlchemyError as error:  # a value that a column type refuses, among others
        raise StateError("mirror.value_refused", mirror=mirror, error=type(error).__name__) from error
    except (OverflowError, ValueError, TypeError) as error:
        # Values again: sqlite3 raises OverflowError bare for a whole number beyond 64 bits, a column type ValueError.
        raise StateError("mirror.value_refused", mirror=mirror, error=type(error).__name__) from error
    except OSError as error:
        raise StateError("mirror.io_failed", mirror=mirror, error=error.strerror or "OSError") from error
    except Exception as error:
        if not _is_psycopg(error):  # COPY goes to the driver directly
            raise
        raise from_driver(mirror, error) from None


def from_driver(mirror: str, error: BaseException | None) -> ConnectorError:
    """The error to raise for a driver's own exception."""
    number = getattr(error, "sqlite_errorcode", None)
    if number is not None:
        code = _SQLITE.get(number & 0xFF, "mirror.failed")
        return StateError(code, mirror=mirror, error=getattr(error, "sqlite_errorname", str(number)))
    state = getattr(error, "sqlstate", None)
    if state is not None:
        code = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2], "mirror.failed")
        return _CLASSES.get(code, StateError)(code, mirror=mirror, error=state)
    if _is_psycopg(error) and type(error).__name__ in ("OperationalError", "ConnectionTimeout"):
        said = str(error).rpartition("failed: ")[2].split("\n")[0].strip() or type(error).__name__
        code = next((code for words, code in _NO_CONNECTION if words.search(said)), "mirror.unreachable")
        return _CLASSES[code](code, mirror=mirror, error=said)
    return StateError("mirror.failed", mirror=mirror, error=type(error).__name__)


def _is_psycopg(error: BaseException | None) -> bool:
    return type(error).__module__.partition(".")[0] == "psycopg"

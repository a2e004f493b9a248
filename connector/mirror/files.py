"""The SQLite file: made private before SQLite sees it, refused with a clear reason where it cannot work.

Looks at the file and its directory only; opens no database.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from pathlib import Path

from connector.errors import CannotCreate, NotPermitted, StateError


def prepare(path: Path) -> None:
    """Make sure the mirror's file exists, is ours, has mode 0600 and can be written together with its directory.

    Raises CannotCreate (no such directory), NotPermitted (somebody else's), StateError (read-only, disk full).
    """
    directory = path.parent
    if not directory.is_dir():
        raise CannotCreate("mirror.directory_missing", directory=str(directory))
    _must_be_ours(path if path.exists() else directory)
    # SQLite keeps -wal and -shm beside the file (https://www.sqlite.org/wal.html), so the directory counts as well.
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        raise StateError("mirror.read_only", mirror=str(path), error="directory")
    if path.is_dir():
        raise StateError("mirror.cannot_open", mirror=str(path), error="is a directory")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        raise StateError("mirror.read_only", mirror=str(path), error="file")
    try:
        # Made here with its final mode: SQLite would make it with the umask's and tighten nothing. The side files
        # copy the mode of the main file (os_unix.c, findCreateFileMode).
        # Never opened when it is there: closing any descriptor of a file drops all POSIX locks that this process holds
        # on it, SQLite's among them (https://www.sqlite.org/howtocorrupt.html, 2.2), and another process would then
        # take itself for the last one and remove the log under us.
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise CannotCreate("mirror.cannot_create", mirror=str(path), error=error.strerror or "OSError") from error


def _must_be_ours(what: Path) -> None:
    """Another user's process would leave files behind that the service cannot open again; root is no exception."""
    owner = what.stat().st_uid
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    raise NotPermitted("mirror.not_ours", path=str(what), owner=name)

"""Copies of the mirror and their return, and the look at a mirror that was not closed in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from connector import config
from connector.errors import Busy, CannotCreate, StateError, UsageError
from connector.mirror import backup
from connector.mirror.database import Database, parse
from connector.mirror.integrity import Soundness, look_through
from connector.mirror.leases import SqlLeases
from connector.ops import events as ev
from connector.ops import process

if TYPE_CHECKING:
    from connector.wiring.app import App

CHECK_SECONDS = 10.0
"""The longest that a start waits for the look through the mirror."""

_looked = set[str]()


def mirror_file(settings: config.Settings) -> Path:
    """Raises UsageError `backup.postgres`, whose words name the tools to use instead."""
    url = settings.mirror_url
    if not url.startswith("sqlite:"):
        raise UsageError("backup.postgres", url=url)
    return Path(parse(url).database or "")


def copy_mirror(settings: config.Settings, target: Path) -> None:
    """The mirror, copied into a file that is there and empty. Raises CannotCreate `backup.no_mirror`, StateError."""
    mirror = mirror_file(settings)
    if not mirror.exists():
        raise CannotCreate("backup.no_mirror", mirror=str(mirror))
    database = Database(settings.mirror_url)
    try:
        backup.copy(database, target)
    finally:
        database.close()


def restore_mirror(settings: config.Settings, source: Path, *, force: bool) -> Path | None:
    """Put a copy in the mirror's place; what `mirror.backup.restore` says."""
    return backup.restore(source, mirror_file(settings), force=force, is_dead=process.is_dead)


def adopt_mirror(settings: config.Settings) -> int:
    """Take a mirror for one that was brought back. Raises Busy while somebody works with it."""
    database = Database(settings.mirror_url, password=settings.mirror_password)
    try:
        holders = (SqlLeases(database).holder(name) for name in settings.shops)
        for holder in holders:
            if holder is not None and not process.is_dead(holder):
                raise Busy("restore.busy", holder=holder)
        return backup.adopt(database)
    finally:
        database.close()


def look_after_unclean_stop(app: App) -> None:
    """Look through a file that was not closed in order (a crash, a power cut), once in a process. Raises StateError
    `mirror.damaged`: what is damaged is not written on."""
    database = app.mirror.database
    if not database.was_open or database.name in _looked:
        return
    _looked.add(database.name)
    found = look_through(database, CHECK_SECONDS)
    if found is Soundness.DAMAGED:
        raise StateError("mirror.damaged", mirror=database.name, error="quick_check")
    app.events.emit(ev.MIRROR_CHECKED, outcome=str(found))

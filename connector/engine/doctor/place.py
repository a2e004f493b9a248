"""The state directory and the mirror: whose they are, who may read them, whether they are whole and have room."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from connector.engine.doctor.finding import Finding, attempt, fail, ok, skip, warn
from connector.errors import CheckFound, ConnectorError, NotPermitted, StateError

DIRECTORY, FILES = "state.directory", "state.files"
MIRROR, DISK = "mirror.schema", "mirror.disk"
LOW, FULL = 500_000_000, 20_000_000
"""Bytes of room below which somebody should know, and below which the next write may fail."""


def directory(folder: Path, refused: Callable[[], None]) -> Iterator[Finding]:
    """refused: raises NotPermitted when this process must not work there."""

    def look() -> Iterator[Finding]:
        if not folder.is_dir():
            yield warn(DIRECTORY, "", CheckFound("doctor.no_directory", path=str(folder)))
            return
        refused()
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & 0o077:
            yield warn(DIRECTORY, "", CheckFound("doctor.directory_open", path=str(folder), mode=f"{mode:o}"))
        else:
            yield ok(DIRECTORY, "", DIRECTORY, path=str(folder))

    return attempt(DIRECTORY, "", look)


def files(folder: Path) -> Iterator[Finding]:
    """Whatever lies in the state directory holds secrets or people's data."""

    def look() -> Iterator[Finding]:
        if not folder.is_dir():
            yield skip(FILES, "", "doctor.nothing_there")
            return
        loose, foreign = [], []
        owner = folder.stat().st_uid
        for parent, _, names in os.walk(folder):
            for name in names:
                found = (Path(parent) / name).lstat()
                if stat.S_ISREG(found.st_mode):
                    shown = os.path.relpath(os.path.join(parent, name), folder)
                    loose += [shown] if found.st_mode & 0o077 else []
                    foreign += [shown] if found.st_uid != owner else []
        if foreign:
            yield fail(FILES, "", NotPermitted("doctor.foreign_files", files=_some(foreign), path=str(folder)))
        if loose and folder.stat().st_mode & 0o077:  # else nobody gets that far
            yield warn(FILES, "", CheckFound("doctor.loose_files", files=_some(loose), path=str(folder)))
        if not foreign and not (loose and folder.stat().st_mode & 0o077):
            yield ok(FILES, "", FILES)

    return attempt(FILES, "", look)


def _some(names: list[str]) -> str:
    return ", ".join(sorted(names)[:5]) + (", ..." if len(names) > 5 else "")


@dataclass(frozen=True, slots=True)
class MirrorState:
    """A mirror as it stands. revision, known: its schema's and this program's. damage: what the database says is wrong
    with itself, '' for nothing. size: bytes; room: bytes free beside it, None where it cannot be told."""

    name: str
    revision: str
    known: str
    damage: str
    size: int
    room: int | None

    @property
    def usable(self) -> bool:
        return self.revision == self.known and not self.damage


def mirror(state: MirrorState | ConnectorError | None) -> Iterator[Finding]:
    """state: None when there is no mirror yet; an error when it cannot be opened."""
    if state is None:
        yield skip(MIRROR, "", "doctor.no_mirror")
        return
    if isinstance(state, ConnectorError):
        yield fail(MIRROR, "", state)
        return
    if state.damage:
        yield fail(MIRROR, "", StateError("mirror.damaged", mirror=state.name, error=state.damage))
    elif state.revision > state.known:
        newer = StateError("mirror.newer_schema", mirror=state.name, found=state.revision, known=state.known)
        yield fail(MIRROR, "", newer)
    elif state.revision < state.known:
        yield warn(MIRROR, "", CheckFound("doctor.schema_old", found=state.revision or "none", known=state.known))
    else:
        yield ok(MIRROR, "", MIRROR, revision=state.revision, size=_bytes(state.size))
    if state.room is None:
        yield skip(DISK, "", "doctor.room_unknown")
    elif state.room < FULL:
        yield fail(DISK, "", StateError("doctor.disk_full", mirror=state.name, room=_bytes(state.room)))
    elif state.room < max(LOW, state.size):
        yield warn(DISK, "", CheckFound("doctor.disk_low", mirror=state.name, room=_bytes(state.room)))
    else:
        yield ok(DISK, "", DISK, room=_bytes(state.room))


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"

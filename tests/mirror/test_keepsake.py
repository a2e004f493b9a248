"""Before a newer program changes a SQLite mirror, a copy for the way back is on disk."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from connector.errors import Exit, StateError
from connector.mirror import keepsake, migrations
from connector.mirror.database import Database
from connector.mirror.db import open_mirror
from connector.words import explain

OLD = "0001"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A mirror that the first version left, with something in it."""
    path = tmp_path / "mirror.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as connection:
        migrations.upgrade(connection, database.name, OLD)
        connection.execute(text("INSERT INTO meta (name, value) VALUES ('main.version', '8.2.1')"))
    database.close()
    return path


def upgrade(path: Path, at: Callable[[], datetime] | None = None) -> tuple[str, ...]:
    mirror = open_mirror(f"sqlite:///{path}", [], **({"now": at} if at else {}))
    mirror.close()
    return mirror.changes


def revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM mirror_version").fetchone()[0])


def test_an_older_mirror_is_copied_whole_and_private_before_it_is_changed(old: Path) -> None:
    first, *rest = upgrade(old, lambda: datetime(2026, 1, 31, 12, tzinfo=UTC))
    (copy,) = keepsake.kept(old)
    assert copy.name == f"mirror.db.schema-{OLD}-20260131T120000Z"
    assert first == f"kept {copy.name}"
    assert rest[0] == f"schema {OLD} -> {migrations.HEAD}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert (revision(copy), revision(old)) == (OLD, migrations.HEAD)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT value FROM meta").fetchall() == [("8.2.1",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert list(old.parent.glob("*.part")) == []


def test_the_copy_put_in_place_is_a_mirror_again(old: Path) -> None:
    upgrade(old)
    (copy,) = keepsake.kept(old)
    for side in old.parent.glob("mirror.db-*"):
        side.unlink()
    copy.replace(old)
    assert upgrade(old)[1] == f"schema {OLD} -> {migrations.HEAD}"


def test_a_new_mirror_and_one_that_is_up_to_date_are_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    upgrade(path)
    upgrade(path)
    assert keepsake.kept(path) == []


def test_the_three_newest_copies_stay(old: Path) -> None:
    database = Database(f"sqlite:///{old}", now=lambda: moment)
    for day in range(5):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        with database.write():
            keepsake.keep(database, f"000{5 - day}")  # by their dates, not by their names
    database.close()
    assert [path.name[-16:-8] for path in keepsake.kept(old)] == ["20260103", "20260104", "20260105"]


def test_without_room_for_a_copy_nothing_is_changed_and_the_remedy_is_told(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StateError) as refused:
        upgrade(old)
    assert refused.value.exit is Exit.IO
    what, remedy = explain(refused.value)
    assert "No space left on device" in what
    assert "Make room" in remedy
    assert revision(old) == OLD
    assert [path.name for path in old.parent.glob("*mirror.db*") if "schema" in path.name] == []

"""Opening a mirror, and refusing to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from connector.errors import CannotCreate, ConnectorError, NotPermitted, SettingsError, StateError
from connector.mirror.database import Database
from connector.mirror.db import Mirror, open_mirror
from tests.mirror.test_faults import nobody_may_write


def refusal(url: str) -> ConnectorError:
    with pytest.raises(ConnectorError) as refused:
        open_mirror(url, [], wait=0.05)
    return refused.value


def test_the_file_and_what_lies_beside_it_are_private(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    before = os.umask(0)
    try:
        mirror = open_mirror(f"sqlite:///{path}", [])
        mirror.meta.set("a", "b")
    finally:
        os.umask(before)
    found = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    mirror.close()
    assert found == {"mirror.db": 0o600, "mirror.db-wal": 0o600, "mirror.db-shm": 0o600}


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    path.touch(0o644)
    open_mirror(f"sqlite:///{path}", []).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    error = refusal(f"sqlite:///{tmp_path}/nowhere/mirror.db")
    assert isinstance(error, CannotCreate)
    assert (error.code, error.facts) == ("mirror.directory_missing", {"directory": f"{tmp_path}/nowhere"})
    assert not (tmp_path / "nowhere").exists()


def test_another_users_state_is_refused_with_the_users_name(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    for what in (tmp_path, tmp_path / "mirror.db"):
        (tmp_path / "mirror.db").unlink(missing_ok=True)
        if what != tmp_path:
            what.touch()
        os.chown(what, 65534, -1)
        error = refusal(f"sqlite:///{tmp_path / 'mirror.db'}")
        assert isinstance(error, NotPermitted)
        assert (error.code, error.facts["owner"]) == ("mirror.not_ours", "nobody")
        os.chown(what, 0, -1)


def test_a_file_that_nobody_may_write_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    open_mirror(f"sqlite:///{path}", []).close()
    if os.geteuid() == 0:
        os.chown(path, 65534, -1)
    with nobody_may_write(path):
        error = refusal(f"sqlite:///{path}")
    assert isinstance(error, StateError)
    assert error.code == "mirror.read_only"


def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    path.write_text("Dear diary, " * 200)
    assert refusal(f"sqlite:///{path}").code == "mirror.damaged"
    assert path.read_text() == "Dear diary, " * 200
    (tmp_path / "folder").mkdir()
    assert refusal(f"sqlite:///{tmp_path / 'folder'}").code == "mirror.cannot_open"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://u:geheim@h/d", "not a url", ""])
def test_an_unusable_url_is_refused_without_repeating_it(url: str) -> None:
    error = refusal(url)
    assert isinstance(error, SettingsError)
    assert error.code == "mirror.url_unknown"
    assert "geheim" not in str(error)


def test_what_decides_about_the_shop_is_flushed_and_what_can_be_read_again_is_not(mirror: Mirror) -> None:
    """2 is FULL, 1 is NORMAL (https://www.sqlite.org/pragma.html#pragma_synchronous)."""
    sqlite = mirror.database.is_sqlite
    ask, full, normal = ("PRAGMA synchronous", 2, 1) if sqlite else ("SHOW synchronous_commit", "on", "off")
    with mirror.database.write() as connection:
        assert connection.execute(text(ask)).scalar() == full
    with mirror.database.write(flush=False) as connection:
        assert connection.execute(text(ask)).scalar() == normal
    with mirror.database.write() as connection:  # the same connection from the pool
        assert connection.execute(text(ask)).scalar() == full


def test_connections_have_the_settings_that_the_mirror_relies_on(on_sqlite: Mirror) -> None:
    with on_sqlite.database.read() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 1000}


def test_a_write_that_raises_leaves_nothing_and_blocks_nobody(mirror: Mirror) -> None:
    with pytest.raises(KeyError), mirror.database.write() as connection:  # noqa: PT012
        connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
        raise KeyError
    assert mirror.meta.get("a") is None
    mirror.meta.set("a", "c")


def test_a_closed_mirror_can_be_opened_again(mirror_url: str) -> None:
    database = Database(mirror_url)
    database.close()
    mirror = open_mirror(mirror_url, [])
    mirror.meta.set("a", "b")
    mirror.close()
    again = open_mirror(mirror_url, [])
    assert again.meta.get("a") == "b"
    again.close()

"""A mirror looked at as it stands: on both databases, older and newer ones, damaged files, none at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from connector.mirror import migrations, own_tables
from connector.mirror.checkup import checkup
from connector.mirror.database import Database
from connector.mirror.db import Mirror
from tests.mirror.world import RESOURCES


@pytest.fixture
def url(mirror_url: str, mirror: Mirror) -> str:
    """Of a mirror with all tables, on either database."""
    mirror.close()
    return mirror_url


def test_a_whole_mirror_tells_its_schema_and_its_size(url: str) -> None:
    with checkup(url, RESOURCES) as found:
        assert found is not None
        assert (found.revision, found.known, found.damage) == (migrations.HEAD, migrations.HEAD, "")
        assert found.size > 100_000
        assert (found.room is None) == url.startswith("postgresql")
        assert found.leases.holder("main") is None
        assert found.lookups.languages("main") == {}


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_an_older_or_newer_mirror_stays_as_it_is(url: str, revision: str) -> None:
    database = Database(url)
    with database.write() as connection:
        connection.execute(text(f"UPDATE {own_tables.VERSION_TABLE} SET version_num = '{revision}'"))
    for _ in range(2):
        with checkup(url, RESOURCES) as found:
            assert found is not None
            assert found.revision == revision
    database.close()


def test_no_mirror_is_none_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    with checkup(f"sqlite:///{path}", RESOURCES) as found:
        assert found is None
    assert not path.exists()


def test_a_file_with_a_hole_is_damaged(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 20_000] = b"\xff" * 20_000
    path.write_bytes(raw)
    with checkup(sqlite_url, RESOURCES) as found:
        assert found is not None
        assert found.damage

"""Real databases. `mirror_url` is where another database joins: everything that uses it is the contract of a mirror."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.mirror.db import Mirror, open_mirror
from tests.mirror.world import NOW, RESOURCES
from tests.support import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def mirror_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database of the test's own; empty, unless `mirror` is asked for, too."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'mirror.db'}"
        return
    with_tables = "mirror" in request.fixturenames
    url = postgres.server().new_mirror(RESOURCES) if with_tables else postgres.server().new_database()
    yield url
    postgres.server().drop(url)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite mirror with all tables and no rows, made once: a copy of it opens four times as fast as a new one."""
    path = tmp_path_factory.mktemp("made") / "mirror.db"
    open_mirror(f"sqlite:///{path}", RESOURCES).close()
    return path


@pytest.fixture
def sqlite_url(made: Path, tmp_path: Path) -> str:
    """URL of a file with all tables: for what only SQLite has."""
    shutil.copy(made, tmp_path / "mirror.db")
    return f"sqlite:///{tmp_path / 'mirror.db'}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """URL of a database with all tables: for what only PostgreSQL has."""
    url = postgres.server().new_mirror(RESOURCES)
    yield url
    postgres.server().drop(url)


@pytest.fixture
def mirror(mirror_url: str, made: Path) -> Iterator[Mirror]:
    if mirror_url.startswith("sqlite"):
        shutil.copy(made, mirror_url.removeprefix("sqlite:///"))
    opened = open_mirror(mirror_url, RESOURCES, wait=1, now=lambda: NOW)
    yield opened
    opened.close()


@pytest.fixture
def on_sqlite(sqlite_url: str) -> Iterator[Mirror]:
    opened = open_mirror(sqlite_url, RESOURCES, wait=1, now=lambda: NOW)
    yield opened
    opened.close()


@pytest.fixture
def on_postgres(postgres_url: str) -> Iterator[Mirror]:
    opened = open_mirror(postgres_url, RESOURCES, wait=1, now=lambda: NOW)
    yield opened
    opened.close()

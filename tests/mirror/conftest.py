"""Real databases. `mirror_url` is where another database joins: everything that uses it is the contract of a mirror."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.mirror.db import Mirror, open_mirror
from tests.mirror.world import NOW, RESOURCES


@pytest.fixture(params=["sqlite"])
def mirror_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    return f"sqlite:///{tmp_path / 'mirror.db'}"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite mirror with all tables and no rows, made once: a copy of it opens four times as fast as a new one."""
    path = tmp_path_factory.mktemp("made") / "mirror.db"
    open_mirror(f"sqlite:///{path}", RESOURCES).close()
    return path


@pytest.fixture
def mirror(mirror_url: str, made: Path) -> Iterator[Mirror]:
    if mirror_url.startswith("sqlite"):
        shutil.copy(made, mirror_url.removeprefix("sqlite:///"))
    opened = open_mirror(mirror_url, RESOURCES, wait=1, now=lambda: NOW)
    yield opened
    opened.close()

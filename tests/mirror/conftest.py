"""Real databases. `mirror_url` is where another database joins: everything that uses it is the contract of a mirror."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.mirror.db import Mirror, open_mirror
from tests.mirror.world import NOW, RESOURCES


@pytest.fixture(params=["sqlite"])
def mirror_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    return f"sqlite:///{tmp_path / 'mirror.db'}"


@pytest.fixture
def mirror(mirror_url: str) -> Iterator[Mirror]:
    opened = open_mirror(mirror_url, RESOURCES, wait=1, now=lambda: NOW)
    yield opened
    opened.close()

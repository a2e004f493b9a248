"""Fixtures that tests of several folders ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import dialects
from tests.support.warm import warm


@pytest.fixture(autouse=True, scope="session")
def _one_dialect() -> Iterator[None]:
    with dialects.shared():
        yield


@pytest.fixture
def warmed() -> Iterator[None]:
    """For tests that start hundreds of processes: see `tests/support/warm.py`. Over with the test, since it stands in
    the place of what other tests are about."""
    with warm():
        yield

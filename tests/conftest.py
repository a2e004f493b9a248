"""Fixtures that tests of several folders ask for."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from connector.ops import interpreter
from tests.support import dialects
from tests.support.warm import warm


def pytest_collection_finish() -> None:
    """As the program runs its own processes; thousands of collected tests are nothing to look through again."""
    interpreter.tune()
    gc.freeze()


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

"""Everything that the engine promises holds on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import databases


@pytest.fixture(autouse=True, params=databases.KINDS)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the mirrors of this test lie: the kind of database."""
    with databases.on(request.param):
        yield request.param

"""One dialect for all databases of a kind that a test process opens, so that SQL is compiled once for all tests.

SQLAlchemy keeps what it has compiled by dialect, and each engine makes its own. What it compiles is the same for every
mirror; only this is shared, not a connection and nothing that was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import sqlalchemy
from sqlalchemy import Engine

from connector.mirror import database

_first: dict[str, Engine] = {}


def _create_engine(url: sqlalchemy.URL, **options: Any) -> Engine:
    engine = sqlalchemy.create_engine(url, **options)
    first = _first.setdefault(engine.dialect.name, engine)
    if first is not engine:
        engine.dialect = engine.pool._dialect = first.dialect
        engine._compiled_cache = first._compiled_cache
    return engine


@contextmanager
def shared() -> Iterator[None]:
    with patch.object(database, "create_engine", _create_engine):
        yield

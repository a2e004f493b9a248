"""What a process computes once at its start and forgets at its end: kept here for a test that starts hundreds of them.

Only what is read from files that do not change: mappings, phrases, statuses, templates, the compiled SQL of one mirror
file, and that this file has all columns. Nothing that a process learns while it runs is kept. Reads of the shop are
repeated sooner, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import structlog
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from connector import packagedata
from connector.core import pace
from connector.mirror import database, db, migrations
from connector.mirror.tables import MirroredTables
from connector.shop.client import ShopClient

_READERS = ("mappings", "phrases", "statuses", "templates")
_kept: dict[str, Callable[..., Any]] = {name: lru_cache(maxsize=4)(getattr(packagedata, name)) for name in _READERS}
_make_engine = database._engine
_bring_up_to_date = db._bring_up_to_date
_whole = set[str]()


@lru_cache(maxsize=4)
def _engine_of(url: str, wait: float) -> Engine:
    return _make_engine(database.parse(url), wait, "")


def _engine(url: URL, wait: float, session: str) -> Engine:
    """A process disposes of its engine: all connections are closed, and the next one opens its own."""
    if url.get_backend_name() != "sqlite":
        return _make_engine(url, wait, session)
    return _engine_of(url.render_as_string(), wait)


def _up_to_date(mirror: database.Database, mirrored: MirroredTables) -> list[str]:
    if mirror.name in _whole:
        with mirror.read() as connection:
            if migrations.current(connection) == migrations.HEAD:
                return []
    changes = _bring_up_to_date(mirror, mirrored)
    _whole.add(mirror.name)
    return changes


@contextmanager
def warm() -> Iterator[None]:
    """Processes that start meanwhile start quickly, and tell of nothing: hundreds of runs fill any screen."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with (
            patch.multiple(packagedata, **_kept),
            patch.object(database, "_engine", _engine),
            patch.object(db, "_bring_up_to_date", _up_to_date),
            patch.object(pace, "LONGEST_PAUSE", 0.02),
            patch.dict(ShopClient.__init__.__kwdefaults__, {"retry_wait": 0.01}),
        ):
            yield
    finally:
        structlog.configure(**before)

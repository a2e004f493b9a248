"""Which database the mirror of a test lies in: SQLite, unless the test's `conftest.py` chooses.

Modules that make mirrors for tests ask here; `World` and `pulling` do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.core.mapping import Resource
from connector.mirror.db import open_mirror
from tests.support import postgres

KINDS = ("sqlite", "postgresql")
on_one = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For slow tests of the whole whose point lies elsewhere: in waiting, signals, systemd."""
_chosen = "sqlite"
_made: dict[str, bytes] = {}


@contextmanager
def on(kind: str) -> Iterator[None]:
    """Mirrors made meanwhile lie in databases of this kind."""
    global _chosen
    before, _chosen = _chosen, kind
    try:
        yield
    finally:
        _chosen = before


def is_sqlite() -> bool:
    return _chosen == "sqlite"


def new_mirror(folder: Path, resources: Sequence[Resource]) -> str:
    """URL of a mirror with all tables and no rows; made once per set of mappings and copied from then on."""
    if not is_sqlite():
        return postgres.server().new_mirror(resources)
    path = folder / "mirror.db"
    key = repr(resources)
    if key not in _made:
        open_mirror(f"sqlite:///{path}", resources).close()
        _made[key] = path.read_bytes()
    path.write_bytes(_made[key])
    path.chmod(0o600)
    return f"sqlite:///{path}"


def chosen() -> str:
    return _chosen


def kept(folder: Path, url: str) -> str | bytes:
    """What `put` makes the same mirror of again. Nobody may have it open."""
    if is_sqlite():
        return (folder / "mirror.db").read_bytes()
    return postgres.server().copy(url)


def put(folder: Path, mirror: str | bytes) -> str:
    """URL of a mirror like the one that was kept; "" for the one that lies where the program looks by itself."""
    if isinstance(mirror, str):
        return postgres.server().copy(mirror)
    (folder / "mirror.db").write_bytes(mirror)
    return ""


def forget(url: str) -> None:
    """The test is over. Files go with its folder."""
    if url.startswith("postgresql:"):
        postgres.server().drop(url)

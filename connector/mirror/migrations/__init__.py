"""Migrations of the engine's own tables, run by alembic inside the transaction that opens the mirror.

A new revision: a file `versions/NNNN_word.py` beside the last one, HEAD moved below; a test holds the two together and
compares the outcome with `own_tables`. Released revisions are never edited.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from connector.errors import StateError
from connector.mirror import own_tables

HEAD = "0009"
"""The newest revision, told here so that a start without changes need not load alembic."""


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None for a new one."""
    if not inspect(connection).has_table(own_tables.VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {own_tables.VERSION_TABLE}")).scalar()  # noqa: S608


def is_behind(connection: Connection) -> bool:
    """Was the database made by an older program, so that `upgrade` will change it? A newer one's is not behind."""
    found = current(connection)
    return found is not None and found < HEAD


def upgrade(connection: Connection, mirror: str, revision: str = HEAD) -> list[str]:
    """Bring the database to `revision`, in the caller's transaction; returns a line per step for the log.

    Raises StateError `mirror.newer_schema` when the database was written by a newer program.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    before = current(connection)
    if before is not None and before not in known:
        raise StateError("mirror.newer_schema", mirror=mirror, found=before, known=HEAD)
    if before == revision:
        return []
    command.upgrade(config, revision)
    return [f"schema {before or 'new'} -> {revision}"]

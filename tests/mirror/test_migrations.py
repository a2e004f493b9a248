from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from connector.errors import StateError
from connector.mirror import migrations, own_tables
from connector.mirror.database import Database
from connector.mirror.db import open_mirror


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return ScriptDirectory.from_config(config)


def test_the_newest_revision_is_the_one_that_the_program_says() -> None:
    assert scripts().get_heads() == [migrations.HEAD]


def test_from_an_empty_database_the_migrations_lead_to_the_tables_of_the_program(mirror_url: str) -> None:
    mirror = open_mirror(mirror_url, [])
    with mirror.database.read() as connection:
        options = {"version_table": own_tables.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, own_tables.metadata) == []
        assert migrations.current(connection) == migrations.HEAD
    mirror.close()


@pytest.mark.parametrize("revision", [script.revision for script in scripts().walk_revisions()])
def test_a_mirror_of_every_revision_is_brought_up_to_date(mirror_url: str, revision: str) -> None:
    database = Database(mirror_url)
    with database.write() as connection:
        migrations.upgrade(connection, database.name, revision)
    database.close()
    mirror = open_mirror(mirror_url, [])
    with mirror.database.read() as connection:
        assert migrations.current(connection) == migrations.HEAD
    mirror.close()


def test_a_migration_that_breaks_leaves_nothing_behind(mirror_url: str) -> None:
    database = Database(mirror_url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE run (id INTEGER)"))  # in the way of a later step
    with pytest.raises(StateError):
        open_mirror(mirror_url, [])
    with database.read() as connection:
        assert migrations.current(connection) is None
        assert not connection.dialect.has_table(connection, "baseline")
    database.close()


def test_a_mirror_of_a_newer_program_is_refused(mirror_url: str) -> None:
    mirror = open_mirror(mirror_url, [])
    with mirror.database.write() as connection:
        connection.execute(text("UPDATE mirror_version SET version_num = '9999'"))
    mirror.close()
    with pytest.raises(StateError) as refused:
        open_mirror(mirror_url, [])
    assert refused.value.code == "mirror.newer_schema"
    assert refused.value.facts["found"] == "9999"

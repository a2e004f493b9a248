"""Run by alembic. The connection comes from the caller and is in a transaction already: all steps or none."""

from alembic import context

from connector.mirror import own_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=own_tables.metadata,
    version_table=own_tables.VERSION_TABLE,
    render_as_batch=True,  # SQLite alters little in place (https://alembic.sqlalchemy.org/en/latest/batch.html)
    transactional_ddl=True,  # SQLite can; alembic only doubts Python's driver, whose own transactions are off here
)
with context.begin_transaction():
    context.run_migrations()

"""Statuses of threads that were seen to change."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import Key, UTCDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "thread_change",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("id_thread", sa.BigInteger(), nullable=False),
        sa.Column("was", sa.String(), nullable=False),
        sa.Column("became", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_change")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_thread_change_shop_id_thread_at"), "thread_change", ["shop", "id_thread", "at"])
    op.create_index(op.f("ix_thread_change_shop_at"), "thread_change", ["shop", "at"])

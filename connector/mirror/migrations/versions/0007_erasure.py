"""Who was erased, and which rows must stay empty."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import Key, UTCDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_erasure_shop_person"), "erasure", ["shop", "person"])
    op.create_table(
        "erased_row",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "resource", "row_id", name=op.f("pk_erased_row")),
    )

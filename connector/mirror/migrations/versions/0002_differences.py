"""Why a row has a tombstone, and what `verify` found."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("tombstone", sa.Column("reason", sa.String(), nullable=False, server_default="deleted"))
    op.create_table(
        "difference",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("found_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "resource", "row_id", name=op.f("pk_difference")),
    )

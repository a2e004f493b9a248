"""Whom a segment put into its customer group."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import Key

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "segment_member",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("id_group", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id_customer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("added_by", Key, nullable=False),
        sa.Column("removed_by", Key),
        sa.ForeignKeyConstraint(["added_by"], ["intent.id"], name=op.f("fk_segment_member_added_by")),
        sa.ForeignKeyConstraint(["removed_by"], ["intent.id"], name=op.f("fk_segment_member_removed_by")),
        sa.PrimaryKeyConstraint("shop", "segment", "id_group", "id_customer", name=op.f("pk_segment_member")),
    )

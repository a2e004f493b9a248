"""Conflicts say both sides and who decided; intents say how often they were put off; what the shop holds twice."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import CleanText, Key, UTCDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("intent", sa.Column("delays", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("conflict", sa.Column("resolved_by", sa.String(), nullable=False, server_default=""))
    for name in ("expected", "found", "wanted"):
        op.add_column("conflict", sa.Column(name, CleanText()))
    op.execute(
        "UPDATE conflict SET resolved_by = 'person', resolution = CASE resolution WHEN 'planned' THEN 'ours'"
        " WHEN 'cancelled' THEN 'shop' ELSE 'done' END WHERE resolved_at IS NOT NULL"
    )
    op.create_table(
        "duplicate",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("intent_id", Key),
        sa.Column("reference", CleanText(), nullable=False),
        sa.Column("found_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("fk_duplicate_intent_id")),
        sa.PrimaryKeyConstraint("shop", "resource", "row_id", name=op.f("pk_duplicate")),
    )
    op.create_index(op.f("ix_duplicate_intent_id"), "duplicate", ["intent_id"])

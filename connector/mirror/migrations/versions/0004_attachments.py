"""The files of mails, their bytes in `blob`."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import CleanText, Key, UTCDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("copy_id", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", CleanText(), nullable=False),
        sa.Column("content_type", CleanText(), nullable=False),
        sa.Column("declared_type", CleanText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_id", CleanText(), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("blob", sa.String(64)),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("stored_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["mail.id"], name=op.f("fk_attachment_copy_id")),
        sa.ForeignKeyConstraint(["blob"], ["blob.sha256"], name=op.f("fk_attachment_blob")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("copy_id", "position", name=op.f("uq_attachment_copy_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attachment_blob"), "attachment", ["blob"])
    op.create_index(op.f("ix_attachment_shop_stored_at"), "attachment", ["shop", "stored_at"])

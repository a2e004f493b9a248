"""Mails: attempts, the next one, what the trust ladder tried, a suggestion. Which of our mails bounced."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import CleanText, Key, UTCDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("mail", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("mail", sa.Column("retry_at", UTCDateTime()))
    op.add_column("mail", sa.Column("trail", CleanText(), nullable=False, server_default=""))
    op.add_column("mail", sa.Column("suggested", sa.BigInteger()))
    op.create_table(
        "bounce",
        sa.Column("copy_id", Key, autoincrement=False, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("message_id", CleanText(), nullable=False),
        sa.Column("id_thread", sa.BigInteger(), nullable=False),
        sa.Column("id_message", sa.BigInteger()),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["mail.id"], name=op.f("fk_bounce_copy_id")),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_bounce")),
    )
    op.create_index(op.f("ix_bounce_shop_message_id"), "bounce", ["shop", "message_id"])
    op.create_index(op.f("ix_bounce_shop_id_thread"), "bounce", ["shop", "id_thread"])

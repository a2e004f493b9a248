"""The first released schema."""

import sqlalchemy as sa
from alembic import op

from connector.mirror.dialect import CleanText, Key, UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "baseline",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uidnext", sa.BigInteger(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "mailbox", "folder", name=op.f("pk_baseline")),
    )
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "cursor",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reread", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "resource", name=op.f("pk_cursor")),
    )
    op.create_table(
        "lease",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", name=op.f("pk_lease")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "quarantine_row",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("row_key", sa.String(), nullable=False),
        sa.Column("reason", CleanText(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", UTCDateTime(), nullable=False),
        sa.Column("last_seen", UTCDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine_row")),
        sa.UniqueConstraint("shop", "resource", "row_key", name=op.f("uq_quarantine_row_shop_resource_row_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "run",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("leg", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("error", CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_run_shop_leg_id"), "run", ["shop", "leg", "id"], unique=False)
    op.create_table(
        "tombstone",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "resource", "row_id", name=op.f("pk_tombstone")),
    )
    op.create_table(
        "mail",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("folder", CleanText(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("internaldate", UTCDateTime(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mail_key", sa.String(length=64), nullable=False),
        sa.Column("message_id", CleanText(), nullable=False),
        sa.Column("from_addr", CleanText(), nullable=False),
        sa.Column("subject", CleanText(), nullable=False),
        sa.Column("mail_date", UTCDateTime(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", CleanText(), nullable=False),
        sa.Column("backfill", sa.Boolean(), nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=True),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("id_thread", sa.BigInteger(), nullable=True),
        sa.Column("id_message", sa.BigInteger(), nullable=True),
        sa.Column("intent_id", sa.BigInteger(), nullable=True),
        sa.Column("entered_at", UTCDateTime(), nullable=False),
        sa.Column("concluded_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["blob"], ["blob.sha256"], name=op.f("fk_mail_blob")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint(
            "shop", "mailbox", "folder", "uidvalidity", "uid", name=op.f("uq_mail_shop_mailbox_folder_uidvalidity_uid")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mail_blob"), "mail", ["blob"], unique=False)
    op.create_index(
        op.f("ix_mail_shop_from_addr_internaldate"), "mail", ["shop", "from_addr", "internaldate"], unique=False
    )
    op.create_index(op.f("ix_mail_shop_id_thread"), "mail", ["shop", "id_thread"], unique=False)
    op.create_index(op.f("ix_mail_shop_mail_key"), "mail", ["shop", "mail_key"], unique=False)
    op.create_index(op.f("ix_mail_shop_message_id"), "mail", ["shop", "message_id"], unique=False)
    op.create_index(
        op.f("ix_mail_shop_state_internaldate_id"), "mail", ["shop", "state", "internaldate", "id"], unique=False
    )
    op.create_table(
        "intent",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("reference", CleanText(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("decided_on", sa.JSON(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("copy_id", Key, nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("moved_at", UTCDateTime(), nullable=False),
        sa.Column("remote_id", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("error_detail", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["mail.id"], name=op.f("fk_intent_copy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intent")),
        sa.UniqueConstraint("shop", "key", name=op.f("uq_intent_shop_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_intent_copy_id"), "intent", ["copy_id"], unique=False)
    op.create_index(op.f("ix_intent_shop_after"), "intent", ["shop", "after"], unique=False)
    op.create_index(
        op.f("ix_intent_shop_group_key_id_state"), "intent", ["shop", "group_key", "id", "state"], unique=False
    )
    op.create_index(op.f("ix_intent_shop_state_id"), "intent", ["shop", "state", "id"], unique=False)
    op.create_table(
        "conflict",
        sa.Column("id", Key, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("intent_id", Key, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", CleanText(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("resolved_at", UTCDateTime(), nullable=True),
        sa.Column("resolution", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("fk_conflict_intent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflict")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_conflict_intent_id"), "conflict", ["intent_id"], unique=False)
    op.create_index(op.f("ix_conflict_shop_resolved_at"), "conflict", ["shop", "resolved_at"], unique=False)

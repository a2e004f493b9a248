"""The engine's own tables, as the newest migration leaves them (a test compares). Changing one needs a migration.

`key`, `group` and the like are words of SQL: the columns here avoid them or leave the quoting to SQLAlchemy.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from connector.mirror.dialect import CleanText, Key, UTCDateTime

VERSION_TABLE = "mirror_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", CleanText, nullable=False),
)

cursor = Table(
    "cursor",
    metadata,
    Column("shop", String, primary_key=True),
    Column("resource", String, primary_key=True),
    Column("value", JSON(none_as_null=True)),
    Column("reread", Boolean, nullable=False),  # a column was added: the next pull begins anew
    Column("updated_at", UTCDateTime, nullable=False),
)

baseline = Table(
    "baseline",
    metadata,
    Column("shop", String, primary_key=True),
    Column("mailbox", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("uidnext", BigInteger, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("numbering", BigInteger),  # under which its mails are numbered now; NULL: still the uidvalidity
)

blob = Table(
    "blob",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),  # bytes before compression
    Column("data", LargeBinary, nullable=False),  # zlib
    Column("stored_at", UTCDateTime, nullable=False),
)

mail = Table(
    "mail",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("mailbox", String, nullable=False),
    Column("folder", CleanText, nullable=False),
    Column("role", String, nullable=False),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("internaldate", UTCDateTime, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mail_key", String(64), nullable=False),
    Column("message_id", CleanText, nullable=False),
    Column("from_addr", CleanText, nullable=False),
    Column("subject", CleanText, nullable=False),
    Column("mail_date", UTCDateTime),  # the Date header
    Column("state", String, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("backfill", Boolean, nullable=False),
    Column("blob", String(64), ForeignKey("blob.sha256")),
    Column("text_hash", String(64), nullable=False),
    Column("id_thread", BigInteger),
    Column("id_message", BigInteger),
    Column("intent_id", BigInteger),
    Column("entered_at", UTCDateTime, nullable=False),
    Column("concluded_at", UTCDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),  # how often it ended in quarantine
    Column("retry_at", UTCDateTime),  # a quarantined mail is decided anew then; NULL: never by itself
    Column("trail", CleanText, nullable=False, server_default=""),  # what the trust ladder tried
    Column("suggested", BigInteger),  # thread that the sender wrote in lately: a hint, no proof
    Column("omitted", JSON(none_as_null=True)),  # attachments that were left in the mailbox; NULL: kept whole
    UniqueConstraint("shop", "mailbox", "folder", "uidvalidity", "uid"),
    Index(None, "shop", "state", "internaldate", "id"),
    Index(None, "shop", "mail_key"),
    Index(None, "shop", "message_id"),
    Index(None, "shop", "from_addr", "internaldate"),
    Index(None, "shop", "id_thread"),
    Index(None, "blob"),
    sqlite_autoincrement=True,
)

attachment = Table(
    "attachment",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("copy_id", Key, ForeignKey("mail.id"), nullable=False),
    Column("position", Integer, nullable=False),  # among the files of the mail, from 0
    Column("name", CleanText, nullable=False),  # fit for a disk
    Column("content_type", CleanText, nullable=False),  # what its bytes tell
    Column("declared_type", CleanText, nullable=False),  # what the mail says
    Column("size", BigInteger, nullable=False),
    Column("content_id", CleanText, nullable=False),
    Column("inline", Boolean, nullable=False),  # an image of the page
    Column("blob", String(64), ForeignKey("blob.sha256")),  # NULL: not kept for itself
    Column("reason", String, nullable=False),  # why not
    Column("stored_at", UTCDateTime, nullable=False),
    UniqueConstraint("copy_id", "position"),
    Index(None, "blob"),
    Index(None, "shop", "stored_at"),
    sqlite_autoincrement=True,  # an id that people were told never means another file
)

bounce = Table(
    "bounce",
    metadata,
    Column("copy_id", Key, ForeignKey("mail.id"), primary_key=True, autoincrement=False),  # the mail that tells of it
    Column("shop", String, nullable=False),
    Column("message_id", CleanText, nullable=False),  # of our mail that did not arrive
    Column("id_thread", BigInteger, nullable=False),
    Column("id_message", BigInteger),  # the message that the mail carried
    Column("action", String, nullable=False),  # failed, or '' when the report does not say
    Column("status", String, nullable=False),  # e.g. 5.1.1
    Column("at", UTCDateTime, nullable=False),  # when the report came
    Index(None, "shop", "message_id"),
    Index(None, "shop", "id_thread"),
)

intent = Table(
    "intent",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("reference", CleanText, nullable=False),
    Column("group_key", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("decided_on", JSON, nullable=False),
    Column("after", String, nullable=False),
    Column("copy_id", Key, ForeignKey("mail.id")),
    Column("origin", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("sent_at", UTCDateTime),
    Column("moved_at", UTCDateTime, nullable=False),
    Column("remote_id", BigInteger),
    Column("result", JSON, nullable=False),
    Column("error", String, nullable=False),
    Column("error_detail", CleanText, nullable=False),
    Column("delays", Integer, nullable=False, server_default="0"),  # how often it was put off
    UniqueConstraint("shop", "key"),
    Index(None, "shop", "state", "id"),
    Index(None, "shop", "group_key", "id", "state"),  # answers "is anything before me?" from the index alone
    Index(None, "shop", "after"),
    Index(None, "copy_id"),
    sqlite_autoincrement=True,  # a number is never used twice, so that order by id is order of birth
)

conflict = Table(
    "conflict",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("intent_id", Key, ForeignKey("intent.id"), nullable=False),
    Column("reason", String, nullable=False),  # the error code of the move
    Column("detail", CleanText, nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    Column("resolved_at", UTCDateTime),
    Column("resolution", String, nullable=False),  # '' while open, then shop, ours or done
    Column("resolved_by", String, nullable=False, server_default=""),  # policy or person
    Column("expected", CleanText),  # what the change was decided on
    Column("found", CleanText),  # what the shop held
    Column("wanted", CleanText),  # what it was to become
    Index(None, "shop", "resolved_at"),
    Index(None, "intent_id"),
    sqlite_autoincrement=True,
)

duplicate = Table(
    "duplicate",
    metadata,
    Column("shop", String, primary_key=True),
    Column("resource", String, primary_key=True),
    Column("row_id", BigInteger, primary_key=True, autoincrement=False),  # what is there once too often
    Column("first_id", BigInteger, nullable=False),  # what was there first
    Column("intent_id", Key, ForeignKey("intent.id")),  # NULL: written by an outbox that was lost
    Column("reference", CleanText, nullable=False),
    Column("found_at", UTCDateTime, nullable=False),
    Index(None, "intent_id"),
)

lease = Table(
    "lease",
    metadata,
    Column("shop", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),  # by the database's clock
)

run = Table(
    "run",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("leg", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("finished_at", UTCDateTime),
    Column("outcome", String, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("error", CleanText, nullable=False),
    Index(None, "shop", "leg", "id"),
    sqlite_autoincrement=True,
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("shop", String, primary_key=True),
    Column("resource", String, primary_key=True),
    Column("row_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),  # when it was noticed
    Column("reason", String, nullable=False, server_default="deleted"),  # or `referenced`: pointed to, never seen
)

difference = Table(
    "difference",
    metadata,
    Column("shop", String, primary_key=True),
    Column("resource", String, primary_key=True),
    Column("row_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),  # missing, extra, differing
    Column("fields", JSON, nullable=False),  # names of the fields that differ
    Column("found_at", UTCDateTime, nullable=False),
)

thread_change = Table(
    "thread_change",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("id_thread", BigInteger, nullable=False),
    Column("was", String, nullable=False),  # its status before
    Column("became", String, nullable=False),
    Column("origin", String, nullable=False),  # ours, or shop: a pull or a sweep brought it
    Column("at", UTCDateTime, nullable=False),  # when it was noticed
    Index(None, "shop", "id_thread", "at"),
    Index(None, "shop", "at"),
    sqlite_autoincrement=True,
)

segment_member = Table(
    "segment_member",  # whom a segment put into its group, and nobody whom somebody else put there
    metadata,
    Column("shop", String, primary_key=True),
    Column("segment", String, primary_key=True),
    Column("id_group", BigInteger, primary_key=True, autoincrement=False),
    Column("id_customer", BigInteger, primary_key=True, autoincrement=False),
    Column("added_by", Key, ForeignKey("intent.id"), nullable=False),
    Column("removed_by", Key, ForeignKey("intent.id")),  # the newest wish to take the customer out again
)

quarantine_row = Table(
    "quarantine_row",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("row_id", BigInteger),
    Column("row_key", String, nullable=False),  # the id, or a hash of the bytes where even the id is unknown
    Column("reason", CleanText, nullable=False),
    Column("raw", LargeBinary, nullable=False),  # zlib
    Column("first_seen", UTCDateTime, nullable=False),
    Column("last_seen", UTCDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    UniqueConstraint("shop", "resource", "row_key"),
    sqlite_autoincrement=True,
)

erasure = Table(
    "erasure",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", String, nullable=False),
    Column("person", String(64), nullable=False),  # keyed hash of the address; of the id where there is no address
    Column("at", UTCDateTime, nullable=False),
    Column("counts", JSON, nullable=False),  # what was erased, by table
    Index(None, "shop", "person"),
    sqlite_autoincrement=True,
)

erased_row = Table(
    "erased_row",  # stays empty, whatever the shop says, until the shop has no such row any more
    metadata,
    Column("shop", String, primary_key=True),
    Column("resource", String, primary_key=True),
    Column("row_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UTCDateTime, nullable=False),
)

"""What the engine and its adapters hand each other: pages and rows of a shop, mails as fetched and as sent, counts.

Pure data, like `model`; apart from it because these are means of transport, not the nouns of the trade.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core.model import Attachment, MailIdentity, Role

Record = dict[str, Any]
"""One row as the codec gives it: field -> text, number or None; an i18n field -> {id_lang: text}; `associations` ->
{name: [ {field: value} ]}. The same for XML and JSON answers."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that no form gives. `id` is None when even that is unknown."""

    id: int | None
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the shop. `full`: it holds as many rows as were asked for, so more may follow.

    `last_id`: highest id among records and broken rows, 0 if none."""

    records: list[Record]
    broken: list[Broken] = field(default_factory=list)
    full: bool = False


@dataclass(frozen=True, slots=True)
class NewThread:
    email: str
    token: str
    status: str
    id_shop: int
    id_lang: int
    id_contact: int
    id_customer: int = 0
    id_order: int = 0


@dataclass(frozen=True, slots=True)
class NewMessage:
    id_thread: int
    text: str
    reference: str
    id_employee: int = 0
    private: bool = False
    cut_line: str = ""  # the last line of a text that is too long for the shop; '': three dots
    date_add_local: str = ""  # shop-local; set by PATCH after the create where the version can, else ignored


@dataclass(frozen=True, slots=True)
class FolderState:
    uidvalidity: int
    uidnext: int
    exists: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """omitted: the attachments that `raw` lacks, because the mail was larger than asked for; None: `raw` is all."""

    uid: int
    internaldate: datetime  # UTC
    size: int  # bytes, as the server says
    raw: bytes
    omitted: tuple[Attachment, ...] | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """By what a mail that stayed in its folder is recognised without reading it. size: bytes, as the server says."""

    internaldate: datetime  # UTC
    size: int


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file that goes along. name: plain ASCII."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    message_id: str  # without angle brackets
    sender: str
    sender_name: str
    to: str
    subject: str
    text: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    reply_to: str = ""  # where answers are collected, with the thread's proof if possible; '': they go to the sender
    signature: str = ""  # plain text
    language: str = ""
    date: datetime | None = None
    automatic: bool = False  # nobody wrote it; whoever answers by himself shall not (RFC 3834 5)
    file: OutgoingFile | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a page did, in rows."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


@dataclass(frozen=True, slots=True)
class NewCopy:
    """A copy to be entered into the ledger."""

    mailbox: str
    folder: str
    role: Role
    uidvalidity: int
    uid: int
    internaldate: datetime
    size: int
    identity: MailIdentity
    raw: bytes
    backfill: bool
    omitted: tuple[Attachment, ...] | None = None  # what `raw` lacks; None: it is all


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of the mirror by one column: those that have one of the values, or with `none_of` none of them. None among
    the values is NULL."""

    column: str
    values: tuple[object, ...]
    none_of: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A row in which mirror and shop differ. kind: missing (the shop has it), extra (the shop does not have it),
    differing (`fields`: the names of its fields that differ)."""

    resource: str
    row_id: int
    kind: str
    fields: tuple[str, ...] = ()

"""The nouns: frozen dataclasses that travel between the layers.

Pure data; nothing here reads a clock, a file or the network. All datetimes are timezone-aware UTC unless a name ends
in `_local`, which is the shop's naive wall-clock time as text (`YYYY-MM-DD HH:MM:SS`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

# --- the shop -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShopInfo:
    """What one look at the api root tells: PrestaShop's version and the key's rights.

    `rights` maps a resource name to the methods the key may use, e.g. {"customers": {"GET", "HEAD"}}. `clock`: the
    server's time as it answered (UTC, whole seconds), None when it did not tell.
    """

    name: str
    version: str
    rights: dict[str, frozenset[str]]
    clock: datetime | None = field(default=None, compare=False)

    def may(self, resource: str, method: str) -> bool:
        return method in self.rights.get(resource, frozenset())


@dataclass(frozen=True, slots=True)
class Thread:
    """A customer-service thread as the mirror holds it. `status` is open, closed, pending1, pending2 or ''."""

    id: int
    email: str
    token: str
    status: str
    id_shop: int | None
    id_lang: int | None
    id_customer: int | None
    id_order: int | None
    id_contact: int | None
    date_add: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a thread. `id_employee` None: written by the customer."""

    id: int
    id_thread: int | None
    id_employee: int | None
    text: str
    private: bool
    reference: str
    date_add: datetime | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    id: int
    email: str
    id_shop: int | None
    id_lang: int | None
    is_guest: bool
    active: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Contact:
    id: int
    email: str
    customer_service: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Employee:
    id: int
    email: str
    active: bool


@dataclass(frozen=True, slots=True)
class OrderState:
    id: int
    names: tuple[str, ...]  # in every language of the shop
    deleted: bool
    invoice: bool
    paid: bool
    shipped: bool
    delivery: bool
    logable: bool
    send_email: bool


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What the shop says of an order right now; decisions and look-ups compare against it."""

    id: int
    current_state: int
    invoice_number: int
    reference: str
    total_paid_real: str = "0"
    id_customer: int = 0
    id_lang: int = 0
    id_shop: int = 0


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What the shop says of a customer right now, without what only the shop may know (password hash, keys)."""

    id: int
    id_default_group: int
    groups: frozenset[int]


@dataclass(frozen=True, slots=True)
class History:
    id: int
    id_order: int
    id_order_state: int
    id_employee: int


@dataclass(frozen=True, slots=True)
class OrderCarrier:
    id: int
    id_order: int
    id_carrier: int
    tracking_number: str


# --- mail ---------------------------------------------------------------------------------------------------------


class Role(StrEnum):
    """Whose folder it is. Customers' folders bring customers' messages only; a Sent folder brings staff's."""

    CUSTOMERS = "customers"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content_type: str
    size: int  # bytes, decoded
    content_id: str = ""  # without angle brackets
    inline: bool = False  # an image that belongs to the text, such as a logo in a signature


@dataclass(frozen=True, slots=True)
class MailIdentity:
    """What can be told of any bytes at all, however broken; never fails.

    mail_key: hex SHA-256 over the raw Message-ID, From, Date and Subject values and the raw body.
    message_id: without angle brackets, '' if none. from_addr casefolded, '' if none.
    """

    mail_key: str
    message_id: str
    from_addr: str
    subject: str
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Mail:
    """A decoded mail. Everything in it was written by strangers: treat as hostile.

    headers: lower-case names with decoded, unfolded values in order, topmost first, capped in number and length.
    text: the whole text that a person would read (text/plain, else HTML made readable); never cut.
    in_reply_to, references: Message-IDs without angle brackets, the last 32.
    enclosed_ids: Message-IDs of mails enclosed as message/rfc822 or text/rfc822-headers (bounces carry ours there).
    parts: content types of all leaf parts, lower-case.
    """

    mail_key: str
    message_id: str
    from_addr: str
    from_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    delivered_to: tuple[str, ...]
    reply_to: tuple[str, ...]
    subject: str
    date: datetime | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    content_type: str
    parts: tuple[str, ...]
    text: str
    from_html: bool
    attachments: tuple[Attachment, ...] = ()
    enclosed_ids: tuple[str, ...] = ()
    report_type: str = ""  # multipart/report's report-type, lower-case
    delivery_action: str = ""  # of a delivery report (RFC 3464 2.3.3), lower-case: failed, delayed, delivered ...
    delivery_status: str = ""  # its status code, e.g. 5.1.1
    problems: tuple[str, ...] = ()  # what had to be repaired, for the log: short codes, no content

    @property
    def recipients(self) -> tuple[str, ...]:
        return self.delivered_to + self.to + self.cc

    def header(self, name: str) -> str | None:
        """The topmost value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    def header_all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class MailState(StrEnum):
    """States of a ledger row. Accounted for = in scope and in one of these, and `received` for one cycle at most."""

    RECEIVED = "received"
    PENDING = "pending"
    IMPORTED = "imported"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The line between old and new mail of a folder, stored once at the first SELECT. `at`: UTC.

    numbering: under which the ledger keeps the folder's UIDs now. The server's UIDVALIDITY, plus 2**32 for each time
    that the server gave UIDs to other mails without changing it (a mailbox restored from a backup)."""

    uidvalidity: int
    uidnext: int
    at: datetime
    numbering: int

    @property
    def second(self) -> datetime:
        """The line for INTERNALDATE, which knows whole seconds."""
        return self.at.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a mail as the ledger keeps it; `id` is the ledger's own row number."""

    id: int
    shop: str
    mailbox: str
    folder: str
    role: Role
    uidvalidity: int  # the folder's numbering, see `Baseline`
    uid: int
    internaldate: datetime
    size: int
    mail_key: str
    message_id: str
    from_addr: str
    subject: str
    state: MailState
    reason: str
    backfill: bool  # in scope only through `since`: changes no status, sends nothing
    blob: str  # SHA-256 of the raw bytes; '' when retention dropped them
    text_hash: str = ""  # SHA-256 of the extracted text, once decoded
    id_thread: int | None = None
    id_message: int | None = None
    intent_id: int | None = None
    attempts: int = 0  # how often it ended in quarantine
    retry_at: datetime | None = None  # when a quarantined mail is decided anew by itself; None: never
    trail: str = ""  # what the trust ladder tried, `rung:outcome` each
    suggested: int | None = None  # the thread that its sender wrote in lately: a hint, no proof
    omitted: tuple[Attachment, ...] | None = None  # left in the mailbox, the mail was too large; None: kept whole

    @property
    def whole(self) -> bool:
        """Are all bytes of the mail kept?"""
        return self.omitted is None


# --- intents ------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """Every kind of remote effect."""

    THREAD_CREATE = "thread.create"
    MESSAGE_CREATE = "message.create"
    THREAD_STATUS = "thread.status"
    MESSAGE_READ = "message.read"
    ORDER_STATUS = "order.status"
    ORDER_TRACKING = "order.tracking"
    CUSTOMER_GROUPS = "customer.groups"
    MAIL_SEND = "mail.send"
    MAIL_COPY = "mail.copy"  # file a mail that went out in a Sent folder
    MAIL_FILE = "mail.file"  # flag, move or delete the copy in its mailbox, after all else is confirmed


class IntentState(StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CONFLICT = "conflict"


FINAL = frozenset({IntentState.CONFIRMED, IntentState.FAILED, IntentState.CANCELLED, IntentState.CONFLICT})

LEGAL_MOVES: dict[IntentState, frozenset[IntentState]] = {
    IntentState.PLANNED: frozenset(
        {
            IntentState.PLANNED,  # put off
            IntentState.SENDING,
            IntentState.CONFIRMED,
            IntentState.FAILED,
            IntentState.CANCELLED,
            IntentState.CONFLICT,
        }
    ),
    IntentState.SENDING: frozenset(
        {IntentState.CONFIRMED, IntentState.IN_DOUBT, IntentState.PLANNED, IntentState.FAILED, IntentState.CONFLICT}
    ),
    IntentState.IN_DOUBT: frozenset(
        {
            IntentState.IN_DOUBT,  # looked up, not found, not settled yet
            IntentState.CONFIRMED,
            IntentState.PLANNED,
            IntentState.FAILED,
            IntentState.CANCELLED,
            IntentState.CONFLICT,
        }
    ),
    IntentState.FAILED: frozenset({IntentState.PLANNED, IntentState.CANCELLED, IntentState.CONFIRMED}),
    IntentState.CONFLICT: frozenset({IntentState.PLANNED, IntentState.CANCELLED, IntentState.CONFIRMED}),
    IntentState.CONFIRMED: frozenset(),
    IntentState.CANCELLED: frozenset({IntentState.PLANNED}),  # decided anew after a replay
}


BULK = "segment"
"""Origin of changes that come by the thousand and that nobody waits for: they let all others go first."""


@dataclass(frozen=True, slots=True)
class NewIntent:
    """A wish for one remote effect, not yet in the outbox.

    key: unique per shop, makes the same wish at most one row (e.g. `message.create:psc1/…`, `mail.file:17`).
    reference: what the shop stores with it so that it can be looked up (`psc1/…` for a message, the token of a
        thread, the Message-ID of a mail); '' for kinds that are looked up by state.
    group: intents of one group are pushed in order, one at a time (`thread:12`, `mail:<mail_key>`, `order:7`).
    after: key of an intent that must be confirmed first ('' for none).
    payload: what to write, JSON values only. `decided_on`: the state it was decided on, JSON values only.
    """

    kind: Kind
    key: str
    reference: str
    group: str
    payload: dict[str, Any]
    decided_on: dict[str, Any] = field(default_factory=dict)
    after: str = ""
    copy_id: int | None = None  # the ledger row it comes from
    origin: str = "mail"  # mail | command | fallback | rule | schedule | BULK


@dataclass(frozen=True, slots=True)
class Intent:
    """An outbox row."""

    id: int
    shop: str
    kind: Kind
    key: str
    reference: str
    group: str
    payload: dict[str, Any]
    decided_on: dict[str, Any]
    after: str
    copy_id: int | None
    origin: str
    state: IntentState
    attempts: int
    created_at: datetime
    due_at: datetime  # not to be tried before
    sent_at: datetime | None  # when the last write began that may have reached the far side
    remote_id: int | None
    result: dict[str, Any]
    error: str  # error code of the last failure, '' if none
    error_detail: str  # facts of it, without personal data
    delays: int = 0  # how often it was put off since it was wished (or sent again by a person)

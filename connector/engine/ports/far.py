"""Ports to the far sides: time, events, the shop, the mailbox, the mail server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, Self

from connector.core.exchange import (
    Fetched,
    FolderState,
    Mark,
    NewMessage,
    NewThread,
    OutgoingMail,
    Page,
)
from connector.core.mapping import Resource
from connector.core.model import (
    Attachment,
    CustomerFacts,
    History,
    Mail,
    MailIdentity,
    OrderCarrier,
    OrderFacts,
    OrderState,
    ShopInfo,
)
from connector.core.query import Query
from connector.core.schema import Schema


class Clock(Protocol):
    """Time, handed in so that tests can drive it."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Events(Protocol):
    """Where events go. `name` is a constant of `connector.ops.events`; values hold no personal data."""

    def emit(self, name: str, /, **keys: object) -> None: ...


class Log(Events, Protocol):
    """Events that can be told to belong together."""

    def within(self, **keys: object) -> AbstractContextManager[None]:
        """Keys that go with every event of this thread while the block runs: what a line belongs to."""
        ...


# --- the shop -----------------------------------------------------------------------------------------------------


class Shop(Protocol):
    """The PrestaShop webservice of one shop, whatever its version. Writes are never repeated by the adapter."""

    def probe(self) -> ShopInfo: ...
    def read(self, resource: Resource, query: Query, stop: Callable[[], bool] = ...) -> Page:
        """One page. It may have to wait for its turn at the shop: stop() ends that with ShopUnavailable
        `shop.stopped`."""
        ...

    def ids(self, resource: str, query: Query, stop: Callable[[], bool] = ...) -> list[int]:
        """A list without `display`: ids only, cheap for the shop. Waits as `read`."""
        ...

    def schema(self, resource: str) -> Schema:
        """What the shop says of a resource's fields."""
        ...

    def create_thread(self, thread: NewThread) -> int: ...
    def create_message(self, message: NewMessage, meanwhile: Callable[[], None] = lambda: None) -> int:
        """meanwhile: called once, when all of it is sent and the answer is waited for; must raise nothing."""
        ...

    def worded(self, text: str, cut_line: str = "") -> str:
        """The text as `create_message` sends it: what the shop would refuse or lose is rewritten so that a person reads
        the same."""
        ...

    def set_message_date(self, message_id: int, date_add_local: str) -> bool:
        """Back-date by PATCH; False where the version has none (before 8)."""
        ...

    def set_message_read(self, message_id: int, read: bool) -> None:
        """By PATCH; raises ShopRejected `shop.needs_patch` where the version has none (before 8)."""
        ...

    def set_thread_status(self, thread_id: int, status: str, expected: str | None = None) -> tuple[str, ...]:
        """Old fields of the row that had to be mended to be taken. expected: the status it was decided on; where the
        row is read for the write anyway, ShopChanged says that it is another now."""
        ...

    def add_history(self, order_id: int, state_id: int, employee_id: int, mail_customer: bool) -> int:
        """Raises ShopOutcomeUnknown also for code 46 (facts: codes=[46]): status written, the shop's mail failed."""
        ...

    def set_tracking(
        self, order_carrier_id: int, number: str, mail_customer: bool, expected: str | None = None
    ) -> tuple[bool, tuple[str, ...]]:
        """Was the shop asked to mail the customer (before 1.7.1 it cannot), and which old fields had to be mended.
        expected: as for `set_thread_status`."""
        ...

    def set_customer_groups(
        self, customer_id: int, add: Collection[int], remove: Collection[int], allow_put: bool
    ) -> tuple[str, ...]:
        """Groups not named stay. By PATCH; before 8 by PUT of the whole customer, if that is allowed. Returns the old
        fields that had to be mended. Raises ShopDamaged when the customer lost something by it."""
        ...

    def find_messages(self, reference: str, thread_id: int | None) -> list[int]:
        """Ids of messages that carry exactly this reference (case included)."""
        ...

    def find_threads(self, token: str) -> list[int]: ...
    def thread_statuses(self, thread_ids: Sequence[int]) -> dict[int, str]:
        """Fresh statuses in batches of 100; a missing id is a thread that is gone."""
        ...

    def can_patch(self) -> bool:
        """Has this version PATCH (8 and later)? Asks the shop when nothing has told the version yet."""
        ...

    def order_state(self, state_id: int) -> OrderState | None: ...
    def read_flags(self, message_ids: Sequence[int]) -> dict[int, bool]:
        """Has staff read them? As `thread_statuses`."""
        ...

    def customer(self, customer_id: int) -> CustomerFacts | None:
        """Raises ShopDamaged when the customer has lost something by a write whose answer was lost."""
        ...

    def order_facts(self, order_id: int) -> OrderFacts | None: ...
    def histories(self, order_id: int) -> list[History]: ...
    def order_carriers(self, order_id: int) -> list[OrderCarrier]: ...
    def close(self) -> None: ...


# --- the mailbox --------------------------------------------------------------------------------------------------


class Mailbox(Protocol):
    """One IMAP account. Reading never touches a flag. Use as a context manager: logs in, logs out."""

    name: str

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def select(self, folder: str) -> FolderState: ...
    def reopen(self, folder: str, uidvalidity: int) -> None:
        """Go on after MailboxUnavailable: over a new connection when the old one broke. Raises MailboxUnavailable when
        the folder's UIDs mean other mails now."""
        ...

    def search(self, first_uid: int, since: datetime | None = None) -> list[int]:
        """UIDs >= first_uid, ascending; with `since` only newer ones, and maybe some of the day before: servers search
        by days in their own zone, so the caller compares INTERNALDATE."""
        ...

    def marks(self, uids: Sequence[int]) -> dict[int, Mark]:
        """INTERNALDATE and size of each UID that still exists; no mail is read."""
        ...

    def fetch(self, uids: Sequence[int], max_bytes: int) -> Iterator[Fetched]:
        """Whole mails by BODY.PEEK[], in bounded batches; of a larger one than max_bytes the header and the first
        text. An expunged UID is simply not yielded."""
        ...

    def heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The header fields that tell a person which mail it is: Date, From, Message-ID, Subject."""
        ...

    def require(self, action: str, target: str) -> None:
        """Can the server do what the setting `after` asks (leave, flag, move into `target`, delete)? Raises
        MailboxMisconfigured if not."""
        ...

    def capabilities(self) -> frozenset[str]:
        """What the server says that it can do (RFC 3501 7.2.1), upper-case."""
        ...

    def flag(self, uids: Sequence[int], flag: str) -> None: ...
    def move(self, uids: Sequence[int], target: str) -> None: ...
    def delete(self, uids: Sequence[int]) -> None: ...
    def append(self, folder: str, raw: bytes, at: datetime) -> None:
        """File a mail that we sent at this time, marked as read. Raises MailboxOutcomeUnknown when the answer is
        missing: it may be there or not."""
        ...

    def find_message_id(self, folder: str, message_id: str) -> bool: ...


class FolderWatch(Protocol):
    """One folder over a connection of its own, whose server says when mail arrives (IDLE). Use as a context manager:
    on entry it logs in, opens the folder and begins to wait. Raises MailboxMisconfigured `imap.no_idle` when the server
    cannot do that, else as `Mailbox`. After MailboxUnavailable the watch is over: enter a new one.

    What arrives between entry and the first `wait`, or while the wait is renewed, may be told late or not at all: look
    into the folder after entry and after `renew`."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def wait(self, seconds: float) -> bool:
        """True as soon as the server tells of mail; False when the time is up or it told of something else."""
        ...

    def renew(self) -> None:
        """Begin the wait anew, so that neither server nor routers end it."""
        ...


class MailCodec(Protocol):
    """Bytes to mail; opens nothing."""

    def identify(self, raw: bytes) -> MailIdentity: ...
    def decode(self, raw: bytes) -> Mail:
        """Raises MailUnreadable."""
        ...

    def attachments(self, raw: bytes) -> list[tuple[Attachment, bytes]]:
        """What hangs on the mail, in the order of `Mail.attachments`, with its bytes. Raises MailUnreadable."""
        ...


class Sender(Protocol):
    """SMTP. Raises SmtpUnavailable, SmtpRejected or SmtpOutcomeUnknown. Never repeats by itself."""

    def compose(self, mail: OutgoingMail) -> bytes: ...
    def send(self, mail: OutgoingMail) -> None: ...

"""Ports to the mirror: rows and their contents, look-ups, the ledger of mails, leases, runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from connector.core.attachments import KeptAttachment, NewAttachment
from connector.core.decisions import Bounced
from connector.core.exchange import (
    Broken,
    Difference,
    Held,
    NewCopy,
    Stored,
)
from connector.core.mapping import Resource, Row
from connector.core.mentions import CustomerOrder
from connector.core.model import (
    Baseline,
    Contact,
    Copy,
    Customer,
    Employee,
    MailState,
    Message,
    NewIntent,
    OrderFacts,
    OrderState,
    Thread,
)


class Rows(Protocol):
    """The mirrored resources. Each method is one transaction."""

    def store(
        self,
        shop: str,
        resource: Resource,
        rows: Sequence[Row],
        cursor: dict[str, Any] | None,
        broken: Sequence[Broken] = (),
        *,
        asked_at: datetime | None = None,
    ) -> Stored:
        """Upsert by digest, put broken rows into quarantine, move the cursor: all or nothing.

        A row that was quarantined before and is read now leaves the quarantine. asked_at: write whatever the digest
        says, but no row that was written after this moment, when the shop was asked."""
        ...

    def remove(self, shop: str, resource: Resource, ids: Iterable[int]) -> int:
        """Rows that are gone from the shop leave the mirror; a tombstone keeps when it was noticed. How many."""
        ...

    def note_absent(self, shop: str, resource: Resource, ids: Iterable[int]) -> None:
        """Tombstones for rows that others point to and that the shop does not have."""
        ...

    def cursor(self, shop: str, resource: str) -> dict[str, Any] | None: ...
    def cursors(self, shop: str) -> dict[str, dict[str, Any]]: ...
    def count(self, shop: str, table: str) -> int: ...
    def ids_where(self, shop: str, table: str, column: str, value: object) -> set[int]:
        """Ids of rows whose column equals value (None: IS NULL)."""
        ...

    def all_ids(self, shop: str, table: str) -> set[int]: ...
    def patch(self, shop: str, table: str, row_id: int, values: dict[str, Any]) -> None:
        """Write a confirmed effect into the mirror at once (the next pull reads the truth). Raises LeaseLost."""
        ...


class Contents(Protocol):
    """What the mirror holds, asked in windows for comparison with the shop. Reads only."""

    def ids_between(self, shop: str, table: str, after: int, upto: int | None, held: Held | None = None) -> set[int]:
        """Ids with after < id <= upto (None: no end), all or those that `held` describes."""
        ...

    def values_between(self, shop: str, table: str, column: str, after: int, upto: int) -> dict[int, object]:
        """id -> what the column holds, of the rows with after < id <= upto."""
        ...

    def quarantined_between(self, shop: str, resource: str, after: int, upto: int | None) -> set[int]: ...
    def erased(self, shop: str, resource: str, ids: Iterable[int]) -> set[int]:
        """Those of the ids whose rows were emptied because their person was erased."""
        ...

    def load(self, shop: str, resource: Resource, ids: Iterable[int]) -> dict[int, Row]:
        """Whole rows as stored, in the form that the shop's records are converted into."""
        ...

    def unresolved(
        self,
        shop: str,
        resource: Resource,
        table: str,
        column: str,
        target: Resource,
        since: datetime | None,
        limit: int,
    ) -> list[int]:
        """Ids that rows written since then point to and of which the mirror knows nothing, not even a tombstone."""
        ...

    def tombstones(self, shop: str) -> dict[str, dict[str, int]]:
        """resource -> reason -> how many."""
        ...


class Differences(Protocol):
    """What a comparison of mirror and shop found and nobody has repaired yet."""

    def add(self, shop: str, found: Sequence[Difference]) -> None: ...
    def forget(self, shop: str, resource: str | None = None, ids: Iterable[int] | None = None) -> None: ...
    def listing(self, shop: str, resource: str | None = None, limit: int = 1000) -> list[Difference]: ...
    def counts(self, shop: str) -> dict[str, dict[str, int]]:
        """resource -> kind -> how many."""
        ...


class Lookups(Protocol):
    """Questions that decisions ask the mirror. Reads only."""

    def thread(self, shop: str, thread_id: int) -> Thread | None: ...
    def threads_by_token(self, shop: str, token: str) -> list[Thread]: ...
    def open_threads_by_email(self, shop: str, email: str) -> list[Thread]:
        """Threads with status other than closed whose e-mail equals (casefolded)."""
        ...

    def threads(self, shop: str, ids: Collection[int]) -> dict[int, Thread]:
        """By id, those that there are."""
        ...

    def threads_by_tokens(self, shop: str, tokens: Collection[str]) -> dict[str, list[Thread]]: ...
    def messages_by_references(self, shop: str, references: Collection[str]) -> dict[str, Message]:
        """The oldest message of each reference that there is."""
        ...

    def customers_by_emails(self, shop: str, emails: Collection[str]) -> dict[str, list[Customer]]:
        """By the address as it was asked for."""
        ...

    def recent_threads(self, shop: str, emails: Collection[str], since: datetime) -> dict[str, list[Thread]]:
        """Threads with these e-mails in which somebody wrote since then, the newest first; by the address asked for."""
        ...

    def orders_of(self, shop: str, customers: Sequence[int]) -> list[CustomerOrder]: ...

    def message_by_reference(self, shop: str, reference: str) -> Message | None: ...
    def messages_of_ours(self, shop: str, after: int, limit: int) -> list[Message]:
        """Messages with a reference of ours and an id above `after`, by id."""
        ...

    def newest_message(self, shop: str) -> int:
        """The highest id of a message, 0 without one."""
        ...

    def customer(self, shop: str, customer_id: int) -> Customer | None: ...
    def messages(self, shop: str, thread_id: int) -> list[Message]:
        """Of a thread, oldest first."""
        ...

    def customers_by_email(self, shop: str, email: str) -> list[Customer]: ...
    def employees(self, shop: str) -> list[Employee]: ...
    def contacts(self, shop: str) -> list[Contact]: ...
    def order_states(self, shop: str) -> list[OrderState]: ...
    def configuration(self, shop: str, name: str) -> str | None: ...
    def order(self, shop: str, order_id: int) -> OrderFacts | None:
        """The order as it was pulled last."""
        ...

    def newest_history(self, shop: str, order_id: int) -> int:
        """The highest id of the order's history, 0 without one."""
        ...

    def payments(self, shop: str, order_reference: str) -> int:
        """How many payments are booked for orders with this reference."""
        ...

    def active_shops(self, shop: str) -> list[int]:
        """id_shop of every active shop of the installation, ascending; empty when shops are not mirrored."""
        ...

    def default_shop(self, shop: str) -> int:
        """The lowest active id_shop, 1 when shops are not mirrored."""
        ...

    def languages(self, shop: str) -> dict[int, str]:
        """id_lang -> iso code, lower-case."""
        ...


class Ledger(Protocol):
    """Every copy of every mail ever seen. A row is never deleted."""

    def together(self) -> AbstractContextManager[None]:
        """All that this thread asks and stores inside, of the whole mirror, is one flushed transaction. Others wait for
        it, so it must be short and talk to nobody."""
        ...

    def baseline(self, shop: str, mailbox: str, folder: str) -> Baseline | None: ...
    def set_baseline(self, shop: str, mailbox: str, folder: str, baseline: Baseline) -> None: ...
    def known_uids(self, shop: str, mailbox: str, folder: str, uidvalidity: int) -> set[int]: ...
    def at(self, shop: str, mailbox: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> list[Copy]:
        """The copies with these UIDs, as far as they are known."""
        ...

    def folder_states(self, shop: str, mailbox: str, folder: str) -> dict[str, int]:
        """State -> number of copies of one folder, under whatever numbering."""
        ...

    def adrift(self, shop: str) -> int:
        """How many pending copies have no intent that would carry them on."""
        ...

    def stuck(self, shop: str, before: datetime) -> list[Copy]:
        """Copies that were entered before this moment and are undecided still."""
        ...

    def enter(self, shop: str, copies: Sequence[NewCopy]) -> int:
        """Store rows (state received) and bytes in one transaction; rows already there are left alone."""
        ...

    def received(self, shop: str, limit: int) -> list[Copy]:
        """Rows to decide on, by (internaldate, id) across folders: new ones, and quarantined ones that are due
        again."""
        ...

    def raw(self, blob: str) -> bytes: ...
    def raws(self, blobs: Collection[str]) -> dict[str, bytes]:
        """The bytes of several mails, of those that can be had."""
        ...

    def get(self, copy_id: int) -> Copy | None: ...
    def same_mail(self, shop: str, mail_key: str) -> list[Copy]: ...
    def same_mails(self, shop: str, mail_keys: Collection[str], besides: Collection[int] = ()) -> list[Copy]:
        """Copies of these mails, oldest first, besides those with these ids."""
        ...

    def by_message_id(self, shop: str, message_ids: Sequence[str], besides: Collection[int] = ()) -> list[Copy]: ...
    def of_thread(self, shop: str, thread_id: int) -> list[Copy]:
        """Imported copies of a thread from customers' folders, oldest first."""
        ...

    def conclude(
        self,
        copy: Copy,
        state: MailState,
        reason: str,
        *,
        text_hash: str = "",
        id_thread: int | None = None,
        id_message: int | None = None,
        intents: Sequence[NewIntent] = (),
        trail: str = "",
        suggested: int | None = None,
        bounced: Bounced | None = None,
        files: Sequence[NewAttachment] = (),
        worker: bool = False,
    ) -> None:
        """The decision on a copy, its intents, its files and the bounce that it tells of, in one transaction.
        Quarantine counts as an attempt and sets when the next one is due. Raises StateError `ledger.moved_elsewhere`
        when the copy is not in `copy.state` any more, inside `together` at its end at the latest. worker: only for who
        holds the lease, else LeaseLost."""
        ...

    def count_from(self, copy: Copy, window: timedelta) -> int:
        """Copies in customers' folders from this copy's sender that came within the window before it, itself
        included, later ones and backfill left out."""
        ...

    def counts_from(self, shop: str, senders: Collection[str], since: datetime, upto: datetime) -> dict[str, int]:
        """As `count_from`, for several senders and whatever copies came after `since` and not after `upto`."""
        ...

    def counts_in_threads(self, shop: str, ids: Collection[int], since: datetime, upto: datetime) -> dict[int, int]:
        """As `count_in_thread`, for several threads and this time."""
        ...

    def count_in_thread(self, copy: Copy, thread_id: int, window: timedelta) -> int:
        """Other mails from customers' folders filed in this thread that came within the window before this one."""
        ...

    def bounced(self, shop: str, message_ids: Sequence[str]) -> set[str]:
        """Those of these mails of ours (by Message-ID) of which a bounce is known."""
        ...

    def states(self, shop: str) -> dict[str, int]: ...
    def listing(self, shop: str, states: Sequence[MailState], limit: int = 1000) -> list[Copy]: ...
    def any_rows(self, shop: str) -> bool: ...


class Attachments(Protocol):
    """The files of the mails that joined a thread. `Ledger.conclude` enters them, `Ledger.raw` gives their bytes."""

    def get(self, attachment_id: int) -> KeptAttachment | None: ...
    def of_thread(self, shop: str, thread_id: int) -> list[KeptAttachment]:
        """In the order in which they came."""
        ...

    def kept_since(self, shop: str, mailbox: str, since: datetime) -> int:
        """Bytes of the files that were kept since then for mails of one mailbox."""
        ...


class Leases(Protocol):
    """One worker per shop at a time. Times are the database's."""

    def take(self, shop: str, holder: str, seconds: float) -> bool:
        """Take or renew; False when somebody else's lease is alive."""
        ...

    def release(self, shop: str, holder: str) -> None: ...
    def holder(self, shop: str) -> str | None:
        """Who holds a living lease, e.g. 'host:pid:run'."""
        ...


class Memory(Protocol):
    """A few facts that outlive the process, by name."""

    def get(self, name: str) -> str | None: ...
    def set(self, name: str, value: str | None) -> None: ...


class Runs(Protocol):
    """One row per leg run: the history that `status` shows."""

    def begin(self, shop: str, leg: str, run_id: str, at: datetime) -> int: ...
    def finish(self, row: int, at: datetime, outcome: str, counts: dict[str, Any], error: str = "") -> None: ...
    def last(self, shop: str) -> list[dict[str, Any]]:
        """Per leg: the last run and the last success."""
        ...

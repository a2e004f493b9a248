"""What the page needs from the rest of the program; `wiring.office` fits it. Views are dicts as `mirror.queries` gives
them: datetimes as UTC ISO text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Protocol

View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which threads are shown. status '': any. contact, language 0: any. waiting: only those whose customer waits for
    an answer. words: searched in messages, names and addresses, or a thread's number or order's reference."""

    status: str = "open"
    contact: int = 0
    language: int = 0
    waiting: bool = False
    words: str = ""
    longest_first: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of threads. more: a mark for `after` of the next page, '' when there is none. cut: the search found so
    much that only the newest matches were looked at. unsorted: there are too many to put the longest wait first."""

    threads: Sequence[View]
    more: str = ""
    cut: bool = False
    unsorted: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A template for a thread. missing: names of values that a person must give first; text then is ''. other: the
    language it is written in, where that is not the customer's."""

    text: str
    missing: Sequence[str] = ()
    other: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in a shop: id -> name."""

    contacts: Mapping[int, str] = field(default_factory=dict)
    languages: Mapping[int, str] = field(default_factory=dict)
    employees: Mapping[int, str] = field(default_factory=dict)
    templates: Sequence[str] = ()


class Office(Protocol):
    """Everything of all shops. Methods raise ConnectorErrors whose words the page shows."""

    def shops(self) -> Sequence[str]: ...
    def zone(self, shop: str) -> tzinfo | None: ...
    def choices(self, shop: str) -> Choices: ...
    def threads(self, shop: str, wanted: Filters, after: str = "") -> Listed: ...
    def thread(self, shop: str, thread_id: int) -> View | None:
        """As `queries.thread_view`, with `attachments` (id, name, size, content_type, id_message, not_kept), each
        message's `shown` text and `mail` (the ledger row that brought it, or None)."""
        ...

    def story(self, shop: str, view: View, language: str, before: str = "") -> View | None:
        """What is known of the thread's customer: header, entries (newest first), next (`before` of the page below), as
        `wiring.story` tells them; names in this language where the shop has it. None when nothing is known."""
        ...

    def draft(self, shop: str, thread_id: int, template: str, values: Mapping[str, str]) -> Draft: ...
    def reply(self, shop: str, thread_id: int, text: str, *, employee: int, private: bool) -> list[int]:
        """Ids of the intents that were made; so do all that change something."""
        ...

    def set_status(self, shop: str, thread_id: int, status: str) -> list[int]: ...
    def forward(self, shop: str, thread_id: int, to: str, comment: str, *, employee: int) -> list[int]: ...
    def changes(self, shop: str, ids: Sequence[int]) -> list[View]:
        """id, kind, state, final (it has ended, and the thread shows what it made), why and remedy (words of its error,
        '' for none); of this shop only."""
        ...

    def mails_aside(self, shop: str) -> list[View]: ...
    def rows_aside(self, shop: str) -> list[View]: ...
    def mail(self, shop: str, copy_id: int) -> View | None:
        """A ledger row with `text`, `has_html` and `attachments`."""
        ...

    def mail_html(self, shop: str, copy_id: int) -> str | None:
        """The HTML of a mail as it came: hostile."""
        ...

    def file(self, shop: str, attachment_id: int) -> tuple[str, bytes]: ...
    def assign(self, shop: str, copy_id: int, thread_id: int, *, as_customer: bool) -> list[int]: ...
    def retry_mail(self, shop: str, copy_id: int) -> None: ...
    def drop_mail(self, shop: str, copy_id: int) -> None: ...
    def retry_row(self, shop: str, row_id: int) -> str: ...
    def drop_row(self, shop: str, row_id: int) -> None: ...
    def state(self, shop: str) -> View:
        """As `status --json` gives it, without counts of rows."""
        ...

    def stuck(self, shop: str) -> list[View]:
        """Changes that wait for a person, as `changes` gives them."""
        ...

    def settle(self, shop: str, intent_id: int, verb: str) -> str:
        """retry, confirm or cancel a stuck change; its new state."""
        ...

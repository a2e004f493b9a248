"""What a decision on a mail is made from (`Facts`, `Policy`) and what it is (`Decision`). Data only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from connector.core.attachments import Limits
from connector.core.authres import Dmarc
from connector.core.automail import AutoClass
from connector.core.matching import Referenced, Trust
from connector.core.mentions import CustomerOrder
from connector.core.model import Contact, Copy, Customer, Employee, MailState, Message, NewIntent, Thread

Say = Callable[..., str]
"""say(name, language, **values) -> a phrase in that language (ISO code), English when there is none."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say for this mail's mailbox.

    id_shop, id_lang, contact, employee: 0 = not set. foreign_sender: `file` or `quarantine`, for a proven mail from
    another address than the thread's. after: leave, flag, move or delete. authserv_id: the own server's name in
    Authentication-Results, `-` when it writes none, '' when it is not known. dmarc_fail: quarantine, file (as from
    somebody else) or off. reply_addresses: addresses that carry a thread's tag, casefolded. too_large: file or
    quarantine, for a mail of which only header and text were fetched.
    """

    create_threads: bool = False
    id_shop: int = 0
    id_lang: int = 0
    contact: int = 0
    employee: int = 0
    foreign_sender: str = "file"
    after: str = "leave"
    after_target: str = ""  # the flag to set or the folder to move to
    authserv_id: str = ""
    dmarc_fail: str = "quarantine"
    reply_addresses: tuple[str, ...] = ()
    too_large: str = "file"
    attachments: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one mail. Sequences may be empty; everything was read from the mirror or the ledger."""

    auto: AutoClass
    now: datetime
    signed: Sequence[Thread] = ()
    addressed: Sequence[Thread] = ()
    by_token: Sequence[Thread] = ()
    referenced: Sequence[Referenced] = ()
    by_recipient: Sequence[Thread] = ()
    bounced: Sequence[Bounced] = ()  # mails of ours that a bounce names and whose thread exists
    bounced_before: frozenset[str] = frozenset()  # Message-IDs of those that have bounced before
    dmarc: Dmarc = field(default_factory=Dmarc)
    same_key: Sequence[Copy] = ()  # other copies of this very mail, earlier rows
    same_id: Sequence[Copy] = ()  # other mails with this Message-ID
    in_shop: Message | None = None  # the message that carries this mail's reference
    customers: Sequence[Customer] = ()  # by the sender's address
    orders: Sequence[CustomerOrder] = ()  # theirs
    employees: Sequence[Employee] = ()
    contacts: Sequence[Contact] = ()
    languages: dict[int, str] = field(default_factory=dict)
    default_lang: int = 1
    default_shop: int = 1
    written: str | None = None  # what its writer newly wrote; None: not told apart yet
    text_hash: str = ""
    can_backdate: bool = False  # PATCH of date_add, from PrestaShop 8 on
    zone: tzinfo | None = None  # the shop's
    too_many: str = ""  # the mail-loop guard's finding, '' when quiet
    busy_threads: frozenset[int] = frozenset()  # threads into which too many mails came of late


@dataclass(frozen=True, slots=True)
class Bounced:
    """A mail of ours that did not arrive. message_id: the one it was sent with. id_message: the message of the thread
    that it carried, None when the outbox does not know it any more. action, status: as the report says."""

    message_id: str
    thread: Thread
    id_message: int | None = None
    action: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """One effect of a rule. why: what forbids it, '' when it is done."""

    rule: str
    effect: str
    why: str = ""

    def __str__(self) -> str:
        return f"rule.{self.rule}.{self.effect}:{self.why or 'done'}"


@dataclass(frozen=True, slots=True)
class Decision:
    """trail: what the trust ladder tried, then what rules did. bounced: the mail that this one tells did not arrive.
    suggested: a hint for a person, never acted on. trust, participant: by which proof it joins its thread, and whether
    its sender is the person whom the thread is with. ruled: what rules did."""

    state: MailState
    reason: str
    intents: tuple[NewIntent, ...] = ()
    id_thread: int | None = None
    id_message: int | None = None
    group: str = ""
    trail: str = ""
    bounced: Bounced | None = None
    suggested: int | None = None
    trust: Trust = Trust.NONE
    participant: bool = False
    ruled: tuple[Done, ...] = ()

"""Which thread a mail belongs to: the trust ladder.

1. a Message-ID of ours that our secret has signed, in In-Reply-To or References;
2. the thread's token in the subject (the `#ct` number alone proves nothing, and two official translations of
   PrestaShop break it: de-DE drops the `#`, en-US prints `ct%thread_id`, so the token alone must do);
3. a reference to a mail that the ledger has filed in a thread, sent by somebody who takes part in that thread.

Below that there is no proof, and a mail without proof joins nothing. Pure: `clues` says what to look up,
`match` decides on what was found.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.core.identity import thread_of_message_id
from connector.core.model import Mail, Thread

# Both patterns are bounded and without nested repetition: subjects come from strangers.
_CT = re.compile(r"(?<![A-Za-z0-9])#?ct(\d{1,10})(?![A-Za-z0-9])", re.IGNORECASE)
_TC = re.compile(r"(?<![A-Za-z0-9])#?[tT][cC]([A-Za-z0-9]{12})(?![A-Za-z0-9])")
_MAX_CANDIDATES = 5


class Trust(StrEnum):
    MESSAGE_ID = "message_id"
    TOKEN = "token"  # noqa: S105 - a rung of the ladder, not a secret
    REFERENCE = "reference"
    RECIPIENT = "recipient"  # staff only: a Sent mail to the address of exactly one open thread
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Clues:
    """What a mail claims, in the order in which it is believed.

    signed: threads named by valid signatures, the nearest reference first. tokens, thread_ids: from the subject.
    references: Message-IDs to look up in the ledger, the nearest first. is_own: the mail's own id is ours.
    """

    signed: tuple[int, ...]
    tokens: tuple[str, ...]
    thread_ids: tuple[int, ...]
    references: tuple[str, ...]
    is_own: bool
    bounced: tuple[int, ...]  # threads named by our signed ids inside an enclosed mail


@dataclass(frozen=True, slots=True)
class Referenced:
    """A ledger mail that this mail refers to. `thread` None while its thread is not created yet (`create_key`)."""

    message_id: str
    thread: Thread | None
    create_key: str
    group: str
    participants: frozenset[str]  # casefolded addresses


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome. `participant`: the sender is the person whom the thread is with (or has written in it before).

    thread None and create_key '' means no proof; `why` then says what was tried.
    """

    trust: Trust
    participant: bool
    thread: Thread | None = None
    create_key: str = ""
    group: str = ""
    why: str = ""

    @property
    def found(self) -> bool:
        return self.thread is not None or bool(self.create_key)


def clues(mail: Mail, secrets: Sequence[str], shop: str) -> Clues:
    """Read the claims of a mail. secrets: the instance secret first, then retired ones."""
    nearest_first = list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))
    signed = [thread_of_message_id(secrets, shop, ref) for ref in nearest_first]
    bounced = [thread_of_message_id(secrets, shop, ref) for ref in mail.enclosed_ids]
    return Clues(
        signed=tuple(dict.fromkeys(t for t in signed if t is not None)),
        tokens=tuple(dict.fromkeys(_TC.findall(mail.subject)))[:_MAX_CANDIDATES],
        thread_ids=tuple(dict.fromkeys(int(n) for n in _CT.findall(mail.subject)))[:_MAX_CANDIDATES],
        references=tuple(ref for ref in nearest_first if ref),
        is_own=thread_of_message_id(secrets, shop, mail.message_id) is not None,
        bounced=tuple(dict.fromkeys(t for t in bounced if t is not None)),
    )


def match(
    mail: Mail,
    found: Clues,
    signed: Sequence[Thread],
    by_token: Sequence[Thread],
    referenced: Sequence[Referenced],
) -> Match:
    """Decide which thread a customer's mail belongs to.

    signed, by_token: the threads of the clues that exist. The token is compared again here, exactly and in constant
    time, because the databases on the way fold case.
    """
    sender = mail.from_addr
    if signed:
        thread = signed[0]
        return Match(Trust.MESSAGE_ID, _same(thread.email, sender), thread, group=group_of(thread.id))
    for token in found.tokens:
        fitting = [t for t in by_token if t.token and hmac.compare_digest(t.token.encode(), token.encode())]
        named = [t for t in fitting if t.id in found.thread_ids]
        if named or len(fitting) == 1:
            thread = (named or fitting)[0]
            return Match(Trust.TOKEN, _same(thread.email, sender), thread, group=group_of(thread.id))
        if fitting:
            return Match(Trust.NONE, False, why="token_of_several_threads")
    stranger = False
    for ref in referenced:
        if sender and sender in ref.participants:
            return Match(Trust.REFERENCE, True, ref.thread, ref.create_key if ref.thread is None else "", ref.group)
        stranger = True
    if found.tokens:
        return Match(Trust.NONE, False, why="token_unknown")
    return Match(Trust.NONE, False, why="reference_by_a_stranger" if stranger else "no_thread")


def match_staff(
    mail: Mail,
    found: Clues,
    signed: Sequence[Thread],
    by_token: Sequence[Thread],
    referenced: Sequence[Referenced],
    by_recipient: Sequence[Thread],
) -> Match:
    """Which thread a mail in a Sent folder belongs to: what staff answered from their mail program.

    by_recipient: open threads whose e-mail is one of the mail's recipients; counts only when there is exactly one.
    """
    rung = match(mail, found, signed, by_token, ())
    if rung.found:
        return Match(rung.trust, True, rung.thread, group=rung.group)
    for ref in referenced:
        return Match(Trust.REFERENCE, True, ref.thread, ref.create_key if ref.thread is None else "", ref.group)
    if len(by_recipient) == 1:
        return Match(Trust.RECIPIENT, True, by_recipient[0], group=group_of(by_recipient[0].id))
    return Match(Trust.NONE, False, why="not_about_a_thread")


def group_of(thread_id: int) -> str:
    """The outbox group of a thread: its intents are pushed in order."""
    return f"thread:{thread_id}"


def _same(one: str, other: str) -> bool:
    return bool(other) and one.casefold() == other.casefold()

"""Which thread a mail belongs to: the trust ladder.

1. a Message-ID of ours that our secret has signed, in In-Reply-To or References;
2. a reply address with a token that our secret has signed (`support+ct12.…@`), where the settings name one;
3. the thread's token in the subject (the `#ct` number alone proves nothing, and two official translations of
   PrestaShop break it: de-DE drops the `#`, en-US prints `ct%thread_id`, so the token alone must do);
4. a reference to a mail that the ledger has filed in a thread, sent by somebody who takes part in that thread.

Below that there is no proof, and a mail without proof joins nothing; that its sender wrote in some thread lately is a
suggestion for a person (`suggest`). What was tried, step by step, is the match's `trail`. Pure: `clues` says what to
look up, `match` decides on what was found.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.core.identity import message_ids_in, thread_of_message_id, thread_of_tag, untagged
from connector.core.model import Mail, Thread

# Both patterns are bounded and without nested repetition: subjects come from strangers.
_CT = re.compile(r"(?<![A-Za-z0-9])#?ct(\d{1,10})(?![A-Za-z0-9])", re.IGNORECASE)
_TC = re.compile(r"(?<![A-Za-z0-9])#?[tT][cC]([A-Za-z0-9]{12})(?![A-Za-z0-9])")
_MAX_CANDIDATES = 5
_BOUNCE_TEXT = 200_000  # characters of a bounce that are searched for the id of the mail that bounced


class Trust(StrEnum):
    MESSAGE_ID = "message_id"
    ADDRESS = "address"
    TOKEN = "token"  # noqa: S105 - a rung of the ladder, not a secret
    REFERENCE = "reference"
    RECIPIENT = "recipient"  # staff only: a Sent mail to the address of exactly one open thread
    PERSON = "person"  # somebody read the mail and said where it belongs
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Clues:
    """What a mail claims, in the order in which it is believed.

    signed: threads named by valid signatures, the nearest reference first. addressed: by signed reply addresses.
    tokens, thread_ids: from the subject. references: Message-IDs to look up in the ledger, the nearest first. is_own:
    the mail's own id is ours. bounced: (Message-ID, thread) of the signed mails of ours that a bounce names.
    """

    signed: tuple[int, ...]
    tokens: tuple[str, ...]
    thread_ids: tuple[int, ...]
    references: tuple[str, ...]
    is_own: bool
    bounced: tuple[tuple[str, int], ...]
    addressed: tuple[int, ...] = ()


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
    trail: tuple[str, ...] = ()  # `rung:outcome`, in the order in which they were tried

    @property
    def found(self) -> bool:
        return self.thread is not None or bool(self.create_key)


def clues(mail: Mail, secrets: Sequence[str], shop: str, reply_addresses: Sequence[str] = ()) -> Clues:
    """Read the claims of a mail. secrets: the instance secret first, then retired ones. reply_addresses: those of the
    settings, to which a tag may be put."""
    nearest_first = list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))
    signed = [thread_of_message_id(secrets, shop, ref) for ref in nearest_first]
    tags = (untagged(address, reply_addresses)[1] for address in mail.recipients) if reply_addresses else ()
    addressed = [thread_of_tag(secrets, shop, tag) for tag in dict.fromkeys(tags) if tag]
    return Clues(
        signed=tuple(dict.fromkeys(t for t in signed if t is not None)),
        tokens=tuple(dict.fromkeys(_TC.findall(mail.subject)))[:_MAX_CANDIDATES],
        thread_ids=tuple(dict.fromkeys(int(n) for n in _CT.findall(mail.subject)))[:_MAX_CANDIDATES],
        references=tuple(ref for ref in nearest_first if ref),
        is_own=thread_of_message_id(secrets, shop, mail.message_id) is not None,
        bounced=_bounced(mail, secrets, shop),
        addressed=tuple(dict.fromkeys(t for t in addressed if t is not None)),
    )


def _bounced(mail: Mail, secrets: Sequence[str], shop: str) -> tuple[tuple[str, int], ...]:
    """Signed Message-IDs of ours in a mail that may be a bounce, with their threads. They stand in the enclosed
    mail or its headers, in In-Reply-To, or (qmail) in the text itself."""
    written = message_ids_in(mail.text[:_BOUNCE_TEXT]) if "psc1." in mail.text[:_BOUNCE_TEXT] else []
    candidates = dict.fromkeys([*mail.enclosed_ids, *mail.in_reply_to, *mail.references, *written])
    found = ((ref, thread_of_message_id(secrets, shop, ref)) for ref in list(candidates)[:64])
    return tuple((ref, thread) for ref, thread in found if thread is not None)


def match(
    mail: Mail,
    found: Clues,
    signed: Sequence[Thread],
    by_token: Sequence[Thread],
    referenced: Sequence[Referenced],
    addressed: Sequence[Thread] = (),
) -> Match:
    """Decide which thread a customer's mail belongs to.

    signed, addressed, by_token: the threads of the clues that exist. The token is compared again here, exactly and in
    constant time, because the databases on the way fold case.
    """
    trail: list[str] = []
    for trust, claims, threads in (
        (Trust.MESSAGE_ID, found.signed, signed),
        (Trust.ADDRESS, found.addressed, addressed),
    ):
        if threads:
            return _joined(trust, threads[0], mail, trail)
        trail.append(f"{trust}:{'thread_unknown' if claims else 'none'}")
    token = _by_token(mail, found, by_token, trail)
    if token.found or token.why == "token_of_several_threads":
        return token
    stranger = False
    for ref in referenced:
        if mail.from_addr and mail.from_addr in ref.participants:
            trail.append(f"{Trust.REFERENCE}:match")
            key = ref.create_key if ref.thread is None else ""
            return Match(Trust.REFERENCE, True, ref.thread, key, ref.group, trail=tuple(trail))
        stranger = True
    trail.append(f"{Trust.REFERENCE}:{'stranger' if stranger else 'unknown' if found.references else 'none'}")
    why = token.why or ("reference_by_a_stranger" if stranger else "no_thread")
    return Match(Trust.NONE, False, why=why, trail=tuple(trail))


def _joined(trust: Trust, thread: Thread, mail: Mail, trail: list[str]) -> Match:
    same = bool(thread.email) and thread.email.casefold() == mail.from_addr.casefold()
    return Match(trust, same, thread, group=group_of(thread.id), trail=(*trail, f"{trust}:match"))


def _by_token(mail: Mail, found: Clues, threads: Sequence[Thread], trail: list[str]) -> Match:
    for token in found.tokens:
        fitting = [t for t in threads if t.token and hmac.compare_digest(t.token.encode(), token.encode())]
        named = [t for t in fitting if t.id in found.thread_ids]
        if named or len(fitting) == 1:
            return _joined(Trust.TOKEN, (named or fitting)[0], mail, trail)
        if fitting:
            trail.append(f"{Trust.TOKEN}:of_several_threads")
            return Match(Trust.NONE, False, why="token_of_several_threads", trail=tuple(trail))
    number_only = "number_only" if found.thread_ids else "none"
    trail.append(f"{Trust.TOKEN}:{'unknown' if found.tokens else number_only}")
    return Match(Trust.NONE, False, why="token_unknown" if found.tokens else "")


def suggest(recent: Sequence[Thread]) -> int | None:
    """The thread that a mail without proof may belong to: the sender's, the one that was written in last. Never more
    than a hint: a From address is anybody's to write. recent: the sender's threads of late, the newest first."""
    return next((thread.id for thread in recent), None)


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
        return replace(rung, participant=True)
    trail = rung.trail[:-1]
    for ref in referenced:
        key = ref.create_key if ref.thread is None else ""
        return Match(Trust.REFERENCE, True, ref.thread, key, ref.group, trail=(*trail, f"{Trust.REFERENCE}:match"))
    trail = (*trail, f"{Trust.REFERENCE}:none")
    if len(by_recipient) == 1:
        last = (*trail, f"{Trust.RECIPIENT}:match")
        return Match(Trust.RECIPIENT, True, by_recipient[0], group=group_of(by_recipient[0].id), trail=last)
    last = (*trail, f"{Trust.RECIPIENT}:{'several' if by_recipient else 'none'}")
    return Match(Trust.NONE, False, why="not_about_a_thread", trail=last)


def group_of(thread_id: int) -> str:
    """The outbox group of a thread: its intents are pushed in order."""
    return f"thread:{thread_id}"

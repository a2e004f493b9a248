"""What becomes of a mail: import, ignore, quarantine; and the intents that carry it into the shop.

Pure: `decide` gets the mail, what the mirror and the ledger know of it (`Facts`) and the mailbox's settings
(`Policy`), and returns a `Decision`. It does not look anything up and writes nothing; `engine/join.py` does both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from connector.core import identity
from connector.core.automail import AutoClass
from connector.core.matching import Clues, Match, Referenced, Trust, group_of, match, match_staff
from connector.core.model import (
    Contact,
    Copy,
    Customer,
    Employee,
    Kind,
    Mail,
    MailState,
    Message,
    NewIntent,
    Role,
    Thread,
)
from connector.core.replies import extract

Say = Callable[..., str]
"""say(name, language, **values) -> a phrase in that language (ISO code), English when there is none."""

OLD_MAIL = timedelta(hours=1)
"""A mail older than this when it is imported gets its own date: the shop would show the time of the import."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say for this mail's mailbox.

    id_shop, id_lang, contact, employee: 0 = not set. foreign_sender: `file` or `quarantine`, for a proven mail from
    another address than the thread's. after: leave, flag, move or delete.
    """

    create_threads: bool = False
    id_shop: int = 0
    id_lang: int = 0
    contact: int = 0
    employee: int = 0
    foreign_sender: str = "file"
    after: str = "leave"
    after_target: str = ""  # the flag to set or the folder to move to


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one mail. Sequences may be empty; everything was read from the mirror or the ledger."""

    auto: AutoClass
    now: datetime
    signed: Sequence[Thread] = ()
    by_token: Sequence[Thread] = ()
    referenced: Sequence[Referenced] = ()
    by_recipient: Sequence[Thread] = ()
    bounced: Sequence[Thread] = ()
    same_key: Sequence[Copy] = ()  # other copies of this very mail, earlier rows
    same_id: Sequence[Copy] = ()  # other mails with this Message-ID
    in_shop: Message | None = None  # the message that carries this mail's reference
    customers: Sequence[Customer] = ()  # by the sender's address
    employees: Sequence[Employee] = ()
    contacts: Sequence[Contact] = ()
    languages: dict[int, str] = field(default_factory=dict)
    default_lang: int = 1
    default_shop: int = 1
    text_hash: str = ""
    can_backdate: bool = False  # PATCH of date_add, from PrestaShop 8 on
    zone: tzinfo | None = None  # the shop's
    too_many: str = ""  # the mail-loop guard's finding, '' when quiet


@dataclass(frozen=True, slots=True)
class Decision:
    state: MailState
    reason: str
    intents: tuple[NewIntent, ...] = ()
    id_thread: int | None = None
    id_message: int | None = None
    group: str = ""


def decide(copy: Copy, mail: Mail, found: Clues, facts: Facts, policy: Policy, say: Say, secret: str) -> Decision:
    """The whole decision on one received mail."""
    known = _known_already(copy, mail, found, facts, policy)
    if known is not None:
        return known
    if copy.role is Role.STAFF:
        return _staff(copy, mail, found, facts, policy, say)
    if any(e.email.casefold() == mail.from_addr and e.active for e in facts.employees) and mail.from_addr:
        return Decision(MailState.QUARANTINED, "employee_in_customers_folder")
    if facts.auto.kind in ("own", "loop", "shop_notification"):
        return Decision(MailState.IGNORED, facts.auto.kind)
    if facts.auto.kind == "bounce":
        return _bounce(copy, mail, facts, policy, say)
    joined = match(mail, found, facts.signed, facts.by_token, facts.referenced)
    if "several-from" in mail.problems:
        joined = replace(joined, participant=False)  # who of them wrote it is anybody's word
    if facts.auto.kind != "human":
        return _automatic(copy, mail, joined, facts, policy, say)
    if not mail.text.strip() and not mail.attachments:
        return Decision(MailState.QUARANTINED, "empty")
    if facts.too_many:
        return Decision(MailState.QUARANTINED, facts.too_many)
    if joined.found:
        if not joined.participant and policy.foreign_sender == "quarantine":
            return Decision(MailState.QUARANTINED, "foreign_sender")
        return _into_thread(copy, mail, joined, facts, policy, say)
    if joined.why in ("token_unknown", "token_of_several_threads"):
        return Decision(MailState.QUARANTINED, joined.why)
    return _new_thread(copy, mail, joined, facts, policy, say, secret)


def _known_already(copy: Copy, mail: Mail, found: Clues, facts: Facts, policy: Policy) -> Decision | None:
    """Copies of what the ledger or the shop has already, and mails that we sent ourselves."""
    if found.is_own:
        return Decision(MailState.IGNORED, "own")
    for other in facts.same_key:
        if other.state is not MailState.RECEIVED and other.reason != "copy":
            return Decision(MailState.IGNORED, "copy", id_thread=other.id_thread, id_message=other.id_message)
    if facts.in_shop is not None:
        thread, message = facts.in_shop.id_thread, facts.in_shop.id
        return Decision(MailState.IMPORTED, "found_in_shop", _file(copy, "", policy), thread, message)
    for other in facts.same_id:
        same = other.from_addr == mail.from_addr and other.text_hash == facts.text_hash
        if same and other.state in (MailState.IMPORTED, MailState.PENDING) and facts.text_hash:
            return Decision(MailState.IGNORED, "copy", id_thread=other.id_thread, id_message=other.id_message)
    return None


def _into_thread(copy: Copy, mail: Mail, joined: Match, facts: Facts, policy: Policy, say: Say) -> Decision:
    lang = _iso(joined.thread, facts, policy)
    lines = [] if joined.participant else [say("written_by", lang, address=mail.from_addr or "?")]
    message = _message(copy, mail, joined, facts, policy, say, lang, lines=lines)
    intents = [message]
    thread = joined.thread
    if thread is not None and joined.participant and not copy.backfill:
        # Whether it is closed is asked when it is pushed: a status set in the back office moves no date, so the mirror
        # may not know of it yet.
        intents.append(
            NewIntent(
                kind=Kind.THREAD_STATUS,
                key=f"thread.status:{message.reference}",
                reference="",
                group=message.group,
                payload={"id_thread": thread.id, "status": "open"},
                decided_on={"reopens": True},
                after=message.key,
                copy_id=copy.id,
            )
        )
    intents.extend(_file(copy, message.key, policy))
    reason = f"thread_by_{joined.trust.value}" if joined.participant else f"foreign_sender_by_{joined.trust.value}"
    return Decision(MailState.PENDING, reason, tuple(intents), thread.id if thread else None, group=message.group)


def _new_thread(copy: Copy, mail: Mail, joined: Match, facts: Facts, policy: Policy, say: Say, secret: str) -> Decision:
    if not policy.create_threads:
        return Decision(MailState.QUARANTINED, joined.why)
    if not mail.from_addr or "@" not in mail.from_addr or "several-from" in mail.problems:
        return Decision(MailState.QUARANTINED, "no_sender")
    contact = _contact(mail, facts, policy)
    if contact is None:
        return Decision(MailState.QUARANTINED, "no_contact")
    if not contact.customer_service:
        return Decision(MailState.IGNORED, "contact_saves_no_messages")
    id_shop = policy.id_shop or facts.default_shop
    customer = pick_customer(facts.customers, id_shop)
    id_lang = (customer.id_lang if customer else None) or policy.id_lang or facts.default_lang
    create = NewIntent(
        kind=Kind.THREAD_CREATE,
        key=f"thread.create:{copy.mail_key}",
        reference=identity.thread_token(secret, copy.mail_key),
        group=f"mail:{copy.mail_key}",
        payload={
            "email": mail.from_addr,
            "status": "open",
            "id_shop": id_shop,
            "id_lang": id_lang,
            "id_contact": contact.id,
            "id_customer": customer.id if customer else 0,
            "id_order": 0,
        },
        copy_id=copy.id,
    )
    target = Match(Trust.NONE, True, create_key=create.key, group=create.group)
    lang = facts.languages.get(id_lang, "en")
    lines = [say("subject", lang, subject=mail.subject)] if mail.subject.strip() else []
    message = _message(copy, mail, target, facts, policy, say, lang, lines=lines)
    intents = (create, message, *_file(copy, message.key, policy))
    return Decision(MailState.PENDING, "new_thread", intents, group=create.group)


def _automatic(copy: Copy, mail: Mail, joined: Match, facts: Facts, policy: Policy, say: Say) -> Decision:
    """Automatic mail is filed where it proves to belong, as a private note; it re-opens and creates nothing."""
    if not joined.found:
        return Decision(MailState.IGNORED, facts.auto.kind)
    lang = _iso(joined.thread, facts, policy)
    lines = [say("automatic_mail", lang)]
    message = _message(copy, mail, joined, facts, policy, say, lang, lines=lines, private=True)
    thread = joined.thread.id if joined.thread else None
    intents = (message, *_file(copy, message.key, policy))
    return Decision(MailState.PENDING, f"{facts.auto.kind}_filed", intents, thread, group=message.group)


def _bounce(copy: Copy, mail: Mail, facts: Facts, policy: Policy, say: Say) -> Decision:
    """A bounce counts only with a Message-ID of ours, signed, inside; anybody can forge the rest."""
    if not facts.bounced:
        return Decision(MailState.IGNORED, "bounce")
    thread = facts.bounced[0]
    target = Match(Trust.MESSAGE_ID, True, thread, group=group_of(thread.id))
    lang = _iso(thread, facts, policy)
    lines = [say("mail_bounced", lang)]
    message = _message(copy, mail, target, facts, policy, say, lang, lines=lines, private=True)
    intents = (message, *_file(copy, message.key, policy))
    return Decision(MailState.PENDING, "bounce_filed", intents, thread.id, group=message.group)


def _staff(copy: Copy, mail: Mail, found: Clues, facts: Facts, policy: Policy, say: Say) -> Decision:
    joined = match_staff(mail, found, facts.signed, facts.by_token, facts.referenced, facts.by_recipient)
    if not joined.found:
        return Decision(MailState.IGNORED, joined.why)
    if facts.auto.kind not in ("human", "own"):
        return Decision(MailState.IGNORED, facts.auto.kind)
    active = {e.email.casefold(): e.id for e in facts.employees if e.active}
    employee = active.get(mail.from_addr, policy.employee)
    if not employee:
        return Decision(MailState.QUARANTINED, "employee_unknown")
    if not mail.text.strip() and not mail.attachments:
        return Decision(MailState.QUARANTINED, "empty")
    lang = _iso(joined.thread, facts, policy)
    message = _message(copy, mail, joined, facts, policy, say, lang, employee=employee)
    thread = joined.thread.id if joined.thread else None
    intents = (message, *_file(copy, message.key, policy))
    return Decision(MailState.PENDING, f"staff_by_{joined.trust.value}", intents, thread, group=message.group)


def _message(
    copy: Copy,
    mail: Mail,
    target: Match,
    facts: Facts,
    policy: Policy,
    say: Say,
    lang: str,
    *,
    lines: Sequence[str] = (),
    employee: int = 0,
    private: bool = False,
) -> NewIntent:
    """The intent that puts the newly written text into the thread. The whole mail stays in the ledger."""
    text = extract(mail.text).new.strip()
    head = list(lines)
    written = copy.internaldate  # when the server took it; the Date header is the sender's word
    old = facts.now - written > OLD_MAIL
    if old and not facts.can_backdate:
        local = written.astimezone(facts.zone) if facts.zone else written
        head.append(say("sent_on", lang, date=local.strftime("%Y-%m-%d %H:%M")))
    tail = [say("attachments", lang, names=", ".join(_named(a.name, a.size) for a in mail.attachments[:20]))]
    body = "\n".join([*head, "", text] if head else [text])
    if mail.attachments:
        body = "\n\n".join([body, *tail])
    reference = identity.reference(copy.mail_key)
    return NewIntent(
        kind=Kind.MESSAGE_CREATE,
        key=f"message.create:{reference}",
        reference=reference,
        group=target.group,
        payload={
            "id_thread": target.thread.id if target.thread else None,
            "thread_key": target.create_key,
            "text": body.strip(),
            "id_employee": employee,
            "private": private,
            "written_at": written.isoformat() if old and facts.can_backdate else "",
            "lang": lang,
        },
        after=target.create_key,
        copy_id=copy.id,
    )


def _file(copy: Copy, after: str, policy: Policy) -> tuple[NewIntent, ...]:
    """The last step: what the setting `after` asks for the copy in its mailbox; `leave` asks nothing."""
    if policy.after == "leave":
        return ()
    return (
        NewIntent(
            kind=Kind.MAIL_FILE,
            key=f"mail.file:{copy.id}",
            reference="",
            group=f"file:{copy.id}",
            payload={
                "action": policy.after,
                "mailbox": copy.mailbox,
                "folder": copy.folder,
                "uid": copy.uid,
                "target": policy.after_target,
            },
            decided_on={"uidvalidity": copy.uidvalidity},
            after=after,
            copy_id=copy.id,
        ),
    )


def pick_customer(customers: Sequence[Customer], id_shop: int) -> Customer | None:
    """The customer whom an address means: active, not deleted, of this shop, registered before guest, highest id."""
    fitting = [c for c in customers if c.active and not c.deleted and (c.id_shop or id_shop) == id_shop]
    return max(fitting, key=lambda c: (not c.is_guest, c.id), default=None)


def _contact(mail: Mail, facts: Facts, policy: Policy) -> Contact | None:
    """By recipient address, else the mailbox's setting, else the first that saves messages."""
    wanted = set(mail.recipients)
    by_address = [c for c in facts.contacts if c.email and c.email.casefold() in wanted]
    by_setting = [c for c in facts.contacts if c.id == policy.contact]
    every = sorted(facts.contacts, key=lambda c: (not c.customer_service, c.id))
    return next(iter([*by_address, *by_setting, *every]), None)


def _iso(thread: Thread | None, facts: Facts, policy: Policy) -> str:
    id_lang = (thread.id_lang if thread else None) or policy.id_lang or facts.default_lang
    return facts.languages.get(id_lang, "en")


def _named(name: str, size: int) -> str:
    return f"{name} ({max(1, round(size / 1024))} kB)"

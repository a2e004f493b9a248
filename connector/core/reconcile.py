"""What becomes of a mail: import, ignore, quarantine; and the intents that carry it into the shop.

Pure: `decide` gets the mail, what the mirror and the ledger know of it (`Facts`) and the mailbox's settings
(`Policy`), and returns a `Decision`. It does not look anything up and writes nothing; `engine/join.py` does both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connector.core import identity
from connector.core.decisions import Decision, Facts, Policy, Say
from connector.core.filing import iso, last_step, message, reopening
from connector.core.identity import untagged
from connector.core.matching import Clues, Match, Trust, group_of, match, match_staff
from connector.core.mentions import CustomerOrder, mentioned
from connector.core.model import Contact, Copy, Customer, Kind, Mail, MailState, NewIntent, Role, Thread
from connector.core.replies import extract

ARRIVED = frozenset({"delayed", "delivered", "relayed", "expanded"})
"""Actions of a delivery report that tell of no failure (RFC 3464 2.3.3)."""


def decide(copy: Copy, mail: Mail, found: Clues, facts: Facts, policy: Policy, say: Say, secret: str) -> Decision:
    """The whole decision on one received mail."""
    known = _known_already(copy, mail, found, facts, policy)
    if known is not None:
        return known
    if copy.role is Role.STAFF:
        return _staff(copy, mail, found, facts, policy, say)
    if facts.auto.kind in ("loop", "shop_notification"):
        return Decision(MailState.IGNORED, facts.auto.kind)
    if facts.auto.kind == "bounce":
        return _bounce(copy, mail, facts, policy, say)
    joined = match(mail, found, facts.signed, facts.by_token, facts.referenced, facts.addressed)
    if "several-from" in mail.problems:
        joined = replace(joined, participant=False)  # who of them wrote it is anybody's word
    return replace(_of_customer(copy, mail, joined, facts, policy, say, secret), trail=" ".join(joined.trail))


def _of_customer(
    copy: Copy, mail: Mail, joined: Match, facts: Facts, policy: Policy, say: Say, secret: str
) -> Decision:
    """A mail in a customers' folder that is neither known, nor a bounce, nor the shop's own notification."""
    human = facts.auto.kind == "human"
    employee = any(e.email.casefold() == mail.from_addr and e.active for e in facts.employees) and mail.from_addr
    if not human and not joined.found and (facts.auto.kind != "own" or not employee):
        return Decision(MailState.IGNORED, facts.auto.kind)
    if employee:
        return _employee(copy, mail, joined, facts, policy, say)
    if facts.auto.kind == "own":
        return Decision(MailState.IGNORED, "own")
    if facts.dmarc.failed and policy.dmarc_fail != "off":
        if policy.dmarc_fail == "quarantine" or not joined.found:
            return Decision(MailState.QUARANTINED, "dmarc_failed")
        joined = replace(joined, participant=False)
    too_many = facts.too_many or ("thread_loop" if joined.thread and joined.thread.id in facts.busy_threads else "")
    if not human:
        # A machine that answers machines fills thread and quarantine alike; the ledger keeps what it wrote.
        if too_many:
            return Decision(MailState.IGNORED, too_many)
        return _automatic(copy, mail, joined, facts, policy, say)
    if not mail.text.strip() and not mail.attachments:
        return Decision(MailState.QUARANTINED, "empty")
    if too_many:
        return Decision(MailState.QUARANTINED, too_many)
    if not copy.whole and policy.too_large == "quarantine":
        return Decision(MailState.QUARANTINED, "too_large")
    if joined.found:
        if not joined.participant and policy.foreign_sender == "quarantine":
            return Decision(MailState.QUARANTINED, "foreign_sender")
        return _into_thread(copy, mail, joined, facts, policy, say)
    if joined.why in ("token_unknown", "token_of_several_threads"):
        return Decision(MailState.QUARANTINED, joined.why)
    return _new_thread(copy, mail, joined, facts, policy, say, secret)


def assign(
    copy: Copy, mail: Mail | None, thread: Thread, facts: Facts, policy: Policy, say: Say, *, as_customer: bool
) -> Decision:
    """Somebody read a mail that waited and says where it belongs. mail None: it cannot be decoded.

    as_customer: it is the customer's whatever its address; else only if it came from the thread's, and otherwise from
    somebody else.
    """
    sender = copy.from_addr if mail is None else "" if "several-from" in mail.problems else mail.from_addr
    same = bool(sender) and thread.email.casefold() == sender
    target = Match(Trust.PERSON, as_customer or same, thread, group=group_of(thread.id), trail=("person:match",))
    outcome = _into_thread(copy, mail, target, facts, policy, say)
    return replace(outcome, trail=" ".join(target.trail))


def _employee(copy: Copy, mail: Mail, joined: Match, facts: Facts, policy: Policy, say: Say) -> Decision:
    """Nobody becomes an employee by e-mail: at best a note, in nobody's name, and only when the own server vouches for
    the address and the mail proves its thread."""
    vouched = facts.dmarc.passed and "several-from" not in mail.problems
    if not vouched or not joined.found or not (mail.text.strip() or mail.attachments) or facts.auto.kind == "own":
        return Decision(MailState.QUARANTINED, "employee_in_customers_folder")
    lang = iso(joined.thread, facts, policy)
    lines = [say("written_by", lang, address=mail.from_addr)]
    note = message(copy, mail, joined, facts, policy, say, lang, lines=lines, private=True)
    thread = joined.thread.id if joined.thread else None
    reason = f"employee_note_by_{joined.trust.value}"
    intents = (note, *last_step(copy, note.key, policy))
    return Decision(MailState.PENDING, reason, intents, thread, group=note.group, trust=joined.trust)


def _known_already(copy: Copy, mail: Mail, found: Clues, facts: Facts, policy: Policy) -> Decision | None:
    """Copies of what the ledger or the shop has already, and mails that we sent ourselves."""
    if found.is_own:
        return Decision(MailState.IGNORED, "own")
    for other in facts.same_key:
        if other.state is not MailState.RECEIVED and other.reason != "copy":
            return Decision(MailState.IGNORED, "copy", id_thread=other.id_thread, id_message=other.id_message)
    if facts.in_shop is not None:
        thread, message = facts.in_shop.id_thread, facts.in_shop.id
        return Decision(MailState.IMPORTED, "found_in_shop", last_step(copy, "", policy), thread, message)
    for other in facts.same_id:
        same = other.from_addr == mail.from_addr and other.text_hash == facts.text_hash
        if same and other.state in (MailState.IMPORTED, MailState.PENDING) and facts.text_hash:
            return Decision(MailState.IGNORED, "copy", id_thread=other.id_thread, id_message=other.id_message)
    return None


def _into_thread(copy: Copy, mail: Mail | None, joined: Match, facts: Facts, policy: Policy, say: Say) -> Decision:
    lang = iso(joined.thread, facts, policy)
    address = (mail.from_addr if mail is not None else copy.from_addr) or "?"
    lines = [] if joined.participant else [say("written_by", lang, address=address)]
    written = message(copy, mail, joined, facts, policy, say, lang, lines=lines)
    intents = [written]
    thread = joined.thread
    if thread is not None and joined.participant and not copy.backfill:
        intents.append(reopening(copy, written, thread))
    intents.extend(last_step(copy, written.key, policy))
    reason = f"thread_by_{joined.trust.value}" if joined.participant else f"foreign_sender_by_{joined.trust.value}"
    return Decision(
        MailState.PENDING,
        reason,
        tuple(intents),
        thread.id if thread else None,
        group=written.group,
        trust=joined.trust,
        participant=joined.participant,
    )


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
    order = _order(mail, facts, id_shop)
    owner = (order.id_customer if order else None) or (customer.id if customer else 0)
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
            "id_customer": owner,
            "id_order": order.id if order else 0,
        },
        copy_id=copy.id,
    )
    target = Match(Trust.NONE, True, create_key=create.key, group=create.group)
    lang = facts.languages.get(id_lang, "en")
    lines = [say("subject", lang, subject=mail.subject)] if mail.subject.strip() else []
    first = message(copy, mail, target, facts, policy, say, lang, lines=lines)
    intents = (create, first, *last_step(copy, first.key, policy))
    return Decision(MailState.PENDING, "new_thread", intents, group=create.group, participant=True)


def _automatic(copy: Copy, mail: Mail, joined: Match, facts: Facts, policy: Policy, say: Say) -> Decision:
    """Automatic mail is filed where it proves to belong, as a private note; it re-opens and creates nothing."""
    if not joined.found:
        return Decision(MailState.IGNORED, facts.auto.kind)
    lang = iso(joined.thread, facts, policy)
    lines = [say("automatic_mail", lang)]
    note = message(copy, mail, joined, facts, policy, say, lang, lines=lines, private=True)
    thread = joined.thread.id if joined.thread else None
    intents = (note, *last_step(copy, note.key, policy))
    return Decision(
        MailState.PENDING, f"{facts.auto.kind}_filed", intents, thread, group=note.group, trust=joined.trust
    )


def _bounce(copy: Copy, mail: Mail, facts: Facts, policy: Policy, say: Say) -> Decision:
    """A bounce counts only with a Message-ID of ours, signed, inside; anybody can forge the rest. It is linked to the
    mail that did not arrive; the first of each leaves a note in the thread, later ones are counted only."""
    if not facts.bounced:
        return Decision(MailState.IGNORED, "bounce")
    if mail.delivery_action in ARRIVED:
        return Decision(MailState.IGNORED, f"delivery_{mail.delivery_action}", id_thread=facts.bounced[0].thread.id)
    lost = replace(facts.bounced[0], action=mail.delivery_action, status=mail.delivery_status)
    thread = lost.thread
    if lost.message_id in facts.bounced_before:
        return Decision(MailState.IGNORED, "bounce_again", id_thread=thread.id, bounced=lost)
    target = Match(Trust.MESSAGE_ID, True, thread, group=group_of(thread.id))
    lang = iso(thread, facts, policy)
    note = message(copy, mail, target, facts, policy, say, lang, lines=[say("mail_bounced", lang)], private=True)
    intents = (note, *last_step(copy, note.key, policy))
    return Decision(MailState.PENDING, "bounce_filed", intents, thread.id, group=note.group, bounced=lost)


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
    if not copy.whole and policy.too_large == "quarantine":
        return Decision(MailState.QUARANTINED, "too_large")
    lang = iso(joined.thread, facts, policy)
    note = message(copy, mail, joined, facts, policy, say, lang, employee=employee)
    thread = joined.thread.id if joined.thread else None
    intents = (note, *last_step(copy, note.key, policy))
    return Decision(MailState.PENDING, f"staff_by_{joined.trust.value}", intents, thread, group=note.group)


def pick_customer(customers: Sequence[Customer], id_shop: int) -> Customer | None:
    """The customer whom an address means: active, not deleted, of this shop, registered before guest, highest id."""
    fitting = [c for c in customers if c.active and not c.deleted and (c.id_shop or id_shop) == id_shop]
    return max(fitting, key=lambda c: (not c.is_guest, c.id), default=None)


def _order(mail: Mail, facts: Facts, id_shop: int) -> CustomerOrder | None:
    """The sender's own order that the mail names; a stranger's number links nothing."""
    mine = [order for order in facts.orders if (order.id_shop or id_shop) == id_shop]
    return mentioned((mail.subject, extract(mail.text, mail.subject).new), mine) if mine else None


def _contact(mail: Mail, facts: Facts, policy: Policy) -> Contact | None:
    """By recipient address (whom the mail was written to before where it was delivered), else the mailbox's setting,
    else the first that saves messages."""
    written_to = [untagged(a, policy.reply_addresses)[0] for a in mail.to + mail.cc + mail.delivered_to]
    known = {c.email.casefold(): c for c in reversed(facts.contacts) if c.email}
    by_address = [known[address] for address in written_to if address in known]
    by_setting = [c for c in facts.contacts if c.id == policy.contact]
    every = sorted(facts.contacts, key=lambda c: (not c.customer_service, c.id))
    return next(iter([*by_address, *by_setting, *every]), None)

"""What the rules that hold for a mail do to the decision on it: more intents, another status, or to ignore it.

Nothing is done twice, however often a mail is decided on: keys, references and Message-IDs are made of the mail's key
and the rule's name. What must not be done is left out, with its reason. Pure; `engine/ruling.py` looks things up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.core import forwarding, identity
from connector.core.decisions import Decision, Done, Say
from connector.core.matching import Trust
from connector.core.model import Copy, Kind, Mail, MailState, Message, NewIntent, OrderFacts, OrderState, Thread
from connector.core.order_changes import pays_twice
from connector.core.rules import Rule

ORIGIN = "rule"
"""Of intents: asked for by a rule."""
PROVEN = frozenset({Trust.MESSAGE_ID, Trust.TOKEN})
"""Proofs that allow a rule to touch an order, together with the participant's address."""


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom forwarded mails are. title: the shop's name."""

    address: str
    name: str
    host: str
    title: str


@dataclass(frozen=True, slots=True)
class OrderNow:
    """An order as the mirror has it. payments: rows booked for it."""

    facts: OrderFacts
    newest_history: int
    payments: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What effects are made from. thread: None while it is not created. staff: address -> id of active employees.
    allowed: addresses of the settings. sender None: there is no mail server. resolve: a wish -> a state of the shop.
    order: None for a mail without one. employee: in whose name, 0 for none."""

    thread: Thread | None
    messages: Sequence[Message]
    lang: str
    employee: int
    staff: Mapping[str, int]
    names: Mapping[int, str]
    own: Collection[str]
    allowed: Collection[str]
    sender: Sender | None
    order: OrderNow | None
    resolve: Callable[[str], OrderState | None]
    say: Say
    now: datetime


@dataclass(slots=True)
class _Work:
    copy: Copy
    mail: Mail
    decision: Decision
    automatic: bool
    ground: Ground
    intents: list[NewIntent]
    done: list[Done] = field(default_factory=list)

    @property
    def main(self) -> NewIntent:
        """The intent that puts the mail into its thread."""
        return next(one for one in self.intents if one.kind is Kind.MESSAGE_CREATE)

    def reference(self, rule: Rule, effect: str) -> str:
        return identity.reference(f"{self.copy.mail_key}/rule/{rule.name}/{effect}")

    def ours(self, kind: Kind, rule: Rule, effect: str, group: str, payload: dict[str, object]) -> NewIntent:
        reference = self.reference(rule, effect)
        return NewIntent(
            kind=kind,
            key=f"{kind}:{reference}",
            reference=reference if kind is Kind.MESSAGE_CREATE else "",
            group=group,
            payload={**payload, "rule": rule.name, "mail": self.copy.id},
            after=self.main.key,
            origin=ORIGIN,
        )


def applied(
    rules: Sequence[Rule], copy: Copy, mail: Mail, decision: Decision, ground: Ground, *, automatic: bool
) -> Decision:
    """The decision with what these rules do. rules: those that hold, in order."""
    ignoring = next((rule for rule in rules if rule.then.ignore), None)
    if ignoring is not None:
        done = [Done(ignoring.name, "ignore")]
        ignored = Decision(MailState.IGNORED, f"rule:{ignoring.name}", id_thread=decision.id_thread)
        return _told(replace(ignored, trail=decision.trail), done)
    if decision.state is not MailState.PENDING:
        done = [Done(rule.name, effect, "not_filed") for rule in rules for effect in _asked(rule)]
        return _told(decision, done)
    work = _Work(copy, mail, decision, automatic, ground, list(decision.intents))
    for rule in rules:
        for effect in _asked(rule):
            why = _EFFECTS[effect](work, rule)
            if effect not in ("forward", "assign") or why:
                work.done.append(Done(rule.name, effect, why))
    return _told(replace(decision, intents=tuple(work.intents)), work.done)


def _told(decision: Decision, done: Sequence[Done]) -> Decision:
    return replace(decision, trail=" ".join([*decision.trail.split(), *map(str, done)]), ruled=tuple(done))


def _asked(rule: Rule) -> list[str]:
    return [effect for effect in _EFFECTS if getattr(rule.then, effect)]


# --- one effect each: '' or why it is not done ------------------------------------------------------------------------


def _status(work: _Work, rule: Rule) -> str:
    status, thread = rule.then.thread_status, work.ground.thread
    if work.automatic:
        return "automatic"  # a machine changes no status
    if not work.decision.participant:
        return "not_the_customer"
    if any(one.effect == "thread_status" and not one.why for one in work.done):
        return "set_above"
    create = next((one for one in work.intents if one.kind is Kind.THREAD_CREATE), None)
    if create is not None:
        changed = replace(create, payload={**create.payload, "status": status})
        work.intents = [changed if one is create else one for one in work.intents]
        return ""
    now = thread.status if thread is not None else ""
    if status == "closed":
        # Opened and closed again it would only flicker.
        work.intents = [one for one in work.intents if not one.decided_on.get("reopens")]
    elif now in ("closed", ""):
        now = "open"  # by the re-opening, which comes first
    where = {"id_thread": thread.id if thread else None, "thread_key": work.main.payload.get("thread_key", "")}
    asked = work.ours(Kind.THREAD_STATUS, rule, "status", work.main.group, {**where, "status": status})
    unless_written_again = {"reply": work.main.key} if status == "closed" else {}
    work.intents.append(replace(asked, decided_on={**({"status": now} if now else {}), **unless_written_again}))
    return ""


def _note(work: _Work, rule: Rule) -> str:
    work.intents.append(_private(work, rule, "note", rule.then.note))
    return ""


def _private(work: _Work, rule: Rule, effect: str, text: str) -> NewIntent:
    main = work.main.payload
    payload = {
        "id_thread": main.get("id_thread"),
        "thread_key": main.get("thread_key", ""),
        "text": text,
        "id_employee": work.ground.employee,
        "private": True,
        "is_fallback": True,  # nothing stands in for it when the shop refuses it: the mail itself is in the thread
    }
    return work.ours(Kind.MESSAGE_CREATE, rule, effect, work.main.group, payload)


def _assign(work: _Work, rule: Rule) -> str:
    if rule.then.assign.casefold() not in work.ground.staff:
        return "no_such_employee"
    return _send(work, rule, "assign", [rule.then.assign])


def _forward(work: _Work, rule: Rule) -> str:
    return _send(work, rule, "forward", rule.then.forward)


def _send(work: _Work, rule: Rule, effect: str, addresses: Sequence[str]) -> str:
    """One mail to each address; what is in the way of one is told by itself."""
    if work.ground.sender is None:
        return "no_smtp"
    for address in dict.fromkeys(addresses):
        why = _forbidden(work, address)
        if not why:
            work.intents += _mail(work, rule, f"{effect}/{address.casefold()}", address, work.ground.sender)
        work.done.append(Done(rule.name, effect, why))
    return ""


def _forbidden(work: _Work, address: str) -> str:
    if not forwarding.may_forward_by_itself(address, work.ground.allowed):
        return "not_in_settings"
    if address.casefold() == work.mail.from_addr:
        return "back_to_sender"
    return "own_address" if address.casefold() in work.ground.own else ""


def _mail(work: _Work, rule: Rule, effect: str, address: str, sender: Sender) -> list[NewIntent]:
    """The note in the thread, then the mail. Staff see private notes, others do not."""
    ground, main = work.ground, work.main
    internal = address.casefold() in ground.staff
    thread = ground.thread or Thread(0, work.mail.from_addr, "", "", None, None, None, None, None)
    written = Message(0, None, None, str(main.payload["text"]), bool(main.payload.get("private")), "", ground.now)
    shown = [*ground.messages, replace(written, private=False)]  # whatever it is in the shop, it is what was asked for
    note = _private(work, rule, effect, ground.say("forwarded_to", ground.lang, address=address))
    number = f", {thread.id}" if thread.id else ""
    mail = work.ours(
        Kind.MAIL_SEND,
        rule,
        effect,
        f"reply:{note.reference}",
        {
            "id_thread": thread.id or None,
            "thread_key": main.payload.get("thread_key", ""),
            "id_employee": ground.employee,
            "to": address,
            "forward": True,
            "sender": sender.address,
            "sender_name": sender.name or sender.title,
            "subject": f"Fwd: {sender.title}{number}",
            "text": forwarding.text(thread, shown, "", ground.names, internal=internal),
            "lang": ground.lang,
        },
    )
    return [note, replace(mail, reference=forwarding.message_id(note.reference, sender.host), after=note.key)]


def _order(work: _Work, rule: Rule) -> str:
    ground, order = work.ground, work.ground.order
    if work.automatic:
        return "automatic"
    if work.decision.trust not in PROVEN or not work.decision.participant:
        return "not_proven"
    if any(one.effect == "order_status" and not one.why for one in work.done):
        return "set_above"
    if order is None:
        return "no_order"
    if not ground.employee:
        return "no_employee"
    state = ground.resolve(rule.then.order_status)
    if state is None or state.deleted:
        return "state_unknown"
    if order.facts.current_state == state.id:
        return "already"
    if pays_twice(state, order.facts, order.payments):
        return "would_pay_twice"
    asked = work.ours(
        Kind.ORDER_STATUS,
        rule,
        "order",
        f"order:{order.facts.id}",
        {
            "id_order": order.facts.id,
            "id_state": state.id,
            "id_employee": ground.employee,
            "mail_customer": rule.then.mail_customer,
        },
    )
    seen = {"current_state": order.facts.current_state, "newest_history": order.newest_history}
    work.intents.append(replace(asked, decided_on=seen))
    return ""


_EFFECTS: dict[str, Callable[[_Work, Rule], str]] = {
    "note": _note,
    "assign": _assign,
    "forward": _forward,
    "thread_status": _status,
    "order_status": _order,
}
"""In the order in which they are pushed."""

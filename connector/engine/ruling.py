"""Rules at work: what they are told of a mail and of its shop, and what they do to its decision.

Asks the mirror only when a rule wants to know. Nothing here writes: the intents go the way of the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from connector.core.decisions import Decision, Facts, Policy, Say
from connector.core.identity import untagged
from connector.core.model import Copy, Kind, Mail, MailState, OrderState, Role, Thread
from connector.core.replies import extract
from connector.core.rule_effects import Ground, OrderNow, Sender, applied
from connector.core.rules import Judged, Rule, Seen, canonical_names, holding, judge
from connector.core.statuses import Canon, Resolved, resolve
from connector.core.wordmatch import fold
from connector.engine.ports import Events, Lookups
from connector.ops import events as ev

NO_THREAD = frozenset({"no_thread", "reference_by_a_stranger"})
"""Reasons of a quarantined mail that a rule may ignore: it has no place, and nothing about it is suspicious."""
MOST_RECIPIENTS = 200
LONGEST_ADDRESS = 500


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """employee: in whose name rules act, 0 for none. forward_to: the addresses that they may send to. sender None:
    there is no mail server."""

    employee: int
    forward_to: Collection[str]
    sender: Sender | None


@dataclass(frozen=True, slots=True)
class Ruled:
    """The decision as rules leave it; every rule with what became of it, none when no rule was asked."""

    decision: Decision
    judged: Sequence[Judged] = ()


class Ruling:
    """The rules of one shop. canon: the canonical states."""

    def __init__(
        self,
        shop: str,
        rules: Sequence[Rule],
        settings: RuleSettings,
        lookups: Lookups,
        canon: Callable[[], Canon],
        say: Say,
        events: Events,
    ) -> None:
        self.shop = shop
        self._rules = rules
        self._settings = settings
        self._lookups = lookups
        self._canon = canon
        self._say = say
        self._events = events

    def apply(self, copy: Copy, mail: Mail, decision: Decision, facts: Facts, policy: Policy) -> Ruled:
        """The decision on a mail with what the rules add. Mails of staff, bounces, copies, and mails that are in scope
        only through `since` run no rule."""
        filed = decision.state is MailState.PENDING
        placeless = decision.state is MailState.QUARANTINED and decision.reason in NO_THREAD
        asked = copy.role is Role.CUSTOMERS and not copy.backfill and facts.auto.kind != "bounce"
        if not self._rules or not asked or not (filed or placeless):
            return Ruled(decision)
        about = _About(self.shop, self._lookups, self._canon, mail, decision, facts, policy)
        judged = judge(self._rules, self.shop, about.seen(any(rule.when.order_state for rule in self._rules)))
        rules = holding(judged)
        if not rules:
            return Ruled(decision, judged)
        automatic = facts.auto.kind != "human"
        ground = self._ground(about, any(rule.then.order_status for rule in rules), facts)
        return Ruled(applied(rules, copy, mail, decision, ground, automatic=automatic), judged)

    def tell(self, copy: Copy, decision: Decision) -> None:
        """The log lines of what rules did, once it is stored."""
        for one in decision.ruled:
            self._events.emit(
                ev.RULE_APPLIED,
                shop=self.shop,
                copy_id=copy.id,
                thread_id=decision.id_thread,
                rule=one.rule,
                effect=one.effect,
                reason=one.why or None,
            )

    def _ground(self, about: _About, with_order: bool, facts: Facts) -> Ground:
        settings, lookups = self._settings, self._lookups
        thread = about.thread
        sender = settings.sender
        if sender is not None:
            title = lookups.configuration(self.shop, "PS_SHOP_NAME") or sender.title
            sender = replace(sender, title=title)
        return Ground(
            thread=thread,
            messages=lookups.messages(self.shop, thread.id) if thread is not None else (),
            lang=about.lang,
            employee=settings.employee,
            staff={one.email.casefold(): one.id for one in facts.employees if one.active and one.email},
            names={one.id: one.email for one in facts.employees},
            own=about.policy.reply_addresses,
            allowed=settings.forward_to,
            sender=sender,
            order=about.order if with_order else None,
            resolve=about.resolve,
            say=self._say,
            now=facts.now,
        )


class _About:
    """One mail, its thread and its order, each looked up when it is asked for."""

    def __init__(
        self,
        shop: str,
        lookups: Lookups,
        canon: Callable[[], Canon],
        mail: Mail,
        decision: Decision,
        facts: Facts,
        policy: Policy,
    ) -> None:
        self.shop = shop
        self.mail = mail
        self.policy = policy
        self._lookups = lookups
        self._canon = canon
        self._decision = decision
        self._facts = facts
        kinds = {intent.kind: intent.payload for intent in reversed(decision.intents)}
        self._create = kinds.get(Kind.THREAD_CREATE, {})
        self.lang = str(kinds.get(Kind.MESSAGE_CREATE, {}).get("lang", ""))
        self._joins = decision.group != "" and not self._create

    @cached_property
    def thread(self) -> Thread | None:
        number = self._decision.id_thread
        if not number:
            return None
        # One that we made and that was not pulled back yet: its number is enough, its status is read before pushing.
        yet_unseen = Thread(number, self.mail.from_addr, "", "", None, None, None, None, None)
        return self._lookups.thread(self.shop, number) or yet_unseen

    @cached_property
    def order(self) -> OrderNow | None:
        number = int((self.thread.id_order if self.thread else self._create.get("id_order")) or 0)
        facts = self._lookups.order(self.shop, number) if number else None
        if facts is None:
            return None
        newest = self._lookups.newest_history(self.shop, number)
        return OrderNow(facts, newest, self._lookups.payments(self.shop, facts.reference))

    @cached_property
    def _states(self) -> tuple[list[OrderState], dict[str, str]]:
        keys = (key for state in self._canon().values() for key in state.keys)
        config = {key: self._lookups.configuration(self.shop, key) or "" for key in keys}
        return self._lookups.order_states(self.shop), config

    def resolve(self, wish: str) -> OrderState | None:
        states, config = self._states
        found = resolve(wish, states, config, self._canon())
        return next((one for one in states if isinstance(found, Resolved) and one.id == found.id), None)

    def seen(self, with_order: bool) -> Seen:
        mail, thread = self.mail, self.thread
        states: frozenset[str] = frozenset()
        if with_order and self.order is not None:
            states = canonical_names(self.order.facts.current_state, *self._states, self._canon())
        recipients = [fold(one[:LONGEST_ADDRESS]) for one in mail.recipients[:MOST_RECIPIENTS]]
        untagged_too = [untagged(one, self.policy.reply_addresses)[0] for one in recipients]
        contact = int((thread.id_contact if thread else self._create.get("id_contact")) or 0)
        named = next((one for one in self._facts.contacts if one.id == contact), None)
        return Seen(
            subject=mail.subject,
            text=extract(mail.text, mail.subject).new,
            sender=fold(mail.from_addr[:LONGEST_ADDRESS]),
            recipients=tuple(dict.fromkeys([*recipients, *untagged_too])),
            automatic=self._facts.auto.kind != "human",
            trust=str(self._decision.trust),
            participant=self._decision.participant,
            new_thread=not self._joins,
            thread_status=thread.status if thread else "",
            language=self.lang,
            contact=frozenset({str(contact), fold(named.email), fold(named.name)} - {""} if named else ()),
            order_states=states,
        )


__all__ = ["Ruled", "RuleSettings", "Ruling"]

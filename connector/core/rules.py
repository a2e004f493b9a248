"""Rules on mails that came in: which one holds for a mail, and why the others do not (`mappings/rules.toml`).

Rules are asked from top to bottom; the first that holds is the only one, unless it says `continue = true`. What a rule
asks for is made into intents in `rule_effects`, what may be asked for at all is read in `rule_files`. Pure, and linear
in the mail: words and globs, no regular expressions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

from connector.core.mapping import Mistake
from connector.core.model import OrderState
from connector.core.statuses import Canon, Resolved, resolve
from connector.core.wordmatch import Phrase, Words, any_glob

LONGEST_SUBJECT = 1_000
"""Characters of a subject that are looked at."""


@dataclass(frozen=True, slots=True)
class When:
    """What must hold: every condition that is given, each by one of its values. Texts are folded, globs as in
    `wordmatch`. automatic: None for any mail; new_thread, participant: None for both.

    words: in subject or text. contact: ids, addresses and names. trust: rungs of the trust ladder, `none` for a mail
    without proof. participant: the sender is the person whom the thread is with.
    """

    contact: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    subject: tuple[Phrase, ...] = ()
    text: tuple[Phrase, ...] = ()
    words: tuple[Phrase, ...] = ()
    order_state: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    thread_status: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    new_thread: bool | None = None
    participant: bool | None = None
    automatic: bool | None = False


@dataclass(frozen=True, slots=True)
class Then:
    """What is done. assign: an employee's address. forward: addresses. mail_customer: the shop tells the customer of
    the order status. ignore: the mail joins no thread, and nothing else is done."""

    thread_status: str = ""
    assign: str = ""
    forward: tuple[str, ...] = ()
    order_status: str = ""
    mail_customer: bool = False
    note: str = ""
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """shops: those that it is for, none given: all. goes_on: the rules below are asked, too. file, line: where it
    stands."""

    name: str
    when: When
    then: Then
    enabled: bool = True
    goes_on: bool = False
    shops: tuple[str, ...] = ()
    file: str = ""
    line: int = 0

    def is_for(self, shop: str) -> bool:
        return not self.shops or shop in self.shops


@dataclass(frozen=True, slots=True)
class Rules:
    """All of them, in the order in which they are asked."""

    every: tuple[Rule, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    def of(self, shop: str) -> tuple[Rule, ...]:
        """Those that are asked for a mail to this shop."""
        return tuple(rule for rule in self.every if rule.enabled and rule.is_for(shop))


@dataclass(frozen=True, slots=True)
class Seen:
    """What rules are told of one mail. contact: the thread's id, address and name of it, folded. order_states: the
    canonical names of the state that the thread's order is in. thread_status: '' for a thread that is yet to be."""

    subject: str
    text: str  # what its writer newly wrote
    sender: str
    recipients: tuple[str, ...]
    automatic: bool
    trust: str
    participant: bool
    new_thread: bool
    thread_status: str = ""
    language: str = ""
    contact: frozenset[str] = frozenset()
    order_states: frozenset[str] = frozenset()


Outcome = Literal["holds", "misses", "off", "other_shop", "not_asked"]


@dataclass(frozen=True, slots=True)
class Judged:
    """missed: the conditions that do not hold. not_asked: a rule above it was the last word."""

    rule: Rule
    outcome: Outcome
    missed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Mail:
    """The texts of a mail, made into words when the first rule asks for them."""

    seen: Seen
    _made: dict[str, Words] = field(default_factory=dict)

    def words(self, name: Literal["subject", "text"]) -> Words:
        if name not in self._made:
            text = self.seen.subject[:LONGEST_SUBJECT] if name == "subject" else self.seen.text
            self._made[name] = Words.of(text)
        return self._made[name]


def judge(rules: Sequence[Rule], shop: str, seen: Seen) -> list[Judged]:
    """Every rule with what became of it, in order."""
    mail, over = _Mail(seen), False
    result: list[Judged] = []
    for rule in rules:
        if not rule.enabled:
            result.append(Judged(rule, "off"))
        elif not rule.is_for(shop):
            result.append(Judged(rule, "other_shop"))
        elif over:
            result.append(Judged(rule, "not_asked"))
        elif missed := _missed(rule.when, mail):
            result.append(Judged(rule, "misses", missed))
        else:
            result.append(Judged(rule, "holds"))
            over = not rule.goes_on
    return result


def holding(judged: Sequence[Judged]) -> list[Rule]:
    return [one.rule for one in judged if one.outcome == "holds"]


_NAMES = {"sender": "from"}
CONDITIONS = tuple(_NAMES.get(one.name, one.name) for one in fields(When))
"""The names of the conditions in a file."""


def _missed(when: When, mail: _Mail) -> tuple[str, ...]:
    seen = mail.seen
    # The cheap ones first is of no use: all are asked, so that a person can read why a rule does not hold.
    held = {
        "contact": not when.contact or bool(seen.contact & set(when.contact)),
        "from": not when.sender or any_glob(when.sender, [seen.sender]),
        "to": not when.to or any_glob(when.to, seen.recipients),
        "subject": not when.subject or any(map(mail.words("subject").hold, when.subject)),
        "text": not when.text or any(map(mail.words("text").hold, when.text)),
        "words": not when.words
        or any(map(mail.words("subject").hold, when.words))
        or any(map(mail.words("text").hold, when.words)),
        "order_state": not when.order_state or bool(seen.order_states & set(when.order_state)),
        "language": not when.language
        or seen.language.partition("-")[0] in when.language
        or seen.language in when.language,
        "thread_status": not when.thread_status or seen.thread_status in when.thread_status,
        "trust": not when.trust or seen.trust in when.trust,
        "new_thread": when.new_thread in (None, seen.new_thread),
        "participant": when.participant in (None, seen.participant),
        "automatic": when.automatic in (None, seen.automatic),
    }
    return tuple(name for name, holds in held.items() if not holds)


def canonical_names(
    state: int, states: Sequence[OrderState], config: Mapping[str, str], canon: Canon
) -> frozenset[str]:
    """What `mappings/statuses.toml` calls this state of the shop; a word for several states counts for each."""
    names = {name for name in canon if resolve(name, states, config, canon) == Resolved(state)}
    return frozenset(names | {name for name, one in canon.items() if names & set(one.any_of)})

"""Rules: which hold, in which order, what they do, and what they must not do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import packagedata
from connector.core.decisions import Decision
from connector.core.matching import Trust
from connector.core.model import Kind, MailState, Message, NewIntent, OrderFacts, OrderState
from connector.core.rule_effects import PROVEN, Ground, OrderNow, Sender, applied
from connector.core.rules import Rule, Seen, Then, When, canonical_names, holding, judge
from connector.core.wordmatch import fold, phrase
from tests.support.mails import NOW, a_copy, a_mail, a_thread

SHIPPED = OrderState(4, ("Shipped",), False, False, False, True, True, True, True)
PAID = OrderState(2, ("Payment accepted",), False, True, True, False, False, True, True)
STATES = {"shipped": SHIPPED, "paid": PAID}


def seen(**changes: object) -> Seen:
    found = Seen(
        subject="About my order",
        text="I want to return it",
        sender="ann@example.com",
        recipients=("support@shop.test", "returns@shop.test"),
        automatic=False,
        trust="token",
        participant=True,
        new_thread=False,
        thread_status="open",
        language="de",
        contact=frozenset({"2", "returns@shop.test", "returns"}),
        order_states=frozenset({"shipped"}),
    )
    return replace(found, **changes)


def rule(name: str = "a", when: When | None = None, then: Then | None = None, **more: object) -> Rule:
    return Rule(name, when or When(sender=("*",)), then or Then(note="x"), **more)


def outcomes(rules: list[Rule], mail: Seen | None = None) -> list[str]:
    return [one.outcome for one in judge(rules, "main", mail or seen())]


def test_the_first_that_holds_is_the_last_unless_it_goes_on() -> None:
    no = When(sender=("bob@*",))
    rules = [rule("a", no), rule("b", goes_on=True), rule("c"), rule("d"), rule("e", enabled=False)]
    assert outcomes(rules) == ["misses", "holds", "holds", "not_asked", "off"]
    assert outcomes([rule(shops=("other",)), rule()]) == ["other_shop", "holds"]
    assert [one.name for one in holding(judge(rules, "main", seen()))] == ["b", "c"]


@pytest.mark.parametrize(
    ("when", "other"),
    [
        (When(contact=("2",)), seen(contact=frozenset({"3"}))),
        (When(contact=("x", "returns")), seen(contact=frozenset())),
        (When(sender=("*@example.com",)), seen(sender="ann@example.com.evil.test")),
        (When(to=("returns@*",)), seen(recipients=("support@shop.test",))),
        (When(subject=(phrase("my order"),)), seen(subject="order my")),
        (When(text=(phrase("return"),)), seen(text="About returns", subject="return")),
        (When(words=(phrase("about"), phrase("zzz"))), seen(subject="", text="")),
        (When(words=(phrase("return"),)), seen(subject="", text="")),
        (When(order_state=("paid", "shipped")), seen(order_states=frozenset())),
        (When(language=("de",)), seen(language="fr")),
        (When(thread_status=("open", "closed")), seen(thread_status="pending1")),
        (When(trust=("token",)), seen(trust="none")),
        (When(new_thread=False), seen(new_thread=True)),
        (When(participant=True), seen(participant=False)),
        (When(sender=("*",)), seen(automatic=True)),
    ],
)
def test_each_condition_holds_and_is_named_when_it_does_not(when: When, other: Seen) -> None:
    assert outcomes([rule(when=when)]) == ["holds"]
    (one,) = judge([rule(when=when)], "main", other)
    assert (one.outcome, len(one.missed)) == ("misses", 1)


def test_automatic_mail_is_left_alone_unless_a_rule_asks_for_it() -> None:
    for automatic, expected in ((False, "misses"), (True, "holds"), (None, "holds")):
        found = outcomes([rule(when=When(sender=("*",), automatic=automatic))], seen(automatic=True))
        assert found == [expected]
    assert outcomes([rule(when=When(language=("pt",)))], seen(language="pt-br")) == ["holds"]


@given(st.text(max_size=400), st.text(max_size=60), st.text(max_size=40))
def test_no_mail_breaks_a_rule(text: str, subject: str, sender: str) -> None:
    words = tuple(phrase(one) for one in ("return", "send * back", "*e*t*", "st??n*"))
    when = When(words=words, sender=("*@*.example", "a?b*"))
    judge([rule(when=when)], "main", seen(text=text, subject=subject, sender=fold(sender)))


def test_a_state_of_the_shop_has_the_canonical_names_that_mean_it() -> None:
    canon = packagedata.statuses()
    states = [SHIPPED, PAID, replace(PAID, id=9, names=("On backorder (paid)",), invoice=False)]
    config = {"PS_OS_SHIPPING": "4", "PS_OS_PAYMENT": "2", "PS_OS_OUTOFSTOCK_PAID": "9"}
    assert canonical_names(4, states, config, canon) == {"shipped"}
    assert canonical_names(9, states, config, canon) == {"backorder", "backorder_paid"}
    assert canonical_names(77, states, config, canon) == frozenset()


# --- what they do -----------------------------------------------------------------------------------------------------

MAIN = NewIntent(
    Kind.MESSAGE_CREATE,
    "message.create:psc1/m",
    "psc1/m",
    "thread:12",
    {"id_thread": 12, "text": "Hello", "lang": "en"},
)
REOPEN = NewIntent(
    Kind.THREAD_STATUS, "thread.status:psc1/m", "", "thread:12", {"id_thread": 12, "status": "open"},
    {"reopens": True}, after=MAIN.key,
)  # fmt: skip
REPLY = Decision(
    MailState.PENDING, "thread_by_token", (MAIN, REOPEN), 12, group="thread:12", trail="token:match",
    trust=Trust.TOKEN, participant=True,
)  # fmt: skip
ORDER = OrderNow(OrderFacts(7, 2, 100, "ABCDEFGHI", "10.00"), 55, 1)


def ground(**changes: object) -> Ground:
    found = Ground(
        thread=a_thread(status="closed"),
        messages=[Message(1, 12, 3, "for colleagues", True, ""), Message(2, 12, 3, "for all", False, "")],
        lang="en",
        employee=1,
        staff={"colleague@shop.test": 3},
        names={3: "colleague@shop.test"},
        own=("answers@shop.test",),
        allowed=("warehouse@shop.test", "colleague@shop.test", "ann@example.com", "answers@shop.test"),
        sender=Sender("support@shop.test", "", "shop.test", "My shop"),
        order=ORDER,
        resolve=lambda wish: STATES.get(wish),
        say=lambda name, lang, **values: f"{name} {values}",
        now=NOW,
    )
    return replace(found, **changes)


def run(then: Then, decision: Decision = REPLY, *, automatic: bool = False, **changes: object) -> Decision:
    return applied([rule(then=then)], a_copy(), a_mail(), decision, ground(**changes), automatic=automatic)


def whys(decision: Decision) -> list[str]:
    return [one.why or "done" for one in decision.ruled]


def added(decision: Decision) -> list[NewIntent]:
    return [one for one in decision.intents if one not in REPLY.intents]


def test_a_note_comes_after_the_mail_and_is_private() -> None:
    (note,) = added(run(Then(note="look")))
    assert (note.kind, note.payload["text"], note.payload["private"]) == (Kind.MESSAGE_CREATE, "look", True)
    assert (note.after, note.group, note.copy_id, note.origin) == (MAIN.key, "thread:12", None, "rule")


def test_the_same_mail_and_rule_give_the_same_keys_and_others_give_others() -> None:
    then = Then(note="x", forward=("warehouse@shop.test",), thread_status="pending1", order_status="shipped")
    first, again = run(then), run(then)
    assert [one.key for one in first.intents] == [one.key for one in again.intents]
    other = applied([rule("b", then=then)], a_copy(), a_mail(), REPLY, ground(), automatic=False)
    assert not {one.key for one in added(first)} & {one.key for one in added(other)}
    assert len({one.key for one in first.intents}) == len(first.intents)


@pytest.mark.parametrize(
    ("now", "wanted", "expected", "reopened"),
    [
        ("closed", "pending1", "open", True),
        ("open", "pending1", "open", True),
        ("pending2", "pending1", "pending2", True),
        ("open", "closed", "open", False),
        ("pending1", "closed", "pending1", False),
    ],
)
def test_a_status_is_decided_on_what_the_thread_will_be_in(
    now: str, wanted: str, expected: str, reopened: bool
) -> None:
    decision = run(Then(thread_status=wanted), thread=a_thread(status=now))
    (status,) = added(decision)
    assert (status.payload["status"], status.decided_on["status"]) == (wanted, expected)
    assert (REOPEN in decision.intents) is reopened


def test_a_new_thread_is_made_with_the_status_that_a_rule_wants() -> None:
    create = NewIntent(Kind.THREAD_CREATE, "thread.create:k", "t" * 12, "mail:k", {"status": "open", "email": "a@b.c"})
    first = replace(MAIN, payload={**MAIN.payload, "id_thread": None, "thread_key": create.key}, after=create.key)
    fresh = replace(REPLY, intents=(create, first), id_thread=None, trust=Trust.NONE, reason="new_thread")
    decision = run(Then(thread_status="pending2", note="x", order_status="shipped"), fresh, thread=None)
    assert decision.intents[0] == replace(create, payload={**create.payload, "status": "pending2"})
    assert decision.intents[2].payload["thread_key"] == create.key
    assert whys(decision) == ["done", "done", "not_proven"]


def test_an_order_needs_proof_and_the_participants_address() -> None:
    for trust in Trust:
        for participant in (True, False):
            decision = run(Then(order_status="shipped"), replace(REPLY, trust=trust, participant=participant))
            allowed = participant and trust in (Trust.MESSAGE_ID, Trust.TOKEN)
            assert whys(decision) == ["done" if allowed else "not_proven"]
            assert bool(added(decision)) is allowed
    assert {Trust.MESSAGE_ID, Trust.TOKEN} == PROVEN


@pytest.mark.parametrize(
    ("changes", "wish", "why"),
    [
        ({}, "shipped", "done"),
        ({}, "paid", "already"),
        ({}, "lost", "state_unknown"),
        ({"order": None}, "shipped", "no_order"),
        ({"employee": 0}, "shipped", "no_employee"),
        ({"order": replace(ORDER, facts=replace(ORDER.facts, current_state=4, invoice_number=0))}, "paid",
         "would_pay_twice"),
        ({"resolve": lambda wish: replace(SHIPPED, deleted=True)}, "shipped", "state_unknown"),
    ],
)  # fmt: skip
def test_an_order_status_is_refused_where_the_command_refuses_it(changes: dict, wish: str, why: str) -> None:
    decision = run(Then(order_status=wish, mail_customer=True), **changes)
    assert whys(decision) == [why]
    if why == "done":
        (status,) = added(decision)
        assert status.payload | {"rule": "", "mail": 0} == {
            "id_order": 7, "id_state": 4, "id_employee": 1, "mail_customer": True, "rule": "", "mail": 0,
        }  # fmt: skip
        assert (status.group, status.decided_on) == ("order:7", {"current_state": 2, "newest_history": 55})


def test_a_machine_and_a_stranger_change_no_status() -> None:
    both = Then(thread_status="closed", order_status="shipped", note="x")
    assert whys(run(both, automatic=True)) == ["done", "automatic", "automatic"]
    assert whys(run(both, replace(REPLY, participant=False))) == ["done", "not_the_customer", "not_proven"]


def test_staff_read_private_notes_of_a_forwarded_thread_and_others_do_not() -> None:
    decision = run(Then(assign="Colleague@shop.test", forward=("warehouse@shop.test",)))
    assert whys(decision) == ["done", "done"]
    note, mail, other_note, other_mail = added(decision)
    assert [one.kind for one in (note, mail)] == [Kind.MESSAGE_CREATE, Kind.MAIL_SEND]
    assert (mail.after, other_mail.after, note.after) == (note.key, other_note.key, MAIN.key)
    assert "for colleagues" in mail.payload["text"]
    assert "for colleagues" not in other_mail.payload["text"]
    assert all("Hello" in one.payload["text"] and one.payload["forward"] for one in (mail, other_mail))
    assert mail.reference != other_mail.reference


@pytest.mark.parametrize(
    ("then", "changes", "why"),
    [
        (Then(forward=("eve@elsewhere.test",)), {}, "not_in_settings"),
        (Then(forward=("Ann@example.com",)), {}, "back_to_sender"),
        (Then(forward=("answers@shop.test",)), {}, "own_address"),
        (Then(forward=("warehouse@shop.test",)), {"sender": None}, "no_smtp"),
        (Then(assign="warehouse@shop.test"), {}, "no_such_employee"),
        (Then(assign="colleague@shop.test"), {"allowed": ()}, "not_in_settings"),
    ],
)
def test_a_mail_goes_nowhere_that_the_settings_do_not_name(then: Then, changes: dict, why: str) -> None:
    decision = run(then, **changes)
    assert (whys(decision), added(decision)) == ([why], [])
    assert decision.trail.endswith(f":{why}")


def test_an_ignored_mail_joins_nothing_and_says_which_rule() -> None:
    decision = run(Then(ignore=True))
    assert (decision.state, decision.reason, decision.intents) == (MailState.IGNORED, "rule:a", ())
    assert decision.trail == "token:match rule.a.ignore:done"


def test_with_a_mail_that_joins_no_thread_a_rule_can_do_nothing_but_ignore_it() -> None:
    aside = Decision(MailState.QUARANTINED, "no_thread")
    decision = run(Then(note="x", forward=("warehouse@shop.test",)), aside)
    assert (decision.state, decision.intents, whys(decision)) == (MailState.QUARANTINED, (), ["not_filed"] * 2)
    assert run(Then(ignore=True), aside).reason == "rule:a"


def test_of_two_rules_that_set_one_thing_the_upper_one_counts() -> None:
    rules = [
        rule("a", then=Then(thread_status="pending1", note="1")),
        rule("b", then=Then(thread_status="closed", note="2")),
    ]
    decision = applied(rules, a_copy(), a_mail(), REPLY, ground(), automatic=False)
    assert [str(one) for one in decision.ruled] == [
        "rule.a.note:done", "rule.a.thread_status:done", "rule.b.note:done", "rule.b.thread_status:set_above",
    ]  # fmt: skip

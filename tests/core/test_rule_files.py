"""Files with rules: what they say, and every mistake with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import packagedata
from connector.core.mapping import MappingText
from connector.core.rule_files import EFFECTS, MOST_RULES, read, unsettled
from connector.core.rules import CONDITIONS, Rules

STATES = ("paid", "shipped")


def own(text: str) -> Rules:
    return read(None, MappingText("own/rules.toml", text), STATES)


def mistakes(text: str) -> list[str]:
    return [str(one) for one in own(text).mistakes]


GOOD = 'when.words = "return"\nthen.note = "x"\n'


def test_the_shipped_rules_are_without_mistakes_and_switched_off() -> None:
    rules = packagedata.rules(None, {"main": ()})
    assert rules.mistakes == ()
    assert rules.every
    assert rules.of("main") == ()


def test_every_key_can_be_set() -> None:
    rules = own("""
[all]
enabled = true
continue = true
shops = ["main", "other"]
when.contact = [2, "Returns"]
when.from = ["*@Example.com"]
when.to = "returns@shop.example"
when.subject = "order"
when.text = ["send * back"]
when.words = ["Rücksend*"]
when.order_state = "shipped"
when.language = ["de", "pt-br"]
when.thread_status = ["closed"]
when.trust = ["token", "message_id"]
when.new_thread = false
when.participant = true
when.automatic = "any"
then.thread_status = "pending1"
then.assign = "ann@shop.example"
then.forward = ["bob@shop.example"]
then.order_status = 4
then.mail_customer = true
then.note = "look"
""")
    assert rules.mistakes == ()
    (rule,) = rules.every
    assert (rule.when.contact, rule.when.sender, rule.when.automatic) == (("2", "returns"), ("*@example.com",), None)
    assert (rule.when.words, rule.when.text) == ((("rücksend*",),), (("send", "*", "back"),))
    assert (rule.then.order_status, rule.goes_on, rule.line) == ("4", True, 2)
    assert [shop for shop in ("main", "third") if rule.is_for(shop)] == ["main"]


def test_ones_own_rules_come_first_and_replace_a_shipped_one_of_their_name_whole() -> None:
    shipped = MappingText("shipped/rules.toml", f'[a]\nenabled = false\nwhen.language = "de"\n{GOOD}[b]\n{GOOD}')
    rules = read(shipped, MappingText("own/rules.toml", f"[z]\n{GOOD}[a]\n{GOOD}"), STATES)
    assert [(rule.name, rule.enabled, rule.when.language, rule.file) for rule in rules.every] == [
        ("z", True, (), "own/rules.toml"),
        ("a", True, (), "own/rules.toml"),
        ("b", True, (), "shipped/rules.toml"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a]\nwhen.words = [\n", ":3: "),
        ("a = 1", ":1: `a` must be a table: [a]"),
        (f"\n['Big One']\n{GOOD}", ":2: a rule is called by a-z"),
        ("[a]\nwhen.word = 'x'\nthen.note = 'x'", ":2: unknown key `when.word`; known are: contact,"),
        ("[a]\nwords = 'x'\n" + GOOD, ":2: unknown key `words`; known are: enabled,"),
        ("[a]\nwhen.words = 'x'\nthen.reply = 'x'", ":3: unknown key `then.reply`"),
        ("[a]\nthen.note = 'x'", ":1: a rule needs a condition"),
        ("[a]\nwhen.words = 'x'", ":1: a rule needs something to do"),
        ("[a]\nwhen = 3\nthen.note = 'x'", ":2: `when` must be a table"),
        ("[a]\n\nwhen.words = []\nthen.note = 'x'", ":3: `words` needs between 1 and 100"),
        ("[a]\nwhen.words = ['x', 3]\nthen.note = 'x'", ":2: `words` must be a text or a list of texts, none"),
        ("[a]\nwhen.words = '***'\nthen.note = 'x'", ":2: `words`: '***' holds no letter"),
        ("[a]\nwhen.from = 'example.com'\nthen.note = 'x'", ":2: `from`: 'example.com' is no address"),
        ("[a]\nwhen.order_state = 'sent'\nthen.note = 'x'", ":2: `order_state`: 'sent' is none of: paid, shipped"),
        ("[a]\nwhen.trust = ['person']\nthen.note = 'x'", ":2: `trust`: 'person' is none of: message_id, address,"),
        ("[a]\nwhen.automatic = 'yes'\nthen.note = 'x'", ':2: `automatic` must be true or false or "any"'),
        ("[a]\nwhen.language = 'German'\nthen.note = 'x'", ":2: `language`: 'German' is no language"),
        ("[a]\nwhen.words = 'x'\nthen.thread_status = 'done'", ":3: `thread_status`: 'done' is none of: open,"),
        ("[a]\nwhen.words = 'x'\nthen.forward = 'Bob <b@x.test>'", ":3: `forward`: 'Bob <b@x.test>' is no bare"),
        ("[a]\nwhen.words = 'x'\nthen.assign = '*@shop.example'", ":3: `assign`: '*@shop.example' is no bare"),
        ("[a]\nwhen.words = 'x'\nthen.ignore = true\nthen.note = 'x'", ":3: a mail that is ignored joins no thread"),
        ("[a]\ncontinue = true\nwhen.words = 'x'\nthen.ignore = true", ":4: a mail that is ignored joins no thread"),
        ("[a]\nwhen.words = 'x'\nthen.note = 'x'\nthen.mail_customer = true", ":4: `mail_customer` says something"),
        ("[a]\nwhen.words = 'x'\nthen.note = \"\\u0007\"", ":3: `note`: '\\x07' holds a control character"),
        ("[a]\nenabled = 1\n" + GOOD, ":2: `enabled` must be true or false"),
    ],
)
def test_every_mistake_is_told_with_its_line(text: str, told: str) -> None:
    assert any(one.startswith(f"own/rules.toml{told}") for one in mistakes(text)), mistakes(text)


def test_a_rule_with_a_mistake_is_no_rule_and_all_mistakes_are_told_at_once() -> None:
    rules = own(f"[a]\nwhen.words = 3\n[b]\n{GOOD}[c]\nthen.note = ''\n")
    assert [rule.name for rule in rules.every] == ["b"]
    assert [one.line for one in rules.mistakes] == [1, 2, 6, 7]
    many = "".join(f"[r{n}]\n{GOOD}" for n in range(MOST_RULES + 1))
    assert mistakes(many) == [f"own/rules.toml: more than {MOST_RULES} rules"]


def test_mails_go_only_to_addresses_of_the_settings_of_every_shop_that_the_rule_is_for() -> None:
    rules = own(
        "[a]\nwhen.words = 'x'\nthen.forward = 'Bob@shop.example'\n"
        "[b]\nshops = 'two'\nwhen.words = 'x'\nthen.assign = 'ann@shop.example'\n"
        "[c]\nenabled = false\nwhen.words = 'x'\nthen.forward = 'eve@elsewhere.test'\n"
        "[d]\nshops = 'three'\nwhen.words = 'x'\nthen.note = 'x'\n"
    )
    told = [str(one) for one in unsettled(rules, {"one": ["bob@shop.example"], "two": []})]
    assert [one.split(": ")[0] for one in told] == [f"own/rules.toml:{n}" for n in (1, 4, 12)]
    assert "forward_to of [shops.two]" in told[0]
    assert "ann@shop.example" in told[1]
    assert "three" in told[2]
    assert unsettled(rules, {"two": ["bob@shop.example", "ANN@shop.example"], "three": ["bob@shop.example"]}) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def toml(value: object) -> str:
    if value is None:
        return "{}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(char):08x}" for char in value if not 0xD800 <= ord(char) < 0xE000) + '"'
    return str(value)


@given(
    st.dictionaries(st.sampled_from([*CONDITIONS, "x"]), VALUES, max_size=5),
    st.dictionaries(st.sampled_from([*EFFECTS, "x"]), VALUES, max_size=5),
)
def test_whatever_stands_in_a_file_gives_a_rule_or_mistakes_with_lines(when: dict, then: dict) -> None:
    lines = [f"when.{key} = {toml(value)}" for key, value in when.items()]
    lines += [f"then.{key} = {toml(value)}" for key, value in then.items()]
    rules = own("[a]\n" + "\n".join(lines))
    assert bool(rules.every) != bool(rules.mistakes)
    assert all(one.line for one in rules.mistakes)

"""Every error has words, every word an error, and gaps in the facts leave readable sentences."""

from __future__ import annotations

import ast
import fnmatch
import re
from string import Formatter

import pytest

from connector.errors import CannotCreate, ConnectorError, SettingsError, ShopUnavailable
from connector.words import UNKNOWN, all_words, explain, problem_line
from tests.source import modules, raised_codes

CODE = re.compile(r"([a-z_]+|\*)(\.[a-z0-9_*]+)+")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_every_code_that_is_raised_has_words():
    words = list(all_words())
    without = sorted({f"{code} ({place})" for code, _, place in raised_codes() if not fnmatch.filter(words, code)})
    assert without == []


def test_every_code_has_the_form_area_dot_what():
    assert [place for code, _, place in raised_codes() if not CODE.fullmatch(code)] == []


def test_every_word_is_used():
    texts = {
        node.value
        for name, tree in modules().items()
        if not name.startswith("words_parts/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    patterns = [code for code, _, _ in raised_codes() if "*" in code]
    unused = {code for code in all_words().keys() - texts if not any(fnmatch.fnmatch(code, p) for p in patterns)}
    assert sorted(unused) == []


def test_words_speak_only_of_facts_that_some_error_carries():
    facts: dict[str, set[str]] = {}
    open_ended = set()
    for code, names, _ in raised_codes():
        facts.setdefault(code, set()).update(names or ())
        open_ended |= {code} if names is None else set()
    wrong = {
        code: sorted(placeholders(" ".join(all_words()[code])) - facts[code])
        for code in facts.keys() & all_words().keys() - open_ended
    }
    assert {code: names for code, names in wrong.items() if names} == {}


@pytest.mark.parametrize("code", sorted(all_words()))
def test_words_say_what_happened_and_what_to_do_with_plain_names(code):
    text, remedy = all_words()[code]
    assert text.strip() == text != ""
    assert remedy.strip() == remedy != ""
    for name in placeholders(text) | placeholders(remedy):
        assert name.isidentifier(), name


def test_facts_fill_the_words():
    text, remedy = explain(CannotCreate("state.secret_not_creatable", file="/s/instance.secret", reason="Read-only"))
    assert text == "The instance secret /s/instance.secret cannot be made: Read-only."
    assert "state_dir" in remedy


def test_a_fact_that_is_not_there_is_left_out_of_the_sentence():
    text, _ = explain(CannotCreate("state.secret_not_creatable", file="/s/instance.secret", reason=None))
    assert text == "The instance secret /s/instance.secret cannot be made."


def test_an_error_without_words_still_says_what_it_knows():
    assert explain(ConnectorError("area.never_heard", n=3)) == (
        UNKNOWN[0].format(code="area.never_heard", facts="n=3"),
        UNKNOWN[1],
    )


def test_the_seconds_to_wait_are_a_fact():
    text, _ = explain(ShopUnavailable("area.never_heard", retry_after=30.0))
    assert "area.never_heard" in text


def test_wrong_settings_stand_one_below_the_other():
    problems: list[dict[str, object]] = [
        {"file": "c.toml", "line": 3, "key": "log.level", "found": "'loud'", "expected": "'info'"},
        {"file": "c.toml", "line": None, "key": "", "found": "", "expected": "a table"},
    ]
    text, _ = explain(SettingsError("settings.invalid", problems, count=2))
    assert text.splitlines()[1:] == [
        "  c.toml:3: log.level: found 'loud', expected 'info'",
        "  c.toml: expected a table",
    ]
    assert problem_line({}) == ": expected something else"

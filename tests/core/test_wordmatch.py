"""Words and globs: what they hold, and that nobody's text makes them slow."""

from __future__ import annotations

from fnmatch import fnmatchcase
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.wordmatch import LONGEST_TEXT, MOST_SINGLES, Words, fold, glob, phrase

WILD = st.text("ab*?", max_size=12)
PLAIN = st.text("abc", max_size=16)


@given(WILD, PLAIN)
def test_a_glob_means_what_it_means_in_a_shell(pattern: str, text: str) -> None:
    assert glob(pattern, text) == fnmatchcase(text, pattern)


@given(st.text(max_size=60), st.text(max_size=300))
def test_no_pattern_and_no_text_break_it(pattern: str, text: str) -> None:
    try:
        wanted = phrase(pattern)
    except ValueError:
        return
    Words.of(text).hold(wanted)
    if not set("*?") & set(pattern):
        assert Words.of(f"{text} . {pattern} . {text}").hold(wanted)


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("return", "I want to RETURN it.", True),
        ("return", "returns", False),
        ("rücksend*", "die R\u0075\u0308cksendung", True),
        ("rücksend*", "Vorrücksendung", False),
        ("*rücksend*", "Vorrücksendung", True),
        ("send * back", "I send it back", True),
        ("send * back", "I send them all back", False),
        ("e-mail", "my e mail", True),
        ("c?t", "cat", True),
        ("c?t", "coat", False),
        ("not working", "it is not\r\n  working!", True),
        ("not working", "working, not", False),
        ("can\u00adcel", "please cancel", True),
        ("*退货*", "我想退货谢谢", True),
        ("order 12", "order 123", False),
    ],
)
def test_words_are_whole_words_unless_a_star_says_else(pattern: str, text: str, holds: bool) -> None:
    assert Words.of(text).hold(phrase(pattern)) is holds


@pytest.mark.parametrize("pattern", ["", "*", "?*", "!!!", "x" * 201, "a " * 21, "a?" * (MOST_SINGLES + 1)])
def test_a_pattern_that_says_nothing_or_too_much_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|holds|has) "):
        phrase(pattern)


def test_what_stands_behind_the_cap_is_not_looked_at() -> None:
    assert not Words.of("x " * LONGEST_TEXT + "return").hold(phrase("return"))
    assert fold("STRASSE") == fold("Straße")


def cost(text: str, pattern: str) -> float:
    words, wanted = Words.of(text), phrase(pattern)
    start = process_time()
    for _ in range(3):
        words.hold(wanted)
    return (process_time() - start) / 3


@pytest.mark.parametrize(
    ("unit", "pattern"),
    [
        ("a", "*a*a*a*a*a*a*a*b"),
        ("a", "*" + "a" * 80 + "?" + "a" * 80 + "b*"),
        ("a", "*" + "a?" * MOST_SINGLES + "b*"),
        ("ab ", "a* " * 19 + "zz*"),
        ("aa ", "aa " * 19 + "b"),
    ],
)
def test_hostile_texts_cost_little(unit: str, pattern: str) -> None:
    """The longest text that is looked at, built for the pattern: a regular expression would hang."""
    assert cost(unit * (LONGEST_TEXT // len(unit)), pattern) < 0.5

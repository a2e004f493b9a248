"""Texts that every PrestaShop version takes and keeps."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.wording import EVENTS, ZWSP, comparable, safe_message

RULES = (  # Validate::isCleanHtml of 8.2.1 with PS_ALLOW_HTML_IFRAME off
    re.compile(rb"<\s*script", re.I),
    re.compile(rb"script:", re.I),
    re.compile(b"(" + b"|".join(b"on" + name.encode() for name in sorted(EVENTS)) + rb")\s*=", re.I),
    re.compile(rb"<\s*\w+[^>]*\s(on\w+)=[\"'][^\"']*[\"']", re.I),
    re.compile(rb"<\s*(i?frame|form|input|embed|object)", re.I),
    re.compile("\u202e".encode()),
)


def refused_by(text):
    return [rule.pattern for rule in RULES if rule.search(text.encode())]


def strip_tags(text):
    """PHP's strip_tags as far as it can lose something: a `<` without white space behind it opens a tag."""
    kept, inside = [], False
    for at, char in enumerate(text):
        if inside:
            inside = char != ">"
        elif char == "<" and text[at + 1 : at + 2] not in (" ", "\t", "\n"):
            inside = True
        else:
            kept.append(char)
    return "".join(kept)


NASTY = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            [
                "<",
                ">",
                " ",
                "\n",
                "\r",
                "\x00",
                "script",
                ":",
                "on",
                "click",
                "load",
                "=",
                '"',
                "'",
                "&",
                "lt;",
                "eacute;",
                "form",
                "iframe",
                "input",
                "object",
                "embed",
                "😀",
                "🇫🇷",
                "\u202e",
                "\ud800",
                "𝐇",
                "‹",
                "br",
                "/",
                "x",
                ZWSP,
            ]
        ),
    ),
    max_size=25,
).map("".join)


@settings(deadline=None, max_examples=150)
@given(NASTY, st.booleans(), st.booleans(), st.integers(20, 120))
def test_no_shop_refuses_or_strips_a_safe_text(text, keeps_html, utf8mb4, limit):
    safe = safe_message(text, keeps_html=keeps_html, utf8mb4=utf8mb4, limit=limit)
    assert refused_by(safe.text) == []
    assert strip_tags(safe.text) == safe.text
    assert len(safe.text.encode()) <= limit
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", safe.text)
    if not utf8mb4:
        assert all(ord(char) < 0x10000 for char in safe.text)


@settings(deadline=None, max_examples=150)
@given(NASTY, st.booleans(), st.booleans(), st.integers(20, 120))
def test_a_safe_text_is_not_changed_again(text, keeps_html, utf8mb4, limit):
    once = safe_message(text, keeps_html=keeps_html, utf8mb4=utf8mb4, limit=limit)
    again = safe_message(once.text, keeps_html=keeps_html, utf8mb4=utf8mb4, limit=limit)
    assert again.text == once.text
    assert again.changes == ()


@settings(deadline=None, max_examples=150)
@given(NASTY, st.booleans(), st.booleans())
def test_the_original_and_the_safe_text_compare_as_equal(text, keeps_html, utf8mb4):
    assert comparable(safe_message(text, keeps_html=keeps_html, utf8mb4=utf8mb4).text) == comparable(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße aus Köln, 5 € & mehr", "Grüße aus Köln, 5 € & mehr"),
        ("write to <zoe@example.org> please", "write to ‹zoe@example.org› please"),
        ("prix < 100 & > 50", "prix < 100 & > 50"),
        ("I <3 it", "I ‹3 it"),
        ("a<b\nb>a", "a‹b\nb>a"),
        ("< form letter", "‹ form letter"),
        ("<a> and 5 > 4", "‹a› and 5 > 4"),
        ("Transcript: see below", f"Transcript{ZWSP}: see below"),
        ("onclick = x", f"onclick {ZWSP}= x"),
        ("the condition=met, option=1", "the condition=met, option=1"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("bell\x07 and \x00 nul", "bell and  nul"),
    ],
)
def test_the_least_visible_change_is_made(text, expected):
    assert safe_message(text, keeps_html=False, utf8mb4=True).text == expected


def test_the_kinds_of_change_are_named():
    safe = safe_message("<b> script: onload=1 \x00 &eacute; 😀", keeps_html=True, utf8mb4=False)
    assert safe.changes == ("angle", "control", "entity", "event", "four_bytes", "script")
    assert not safe.cut


def test_four_byte_characters_are_spelt_out_for_shops_that_lose_them():
    safe = safe_message("Danke 😀 🇫🇷 𝐇𝐢 𠀀", keeps_html=False, utf8mb4=False)
    assert safe.text == "Danke :grinning face: FR Hi [U+20000]"


def test_four_byte_characters_stay_where_the_shop_keeps_them():
    assert safe_message("Danke 😀", keeps_html=True, utf8mb4=True).text == "Danke 😀"


def test_a_long_text_is_cut_in_sight_and_counted_as_the_shop_stores_it():
    safe = safe_message("é&" * 100, keeps_html=True, utf8mb4=True, limit=100, marker="[cut]")
    assert safe.cut
    assert safe.text.endswith("\n[cut]")
    assert len(safe.text.replace("&", "&amp;").encode()) <= 100


@pytest.mark.parametrize(
    "stored",
    [
        "Bonjour Zoé,\nvoir l'heure & <zoe@example.org>",  # as sent
        "Bonjour Zoé,<br />\nvoir l&#039;heure &amp; &lt;zoe@example.org&gt;",  # imported by the shop, 1.6 entities
        "<p>Bonjour <b>Zoé</b>,<br>voir l'heure &amp;amp; ‹zoe@example.org›</p>",  # HTML mail, escaped twice
        "  Bonjour  Zoe\u0301,\r\n\r\nvoir\u200b l'heure & ‹zoe@example.org›  ",  # decomposed, invisible characters
    ],
)
def test_the_four_dialects_of_a_stored_text_compare_as_equal(stored):
    assert comparable(stored) == "Bonjour Zoé, voir l'heure & zoe@example.org"


def test_different_words_do_not_compare_as_equal():
    assert comparable("Thanks") != comparable("Thanks!")

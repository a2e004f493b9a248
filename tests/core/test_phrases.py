"""Sentences in the customer's language that never lose the thread's token."""

import re
from pathlib import Path

import pytest

from connector.core.datafile import DataFileError
from connector.core.phrases import PLACEHOLDERS, parse_phrases
from connector.core.replies import extract
from connector.core.wording import safe_message

TEXT = (Path(__file__).parents[2] / "mappings/phrases.toml").read_text("utf-8")
PHRASES = parse_phrases(TEXT, "phrases.toml")
VALUES = {
    "shop": "Zoé & Co", "id": 12, "token": "AbCdEfGhIj12", "subject": "S", "address": "zoe@x.example", "date": "D",
    "names": "a.pdf", "size": "31.4", "folder": "INBOX"}  # fmt: skip
ALL = [(language, name) for language in PHRASES.texts for name in PLACEHOLDERS]


@pytest.mark.parametrize("language", sorted(PHRASES.texts))
def test_every_language_has_every_phrase(language):
    assert set(PHRASES.texts[language]) == set(PLACEHOLDERS)


@pytest.mark.parametrize("language", sorted(PHRASES.texts))
def test_every_subject_carries_the_tokens_that_prestashop_looks_for(language):
    subject = PHRASES.render("reply_subject", language, **VALUES)
    assert re.search(r"#ct12\b", subject)
    assert re.search(r"#tcAbCdEfGhIj12\b", subject)
    assert "Zoé & Co" in subject


@pytest.mark.parametrize(("language", "name"), ALL)
def test_every_phrase_is_accepted_by_every_shop_as_it_is(language, name):
    text = PHRASES.render(name, language, **VALUES)
    assert safe_message(text, keeps_html=True, utf8mb4=False).changes == ()


@pytest.mark.parametrize(("language", "name"), ALL)
def test_no_phrase_is_taken_for_a_quote(language, name):
    text = f"{PHRASES.render(name, language, **VALUES)}\n\nHello"
    assert extract(text).new == text


@pytest.mark.parametrize(
    ("language", "start"),
    [("de", "Ihre Nachricht"), ("DE", "Ihre Nachricht"), ("pt-BR", "A sua mensagem"), ("pt_BR", "A sua mensagem"),
     ("tlh", "Your message"), ("", "Your message")],
)  # fmt: skip
def test_the_language_falls_back(language, start):
    assert PHRASES.render("reply_subject", language, **VALUES).startswith(start)


def test_a_missing_phrase_is_written_in_english():
    half = parse_phrases(TEXT + "\n[xx]\nautomatic_mail = 'Zzz'\n", "f")
    assert half.render("automatic_mail", "xx") == "Zzz"
    assert half.render("sent_on", "xx", date="D") == "Sent on D"


def test_values_cannot_add_a_line_or_another_value():
    text = PHRASES.render("subject", "en", subject="a\r\nBcc: x {token}\x00")
    assert text == "Subject: a  Bcc: x {token}"


def test_a_missing_value_is_an_error():
    with pytest.raises(ValueError, match="needs token"):
        PHRASES.render("reply_subject", "en", shop="S", id=1)


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("reply_subject = 'Nachricht {shop} ct{id} #tc{token}'", r"must hold `#ct\{id\}`"),
        ("reply_subject = 'Nachricht #ct{id}'", "lacks the placeholder {shop}"),
        ("written_by = 'von {adress}'", "unknown placeholder {adress}"),
        ("written_by = 'von {address.x}'", "unknown placeholder"),
        ("written_by = 'von {address!r}'", "`:` or `!`"),
        ("written_by = 'von {address'", "unbalanced braces"),
        ("written_by = 3", "one line of text"),
        ('written_by = "a {address}\\nb"', "one line of text"),
        ("hello = 'x'", "unknown phrase `hello`"),
    ],
)
def test_a_wrong_phrase_names_its_line(extra, problem):
    with pytest.raises(DataFileError, match=problem) as caught:
        parse_phrases(f"{TEXT}\n[qq]\n{extra}\n", "my.toml")
    assert caught.value.line == TEXT.count("\n") + 3


def test_english_must_be_complete():
    with pytest.raises(DataFileError, match="English must be complete"):
        parse_phrases("[en]\nautomatic_mail = 'x'\n", "my.toml")

"""The corpus of replies: attribution lines of programs by language, and whole mails with what is new in them."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.replies import MAX_CHARS, MAX_LINES, MOST_LOOKS, extract

CORPUS = Path(__file__).parents[1] / "corpus"
MAILS = tomllib.loads((CORPUS / "replies.toml").read_text("utf-8"))
ATTRIBUTIONS = {
    f"{language} {program}": line
    for language, programs in tomllib.loads((CORPUS / "attributions.toml").read_text("utf-8")).items()
    for program, line in programs.items()
}

NEW = "Thank you, the parcel arrived.\n\nBest regards"
OLD = "Your order has been shipped.\nYour shop"
MARKED = "> Your order has been shipped.\n> Your shop"


def wrapped(line: str, width: int) -> str:
    return "\n".join(textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False))


SHAPES = {
    "marked": lambda line: f"{line}\n\n{MARKED}",
    "marked at once": lambda line: f"{line}\n{MARKED}",
    "not marked": lambda line: f"{line}\n\n{OLD}",
    "not marked, at once": lambda line: f"{line}\n{OLD}",
    "wrapped": lambda line: f"{wrapped(line, 72)}\n\n{OLD}",
    "wrapped earlier": lambda line: f"{wrapped(line, 60)}\n\n{MARKED}",
    "wrapped twice": lambda line: f"{wrapped(line, 45)}\n\n{MARKED}",
    "wrapped at the address": lambda line: line.replace(" <", "\n<", 1) + "\n\n" + MARKED,
    "wrapped inside the address": lambda line: line.replace(" <", " <\n", 1) + "\n\n" + MARKED,
    "bold": lambda line: f"*{line}*\n\n{MARKED}",
    "inside the quote": lambda line: f"> {line}\n>\n{MARKED}",
}


@pytest.mark.parametrize("line", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS.keys())
def test_what_a_program_quotes_is_told_from_the_answer(line):
    found = {name: extract(f"{NEW}\n\n{shape(line)}") for name, shape in SHAPES.items()}
    wanted = {name: (NEW, shape(line)) for name, shape in SHAPES.items()}
    assert {name: (parts.new, parts.quoted) for name, parts in found.items()} == wanted
    assert extract(f"{line}\n{MARKED}\n\n{NEW}").new == NEW  # the answer below
    whole = f"{line}\n\n{MARKED}"
    assert extract(whole).new == whole  # nothing new at all


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_of_the_corpus_gives_what_is_new(name):
    mail = MAILS[name]
    assert extract(mail["text"], mail.get("subject", "")).new == mail["new"]


@pytest.mark.parametrize(
    "subject", ["FW: x", "Fwd: x", "WG: x", "TR : x", "RV: x", "I: x", "ENC: x", "VB: x", "VS: x", "PD: x", "转发：x"]
)
def test_a_forward_is_known_by_its_subject_in_many_languages(subject):
    text = "Look\n\nFrom: a@b.example\nSent: Monday\nTo: Zoe\nSubject: x\n\nThe text"
    assert extract(text, subject).new == text
    assert extract(text, f"Re: {subject}").new == "Look"


def test_texts_beyond_the_caps_are_given_back_whole():
    quote = "On 5 Jan 2026 at 10:00, Shop <shop@shop.example> wrote:\n> old\n"
    for long in ("x" * MAX_CHARS + "y\n" + quote, "a\n" * MAX_LINES + quote, "1 a@b:\n" * (MOST_LOOKS + 1) + quote):
        parts = extract(long)
        assert (parts.new.strip(), parts.quoted, parts.confidence) == (long.strip(), "", "low")


OTHERS = ("-- ", "Sent from my iPhone", "> one", "-----Original Message-----", "From: a@b.example", "Sent: 5 Jan 2026")
pieces = st.sampled_from([*ATTRIBUTIONS.values(), MARKED, OLD, NEW, "", "", *OTHERS, "Subject: x"])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(pieces, st.text(max_size=20)), max_size=10), st.sampled_from(["", "FW: x", "Re: x"]))
def test_new_text_is_never_empty_and_its_lines_are_the_mails_in_their_order(blocks, subject):
    text = "\n".join(blocks)
    parts = extract(text, subject)
    assert bool(parts.new.strip()) == bool(text.strip())
    rest = iter(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert all(line in rest for line in parts.new.split("\n") if line.strip())

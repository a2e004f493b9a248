"""What looks personal or secret is masked, wherever it stands; what operators need stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.ops.redaction import LONGEST, masker

KEY = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("rejected: <anna.k+shop@mail.example>", "anna"),
        ("mail from jörg@müller.example refused", "jörg"),
        (f"GET /api/orders?ws_key={KEY}&limit=5", KEY),
        (f"key {KEY} is unknown", KEY),
        ("Authorization: Basic QUJDREVGOg==", "QUJDREVGOg"),
        ("authorization: bearer ya29.a0AfB_x", "ya29"),
        ("Re: question #ct12 #tcAbCdEf123456", "AbCdEf123456"),
        ("Re: Frage Nr. ct12 (Ticket tcAbCdEf123456)", "AbCdEf123456"),
        ("password='hunter2' refused", "hunter2"),
        ("token:nonesuch", "nonesuch"),
        ("token: none7 refused", "none7"),
        ("connect to https://me:pa55@shop.example/api", "pa55"),
        ("the words of the settings: correct horse", "correct horse"),
    ],
)
def test_secrets_and_addresses_are_masked(text, secret):
    shown = str(masker(["correct horse"])(text))
    assert secret not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "shop.key_refused", "imap.example:993", "2025-01-31T10:00:00Z", "host:12:a1b2c3",
        "message_id:none address:none token:match", "token:unknown reference:stranger", "token:of_several_threads",
    ],
)  # fmt: skip
def test_what_operators_need_stays(text):
    assert masker()(text) == text


def test_values_keep_their_shape():
    assert masker()({"n": 1, "list": [None, True, 2.5, "a@b.example"]}) == {
        "n": 1,
        "list": [None, True, 2.5, "***@***"],
    }


def test_one_value_stays_on_one_line_and_drives_no_terminal():
    assert masker()("a\nb\x1b[31m\u202e") == "a\\x0ab\\x1b[31m\\x202e"


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200), st.text(max_size=200))
def test_a_known_secret_never_comes_through(before, after):
    secret = "corréct horse"
    assert secret not in str(masker([secret])(before + secret + after))


def test_long_hostile_text_costs_little():
    started = time.process_time()
    for text in ("a" * 10**6, "@" * 10**6, "x@" * 10**6, "://" + "a:" * 10**6, "key=" * 10**5):
        assert len(str(masker()(text))) <= LONGEST + 3
    assert time.process_time() - started < 5

"""References, tokens and Message-IDs: ours are recognised, everybody else's are not."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from connector.core import identity

SECRET = "an instance secret of good length"


def test_a_reference_fits_the_column_and_is_the_same_for_the_same_mail():
    reference = identity.reference("a" * 64)
    assert reference == identity.reference("a" * 64)
    assert reference != identity.reference("b" * 64)
    assert len(reference) == 45
    assert identity.is_reference(reference)


@given(st.text())
def test_a_token_is_twelve_letters_and_digits(mail_key: str):
    token = identity.thread_token(SECRET, mail_key)
    assert len(token) == 12
    assert set(token) <= set(string.ascii_letters + string.digits)


def test_a_token_cannot_be_told_without_the_secret():
    assert identity.thread_token(SECRET, "k") != identity.thread_token("another secret", "k")


def test_our_message_id_names_its_thread():
    mid = identity.message_id(SECRET, "main", 42, "psc1/x", "shop.test")
    assert identity.thread_of_message_id([SECRET], "main", mid) == 42


def test_a_retired_secret_still_proves_old_mails():
    mid = identity.message_id("retired", "main", 42, "psc1/x", "shop.test")
    assert identity.thread_of_message_id([SECRET], "main", mid) is None
    assert identity.thread_of_message_id([SECRET, "retired"], "main", mid) == 42


def test_another_shop_of_the_same_instance_does_not_take_it():
    mid = identity.message_id(SECRET, "main", 42, "psc1/x", "shop.test")
    assert identity.thread_of_message_id([SECRET], "second", mid) is None


def test_the_same_intent_gives_the_same_message_id():
    one = identity.message_id(SECRET, "main", 42, "psc1/x", "shop.test")
    assert one == identity.message_id(SECRET, "main", 42, "psc1/x", "shop.test")


@given(st.integers(0, 70), st.sampled_from(string.ascii_letters + string.digits + ".@"))
def test_one_changed_character_breaks_the_proof(position: int, character: str):
    mid = identity.message_id(SECRET, "main", 42, "psc1/x", "shop.test")
    local = mid.split("@")[0]
    position %= len(local)
    forged = local[:position] + character + local[position + 1 :] + "@shop.test"
    if forged.split("@")[0] != local:
        assert identity.thread_of_message_id([SECRET], "main", forged) is None


@given(st.text(max_size=400))
def test_any_text_at_all_is_simply_not_ours(text: str):
    assert identity.thread_of_message_id([SECRET], "main", text) is None


def test_digits_of_other_scripts_are_not_a_thread_number():
    assert identity.thread_of_message_id([SECRET], "main", "psc1.٤٢.0123456789abcdef.0@x") is None

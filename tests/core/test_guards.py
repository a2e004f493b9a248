"""What looks like an accident stops; what a person has allowed goes on."""

from __future__ import annotations

import pytest

from connector.core.guards import FEW_DELETED, LOOP_LIMIT, mail_flood, mail_loop, mass_deletion, may_be_lost

LOST = {"allowed": False, "ledger_has_rows": False, "has_baseline": False, "all_since": False}


def test_twenty_mails_in_two_hours_are_a_person_and_one_more_is_a_loop():
    assert not mail_loop(LOOP_LIMIT)
    assert mail_loop(LOOP_LIMIT + 1)


def test_an_empty_ledger_without_a_baseline_may_be_a_lost_mirror():
    assert may_be_lost(**LOST)


@pytest.mark.parametrize("reason", sorted(LOST))
def test_each_of_these_settles_the_question(reason):
    assert not may_be_lost(**(LOST | {reason: True}))


def test_a_share_of_the_rows_may_be_gone_and_no_more():
    assert not mass_deletion(1000, 100, 10)
    assert mass_deletion(1000, 101, 10)
    assert mass_deletion(1000, FEW_DELETED + 1, 0)


def test_a_few_rows_of_a_small_table_may_be_gone_but_not_all_of_them():
    assert not mass_deletion(FEW_DELETED + 2, FEW_DELETED, 10)
    assert mass_deletion(FEW_DELETED, FEW_DELETED, 10)
    assert mass_deletion(2, 2, 99.9)
    assert not mass_deletion(1, 1, 10)
    assert not mass_deletion(0, 0, 10)


def test_a_hundred_percent_is_no_guard():
    assert not mass_deletion(1000, 1000, 100)


def test_answers_are_limited_per_person_and_per_thread_and_forwarded_mails_by_their_own_limit():
    assert mail_flood(29, 14) == ""
    assert mail_flood(30, 0) == "guard.mails_per_person"
    assert mail_flood(0, 15) == "guard.mails_per_thread"
    assert mail_flood(299, 14, forward=True) == ""
    assert mail_flood(300, 0, forward=True) == "guard.forwards_per_person"

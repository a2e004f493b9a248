"""What looks like an accident stops; what a person has allowed goes on."""

from __future__ import annotations

import pytest

from connector.core.guards import LOOP_LIMIT, mail_loop, may_be_lost

LOST = {"allowed": False, "ledger_has_rows": False, "has_baseline": False, "all_since": False}


def test_twenty_mails_in_two_hours_are_a_person_and_one_more_is_a_loop():
    assert not mail_loop(LOOP_LIMIT)
    assert mail_loop(LOOP_LIMIT + 1)


def test_an_empty_ledger_without_a_baseline_may_be_a_lost_mirror():
    assert may_be_lost(**LOST)


@pytest.mark.parametrize("reason", sorted(LOST))
def test_each_of_these_settles_the_question(reason):
    assert not may_be_lost(**(LOST | {reason: True}))

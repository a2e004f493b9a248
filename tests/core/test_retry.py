"""Pauses grow, doubts wait out the settle time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.retry import mail_due, next_due, settle_left, settled

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def pause(attempts, retry_after=None, jitter=0.0):
    return (next_due(attempts, NOW, retry_after, jitter) - NOW).total_seconds()


def test_pauses_grow_up_to_an_hour_and_nothing_is_given_up():
    assert [pause(n) for n in (0, 1, 2, 3, 4, 5, 6, 10_000)] == [5, 5, 30, 120, 600, 3600, 3600, 3600]


def test_retry_after_is_a_lower_bound_and_has_an_end():
    assert pause(1, retry_after=90) == 90
    assert pause(5, retry_after=90) == 3600
    assert pause(1, retry_after=1e12) == 86_400
    assert pause(1, retry_after=-5) == 5


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_jitter_shortens_by_a_fifth_at_most(attempts, jitter):
    assert 0.8 * pause(attempts) <= pause(attempts, jitter=jitter) <= pause(attempts)


def test_a_write_settles_after_the_settle_time():
    sent = NOW - timedelta(seconds=50)
    assert settle_left(sent, NOW, 120) == 70
    assert not settled(sent, NOW, 120)
    assert settled(sent, NOW + timedelta(seconds=70), 120)


def test_what_was_never_sent_is_settled():
    assert settled(None, NOW, 120)


def test_a_clock_that_went_back_waits_the_whole_time_again():
    assert settle_left(NOW + timedelta(hours=1), NOW, 120) == 120


def test_a_quarantined_mail_is_decided_anew_with_growing_pauses_and_not_for_ever():
    due = [mail_due("token_unknown", attempt, NOW) for attempt in range(1, 8)]
    pauses = [(at - NOW).total_seconds() for at in due if at is not None]
    assert pauses == sorted(set(pauses))
    assert due[5:] == [None, None]


@pytest.mark.parametrize(
    "reason", ["mail.undecodable", "mail.too_deep", "foreign_sender", "dmarc_failed", "mail_loop", "empty"]
)
def test_what_time_does_not_mend_waits_for_a_person(reason):
    assert mail_due(reason, 1, NOW) is None

"""Pauses grow, permanent errors end, doubts wait out the settle time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.retry import GIVE_UP_AFTER, next_due, settle_left, settled
from connector.errors import Next

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def pause(attempts, error_next="retry", retry_after=None, jitter=0.0):
    due = next_due(attempts, error_next, NOW, retry_after, jitter)
    return None if due is None else (due - NOW).total_seconds()


def test_pauses_grow_up_to_an_hour():
    assert [pause(n) for n in (1, 2, 3, 4, 5, 6, 99)] == [5, 30, 120, 600, 3600, 3600, 3600]


@pytest.mark.parametrize("error_next", [Next.RETRY, Next.LOOK_UP, Next.ASK_ADMIN])
def test_what_may_still_succeed_is_never_given_up(error_next):
    assert pause(10_000, error_next) == 3600


def test_a_refused_row_becomes_a_dead_letter_after_a_few_attempts():
    assert pause(GIVE_UP_AFTER - 1, Next.SKIP) is not None
    assert pause(GIVE_UP_AFTER, Next.SKIP) is None


def test_retry_after_is_a_lower_bound_and_has_an_end():
    assert pause(1, retry_after=90) == 90
    assert pause(5, retry_after=90) == 3600
    assert pause(1, retry_after=1e12) == 86_400
    assert pause(1, retry_after=-5) == 5


def test_an_unknown_next_step_is_an_error():
    with pytest.raises(ValueError, match="unknown next step"):
        next_due(1, "perhaps", NOW)


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

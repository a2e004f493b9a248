"""How many reads at once: never more than allowed, never none; kind to a shop in trouble, quick with a good one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.pace import LONGEST_PAUSE, LONGEST_RUN, RUN, WORTH_MEASURING, Pace

BIG = 10 * WORTH_MEASURING


class Shop:
    """Answers one read after the other; `seconds` says how long each takes, from how many are under way."""

    def __init__(self, pace, seconds):
        self.pace, self.seconds, self.now = pace, seconds, 0.0

    def answers(self, count, kind="orders"):
        for _ in range(count):
            began = max(self.now, self.pace.not_before)
            took = self.seconds(self.pace.allowed)
            self.now = began + took / self.pace.allowed
            self.pace.answered(began, self.now, kind, took, BIG)


def test_it_begins_with_one_and_adds_one_for_every_good_answer_up_to_the_bound():
    pace = Pace(4, 0.5)
    assert pace.allowed == 1
    seen = []
    for number in range(6):
        pace.answered(number, number + 0.1, "orders", 0.1, BIG)
        seen.append(pace.allowed)
    assert seen == [2, 3, 4, 4, 4, 4]


def test_small_answers_say_little_so_it_takes_a_run_of_them():
    pace = Pace(4, 0.5)
    for number in range(RUN):
        assert pace.allowed == 1
        pace.answered(number, number + 0.1, "orders", 0.1, 100)
    assert pace.allowed == 2


def test_a_failure_halves_and_what_failed_together_counts_once():
    pace = Pace(8, 0.5)
    Shop(pace, lambda at_once: 1.0).answers(20)
    assert pace.allowed == 8
    for _ in range(6):
        pace.failed(100.0, 101.0, None)
    assert pace.allowed == 4
    assert pace.wait(101.0) == 0.5


def test_failures_in_a_row_are_waited_out_longer_each_time():
    pace = Pace(2, 0.5)
    now, pauses = 0.0, []
    for _ in range(8):
        pace.failed(now, now + 1, None)
        pauses.append(pace.wait(now + 1))
        now += 1 + pauses[-1]
    assert pauses == [0.5, 1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    pace.answered(now, now + 1, "orders", 1, BIG)
    pace.failed(now + 2, now + 3, None)
    assert pace.wait(now + 3) == 0.5


def test_the_pause_that_a_host_asks_for_holds_for_everything_also_when_it_is_said_late():
    pace = Pace(4, 0.5)
    pace.failed(10.0, 11.0, 30.0)
    pace.failed(10.0, 11.5, 60.0)  # asked before the first refusal, answered after it
    assert pace.wait(12.0) == pytest.approx(59.5)
    assert pace.wait(80.0) == 0


def test_a_shop_that_answers_one_after_the_other_is_asked_one_after_the_other():
    pace = Pace(4, 0.5)
    shop = Shop(pace, lambda at_once: 1.0 * at_once)
    shop.answers(60)
    counts = []
    for _ in range(300):
        shop.answers(1)
        counts.append(pace.allowed)
    assert max(counts) <= 2
    assert counts.count(1) > 0.8 * len(counts)


def test_answers_that_are_quick_anyway_are_no_reason_to_ask_for_less():
    pace = Pace(4, 0.5)
    Shop(pace, lambda at_once: 0.03 * at_once).answers(60)
    assert pace.allowed == 4


def test_a_shop_that_works_side_by_side_is_asked_for_as_much_as_is_allowed():
    pace = Pace(4, 0.5)
    shop = Shop(pace, lambda at_once: 1.0 + 0.05 * at_once)
    shop.answers(200)
    assert pace.allowed == 4


def test_answers_about_other_resources_are_not_compared():
    pace = Pace(2, 0.5)
    shop = Shop(pace, lambda at_once: 0.1)
    shop.answers(10, "messages")
    shop.seconds = lambda at_once: 5.0
    shop.answers(10, "orders")
    assert pace.allowed == 2


def test_it_recovers_after_trouble():
    pace = Pace(4, 0.5)
    shop = Shop(pace, lambda at_once: 1.0)
    shop.answers(10)
    for _ in range(5):
        pace.failed(shop.now, shop.now + 1, None)
        shop.now += 2
    assert pace.allowed == 1
    shop.answers(3 * LONGEST_RUN)
    assert pace.allowed == 4


def test_a_bound_below_one_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Pace(0, 0.5)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 16),
    st.lists(
        st.tuples(
            st.sampled_from(["good", "failed"]),
            st.floats(0, 5),
            st.floats(0, 120),
            st.sampled_from(["orders", "customers"]),
            st.integers(0, 10**7),
            st.none() | st.floats(0, 600),
        ),
        max_size=120,
    ),
)
def test_never_more_than_the_bound_never_none_and_never_a_pause_without_end(bound, story):
    pace = Pace(bound, 0.5)
    now = 0.0
    for what, pause, took, kind, size, retry_after in story:
        began = now
        now += pause
        if what == "good":
            pace.answered(began, now, kind, took, size)
        else:
            pace.failed(began, now, retry_after)
        assert 1 <= pace.allowed <= bound
        assert pace.wait(now) <= max(LONGEST_PAUSE, 600)
    shop = Shop(pace, lambda at_once: 0.001)
    shop.now = now + 1000
    shop.answers(bound * (LONGEST_RUN + 1), "carriers")
    assert pace.allowed == bound

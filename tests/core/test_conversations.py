"""First answers: who gave them, after how long, and what is none."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.conversations import Said, conversations

START = datetime(2025, 3, 29, 12, tzinfo=UTC)
MINUTES = st.integers(0, 10_000)
THREAD = st.lists(st.tuples(st.sampled_from([0, 0, 3, 4]), st.booleans(), MINUTES), min_size=1, max_size=8)


def said(*parts: tuple[int, bool, int | None], thread: int = 1) -> list[Said]:
    return [
        Said(thread, number, employee, private, None if minute is None else START + timedelta(minutes=minute))
        for number, (employee, private, minute) in enumerate(parts, 1)
    ]


def one(*parts: tuple[int, bool, int | None]):
    (found,) = conversations(said(*parts))
    return found


def test_the_first_public_words_of_an_employee_after_the_customer_s_count():
    found = one((0, False, 0), (7, True, 5), (0, False, 10), (8, False, 30), (9, False, 40))
    assert (found.seconds, found.employee, found.public) == (1800, 8, 4)


def test_notes_are_no_answer():
    found = one((0, False, 0), (7, True, 5))
    assert (found.asked, found.answered, found.seconds) == (True, False, None)


def test_what_an_employee_wrote_before_the_customer_is_no_answer():
    assert not one((7, False, 0), (0, False, 5)).answered
    assert one((7, False, 0), (0, False, 5), (7, False, 6)).seconds == 60


def test_a_thread_without_a_customer_asks_nothing():
    found = one((7, False, 0), (8, False, 5))
    assert (found.asked, found.answered) == (False, False)


def test_a_message_that_was_filed_late_stands_where_it_was_written():
    found = one((7, False, 30), (0, False, 10))  # the employee's has the lower id
    assert (found.answered, found.seconds) == (True, 1200)


def test_without_moments_there_is_an_answer_and_no_time():
    found = one((0, False, None), (7, False, None))
    assert (found.answered, found.seconds, found.employee) == (True, None, 7)


@settings(deadline=None)
@given(st.lists(THREAD, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_messages_within_a_thread_does_not_matter(threads, chance: random.Random):
    messages = [said(*parts, thread=number) for number, parts in enumerate(threads)]
    shuffled = [sorted(part, key=lambda _: chance.random()) for part in messages]
    assert conversations(chain(*shuffled)) == conversations(chain(*messages))


@settings(deadline=None)
@given(THREAD)
def test_an_answer_takes_no_less_than_no_time(parts):
    found = one(*parts)
    assert found.seconds is None or found.seconds >= 0
    assert found.answered <= found.asked
    assert found.public == sum(1 for _, private, _ in parts if not private)

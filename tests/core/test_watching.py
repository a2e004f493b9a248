"""Watched folders: pauses grow, end in the schedule, and customers' folders come first."""

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.watching import PAUSES, SCHEDULE_ONLY, next_try, watched


def test_pauses_grow_and_then_the_schedule_has_the_folder_for_a_while():
    tries = [next_try(n, 0.0) for n in range(1, 8)]
    assert [t.pause for t in tries] == [1, 5, 15, 60, 900, 900, 900]
    assert [t.by_schedule for t in tries] == [False] * 4 + [True] * 3


def test_what_will_fail_again_in_the_same_way_is_left_alone_at_once():
    tried = next_try(1, 0.0, hopeless=True)
    assert (tried.pause, tried.by_schedule) == (SCHEDULE_ONLY, True)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 50), st.floats(-1, 2), st.booleans())
def test_jitter_shortens_by_half_at_most(failures, jitter, hopeless):
    longest = next_try(failures, 0.0, hopeless=hopeless).pause
    assert longest / 2 <= next_try(failures, jitter, hopeless=hopeless).pause <= longest
    assert longest >= PAUSES[0]


def test_customers_folders_get_the_connections_first():
    assert watched(("INBOX", "Returns"), ("Sent",), 2) == ("INBOX", "Returns")
    assert watched(("INBOX",), ("Sent", "Sent Items"), 2) == ("INBOX", "Sent")
    assert watched(("INBOX",), (), 3) == ("INBOX",)

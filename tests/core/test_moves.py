"""The table of moves: what an intent may become, and what it may never."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.model import FINAL, LEGAL_MOVES, IntentState

S = IntentState


def into(state: IntentState) -> set[IntentState]:
    return {origin for origin, targets in LEGAL_MOVES.items() if state in targets}


@st.composite
def ways(draw: st.DrawFn) -> list[IntentState]:
    """Any life of an intent that the table allows."""
    way = [S.PLANNED]
    for _ in range(draw(st.integers(0, 25))):
        onward = sorted(LEGAL_MOVES[way[-1]])
        if not onward:
            break
        way.append(draw(st.sampled_from(onward)))
    return way


@given(ways())
def test_a_write_begins_only_with_what_is_planned_and_after_doubt_only_by_way_of_it(way: list[IntentState]) -> None:
    assert all(before is S.PLANNED for before, after in pairwise(way) if after is S.SENDING)


@given(ways())
def test_doubt_comes_from_a_write_and_from_nothing_else(way: list[IntentState]) -> None:
    assert all(before in (S.SENDING, S.IN_DOUBT) for before, after in pairwise(way) if after is S.IN_DOUBT)


@given(ways())
def test_what_is_confirmed_stays_so(way: list[IntentState]) -> None:
    assert S.CONFIRMED not in way[:-1]


@given(ways())
def test_what_is_being_sent_is_never_given_up_before_its_outcome_is_noted(way: list[IntentState]) -> None:
    assert all(after is not S.CANCELLED for before, after in pairwise(way) if before is S.SENDING)


def test_every_state_has_its_moves_and_every_one_can_be_reached() -> None:
    assert LEGAL_MOVES.keys() == set(S)
    assert all(into(state) for state in S)


@pytest.mark.parametrize("state", sorted(FINAL - {S.CONFIRMED}))
def test_from_a_dead_end_a_person_leads_back_only_to_the_beginning_or_to_another_end(state: IntentState) -> None:
    assert LEGAL_MOVES[state] <= {S.PLANNED, S.CANCELLED, S.CONFIRMED}

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.core import conflicts
from connector.core.conflicts import CHANGED, HALF_WRITTEN, Clash
from connector.core.model import Intent, IntentState, Kind

NOW = datetime(2025, 3, 30, tzinfo=UTC)


def intent(kind: Kind, payload: dict[str, Any], decided_on: dict[str, Any], **more: Any) -> Intent:
    plain = Intent(
        id=1,
        shop="paris",
        kind=kind,
        key="k",
        reference="",
        group="g",
        payload=payload,
        decided_on=decided_on,
        after="",
        copy_id=None,
        origin="command",
        state=IntentState.PLANNED,
        attempts=0,
        created_at=NOW,
        due_at=NOW,
        sent_at=None,
        remote_id=None,
        result={},
        error="",
        error_detail="",
    )
    return replace(plain, **more)


def status(order: int, state: int, was: int, newest: int = 0, **more: Any) -> Intent:
    payload = {"id_order": order, "id_state": state, "id_employee": 1}
    return intent(Kind.ORDER_STATUS, payload, {"current_state": was, "newest_history": newest}, **more)


@pytest.mark.parametrize(
    ("one", "result", "reason", "sides"),
    [
        (status(7, 4, 2), {"shop": 6}, CHANGED, ("2", "6", "4")),
        (status(7, 4, 2), {}, HALF_WRITTEN, ("2", "4", "4")),
        (
            intent(Kind.THREAD_STATUS, {"id_thread": 3, "status": "pending1"}, {"status": "open"}),
            {"shop": "closed"},
            CHANGED,
            ("open", "closed", "pending1"),
        ),
        (
            intent(Kind.ORDER_TRACKING, {"id_order": 7, "id_order_carrier": 9, "number": "A1"}, {"number": ""}),
            {"shop": "B2"},
            CHANGED,
            ("", "B2", "A1"),
        ),
    ],
)
def test_a_conflict_names_what_it_was_what_the_shop_has_and_what_we_want(one, result, reason, sides):
    assert conflicts.clash(one, reason, result) == Clash(reason, *sides)


def test_a_kind_without_a_single_value_still_says_what_it_was_decided_on():
    other = intent(Kind.MESSAGE_CREATE, {"text": "x"}, {"b": 2, "a": 1})
    assert conflicts.clash(other, CHANGED, {}) == Clash(CHANGED, '{"a": 1, "b": 2}', None, None)


def test_who_has_seen_the_shops_value_decides_on_it():
    assert conflicts.seen(status(7, 4, 2, 10), {"shop": 6}) == {"current_state": 6, "newest_history": 10}
    whole = {"shop": 6, "seen": {"current_state": 6, "newest_history": 12}}
    assert conflicts.seen(status(7, 4, 2, 10), whole) == {"current_state": 6, "newest_history": 12}
    assert conflicts.seen(status(7, 4, 2, 10), {}) == {"current_state": 2, "newest_history": 10}


def test_our_own_earlier_change_is_nobody_elses():
    mine, earlier = status(7, 5, 2, id=2), status(7, 4, 2)
    assert conflicts.our_own_doing(mine, {"shop": 4}, [earlier])
    assert not conflicts.our_own_doing(mine, {"shop": 6}, [earlier])
    assert not conflicts.our_own_doing(mine, {"shop": 4}, [])
    assert not conflicts.our_own_doing(mine, {"shop": 4}, [status(8, 4, 2)])  # of another order
    assert not conflicts.our_own_doing(mine, {"shop": 4}, [earlier, status(7, 3, 4, id=3)])  # not the last one


def test_a_row_that_an_earlier_change_wrote_is_not_this_ones():
    """Paid, shipped, paid again, all wished for before the first was written."""
    paid = status(7, 2, 1, 10, remote_id=11)
    shipped = status(7, 4, 1, 10, id=2, remote_id=12)
    again = status(7, 2, 1, 10, id=3)
    assert conflicts.after_own_history(again, [paid, shipped]) == {"current_state": 4, "newest_history": 12}
    assert conflicts.after_own_history(paid, [replace(shipped, id=9)]) == paid.decided_on  # a later one
    assert conflicts.after_own_history(again, [replace(paid, remote_id=None)]) == again.decided_on
    assert conflicts.after_own_history(again, [status(7, 2, 1, 3, remote_id=9)]) == again.decided_on  # known already

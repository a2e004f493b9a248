from __future__ import annotations

from datetime import timedelta

from connector.core.duplicates import Duplicate, HistoryRow, of_histories, of_references
from tests.core.test_conflicts import NOW, status

SENT = {"sent_at": NOW, "attempts": 1}


def row(number: int, state: int = 4, order: int = 7, employee: int = 1, minutes: float | None = 1) -> HistoryRow:
    at = None if minutes is None else NOW + timedelta(minutes=minutes)
    return HistoryRow(number, order, state, employee, at)


def test_of_two_rows_with_one_reference_the_later_is_too_much():
    found = [("psc1/a", 9), ("psc1/b", 4), ("psc1/a", 3), ("psc1/a", 12)]
    assert of_references("customer_messages", found, {"psc1/a": 77}) == [
        Duplicate("customer_messages", 9, 3, 77, "psc1/a"),
        Duplicate("customer_messages", 12, 3, 77, "psc1/a"),
    ]


def test_one_status_makes_one_row_and_a_second_one_is_told():
    change = status(7, 4, 2, 10, id=5, remote_id=11, **SENT)
    assert of_histories([change], [row(11)], {11}) == []
    assert of_histories([change], [row(11), row(12)], {11}) == [Duplicate("order_histories", 12, 11, 5, "")]


def test_a_status_in_doubt_has_a_right_to_one_row():
    change = status(7, 4, 2, 10, id=5, **SENT)
    assert of_histories([change], [row(11)], ()) == []
    assert [d.row_id for d in of_histories([change], [row(11), row(14)], ())] == [14]


def test_rows_of_others_are_no_ones_duplicates():
    change = status(7, 4, 2, 10, remote_id=11, **SENT)
    others = [row(9), row(12, state=5), row(13, order=8), row(14, employee=2), row(15, minutes=60 * 30)]
    assert of_histories([change], [row(11), *others], {11}) == []


def test_the_same_status_wished_for_twice_is_two_rows():
    first = status(7, 4, 2, 10, remote_id=11, **SENT)
    second = status(7, 4, 5, 12, id=2, remote_id=13, **SENT)
    rows = [row(11), row(12, state=5), row(13)]
    assert of_histories([first, second], rows, {11, 13}) == []
    assert [
        (d.row_id, d.intent_id) for d in of_histories([first, second], [*rows, row(14, minutes=None)], {11, 13})
    ] == [(14, 1)]

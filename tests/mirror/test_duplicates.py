"""What the shop holds twice of ours, found in what the mirror has read, on both databases."""

from __future__ import annotations

from connector.core.duplicates import Duplicate
from connector.core.model import IntentState, Kind, NewIntent
from connector.mirror.db import Mirror
from tests.mirror.world import BY_NAME, MESSAGES, NOW, SHOP, THREADS, message, row, thread, wish

HISTORIES = BY_NAME["order_histories"]


def found(mirror: Mirror) -> list[tuple[str, int, int, int | None]]:
    return [(one.resource, one.row_id, one.first_id, one.intent_id) for one in mirror.duplicates.listing(SHOP)]


def test_messages_with_one_reference_are_told_once_and_forgotten_when_they_are_gone(mirror: Mirror) -> None:
    (intent,) = mirror.outbox.add(SHOP, [wish("a")])
    marks = ["psc1/a", "psc1/b", "psc1/a", "Mozilla", "Mozilla", "psc1/lost", "psc1/lost"]
    rows = [message(n, user_agent=mark) for n, mark in enumerate(marks, 1)]
    mirror.rows.store(SHOP, MESSAGES, rows, None)
    mirror.rows.store("rome", MESSAGES, [message(8, user_agent="psc1/b"), message(9, user_agent="psc1/b")], None)
    assert mirror.duplicates.look(SHOP) == [
        Duplicate("customer_messages", 3, 1, intent.id, "psc1/a"),
        Duplicate("customer_messages", 7, 6, None, "psc1/lost"),
    ]
    assert mirror.duplicates.look(SHOP) == []
    assert found(mirror) == [("customer_messages", 3, 1, intent.id), ("customer_messages", 7, 6, None)]
    assert [one.row_id for one in mirror.duplicates.of_intent(intent.id)] == [3]
    mirror.rows.remove(SHOP, MESSAGES, [3])
    assert mirror.duplicates.look(SHOP) == []
    assert found(mirror) == [("customer_messages", 7, 6, None)]


def test_two_threads_with_the_token_of_one_that_we_made(mirror: Mirror) -> None:
    new = NewIntent(Kind.THREAD_CREATE, "thread.create:x", "tokentoken12", "mail:x", {})
    (intent,) = mirror.outbox.add(SHOP, [new])
    rows = [thread(n, token=token) for n, token in enumerate(["same", "same", "tokentoken12", "tokentoken12"], 1)]
    mirror.rows.store(SHOP, THREADS, rows, None)
    mirror.duplicates.look(SHOP)
    assert found(mirror) == [("customer_threads", 4, 3, intent.id)]


def test_two_rows_of_history_for_one_status(mirror: Mirror) -> None:
    payload = {"id_order": 7, "id_state": 4, "id_employee": 1}
    new = NewIntent(Kind.ORDER_STATUS, "order.status:x", "", "order:7", payload, {"newest_history": 10})
    (intent,) = mirror.outbox.add(SHOP, [new])
    sending = mirror.outbox.move(intent, IntentState.SENDING, now=NOW)
    mirror.outbox.move(sending, IntentState.CONFIRMED, now=NOW, remote_id=11)
    values = {"id_order": 7, "id_order_state": 4, "id_employee": 1, "date_add": NOW}
    mirror.rows.store(SHOP, HISTORIES, [row(9, **values), row(11, **values), row(12, **values)], None)
    mirror.duplicates.look(SHOP)
    assert found(mirror) == [("order_histories", 12, 11, intent.id)]

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from connector.core.model import IntentState, MailState
from connector.errors import Exit, LeaseLost, StateError
from connector.mirror.db import Mirror, open_mirror
from tests.mirror.world import CUSTOMERS, NOW, RESOURCES, SHOP, THREADS, copy, customer, thread, wish

A, B = "host:1:a", "host:2:b"


def test_one_holder_at_a_time_per_shop(mirror: Mirror) -> None:
    assert mirror.leases.holder("paris") is None
    assert mirror.leases.take("paris", A, 60) is True
    assert mirror.leases.take("paris", B, 60) is False
    assert mirror.leases.take("rome", B, 60) is True
    assert mirror.leases.take("paris", A, 60) is True
    assert mirror.leases.holder("paris") == A


def test_a_lease_that_ran_out_is_taken_over_and_the_late_holder_is_told(mirror: Mirror) -> None:
    mirror.leases.take("paris", A, 0.05)
    time.sleep(0.1)
    assert mirror.leases.holder("paris") is None
    assert mirror.leases.take("paris", B, 60) is True
    assert mirror.leases.take("paris", A, 60) is False
    assert mirror.leases.holder("paris") == B


def test_a_released_lease_is_free_but_nobody_releases_anothers(mirror: Mirror) -> None:
    mirror.leases.take("paris", A, 60)
    mirror.leases.release("paris", B)
    assert mirror.leases.holder("paris") == A
    mirror.leases.release("paris", A)
    assert mirror.leases.take("paris", B, 60) is True


class TestFence:
    """What a worker that was taken over while it slept may still do: nothing that counts."""

    @pytest.fixture
    def late(self, mirror: Mirror, mirror_url: str) -> Iterator[Mirror]:
        """A worker that held the lease, and whose successor has done some work meanwhile."""
        opened = open_mirror(mirror_url, RESOURCES, holder=A)
        assert opened.leases.take(SHOP, A, 0.05)
        opened.rows.store(SHOP, CUSTOMERS, [customer(1, firstname="old")], {"id": 1})
        opened.outbox.add(SHOP, [wish("a")])
        time.sleep(0.1)
        assert mirror.leases.take(SHOP, B, 60)
        mirror.rows.store(SHOP, CUSTOMERS, [customer(1, firstname="new"), customer(2)], {"id": 2})
        yield opened
        opened.close()

    def test_a_page_of_before_does_not_overwrite_newer_rows(self, mirror: Mirror, late: Mirror) -> None:
        with pytest.raises(LeaseLost) as refused:
            late.rows.store(SHOP, CUSTOMERS, [customer(1, firstname="stale")], {"id": 1})
        assert (refused.value.code, refused.value.exit) == ("mirror.lease_lost", Exit.TEMPORARY)
        assert mirror.lookups.customers_by_email(SHOP, "anna@example.org")[1].id == 2
        assert mirror.rows.cursor(SHOP, "customers") == {"id": 2}
        with mirror.database.read() as connection:
            names = connection.execute(text("SELECT firstname FROM customers ORDER BY id")).scalars().all()
        assert names == ["new", "Anna"]

    def test_no_write_to_the_shop_begins(self, mirror: Mirror, late: Mirror) -> None:
        intent = late.outbox.by_key(SHOP, "a")
        with pytest.raises(LeaseLost):
            late.outbox.move(intent, IntentState.SENDING, now=NOW)
        assert mirror.outbox.by_key(SHOP, "a").state is IntentState.PLANNED

    def test_also_after_the_successor_has_gone(self, mirror: Mirror, late: Mirror) -> None:
        mirror.leases.release(SHOP, B)
        with pytest.raises(LeaseLost):
            late.rows.store(SHOP, CUSTOMERS, [customer(1, firstname="stale")], {"id": 1})
        assert late.leases.take(SHOP, A, 60)
        late.rows.store(SHOP, CUSTOMERS, [customer(1, firstname="fresh")], {"id": 3})

    def test_a_command_may_still_queue_and_cancel(self, mirror: Mirror, late: Mirror) -> None:
        (queued,) = late.outbox.add(SHOP, [wish("b")])
        assert late.outbox.move(queued, IntentState.CANCELLED, now=NOW).state is IntentState.CANCELLED

    def test_no_mail_is_decided_on_with_old_facts_and_no_intent_of_it_is_made(
        self, mirror: Mirror, late: Mirror
    ) -> None:
        mirror.ledger.enter(SHOP, [copy(1)])
        (received,) = late.ledger.received(SHOP, 9)
        with pytest.raises(LeaseLost):
            late.ledger.conclude(received, MailState.PENDING, "thread_by_token", intents=[wish("stale")], worker=True)
        assert mirror.ledger.get(received.id).state is MailState.RECEIVED
        assert mirror.outbox.by_key(SHOP, "stale") is None

    def test_a_decision_that_the_successor_has_made_stands(self, mirror: Mirror, late: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1)])
        (received,) = late.ledger.received(SHOP, 9)
        mirror.ledger.conclude(received, MailState.PENDING, "thread_by_token", intents=[wish("first")])
        with pytest.raises(StateError) as refused:
            late.ledger.conclude(received, MailState.IGNORED, "by_command", intents=[wish("second")])
        assert (refused.value.code, refused.value.facts["found"]) == ("ledger.moved_elsewhere", "pending")
        assert mirror.ledger.get(received.id).reason == "thread_by_token"
        assert mirror.outbox.by_key(SHOP, "second") is None

    def test_an_old_effect_is_not_written_over_a_newer_row(self, mirror: Mirror, late: Mirror) -> None:
        mirror.rows.store(SHOP, THREADS, [thread(1, status="closed")], None)
        with pytest.raises(LeaseLost):
            late.rows.patch(SHOP, "customer_threads", 1, {"status": "open"})
        assert mirror.lookups.thread(SHOP, 1).status == "closed"

    def test_a_write_of_the_successor_is_not_taken_for_one_left_over(self, mirror: Mirror, late: Mirror) -> None:
        intent = mirror.outbox.by_key(SHOP, "a")
        mirror.outbox.move(intent, IntentState.SENDING, now=NOW)
        with pytest.raises(LeaseLost):
            late.outbox.doubtful_after_crash(SHOP, NOW)
        assert mirror.outbox.by_key(SHOP, "a").state is IntentState.SENDING

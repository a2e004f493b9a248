"""What stands still and what a person can do about it: every way out leads to exactly one message, or to none."""

from __future__ import annotations

import pytest

from connector.core.model import Intent, IntentState, Kind, MailState
from connector.errors import DataError, Exit
from connector.sandbox.shop import Misbehave
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        here.begin()
        yield here


def intents(app, kind: Kind | None = None) -> list[Intent]:
    return [i for i in app.mirror.outbox.listing("main") if kind is None or i.kind is kind]


def mails(world) -> list[str]:
    with world.app() as app:
        return [str(c.state) for c in app.mirror.ledger.listing("main", list(MailState))]


@pytest.fixture
def refused(world):
    """A reply to a closed thread whose message the shop has refused for good: key without the right to POST it."""
    thread = world.thread("closed")
    world.deliver(world.reply(thread))
    world.sync(only=("collect",))
    with world.app() as app:
        (message,) = intents(app, Kind.MESSAGE_CREATE)
        app.mirror.outbox.revive(
            app.mirror.outbox.move(message, IntentState.CANCELLED, now=app.clock.now()),
            None,
            app.clock.now(),
        )
    row = world.shop.row("customer_threads", thread["id"])
    world.shop.delete_row("customer_threads", thread["id"])
    assert world.sync(only=("push",)).code is Exit.FOUND
    world.shop.put_row("customer_threads", row)
    return thread


def test_a_refused_message_sends_its_mail_to_quarantine_and_cancels_what_follows(world, refused):
    del refused
    assert mails(world) == ["quarantined"]
    with world.app() as app:
        assert [str(i.state) for i in intents(app)] == ["failed", "cancelled"]


def test_outbox_retry_sends_it_again_with_what_followed(world, refused):
    with world.app() as app:
        (message,) = intents(app, Kind.MESSAGE_CREATE)
        app.dead_letters().retry(message.id)
    assert world.sync().code is Exit.OK
    assert mails(world) == ["imported"]
    assert len(world.ours()) == 1
    assert world.shop.row("customer_threads", refused["id"])["status"] == "open"


def test_outbox_confirm_takes_it_as_done_and_lets_the_rest_go_on(world, refused):
    with world.app() as app:
        (message,) = intents(app, Kind.MESSAGE_CREATE)
        app.dead_letters().confirm(message.id)
    assert world.sync().code is Exit.OK
    assert mails(world) == ["imported"]
    assert world.ours() == []
    assert world.shop.row("customer_threads", refused["id"])["status"] == "open"


def test_replaying_the_mail_revives_everything(world, refused):
    with world.app() as app:
        (copy,) = app.mirror.ledger.listing("main", [MailState.QUARANTINED])
        app.mirror.ledger.conclude(copy, MailState.RECEIVED, "retry")
    assert world.sync().code is Exit.OK
    assert mails(world) == ["imported"]
    assert len(world.ours()) == 1
    assert world.shop.row("customer_threads", refused["id"])["status"] == "open"


def test_cancel_takes_what_waits_along_and_the_mail_is_ignored(world):
    world.deliver(world.reply(world.thread("closed")))
    world.sync(only=("collect",))
    with world.app() as app:
        (message,) = intents(app, Kind.MESSAGE_CREATE)
        app.dead_letters().cancel(message.id)
        assert {str(i.state) for i in intents(app)} == {"cancelled"}
    assert world.sync().code is Exit.OK
    assert mails(world) == ["ignored"]
    assert world.ours() == []


def test_a_thread_whose_first_message_is_refused_gets_a_short_text_and_the_mail_waits(world):
    world.deliver(world.people.new_question("new.person@customer.test"))
    world.sync(only=("collect",))
    with world.app() as app:
        (message,) = intents(app, Kind.MESSAGE_CREATE)
        spoiled = {**message.payload, "id_employee": "no number"}  # what no validator takes
        cancelled = app.mirror.outbox.move(message, IntentState.CANCELLED, now=app.clock.now(), payload=spoiled)
        app.mirror.outbox.revive(cancelled, None, app.clock.now())
    report = world.sync(only=("push",))
    assert report.code is Exit.FOUND
    thread = world.shop.rows("customer_threads")[-1]
    assert thread["email"] == "new.person@customer.test"
    (kept,) = world.shop.rows("customer_messages", id_customer_thread=thread["id"])
    assert "mail 1" in str(kept["message"]).lower()
    assert mails(world) == ["quarantined"]


@pytest.fixture
def conflict(world):
    """An order whose status the back office changed while our change waited."""
    order = next(r for r in world.shop.rows("orders") if r["current_state"] in (2, 3) and r["invoice_number"])
    with world.app() as app:
        (intent,) = app.desk("main").order_status(order["id"], "shipped")
        world.shop.update_row("orders", order["id"], current_state=6)
    assert world.sync(only=("push",)).code is Exit.FOUND
    return order, intent.id


def test_a_status_that_met_another_change_is_a_conflict_and_nothing_is_written(world, conflict):
    order, number = conflict
    with world.app() as app:
        assert app.mirror.outbox.get(number).state is IntentState.CONFLICT
    assert world.shop.row("orders", order["id"])["current_state"] == 6


def test_retrying_a_conflict_means_ours_counts(world, conflict):
    order, number = conflict
    before = world.shop.count("order_histories")
    with world.app() as app:
        app.dead_letters().retry(number)
    assert world.sync().code is Exit.OK
    assert world.shop.row("orders", order["id"])["current_state"] == 4
    assert world.shop.count("order_histories") == before + 1


def test_a_half_written_status_can_be_confirmed_and_not_retried(world):
    order = next(r for r in world.shop.rows("orders") if r["current_state"] in (2, 3) and r["invoice_number"])
    world.shop.misbehave(Misbehave(kind="drop_before", method="POST", times=1))
    with world.app() as app:
        (intent,) = app.desk("main").order_status(order["id"], "shipped")
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").push(lambda: False, [intent.id])
        app.mirror.leases.release("main", app.holder)
    world.shop.update_row("orders", order["id"], current_state=4)  # the state is there, no row of ours is
    before = world.shop.count("order_histories")
    world.sync()
    with world.app() as app:
        stuck = app.mirror.outbox.get(intent.id)
        assert (stuck.state, stuck.error) == (IntentState.CONFLICT, "half_written")
        with pytest.raises(DataError):
            app.dead_letters().retry(intent.id)
        assert app.dead_letters().confirm(intent.id).state is IntentState.CONFIRMED
    assert world.shop.count("order_histories") == before


# --- a mail whose hand-over is unknown --------------------------------------------------------------------------------


def answer(world) -> None:
    """A reply by command while the mail server loses its last answer."""
    thread = world.thread()
    with world.app() as app:
        wishes = app.desk("main").reply(int(thread["id"]), "It is on its way.")
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").push(lambda: False, [i.id for i in wishes])
        app.mirror.leases.release("main", app.holder)


def mail_intent(world) -> Intent:
    with world.app() as app:
        return intents(app, Kind.MAIL_SEND)[0]


@pytest.fixture
def proving(tmp_path):
    settings = 'proof_mailbox = "support"\nproof_folder = "Sent"'
    with World(tmp_path / "proving", smtp_settings=settings) as here:
        here.begin()
        yield here


def test_where_copies_are_filed_a_lost_answer_is_settled_by_the_copy(proving):
    proving.smtp.fail_next("drop_after_data")
    answer(proving)
    proving.deliver(proving.smtp.received[0].raw, "Sent")
    assert proving.sync().code is Exit.OK
    assert mail_intent(proving).state is IntentState.CONFIRMED
    assert len(proving.smtp.received) == 1


def test_without_a_copy_the_same_mail_is_sent_again_after_the_settle_time(proving):
    proving.smtp.fail_next("drop_after_data")
    answer(proving)
    proving.smtp.received.clear()  # the server took nothing in
    assert proving.sync().code is Exit.OK
    assert len(proving.smtp.received) == 1
    assert mail_intent(proving).reference.encode() in proving.smtp.received[0].raw


def test_without_a_proof_mailbox_nobody_guesses(world):
    world.smtp.fail_next("drop_after_data")
    answer(world)
    for _ in range(2):
        world.clock.sleep(7200)
        world.sync()
    assert mail_intent(world).state is IntentState.IN_DOUBT
    assert len(world.smtp.received) == 1


# --- replies and those who write again --------------------------------------------------------------------------------


def test_a_thread_is_not_closed_over_a_message_that_came_after_the_reply(world):
    thread = world.thread()
    world.smtp.fail_next("temporary")
    answer(world)
    world.deliver(world.reply(thread, "Wait, one more question!"))
    world.sync()
    world.clock.sleep(7200)
    world.sync()
    assert len(world.smtp.received) == 1
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"
    with world.app() as app:
        closing = [i for i in intents(app, Kind.THREAD_STATUS) if i.payload["status"] == "closed"]
    assert [(i.state, i.error) for i in closing] == [(IntentState.CANCELLED, "customer_wrote_again")]


def test_retrying_a_doubtful_message_looks_it_up_first(world):
    world.deliver(world.reply(world.thread()))
    world.sync(only=("collect",))
    world.shop.misbehave(Misbehave(kind="drop_after", method="POST", times=1))
    world.shop.misbehave(Misbehave(kind="unavailable", method="GET", resource="customer_messages", times=4))
    with world.app() as app:
        (message,) = intents(app, Kind.MESSAGE_CREATE)
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").push(lambda: False)
        app.mirror.leases.release("main", app.holder)
        assert app.mirror.outbox.get(message.id).state is IntentState.IN_DOUBT
        app.dead_letters().retry(message.id)
    world.shop.behave()
    assert world.sync().code is Exit.OK
    assert len(world.ours()) == 1


def test_a_replayed_mail_does_not_wait_for_a_thread_behind_it(world):
    """Mail 1 creates a thread that the shop refuses, mail 2 answers mail 1; mail 2 alone is taken up again."""
    question = world.people.new_question("someone@intranet")
    message_id = question.split(b"Message-ID: <")[1].split(b">")[0].decode()
    world.deliver(question)
    world.deliver(world.people.reply_by_reference(message_id, "someone@intranet", text="One more thing."))
    world.sync()
    assert mails(world) == ["quarantined", "quarantined"]
    with world.app() as app:
        second = app.mirror.ledger.listing("main", [MailState.QUARANTINED])[1]
        app.mirror.ledger.conclude(second, MailState.RECEIVED, "retry")
    for _ in range(2):
        world.sync()
        world.clock.sleep(7200)
    assert mails(world) == ["quarantined", "quarantined"]
    with world.app() as app:
        assert not [i for i in intents(app) if i.state is IntentState.PLANNED]

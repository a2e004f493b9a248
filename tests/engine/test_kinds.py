"""Each kind of change under doubt: its answer is lost, the shop changed meanwhile, the shop damaged something."""

from __future__ import annotations

import pytest

from connector.core.model import IntentState
from connector.engine.effects.base import PAYS_TWICE, STATE_GONE
from connector.errors import Exit
from connector.sandbox.shop import Misbehave
from tests.support import databases
from tests.support.world import World

LOST = ("drop_after", "error_after", "drop_before")


@pytest.fixture(scope="module", autouse=True)
def database():
    """One is enough: what is shown here is what the effects ask of the shop. For the whole module: its tests share a
    shop."""
    with databases.on("sqlite"):
        yield "sqlite"


@pytest.fixture(scope="module")
def shared(database, tmp_path_factory):
    with World(tmp_path_factory.mktemp("shared") / "state", shop_settings="connections = 1") as here:
        here.sync(only=("pull",))
        yield here


@pytest.fixture
def world(shared):
    shared.shop.behave()
    return shared


def pushed(world: World, intents) -> list:
    """The intents after a push that waits for the settle time."""
    with world.app() as app:
        for _ in range(3):
            world.sync(app=app, only=("push",))
            world.clock.sleep(60)
        return [app.mirror.outbox.get(one.id) for one in intents]


def writes(world: World, since: int, path: str) -> int:
    return sum(r.method != "GET" and path in r.path for r in world.shop.requests[since:])


def unread(world: World) -> dict[str, object]:
    message = next(r for r in world.shop.rows("customer_messages") if not r["id_employee"])
    world.shop.update_row("customer_messages", message["id"], read=0)
    return message


def other_group(world: World, customer: int) -> int:
    return next(row["id"] for row in world.shop.rows("groups") if row["id"] not in world.shop.groups_of(customer))


@pytest.mark.parametrize(("fault", "customer"), list(zip(LOST, (3, 6, 7), strict=True)))
def test_groups_whose_answer_was_lost_are_looked_up(world, fault, customer):
    group = other_group(world, customer)
    with world.app() as app:
        intents = app.notes("main").customer_groups(customer, [group], [])
    world.shop.misbehave(Misbehave(fault, method="PATCH"))
    asked = len(world.shop.requests)
    (done,) = pushed(world, intents)
    assert done.state is IntentState.CONFIRMED
    assert group in world.shop.groups_of(customer)
    assert writes(world, asked, "customers") == (2 if fault == "drop_before" else 1)


@pytest.mark.parametrize("fault", LOST)
def test_a_read_flag_whose_answer_was_lost_is_looked_up(world, fault):
    message = unread(world)
    with world.app() as app:
        intents = app.notes("main").mark(message["id_customer_thread"], read=True)
    world.shop.misbehave(Misbehave(fault, method="PATCH"))
    assert {one.state for one in pushed(world, intents)} == {IntentState.CONFIRMED}
    assert world.shop.row("customer_messages", message["id"])["read"]


@pytest.mark.parametrize("fault", LOST)
def test_the_thread_of_a_note_is_made_once_whatever_happens_to_the_answer(world, fault):
    talked = {row["id_order"] for row in world.shop.rows("customer_threads")}
    order = next(row["id"] for row in world.shop.rows("orders") if row["id"] not in talked)
    with world.app() as app:
        intents = app.notes("main").order_note(order, "Packed")
    world.shop.misbehave(Misbehave(fault, method="POST"))
    assert {one.state for one in pushed(world, intents)} == {IntentState.CONFIRMED}
    (thread,) = world.shop.rows("customer_threads", id_order=order)
    (note,) = world.shop.rows("customer_messages", id_customer_thread=thread["id"])
    assert (note["message"], note["private"]) == ("Packed", 1)


def test_a_message_or_customer_that_was_deleted_meanwhile_is_a_failure(world):
    message = unread(world)
    with world.app() as app:
        marks = app.notes("main").mark(message["id_customer_thread"], read=True)
        groups = app.notes("main").customer_groups(9, [other_group(world, 9)], [])
    kept = world.shop.row("customers", 9)
    messages = [world.shop.row("customer_messages", mark.payload["id_message"]) for mark in marks]
    for message in messages:
        world.shop.delete_row("customer_messages", message["id"])
    world.shop.delete_row("customers", 9)
    failed = pushed(world, [*marks, *groups])
    assert {(one.state, one.error) for one in failed} == {
        (IntentState.FAILED, "message_gone"),
        (IntentState.FAILED, "customer_gone"),
    }
    world.shop.put_row("customers", kept)
    for message in messages:
        world.shop.put_row("customer_messages", message)


def test_what_staff_did_to_other_groups_meanwhile_stays(world):
    groups = [row["id"] for row in world.shop.rows("groups")]
    mine = other_group(world, 8)
    theirs = next(group for group in groups if group not in (mine, *world.shop.groups_of(8)))
    with world.app() as app:
        intents = app.notes("main").customer_groups(8, [mine], [])
    world.shop.world.store.set_groups(8, [*world.shop.groups_of(8), theirs])
    assert pushed(world, intents)[0].state is IntentState.CONFIRMED
    assert {mine, theirs} <= set(world.shop.groups_of(8))


def test_a_loss_stops_the_leg_and_waits_for_a_person(world):
    world.shop.world.store.execute(
        "CREATE TRIGGER eats AFTER UPDATE ON customers BEGIN"
        " UPDATE customers SET secure_key = '' WHERE id = NEW.id; END"
    )
    thread = world.thread()
    with world.app() as app:
        (groups,) = app.notes("main").customer_groups(10, [other_group(world, 10)], [])
        (note,) = app.desk("main").reply(int(thread["id"]), "A note", private=True)
        report = world.sync(app=app, only=("push",))
        assert report.results["push"].code is Exit.FOUND
        damaged, waiting = (app.mirror.outbox.get(one.id) for one in (groups, note))
        assert (damaged.state, damaged.error) == (IntentState.CONFLICT, "shop.customer_damaged")
        assert "lost=secure_key" in damaged.error_detail
        assert waiting.state is IntentState.PLANNED
        world.shop.world.store.execute("DROP TRIGGER eats")
        world.sync(app=app, only=("push",))
        assert app.mirror.outbox.get(note.id).state is IntentState.CONFIRMED


# --- order status -----------------------------------------------------------------------------------------------------


def order_in(world: World, *, invoice: bool, paid: bool) -> dict[str, object]:
    return next(
        row
        for row in world.shop.rows("orders")
        if bool(row["invoice_number"]) is invoice and (float(row["total_paid_real"]) > 0) is paid
    )


def test_a_state_that_was_deleted_meanwhile_is_not_set(world):
    order = order_in(world, invoice=True, paid=True)
    with world.app() as app:
        intents = app.desk("main").order_status(order["id"], "9")
    world.shop.update_row("order_states", 9, deleted=1)
    asked = len(world.shop.requests)
    (failed,) = pushed(world, intents)
    world.shop.update_row("order_states", 9, deleted=0)
    assert (failed.state, failed.error, writes(world, asked, "order")) == (IntentState.FAILED, STATE_GONE, 0)


def test_a_payment_that_came_meanwhile_is_not_booked_twice(world):
    order = order_in(world, invoice=False, paid=False)
    with world.app() as app:
        intents = app.desk("main").order_status(order["id"], "2")
    world.shop.update_row("orders", order["id"], total_paid_real="12.500000")
    (failed,) = pushed(world, intents)
    assert (failed.state, failed.error) == (IntentState.FAILED, PAYS_TWICE)
    with world.app() as app:
        forced = app.desk("main").order_status(order["id"], "2", force=True)
    assert pushed(world, forced)[0].state is IntentState.CONFIRMED


def test_a_status_without_a_mail_of_its_own_does_not_claim_one(world):
    order = order_in(world, invoice=True, paid=True)
    world.shop.update_row("order_states", 5, send_email=0)
    mails = len(world.shop.mails_sent)
    with world.app() as app:
        intents = app.desk("main").order_status(order["id"], "5", mail=True)
    (done,) = pushed(world, intents)
    assert done.state is IntentState.CONFIRMED
    assert done.result["mail"].startswith("none")
    assert len(world.shop.mails_sent) == mails

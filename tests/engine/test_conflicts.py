"""A change of ours meets another one: whose side counts, what is noted, and what a person can do about it."""

from __future__ import annotations

import pytest

from connector.core.model import Intent, IntentState, Kind, MailState
from connector.errors import DataError, Exit
from connector.sandbox.shop import Misbehave
from tests.support import databases
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        here.begin()
        yield here


def order_of(world) -> int:
    """An order with an invoice that is paid or in preparation."""
    rows = world.shop.rows("orders")
    return int(next(r["id"] for r in rows if r["current_state"] in (2, 3) and r["invoice_number"]))


def histories(world, order: int) -> list[int]:
    rows = world.shop.rows("order_histories", id_order=order)
    return [int(r["id_order_state"]) for r in sorted(rows, key=lambda r: int(r["id"]))]


def noted(app) -> list[tuple[str | None, str | None, str | None, str, str]]:
    """The history of conflicts: was, shop has, ours, whose side counted, who said so."""
    found = app.mirror.conflicts.listing("main", resolved=True)
    return [(c.clash.expected, c.clash.found, c.clash.wanted, c.resolution, c.resolved_by) for c in found]


def pushed(world, *wishes: Intent) -> list[Intent]:
    """These after a sync that only pushes."""
    world.sync(only=("push",))
    with world.app() as app:
        found = [app.mirror.outbox.get(one.id) for one in wishes]
    return [one for one in found if one is not None]


# --- the back office was faster -----------------------------------------------------------------------------------


def meet(world, found: int = 6) -> tuple[int, Intent]:
    """An order that is to become shipped, cancelled in the back office before that is pushed."""
    order = order_of(world)
    with world.app() as app:
        (wish,) = app.desk("main").order_status(order, "shipped")
    world.shop.update_row("orders", order, current_state=found)
    return order, wish


def test_an_order_cancelled_meanwhile_waits_for_a_person_and_shows_both_sides(world):
    order, wish = meet(world)
    before = histories(world, order)
    (intent,) = pushed(world, wish)
    assert (intent.state, intent.error) == (IntentState.CONFLICT, "changed_meanwhile")
    assert histories(world, order) == before
    with world.app() as app:
        (open_one,) = app.mirror.conflicts.listing("main")
    assert (open_one.clash.found, open_one.clash.wanted, open_one.intent_id) == ("6", "4", wish.id)


@databases.on_one
@pytest.mark.parametrize(("side", "state", "written"), [("shop", "cancelled", 0), ("ours", "confirmed", 1)])
def test_a_policy_decides_at_once_and_its_word_is_kept(tmp_path, side, state, written):
    settings = f'[shops.main.conflicts]\norder_status = "{side}"'
    with World(tmp_path / "state", shop_settings=settings) as world:
        world.begin()
        order, wish = meet(world)
        before = len(histories(world, order))
        (intent,) = pushed(world, wish)
        assert intent.state == state
        assert len(histories(world, order)) == before + written
        with world.app() as app:
            assert app.mirror.conflicts.listing("main") == []
            ((_, found, wanted, *decided),) = noted(app)
        assert (found, wanted, decided) == ("6", "4", [side, "policy"])


@databases.on_one
def test_an_equal_value_is_simply_done(world):
    order, wish = meet(world, found=4)
    before = histories(world, order)
    (intent,) = pushed(world, wish)
    assert (intent.state, intent.result) == (IntentState.CONFIRMED, {"already": True})
    assert histories(world, order) == before
    with world.app() as app:
        assert noted(app) == []


@databases.on_one
def test_a_status_set_in_the_back_office_while_ours_was_on_its_way_stays_and_is_noted(world):
    thread = int(world.thread("open")["id"])
    with world.app() as app:
        (wish,) = app.desk("main").thread_status(thread, "pending1")
    world.shop.update_row("customer_threads", thread, status="closed")
    (intent,) = pushed(world, wish)
    assert (intent.state, intent.error) == (IntentState.CANCELLED, "shop_wins")
    assert world.shop.row("customer_threads", thread)["status"] == "closed"
    with world.app() as app:
        assert noted(app) == [("open", "closed", "pending1", "shop", "policy")]


@databases.on_one
def test_a_thread_closed_in_the_back_office_while_a_reply_was_on_its_way_gets_the_reply_and_stays_closed(world):
    thread = world.thread("open")
    with world.app() as app:
        wishes = app.desk("main").reply(int(thread["id"]), "It is on its way.")
    world.shop.update_row("customer_threads", thread["id"], status="closed")
    states = {one.kind: one.state for one in pushed(world, *wishes)}
    assert set(states.values()) == {IntentState.CONFIRMED}
    assert len(world.ours()) == len(world.smtp.received) == 1
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"


@databases.on_one
def test_a_thread_closed_while_the_customers_reply_was_on_its_way_is_opened_for_it(world):
    thread = world.thread("open")
    world.deliver(world.reply(thread))
    world.sync(only=("collect",))
    world.shop.update_row("customer_threads", thread["id"], status="closed")
    world.sync(only=("push",))
    assert len(world.ours()) == 1
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"


# --- two changes of our own ---------------------------------------------------------------------------------------


def wished(world, order: int, *states: str) -> list[Intent]:
    """Statuses wished for one after the other, none of them pushed yet."""
    with world.app() as app:
        return [one for state in states for one in app.desk("main").order_status(order, state, force=True)]


@databases.on_one
def test_two_statuses_that_were_wished_for_together_are_both_written_in_their_order(world):
    order = order_of(world)
    before = histories(world, order)
    wishes = wished(world, order, "shipped", "delivered")
    assert [one.state for one in pushed(world, *wishes)] == [IntentState.CONFIRMED] * 2
    assert histories(world, order) == [*before, 4, 5]


@databases.on_one
def test_a_status_wished_for_again_after_another_is_not_taken_for_the_first(world):
    order = order_of(world)
    before = histories(world, order)
    wishes = wished(world, order, "shipped", "delivered", "shipped")
    first, _, last = pushed(world, *wishes)
    assert histories(world, order) == [*before, 4, 5, 4]
    assert last.remote_id != first.remote_id


@databases.on_one
def test_two_statuses_of_a_thread_that_were_wished_for_together_end_as_the_last_one_says(world):
    thread = int(world.thread("open")["id"])
    with world.app() as app:
        desk = app.desk("main")
        wishes = [*desk.thread_status(thread, "pending1"), *desk.thread_status(thread, "pending2")]
    assert [one.state for one in pushed(world, *wishes)] == [IntentState.CONFIRMED] * 2
    assert world.shop.row("customer_threads", thread)["status"] == "pending2"


# --- resolving ----------------------------------------------------------------------------------------------------


@pytest.fixture
def conflict(world):
    order, wish = meet(world)
    pushed(world, wish)
    with world.app() as app:
        (found,) = app.mirror.conflicts.listing("main")
    return order, wish, found.id


def resolve(world, number: int, *, ours: bool) -> Intent:
    with world.app() as app:
        return app.dead_letters().resolve(number, ours=ours)


def test_ours_is_written_once_over_the_value_that_was_shown(world, conflict):
    order, wish, number = conflict
    before = histories(world, order)
    resolve(world, number, ours=True)
    (intent,) = pushed(world, wish)
    assert intent.state is IntentState.CONFIRMED
    assert histories(world, order) == [*before, 4]
    with world.app() as app:
        assert [one[-2:] for one in noted(app)] == [("ours", "person")]


@databases.on_one
def test_ours_meets_a_third_change_and_is_a_conflict_again(world, conflict):
    order, wish, number = conflict
    before = histories(world, order)
    resolve(world, number, ours=True)
    world.shop.update_row("orders", order, current_state=8)
    (intent,) = pushed(world, wish)
    assert intent.state is IntentState.CONFLICT
    assert histories(world, order) == before
    with world.app() as app:
        (again,) = app.mirror.conflicts.listing("main")
    assert (again.clash.expected, again.clash.found) == ("6", "8")
    assert again.id != number


@databases.on_one
def test_the_shops_side_gives_ours_up(world, conflict):
    order, wish, number = conflict
    before = histories(world, order)
    assert resolve(world, number, ours=False).state is IntentState.CANCELLED
    (intent,) = pushed(world, wish)
    assert (intent.state, intent.error) == (IntentState.CANCELLED, "shop_wins")
    assert histories(world, order) == before
    with pytest.raises(DataError) as refused:
        resolve(world, number, ours=True)
    assert refused.value.code == "conflict.resolved"


@databases.on_one
def test_what_is_half_written_is_never_written_again(world):
    order = order_of(world)
    (wish,) = wished(world, order, "shipped")
    world.shop.misbehave(Misbehave(kind="drop_before", method="POST", times=1))
    with world.app() as app:
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").push(lambda: False, [wish.id])
        # The shop sets the state first and writes its row afterwards: right now it may be between the two.
        world.shop.update_row("orders", order, current_state=4)
        app.dead_letters().retry(wish.id)
        app.legs("main").push(lambda: False, [wish.id])
        assert app.mirror.outbox.get(wish.id).state is IntentState.IN_DOUBT
        app.mirror.leases.release("main", app.holder)
    before = histories(world, order)
    assert world.sync(only=("push",)).code is Exit.FOUND
    with world.app() as app:
        (found,) = app.mirror.conflicts.listing("main")
        assert found.clash.reason == "half_written"
        with pytest.raises(DataError):
            app.dead_letters().resolve(found.id, ours=True)
        assert app.dead_letters().resolve(found.id, ours=False).state is IntentState.CONFIRMED
    world.sync(only=("push",))
    assert histories(world, order) == before


# --- the settle rule on every way back to a write --------------------------------------------------------------------


def doubtful(world) -> Intent:
    """A customer's message whose POST got no answer; the shop has it not, yet."""
    world.deliver(world.reply(world.thread("open")))
    world.sync(only=("collect",))
    world.shop.misbehave(Misbehave(kind="drop_before", method="POST", times=1))
    with world.app() as app:
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").push(lambda: False)
        app.mirror.leases.release("main", app.holder)
        (message,) = [i for i in app.mirror.outbox.listing("main") if i.kind is Kind.MESSAGE_CREATE]
    assert message.state is IntentState.IN_DOUBT
    return message


def arrive(world, message: Intent) -> None:
    """What the shop was working on all the time gets written after all."""
    row = {"id_customer_thread": message.payload["id_thread"], "message": message.payload["text"], "id_employee": 0}
    world.shop.put_row("customer_messages", row | {"user_agent": message.reference})


@databases.on_one
def test_it_is_looked_up_once_more_right_before_it_is_sent_again(world):
    message = doubtful(world)
    world.clock.sleep(60)
    with world.app() as app:
        settled = app.mirror.outbox.move(message, IntentState.PLANNED, now=app.clock.now())
    arrive(world, message)
    (intent,) = pushed(world, settled)
    assert intent.state is IntentState.CONFIRMED
    assert len(world.ours()) == 1


@databases.on_one
def test_what_was_given_up_in_doubt_and_is_wanted_again_waits_for_the_settle_time(world):
    message = doubtful(world)
    with world.app() as app:
        given_up = app.dead_letters().cancel(message.id)
        wanted = app.mirror.outbox.revive(given_up, None, app.clock.now())
    (intent,) = pushed(world, wanted)
    assert intent.state is IntentState.PLANNED
    assert world.ours() == []
    world.clock.sleep(60)
    (intent,) = pushed(world, wanted)
    assert intent.state is IntentState.CONFIRMED
    assert len(world.ours()) == 1


@databases.on_one
def test_pauses_grow_while_one_change_alone_is_refused_for_now_and_others_overtake_it(world):
    orders = [r["id"] for r in world.shop.rows("orders") if r["current_state"] in (2, 3) and r["invoice_number"]][:2]
    (stuck,), (other,) = (wished(world, order, "shipped") for order in orders)
    pauses = []
    for _ in range(3):
        world.shop.misbehave(Misbehave(kind="rate_limit", method="POST", times=1, retry_after=0))
        (one,) = pushed(world, stuck)
        assert one.state is IntentState.PLANNED
        pauses.append((one.due_at - world.clock.now()).total_seconds())
        world.clock.sleep(pauses[-1] + 1)
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]
    with world.app() as app:
        assert app.mirror.outbox.get(other.id).state is IntentState.CONFIRMED
        assert app.mirror.outbox.get(stuck.id).error == "shop.too_many_requests"


# --- what an impossible late write did --------------------------------------------------------------------------------


@databases.on_one
def test_a_message_that_is_there_twice_is_told_once_kept_and_never_deleted(world):
    world.deliver(world.reply(world.thread("open")))
    world.sync()
    with world.app() as app:
        (message,) = [i for i in app.mirror.outbox.listing("main") if i.kind is Kind.MESSAGE_CREATE]
    arrive(world, message)
    report = world.sync()
    assert report.code is Exit.FOUND
    with world.app() as app:
        (double,) = app.mirror.duplicates.listing("main")
        assert (double.intent_id, double.first_id) == (message.id, message.remote_id)
        assert app.mirror.duplicates.look("main") == []  # known already
        assert app.mirror.duplicates.of_intent(message.id) == [double]
    assert len(world.ours()) == 2
    world.shop.delete_row("customer_messages", double.row_id)  # somebody has decided
    with world.app() as app:
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").deletions(lambda: False, ["customer_messages"])
        app.mirror.leases.release("main", app.holder)
    assert world.sync().code is Exit.OK


@databases.on_one
def test_a_row_of_history_that_came_after_all_is_told(world):
    order = order_of(world)
    (wish,) = wished(world, order, "shipped")
    world.sync()
    with world.app() as app:
        done = app.mirror.outbox.get(wish.id)
    late = world.shop.row("order_histories", done.remote_id)
    world.shop.put_row("order_histories", {name: late[name] for name in late if name != "id"})
    assert world.sync().code is Exit.FOUND
    with world.app() as app:
        (double,) = app.mirror.duplicates.listing("main")
    assert (double.resource, double.first_id, double.intent_id) == ("order_histories", done.remote_id, wish.id)


# --- who may conclude -------------------------------------------------------------------------------------------------


@databases.on_one
def test_of_two_that_decide_on_one_mail_the_second_is_told(world):
    world.deliver(world.reply(world.thread("open")))
    with world.app() as app:
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").collect(lambda: False)
        (copy,) = app.mirror.ledger.received("main", 9)
        app.mirror.ledger.conclude(copy, MailState.IGNORED, "dropped_by_command")
        with pytest.raises(Exception) as refused:  # noqa: PT011 - the code is what counts
            app.mirror.ledger.conclude(copy, MailState.PENDING, "late")
        assert getattr(refused.value, "code", "") == "ledger.moved_elsewhere"
        assert app.mirror.ledger.get(copy.id).reason == "dropped_by_command"

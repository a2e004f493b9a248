"""Rules at work: the whole way from a mail in the mailbox to the shop and the mail server, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.core.model import IntentState, Kind, MailState
from connector.engine.evidence import RETRY
from connector.errors import Exit, MappingError
from tests.support import databases
from tests.support.world import World

pytestmark = databases.on_one

RULES = """
[returns]
when.words = ["rücksend*", "return"]
then.note = "A return."
then.forward = "warehouse@shop.test"
then.thread_status = "pending1"

[stop]
when.subject = "invoice*"
when.new_thread = true
then.ignore = true

[shipped]
when.text = "arrived"
then.order_status = "delivered"
"""


def with_rules(folder, rules: str = RULES, **more: str) -> World:
    world = World(folder, shop_settings='forward_to = ["warehouse@shop.test"]', **more)
    world.folder.mkdir(parents=True, exist_ok=True)
    (world.folder / "own").mkdir()
    write(world, rules)
    return world


def write(world: World, rules: str) -> None:
    (world.folder / "own" / "rules.toml").write_text(rules, encoding="utf-8")


def use(world: World) -> None:
    world.config.write_text('mappings_dir = "own"\n' + world.config.read_text())


@pytest.fixture
def world(tmp_path):
    with with_rules(tmp_path / "state") as here:
        use(here)
        here.sync()
        yield here


def intents(world) -> list:
    with world.app() as app:
        return app.mirror.outbox.listing("main")


def copies(world) -> list:
    with world.app() as app:
        return app.mirror.ledger.listing("main", list(MailState))


def question(world, text: str) -> bytes:
    return world.people.reply_by_reference("x@y.test", "new.person@customer.test", text=text)


def test_a_reply_is_filed_noted_forwarded_and_marked_once_however_often_it_is_decided_on(world):
    thread = world.thread("closed")
    world.deliver(world.reply(thread, "I want to return this."))
    assert world.sync().code is Exit.OK
    assert [(i.kind, i.state) for i in intents(world)] == [
        (Kind.MESSAGE_CREATE, IntentState.CONFIRMED),
        (Kind.THREAD_STATUS, IntentState.CONFIRMED),
        (Kind.MESSAGE_CREATE, IntentState.CONFIRMED),
        (Kind.MESSAGE_CREATE, IntentState.CONFIRMED),
        (Kind.MAIL_SEND, IntentState.CONFIRMED),
        (Kind.THREAD_STATUS, IntentState.CONFIRMED),
    ]
    assert [(m["private"], "A return." in str(m["message"])) for m in world.ours()] == [(0, 0), (1, 1), (1, 0)]
    assert world.shop.row("customer_threads", thread["id"])["status"] == "pending1"
    (mail,) = world.smtp.received
    assert b"I want to return this." in mail.raw
    assert str(thread["token"]).encode() not in mail.raw
    (copy,) = copies(world)
    assert (copy.state, copy.id_message) == (MailState.IMPORTED, world.ours()[0]["id"])
    assert "rule.returns.forward:done" in copy.trail
    with world.app() as app:
        app.mirror.ledger.conclude(copy, MailState.RECEIVED, RETRY)
    before = world.ours()
    world.sync()
    assert (world.ours(), len(world.smtp.received), len(intents(world))) == (before, 1, 6)


def test_a_question_that_begins_a_thread_is_marked_from_the_start(world):
    world.deliver(question(world, "May I return it?"))
    assert world.sync().code is Exit.OK
    thread = world.shop.rows("customer_threads")[-1]
    assert (thread["email"], thread["status"]) == ("new.person@customer.test", "pending1")
    assert [m["id_customer_thread"] for m in world.ours()] == [thread["id"]] * 3
    assert len(world.smtp.received) == 1


def test_a_second_mail_before_the_thread_is_created_finds_its_thread_too(world):
    first = question(world, "Hello?")
    reference = next(line for line in first.decode().splitlines() if line.lower().startswith("message-id:"))
    world.deliver(first)
    again = world.people.reply_by_reference(
        reference.split("<")[1].rstrip(">"), "new.person@customer.test", text="I want to return it."
    )
    world.deliver(again, at=datetime.now(UTC) + timedelta(seconds=1))
    assert world.sync().code is Exit.OK
    thread = world.shop.rows("customer_threads")[-1]
    assert (thread["status"], len(world.smtp.received)) == ("pending1", 1)
    assert {m["id_customer_thread"] for m in world.ours()} == {thread["id"]}
    assert len(world.ours()) == 4


def test_an_ignored_mail_stays_in_the_ledger_with_the_rule_that_ignored_it(world):
    threads = len(world.shop.rows("customer_threads"))
    world.deliver(world.people.reply_by_reference("x@y.test", "billing@supplier.test", subject="Invoice 12"))
    assert world.sync().code is Exit.OK
    (copy,) = copies(world)
    assert (copy.state, copy.reason) == (MailState.IGNORED, "rule:stop")
    assert (len(world.shop.rows("customer_threads")), intents(world)) == (threads, [])


def test_mail_that_is_in_scope_only_through_since_runs_no_rule(tmp_path):
    day = datetime.now(UTC) - timedelta(days=2)
    with with_rules(tmp_path / "state", mailbox_settings=f"since = {day:%Y-%m-%d}") as world:
        use(world)
        world.deliver(world.reply(world.thread("closed"), "I want to return this."), at=day + timedelta(hours=30))
        world.sync()
        assert len(world.ours()) == 1
        assert [(i.kind, i.origin) for i in intents(world)] == [(Kind.MESSAGE_CREATE, "mail")]
        assert world.smtp.received == []


def test_an_order_status_needs_more_than_the_senders_address(world):
    states = {row["id"]: row for row in world.shop.rows("order_states")}
    order = next(row for row in world.shop.rows("orders") if states[row["current_state"]]["shipped"])
    customer = world.shop.row("customers", order["id_customer"])
    row = {k: v for k, v in world.thread("open").items() if k != "id"}
    number = world.shop.put_row(
        "customer_threads",
        row | {"email": customer["email"], "id_order": order["id"], "id_customer": customer["id"],
               "token": "OrDeRtHrEaD1", "date_upd": world.shop.world.now_text()},
    )  # fmt: skip
    world.sync()
    histories = len(world.shop.rows("order_histories", id_order=order["id"]))
    foreign = world.people.reply_to_shop_mail(number, "OrDeRtHrEaD1", "eve@elsewhere.test", text="It arrived.")
    fresh = world.people.reply_by_reference("x@y.test", str(customer["email"]), text="It arrived.")
    for raw in (foreign, fresh):
        world.deliver(raw)
    assert world.sync().code is Exit.OK
    assert len(world.shop.rows("order_histories", id_order=order["id"])) == histories
    assert all("rule.shipped.order_status:not_proven" in copy.trail for copy in copies(world))
    world.deliver(world.people.reply_to_shop_mail(number, "OrDeRtHrEaD1", str(customer["email"]), text="It arrived."))
    assert world.sync().code is Exit.OK
    rows = world.shop.rows("order_histories", id_order=order["id"])
    assert (len(rows), rows[-1]["id_employee"]) == (histories + 1, 1)
    assert world.shop.row("orders", order["id"])["current_state"] == rows[-1]["id_order_state"]


def test_a_mistake_in_the_rules_keeps_the_program_from_starting_with_half_of_them(world):
    write(world, RULES + "\n[more]\nwhen.words = 3\nthen.note = 'x'\n")
    with pytest.raises(MappingError) as wrong, world.app():
        pass
    line = RULES.count("\n") + 3
    assert (wrong.value.facts["line"], wrong.value.exit) == (line, Exit.CONFIG)
    assert str(world.folder / "own" / "rules.toml") in wrong.value.facts["told"]

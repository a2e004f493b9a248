"""A reply's way to the customer with a real mail server and a real Dovecot as the place of copies: put off, refused,
lost, in doubt; in the end the customer has it once, or somebody is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from connector.core.guards import MAILS_PER_DAY
from connector.core.model import Intent, IntentState, Kind, NewIntent
from connector.errors import Exit
from tests.support import databases
from tests.support.dovecot import Dovecot, require_dovecot
from tests.support.world import PASSWORD, World

pytestmark = databases.on_one
SENT = "Gesendet & mehr"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as running:
        running.make_folder("Sent")
        running.make_folder(SENT)
        yield running


@pytest.fixture
def world(tmp_path, server) -> Iterator[World]:
    """Copies are filed by us in the very folder that proves a hand-over."""
    smtp = f'proof_mailbox = "support"\nproof_folder = "{SENT}"\ncopy_mailbox = "support"\ncopy_folder = "{SENT}"'
    with World(tmp_path / "state", user=server.user, smtp_settings=smtp) as here:
        text = here.config.read_text()
        for old, new in (
            (f"port = {here.mailbox.port}", f"port = {server.port}"),
            (f'password = "{PASSWORD}"', f"password = {json.dumps(server.password)}"),
        ):
            assert old in text
            text = text.replace(old, new)
        here.config.write_text(text)
        here.sync()
        yield here


def reply(world: World, text: str = "It is on its way.") -> int:
    thread = world.thread()
    with world.app() as app:
        app.desk("main").reply(int(thread["id"]), text)  # type: ignore[call-overload]
    return int(thread["id"])  # type: ignore[call-overload]


def intent(world: World, kind: Kind) -> Intent:
    with world.app() as app:
        return next(i for i in app.mirror.outbox.listing("main") if i.kind is kind)


def status(world: World, thread: int) -> object:
    row = world.shop.row("customer_threads", thread)
    assert row is not None
    return row["status"]


def copies(world: World, server: Dovecot) -> int:
    mail = intent(world, Kind.MAIL_SEND)
    with world.app() as app, app.mailbox("main", "support") as box:
        box.select(SENT)
        return sum(mail.reference.encode() in one.raw for one in box.fetch(box.search(1), 10**6))


def test_a_mail_that_is_not_wanted_now_is_tried_again_after_growing_pauses(world, server):
    world.smtp.fail_next("temporary", 2)
    world.smtp.fail_next("temporary_after_data", 2)
    thread = reply(world)
    pauses = []
    for _ in range(4):
        world.sync()
        mail = intent(world, Kind.MAIL_SEND)
        assert (mail.state, mail.error) == (IntentState.PLANNED, "smtp.not_now")
        assert status(world, thread) == "open"
        pauses.append((mail.due_at - world.clock.now()).total_seconds())
        world.clock.ahead += timedelta(seconds=pauses[-1] + 1)
    assert pauses == sorted(pauses)
    assert pauses[-1] > 8 * pauses[0]
    assert world.sync().code is Exit.OK
    assert (len(world.smtp.received), status(world, thread), copies(world, server)) == (1, "closed", 1)
    assert world.sync().code is Exit.OK
    assert (len(world.smtp.received), copies(world, server)) == (1, 1)


@pytest.mark.parametrize("fault", ["refuse_sender", "refuse_recipient", "refuse_content"])
def test_a_mail_that_is_refused_for_good_is_noted_and_the_thread_stays_open(world, server, fault):
    world.smtp.fail_next(fault)
    thread = reply(world)
    world.sync()
    world.sync()
    assert intent(world, Kind.MAIL_SEND).state is IntentState.FAILED
    assert (world.smtp.received, status(world, thread), copies(world, server)) == ([], "open", 0)
    answer, note = world.ours()
    assert (answer["private"], note["private"], note["id_customer_thread"]) == (0, 1, thread)
    world.clock.sleep(7200)
    world.sync()
    assert (world.smtp.received, len(world.ours())) == ([], 2)


def test_a_lost_answer_is_settled_by_the_copy_that_the_provider_filed(world, server):
    world.smtp._deliver_to = lambda received: server.deliver(SENT, received.raw)
    world.smtp.fail_next("drop_after_data")
    thread = reply(world)
    assert world.sync().code is Exit.OK
    assert intent(world, Kind.MAIL_SEND).result == {"proof": f"support/{SENT}"}
    assert intent(world, Kind.MAIL_COPY).result == {"already": True}
    assert (len(world.smtp.received), status(world, thread), copies(world, server)) == (1, "closed", 1)


def test_a_mail_that_left_no_copy_is_sent_again_as_the_same_mail_once_it_is_settled(world, server):
    world.smtp.fail_next("drop_after_data")
    reply(world)
    before = world.clock.now()
    assert world.sync().code is Exit.OK  # a sync waits the settle time out
    assert world.clock.now() - before > timedelta(seconds=30)
    first, second = world.smtp.received
    reference = intent(world, Kind.MAIL_SEND).reference.encode()
    assert reference in first.raw
    assert reference in second.raw
    assert copies(world, server) == 1


def test_a_mailbox_that_is_down_holds_up_its_copy_and_nothing_else(world, server):
    thread = reply(world)
    server.kill()
    try:
        world.sync(only=("push",))
        assert (len(world.smtp.received), status(world, thread)) == (1, "closed")
        assert intent(world, Kind.MAIL_COPY).state is IntentState.PLANNED
    finally:
        server.start()
    world.clock.sleep(7200)
    assert world.sync().code is Exit.OK
    assert (intent(world, Kind.MAIL_COPY).state, copies(world, server)) == (IntentState.CONFIRMED, 1)


def test_mails_that_no_person_asked_for_are_limited_when_they_are_sent(world, monkeypatch):
    monkeypatch.setitem(MAILS_PER_DAY, "guard.mails_per_person", 3)
    thread = world.thread()
    with world.app() as app:
        letter = app.desk("main").letters.reply(app.desk("main").thread(int(thread["id"])), "x", "psc1/x", "", 1)
        for number in range(5):
            again = NewIntent(
                kind=letter.kind, key=f"mail.send:{number}", reference=f"psc1.{number}@shop.test",
                group=f"rule:{number}", payload=letter.payload, origin="rule",
            )  # fmt: skip
            app.mirror.outbox.add("main", [again])
    world.sync()
    with world.app() as app:
        mails = [i for i in app.mirror.outbox.listing("main") if i.kind is Kind.MAIL_SEND]
    assert [i.state for i in mails] == [IntentState.CONFIRMED] * 3 + [IntentState.FAILED] * 2
    assert {i.error for i in mails[3:]} == {"guard.mails_per_person"}
    assert len(world.smtp.received) == 3

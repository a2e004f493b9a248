"""The whole job against a sandbox shop and a real mailbox server."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from connector.core.model import IntentState, MailState
from connector.errors import Exit
from connector.sandbox.people import SandboxThread
from connector.sandbox.shop import VERSIONS, Misbehave, SandboxShop
from tests.support import databases
from tests.support.world import World

TABLES = ("customers", "addresses", "orders", "order_histories", "customer_threads", "customer_messages", "employees")


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        yield here


def states(world):
    with world.app() as app:
        return {c.reason: str(c.state) for c in app.mirror.ledger.listing("main", list(MailState))}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_mirrored_and_answered(tmp_path, version):
    with World(tmp_path / "state", version=version) as world:
        first = world.sync()
        assert first.code is Exit.OK, [str(e) for e in first.errors]
        with world.app() as app:
            for table in TABLES:
                assert app.mirror.rows.count("main", table) == world.shop.count(table), table
        closed = world.thread("closed")
        world.deliver(world.reply(closed, "Thanks, but it is still broken."))
        second = world.sync()
        assert second.code is Exit.OK, [str(e) for e in second.errors]
        (message,) = world.ours()
        assert message["id_customer_thread"] == closed["id"]
        assert "still broken" in str(message["message"])
        assert world.shop.row("customer_threads", closed["id"])["status"] == "open"
        requests = len(world.shop.requests)
        third = world.sync()
        assert third.results["push"].counts.get("confirmed", 0) == 0
        assert all(r.method in ("GET", "HEAD") for r in world.shop.requests[requests:])


def test_the_first_run_takes_a_baseline_and_imports_nothing_old(world):
    world.deliver(world.reply(world.thread()))
    assert world.sync().code is Exit.OK
    assert world.ours() == []
    assert states(world) == {}


def test_everything_that_people_write_is_accounted_for(world):
    world.begin()
    threads = [
        SandboxThread(row["id"], str(row["token"]), str(row["email"]))
        for row in (world.thread("closed"), world.thread("open"))
    ]
    scenes = world.people.story(threads)
    for scene in scenes:
        world.deliver(scene.raw, scene.folder)
    report = world.sync()
    assert report.code is Exit.OK
    assert report.account is not None
    assert report.account.holds
    with world.app() as app:
        copies = app.mirror.ledger.listing("main", list(MailState))
    assert len(copies) == len(scenes)
    inbox = [s.label for s in scenes if s.folder == "INBOX"]
    first = min(copy.uid for copy in copies if copy.folder == "INBOX")
    by_label = {}
    for copy in copies:
        label = "staff-reply" if copy.folder == "Sent" else inbox[copy.uid - first]
        by_label.setdefault(label, set()).add((str(copy.state), copy.reason))
    assert by_label == {
        "reply": {("imported", "thread_by_token")},
        "thanks": {("imported", "thread_by_token")},
        "staff-reply": {("imported", "staff_by_token")},
        "foreign-address": {("imported", "foreign_sender_by_token")},
        "wrong-token": {("quarantined", "token_unknown")},
        "auto-reply": {("imported", "auto_reply_filed")},
        "bounce": {("ignored", "bounce")},
        "newsletter": {("ignored", "list")},
        "shop-notification": {("ignored", "shop_notification")},
        "new-question": {("imported", "new_thread")},
        "copy": {("ignored", "copy")},
        "broken": {("imported", "new_thread")},
        "too-deep": {("quarantined", "mail.too_deep")},
    }
    assert all(count == 1 for count in Counter(m["user_agent"] for m in world.ours()).values())


def test_a_new_thread_is_complete_and_visible_in_the_back_office(world):
    world.begin()
    world.deliver(world.people.new_question("new.person@customer.test", "New Person", "fr"))
    assert world.sync().code is Exit.OK
    thread = world.shop.rows("customer_threads")[-1]
    assert (thread["email"], thread["status"], thread["id_shop"]) == ("new.person@customer.test", "open", 1)
    assert len(str(thread["token"])) == 12
    (message,) = world.shop.rows("customer_messages", id_customer_thread=thread["id"])
    assert "Belgique" in str(message["message"])
    with world.app() as app:
        assert app.mirror.lookups.thread("main", thread["id"]).token == thread["token"]


def test_a_reply_to_a_mail_whose_thread_is_made_in_the_same_run_joins_that_thread(world):
    world.begin()
    question = world.people.new_question("new.person@customer.test")
    message_id = question.split(b"Message-ID: <")[1].split(b">")[0].decode()
    world.deliver(question)
    world.deliver(world.people.reply_by_reference(message_id, "new.person@customer.test", text="One more thing."))
    assert world.sync().code is Exit.OK
    assert len({m["id_customer_thread"] for m in world.ours()}) == 1
    assert len(world.ours()) == 2


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "php_error_after"])
def test_a_lost_answer_is_looked_up_and_never_sent_again(world, kind):
    world.begin()
    world.shop.misbehave(Misbehave(kind=kind, method="POST", times=1))
    world.deliver(world.reply(world.thread()))
    assert world.sync().code is Exit.OK
    assert len(world.ours()) == 1
    assert [r.method for r in world.shop.requests].count("POST") == 1


@pytest.mark.parametrize("kind", ["drop_before", "error_before"])
def test_a_write_that_never_arrived_is_sent_again_after_the_settle_time(world, kind):
    world.begin()
    world.shop.misbehave(Misbehave(kind=kind, method="POST", times=1))
    world.deliver(world.reply(world.thread()))
    before = world.clock.ahead
    assert world.sync().code is Exit.OK
    assert len(world.ours()) == 1
    assert world.clock.ahead - before >= timedelta(seconds=29)


def test_a_late_write_does_not_become_two(world):
    world.begin()
    world.shop.misbehave(Misbehave(kind="late_write", method="POST", times=1, seconds=4))
    world.deliver(world.reply(world.thread()))
    report = world.sync(only=("collect", "push"))
    assert report.code in (Exit.OK, Exit.TEMPORARY)
    # The hands of our clock may run ahead of the shop's work; the real settle time is longer than a request.
    assert len(world.ours()) <= 1 or report.code is Exit.OK


@databases.on_one
def test_a_shop_that_is_down_delays_and_loses_nothing(world):
    world.begin()
    thread = world.thread("closed")
    world.deliver(world.reply(thread))
    world.server.close()
    down = world.sync()
    assert down.code is Exit.UNAVAILABLE
    assert states(world) == {"thread_by_token": "pending"}
    world.server = world.shop.start(world.server.port)
    world.clock.sleep(600)
    assert world.sync().code is Exit.OK
    assert states(world) == {"thread_by_token": "imported"}


def test_a_status_that_the_team_has_set_is_left_alone(world):
    world.begin()
    thread = world.thread("closed")
    world.deliver(world.reply(thread))
    with world.app() as app:
        world.sync(app=app, only=("collect",))
        world.shop.back_office_set_status(thread["id"], "pending2")
        world.sync(app=app, only=("push",))
        (status,) = [i for i in app.mirror.outbox.listing("main") if i.kind == "thread.status"]
    assert (status.state, status.error) == (IntentState.CANCELLED, "not_closed")
    assert world.shop.row("customer_threads", thread["id"])["status"] == "pending2"


def test_a_thread_that_was_closed_in_the_back_office_since_the_last_pull_is_reopened(world):
    world.begin()
    thread = world.thread("open")
    world.shop.back_office_set_status(thread["id"], "closed")
    world.deliver(world.reply(thread))
    assert world.sync(only=("collect", "push")).code is Exit.OK
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"


def test_a_thread_that_is_gone_sends_the_mail_to_quarantine(world):
    world.begin()
    thread = world.thread()
    world.deliver(world.reply(thread))
    world.shop.delete_row("customer_threads", thread["id"])
    world.sync()
    assert states(world) == {"thread_gone": "quarantined"}
    assert world.ours() == []


def test_a_lost_mirror_is_noticed_before_anything_is_left_out(world):
    world.begin()
    world.deliver(world.reply(world.thread()))
    world.sync()
    world.lose_mirror()
    refused = world.sync()
    assert [e.code for e in refused.errors] == ["guard.lost_mirror"]
    assert states(world) == {}


def test_with_since_a_lost_mirror_is_rebuilt_without_a_second_import(tmp_path):
    since = (datetime.now(UTC) - timedelta(days=2)).date()
    with World(tmp_path / "state", mailbox_settings=f"create_threads = true\nsince = {since}") as world:
        world.deliver(world.reply(world.thread("closed")))
        world.deliver(world.people.new_question("new.person@customer.test"))
        world.sync()
        assert len(world.ours()) == 2
        world.lose_mirror()
        assert world.sync().code is Exit.OK
        assert len(world.ours()) == 2
        assert states(world) == {"found_in_shop": "imported"}


@pytest.mark.parametrize(("after", "left"), [('after = "delete"', 1), ('after = "move"\nmove_to = "Done"', 1)])
def test_only_what_is_confirmed_in_the_shop_leaves_the_mailbox(tmp_path, after, left):
    with World(tmp_path / "state", mailbox_settings=after) as world:
        if "Done" in after:
            world.mailbox.make_folder(world.user, "Done")
        world.sync()
        world.deliver(world.reply(world.thread()))
        world.deliver(world.people.new_question("stranger@customer.test"))
        report = world.sync()
        assert report.code is Exit.OK, [str(e) for e in report.errors]
        assert world.mailbox.count(world.user, "INBOX") == left
        assert sorted(states(world).values()) == ["imported", "quarantined"]
        assert world.sync().code is Exit.OK


@pytest.mark.parametrize("version", ["1.7.8.11", "8.2.1"])
def test_every_shop_of_a_multistore_is_mirrored(tmp_path, version):
    shop = SandboxShop(version, orders=30, seed=2, shops=2)
    with World(tmp_path / "state", shop=shop) as world:
        assert world.sync().code is Exit.OK
        with world.app() as app:
            for table in ("customers", "orders", "customer_threads"):
                assert app.mirror.rows.count("main", table) == shop.count(table), table


# --- the mirror is not what it should be ------------------------------------------------------------------------------


@databases.on_one
def test_no_mail_is_decided_on_before_the_mirror_was_filled_once(tmp_path):
    since = (datetime.now(UTC) - timedelta(days=2)).date()
    with World(tmp_path / "state", mailbox_settings=f"create_threads = true\nsince = {since}") as world:
        world.deliver(world.reply(world.thread("closed")))
        world.deliver(world.people.new_question("new.person@customer.test"))
        assert world.sync().code is Exit.OK
        world.lose_mirror()
        world.shop.misbehave(Misbehave(kind="unavailable", resource="customer_messages", times=None))
        blind = world.sync()
        assert "reconcile.not_ready" in [e.code for e in blind.errors]
        assert len(world.ours()) == 2
        world.shop.behave()
        world.clock.sleep(3600)
        assert world.sync().code is Exit.OK
        assert len(world.ours()) == 2


def test_a_token_that_is_younger_than_the_mirror_waits_for_the_shop(world):
    world.begin()
    number = world.shop.put_row(
        "customer_threads",
        {k: v for k, v in world.thread().items() if k != "id"}
        | {"email": "fresh@customer.test", "token": "FrEsHtOkEn12", "status": "open"}
        | dict.fromkeys(("date_add", "date_upd"), world.shop.world.now_text()),
    )
    world.deliver(world.people.reply_to_shop_mail(number, "FrEsHtOkEn12", "fresh@customer.test"))
    assert world.sync(only=("collect", "push")).code is Exit.OK
    assert [m["id_customer_thread"] for m in world.ours()] == [number]


# --- doubts and dead letters ------------------------------------------------------------------------------------------


def test_a_shop_that_never_answers_a_write_ends_the_sync_in_the_end(world):
    world.begin()
    world.shop.misbehave(Misbehave(kind="error_before", method="POST", times=None))
    world.deliver(world.reply(world.thread()))
    before = world.clock.ahead
    report = world.sync()
    assert report.code is Exit.TEMPORARY
    assert world.clock.ahead - before < timedelta(seconds=120)
    assert [r.method for r in world.shop.requests].count("POST") == 2


def test_the_same_mail_in_two_mailboxes_is_one_message_whichever_is_seen_first(world):
    world.begin()
    raw = world.reply(world.thread())
    now = datetime.now(UTC)
    world.deliver(raw, at=now)
    world.deliver(raw, at=now - timedelta(seconds=30))
    report = world.sync()
    assert report.code is Exit.OK
    assert report.account.holds
    assert len(world.ours()) == 1
    assert sorted(report.account.mails.items()) == [("ignored", 1), ("imported", 1)]


def test_a_mail_that_hangs_on_a_refused_thread_is_kept_for_a_person_and_can_be_replayed(world):
    world.begin()
    question = world.people.new_question("someone@intranet")  # no address that the shop would take
    message_id = question.split(b"Message-ID: <")[1].split(b">")[0].decode()
    world.deliver(question)
    world.deliver(world.people.reply_by_reference(message_id, "someone@intranet", text="One more thing."))
    world.sync()
    with world.app() as app:
        copies = app.mirror.ledger.listing("main", list(MailState))
        assert [str(c.state) for c in copies] == ["quarantined", "quarantined"]
    assert world.ours() == []


def test_a_stranger_with_a_token_does_not_become_a_participant(world):
    world.begin()
    thread = world.thread("closed")
    args = (int(thread["id"]), str(thread["token"]))
    stranger = world.people.spoofed(*args, "eve@elsewhere.test")
    message_id = stranger.split(b"Message-ID: <")[1].split(b">")[0].decode()
    world.deliver(stranger)
    world.sync()
    world.deliver(world.people.reply_by_reference(message_id, "eve@elsewhere.test", text="open up"))
    world.sync()
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"
    assert sum(m["id_customer_thread"] == thread["id"] for m in world.ours()) == 1

"""Mails of people who want to be somebody else, and proofs on their way: the whole job, with real bytes."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from connector.core import identity
from connector.core.model import Kind, MailState
from connector.errors import Exit
from tests.support import databases
from tests.support.world import World

SECRET = "an instance secret of good length"
pytestmark = databases.on_one


@pytest.fixture
def world(tmp_path):
    mailbox = 'create_threads = true\nauthserv_id = "mx.shop.test"'
    with World(tmp_path / "state", mailbox_settings=mailbox) as here:
        here.begin()
        yield here


def with_header(raw: bytes, *headers: str) -> bytes:
    """Headers on top, the first of them topmost: what the own server writes."""
    return "".join(f"{line}\r\n" for line in headers).encode() + raw


def outcome(world, raw: bytes):
    """(state, reason, copy) of one mail after a cycle."""
    with world.app() as app:
        before = {c.id for c in app.mirror.ledger.listing("main", list(MailState))}
    world.deliver(raw)
    world.sync(only=("collect", "push"))
    with world.app() as app:
        (copy,) = [c for c in app.mirror.ledger.listing("main", list(MailState)) if c.id not in before]
    return str(copy.state), copy.reason, copy


def results(verdict: str, domain: str, server: str = "mx.shop.test") -> str:
    return f"Authentication-Results: {server}; dmarc={verdict} header.from={domain}"


def test_forged_verdicts_do_not_open_a_thread(world):
    thread = world.thread("closed")
    domain = str(thread["email"]).rpartition("@")[2]
    forged = with_header(world.reply(thread), results("fail", domain), results("pass", domain))
    assert outcome(world, forged)[:2] == ("quarantined", "dmarc_failed")
    assert world.ours() == []
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"
    honest = with_header(world.reply(thread), results("pass", domain))
    assert outcome(world, honest)[:2] == ("imported", "thread_by_token")


def test_an_employees_address_writes_a_note_only_with_the_own_servers_word(world):
    thread = world.thread("closed")
    staff = next(str(r["email"]) for r in world.shop.rows("employees") if r["active"])
    domain = staff.rpartition("@")[2]
    args = (int(thread["id"]), str(thread["token"]), staff)
    encoded = "=?utf-8?q?=29=3B_dmarc=3Dpass_header=2Efrom=3D" + domain + "=3B_=28?="
    for lines in (
        (),
        (results("pass", domain, "mx.evil.test"),),
        (results("none", domain), results("pass", domain)),
        (f"Authentication-Results: mx.shop.test; spf=pass (sender is {encoded}) smtp.mailfrom=x",),
    ):
        raw = with_header(world.people.reply_to_shop_mail(*args), *lines)
        assert outcome(world, raw)[:2] == ("quarantined", "employee_in_customers_folder"), lines
    assert world.ours() == []
    vouched = with_header(world.people.reply_to_shop_mail(*args), results("pass", domain))
    assert outcome(world, vouched)[:2] == ("imported", "employee_note_by_token")
    (note,) = world.ours()
    assert (note["id_employee"], note["private"]) == (0, 1)
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"


def test_two_senders_in_one_mail_are_nobody(world):
    thread = world.thread("closed")
    raw = world.reply(thread)
    forged = raw.replace(b"From: ", b"From: eve@elsewhere.test,\r\n ", 1)
    state, reason, _ = outcome(world, forged)
    assert (state, reason) == ("imported", "foreign_sender_by_token")
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"


def test_a_token_of_another_shop_or_in_the_text_alone_joins_nothing(world):
    thread = world.thread("closed")
    other = identity.message_id(SECRET, "other", int(thread["id"]), "psc1/x", "shop.test")
    raw = world.people.reply_by_reference(other, str(thread["email"]), text="by another shop's id")
    words = f"my thread is #ct{thread['id']} #tc{thread['token']}"
    for mail in (raw, world.people.new_question("eve@elsewhere.test").replace(b"Subject: ", b"Subject: Re: ", 1),
                 world.people.reply_by_reference("x@y.test", "eve@elsewhere.test", text=words)):  # fmt: skip
        assert outcome(world, mail)[1] == "new_thread"
    assert all(m["id_customer_thread"] != thread["id"] for m in world.ours())


def test_a_replayed_mail_is_a_copy_also_with_other_headers(world):
    raw = world.reply(world.thread("closed"))
    assert outcome(world, raw)[0] == "imported"
    again = b"Received: from replay.evil.test\r\n" + raw
    assert outcome(world, again)[:2] == ("ignored", "copy")
    redated = raw.replace(b"Date: ", b"Date: Mon, 01 Jan 2024 10:00:00 +0000\r\nX-Old: ", 1)
    assert outcome(world, redated)[:2] == ("ignored", "copy")
    assert len(world.ours()) == 1


def test_a_mail_without_proof_carries_what_was_tried_and_a_suggestion(tmp_path):
    with World(tmp_path / "quiet", mailbox_settings="create_threads = false") as world:
        world.begin()
        thread = world.thread("closed")
        assert outcome(world, world.reply(thread))[0] == "imported"
        _, reason, copy = outcome(world, world.people.new_question(str(thread["email"])))
        assert (reason, copy.suggested) == ("no_thread", thread["id"])
        assert copy.trail == "message_id:none address:none token:none reference:none"
        assert outcome(world, world.people.new_question("nobody@elsewhere.test"))[2].suggested is None


def test_a_new_mail_about_the_customers_order_is_linked_to_it(world):
    customers = {r["id"]: r for r in world.shop.rows("customers")}
    order = world.shop.rows("orders")[0]
    email = str(customers[order["id_customer"]]["email"])
    mine = world.people.reply_by_reference("x@y.test", email, subject=f"Order {order['reference']}", text="Where?")
    theirs = world.people.reply_by_reference("x@y.test", "eve@elsewhere.test", subject=f"Order {order['reference']}")
    assert outcome(world, mine)[1] == outcome(world, theirs)[1] == "new_thread"
    linked, stray = world.shop.rows("customer_threads")[-2:]
    assert (linked["id_order"], linked["id_customer"]) == (order["id"], order["id_customer"])
    assert not stray["id_order"]


# --- what we sent ourselves -------------------------------------------------------------------------------------------


@pytest.fixture
def answered(tmp_path):
    """A thread that was answered by mail, with what went out and the message it carried."""
    reply_address = 'reply_address = "answers@shop.test"'
    with World(tmp_path / "state", mailbox_settings=reply_address) as world:
        world.begin()
        thread = world.thread("open")
        with world.app() as app:
            app.desk("main").reply(int(thread["id"]), "We have sent it.")
        assert world.sync().code is Exit.OK
        with world.app() as app:
            (sent,) = [i for i in app.mirror.outbox.listing("main") if i.kind is Kind.MAIL_SEND]
        yield world, thread, sent


def test_an_answer_to_the_signed_reply_address_finds_its_thread_without_any_other_proof(answered):
    world, thread, sent = answered
    address = sent.payload["reply_to"]
    assert address.startswith(f"answers+ct{thread['id']}.")
    raw = world.people.new_question(str(thread["email"])).replace(
        f"To: {world.user}".encode(), f"To: {address}".encode(), 1
    )
    assert address.encode() in raw
    assert outcome(world, raw)[:2] == ("imported", "thread_by_address")
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"


def test_a_bounce_is_linked_to_the_message_counted_and_told_once(answered):
    world, thread, sent = answered
    (message,) = world.ours()
    raw = world.people.bounce(sent.reference, str(thread["email"]))
    state, reason, _ = outcome(world, raw)
    assert (state, reason) == ("imported", "bounce_filed")
    again = world.people.bounce(sent.reference, str(thread["email"]))
    assert outcome(world, again)[:2] == ("ignored", "bounce_again")
    late = world.people.bounce(sent.reference, str(thread["email"])).replace(b"Action: failed", b"Action: delayed")
    assert outcome(world, late)[:2] == ("ignored", "delivery_delayed")
    forged = world.people.bounce(sent.reference.replace(f".{thread['id']}.", ".1."), str(thread["email"]))
    assert outcome(world, forged)[:2] == ("ignored", "bounce")
    with world.app() as app:
        view = app.mirror.queries.thread_view("main", int(thread["id"]))
    assert [(b["id_message"], b["action"], b["status"]) for b in view["bounces"]] == [
        (message["id"], "failed", "5.1.1")
    ] * 2
    assert view["bounced_mails"] == 1
    assert {m["id"]: m["bounced"] for m in view["messages"]}[message["id"]] == 2
    notes = [m for m in world.ours() if m["id"] != message["id"]]
    assert [n["private"] for n in notes] == [1]
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"


# --- the quarantine by itself -----------------------------------------------------------------------------------------


def test_a_mail_whose_thread_comes_later_is_filed_by_itself_and_others_do_not_wait(world):
    row = {k: v for k, v in world.thread().items() if k != "id"}
    late = world.people.reply_to_shop_mail(99_999, "LaTeToKeN123", "late@customer.test")
    assert outcome(world, late)[:2] == ("quarantined", "token_unknown")
    assert outcome(world, world.reply(world.thread("closed")))[0] == "imported"
    now = world.shop.world.now_text()
    number = world.shop.put_row(
        "customer_threads",
        row | {"email": "late@customer.test", "token": "LaTeToKeN123", "date_add": now, "date_upd": now},
    )
    world.sync()
    with world.app() as app:
        (copy,) = app.mirror.ledger.listing("main", [MailState.QUARANTINED])
    assert copy.attempts == 1  # not before its time
    world.clock.sleep(400)
    assert world.sync().code is Exit.OK
    assert number in [m["id_customer_thread"] for m in world.ours()]


def test_a_mail_that_never_finds_its_thread_is_left_to_a_person_after_a_few_attempts(world):
    late = world.people.reply_to_shop_mail(99_999, "LaTeToKeN123", "late@customer.test")
    assert outcome(world, late)[:2] == ("quarantined", "token_unknown")
    for _ in range(7):
        world.clock.sleep(100_000)
        world.sync(only=())
    with world.app() as app:
        (copy,) = app.mirror.ledger.listing("main", [MailState.QUARANTINED])
    assert (copy.attempts, copy.retry_at) == (6, None)


def test_a_mail_whose_bytes_are_gone_holds_nobody_up(world):
    world.deliver(world.reply(world.thread("closed")))
    world.deliver(world.people.new_question("new.person@customer.test"))
    with world.app() as app:
        app.legs("main").collect(lambda: False)
        with app.mirror.database.write() as connection:
            connection.execute(text("UPDATE blob SET data = :junk WHERE sha256 = (SELECT min(sha256) FROM blob)"),
                               {"junk": b"junk"})  # fmt: skip
    world.sync()
    with world.app() as app:
        states = sorted(str(c.state) for c in app.mirror.ledger.listing("main", list(MailState)))
    assert states == ["imported", "quarantined"]

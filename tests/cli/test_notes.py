"""Notes, forwards, read flags, customers: every command as a user meets it, on each PrestaShop that does it its way."""

from __future__ import annotations

import email
import email.policy
import json

import pytest

from connector.cli.main import main
from connector.core.identity import is_reference
from tests.support.world import World

OLD_AND_NEW = ("1.6.1.24", "1.7.8.11", "8.2.1", "9.0.0")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run one command on a world; gives (exit code, standard output, standard error)."""
    monkeypatch.setattr("connector.cli.session.QUEUE_SECONDS", 2.0)

    def command(world: World, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One shop for all: each test takes a thread, an order or a customer of its own."""
    with World(tmp_path_factory.mktemp("shared") / "state") as here:
        here.sync(only=("pull",))
        yield here


@pytest.fixture
def world(shared):
    shared.smtp.received.clear()
    return shared


@pytest.fixture(scope="module", params=OLD_AND_NEW)
def any_version(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any") / "state"
    settings = "allow_customer_put = true"
    with World(folder, version=request.param, shop_settings=settings, with_smtp=False) as here:
        here.sync(only=("pull",))
        yield here


def quiet_order(world: World) -> dict[str, object]:
    """An order about which nobody has written."""
    talked = {row["id_order"] for row in world.shop.rows("customer_threads")}
    return next(row for row in world.shop.rows("orders") if row["id"] not in talked)


def words(raw: bytes) -> str:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    return "\n".join(
        [str(mail), *(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")]
    )


def newest(world: World) -> dict[str, object]:
    return world.ours()[-1]


# --- notes ----------------------------------------------------------------------------------------------------------


def test_a_note_in_a_thread_is_private_and_mails_nobody(run, world):
    thread = world.thread()
    assert run(world, "thread", "note", str(thread["id"]), "Called him, wants a refund")[0] == 0
    note = newest(world)
    assert (note["id_customer_thread"], note["private"], note["message"]) == (
        thread["id"],
        1,
        "Called him, wants a refund",
    )
    assert note["id_employee"]
    assert world.smtp.received == []
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"


def test_a_note_on_an_order_goes_into_the_orders_thread(run, any_version):
    world = any_version
    customer = {row["id"]: row["email"] for row in world.shop.rows("customers")}
    orders = {row["id"]: row for row in world.shop.rows("orders")}
    thread = next(
        row
        for row in world.shop.rows("customer_threads")
        if row["id_order"] in orders and row["email"] == customer.get(orders[row["id_order"]]["id_customer"])
    )
    assert run(world, "order", "note", str(thread["id_order"]), "Packed <again> & sent")[0] == 0
    note = newest(world)
    assert (note["id_customer_thread"], note["private"], is_reference(note["user_agent"])) == (thread["id"], 1, True)


def test_a_note_on_an_order_without_a_thread_makes_one_thread_that_waits_for_nobody(run, any_version):
    world = any_version
    order = quiet_order(world)
    for text in ("First", "Second"):
        assert run(world, "order", "note", str(order["id"]), text)[0] == 0
    (thread,) = world.shop.rows("customer_threads", id_order=order["id"])
    customer = world.shop.row("customers", order["id_customer"])
    expected = ("closed", order["id_lang"], order["id_shop"], order["id_customer"], customer["email"], 0)
    keys = ("status", "id_lang", "id_shop", "id_customer", "email", "id_contact")
    assert tuple(thread[key] for key in keys) == expected
    notes = world.shop.rows("customer_messages", id_customer_thread=thread["id"])
    assert [(note["message"], note["private"]) for note in notes] == [("First", 1), ("Second", 1)]


def test_two_notes_that_wait_share_the_thread_that_is_not_there_yet(world):
    order = quiet_order(world)
    with world.app() as app:
        app.notes("main").order_note(order["id"], "First")
        app.notes("main").order_note(order["id"], "Second")
    world.sync(only=("push",))
    (thread,) = world.shop.rows("customer_threads", id_order=order["id"])
    assert len(world.shop.rows("customer_messages", id_customer_thread=thread["id"])) == 2


def test_a_note_after_its_thread_was_deleted_makes_another(run, world):
    order = quiet_order(world)
    assert run(world, "order", "note", str(order["id"]), "First")[0] == 0
    (gone,) = world.shop.rows("customer_threads", id_order=order["id"])
    world.shop.delete_row("customer_threads", gone["id"])
    assert run(world, "order", "note", str(order["id"]), "Second")[0] == 0
    (thread,) = world.shop.rows("customer_threads", id_order=order["id"])
    assert thread["id"] != gone["id"]


def test_a_note_on_an_order_that_does_not_exist_is_refused(run, world):
    code, _, err = run(world, "order", "note", "99999", "x")
    assert (code, "no order 99999" in err) == (65, True)


# --- forwarding -----------------------------------------------------------------------------------------------------


def employee(world: World) -> dict[str, object]:
    return next(row for row in world.shop.rows("employees") if row["active"])


def test_a_thread_is_forwarded_to_an_employee_with_its_private_notes(run, world):
    thread, colleague = world.thread(), employee(world)
    run(world, "thread", "note", str(thread["id"]), "He is a wholesaler")
    code, out, _ = run(world, "thread", "forward", str(thread["id"]), "--to", str(colleague["id"]))
    assert code == 0, out
    (mail,) = world.smtp.received
    text = words(mail.raw)
    assert mail.rcpt_to == (colleague["email"],)
    assert "He is a wholesaler" in text
    assert str(thread["token"]) not in text
    note = newest(world)
    assert (note["private"], str(colleague["email"]) in str(note["message"])) == (1, True)


def test_a_thread_goes_to_anybody_with_a_comment_and_without_private_notes(run, world):
    thread = world.thread()
    run(world, "thread", "note", str(thread["id"]), "He is a wholesaler")
    there = ("thread", "forward", str(thread["id"]), "--to", "supplier@maker.test")
    assert run(world, *there)[0] == 65
    assert run(world, *there, "--comment", "Please look into this")[0] == 0
    (mail,) = world.smtp.received
    text = words(mail.raw)
    assert "Please look into this" in text
    assert "wholesaler" not in text
    assert str(newest(world)["message"]).endswith("supplier@maker.test\n\nPlease look into this")


def test_nobody_is_mailed_when_the_address_is_none(run, world):
    code, _, err = run(world, "thread", "forward", str(world.thread()["id"]), "--to", "the boss", "--comment", "x")
    assert (code, "neither" in err, world.smtp.received) == (65, True, [])


def test_a_refused_forward_leaves_a_note_and_the_thread_as_it_was(run, world):
    thread = world.thread("closed")
    world.smtp.fail_next("refuse_recipient")
    code, _, _ = run(world, "thread", "forward", str(thread["id"]), "--to", "supplier@maker.test", "--comment", "x")
    assert code == 69
    note = newest(world)["message"]
    with world.app() as app:
        said = [app.say("not_forwarded", one, address="supplier@maker.test") for one in app.phrases.texts]
    assert note in said
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"


# --- read flags -----------------------------------------------------------------------------------------------------


def test_messages_are_marked_as_read_and_unread_where_that_needs_no_put(run, any_version):
    world = any_version
    unread = next(r for r in world.shop.rows("customer_messages") if not r["read"] and not r["id_employee"])
    thread = unread["id_customer_thread"]
    asked = len(world.shop.requests)
    code, _, err = run(world, "thread", "read", str(thread))
    if world.shop.version < "8":
        assert (code, "PrestaShop 8" in err) == (65, True)
        assert not [r for r in world.shop.requests[asked:] if r.method != "GET"]
        return
    assert code == 0
    theirs = [r for r in world.shop.rows("customer_messages", id_customer_thread=thread) if not r["id_employee"]]
    assert all(row["read"] for row in theirs)
    assert world.shop.row("customer_messages", unread["id"])["date_add"] == unread["date_add"]
    assert "so already" in run(world, "thread", "read", str(thread))[1]
    assert run(world, "thread", "read", str(thread), "--unread")[0] == 0
    assert not world.shop.row("customer_messages", unread["id"])["read"]
    with world.app() as app:
        assert app.mirror.rows.ids_where("main", "customer_messages", "read", False) >= {unread["id"]}


# --- customers ------------------------------------------------------------------------------------------------------


def test_groups_are_added_and_removed_and_nothing_else_changes(run, any_version):
    world = any_version
    before = world.shop.row("customers", 3)
    groups = [row["id"] for row in world.shop.rows("groups")]
    default = before["id_default_group"]
    other = next(group for group in groups if group != default)
    code, out, err = run(world, "customer", "groups", "3", "--add", str(other))
    assert code == 0, out + err
    assert world.shop.groups_of(3) == sorted({default, other})
    after = world.shop.row("customers", 3)
    assert {key for key in before if before[key] != after[key]} <= {"date_upd", "birthday"}
    assert "so already" in run(world, "customer", "groups", "3", "--add", str(other))[1]
    assert run(world, "customer", "groups", "3", "--remove", str(other))[0] == 0
    assert world.shop.groups_of(3) == [default]
    code, _, err = run(world, "customer", "groups", "3", "--remove", str(default))
    assert (code, "default group" in err) == (65, True)


def test_before_8_groups_need_the_setting(run, tmp_path):
    with World(tmp_path / "state", version="1.7.8.11", with_smtp=False) as world:
        code, _, err = run(world, "customer", "groups", "3", "--add", "1")
        assert (code, "allow_customer_put" in err) == (65, True)
        assert not [r for r in world.shop.requests if r.method == "PUT"]


def test_a_group_or_customer_that_is_not_there_is_refused(run, world):
    assert run(world, "customer", "groups", "3", "--add", "77")[0] == 65
    assert run(world, "customer", "groups", "99999", "--add", "1")[0] == 65
    assert run(world, "customer", "groups", "3")[0] == 65


def test_a_customer_is_shown_by_id_and_by_address(run, world):
    thread = next(row for row in world.shop.rows("customer_threads") if row["id_customer"])
    person = world.shop.row("customers", thread["id_customer"])
    (view,) = json.loads(run(world, "customer", "show", str(person["id"]), "--json")[1])
    assert view["email"] == person["email"]
    assert [group["id"] for group in view["groups"]] == world.shop.groups_of(person["id"])
    assert thread["id"] in [row["id"] for row in view["threads"]]
    assert len(view["orders"]) == len(world.shop.rows("orders", id_customer=person["id"]))
    assert "passwd" not in view
    code, out, _ = run(world, "customer", "show", str(person["email"]).upper())
    assert (code, str(person["email"]) in out, "groups" in out) == (0, True, True)
    assert run(world, "customer", "show", "nobody@nowhere.test")[0] == 65

"""`quarantine`: what waits for a person, and what a person can do with it."""

from __future__ import annotations

import json

import pytest

from connector.cli.main import main
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state", mailbox_settings="create_threads = false") as here:
        here.begin()
        yield here


@pytest.fixture
def run(world, capsys):
    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()  # what the world's own cycles logged
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


def collect(world, *mails: bytes) -> None:
    for raw in mails:
        world.deliver(raw)
    world.sync(only=("collect", "push"))


def test_a_mail_is_assigned_to_a_thread_once_as_the_customers(run, world):
    thread = world.thread("closed")
    collect(world, world.people.new_question(str(thread["email"])))
    shown = json.loads(run("quarantine", "show", "mail:1", "--json")[1])
    assert (shown["attempts"], shown["decided anew"], shown["tried"][0]) == (1, None, "message_id:none")
    code, out, _ = run("quarantine", "assign", "mail:1", str(thread["id"]), "--json")
    assert code == 0
    assert [(i["kind"], i["state"]) for i in json.loads(out)] == [
        ("message.create", "confirmed"),
        ("thread.status", "confirmed"),
    ]
    (message,) = world.ours()
    assert (message["id_customer_thread"], message["id_employee"]) == (thread["id"], 0)
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"
    assert run("quarantine", "assign", "mail:1", str(thread["id"]))[0] == 65
    assert len(world.ours()) == 1


def test_a_mail_from_another_address_is_assigned_as_from_somebody_else_unless_a_person_vouches(run, world):
    thread = world.thread("closed")
    collect(world, world.people.new_question("eve@elsewhere.test"), world.people.new_question("ann@elsewhere.test"))
    assert run("quarantine", "assign", "mail:1", str(thread["id"]))[0] == 0
    assert world.shop.row("customer_threads", thread["id"])["status"] == "closed"
    _, out, _ = run("thread", "show", str(thread["id"]))
    assert "from somebody else: eve@elsewhere.test (by person)" in out
    assert run("quarantine", "assign", "mail:2", str(thread["id"]), "--as-customer")[0] == 0
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"
    first, second = world.ours()
    assert ("eve@elsewhere.test" in str(first["message"]), "ann@elsewhere" in str(second["message"])) == (True, False)


def test_what_nobody_can_decode_is_assigned_with_a_line_that_says_where_it_is(run, world):
    thread = world.thread("closed")
    collect(world, world.people.too_deep(str(thread["email"])))
    assert run("quarantine", "assign", "mail:1", str(thread["id"]))[0] == 0
    (message,) = world.ours()
    with world.app() as app:
        lang = app.mirror.lookups.languages("main")[int(str(thread["id_lang"]))]
        assert message["message"] == app.say("text_kept", lang, id=1)
    assert world.shop.row("customer_threads", thread["id"])["status"] == "open"


def test_an_ignored_mail_can_be_looked_at_and_assigned_too(run, world):
    collect(world, world.people.newsletter())
    assert "quarantine is empty" in run("quarantine", "list")[1]
    (mail,) = json.loads(run("quarantine", "list", "--ignored", "--json")[1])["mails"]
    assert (mail["reason"], mail["trail"]) == ("list", "message_id:none address:none token:none reference:none")
    assert run("quarantine", "drop", "mail:1")[0] == 65
    thread = world.thread("closed")
    assert run("quarantine", "assign", "mail:1", str(thread["id"]))[0] == 0
    assert len(world.ours()) == 1


def test_what_cannot_be_assigned_is_refused(run, world):
    collect(world, world.people.new_question("eve@elsewhere.test"))
    world.deliver(world.people.staff_reply("eve@elsewhere.test", 0, "x" * 12), "Sent")
    world.sync(only=("collect", "push"))
    for arguments, code, word in (
        (("mail:1", "99999"), 65, "99999"),
        (("mail:2", "1"), 65, "Sent folder"),
        (("mail:77", "1"), 65, "77"),
        (("row:1", "1"), 64, "only mails"),
        (("mail:1", "0"), 64, "range"),
    ):
        ended, out, err = run("quarantine", "assign", *arguments)
        assert (ended, word in out + err) == (code, True), (arguments, out, err)
    assert world.ours() == []


def test_retry_and_drop_have_a_shape_for_scripts(run, world):
    collect(world, world.people.new_question("eve@elsewhere.test"))
    assert json.loads(run("quarantine", "retry", "mail:1", "--json")[1]) == {"item": "mail:1", "outcome": "received"}
    world.sync(only=("collect", "push"))
    assert json.loads(run("quarantine", "drop", "mail:1", "--json")[1]) == {"item": "mail:1", "outcome": "ignored"}

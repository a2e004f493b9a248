"""Every command as a user meets it: what it prints, what it leaves behind, with which exit code it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from connector.cli.main import main
from connector.sandbox.shop import Misbehave
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        yield here


@pytest.fixture
def synced(world):
    world.begin()
    return world


@pytest.fixture
def run(world, capsys, monkeypatch):
    """Run one command in this process; gives (exit code, standard output, standard error)."""
    monkeypatch.setattr("connector.cli.session.QUEUE_SECONDS", 2.0)

    def command(*arguments: str, config: object = None) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config or world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


# --- sync and plan --------------------------------------------------------------------------------------------------


def test_sync_tells_what_came_and_a_second_one_has_nothing_to_do(run, world):
    code, out, _ = run("sync")
    assert code == 0
    assert "orders" in out
    assert "every mail is accounted for" in out
    code, out, _ = run("sync")
    assert (code, "nothing new" in out, "nothing to do" in out) == (0, True, True)


def test_sync_as_json_has_a_shape_for_scripts(run, world):
    code, out, _ = run("sync", "--json")
    summary = json.loads(out)
    assert (code, summary["exit_code"]) == (0, 0)
    (shop,) = summary["shops"]
    assert set(shop) == {
        "shop",
        "exit_code",
        "legs",
        "mails",
        "intents",
        "unexplained",
        "missing",
        "duplicates",
        "in_doubt",
        "postponed",
    }


def test_sync_only_pull_leaves_the_mailbox_alone(run, world):
    world.deliver(world.reply(world.thread()))
    code, out, _ = run("sync", "--only", "pull", "--json")
    assert code == 0
    assert "collect" not in json.loads(out)["shops"][0]["legs"]


def test_sync_of_one_resource_reads_only_that(run, world):
    code, _, _ = run("sync", "--only", "pull", "--resource", "customers")
    assert code == 0
    paths = [r.path for r in world.shop.requests]
    assert any("customers" in path for path in paths)
    assert not any("orders" in path for path in paths)


def test_a_wrong_leg_or_resource_names_the_right_ones(run, world):
    code, _, err = run("sync", "--only", "push,pul")
    assert (code, "pul" in err, "collect" in err) == (64, True, True)
    code, _, err = run("sync", "--resource", "ordres")
    assert (code, "ordres" in err) == (64, True)


def test_no_wait_ends_with_75_while_a_write_is_in_doubt(run, synced):
    synced.shop.misbehave(Misbehave(kind="drop_before", method="POST", times=1))
    synced.deliver(synced.reply(synced.thread()))
    code, out, _ = run("sync", "--no-wait")
    assert code == 75
    assert "in doubt" in out


def test_full_reads_every_row_again(run, synced):
    synced.shop.update_row("customers", 1, firstname="Quietly")  # no date moves: a delta cannot see it
    assert run("sync", "--full", "--only", "pull", "--resource", "customers")[0] == 0
    with synced.app() as app:
        assert app.mirror.rows.ids_where("main", "customers", "firstname", "Quietly") == {1}


def test_plan_writes_nothing_and_asks_nobody(run, synced):
    synced.deliver(synced.people.new_question("new.person@customer.test"))
    with synced.app() as app:
        for collect in app.legs("main").collects:
            collect.run()
    asked = len(synced.shop.requests)
    code, out, _ = run("plan")
    assert code == 0
    assert "thread.create" in out
    assert len(synced.shop.requests) == asked
    with synced.app() as app:
        assert app.mirror.ledger.states("main") == {"received": 1}


# --- looking --------------------------------------------------------------------------------------------------------


def test_status_says_how_the_shop_is_doing(run, synced):
    code, out, _ = run("status")
    assert (code, "PrestaShop 8.2.1" in out, "pull" in out) == (0, True, True)
    assert json.loads(run("status", "--json")[1])["shops"][0]["prestashop"] == "8.2.1"


def test_status_before_the_first_sync_says_so(run, world):
    code, out, _ = run("status")
    assert (code, "never synced" in out) == (0, True)


def test_thread_list_and_show(run, synced):
    thread = synced.thread("closed")
    code, out, _ = run("thread", "list", "--status", "closed")
    assert (code, str(thread["email"]) in out) == (0, True)
    code, out, _ = run("thread", "show", str(thread["id"]))
    assert (code, "closed" in out) == (0, True)
    assert json.loads(run("thread", "show", str(thread["id"]), "--json")[1])["id"] == thread["id"]


def test_thread_show_full_gives_the_whole_mail_with_its_quote(run, synced):
    thread = synced.thread()
    reply = synced.people.reply_to_shop_mail(thread["id"], thread["token"], thread["email"], text="It fits, thank you.")
    synced.deliver(reply)
    synced.sync()
    shown = run("thread", "show", str(thread["id"]))[1]
    whole = run("thread", "show", str(thread["id"]), "--full")[1]
    assert ("It fits, thank you." in shown, "wrote:" in shown) == (True, False)
    assert ("It fits, thank you." in whole, "wrote:" in whole) == (True, True)
    messages = json.loads(run("thread", "show", str(thread["id"]), "--full", "--json")[1])["messages"]
    assert [("wrote:" in m["text"], "wrote:" in m.get("full_text", "")) for m in messages][-1] == (False, True)


def test_a_message_cannot_take_the_terminal_over(run, synced):
    thread = synced.thread()
    text = "hello \x1b]0;owned\x07 \u202egnp.exe"
    synced.shop.contact_form(thread["id"], text)
    run("sync", "--only", "pull")
    _, out, _ = run("thread", "show", str(thread["id"]))
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "owned" in out


def test_an_unknown_thread_is_said_with_the_remedy(run, synced):
    code, _, err = run("thread", "show", "999999")
    assert (code, "999999" in err, "thread list" in err) == (65, True, True)


def test_order_show_by_id_and_by_reference(run, synced):
    row = synced.shop.rows("orders")[0]
    by_id = run("order", "show", str(row["id"]))
    by_reference = run("order", "show", str(row["reference"]))
    assert by_id[0] == by_reference[0] == 0
    assert str(row["reference"]) in by_id[1]


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_reply_reaches_thread_and_customer_and_closes_the_thread(run, synced):
    thread = synced.thread()
    code, out, err = run("thread", "reply", str(thread["id"]), "--message", "It is on its way.")
    assert code == 0, out + err
    assert out.count("confirmed") == 3
    (message,) = synced.ours()
    assert message["id_employee"]
    (mail,) = synced.smtp.received
    assert mail.rcpt_to == (str(thread["email"]),)
    assert f"#ct{thread['id']} #tc{thread['token']}" in str(_subject(mail.raw))
    assert synced.shop.row("customer_threads", thread["id"])["status"] == "closed"


def _subject(raw: bytes) -> str:
    import email
    import email.policy

    return str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])


def test_a_private_note_mails_nobody_and_changes_no_status(run, synced):
    thread = synced.thread()
    code, _, _ = run("thread", "reply", str(thread["id"]), "--message", "call him", "--private")
    assert code == 0
    assert synced.smtp.received == []
    assert synced.ours()[0]["private"]
    assert synced.shop.row("customer_threads", thread["id"])["status"] == "open"


def test_a_reply_that_the_mail_server_refuses_is_noted_and_the_thread_stays_open(run, synced):
    thread = synced.thread()
    synced.smtp.fail_next("refuse_recipient")
    code, _, _ = run("thread", "reply", str(thread["id"]), "--message", "It is on its way.")
    assert code == 69
    run("sync", "--only", "push")
    assert synced.shop.row("customer_threads", thread["id"])["status"] == "open"
    note = next(m for m in synced.ours() if m["private"])
    assert note["id_customer_thread"] == thread["id"]


def test_a_mail_whose_hand_over_is_unknown_is_never_sent_twice_by_itself(run, synced):
    thread = synced.thread()
    synced.smtp.fail_next("drop_after_data")
    code, _, err = run("thread", "reply", str(thread["id"]), "--message", "It is on its way.")
    assert (code, "outbox" in err) == (75, True)
    synced.clock.sleep(7200)
    run("sync")
    assert len(synced.smtp.received) == 1
    _, out, _ = run("outbox", "list", "--json")
    (mail,) = [i for i in json.loads(out) if i["kind"] == "mail.send"]
    assert mail["state"] == "in_doubt"
    assert run("outbox", "confirm", str(mail["id"]))[0] == 0
    assert run("sync")[0] == 0
    assert synced.shop.row("customer_threads", thread["id"])["status"] == "closed"


def test_a_reply_without_a_mail_server_is_refused_unless_no_mail_is_said(tmp_path, run):
    with World(tmp_path / "second", with_smtp=False) as world:
        world.begin()
        thread = str(world.thread()["id"])
        code, _, err = run("thread", "reply", thread, "--message", "x", config=world.config)
        assert (code, "smtp" in err) == (78, True)
        assert world.ours() == []
        assert run("thread", "reply", thread, "--message", "x", "--no-mail", config=world.config)[0] == 0
        assert len(world.ours()) == 1


def test_order_status_adds_exactly_one_row_and_the_same_again_none(run, synced):
    order = next(r for r in synced.shop.rows("orders") if r["current_state"] in (2, 3) and r["invoice_number"])
    before = synced.shop.count("order_histories")
    assert run("order", "status", str(order["id"]), "shipped")[0] == 0
    assert synced.shop.row("orders", order["id"])["current_state"] == 4
    code, out, _ = run("order", "status", str(order["id"]), "shipped")
    assert (code, "already" in out) == (0, True)
    assert synced.shop.count("order_histories") == before + 1
    assert synced.shop.mails_sent == []


def test_order_status_in_the_shops_own_words(run, synced):
    order = next(r for r in synced.shop.rows("orders") if r["current_state"] in (2, 3) and r["invoice_number"])
    assert run("order", "status", str(order["id"]), "expédié")[0] == 0
    assert synced.shop.row("orders", order["id"])["current_state"] == 4


def test_a_failed_shop_mail_is_told_and_the_status_is_not_posted_again(run, synced):
    order = next(r for r in synced.shop.rows("orders") if r["current_state"] in (2, 3) and r["invoice_number"])
    synced.shop.mail_fails = True
    before = synced.shop.count("order_histories")
    code, out, _ = run("order", "status", str(order["id"]), "shipped", "--mail-customer")
    assert (code, "failed" in out) == (0, True)
    assert synced.shop.count("order_histories") == before + 1


def test_an_unknown_status_names_the_known_ones(run, synced):
    code, _, err = run("order", "status", "1", "teleported")
    assert (code, "teleported" in err, "Shipped" in err) == (65, True, True)


def test_tracking_goes_to_the_shipment(run, synced):
    order = synced.shop.rows("order_carriers")[0]["id_order"]
    assert run("order", "track", str(order), "1Z999")[0] == 0
    assert synced.shop.rows("order_carriers", id_order=order)[0]["tracking_number"] == "1Z999"
    _, out, _ = run("order", "show", str(order))
    assert "1Z999" in out


# --- quarantine and outbox ------------------------------------------------------------------------------------------


def test_a_mail_in_quarantine_is_listed_shown_and_decided_anew(run, tmp_path):
    with World(tmp_path / "second", mailbox_settings="create_threads = false") as world:
        world.begin()
        world.deliver(world.people.new_question("new.person@customer.test"))
        assert run("sync", config=world.config)[0] == 0
        _, out, _ = run("quarantine", "list", config=world.config)
        assert "no_thread" in out
        assert "Where is my order" in out
        code, out, _ = run("quarantine", "show", "mail:1", config=world.config)
        assert (code, "new.person@customer.test" in out) == (0, True)
        world.config.write_text(world.config.read_text().replace("create_threads = false", "create_threads = true"))
        assert run("quarantine", "retry", "mail:1", config=world.config)[0] == 0
        assert run("sync", config=world.config)[0] == 0
        assert len(world.ours()) == 1
        assert "empty" in run("quarantine", "list", config=world.config)[1]


def test_a_dropped_mail_stays_accounted_for(run, tmp_path):
    with World(tmp_path / "second", mailbox_settings="create_threads = false") as world:
        world.begin()
        world.deliver(world.people.new_question("new.person@customer.test"))
        run("sync", config=world.config)
        assert run("quarantine", "drop", "mail:1", config=world.config)[0] == 0
        _, out, _ = run("sync", config=world.config)
        assert "1 ignored" in out


def test_a_broken_row_is_in_quarantine_with_its_bytes_and_leaves_it_when_mended(run, world):
    world.shop.update_row("customer_messages", 3, date_add="garbage")
    world.sync()
    _, out, _ = run("quarantine", "list", "--json")
    rows = json.loads(out)["rows"]
    assert [(r["resource"], r["row_id"]) for r in rows] == [("customer_messages", 3)]
    item = f"row:{rows[0]['id']}"
    assert "garbage" in run("quarantine", "show", item)[1]
    assert run("quarantine", "retry", item)[0] == 1
    world.shop.update_row("customer_messages", 3, date_add="2025-01-01 10:00:00")
    assert run("quarantine", "retry", item)[0] == 0
    assert "empty" in run("quarantine", "list")[1]


def test_an_item_that_is_none_is_refused(run, synced):
    assert run("quarantine", "show", "7")[0] == 64
    assert run("quarantine", "show", "mail:7")[0] == 65
    assert run("outbox", "retry", "7")[0] == 65


def test_cancel_gives_a_change_up(run, synced):
    synced.server.close()
    synced.deliver(synced.reply(synced.thread()))
    run("sync", "--only", "collect")
    assert run("outbox", "cancel", "1")[0] == 0
    synced.server = synced.shop.start(synced.server.port)
    assert run("sync")[0] == 0
    assert synced.ours() == []


# --- when things are wrong ------------------------------------------------------------------------------------------


def wrong(run, world, old: str, new: str, *arguments: str) -> tuple[int, str]:
    world.config.write_text(world.config.read_text().replace(old, new))
    code, _, err = run(*(arguments or ("sync",)))
    return code, err


def test_a_wrong_key_is_one_clear_line(run, world):
    code, err = wrong(run, world, world.shop.full_key, "A" * 32)
    assert code == 77
    assert err.count("error:") == 1
    assert world.shop.full_key not in err
    assert "A" * 32 not in err


def test_a_wrong_host_is_one_clear_line(run, world):
    code, err = wrong(run, world, world.server.url, "http://127.0.0.1:9")
    assert code == 69
    assert err.count("error:") == 1


def test_a_host_that_the_shop_does_not_know_names_the_right_address(run, world):
    world.shop.world.domain = "shop.test"
    code, _, err = run("sync")
    assert code == 78
    assert "shop.test" in err


def test_a_mailbox_that_is_down_does_not_keep_the_shop_from_being_pulled(run, world):
    code, err = wrong(run, world, f"port = {world.mailbox.port}", "port = 9")
    assert code == 69
    assert err.count("error:") == 1
    with world.app() as app:
        assert app.mirror.rows.count("main", "orders") == 20


def test_a_wrong_password_is_77(run, world):
    code, err = wrong(run, world, 'password = "sandbox"', 'password = "not-it"')
    assert code == 77
    assert "not-it" not in err


def test_broken_settings_are_named_with_file_and_line(run, world):
    world.config.write_text(world.config.read_text() + "\n[shops.main.mailboxes.support2]\nhots = 'x'\n")
    code, _, err = run("sync")
    assert code == 78
    assert str(world.config) in err
    assert "hots" in err


def test_no_settings_at_all(run, tmp_path):
    code, _, err = run("status", config=tmp_path / "nothing.toml")
    assert (code, "nothing.toml" in err) == (78, True)


def test_a_wrong_command_is_64(run):
    assert run("snyc")[0] == 64
    assert run("thread", "status", "1", "shut")[0] == 64


@pytest.mark.skipif(os.geteuid() != 0, reason="a state directory of somebody else can only be made by root")
def test_a_state_directory_of_another_user_prints_the_right_command(run, world):
    os.chown(world.folder, 12345, 12345)
    code, _, err = run("status")
    assert (code, "sudo -u" in err) == (77, True)


def test_check_config_online_asks_everybody(run, world):
    code, out, err = run("check-config", "--online", "--show")
    assert code == 0, err
    assert world.shop.full_key not in out
    assert "sandbox" not in out.replace("Sandbox", "")
    for part in ("shop main: ok", "mailbox main.support: ok", "smtp main: ok"):
        assert part in out


def test_help_lists_commands_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for word in ("sync", "run", "quarantine", "78", "75"):
        assert word in out


def test_ctrl_c_ends_a_sync_with_130(world):
    world.shop.misbehave(Misbehave(kind="delay", method="GET", seconds=1.0, times=None))
    command = [sys.executable, "-m", "connector", "--config", str(world.config), "sync"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    import signal
    import time

    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err

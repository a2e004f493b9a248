"""Answering customers as a user meets it: the editor, templates, the mail that arrives, its copy, the next thread."""

from __future__ import annotations

import email
import email.policy
import io
import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from connector.cli.main import main
from connector.core.guards import MAILS_PER_DAY
from connector.core.model import Kind, MailState
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    settings = 'copy_mailbox = "support"\ncopy_folder = "Sent"'
    with World(tmp_path / "state", smtp_settings=settings) as here:
        here.begin()
        (here.folder / "own" / "templates").mkdir(parents=True)
        here.config.write_text('mappings_dir = "own"\n' + here.config.read_text())
        yield here


@pytest.fixture
def run(world, capsys, monkeypatch):
    """Run one command in this process with nothing on standard input."""
    monkeypatch.setattr("connector.cli.session.QUEUE_SECONDS", 2.0)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)

    def command(*arguments: object, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *map(str, arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """Sets an editor that does these shell lines with the file ($1), and keeps what it was given."""

    def edit(lines: str) -> Path:
        script, seen = tmp_path / "the editor.sh", tmp_path / "seen.txt"
        script.write_text(f'#!/bin/sh\ncp "$1" {seen}\n{lines}\n')
        script.chmod(0o755)
        monkeypatch.setenv("VISUAL", f"'{script}'")
        return seen

    return edit


def drafts(world) -> list[Path]:
    return sorted((world.folder / "drafts").glob("*"))


def mail_of(world) -> EmailMessage:
    (received,) = world.smtp.received
    return email.message_from_bytes(received.raw, policy=email.policy.default)


# --- the editor -----------------------------------------------------------------------------------------------------


def test_what_is_written_in_the_editor_is_sent_and_its_remarks_are_not(run, world, editor):
    thread = world.thread()
    world.shop.contact_form(int(thread["id"]), "Where is\n#12?")
    world.sync()
    seen = editor('printf "#1 is on its way.\\n" | cat - "$1" > "$1.new" && mv "$1.new" "$1"')
    code, out, err = run("thread", "reply", thread["id"])
    assert code == 0, out + err
    shown = seen.read_text()
    assert "#> > Where is\n#> > #12?" in shown
    assert f"thread {thread['id']}" in shown
    (message,) = world.ours()
    assert message["message"] == "#1 is on its way."
    assert mail_of(world).get_body(("plain",)).get_content().startswith("#1 is on its way.\r\n\r\n-- \r\n")
    assert drafts(world) == []


@pytest.mark.parametrize("lines", ["true", ': > "$1"', 'echo "  " >> "$1"', 'echo "#> more" >> "$1"'])
def test_an_unchanged_or_empty_text_sends_nothing_and_says_so(run, world, editor, lines):
    editor(lines)
    code, out, _ = run("thread", "reply", world.thread()["id"])
    assert (code, "nothing was sent" in out) == (0, True)
    assert (world.ours(), world.smtp.received, drafts(world)) == ([], [], [])


def test_no_word_is_lost_when_the_editor_or_the_mail_server_fails(run, world, editor):
    thread = world.thread()["id"]
    editor('echo "half a sentence" > "$1"; exit 3')
    code, _, err = run("thread", "reply", thread)
    (kept,) = drafts(world)
    assert (code, str(kept) in err, kept.read_text()) == (65, True, "half a sentence\n")
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    kept.unlink()
    world.smtp.fail_next("refuse_recipient")
    editor('echo "a whole one" > "$1"')
    code, _, err = run("thread", "reply", thread)
    (kept,) = drafts(world)
    assert (code, str(kept) in err, kept.read_text()) == (69, True, "a whole one\n")


def test_a_text_that_is_refused_is_kept_too(run, world, editor):
    editor('head -c 70000 /dev/zero | tr "\\0" x > "$1"')
    code, _, err = run("thread", "reply", world.thread()["id"])
    (kept,) = drafts(world)
    assert (code, str(kept) in err, kept.stat().st_size) == (65, True, 70000)
    assert world.ours() == []


def test_what_cannot_be_sent_is_said_before_anything_is_written(run, world, editor):
    seen = editor("true")
    assert run("thread", "reply", 99_999)[0] == 65
    assert not seen.exists()


def test_an_editor_that_is_none_is_named(run, world, monkeypatch):
    monkeypatch.setenv("EDITOR", "/no/such/editor -w")
    code, _, err = run("thread", "reply", world.thread()["id"])
    assert (code, "/no/such/editor" in err, drafts(world)) == (64, True, [])


def test_text_comes_from_a_pipe_or_a_file_and_only_from_one_place(run, world, tmp_path):
    thread = world.thread()["id"]
    assert run("thread", "reply", thread, "--private", stdin="from a pipe")[0] == 0
    assert run("thread", "reply", thread, "--private", "--file", "-", stdin="from a pipe, too")[0] == 0
    (tmp_path / "answer.txt").write_text("from a file")
    assert run("thread", "reply", thread, "--private", "--file", tmp_path / "answer.txt")[0] == 0
    assert [m["message"] for m in world.ours()] == ["from a pipe", "from a pipe, too", "from a file"]
    assert run("thread", "reply", thread)[0] == 65
    code, _, err = run("thread", "reply", thread, "--message", "x", "--template", "received")
    assert (code, "--message and --template" in err) == (64, True)


# --- the mail -------------------------------------------------------------------------------------------------------


def test_the_mail_has_the_customers_language_the_tokens_and_the_talks_references(run, world):
    thread = world.thread()
    german = next(row["id"] for row in world.shop.rows("languages") if row["iso_code"] == "de")
    world.shop.update_row("customer_threads", thread["id"], id_lang=german)
    world.shop.touch("customer_threads", int(thread["id"]))
    first = world.people.reply_by_reference("shop-mail@shop.test", str(thread["email"]), text="Wo ist es?",
                                            subject=f"Re: #ct{thread['id']} #tc{thread['token']}")  # fmt: skip
    world.deliver(first)
    world.sync()
    asked = email.message_from_bytes(first, policy=email.policy.default)["Message-ID"]
    own = world.folder / "own" / "templates"
    (own / "signature.toml").write_text('de = """\nIhr Team von {shop}\nwww.shop.test\n"""\n')
    (own / "main").mkdir()
    (own / "main" / "late.toml").write_text('values = ["day"]\nde = "Hallo {firstname} <&>, am {day}."\n')
    code, out, err = run("thread", "reply", thread["id"], "--template", "late", "--set", "day=Dienstag",
                         "--set", "firstname=Zoé")  # fmt: skip
    assert code == 0, out + err
    mail = mail_of(world)
    assert "Ihre Nachricht an" in mail["Subject"]
    assert f"#ct{thread['id']} #tc{thread['token']}" in mail["Subject"]
    assert mail["Content-Language"] == "de"
    assert mail["In-Reply-To"] == asked
    assert mail["References"].split() == ["<shop-mail@shop.test>", asked]
    contact = next(row for row in world.shop.rows("contacts") if row["id"] == thread["id_contact"])
    assert mail["From"].addresses[0].addr_spec == contact["email"]
    assert mail["Reply-To"].addresses[0].addr_spec == world.user
    assert not {"auto-submitted", "precedence", "list-id", "list-unsubscribe"} & {name.lower() for name in mail}
    plain = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert plain == "Hallo Zoé <&>, am Dienstag.\n\n-- \n" + f"Ihr Team von {_shop_name(world)}\nwww.shop.test\n"
    page = mail.get_body(("html",)).get_content()
    assert "<p>Hallo Zoé &lt;&amp;&gt;, am Dienstag.</p>" in page
    (message,) = [m for m in world.ours() if m["id_employee"]]
    assert "Ihr Team" not in message["message"]


def _shop_name(world) -> str:
    (row,) = [row for row in world.shop.rows("configurations") if row["name"] == "PS_SHOP_NAME"]
    return str(row["value"])


def test_the_sender_of_a_contact_and_a_reply_address_come_from_the_settings(run, world):
    boxes = "[shops.main.mailboxes.support]\n"
    added = 'sender = "orders@shop.test"\nreply_address = "answers@shop.test"\n'
    world.config.write_text(world.config.read_text().replace(boxes, boxes + added))
    contact = next(row["id"] for row in world.shop.rows("contacts") if row["customer_service"])
    thread = next(t for t in world.shop.rows("customer_threads") if t["id_contact"] == contact and t["email"])
    assert run("thread", "reply", thread["id"], "--message", "Hello")[0] == 0
    mail = mail_of(world)
    assert mail["From"].addresses[0].addr_spec == "orders@shop.test"
    assert mail["Reply-To"].addresses[0].addr_spec.startswith(f"answers+ct{thread['id']}.")


def test_a_copy_is_filed_once_as_it_went_out_and_is_not_taken_for_anybodys_message(run, world):
    code, out, _ = run("thread", "reply", world.thread()["id"], "--message", "It is on its way.")
    assert (code, "mail.copy confirmed" in out) == (0, True)
    with world.app() as app, app.mailbox("main", "support") as box:
        box.select("Sent")
        (copy,) = list(box.fetch(box.search(1), 10**6))
        assert copy.raw == world.smtp.received[0].raw
    before = len(world.ours())
    report = world.sync()
    assert int(report.code) == 0
    assert len(world.ours()) == before
    with world.app() as app:
        copies = app.mirror.ledger.listing("main", list(MailState))
    assert [(c.state, c.reason) for c in copies if c.folder == "Sent"] == [(MailState.IGNORED, "own")]


def test_a_copy_that_the_provider_has_filed_is_not_filed_again(run, world):
    world.smtp._deliver_to = lambda received: world.deliver(received.raw, "Sent")
    code, _, _ = run("thread", "reply", world.thread()["id"], "--message", "It is on its way.")
    with world.app() as app, app.mailbox("main", "support") as box:
        box.select("Sent")
        assert (code, len(box.search(1))) == (0, 1)
        (copy,) = [i for i in app.mirror.outbox.listing("main") if i.kind is Kind.MAIL_COPY]
        assert copy.result == {"already": True}


def test_a_refused_mail_leaves_no_copy(run, world):
    world.smtp.fail_next("refuse_content")
    assert run("thread", "reply", world.thread()["id"], "--message", "It is on its way.")[0] == 69
    with world.app() as app, app.mailbox("main", "support") as box:
        box.select("Sent")
        assert box.search(1) == []


def test_so_many_mails_a_day_look_like_an_accident(run, world, monkeypatch):
    monkeypatch.setitem(MAILS_PER_DAY, "guard.mails_per_thread", 2)
    thread = world.thread()["id"]
    for _ in range(2):
        assert run("thread", "reply", thread, "--message", "again")[0] == 0
    code, _, err = run("thread", "reply", thread, "--message", "again")
    assert (code, "2 mails" in err, "--force" in err) == (1, True, True)
    assert (len(world.smtp.received), len(world.ours())) == (2, 2)
    assert run("thread", "reply", thread, "--message", "a note", "--private")[0] == 0
    assert run("thread", "reply", thread, "--message", "again", "--force")[0] == 0
    assert len(world.smtp.received) == 3


# --- templates ------------------------------------------------------------------------------------------------------


def test_templates_are_listed_and_what_they_lack_is_named(run, world):
    code, out, _ = run("templates", "list", "--json")
    assert code == 0
    assert [(one["name"], one["values"]) for one in json.loads(out)] == [("received", []), ("shipped", ["link"])]
    assert "received" in run("templates", "list")[1]
    thread = world.thread()["id"]
    for arguments, said in (
        (("--template", "shiped"), "received, shipped"),
        (("--template", "shipped", "--set", "link=x", "--set", "order=", "--set", "firstname=Z"), "--set order=..."),
        (("--template", "shipped", "--set", "lnk=x"), "link"),
    ):
        code, _, err = run("thread", "reply", thread, *arguments)
        assert (code, said in err) == (65, True), err
    assert run("thread", "reply", thread, "--template", "shipped", "--set", "link")[0] == 64
    assert run("thread", "reply", thread, "--set", "link=x", "--message", "y")[0] == 64
    assert world.ours() == []


def test_a_mistake_in_a_template_is_found_by_mappings_check_and_stops_no_sync(run, world):
    path = world.folder / "own" / "templates" / "late.toml"
    path.write_text('en = """\nHello {firstname},\nyour {ordre}\n"""\n')
    code, _, err = run("mappings", "check")
    assert (code, f"{path}:3: `en` has an unknown placeholder {{ordre}}" in err) == (78, True)
    code, out, _ = run("mappings", "check", "--json")
    assert [one["line"] for one in json.loads(out)["mistakes"]] == [3]
    assert run("thread", "reply", world.thread()["id"], "--message", "x")[0] == 78
    assert run("sync")[0] == 0
    assert world.ours() == []


def test_a_template_can_be_edited_before_it_goes(run, world, editor):
    seen = editor('sed -i s/looking/peeking/ "$1"')
    code, out, err = run("thread", "reply", world.thread()["id"], "--template", "received", "--edit",
                         "--set", "firstname=Zoé", "--set", "lastname=Z")  # fmt: skip
    assert code == 0, out + err
    assert "looking" in seen.read_text() or "Zoé" in seen.read_text()
    assert "Zoé" in world.ours()[0]["message"]


# --- the next thread ------------------------------------------------------------------------------------------------


def test_next_is_the_customer_who_waits_longest(run, world, editor):
    for row in world.shop.rows("customer_threads"):
        world.shop.update_row("customer_threads", row["id"], status="closed")
        world.shop.touch("customer_threads", row["id"])
    assert "nobody waits" in _next(run, world)
    talk = {
        "answered": [("c", "2025-01-01"), ("e", "2025-01-05")],
        "late": [("c", "2025-01-02"), ("e", "2025-01-03"), ("c", "2025-01-06"), ("c", "2025-01-07")],
        "early": [("c", "2025-01-04"), ("note", "2025-01-08")],
        "set aside": [("c", "2025-01-01")],
    }
    ids = {}
    for name, messages in talk.items():
        status = "pending1" if name == "set aside" else "open"
        row = {"id_shop": 1, "id_lang": 1, "id_contact": 1, "email": "longest@customer.test", "token": "x" * 12}
        ids[name] = world.shop.put_row("customer_threads", row | {"status": status})
        world.shop.touch("customer_threads", ids[name])
        for who, day in messages:
            fields = {"id_employee": int(who != "c"), "private": int(who == "note"), "date_add": f"{day} 10:00:00"}
            world.shop.contact_form(ids[name], f"words of {day}", **fields)
        world.shop.update_row("customer_threads", ids[name], status=status)
    world.sync()
    code, out, _ = run("thread", "next", "--json")
    found = json.loads(out)
    assert (code, found["id"], found["unanswered"], found["waiting_since"][:10]) == (0, ids["early"], 1, "2025-01-04")
    assert found["thread"]["messages"][0]["text"] == "words of 2025-01-04"
    assert "words of 2025-01-04" in _next(run, world)
    for name in ("early", "late"):
        editor('echo "an answer" > "$1"')
        assert run("thread", "next", "--reply")[0] == 0
        (message,) = [m for m in world.ours() if m["id_customer_thread"] == ids[name]]
        assert message["message"] == "an answer"
    assert run("thread", "next", "--json")[1] == "null\n"


def _next(run, world) -> str:
    world.sync()
    code, out, _ = run("thread", "next")
    assert code == 0
    return out


def test_a_thread_whose_answer_is_on_its_way_is_not_next(run, world):
    world.server.close()
    first = json.loads(run("thread", "next", "--json")[1])
    assert run("thread", "reply", first["id"], "--message", "soon")[0] in (69, 75)
    second = json.loads(run("thread", "next", "--json")[1])
    assert second is None or second["id"] != first["id"]
    world.shop.start()

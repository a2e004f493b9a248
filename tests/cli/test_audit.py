"""`mailbox audit`, `sync --since` and large mails, as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from connector.cli.main import main
from connector.core.model import MailState
from connector.errors import Exit
from tests.support.dovecot import Dovecot, require_dovecot
from tests.support.world import PASSWORD, World

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "state") as here:
        yield here


def runner(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(world, capsys)


def states(world: World) -> list[tuple[str, str]]:
    with world.app() as app:
        return [(str(c.state), c.reason) for c in app.mirror.ledger.listing("main", list(MailState))]


def large(world: World, words: str = "The door is dented, see the picture.") -> bytes:
    thread = world.thread("closed")
    picture = b"\r\n".join([b"QUJD" * 19] * 400)
    head = (
        f"Message-ID: <large@customer.test>\r\nFrom: {thread['email']}\r\nMIME-Version: 1.0\r\n"
        f"Subject: Re: #ct{thread['id']} #tc{thread['token']}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n--b\r\nContent-Type: image/jpeg; name=door.jpg\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + picture + b"\r\n--b--\r\n"


def test_the_audit_names_every_mail_that_is_not_accounted_for(world: World, run: Run) -> None:
    code, out, _ = run("mailbox", "audit")
    assert (code, "never collected" in out) == (0, True)
    world.sync()
    world.deliver(world.reply(world.thread()))
    code, out, _ = run("mailbox", "audit", "support")
    assert code == Exit.FOUND
    assert "missing here: 1" in out
    assert "NOT every mail is accounted for" in out
    world.sync()
    code, out, _ = run("mailbox", "audit", "--json")
    shown = json.loads(out)
    inbox, sent = shown["folders"]
    assert (code, shown["exit_code"], inbox["folder"], sent["folder"]) == (0, 0, "INBOX", "Sent")
    assert (inbox["holds"], inbox["in_scope"], inbox["states"], inbox["missing"]) == (True, 1, {"imported": 1}, [])


def test_the_audit_finds_what_is_stuck_and_what_nothing_carries_on(world: World, run: Run) -> None:
    world.begin()
    world.deliver(world.reply(world.thread()))
    world.deliver(world.people.new_question("new.person@customer.test"))
    world.sync()
    with world.app() as app, app.mirror.database.write() as connection:
        connection.execute(text("UPDATE mail SET state = 'pending' WHERE id = 1"))
        connection.execute(text("UPDATE intent SET copy_id = NULL WHERE copy_id = 1"))
        connection.execute(text("UPDATE mail SET state = 'received', entered_at = '2020-01-01 00:00:00' WHERE id = 2"))
    code, out, _ = run("mailbox", "audit", "--json")
    inbox = json.loads(out)["folders"][0]
    assert code == Exit.FOUND
    assert [one["mail"] for one in inbox["unexplained"]] == [1]
    assert [one["mail"] for one in inbox["stuck"]] == [2]
    assert run("mailbox", "audit", "nobody")[0] == Exit.DATA


def test_the_audit_changes_nothing(world: World, run: Run) -> None:
    world.begin()
    world.deliver(world.reply(world.thread()))
    run("mailbox", "audit")
    assert world.mailbox.flags(world.user, "INBOX") == [set()]
    assert states(world) == []


def test_sync_since_takes_older_mails_in_quietly_and_once(world: World, run: Run) -> None:
    closed = world.thread("closed")
    world.deliver(world.reply(closed), at=datetime.now(UTC) - timedelta(days=3))
    world.deliver(world.people.new_question("long.ago@customer.test"), at=datetime.now(UTC) - timedelta(days=30))
    assert run("sync")[0] == 0
    assert states(world) == []
    day = (datetime.now(UTC) - timedelta(days=5)).date().isoformat()
    assert run("sync", "--since", day)[0] == 0
    assert states(world) == [("imported", "thread_by_token")]
    assert world.shop.row("customer_threads", int(str(closed["id"])))["status"] == "closed"
    assert run("sync", "--since", day)[0] == 0
    assert len(world.ours()) == 1
    assert run("mailbox", "audit")[0] == 0
    assert run("sync", "--since", day, "--only", "pull")[0] == Exit.USAGE
    assert run("sync", "--since", "yesterday")[0] == Exit.USAGE


def test_of_a_large_mail_the_words_reach_the_thread_and_it_stays_in_the_mailbox(tmp_path: Path) -> None:
    settings = 'max_bytes = 10000\nafter = "delete"'
    with World(tmp_path / "state", mailbox_settings=settings) as world:
        world.begin()
        letter = large(world)
        world.deliver(letter)
        world.deliver(world.reply(world.thread()))
        assert world.sync().code is Exit.OK
        said = next(str(m["message"]) for m in world.ours() if "dented" in str(m["message"]))
        assert "door.jpg" in said
        assert "INBOX" in said.splitlines()[-1]  # where it lies whole, in the language of the thread
        assert world.mailbox.mails(world.user, "INBOX") == [letter]
        assert [state for state, _ in states(world)] == ["imported", "imported"]


def test_a_large_mail_can_be_set_aside_instead(tmp_path: Path) -> None:
    with World(tmp_path / "state", mailbox_settings='max_bytes = 10000\ntoo_large = "quarantine"') as world:
        world.begin()
        world.deliver(large(world))
        assert world.sync().code is Exit.OK
        assert states(world) == [("quarantined", "too_large")]
        assert world.ours() == []


@pytest.mark.parametrize(
    ("hidden", "after", "code"),
    [
        (("MOVE", "UIDPLUS"), 'after = "delete"', "imap.no_delete"),
        (("MOVE", "UIDPLUS"), 'after = "move"\nmove_to = "INBOX/Done"', "imap.no_move"),
        ((), 'after = "move"\nmove_to = "Nowhere"', "imap.folder_unknown"),
        ((), 'after = "delete"', ""),
    ],
)
def test_what_the_server_cannot_do_after_an_import_is_refused_online(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hidden: tuple[str, ...], after: str, code: str
) -> None:
    require_dovecot()
    with Dovecot(hide=hidden) as server, World(tmp_path / "state", mailbox_settings=after, with_smtp=False) as world:
        lines = world.config.read_text().replace('sent_folders = ["Sent"]', "")
        lines = lines.replace(f"port = {world.mailbox.port}", f"port = {server.port}")
        lines = lines.replace(f'user = "{world.user}"', f'user = "{server.user}"')
        world.config.write_text(lines.replace(f'password = "{PASSWORD}"', f"password = {json.dumps(server.password)}"))
        found, out, err = runner(world, capsys)("check-config", "--online")
        assert (found, code in out) == (Exit.CONFIG if code else 0, True), err
        assert not code or "what to do" in err

"""The commands on a PostgreSQL mirror: the same work, and a word for each way that a server can fail."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from connector.cli.main import main
from tests.support import databases, postgres
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with databases.on("postgresql"), World(tmp_path / "state") as here:
        yield here


@pytest.fixture
def run(world, capsys, monkeypatch):
    """Run one command in this process; gives (exit code, standard output, standard error)."""
    monkeypatch.setattr("connector.cli.session.QUEUE_SECONDS", 2.0)

    def command(*arguments: str, config: object = None) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config or world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        assert "geheim-1" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def settings(world):
    """The world's settings with another mirror."""

    def write(url: str, more: str = "") -> object:
        path = world.folder / "other.toml"
        path.write_text(world.config.read_text().replace(f'url = "{world.mirror_url}"', f'url = "{url}"\n{more}'))
        return path

    return write


def test_a_day_at_the_desk(run, world):
    code, out, _ = run("sync")
    assert (code, "every mail is accounted for" in out) == (0, True)
    thread = world.thread("closed")
    world.deliver(world.reply(thread))
    code, out, _ = run("plan")
    assert (code, "nothing to do" in out) == (0, True)
    assert run("sync")[0] == 0
    assert len(world.ours()) == 1
    code, out, _ = run("thread", "reply", str(thread["id"]), "--message", "It is on its way.")
    assert code == 0, out
    code, out, _ = run("thread", "show", str(thread["id"]), "--json")
    assert "It is on its way." in json.dumps(json.loads(out), ensure_ascii=False)
    order = next(row for row in world.shop.rows("orders") if row["invoice_number"])
    code, out, err = run("order", "status", str(order["id"]), "shipped")
    assert code == 0, out + err
    code, out, _ = run("status", "--json")
    (shop,) = json.loads(out)["shops"]
    assert shop["mails"] == {"imported": 1}
    for command in (
        ("quarantine", "list"),
        ("outbox", "list"),
        ("order", "show", str(order["id"])),
        ("thread", "list"),
    ):
        assert run(*command)[0] == 0, command
    code, out, _ = run("sync")
    assert (code, "nothing new" in out, "nothing to do" in out) == (0, True, True)


def test_a_reading_command_on_an_empty_database_makes_nothing_in_it(run, settings):
    url = postgres.server().new_database()
    for command in ("status", "plan", "check-config"):
        assert run(command, config=settings(url))[0] == 0, command
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert postgres.server().sql(tables, database=url.rpartition("/")[2]) == [(0,)]
    databases.forget(url)


@pytest.mark.parametrize("command", ["status", "plan", "sync", "run"])
def test_without_its_server_every_command_ends_with_69_and_says_what_to_do(run, settings, command):
    if command == "run":
        program = [sys.executable, "-m", "connector", "--config", str(settings("postgresql://me@127.0.0.1:1/x")), "run"]
        ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
        code, err = ended.returncode, ended.stderr
    else:
        code, _, err = run(command, config=settings("postgresql://me@127.0.0.1:1/x"))
    assert code == 69
    assert "The database server of the mirror postgresql://me@127.0.0.1:1/x does not answer" in err
    assert "Connection refused" in err
    assert "what to do: Check that the server runs" in err


def test_a_wrong_password_ends_with_77_and_is_shown_nowhere(run, settings, world):
    server = postgres.server()
    server.sql("CREATE ROLE clerk LOGIN PASSWORD 'the right one'")
    try:
        url = server.url(world.mirror_url.rpartition("/")[2], "clerk")
        config = settings(url, 'password = "geheim-1"')
        code, _, err = run("status", config=config)
        assert (code, "refuses the login" in err, "mirror.password" in err) == (77, True, True)
        code, out, _ = run("check-config", "--show", config=config)
        assert (code, "password = ********" in out, url in out) == (0, True, True)
    finally:
        server.sql("DROP ROLE clerk")

"""The page where it is served: by the daemon, over a unix socket, behind a proxy; users that a command makes."""

from __future__ import annotations

import http.client
import io
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connector.cli.main import main
from connector.errors import CannotCreate
from connector.web.server import Server
from tests.source import REPOSITORY
from tests.web.conftest import PASSWORD


class OverSocket(http.client.HTTPConnection):
    """A connection through a unix socket, as a proxy makes it."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    tmp_path.chmod(0o700)
    path.write_text(
        f'state_dir = "{tmp_path}"\ninstance_secret = "an instance secret of good length"\n[web]\n'
        f'listen = "unix:{tmp_path}/web.sock"\nuser_header = "X-Remote-User"\n[shops.main]\nurl = "http://127.0.0.1:9"\n'
        f'key = "{"K" * 32}"\n[schedule]\npull_seconds = 3600\n'
    )
    return path


@pytest.fixture
def run(config_file, capsys, monkeypatch):
    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config_file), "web", *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


def test_users_are_added_changed_and_removed_by_command(run, tmp_path):
    code, out, _ = run("user", "add", "alice", "--role", "answer", "--employee", "3", stdin=f"{PASSWORD}\n")
    assert (code, "alice may sign in" in out) == (0, True)
    assert PASSWORD not in (tmp_path / "web-users.json").read_text()
    assert run("user", "add", "alice", "--role", "admin")[0] == 0
    assert json.loads(run("user", "list", "--json")[1]) == [
        {"name": "alice", "role": "admin", "employees": {"main": 3}, "password": True}
    ]
    before = (tmp_path / "web-users.json").read_text()
    assert run("user", "password", "alice", stdin="another password\n")[0] == 0
    assert (tmp_path / "web-users.json").read_text() != before
    assert run("user", "add", "carol", "--no-password")[0] == 0
    assert "carol" in run("user", "list")[1]
    assert run("user", "remove", "alice")[0] == 0
    for wrong in (("user", "remove", "alice"), ("user", "password", "alice"), ("user", "add", "a b")):
        assert run(*wrong, stdin=f"{PASSWORD}\n")[0] == 65, wrong
    assert run("user", "add", "dave", stdin="short\n")[0] == 65
    assert run("user", "add", "dave", "--employee", "other=3", stdin=f"{PASSWORD}\n")[0] == 64
    assert run("--listen", "0.0.0.0:8477")[0] == 64


def test_the_daemon_serves_the_page_to_its_proxy_and_ends_in_order(config_file, run, tmp_path):
    run("user", "add", "alice", "--role", "answer", "--no-password")
    log = (tmp_path / "log").open("wb")
    command = [sys.executable, "-m", "connector", "--config", str(config_file), "run"]
    daemon = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "web.sock").exists() and time.monotonic() < until and daemon.poll() is None:
            time.sleep(0.05)
        line = OverSocket(str(tmp_path / "web.sock"))
        line.request("GET", "/threads", headers={"X-Remote-User": "alice"})
        answer = line.getresponse()
        assert (answer.status, b"alice" in answer.read()) == (200, True)
        line.request("GET", "/threads")
        answer = line.getresponse()
        assert (answer.status, answer.getheader("Server")) == (403, None)
        answer.read()
        assert (tmp_path / "web.sock").stat().st_mode & 0o007 == 0
    finally:
        daemon.send_signal(signal.SIGTERM)
        code = daemon.wait(60)
        log.close()
    assert code == 0
    assert not (tmp_path / "web.sock").exists()
    told = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines()]
    assert [one["event"] for one in told if one["event"].startswith("web.")] == [
        "web.started", "web.session_started", "web.stopped"
    ]  # fmt: skip


def test_a_place_that_is_taken_is_told_and_a_socket_that_was_left_behind_is_not_in_the_way(tmp_path):
    def page(_environ, start):
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]

    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "s"))
    left.close()
    first = Server(f"unix:{tmp_path}/s", page)
    with pytest.raises(CannotCreate):
        Server(f"unix:{tmp_path}/s", page)
    line = OverSocket(str(tmp_path / "s"))
    line.request("GET", "/")
    assert line.getresponse().read() == b"hello"
    second = Server("127.0.0.1:0", page)
    with pytest.raises(CannotCreate):
        Server(f"127.0.0.1:{second.port}", page)
    began = time.monotonic()
    first.close()
    second.close()
    assert time.monotonic() - began < 8, "an open connection holds up nobody"

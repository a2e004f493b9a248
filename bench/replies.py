"""From a reply's arrival in the mailbox to its message in the shop: the daemon, told by a real Dovecot through IDLE.

Every schedule is set to an hour, so nothing but IDLE can explain that a reply is there sooner.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from imapclient import IMAPClient

from bench.processes import ROOT, Facts
from bench.shop import Shop
from tests.support.dovecot import Dovecot

READY_SECONDS = 300.0
PAUSE = 0.5
MISSING = "Dovecot is not installed (apt-get install dovecot-imapd)"

_SETTINGS = """
[shops.bench.mailboxes.support]
host = "{host}"
port = {port}
security = "plain"
user = "{user}"
password = {password}

[schedule]
pull_seconds = 3600
sweep_seconds = 3600
deletions_seconds = 3600
collect_seconds = 3600
push_seconds = 3600
jitter_seconds = 0
"""
_REPLY = """\
Message-ID: <bench.{number}@customer.test>
From: {email}
To: {user}
Subject: Re: [Shop] Your message #ct{id} #tc{token}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Reply {number}: thank you, the parcel is here.

> We have sent it this morning.
"""


def can() -> bool:
    """Is there a Dovecot to measure with?"""
    return all(shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin") for name in ("dovecot", "openssl"))


def measure(shop: Shop, count: int) -> Facts:
    """Seconds from the moment that the mail lies in the mailbox: `arrived` until its message is in the shop, `told`
    until the server tells a bare client of it; medians, 95th percentiles and every value."""
    with Dovecot() as server, _daemon(shop, server), _bystander(server) as told:
        arrived, heard = [], []
        for number, thread in enumerate(shop.threads(count), start=1):
            known = shop.messages()
            reply = _REPLY.format(number=number, user=server.user, **thread)
            told.clear()
            server.deliver("INBOX", reply.replace("\n", "\r\n").encode())
            began = time.monotonic()
            arrived.append(shop.await_message(known) - began)
            heard.append(told.wait() - began)
            time.sleep(PAUSE)  # single replies are measured, not a crowd
    return {"arrived": _told(arrived), "told": _told(heard)}


def mailbox_settings(server: Dovecot) -> str:
    """Lines for the settings of a bench shop: a mailbox at this server, all else by default, schedules of an hour."""
    password = json.dumps(server.password)
    return _SETTINGS.format(host=server.host, port=server.port, user=server.user, password=password)


def _told(seconds: list[float]) -> Facts:
    return {"median": median(seconds), "p95": quantiles(seconds, n=20, method="inclusive")[-1], "all": seconds}


@contextmanager
def _daemon(shop: Shop, server: Dovecot) -> Iterator[None]:
    """This program as a service, ready and at rest."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path, log = shop.settings(Path(folder)), Path(folder) / "log.jsonl"
        path.write_text(path.read_text(encoding="utf-8") + mailbox_settings(server), encoding="utf-8")
        with log.open("wb") as out:
            command = [sys.executable, "-m", "connector", "--config", str(path), "run"]
            process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait(lambda: _ready(log), process, log)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _ready(log: Path) -> bool:
    seen = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    legs = {event.get("leg") for event in seen if event["event"] == "leg.finished"}
    return {"pull", "sweep", "deletions", "collect"} <= legs and any(
        event["event"] == "watch.started" for event in seen
    )


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the daemon is not at work:\n{log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(0.1)


class _Told:
    """When the server last told of a mail."""

    def __init__(self) -> None:
        self._at = 0.0
        self._heard = threading.Event()

    def clear(self) -> None:
        self._heard.clear()

    def hear(self) -> None:
        self._at = time.monotonic()
        self._heard.set()

    def wait(self) -> float:
        if not self._heard.wait(60):
            raise RuntimeError("the server told a bare client nothing of a mail")
        return self._at


@contextmanager
def _bystander(server: Dovecot) -> Iterator[_Told]:
    """A bare client that waits for the same mails: the server takes its time, too."""
    told, ends = _Told(), threading.Event()

    def listen() -> None:
        while not ends.is_set():
            if any(answer[1] == b"EXISTS" for answer in client.idle_check(timeout=0.2)):
                told.hear()

    with IMAPClient(server.host, port=server.port, ssl=False) as client:
        client.plain_login(server.user, server.password)
        client.select_folder("INBOX", readonly=True)
        client.idle()
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            ends.set()
            thread.join(5)
            client.idle_done()

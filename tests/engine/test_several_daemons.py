"""Several daemons on one PostgreSQL mirror: each shop has one worker, and another when that one is gone.

Real processes of the program. Two things are set for them from outside: a lease lasts some seconds instead of more than
a minute, and their names tell of different PID namespaces, as on two hosts, so that nobody sees another one's death and
only the end of its lease proves it.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from connector import packagedata
from connector.core.model import IntentState
from connector.mirror.db import open_mirror
from connector.sandbox.shop import Misbehave
from tests.support import databases, postgres
from tests.support.world import World

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

LEASE_SECONDS = 6.0  # connect_timeout and read_timeout of `World` (2 s each) and the margin below
RUN = """
import sys
from connector.ops import process
from connector.wiring import app
app.LEASE_MARGIN = 2.0
namespace = sys.argv.pop(1)
process._namespace = lambda: namespace
from connector.entry import main
main()
"""
SCHEDULE = """
[schedule]
pull_seconds = 1
sweep_seconds = 5
collect_seconds = 1
push_seconds = 1
jitter_seconds = 0
"""


class Seen:
    """Stands before the shop's web application and notes who asked: each daemon has a key of its own."""

    def __init__(self, shop):
        self.shop = shop
        self.requests = []  # when it came, key, method, path

    def __call__(self, environ, start_response):
        scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        key = base64.b64decode(value).decode().partition(":")[0] if scheme == "Basic" else ""
        self.requests.append((time.monotonic(), key, environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        return self.shop(environ, start_response)

    def writes(self, key):
        return [at for at, who, method, _ in self.requests if who == key and method not in ("GET", "HEAD")]


class Daemon:
    """One `run` with a key of its own, as on a host of its own."""

    def __init__(self, world, name):
        self.name = name
        self.key = (name.upper() * 32)[:32]
        world.shop.add_key(self.key)
        self.config = world.folder / f"{name}.toml"
        self.config.write_text(world.config.read_text().replace(world.shop.full_key, self.key) + SCHEDULE)
        self.log = world.folder / f"{name}.jsonl"
        with self.log.open("ab") as out:
            command = [sys.executable, "-c", RUN, name, "--config", str(self.config), "run"]
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def seen(self, event, **equal):
        events = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        found = [e for e in events if e["event"] == event]
        return [e for e in found if all(e.get(name) == value for name, value in equal.items())]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait_for(self, condition, seconds=60.0):
        """Seconds that it took."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                told = self.log.read_text()[-3000:]
                raise AssertionError(f"it did not happen in time; the log of {self.name} ends with\n{told}")
            time.sleep(0.05)
        return time.monotonic() - began

    def wait_for_event(self, event, count=1, seconds=60.0, **equal):
        return self.wait_for(lambda: len(self.seen(event, **equal)) >= count, seconds)

    def end(self):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()


@contextmanager
def daemons(*starting):
    """Ends them all, whatever happens."""
    try:
        yield
    finally:
        for one in starting:
            one.end()


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        here.asked = here.server._server.app = Seen(here.server._server.app)
        yield here


@pytest.fixture
def pair(world):
    """A daemon that works and one that waits."""
    working = Daemon(world, "a")
    waiting = None
    try:
        working.wait_for_event("leg.finished", leg="collect")
        waiting = Daemon(world, "b")
        waiting.wait_for_event("lease.busy")
        yield working, waiting
    finally:
        for one in (working, waiting):
            if one is not None:
                one.end()


def deliver(world, count=1):
    """Mails that become one message each."""
    for _ in range(count):
        world.deliver(world.reply(world.thread("open"), f"Text of {time.monotonic()}"))


def each_once(world):
    references = [message["user_agent"] for message in world.ours()]
    return len(references) == len(set(references))


def test_a_killed_daemons_shop_is_taken_over_when_its_lease_has_run_out(world, pair):
    working, waiting = pair
    deliver(world)
    working.wait_for(lambda: len(world.ours()) == 1)
    deliver(world)
    working.signal(signal.SIGKILL)
    took = waiting.wait_for_event("lease.taken")
    # It was renewed a third of its time ago at most, and nothing but its end told the other.
    assert LEASE_SECONDS / 3 < took < LEASE_SECONDS + 3
    deliver(world)
    waiting.wait_for(lambda: len(world.ours()) == 3)
    assert each_once(world)
    assert waiting.process.poll() is None


def test_a_stopped_daemon_that_goes_on_writes_nothing_and_waits_and_one_that_ends_hands_over_at_once(world, pair):
    working, waiting = pair
    deliver(world)
    working.wait_for(lambda: len(world.ours()) == 1)
    with_one = world.mirror_url
    mirror = open_mirror(with_one, packagedata.resources())
    try:
        # Stopped in the middle of a push: the check of the thread's status is under way, the message not sent yet.
        world.shop.misbehave(Misbehave(kind="delay", method="GET", resource="customer_threads", times=None, seconds=1))
        deliver(world)
        working.wait_for(lambda: IntentState.PLANNED in mirror.outbox.states("main"))
        working.signal(signal.SIGSTOP)
        world.shop.behave()
        took = waiting.wait_for_event("lease.taken")
        assert LEASE_SECONDS / 3 < took < LEASE_SECONDS + 3
        waiting.wait_for(lambda: len(world.ours()) == 2)
        deliver(world)
        waiting.wait_for(lambda: len(world.ours()) == 3)
        before = len(world.asked.writes(working.key))
        working.signal(signal.SIGCONT)
        working.wait_for_event("lease.lost")
        lost = time.monotonic() + 1.5  # what it had asked for may still be answered
        deliver(world)
        waiting.wait_for(lambda: len(world.ours()) == 4)
        time.sleep(2.5)
        assert len(world.asked.writes(working.key)) == before
        assert max(world.asked.writes(working.key)) < min(world.asked.writes(waiting.key))
        assert [r for r in world.asked.requests if r[1] == working.key and r[0] > lost] == []
        assert mirror.leases.holder("main").split(":")[3] == waiting.name
    finally:
        mirror.close()
    assert working.process.poll() is None
    assert each_once(world)

    waiting.signal(signal.SIGTERM)
    assert waiting.process.wait(15) == 0
    assert working.wait_for_event("lease.taken", count=2) < LEASE_SECONDS / 3
    deliver(world)
    working.wait_for(lambda: len(world.ours()) == 5)
    assert each_once(world)


def test_two_daemons_work_for_two_shops_in_one_mirror(world, tmp_path):
    with World(tmp_path / "second", mirror_url=world.mirror_url) as second:
        second.config.write_text(second.config.read_text().replace("shops.main", "shops.second"))
        one, two = Daemon(world, "a"), Daemon(second, "b")
        with daemons(one, two):
            one.wait_for_event("leg.finished", leg="collect")
            two.wait_for_event("leg.finished", leg="collect")
            deliver(world)
            deliver(second)
            one.wait_for(lambda: len(world.ours()) == 1)
            two.wait_for(lambda: len(second.ours()) == 1)
        mirror = open_mirror(world.mirror_url, packagedata.resources())
        for name, its in (("main", world), ("second", second)):
            for table in ("customers", "orders", "customer_threads"):
                assert mirror.rows.count(name, table) == its.shop.count(table), (name, table)
        mirror.close()


def test_a_restart_of_the_database_server_ends_no_daemon(world):
    daemon = Daemon(world, "a")
    with daemons(daemon):
        daemon.wait_for_event("leg.finished", leg="collect")
        postgres.server().stop()
        try:
            daemon.wait_for(lambda: daemon.seen("leg.failed", error="mirror.unreachable"))
            deliver(world)
            time.sleep(3)  # a renewal of the lease falls into it
        finally:
            postgres.server().start()
        daemon.wait_for(lambda: len(world.ours()) == 1)
        assert daemon.process.poll() is None
        assert "Traceback" not in daemon.log.read_text()


def test_a_standby_that_starts_on_an_empty_mirror_with_the_first_one_finds_all_made(tmp_path):
    url = postgres.server().new_database()
    with World(tmp_path / "state", mirror_url=url) as world:
        both = [Daemon(world, name) for name in "ab"]
        with daemons(*both):
            both[0].wait_for(lambda: any(one.seen("leg.finished", leg="collect") for one in both))
            assert sorted(bool(one.seen("lease.taken")) for one in both) == [False, True]
            assert [one.process.poll() for one in both] == [None, None]
    databases.forget(url)

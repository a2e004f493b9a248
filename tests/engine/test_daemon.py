"""The daemon as a process: it starts, works, reloads, stops and gets up again after kill -9."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.support import databases
from tests.support.world import World

SCHEDULE = """
[schedule]
pull_seconds = 1
sweep_seconds = 5
collect_seconds = 1
push_seconds = 1
jitter_seconds = 0
"""


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        here.config.write_text(here.config.read_text() + SCHEDULE)
        yield here


@contextmanager
def daemon(world, **environment):
    """`run` in a process of its own; its standard output is a file that `events` reads."""
    log = world.folder / "log.jsonl"
    command = [sys.executable, "-m", "connector", "--config", str(world.config), "run"]
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def events(world):
    lines = (world.folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def wait_for(condition, world, seconds=60.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.1)
    told = (world.folder / "log.jsonl").read_text()[-3000:]
    raise AssertionError(f"it did not happen in time; the log ends with\n{told}")


def seen(world, name):
    return [e for e in events(world) if e["event"] == name]


def collected(world):
    return any(e.get("leg") == "collect" for e in seen(world, "leg.finished"))


def test_a_mail_that_arrives_is_in_the_shop_soon_and_sigterm_ends_it_cleanly(world):
    with daemon(world) as process:
        wait_for(lambda: collected(world), world)
        world.deliver(world.reply(world.thread("closed")))
        wait_for(lambda: len(world.ours()) == 1, world)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert seen(world, "run.stopped")
    with world.app() as app:
        assert app.mirror.leases.holder("main") is None


def test_after_kill_9_the_next_daemon_goes_on_and_nothing_is_doubled(world):
    for _ in range(3):
        with daemon(world) as process:
            wait_for(lambda: collected(world), world)
            world.deliver(world.people.new_question("new.person@customer.test"))
            time.sleep(0.7)
            process.send_signal(signal.SIGKILL)
            process.wait()
        (world.folder / "log.jsonl").unlink()
        _forget_leases(world)
    world.clock.sleep(3600)
    world.sync()
    assert len(world.ours()) == 3


def _forget_leases(world):
    """As if the dead worker's lease had run out."""
    with world.app() as app:
        holder = app.mirror.leases.holder("main")
        if holder:
            app.mirror.leases.release("main", holder)


@databases.on_one  # on PostgreSQL it waits: test_several_daemons.py
def test_a_second_daemon_says_so_and_leaves(world):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with world.config.open("a") as settings:  # the first one has the port: not what the second is to tell
        settings.write(f'\n[metrics]\nlisten = "127.0.0.1:{port}"\n')
    with daemon(world) as first:
        wait_for(lambda: seen(world, "lease.taken"), world)
        command = [sys.executable, "-m", "connector", "--config", str(world.config), "run"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 75
        assert "works with this mirror already" in second.stderr
        assert "Traceback" not in second.stderr
        assert first.poll() is None


@databases.on_one
def test_sighup_takes_new_settings_or_keeps_the_old_ones_whole(world):
    good = world.config.read_text()
    with daemon(world) as process:
        wait_for(lambda: collected(world), world)
        world.config.write_text(good.replace("page_size", "page_siez") + "\n[nonsense]\n")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: seen(world, "settings.refused"), world)
        world.config.write_text(good)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: seen(world, "settings.reloaded"), world)
        world.deliver(world.reply(world.thread("closed")))
        wait_for(lambda: len(world.ours()) == 1, world)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_sighup_with_a_wrong_mapping_keeps_the_old_ones_and_says_where_it_is_wrong(world):
    own = world.folder / "own"
    own.mkdir()
    world.config.write_text('mappings_dir = "own"\n' + world.config.read_text())
    with daemon(world) as process:
        wait_for(lambda: collected(world), world)
        (own / "orders.toml").write_text('[fields]\ntotal_paid = "text"\nmine = "text from note"\n')
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: seen(world, "settings.refused"), world)
        (refused,) = seen(world, "settings.refused")
        assert refused["error"] == "mapping.wrong"
        assert f"{own / 'orders.toml'}:2 total_paid is a decimal" in refused["text"]
        world.deliver(world.reply(world.thread("closed")))
        wait_for(lambda: len(world.ours()) == 1, world)
        (own / "orders.toml").write_text('[fields]\nmine = "text from note"\n')
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: seen(world, "settings.reloaded"), world)
        assert "add column orders.mine" in seen(world, "mirror.changed")[-1]["text"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@databases.on_one
def test_systemd_hears_ready_watchdog_and_stopping(world):
    path = world.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(30)
        with daemon(world, NOTIFY_SOCKET=str(path), WATCHDOG_USEC="2000000") as process:
            heard = ""
            while "WATCHDOG=1" not in heard or "STATUS=" not in heard:
                heard += listener.recv(4096).decode() + "\n"
            assert heard.startswith("READY=1")
            process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in heard:
                heard += listener.recv(4096).decode() + "\n"
            assert process.wait(15) == 0


def test_a_command_is_done_by_the_daemon_that_holds_the_lease(world):
    with daemon(world) as process:
        wait_for(lambda: any(e.get("leg") == "pull" for e in seen(world, "leg.finished")), world)
        thread = world.thread("closed")
        command = [sys.executable, "-m", "connector", "--config", str(world.config)]
        done = subprocess.run(
            [*command, "thread", "status", str(thread["id"]), "pending1"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, "confirmed" in done.stdout) == (0, True), done.stderr
        assert process.poll() is None
    assert world.shop.row("customer_threads", thread["id"])["status"] == "pending1"


@databases.on_one
def test_a_key_that_is_refused_ends_neither_the_daemon_nor_the_mailbox(world):
    with daemon(world) as process:
        wait_for(lambda: collected(world), world)
        world.shop.set_key_active(world.shop.full_key, False)
        wait_for(lambda: seen(world, "shop.reauthorise_needed"), world)
        world.deliver(world.reply(world.thread()))
        wait_for(lambda: any(e.get("fetched") for e in seen(world, "leg.finished")), world)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_a_reload_leaves_the_mirrors_log_where_another_process_finds_it(world):
    with daemon(world) as process:
        wait_for(lambda: collected(world), world)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: seen(world, "settings.reloaded"), world)
        command = [sys.executable, "-m", "connector", "--config", str(world.config), "status"]
        subprocess.run(command, capture_output=True, timeout=60, check=True)
        world.deliver(world.reply(world.thread("closed")))
        wait_for(lambda: seen(world, "mail.imported"), world)
        assert world.mirror_url or (world.folder / "mirror.db-wal").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with world.app() as app:
        assert app.mirror.ledger.states("main") == {"imported": 1}


@databases.on_one
def test_broken_settings_end_it_at_once_with_78(world):
    world.config.write_text("[shops.main]\nurl = 'not a url'\n")
    command = [sys.executable, "-m", "connector", "--config", str(world.config), "run"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 78
    assert "Traceback" not in ended.stderr
    assert "url" in ended.stderr

"""The daemon with a real Dovecot and a schedule that looks once an hour: what happens soon, happens by IDLE."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.engine.test_daemon import daemon, seen, wait_for
from tests.support import databases
from tests.support.dovecot import Dovecot, require_dovecot
from tests.support.world import PASSWORD, World

pytestmark = databases.on_one

FOLDERS = ("INBOX", "Rückfragen & Co", "送信済み")
SCHEDULE = """
[schedule]
pull_seconds = 3600
sweep_seconds = 3600
deletions_seconds = 3600
collect_seconds = 3600
push_seconds = 3600
jitter_seconds = 0
"""


@pytest.fixture
def server():
    require_dovecot()
    with Dovecot() as running:
        for folder in FOLDERS[1:]:
            running.make_folder(folder)
        yield running


@pytest.fixture
def world(tmp_path, server):
    with World(tmp_path / "state", user=server.user) as here:
        text = here.config.read_text()
        for old, new in (
            (f"port = {here.mailbox.port}", f"port = {server.port}"),
            (f'password = "{PASSWORD}"', f"password = {json.dumps(server.password)}"),
            ('folders = ["INBOX"]', f"folders = {json.dumps(FOLDERS[:2])}"),
            ('sent_folders = ["Sent"]', f"sent_folders = {json.dumps(FOLDERS[2:])}"),
        ):
            assert old in text
            text = text.replace(old, new)
        here.config.write_text(text + SCHEDULE)
        yield here


def ready(world, times=1):
    """All folders are watched and have their baseline, and the mirror is filled."""
    return (
        len(seen(world, "watch.started")) == times * len(FOLDERS)
        and {e["folder"] for e in seen(world, "folder.baselined")} == set(FOLDERS)
        and sum(e.get("leg") == "pull" for e in seen(world, "leg.finished")) == times
    )


def threads(world):
    rows = world.shop.rows("customer_threads", status="closed")
    return [row for row in rows if "@" in str(row["email"]) and row["token"]]


def test_a_reply_is_in_the_shop_soon_after_it_arrives_in_any_watched_folder(world, server):
    with daemon(world) as process:
        wait_for(lambda: ready(world), world)
        for number, (folder, thread) in enumerate(zip(FOLDERS[:2], threads(world), strict=False), start=1):
            server.deliver(folder, world.reply(thread))
            began = time.monotonic()
            wait_for(lambda number=number: len(world.ours()) == number, world, 20)
            assert time.monotonic() - began < 10
        thread = threads(world)[-1]
        server.deliver("送信済み", world.people.staff_reply(thread["email"], thread["id"], thread["token"]))
        wait_for(lambda: len(world.ours()) == 3, world, 20)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(15) == 0
        assert time.monotonic() - began < 6
    assert not [e for e in seen(world, "library.logged") if "maximum number" in str(e)]


def test_after_a_reload_and_a_restart_of_the_server_replies_still_come_at_once(world, server):
    first, second = threads(world)[:2]
    with daemon(world) as process:
        wait_for(lambda: ready(world), world)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: ready(world, 2), world)
        server.deliver("INBOX", world.reply(first))
        wait_for(lambda: len(world.ours()) == 1, world, 20)
        server.kill()
        wait_for(lambda: len(seen(world, "watch.lost")) == len(FOLDERS), world, 20)
        server.start()
        server.deliver("INBOX", world.reply(second))
        wait_for(lambda: len(world.ours()) == 2, world, 20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_the_settings_say_which_folders_are_watched(tmp_path):
    with World(tmp_path / "state", mailbox_settings="idle_connections = 1") as world, world.app() as app:
        assert [w.folder for w in app.graph().watches["main"]] == ["INBOX"]
    with World(tmp_path / "other", mailbox_settings="idle = false") as world, world.app() as app:
        assert app.graph().watches == {"main": []}

"""Watched folders, with a real Dovecot: news wakes, lost lines come back, what cannot be watched is left alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connector.core import watching
from connector.engine.watch import Watch, Watcher, Watchers
from connector.mailbox.client import Account
from connector.mailbox.idle import IdleFolder
from tests.mailbox.test_client import SELECT, mail, scripted
from tests.support import databases
from tests.support.dovecot import Dovecot, require_dovecot

pytestmark = databases.on_one


def account(server: Dovecot) -> Account:
    return Account(server.host, server.port, server.user, server.password, "plain", timeout=5)


class Told:
    """What a watcher did: wakes, and the events with their keys."""

    def __init__(self) -> None:
        self.wakes: list[str] = []
        self.events: list[tuple[str, dict[str, object]]] = []
        self.changed = threading.Condition()

    def woken(self, mailbox: str) -> None:
        with self.changed:
            self.wakes.append(mailbox)
            self.changed.notify_all()

    def emit(self, name: str, /, **keys: object) -> None:
        with self.changed:
            self.events.append((name, keys))
            self.changed.notify_all()

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def wait_for(self, condition, seconds: float = 10.0) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, seconds), (self.wakes, self.events)


@contextmanager
def watching_a_folder(where: Account, folder: str = "INBOX", **more) -> Iterator[Told]:
    """A watcher in a thread of its own; it has ended when the block is over."""
    told, halt = Told(), threading.Event()

    def make(watch: Watch) -> Watcher:
        return Watcher("main", watch, told.woken, halt.is_set, told, lambda: 0.9, **more)

    watchers = Watchers(make, [Watch("support", folder, lambda: IdleFolder("support", where, folder))])
    watchers.keep()
    try:
        yield told
    finally:
        halt.set()
        began = time.monotonic()
        watchers.join(5)
        assert time.monotonic() - began < 2.5
        assert not watchers.running


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as running:
        yield running


def test_a_mail_wakes_the_mailbox_once_and_within_a_second_or_so(dovecot):
    dovecot.make_folder("送信済み")
    with watching_a_folder(account(dovecot), "送信済み") as told:
        told.wait_for(lambda: told.wakes == ["support"])  # what came before the watch began
        began = time.monotonic()
        dovecot.deliver("送信済み", mail(1))
        told.wait_for(lambda: len(told.wakes) == 2)
        assert time.monotonic() - began < 3
    assert told.events == [("watch.started", {"shop": "main", "mailbox": "support", "folder": "送信済み"})]


def test_a_wait_that_is_renewed_looks_into_the_folder(dovecot):
    with watching_a_folder(account(dovecot), renew_seconds=0.1) as told:
        told.wait_for(lambda: len(told.wakes) > 4)
    assert told.names() == ["watch.started"]


def test_a_server_that_is_started_again_is_watched_again(monkeypatch):
    monkeypatch.setattr(watching, "PAUSES", (0.2,) * 30)
    require_dovecot()
    with Dovecot() as server, watching_a_folder(account(server)) as told:
        told.wait_for(lambda: told.wakes)
        server.kill()
        told.wait_for(lambda: told.names() == ["watch.started", "watch.lost"])
        server.start()
        told.wait_for(lambda: told.names() == ["watch.started", "watch.lost", "watch.started"])
        seen = len(told.wakes)
        server.deliver("INBOX", mail(1))
        told.wait_for(lambda: len(told.wakes) > seen)
    lost = told.events[1][1]
    assert lost["error"] in ("imap.connection_lost", "imap.unreachable")
    assert 0.1 <= lost["retry_in"] <= 0.2


def test_a_server_without_idle_is_left_to_the_schedule_and_said_so_once(monkeypatch):
    monkeypatch.setattr(watching, "SCHEDULE_ONLY", 0.05)
    without = ("CAPABILITY", "* CAPABILITY IMAP4rev1\n{tag} OK done\n")
    with scripted(without, SELECT) as where, watching_a_folder(where) as told:
        told.wait_for(lambda: told.events)
        time.sleep(0.5)
    ((name, keys),) = told.events
    assert (name, keys["error"], told.wakes) == ("watch.suspended", "imap.no_idle", [])


def test_a_server_that_always_hangs_up_is_left_to_the_schedule_and_tried_again_later(monkeypatch):
    monkeypatch.setattr(watching, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(watching, "SCHEDULE_ONLY", 0.05)
    capable = ("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE\n{tag} OK done\n")
    with scripted(capable, SELECT, ("IDLE", "* BYE no\nHANGUP")) as where, watching_a_folder(where) as told:
        told.wait_for(lambda: "watch.suspended" in told.names())
        time.sleep(0.5)
    assert told.names() == ["watch.lost", "watch.suspended"]


def test_a_line_that_breaks_again_and_again_is_told_of_once_an_hour(monkeypatch):
    monkeypatch.setattr(watching, "PAUSES", (0.01,))
    monkeypatch.setattr("connector.engine.watch.STABLE_SECONDS", 0.0)
    capable = ("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE\n{tag} OK done\n")
    with scripted(capable, SELECT, ("IDLE", "+ idling\n* BYE no\nHANGUP")) as where, watching_a_folder(where) as told:
        told.wait_for(lambda: len(told.wakes) > 6)
    assert told.names() == ["watch.started", "watch.lost", "watch.started"]


def test_a_refused_password_is_not_tried_again_at_once():
    refused = ("LOGIN", "{tag} NO no such user\n")
    capable = ("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE\n{tag} OK done\n")
    with scripted(capable, refused) as where, watching_a_folder(where) as told:
        told.wait_for(lambda: told.events)
    ((name, keys),) = told.events
    assert (name, keys["error"]) == ("watch.suspended", "imap.login_refused")
    assert keys["retry_in"] > 400


def test_a_fault_of_ours_ends_no_watch(monkeypatch):
    monkeypatch.setattr(watching, "PAUSES", (0.01,) * 5)
    told, halt = Told(), threading.Event()

    def connect():
        if len(told.events) < 1:
            raise RuntimeError("a fault")
        halt.set()
        raise RuntimeError("again")

    Watcher("main", Watch("support", "INBOX", connect), told.woken, halt.is_set, told, lambda: 0.0).run()
    ((name, keys),) = told.events
    assert (name, keys["error"], type(keys["exc_info"])) == ("watch.lost", "leg.fault", RuntimeError)


def test_only_what_does_not_run_is_started():
    started, halt = [], threading.Event()

    class Endless:
        def run(self):
            halt.wait(5)

    class Short:
        def run(self):
            return

    def make(watch):
        started.append(watch.folder)
        return Endless() if watch.folder == "INBOX" else Short()

    watchers = Watchers(make, [Watch("support", folder, lambda: None) for folder in ("INBOX", "Sent")])
    watchers.keep()
    while watchers.running > 1:
        time.sleep(0.001)
    watchers.keep()
    halt.set()
    assert started == ["INBOX", "Sent", "Sent"]

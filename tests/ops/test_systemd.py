"""Datagrams to the supervisor, over real sockets."""

from __future__ import annotations

import os
import secrets
import socket

import pytest

from connector.ops.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def supervisor(request, tmp_path):
    name = str(tmp_path / "notify") if request.param == "path" else f"@connector-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(5)
        yield name, lambda: listener.recv(4096).decode()


def test_each_word_arrives_as_one_datagram(supervisor):
    name, heard = supervisor
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "300000000", "WATCHDOG_PID": str(os.getpid())})
    notifier.ready("2 shops")
    assert heard() == "READY=1\nSTATUS=2 shops"
    notifier.status("one\nline only")
    assert heard() == "STATUS=one line only"
    notifier.watchdog()
    assert heard() == "WATCHDOG=1"
    notifier.reloading()
    first, second = heard().split("\n")
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0
    notifier.stopping()
    assert heard() == "STOPPING=1"
    assert notifier.watchdog_seconds == 300


def test_outside_systemd_nothing_happens():
    notifier = Notifier({})
    notifier.ready()
    notifier.watchdog()
    assert notifier.watchdog_seconds is None


def test_a_supervisor_that_is_away_stops_nobody(tmp_path):
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


@pytest.mark.parametrize(
    "environ",
    [
        {"WATCHDOG_USEC": "300000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_PID": str(os.getpid())},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(environ):
    assert Notifier(environ).watchdog_seconds is None


def test_an_unwatched_process_sends_no_sign_of_life(supervisor):
    name, heard = supervisor
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.watchdog()
    notifier.status("next")
    assert heard() == "STATUS=next"

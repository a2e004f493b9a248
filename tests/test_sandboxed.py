"""The program at work in the sandbox that its unit asks for: nothing that it needs is shut out."""

from __future__ import annotations

import ctypes.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source import REPOSITORY
from tests.support.world import World

UNIT = REPOSITORY / "systemd" / "prestashop-connector.service"
PROGRAM = [sys.executable, "-m", "connector"]
PROBE = """
import ctypes, json, mmap, os, socket
def says(work):
    try:
        work()
    except OSError as error:
        return error.strerror
    return "done"
here = os.environ["CONFINED_PROBE"]
print(json.dumps({
    "write /etc": says(lambda: open("/etc/probe", "w")),
    "write here": says(lambda: open(here + "/probe", "w")),
    "mode here": oct(os.stat(here + "/probe").st_mode & 0o777),
    "homes": [name for home in ("/root", "/home") if os.access(home, os.R_OK) for name in os.listdir(home)],
    "netlink": says(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
    "packet": says(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)),
    "inet": says(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM, 0)),
    "write and execute": says(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
    "chown": says(lambda: os.chown(here, 0, 0)),
    "home": os.environ.get("HOME"), "cwd": os.getcwd(),
}))
"""


def why_not() -> str:
    """What this machine lacks to build the sandbox; '' for nothing."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("mount", "systemd-analyze"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if ctypes.util.find_library("seccomp") is None and not list(Path("/usr/lib").glob("*/libseccomp.so.2")):
        return "libseccomp2 is not installed"
    return ""


@pytest.fixture(scope="module")
def nobody():
    return pwd.getpwnam("nobody")


@pytest.fixture
def confined(nobody, tmp_path):
    """The command line that runs a program shut in, with tmp_path as the one place to write to."""

    def command(*program: str) -> list[str]:
        return [
            sys.executable, "-m", "tests.support.confined", str(UNIT), str(tmp_path), str(nobody.pw_uid), *program
        ]  # fmt: skip

    if reason := why_not():
        pytest.skip(f"the sandbox of the unit cannot be built here: {reason}")
    tmp_path.chmod(0o700)
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)
    tried = subprocess.run(command(sys.executable, "-c", ""), cwd=REPOSITORY, capture_output=True, text=True)
    if tried.returncode:  # a container without the right to mount, or a checkout that others may not read
        pytest.skip(f"the sandbox of the unit cannot be built here: {tried.stderr.strip()[-300:]}")
    return command


@pytest.fixture
def world(tmp_path, nobody) -> Iterator[World]:
    with World(tmp_path / "state") as it:
        for path in (it.folder, *it.folder.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        it.folder.chmod(0o700)
        yield it


def test_the_sandbox_shuts_out_what_the_unit_says(confined, tmp_path):
    done = subprocess.run(
        confined(sys.executable, "-c", PROBE),
        cwd=REPOSITORY,
        env={**os.environ, "CONFINED_PROBE": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    homes = found.pop("homes")
    assert all(f"/{name}/" in f"{REPOSITORY} {sys.prefix} {sys.base_prefix}" for name in homes)
    assert found == {
        "write /etc": "Read-only file system",
        "write here": "done",
        "mode here": "0o600",
        "netlink": "Address family not supported by protocol",
        "packet": "Address family not supported by protocol",
        "inet": "done",
        "write and execute": "Operation not permitted",
        "chown": "Operation not permitted",
        "home": None,
        "cwd": "/",
    }


def test_a_cycle_does_its_whole_work_there(confined, world):
    world.deliver(world.people.new_question("new.person@customer.test"))
    command = confined(*PROGRAM, "--config", str(world.config), "sync", "--json")
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-3000:]
    (shop,) = json.loads(done.stdout)["shops"]
    assert shop["legs"]["collect"]
    assert (world.folder / "mirror.db").stat().st_mode & 0o777 == 0o600


def test_the_daemon_gets_ready_there_and_ends_well(confined, world, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        (tmp_path / "notify").chmod(0o777)
        systemd.settimeout(30)
        process = subprocess.Popen(
            confined(*PROGRAM, "--config", str(world.config), "run"),
            cwd=REPOSITORY,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            told = ""
            while "READY=1" not in told and process.poll() is None:
                told += systemd.recv(4096).decode()
            while "STATUS=" not in told:
                told += systemd.recv(4096).decode()
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, "READY=1" in told) == (0, True), out[-3000:]
    assert "all well" in told or "failing" not in told

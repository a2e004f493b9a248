"""Runs a command in the sandbox of a unit file, as far as that goes without systemd: by root, with libseccomp.

    python -m tests.support.confined UNIT WRITABLE UID COMMAND...

Of the unit it applies ProtectSystem=strict (everything read-only but WRITABLE), ProtectHome, PrivateTmp, a user and
group without names (UID), no capabilities, NoNewPrivileges, SystemCallFilter, RestrictAddressFamilies,
MemoryDenyWriteExecute and UMask; the command starts in / with no HOME. Kernel namespaces and libseccomp do it, as
for systemd; the groups of system calls are systemd's own (`systemd-analyze syscall-filter`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.source import REPOSITORY

ALLOW = 0x7FFF0000
KEPT_IN_ENVIRONMENT = ("NOTIFY_SOCKET", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "CONFINED_PROBE")
PR_SET_NO_NEW_PRIVS, CLONE_NEWNS = 38, 0x20000
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = 2, 4
HOMES = ("/home", "/root", "/run/user")


def directives(unit: Path) -> dict[str, list[str]]:
    """Name -> its values in order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Z]\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def confine(unit: Path, writable: Path, uid: int) -> None:
    """Shut this process in."""
    wanted = directives(unit)
    assert wanted["ProtectSystem"] == ["strict"]
    assert wanted["ProtectHome"] == wanted["PrivateTmp"] == wanted["MemoryDenyWriteExecute"] == ["yes"]
    filtered = system_calls(wanted["SystemCallFilter"])  # asked for while other programs can still be started
    file_systems(writable)
    os.chdir("/")
    os.umask(int(wanted["UMask"][0], 8))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)  # with it go all capabilities
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    Filter(ALLOW).only_families(wanted["RestrictAddressFamilies"][0].split()).load()
    Filter(ALLOW).no_write_and_execute().load()
    Filter(denied(errno.EPERM)).allow(filtered).load()


def file_systems(writable: Path) -> None:
    """Everything read-only; homes and other people's temporary files out of sight; `writable` as it is."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "tmpfs", "/mnt")
    # The program itself may lie in a home here; with a package it never does.
    places = {REPOSITORY, Path(sys.prefix), Path(sys.base_prefix)}
    held = [writable, *(place for place in sorted(places) if place.is_relative_to(writable) or hidden(place))]
    for number, place in enumerate(held):
        os.mkdir(f"/mnt/{number}")
        mount("--bind", str(place), f"/mnt/{number}")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp")
    for home in filter(os.path.isdir, HOMES):
        mount("-t", "tmpfs", "-o", "mode=755" if any(hidden(place) for place in held) else "mode=000", "tmpfs", home)
    for number, place in enumerate(held):
        os.makedirs(place, mode=0o755, exist_ok=True)
        mount("--bind", f"/mnt/{number}", str(place))
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = line.split()[4]
        if not re.match(r"/(proc|sys|dev|tmp|mnt)(/|$)", place) and place != str(writable):
            subprocess.run(["mount", "-o", "remount,bind,ro", place], capture_output=True, check=False)
    mount("-t", "tmpfs", "-o", "mode=000", "tmpfs", "/mnt")


def hidden(place: Path) -> bool:
    return any(place.is_relative_to(home) for home in HOMES)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def system_calls(filters: list[str]) -> set[str]:
    """Names of the calls that are allowed: those of the first line, less those of the lines that begin with ~."""
    found = group("@default")
    for line in filters:
        names = set().union(*(group(name) for name in line.lstrip("~").split()))
        found = found - names if line.startswith("~") else found | names
    return found


def group(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True)
    lines = [line.strip() for line in told.stdout.splitlines()[1:]]
    return set().union(*(group(line) for line in lines if line and not line.startswith("#")))


def denied(number: int) -> int:
    return 0x00050000 | number


class Comparison(ctypes.Structure):
    """scmp_arg_cmp of libseccomp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class Filter:
    """default: what happens to a call that no rule is about."""

    def __init__(self, default: int) -> None:
        self.library = ctypes.CDLL("libseccomp.so.2")
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def rule(self, action: int, name: str, *comparisons: Comparison) -> None:
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # not of this machine
        held = (Comparison * len(comparisons))(*comparisons)
        done = self.library.seccomp_rule_add_array(
            self.context, ctypes.c_uint32(action), number, len(comparisons), held
        )
        assert done == 0, (name, done)

    def allow(self, names: set[str]) -> Filter:
        for name in names:
            self.rule(ALLOW, name)
        return self

    def only_families(self, names: list[str]) -> Filter:
        allowed = {int(getattr(socket, name)) for name in names}
        for family in set(range(46)) - allowed:
            self.rule(denied(errno.EAFNOSUPPORT), "socket", Comparison(0, EQUAL, family, 0))
        return self

    def no_write_and_execute(self) -> Filter:
        both = WRITE | EXECUTE
        self.rule(denied(errno.EPERM), "mmap", Comparison(2, MASKED_EQUAL, both, both))
        for name in ("mprotect", "pkey_mprotect"):
            self.rule(denied(errno.EPERM), name, Comparison(2, MASKED_EQUAL, EXECUTE, EXECUTE))
        return self

    def load(self) -> None:
        assert self.library.seccomp_load(self.context) == 0


if __name__ == "__main__":
    unit, writable, uid, *command = sys.argv[1:]
    confine(Path(unit), Path(writable), int(uid))
    kept = {name: os.environ[name] for name in KEPT_IN_ENVIRONMENT if name in os.environ}
    os.execve(command[0], command, {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "prestashop-connector", **kept})

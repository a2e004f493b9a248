"""Whose files the program makes: the service's user, also when root sets it up."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SERVICE = "prestashop-connector"
"""The user that `systemd/prestashop-connector.sysusers.conf` makes."""


@dataclass(frozen=True, slots=True)
class User:
    name: str
    uid: int
    gid: int


def named(name: str) -> User | None:
    """The user of this name; None when the system has none."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return User(found.pw_name, found.pw_uid, found.pw_gid)


def myself() -> User:
    """Who runs this process."""
    uid = os.geteuid()
    try:
        return User(pwd.getpwuid(uid).pw_name, uid, os.getegid())
    except KeyError:
        return User(f"#{uid}", uid, os.getegid())


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """Make files and look at them as this user while the block runs; for root only, nobody else may change. Of the
    whole process, so not beside other threads."""
    uid, gid, groups = os.geteuid(), os.getegid(), os.getgroups()
    if user.uid == uid:
        yield
        return
    os.setgroups([user.gid])
    os.setegid(user.gid)
    os.seteuid(user.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)

"""Who may sign in: a JSON file of names, argon2 hashes, roles and employees, written by `web user`.

The file is read again whenever it changed, so that a user who is removed is out at the next click.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.errors import DataError, NotPermitted, SettingsError, StateError

try:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError
except ModuleNotFoundError as error:
    raise SettingsError("web.library_missing", library=error.name or "argon2-cffi") from error

ROLES = ("read", "answer", "admin")
"""Each may do what those before it may."""
LEAST = 10
"""Characters of a password."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AT_ONCE = 2  # argon2 takes 64 MiB each


@dataclass(frozen=True, slots=True)
class User:
    """employees: shop -> id of the employee in whose name they write. hash '': a proxy signs them in."""

    name: str
    role: str
    employees: Mapping[str, int] = field(default_factory=dict)
    hash: str = field(default="", repr=False)

    def may(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


class Users:
    """hasher: argon2id with the library's defaults (RFC 9106, low memory), or a cheaper one in tests."""

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        self.path = path
        self._hasher = hasher or PasswordHasher()
        self._dummy = ""
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], dict[str, User]] | None = None

    def all(self) -> dict[str, User]:
        """By name. Raises StateError for a file that is no users file, NotPermitted for one that others may read."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StateError("web.users_unreadable", path=str(self.path), reason=error.strerror or "error") from error
        if found.st_mode & 0o077:
            raise NotPermitted("web.users_open", path=str(self.path), mode=f"{stat.S_IMODE(found.st_mode):o}")
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            if self._read is None or self._read[0] != mark:
                self._read = (mark, self._load())
            return self._read[1]

    def get(self, name: str) -> User | None:
        return self.all().get(name)

    def _load(self) -> dict[str, User]:
        try:
            tree = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: _user(name, one) for name, one in tree["users"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "is no users file"
            raise StateError("web.users_unreadable", path=str(self.path), reason=reason) from error

    def check(self, name: str, password: str) -> User | None:
        """The user, if that is the password. Takes as long for a name that nobody has."""
        user = self.get(name)
        with self._turns:
            if user is None or not user.hash:
                self._dummy = self._dummy or self._hasher.hash(secrets.token_urlsafe())
            try:
                self._hasher.verify(user.hash if user is not None and user.hash else self._dummy, password)
            except (VerificationError, InvalidHashError):
                return None
        return user if user is not None and user.hash else None

    # --- changing -------------------------------------------------------------------------------------------------

    def put(self, name: str, role: str, password: str | None, employees: Mapping[str, int]) -> None:
        """Add a user or replace it. password None: of an old user the same, of a new one none. Raises DataError."""
        if not _NAME.fullmatch(name):
            raise DataError("web.user_name", name=name)
        if password is not None and len(password) < LEAST:
            raise DataError("web.password_short", least=LEAST)
        known = dict(self.all())
        kept = known[name].hash if name in known else ""
        hashed = kept if password is None else self._hasher.hash(password)
        self._write({**known, name: User(name, role, dict(employees), hashed)})

    def remove(self, name: str) -> None:
        known = dict(self.all())
        if known.pop(name, None) is None:
            raise DataError("web.user_unknown", name=name)
        self._write(known)

    def _write(self, users: Mapping[str, User]) -> None:
        """Whole or not at all, readable for the owner alone."""
        tree = {
            name: {"role": one.role, "employees": dict(one.employees), "hash": one.hash}
            for name, one in sorted(users.items())
        }
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}.part")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"users": tree}, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise StateError("web.users_not_written", path=str(self.path), reason=error.strerror or "error") from error


def _user(name: str, one: Mapping[str, Any]) -> User:
    role, hashed = one["role"], one.get("hash", "")
    if role not in ROLES or not isinstance(hashed, str):
        raise ValueError(role)
    return User(name, role, {str(shop): int(number) for shop, number in one.get("employees", {}).items()}, hashed)

"""The instance secret: what our Message-IDs and the tokens of threads we create are signed with."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from connector.config.tree import Settings
from connector.errors import CannotCreate, NotPermitted, StateError

FILE_NAME = "instance.secret"


def ensure_instance_secret(settings: Settings) -> str:
    """The secret from the settings, else the one in the state directory, which is made (0600) when there is none.

    Two processes that start at once get the same one. Raises CannotCreate, NotPermitted or StateError.
    """
    if settings.instance_secret is not None:
        return settings.instance_secret.get_secret_value()
    path = settings.state_dir / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        secret = path.read_text(encoding="ascii", errors="replace").strip()
    except PermissionError:
        raise NotPermitted("state.secret_not_permitted", file=str(path)) from None
    except OSError as error:
        raise CannotCreate("state.secret_not_creatable", file=str(path), reason=error.strerror) from None
    if len(secret) < 16:
        raise StateError("state.secret_damaged", file=str(path))
    return secret


def instance_secrets(settings: Settings) -> tuple[str, ...]:
    """The current secret, then old ones whose signatures still count."""
    old = (value.get_secret_value() for value in settings.old_instance_secrets)
    return (ensure_instance_secret(settings), *old)


def _make(path: Path) -> None:
    """Written in full under another name first: a crash in between leaves no half secret."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(32).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # somebody else was quicker: theirs counts
            os.link(draft, path)
    finally:
        draft.unlink()

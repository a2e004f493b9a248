"""A new file that only its owner may read: whole or not at all, and never over one that is there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.errors import CannotCreate


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path to write to, made with mode 0600 beside the target, which it becomes when the block ends well.

    Raises CannotCreate `output.exists` before anything is done, also for a link that leads nowhere, and when somebody
    was faster; `output.not_written` for a folder that cannot be written or a full disk.
    """
    if os.path.lexists(target):
        raise CannotCreate("output.exists", path=str(target))
    draft = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        try:
            yield draft
            _flush(draft)
            os.link(draft, target)  # unlike a rename, refuses to replace
            _flush(target.parent)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        raise CannotCreate("output.exists", path=str(target)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", "") or "not a path"
        raise CannotCreate("output.not_written", path=str(target), reason=reason) from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

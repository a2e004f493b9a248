"""A text that a person writes in an editor: a file of its own in the state directory, kept until its words are safe.

Lines that begin with `#>` are remarks for the writer. An ordinary `#` may begin a line of an answer.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from connector.cli.output import safe
from connector.errors import CannotCreate, DataError, UsageError

REMARK = "#>"
NAMED = ("VISUAL", "EDITOR")
COMMON = ("sensible-editor", "editor", "nano", "vi")


class Draft:
    """path: where the words are. Made by `new`, removed by `done`."""

    def __init__(self, path: Path, thread_id: int, initial: str) -> None:
        self.path = path
        self._thread_id = thread_id
        self._initial = initial

    @classmethod
    def new(cls, state_dir: Path, thread_id: int, text: str, remarks: Sequence[str]) -> Draft:
        """Only its owner may read it: it holds a customer's words. Raises CannotCreate."""
        folder = state_dir / "drafts"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            number, name = tempfile.mkstemp(prefix=f"reply-{thread_id}-", suffix=".txt", dir=folder, text=True)
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text + "\n" + "".join(f"{REMARK} {safe(line)}".rstrip() + "\n" for line in remarks))
        except OSError as error:
            raise CannotCreate("reply.draft_failed", path=str(folder), reason=error.strerror or "error") from error
        return cls(Path(name), thread_id, text)

    def edit(self) -> str | None:
        """Have it edited. The text without remarks; None when it was left empty or as it was.

        Raises UsageError `reply.no_editor` and DataError `reply.editor_failed`, `reply.not_utf8`: the file stays."""
        command = editor()
        with _for_the_editor() as stdin:
            try:
                # The command is the user's own, from the environment or the system.
                status = subprocess.run([*command, str(self.path)], stdin=stdin, check=False).returncode  # noqa: S603 - the user's own
            except OSError as error:
                self.done()
                raise UsageError("reply.no_editor", reason=f"{command[0]}: {error.strerror}") from error
        if status:
            raise DataError("reply.editor_failed", status=status, path=str(self.path), id=self._thread_id)
        text = self.text()
        return text if text and text != self._initial.strip() else None

    def text(self) -> str:
        """What was written, without remarks."""
        try:
            lines = self.path.read_bytes().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise DataError("reply.not_utf8") from None
        except OSError as error:
            raise DataError("reply.unreadable", path=str(self.path), reason=error.strerror or "?") from None
        return "\n".join(line for line in lines if not line.startswith(REMARK)).strip()

    def done(self) -> None:
        """The words are elsewhere now, or there are none."""
        self.path.unlink(missing_ok=True)


def editor_is_named() -> bool:
    """Has the user said which editor to use?"""
    return any(os.environ.get(name, "").strip() for name in NAMED)


def editor() -> list[str]:
    """The command of $VISUAL, $EDITOR or the system's editor. Raises UsageError `reply.no_editor`."""
    for name in NAMED:
        if given := os.environ.get(name, "").strip():
            try:
                return shlex.split(given)
            except ValueError as error:
                raise UsageError("reply.no_editor", reason=f"{name} is no command: {error}") from error
    for name in COMMON:
        if shutil.which(name):
            return [name]
    raise UsageError("reply.no_editor", reason="VISUAL and EDITOR are not set, and the system has none")


@contextmanager
def _for_the_editor() -> Iterator[int | None]:
    """The terminal is the editor's: its Ctrl-C must not end us, and it reads keys even where our input is a pipe."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        """Not SIG_IGN, which the editor would inherit."""

    before = signal.signal(signal.SIGINT, leave)
    terminal: int | None = None
    try:
        if not sys.stdin.isatty():
            try:
                terminal = os.open("/dev/tty", os.O_RDWR)
            except OSError:
                terminal = None  # no terminal at all: an editor that needs none may run
        yield terminal if terminal is not None else (None if sys.stdin.isatty() else subprocess.DEVNULL)
    finally:
        if terminal is not None:
            os.close(terminal)
        signal.signal(signal.SIGINT, before)

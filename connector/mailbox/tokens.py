"""The tokens of one account in the state directory: read by every process, renewed by one at a time.

A file per grant (client, user, flow, scope, endpoint), so that a mailbox and the SMTP server of one account share it. A
rotating refresh token works once: it is renewed under a file lock, room for the answer is reserved before the server is
asked, and the answer is on disk before anybody uses it. The settings' refresh token only seeds the file; another seed
than last time is taken over.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from connector.errors import CannotCreate, MailboxReauthorise, MailboxUnavailable, StateError
from connector.mailbox.oauth import Answer, Grant, TokenServer

FOLDER = "oauth"
EARLY = 60.0  # seconds before its end from which an access token is not used any more
ROOM = 16_384  # bytes reserved for an answer; Microsoft's tokens take about 4,000
NEVER = "oauth.never_authorised"
REFUSED = "oauth.token_refused"


@dataclass(frozen=True, slots=True)
class Held:
    """What is on disk. expires_at: Unix time. seed: digest of the settings' token that this one descends from.
    dead: error code of what only a person can mend, '' while all is well."""

    access_token: str = field(default="", repr=False)
    expires_at: float = 0.0
    refresh_token: str = field(default="", repr=False)
    seed: str = ""
    dead: str = ""


class Tokens:
    """Fits `bearer.AccessTokens`. `folder`: the state directory. `name`: of the mailbox, or smtp, for errors.

    Beside what `TokenServer` raises: CannotCreate and StateError when the state directory cannot be written.
    """

    def __init__(self, name: str, grant: Grant, folder: Path, now: Callable[[], float] = time.time) -> None:
        self.name = name
        self.grant = grant
        self.server = TokenServer(name, grant)
        self._folder = folder / FOLDER
        self._file = self._folder / f"{_digest(grant)}.json"
        self._now = now
        self._unsaved: Held | None = None
        self._seed = hashlib.sha256(grant.refresh_token.encode()).hexdigest() if grant.refresh_token else ""

    # --- for sessions ---------------------------------------------------------------------------------------------

    def access(self, refused: str = "") -> str:
        """An access token for now, another one than `refused`."""
        held = self._read()
        if self._is_good(held, refused):
            return held.access_token
        with self._locked():
            held = self._read()
            if self._is_good(held, refused):  # another process was faster
                return held.access_token
            with _without_interruption():
                return self._renew(held)

    def accepted(self) -> None:
        """The mail server took the token: whatever was wrong is mended."""
        if self._read().dead:
            self._note("")

    def dead(self) -> MailboxReauthorise:
        """The mail server refuses a token that was made just now."""
        self._note(REFUSED)
        return MailboxReauthorise(REFUSED, mailbox=self.name)

    # --- for commands ---------------------------------------------------------------------------------------------

    def state(self) -> str:
        """'' when nothing is known to be wrong, else the error code of what only a person can mend."""
        try:
            held = self._read()
        except MailboxReauthorise as error:
            return error.code
        if not held.dead and self.grant.needs_a_person and not (held.refresh_token or self.grant.refresh_token):
            return NEVER
        return held.dead

    def renewed_at(self) -> datetime | None:
        """When tokens were put on disk last, UTC; None when there are none."""
        try:
            return datetime.fromtimestamp(self._file.stat().st_mtime, UTC)
        except OSError:
            return None

    def adopt(self, answer: Answer) -> None:
        """A person has agreed: these tokens count from now on."""
        with self._locked(), self._room() as save:
            save(self._held(answer, ""))

    # --- inside ---------------------------------------------------------------------------------------------------

    def _is_good(self, held: Held, refused: str) -> bool:
        return (
            bool(held.access_token)
            and held.access_token != refused
            and held.expires_at - EARLY > self._now()
            and (not self._seed or held.seed == self._seed)
            and self._unsaved is None
        )

    def _renew(self, held: Held) -> str:
        if self._unsaved is not None:
            held = self._unsaved
            with self._room() as save:
                save(held)
            self._unsaved = None
            return held.access_token
        refresh = held.refresh_token
        if self._seed and held.seed != self._seed:  # somebody put a new token into the settings
            refresh = self.grant.refresh_token
        if self.grant.needs_a_person and not refresh:
            raise MailboxReauthorise(NEVER, mailbox=self.name)
        with self._room() as save:
            try:
                answer = self.server.tokens(refresh)
            except MailboxReauthorise as error:
                save(replace(held, access_token="", dead=error.code))
                raise
            renewed = replace(self._held(answer, refresh), dead=held.dead if held.dead == REFUSED else "")
            try:
                save(renewed)
            except StateError:
                self._unsaved = renewed  # the only copy there is: written as soon as the disk takes it
                raise
            return renewed.access_token

    def _held(self, answer: Answer, refresh: str) -> Held:
        return Held(answer.access_token, self._now() + answer.lifetime, answer.refresh_token or refresh, self._seed)

    def _note(self, dead: str) -> None:
        with self._locked():
            held = self._read()
            if held.dead != dead:
                with self._room() as save:
                    save(replace(held, dead=dead))

    # --- the file -------------------------------------------------------------------------------------------------

    def _read(self) -> Held:
        try:
            return Held(**json.loads(self._file.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return Held()
        except OSError as error:
            raise StateError("oauth.not_readable", file=str(self._file), reason=error.strerror) from error
        except (ValueError, TypeError) as error:
            raise MailboxReauthorise("oauth.file_damaged", mailbox=self.name, file=str(self._file)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time, of all processes and threads; the lock ends with its process."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotCreate("oauth.not_creatable", file=str(self._file), reason=error.strerror) from error
        try:
            self._wait_for(lock)
            yield
        finally:
            os.close(lock)

    def _wait_for(self, lock: int) -> None:
        longest = time.monotonic() + 2 * self.grant.timeout + 5  # who holds it waits for the token server
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > longest:
                    raise MailboxUnavailable("oauth.busy", mailbox=self.name) from None
                time.sleep(0.02)

    @contextmanager
    def _room(self) -> Iterator[Callable[[Held], None]]:
        """A file with room for the answer, made before the server is asked: a full disk is met while nothing is lost.
        What is given replaces the tokens in one step."""
        draft = self._file.with_suffix(".draft")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotCreate("oauth.not_creatable", file=str(draft), reason=error.strerror) from error
        try:
            self._reserve(descriptor)
            yield lambda held: self._save(descriptor, draft, held)
        finally:
            os.close(descriptor)
            draft.unlink(missing_ok=True)

    def _reserve(self, descriptor: int) -> None:
        try:
            os.pwrite(descriptor, b" " * ROOM, 0)
            os.fsync(descriptor)
        except OSError as error:
            raise StateError("oauth.not_saved", file=str(self._file), reason=error.strerror) from error

    def _save(self, descriptor: int, draft: Path, held: Held) -> None:
        data = json.dumps(asdict(held)).encode()
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(descriptor, data[written:], written)
            os.ftruncate(descriptor, len(data))
            os.fsync(descriptor)
            draft.replace(self._file)
            folder = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StateError("oauth.not_saved", file=str(self._file), reason=error.strerror) from error


@contextmanager
def _without_interruption() -> Iterator[None]:
    """Ctrl-C waits: between the server's answer and the disk, the new refresh token is nowhere else."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _digest(grant: Grant) -> str:
    """Names the grant without naming the account."""
    parts = [grant.flow, grant.user.casefold(), grant.client_id, grant.scope, grant.token_url]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

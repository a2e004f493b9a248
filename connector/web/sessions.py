"""Sessions of signed-in people, kept here and not in cookies; and how often a sign-in may be tried.

In memory: a restart signs everybody out. Only hashes of tokens are kept. Times are monotonic seconds.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MOST = 2000
FREE_TRIES = 5
FIRST_WAIT = 15.0
LONGEST_WAIT = 900.0
TRIES_A_MINUTE = 40  # of everybody together: an address says nothing behind a proxy


@dataclass(slots=True)
class Session:
    """csrf: the secret that every form carries. proof: what of the user must not change meanwhile (their hash).
    language '': as the browser asks."""

    user: str
    proof: str
    begun: float
    used: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    language: str = ""


class Sessions:
    """idle, longest: seconds that one lasts unused, and at most."""

    def __init__(self, idle: float, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle, self.longest = idle, longest
        self._clock = clock
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Session] = OrderedDict()

    def begin(self, user: str, proof: str, language: str = "") -> tuple[str, Session]:
        """A new token and its session."""
        token, now = secrets.token_urlsafe(32), self._clock()
        session = Session(user, proof, now, now, language=language)
        with self._lock:
            self._found[_key(token)] = session
            while len(self._found) > MOST:
                self._found.popitem(last=False)
        return token, session

    def find(self, token: str) -> Session | None:
        """The session of a token, used now; None when there is none or it is over."""
        key, now = _key(token), self._clock()
        with self._lock:
            session = self._found.get(key)
            if session is None:
                return None
            if now - session.used > self.idle or now - session.begun > self.longest:
                del self._found[key]
                return None
            session.used = now
            self._found.move_to_end(key)
            return session

    def end(self, token: str) -> None:
        with self._lock:
            self._found.pop(_key(token), None)


class Attempts:
    """Failed sign-ins by name: some are free, then each doubles the wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()  # name -> (how often, not before)
        self._recent: list[float] = []

    def wait(self, name: str) -> float:
        """Seconds until this name may try again; 0 counts as a try."""
        now = self._clock()
        with self._lock:
            self._recent = [at for at in self._recent if now - at < 60]
            _, not_before = self._failed.get(_key(name), (0, 0.0))
            if not_before > now:
                return not_before - now
            if len(self._recent) >= TRIES_A_MINUTE:
                return 60 - (now - self._recent[0])
            self._recent.append(now)
            return 0.0

    def failed(self, name: str) -> None:
        now = self._clock()
        with self._lock:
            count = self._failed.get(_key(name), (0, 0.0))[0] + 1
            over = count - FREE_TRIES
            pause = 0.0 if over < 0 else min(FIRST_WAIT * 2 ** min(over, 10), LONGEST_WAIT)
            self._failed[_key(name)] = (count, now + pause)
            self._failed.move_to_end(_key(name))
            while len(self._failed) > MOST:
                self._failed.popitem(last=False)

    def passed(self, name: str) -> None:
        with self._lock:
            self._failed.pop(_key(name), None)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()

"""Watching folders: a thread each that waits until the server tells of mail, and then has the mailbox collected.

Nothing depends on it: the schedule looks at every folder anyway. So a watch that fails is tried again with growing
pauses, and after some failures left alone for a while; it never ends the daemon and holds up no leg.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.core.watching import RENEW_SECONDS, STABLE_SECONDS, next_try
from connector.engine.ports import Events, FolderWatch
from connector.errors import ConnectorError, Exit
from connector.ops import events as ev

SLICE = 1.0  # seconds until a watch notices that it shall end
TOLD_AGAIN = 3600.0


@dataclass(frozen=True, slots=True)
class Watch:
    """One folder that is watched. connect: makes a fresh, unentered connection to it."""

    mailbox: str
    folder: str
    connect: Callable[[], FolderWatch]


class Watcher:
    """Watches one folder until stop() says so. woken: called after each sign of mail, and whenever mail may have
    arrived unnoticed: when a wait begins or begins anew. jitter: a random number in [0, 1)."""

    def __init__(
        self,
        shop: str,
        watch: Watch,
        woken: Callable[[str], None],
        stop: Callable[[], bool],
        events: Events,
        jitter: Callable[[], float],
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._shop = shop
        self._watch = watch
        self._woken = woken
        self._stop = stop
        self._events = events
        self._jitter = jitter
        self._renew_seconds = renew_seconds
        self._told = ""
        self._lost_told_at = -TOLD_AGAIN
        self._connected_at: float | None = None

    def run(self) -> None:
        failures = 0
        while not self._stop():
            self._connected_at = None
            try:
                self._hold()
            except ConnectorError as error:
                failures = 1 if self._was_stable() else failures + 1
                self._pause(failures, error)
            except (
                Exception
            ) as fault:  # ours: said with its place, and no reason to leave the folder unwatched for good
                failures += 1
                self._pause(failures, ConnectorError("leg.fault", leg="watch", error=type(fault).__name__), fault)

    def _hold(self) -> None:
        """One connection, until it ends or shall end."""
        with self._watch.connect() as line:
            self._connected_at = time.monotonic()
            self._tell(ev.WATCH_STARTED)
            while not self._stop():
                self._woken(self._watch.mailbox)
                self._wait(line)
                if not self._stop():
                    line.renew()

    def _wait(self, line: FolderWatch) -> None:
        until = time.monotonic() + self._renew_seconds
        while not self._stop() and (left := until - time.monotonic()) > 0:
            if line.wait(min(SLICE, left)):
                self._woken(self._watch.mailbox)

    def _was_stable(self) -> bool:
        return self._connected_at is not None and time.monotonic() - self._connected_at > STABLE_SECONDS

    def _pause(self, failures: int, error: ConnectorError, fault: Exception | None = None) -> None:
        if self._stop():
            return
        hopeless = error.exit in (Exit.NO_PERMISSION, Exit.CONFIG)
        following = next_try(failures, self._jitter(), hopeless=hopeless)
        self._tell(
            ev.WATCH_SUSPENDED if following.by_schedule else ev.WATCH_LOST,
            error=error.code,
            error_class=type(error).__name__,
            retry_in=round(following.pause, 1),
            exc_info=fault,
        )
        until = time.monotonic() + following.pause
        while not self._stop() and (left := until - time.monotonic()) > 0:
            time.sleep(min(SLICE, left))

    def _tell(self, name: str, **keys: object) -> None:
        """Only what is new. A server that hangs up every few minutes is told of once an hour, and so is its return."""
        if name == self._told:
            return
        if name == ev.WATCH_LOST:
            if self._told == ev.WATCH_SUSPENDED or time.monotonic() - self._lost_told_at < TOLD_AGAIN:
                return
            self._lost_told_at = time.monotonic()
        self._told = name
        told = {key: value for key, value in keys.items() if value is not None}
        self._events.emit(name, shop=self._shop, mailbox=self._watch.mailbox, folder=self._watch.folder, **told)


class Watchers:
    """The watches of one shop. `keep` starts them when the shop is ours; they end by themselves when stop() says so."""

    def __init__(self, make: Callable[[Watch], Watcher], watches: Sequence[Watch]) -> None:
        self._make = make
        self._watches = watches
        self._threads: dict[Watch, threading.Thread] = {}

    def keep(self) -> None:
        """Start what does not run."""
        for watch in self._watches:
            running = self._threads.get(watch)
            if running is None or not running.is_alive():
                # A server that does not answer may hold one up for as long as `timeout`; nobody waits for that.
                thread = threading.Thread(target=self._make(watch).run, name=f"watch {watch.mailbox}", daemon=True)
                self._threads[watch] = thread
                thread.start()

    @property
    def running(self) -> int:
        """How many do."""
        return sum(thread.is_alive() for thread in self._threads.values())

    def join(self, seconds: float) -> None:
        """Give them so long in all to say goodbye."""
        until = time.monotonic() + seconds
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))

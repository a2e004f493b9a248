"""What we tell systemd: ready, what is going on, still alive, stopping. Nothing happens outside systemd.

sd_notify(3): one datagram of KEY=VALUE lines to the AF_UNIX socket in $NOTIFY_SOCKET; a name that starts with @ is in
the abstract namespace.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """The line to systemd. Errors are swallowed: a supervisor that is away is no reason to stop working."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog = _watchdog_seconds(environ)

    @property
    def watchdog_seconds(self) -> float | None:
        """How often `watchdog` has to be called at least; call it twice as often. None: nobody waits for it."""
        return self._watchdog

    def ready(self, status: str = "") -> None:
        """Settings read, mirror migrated, doubtful intents marked: from now on other units may rely on us."""
        self._send("READY=1", *_status(status))

    def reloading(self) -> None:
        """SIGHUP came; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`. No personal data: everybody on the machine may read it."""
        self._send(*_status(text))

    def watchdog(self) -> None:
        """Still alive. Only for the loop that does the work, never for a timer of its own."""
        if self._watchdog is not None:
            self._send("WATCHDOG=1")

    def stopping(self, status: str = "") -> None:
        self._send("STOPPING=1", *_status(status))

    def _send(self, *lines: str) -> None:
        if not self._address or not lines:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.sendto("\n".join(lines).encode(), self._address)


def _status(text: str) -> tuple[str, ...]:
    return (f"STATUS={' '.join(text.split())}",) if text else ()


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """$WATCHDOG_USEC, unless $WATCHDOG_PID says that it is meant for another process (sd_watchdog_enabled(3))."""
    pid = environ.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return None
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None

"""A line on loopback that treats what goes over it badly, in front of a real server.

>>> with BadLine("127.0.0.1", 80) as line:
...     line.ill = Ill("cut", "answer", 100)  # connections from now on end after 100 bytes of the answer
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

PAUSE = 0.002


@dataclass(frozen=True)
class Ill:
    """What happens in one direction after so many bytes of a connection. `cut` ends it in order, `reset` without a
    word (RST), `swallow` passes nothing on from there and ends nothing, `slice` passes on three bytes at a time with
    pauses between them, `delay` waits `seconds` once."""

    kind: Literal["cut", "reset", "swallow", "slice", "delay"]
    side: Literal["answer", "request"] = "answer"
    after: int = 0
    seconds: float = 0.1


class BadLine:
    """A context manager. `ill` counts for connections that begin from then on; None: a good line."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listening.getsockname()
        self.ill: Ill | None = None
        self.struck = 0
        self._open: list[socket.socket] = []

    def __enter__(self) -> BadLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits in accept()
        self._listening.close()
        self.hang_up()

    def hang_up(self) -> None:
        """End all that is open, so that no connection of an ill time lives on."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._carry, args=(near, far, self.ill), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket, ill: Ill | None) -> None:
        """Both directions in one thread: a socket that another thread reads from cannot be closed without a word."""
        mouth = near if ill is not None and ill.side == "request" else far
        passed = 0
        with near, far, suppress(OSError):
            while True:
                for source in select.select([near, far], [], [])[0]:
                    target = far if source is near else near
                    data = source.recv(65536)
                    if not data:
                        return
                    sound = len(data) if ill is None or source is not mouth else max(0, ill.after - passed)
                    target.sendall(data[:sound])
                    passed += len(data) if source is mouth else 0
                    if ill is None or not data[sound:]:
                        continue
                    self.struck += 1
                    if ill.kind == "reset":
                        for one in (near, far):
                            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if ill.kind in ("cut", "reset"):
                        return
                    if not self._passed_on(target, data[sound:], ill):
                        ill = None

    @staticmethod
    def _passed_on(target: socket.socket, data: bytes, ill: Ill) -> bool:
        """False: that was all of the illness."""
        if ill.kind == "delay":
            time.sleep(ill.seconds)
            target.sendall(data)
            return False
        if ill.kind == "slice":
            for start in range(0, len(data), 3):
                target.sendall(data[start : start + 3])
                if start < 150:
                    time.sleep(PAUSE)
        return True

"""A proxy on loopback that cuts connections after a number of bytes, as bad lines do.

>>> with Cutting("127.0.0.1", 143) as line:
...     line.cut(1000, times=1)  # the next connection ends in the middle of its 1001st byte from the server
...     IMAPClient(line.host, port=line.port)
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress


class Cutting:
    """A context manager. Bytes to the server are passed on uncounted; `connections` tells how many there were."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listening.getsockname()
        self.connections = 0
        self._bytes = 0
        self._times: int | None = 0

    def __enter__(self) -> Cutting:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        # Closing alone does not wake a thread that waits in accept().
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def cut(self, after: int, times: int | None) -> None:
        """Cut the next `times` connections (None: all) after so many bytes from the server."""
        self._bytes, self._times = after, times

    def _limit(self) -> int | None:
        if self._times is None:
            return self._bytes
        self._times -= 1
        return self._bytes if self._times >= 0 else None

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            far = socket.create_connection(self._target)
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_pump, args=(near, far, None, False), daemon=True).start()
            hard = self.connections % 2 == 0  # every second line ends without a word (RST)
            threading.Thread(target=_pump, args=(far, near, self._limit(), hard), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, limit: int | None, hard: bool) -> None:
    left = limit
    with suppress(OSError):
        while left is None or left > 0:
            data = source.recv(65536 if left is None else min(left, 65536))
            if not data:
                break
            target.sendall(data)
            left = None if left is None else left - len(data)
    if left == 0 and hard:
        with suppress(OSError):
            target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()

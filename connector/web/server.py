"""The page behind waitress, in a thread of its own: a port of this machine or a unix socket."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from connector.errors import CannotCreate, SettingsError

try:
    from waitress.server import create_server
except ModuleNotFoundError as error:
    raise SettingsError("web.library_missing", library=error.name or "waitress") from error

UNIX = "unix:"
THREADS = 6
LARGEST_BODY = 1_100_000


class Server:
    """listen: `127.0.0.1:8477` (port 0: any free one) or `unix:/path`. Binds at once. Raises CannotCreate."""

    def __init__(self, listen: str, page: Callable[..., Any]) -> None:
        self._path = listen.removeprefix(UNIX) if listen.startswith(UNIX) else ""
        options: dict[str, Any] = {
            "threads": THREADS,
            "ident": None,
            "max_request_body_size": LARGEST_BODY,
            "channel_timeout": 60,
            "clear_untrusted_proxy_headers": True,
        }
        try:
            if self._path:
                self._clear_stale()
                self._server = create_server(page, unix_socket=self._path, unix_socket_perms="660", **options)
            else:
                parts = urlsplit(f"//{listen}")
                self._server = create_server(page, host=parts.hostname or "127.0.0.1", port=parts.port or 0, **options)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CannotCreate("web.cannot_listen", listen=listen, reason=reason) from error
        self.port = 0 if self._path else int(self._server.effective_port)
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)
        self._thread.start()

    def _clear_stale(self) -> None:
        """A socket that a killed process left behind is in the way; one that somebody serves is not touched."""
        with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self._path)
            except ConnectionRefusedError:
                os.unlink(self._path)
            else:
                raise OSError(98, "Address already in use")

    def _serve(self) -> None:
        with suppress(OSError, ValueError):  # closed under the loop's feet, by `close`
            self._server.run()

    def wait(self) -> None:
        """Until it is closed."""
        self._thread.join()

    def close(self) -> None:
        """What is being answered has some seconds; connections that browsers keep open end."""
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        self._server.close()
        for channel in list(self._server.active_channels.values()):
            with suppress(OSError, KeyError):
                channel.handle_close()
        self._thread.join(5)
        if self._path:
            with suppress(OSError):
                os.unlink(self._path)

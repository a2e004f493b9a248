"""The small web server of `run`: /metrics, /healthz and /readyz, on this machine only.

/healthz: is the process alive (its loop turns, no leg hangs)? A restart mends the rest. /readyz: does it do its work
(nothing critical)? GET and HEAD only; no request is remembered or logged.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from connector.errors import CannotCreate

Answer = tuple[int, str, bytes]
"""HTTP status, content type, body."""
REQUEST_SECONDS = 10.0


class Server:
    """routes: path -> what answers; it may raise nothing."""

    def __init__(self, listen: str, routes: dict[str, Callable[[], Answer]]) -> None:
        """Binds at once, so that a port that is taken is told at the start. Raises CannotCreate."""
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname or "127.0.0.1", parts.port or 0

        class Handler(_Handler):
            paths = routes

        class Listener(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

        try:
            self._server = Listener((host, port), Handler)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CannotCreate("metrics.cannot_listen", listen=listen, reason=reason) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    paths: dict[str, Callable[[], Answer]] = {}  # noqa: RUF012 - set once per server
    timeout = REQUEST_SECONDS
    server_version = "prestashop-connector"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        answer = self.paths.get(urlsplit(self.path).path)
        status, kind, body = answer() if answer else (404, "text/plain; charset=utf-8", b"not found\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Who asks is nobody's business."""

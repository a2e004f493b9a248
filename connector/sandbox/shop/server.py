"""Serves a shop over real HTTP/1.1, with keep-alive, threads and the faults that were asked for.

Wraps `api.answer` in WSGI and werkzeug's threaded server on 127.0.0.1. What a fault does to the connection happens
here; what the shop answers does not.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from connector.sandbox.shop import render_xml
from connector.sandbox.shop.api import Answer, Request, answer
from connector.sandbox.shop.faults import BEFORE, Faults, Misbehave
from connector.sandbox.shop.world import RequestLog, World

_REASONS = {200: "OK", 201: "Created", 302: "Found", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized"}
_REASONS |= {403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 429: "Too Many Requests"}
_REASONS |= {500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable"}
_PAGE = b"<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n"


def _page(status: int, **headers: str) -> Answer:
    title = _REASONS.get(status, "").encode()
    return Answer(status, {"Content-Type": "text/html; charset=UTF-8", **headers}, _PAGE % (title, title))


class ShopApp:
    """The WSGI application of one shop."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        request = _request(environ)
        with self.faults.in_hand():
            result, kind = self._worked_off(request)
        if kind in ("held", "drop_before", "drop_after", "late_write"):
            _hang_up(environ)
            raise ConnectionAbortedError("dropped on purpose")
        headers = list(result.headers.items())
        if result.status != 304:
            headers.append(("Content-Length", str(len(result.body))))
        start_response(f"{result.status} {_REASONS.get(result.status, '')}", headers)
        if request.method == "HEAD" or result.status == 304:
            return []
        if kind == "cut":
            return _half(environ, result.body)
        return [result.body]

    def _worked_off(self, request: Request) -> tuple[Answer, str]:
        """What goes out, and the fault that the request has met."""
        fault = self.faults.take(_method(request), request.resource)
        if fault is not None and fault.kind == "key_dropped":
            request.headers.pop("authorization", None)
        if fault is not None and fault.kind in ("delay", "late_write"):
            time.sleep(fault.seconds)
        seconds = 0.0
        if fault is not None and fault.kind == "held":
            self.faults.held.append(lambda: answer(self.world, request))
        if fault is not None and fault.kind in BEFORE:
            result = _instead(fault)
        else:
            result, seconds = self._answer(request)
            if fault is not None:
                result = _spoiled(fault, result)
        kind = fault.kind if fault is not None else ""
        dropped = kind in ("held", "drop_before", "drop_after", "late_write")
        status = 0 if dropped else result.status
        log = RequestLog(request.method, "/api/" + request.path.lstrip("/"), request.query, status, seconds)
        self.world.requests.append(log)
        return result, kind

    def _answer(self, request: Request) -> tuple[Answer, float]:
        """The answer and its service time; without a setting it takes what it takes."""
        workers = self.world.workers
        if workers is None:
            return answer(self.world, request), 0.0
        return workers.serve(lambda: answer(self.world, request), lambda given: given.work)


def _half(environ: dict[str, Any], body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    _hang_up(environ)


def _hang_up(environ: dict[str, Any]) -> None:
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)


def _instead(fault: Misbehave) -> Answer:
    if fault.kind == "rate_limit":
        return _page(429, **{"Retry-After": str(fault.retry_after)})
    if fault.kind == "unavailable":
        return _page(503, **{"Retry-After": str(fault.retry_after)})
    if fault.kind == "redirect":
        return _page(302, Location=fault.location)
    return _page(200 if fault.kind == "html_200" else 500)


def _spoiled(fault: Misbehave, good: Answer) -> Answer:
    """The answer that goes out after the request took effect."""
    if fault.kind == "error_after":
        return _page(500)
    if fault.kind == "php_error_after":
        text = "[PHP Warning #2] Undefined variable $context (/var/www/modules/example/example.php, line 120)"
        return Answer(500, good.headers | {"Content-Type": "text/xml;charset=utf-8"}, render_xml.errors([(3, text)]))
    body = good.body
    if fault.kind == "notice_before_xml":
        body = b"\nNotice: Undefined index: id_shop in /var/www/modules/example/example.php on line 42\n" + body
    elif fault.kind == "html_before_xml":
        warning = b"<br />\n<b>Warning</b>: Undefined array key in <b>/var/www/a.php</b> on line <b>42</b><br />\n"
        body = warning + body
    elif fault.kind == "script_after_xml":
        body += b"<script>window.example = 1;</script>\n"
    elif fault.kind == "truncated":
        body = body[: len(body) // 2]
    return Answer(good.status, good.headers, body)


def _method(request: Request) -> str:
    return request.params.get("ps_method", request.method).upper()


def _request(environ: dict[str, Any]) -> Request:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    length = int(environ.get("CONTENT_LENGTH") or 0)
    whole = environ.get("wsgi.input_terminated")  # a chunked body
    body = environ["wsgi.input"].read() if whole else environ["wsgi.input"].read(length) if length else b""
    path = environ.get("RAW_URI", environ.get("PATH_INFO", "")).partition("?")[0]
    query = environ.get("QUERY_STRING", "")
    if path.startswith("/webservice/dispatcher.php"):
        request = Request(environ["REQUEST_METHOD"], "", query, headers, body)
        request.path = request.params.get("url", "")
        return request
    if path == "/api" or path.startswith("/api/"):
        path = path[4:]
    return Request(environ["REQUEST_METHOD"], path, query, headers, body)


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def setup(self) -> None:
        super().setup()
        if isinstance(self.server, _Server):
            self.server.open_connections.add(self.connection)

    def finish(self) -> None:
        if isinstance(self.server, _Server):
            self.server.open_connections.discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Answer and keep the connection open; werkzeug's own version closes it after every answer."""
        environ = self.make_environ()
        head: list[Any] = ["500 Internal Server Error", [("Content-Length", "0")]]

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            head[:] = [status, headers]

        try:
            chunks = iter(self.server.app(environ, start_response))  # type: ignore[arg-type]
            first = next(chunks, b"")
        except ConnectionError:
            self.close_connection = True
            return
        except Exception:
            traceback.print_exc()  # a fault of the sandbox itself must not stay hidden
            chunks, first = iter(()), b""
        code, _, reason = head[0].partition(" ")
        self.send_response_only(int(code), reason)
        self.send_header("Date", self.date_time_string())
        for name, value in head[1]:
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n")  # one packet for head and body
        try:
            self.wfile.write(b"".join(self._headers_buffer) + first)
            self._headers_buffer.clear()
            for chunk in chunks:
                self.wfile.write(chunk)
        except OSError:
            self.close_connection = True

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: the shop keeps its own log in `requests`."""


class _Server(ThreadedWSGIServer):
    """Threads that do not outlive the shop, and a list of the connections they hold."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, app: ShopApp) -> None:
        self.open_connections: set[socket.socket] = set()
        super().__init__("127.0.0.1", port, app, _QuietHandler)


class ShopServer:
    """A running shop: `url` is its base, the webservice lies at `url + "/api/"`. Also a context manager."""

    def __init__(self, world: World, faults: Faults, port: int = 0) -> None:
        self._server = _Server(port, ShopApp(world, faults))
        self.port = self._server.port
        self.url = f"http://127.0.0.1:{self.port}"
        if world.domain is None:
            world.domain = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, name="sandbox-shop", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """Stop listening and hang up on everybody, kept-alive connections too."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.open_connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)

    def __enter__(self) -> ShopServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

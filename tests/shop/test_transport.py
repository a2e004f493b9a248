"""What happens on the wire: real sockets, a server that does exactly one odd thing."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from connector.core.query import Query
from connector.engine.ports import NewMessage
from connector.errors import (
    ConnectorError,
    ShopMisconfigured,
    ShopOutcomeUnknown,
    ShopUnavailable,
    ShopUnreadable,
)
from connector.shop import ShopClient
from connector.shop.transport import normal_base_url

KEY = "K" * 32
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nPSWS-Version: 8.2.1\r\n\r\n[]"
MESSAGE = NewMessage(id_thread=3, text="Bonjour", reference="psc1/" + "0" * 40)
Handler = Callable[[socket.socket, bytes], None]


class Wire:
    """Takes connections one by one; `handlers` are used in order, the last one for all that follow."""

    def __init__(self, *handlers: Handler) -> None:
        self._handlers = list(handlers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            try:
                while request := _request(connection):
                    self.requests.append(request)
                    handler = self._handlers.pop(0) if len(self._handlers) > 1 else self._handlers[0]
                    handler(connection, request)
            except OSError:
                return

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self._socket.close()


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def wire(*handlers: Handler) -> Iterator[Wire]:
    server = Wire(*handlers)
    try:
        yield server
    finally:
        server.close()


def client(url: str, **options: object) -> ShopClient:
    return ShopClient(url, KEY, **({"read_attempts": 1, "retry_wait": 0.01, "read_timeout": 5} | options))  # type: ignore[arg-type]


def says(data: bytes) -> Handler:
    return lambda connection, _: connection.sendall(data)


def drops(connection: socket.socket, _: bytes) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "PSWS-Version: 8.2.1", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def failure(action: Callable[[], object]) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        action()
    return caught.value


# --- the request ---


def test_the_key_goes_as_user_with_an_empty_password_and_nothing_of_the_environment_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with wire(says(EMPTY)) as server:
        shop = client(server.url + "/api/", user_agent="test/1")
        assert shop.ids("orders", Query(limit=3)) == []
        sent = server.requests[0].decode()
    assert "Basic " + base64.b64encode(f"{KEY}:".encode()).decode() in sent
    assert sent.startswith("GET /api/orders?sort=%5Bid_ASC%5D&limit=3&output_format=JSON HTTP/1.1")
    assert "User-Agent: test/1" in sent


def test_cookies_of_the_shop_are_not_sent_back() -> None:
    with wire(says(EMPTY.replace(b"\r\n\r\n", b"\r\nSet-Cookie: PHPSESSID=x; Path=/\r\n\r\n"))) as server:
        shop = client(server.url)
        for _ in range(2):
            shop.ids("orders", Query())
        assert len(server.requests) == 2
        assert b"Cookie:" not in server.requests[1]


def test_a_redirect_is_not_followed() -> None:
    with wire(says(answer(b"", "301 Moved", "Location: https://www.shop.test/api/orders"))) as server:
        error = failure(lambda: client(server.url).ids("orders", Query()))
        assert isinstance(error, ShopMisconfigured)
        assert error.facts["suggested"] == "https://www.shop.test"
        assert len(server.requests) == 1


def test_a_write_has_a_connection_of_its_own() -> None:
    echo = answer(b'{"customer_message":{"id":"7"}}', "201 Created")
    with wire(says(answer(b"[]")), says(echo)) as server:
        shop = client(server.url)
        shop.ids("orders", Query())
        assert shop.create_message(MESSAGE) == 7
        assert b"Connection: close" in server.requests[1]
        assert b"text/xml" in server.requests[1]


def test_a_connection_that_served_a_write_is_not_used_again() -> None:
    def closes_without_saying_so(connection: socket.socket, _: bytes) -> None:
        connection.sendall(answer(b'{"order_history":{"id":"7"}}', "201 Created"))
        threading.Timer(0.02, connection.close).start()

    with wire(closes_without_saying_so) as server:
        shop = client(server.url)
        for _ in range(30):
            assert shop.add_history(1, 2, 3, mail_customer=False) == 7
        assert len(server.requests) == 30
        assert server.connections == 30


# --- reads are repeated ---


def test_a_read_is_repeated_on_passing_faults() -> None:
    with wire(
        drops,
        says(answer(b"<html>", "503 Service Unavailable")),
        says(answer(b"", "429 Too Many", "Retry-After: 0")),
        says(EMPTY),
    ) as server:
        assert client(server.url, read_attempts=4).ids("orders", Query()) == []
        assert len(server.requests) == 4


def test_the_shops_retry_after_is_waited_for() -> None:
    with wire(says(answer(b"", "503 x", "Retry-After: 1")), says(EMPTY)) as server:
        begun = time.monotonic()
        client(server.url, read_attempts=2).ids("orders", Query())
        assert time.monotonic() - begun >= 1


def test_a_long_pause_is_left_to_the_caller() -> None:
    with wire(says(answer(b"", "503 x", "Retry-After: 3600"))) as server:
        error = failure(lambda: client(server.url, read_attempts=4).ids("orders", Query()))
        assert isinstance(error, ShopUnavailable)
        assert error.retry_after == 3600
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["401 Unauthorized", "400 Bad Request", "500 Internal Server Error"])
def test_what_will_not_pass_is_not_repeated(status: str) -> None:
    with wire(says(answer(b"", status))) as server:
        failure(lambda: client(server.url, read_attempts=4).order_facts(1))
        assert len(server.requests) == 1


# --- limits ---


def test_a_body_cut_in_the_middle_is_a_passing_fault() -> None:
    def cut(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"orders":[{"id":1}')
        connection.shutdown(socket.SHUT_RDWR)

    with wire(cut) as server:
        error = failure(lambda: client(server.url).ids("orders", Query()))
        assert isinstance(error, ShopUnavailable)
        assert error.code == "shop.answer_cut"


def test_an_endless_body_ends_at_the_limit() -> None:
    def endless(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"[" * 65536)

    with wire(endless) as server:
        error = failure(lambda: client(server.url, max_bytes=300_000).ids("orders", Query()))
        assert isinstance(error, ShopUnreadable)
        assert error.code == "shop.answer_too_large"


def drips(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\n[\r\n")
        time.sleep(0.1)


def test_an_answer_that_drips_has_a_deadline() -> None:
    with wire(drips) as server:
        begun = time.monotonic()
        error = failure(lambda: client(server.url, read_timeout=1, total_timeout=0.5).ids("orders", Query()))
        assert error.code == "shop.timeout"
        assert time.monotonic() - begun < 4


def test_silence_is_a_timeout() -> None:
    with wire(lambda *_: time.sleep(2)) as server:
        error = failure(lambda: client(server.url, read_timeout=0.2).ids("orders", Query()))
        assert error.code in ("shop.timeout", "shop.unreachable")
        assert isinstance(error, ShopUnavailable)


# --- writes are never repeated, and their doubt is told ---


def write(shop: ShopClient) -> Callable[[], object]:
    return lambda: shop.add_history(17, 4, 1, mail_customer=False)


def test_a_write_whose_answer_is_lost_is_in_doubt() -> None:
    with wire(drops) as server:
        error = failure(write(client(server.url, read_attempts=4)))
        assert isinstance(error, ShopOutcomeUnknown)
        assert error.facts["reason"] == "connection lost"
        assert len(server.requests) == 1
        assert b"<id_order>17</id_order>" in server.requests[0]


def test_a_write_that_is_not_answered_in_time_is_in_doubt() -> None:
    with wire(lambda *_: time.sleep(2)) as server:
        error = failure(write(client(server.url, read_timeout=0.2, read_attempts=4)))
        assert isinstance(error, ShopOutcomeUnknown)
        assert error.facts["reason"] == "timeout"
        assert len(server.requests) == 1


def test_a_write_whose_answer_drips_is_in_doubt() -> None:
    with wire(drips) as server:
        error = failure(write(client(server.url, connect_timeout=0.2, read_timeout=0.3)))
        assert isinstance(error, ShopOutcomeUnknown)


@pytest.mark.parametrize(
    "data",
    [
        answer(b"", "500 Internal Server Error"),
        answer(b"<html>", "503 Service Unavailable"),
        answer(b"", "201 Created"),
        answer(b"<html>Welcome</html>"),
        answer(b"PHP Fatal error", "200 OK"),
        answer(b'{"customer_message":{"message":"x"}}', "201 Created"),
        answer(b"<prestashop><customer_message><id>0</id></customer_message></prestashop>", "201 Created"),
        b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n<prestashop>",
    ],
)
def test_a_write_whose_answer_names_no_id_is_in_doubt(data: bytes) -> None:
    def once(connection: socket.socket, _: bytes) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    with wire(once) as server:
        assert isinstance(failure(write(client(server.url, read_attempts=4))), ShopOutcomeUnknown)
        assert len(server.requests) == 1


def test_a_write_that_nobody_took_may_be_sent_again() -> None:
    with wire(drops) as server:
        url = server.url
    error = failure(write(client(url, connect_timeout=1)))
    assert isinstance(error, ShopUnavailable)
    assert error.code == "shop.unreachable"


def test_a_write_that_failed_in_the_tls_handshake_may_be_sent_again() -> None:
    with wire(says(b"not tls at all")) as server:
        shop = client(server.url.replace("http:", "https:"), connect_timeout=1, read_timeout=1)
        error = failure(write(shop))
        assert isinstance(error, ShopUnavailable)


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    assert failure(lambda: client("http://shop.invalid").ids("orders", Query())).code == "shop.unreachable"


# --- the address and the key ---


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://shop.test", "https://shop.test"),
        ("https://shop.test/", "https://shop.test"),
        ("https://shop.test/api", "https://shop.test"),
        (" https://shop.test:8443/boutique/api/ ", "https://shop.test:8443/boutique"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_address_is_taken_with_or_without_its_slash_and_api(given: str, normal: str) -> None:
    assert normal_base_url(given) == normal


@pytest.mark.parametrize(
    "given",
    ["", "shop.test", "ftp://shop.test", "https://", "https://u:secret@shop.test", "https://shop.test/?ws_key=secret",
     "https://shop.test:99999/", "https://shop.test/#x"],
)  # fmt: skip
def test_any_other_address_is_refused_without_showing_a_secret(given: str) -> None:
    error = failure(lambda: normal_base_url(given))
    assert error.code == "shop.base_url_wrong"
    assert "secret" not in str(error)


@pytest.mark.parametrize("key", ["", "with space", "a:b", "clé", "a\nb"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key: str) -> None:
    error = failure(lambda: ShopClient("https://shop.test", key))
    assert error.code == "shop.key_malformed"
    assert not key or key not in str(error)


def test_the_key_is_in_no_representation() -> None:
    assert KEY not in repr(client("https://shop.test"))

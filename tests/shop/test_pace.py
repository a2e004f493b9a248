"""The gate before a shop: real requests to a server that counts them, and an hour that passes in no time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connector.core.pace import Pace
from connector.core.query import Query
from connector.errors import ShopUnavailable
from connector.shop.faults import Answer
from connector.shop.pace import LONGEST_WAIT, NEWS_SECONDS, Gate, PaceNews, never
from tests.shop.test_transport import EMPTY, MESSAGE, answer, client, drops, failure, says, wire

BIG = answer(b'{"orders":[{"id":1,"text":"' + b"x" * 30_000 + b'"}]}')
CREATED = answer(b'{"customer_message":{"id":"7"}}', "201 Created")


class Counting:
    """Answers after a moment and knows how many requests were there at once."""

    def __init__(self, data: bytes, seconds: float = 0.05) -> None:
        self.data, self.seconds = data, seconds
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, connection, request) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self._lock:
            self.now -= 1
        connection.sendall(self.data)


def at_once(shop, count: int) -> None:
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(lambda _: shop.ids("orders", Query()), range(count)))


@pytest.mark.parametrize("connections", [1, 3])
def test_never_more_reads_are_under_way_than_the_settings_allow(connections) -> None:
    handler = Counting(BIG)
    with wire(handler) as server:
        shop = client(server.url, connections=connections)
        for _ in range(3):
            at_once(shop, 8)
    assert handler.most == connections


def test_look_ups_and_writes_do_not_wait_for_a_pull() -> None:
    release = threading.Event()

    def handler(connection, request) -> None:
        if b" /api/orders?" in request.split(b"\r\n")[0]:
            release.wait(10)
        connection.sendall(CREATED if request.startswith(b"POST") else EMPTY)

    with wire(handler) as server:
        shop = client(server.url, connections=1)
        with ThreadPoolExecutor(3) as threads:
            pull = [threads.submit(shop.ids, "orders", Query()) for _ in range(3)]
            began = time.monotonic()
            assert shop.find_messages("psc1/" + "0" * 40, 3) == []
            assert shop.create_message(MESSAGE) == 7
            assert time.monotonic() - began < 5
            assert not any(one.done() for one in pull)
            release.set()


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_what_a_host_asks_for_holds_for_every_read_of_the_shop(form) -> None:
    # a date has whole seconds: two ahead are more than one
    wanted = "1" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    refusal = answer(b"", "429 Too Many Requests", f"Retry-After: {wanted}")
    with wire(says(refusal), says(EMPTY)) as server:
        shop = client(server.url, read_attempts=2, connections=4)
        began = time.monotonic()
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(shop.ids, "orders", Query())
            while not server.requests:
                time.sleep(0.01)
            time.sleep(0.2)
            shop.ids("customers", Query())
            assert time.monotonic() - began > 0.8
            assert first.result() == []


def test_a_wait_for_the_shop_ends_when_it_is_asked_to() -> None:
    with wire(says(answer(b"", "503 Service Unavailable", "Retry-After: 60"))) as server:
        shop = client(server.url, read_attempts=5)
        stopping = threading.Event()
        threading.Timer(0.3, stopping.set).start()
        began = time.monotonic()
        error = failure(lambda: shop.ids("orders", Query(), stopping.is_set))
        assert error.code == "shop.stopped"
        assert time.monotonic() - began < 5
        assert len(server.requests) == 1


def test_a_pause_that_is_too_long_is_left_to_the_caller_and_nobody_asks_meanwhile() -> None:
    with wire(says(answer(b"", "503 Service Unavailable", f"Retry-After: {LONGEST_WAIT + 60:.0f}"))) as server:
        shop = client(server.url, read_attempts=5)
        errors = [failure(lambda: shop.ids("orders", Query())) for _ in range(2)]
        assert [error.code for error in errors] == ["shop.unavailable"] * 2
        assert all(error.retry_after > LONGEST_WAIT for error in errors)
        assert len(server.requests) == 1


def test_a_passing_fault_is_tried_again_and_then_given_up() -> None:
    with wire(drops, drops, says(EMPTY)) as server:
        assert client(server.url, read_attempts=3).ids("orders", Query()) == []
    with wire(drops) as server:
        assert failure(lambda: client(server.url, read_attempts=3).ids("orders", Query())).code == "shop.unreachable"
        assert len(server.requests) == 3


class Hours:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_is_told_when_the_shop_gets_slow_and_when_it_has_recovered_but_not_all_the_time() -> None:
    heard: list[PaceNews] = []
    hours = Hours()
    gate = Gate(Pace(2, 0.1), 1, 300, heard.append, hours)

    def good() -> Answer:
        hours.now += 1
        return Answer(200, {}, b"x" * 50_000, 0.3)

    def bad() -> Answer:
        hours.now += 1
        raise ShopUnavailable("shop.unavailable")

    def ask(question, later=20.0) -> None:
        hours.now += later  # whatever pause there was
        try:
            gate.ask(question, "orders", never)
        except ShopUnavailable:
            return

    for _ in range(30):
        ask(good)
    assert heard == []
    for _ in range(3):
        ask(bad)
    assert [(news.slowed, news.allowed, news.bound) for news in heard] == [(True, 1, 2)]
    for _ in range(40):
        ask(good)
    assert [(news.slowed, news.allowed) for news in heard] == [(True, 1), (False, 2)]
    hours.now += NEWS_SECONDS
    heard.clear()
    began = hours.now
    for _ in range(30):
        for question in (bad, *[good] * 12):
            ask(question, 0.2)
    assert 2 < len(heard) <= (hours.now - began) / NEWS_SECONDS + 1 < 30

"""A first pull with several connections: whatever the shop, its host or its data do wrong, all other rows come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from connector import packagedata
from connector.engine.pull import Pull
from connector.mirror.db import Mirror, open_mirror
from connector.ops import events as ev
from connector.ops.clock import SystemClock
from connector.sandbox.shop import Misbehave, SandboxShop
from connector.sandbox.shop.faults import Kind
from connector.shop.client import ShopClient
from tests.support import databases
from tests.support.pulling import SHOP, Heard

NAMES = ("configurations", "languages", "customers", "orders", "order_histories", "customer_messages")
PARIS = ZoneInfo("Europe/Paris")
ORDERS = 200
ENDS_THE_RUN = {"redirect", "html_200"}
"""What looks as if the address were wrong: asking on would bring nothing, a person has to look."""


@contextmanager
def pulling(folder: Path, url: str, key: str) -> Iterator[tuple[Callable[[], Pull], Mirror, Heard]]:
    """What makes a pull as a new process has it, and the mirror that all of them fill."""
    resources = [resource for resource in packagedata.resources() if resource.name in NAMES]
    url_of_mirror = databases.new_mirror(folder, resources)
    with ExitStack() as closing:
        closing.callback(databases.forget, url_of_mirror)
        mirror, heard = open_mirror(url_of_mirror, resources), Heard()
        closing.callback(mirror.close)

        def pull() -> Pull:
            client = ShopClient(url, key, connections=4, retry_wait=0.02, connect_timeout=2, read_timeout=1)
            closing.callback(client.close)
            return Pull(
                client,
                mirror.rows,
                heard,
                SystemClock(),
                shop_name=SHOP,
                resources=resources,
                info=client.probe,
                zone=lambda: PARIS,
                page_size=20,
                connections=4,
            )

        yield pull, mirror, heard


def ids_in(mirror, shop) -> dict[str, tuple[set[int], set[int]]]:
    """resource -> ids in the mirror, ids in the shop."""
    return {
        name: (mirror.rows.all_ids(SHOP, name), {row["id"] for row in shop.rows(name)})
        for name in NAMES
        if name != "configurations"
    }


@databases.on_one
@pytest.mark.parametrize("kind", get_args(Kind))
def test_no_fault_costs_a_row_and_none_makes_it_wait_for_ever(kind, tmp_path):
    shop = SandboxShop(orders=ORDERS, seed=1)
    with shop.serve() as server, pulling(tmp_path, server.url, shop.full_key) as (make, mirror, _):
        pull = make()
        fault = Misbehave(kind, method="GET", resource="orders", skip=3, times=3, seconds=1.5, retry_after=1)
        shop.misbehave(fault)
        began = time.monotonic()
        report = pull.run()
        assert time.monotonic() - began < 60
        # What ends the run ends it for all; any other fault is the matter of one resource.
        others = {name for name, mine in report.resources.items() if mine.error is not None} - {"orders"}
        assert not others or kind in ENDS_THE_RUN
        for _ in range(3):
            if not report.errors and not report.stopped:
                break
            report = pull.run()
        assert shop.faults.take("GET", "orders") is None, "the fault has not struck"
        assert report.errors == []
        assert [name for name, (here, there) in ids_in(mirror, shop).items() if here != there] == []
        assert mirror.quarantine.list(SHOP) == []
        assert (pull.run().new, pull.run().changed) == (0, 0)


class Odd(BaseHTTPRequestHandler):
    """In front of a sandbox shop: rows that PHP dies of, and texts that are no UTF-8, by marks in their texts."""

    shop: SandboxShop
    most = now = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with Odd.lock:
            Odd.now += 1
            Odd.most = max(Odd.most, Odd.now)
        path, _, query = self.path.removeprefix("/api/").partition("?")
        answer = self.shop.ask("GET", path, query)
        body, status = answer.body, answer.status
        if b"DEADLY" in body:
            body, status = b"", 500
        elif b"LATIN1" in body:
            # json_encode gives nothing for a text that is no UTF-8, XML its bytes
            as_json = dict(parse_qsl(query)).get("output_format") == "JSON"
            body = b"" if as_json else body.replace(b"LATIN1", b"\xe9\xff")
        with Odd.lock:
            Odd.now -= 1
        self.send_response(status)
        for name, value in answer.headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


def test_rows_that_no_form_gives_are_set_aside_once_and_all_others_are_there(tmp_path):
    shop = SandboxShop("1.6.1.24", orders=ORDERS, seed=1)
    customers = [row["id"] for row in shop.rows("customers")]
    texts = {
        customers[3]: "]]><forged>1</forged><![CDATA[",
        customers[4]: "vertical\x0btab and \x01",
        customers[30]: "DEADLY",
        customers[31]: "DEADLY too",
        customers[77]: "LATIN1",
        customers[-1]: "DEADLY at the end",
    }
    for row_id, text in texts.items():
        shop.update_row("customers", row_id, note=text)
    dead = {row_id for row_id, text in texts.items() if "DEADLY" in text or "LATIN1" in text}
    Odd.shop = shop
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with pulling(tmp_path, url, shop.full_key) as (make, mirror, heard):
            pull = make()
            report = pull.run()
            again = pull.run()
            assert report.errors == again.errors == []
            for name, (here, there) in ids_in(mirror, shop).items():
                assert here == (there - dead if name == "customers" else there), name
            held = mirror.quarantine.list(SHOP)
            assert sorted(one.row_id for one in held) == sorted(dead)
            assert report.resources["customers"].broken == len(dead)
            told = [keys["row_id"] for keys in heard.of(ev.ROW_QUARANTINED)]
            assert sorted(told) == sorted(dead)
    finally:
        server.shutdown()
        server.server_close()
    assert 1 < Odd.most <= 4


def test_asked_to_stop_while_the_host_wants_a_pause_it_ends_at_once_and_goes_on_later(tmp_path):
    shop = SandboxShop(orders=ORDERS, seed=1)
    with shop.serve() as server, pulling(tmp_path, server.url, shop.full_key) as (make, mirror, _):
        shop.misbehave(Misbehave("rate_limit", resource="orders", skip=4, times=None, retry_after=60))
        stopping = threading.Event()
        threading.Timer(2.0, stopping.set).start()
        began = time.monotonic()
        report = make().run(stop=stopping.is_set)
        assert time.monotonic() - began < 15
        assert report.stopped
        assert report.errors == []
        before = mirror.rows.count(SHOP, "orders")
        assert before < ORDERS
        shop.behave()
        report = make().run()
        assert report.errors == []
        assert report.resources["orders"].new == ORDERS - before
        assert [name for name, (here, there) in ids_in(mirror, shop).items() if here != there] == []


@databases.on_one
@pytest.mark.parametrize("version", ["1.6.1.24", "1.7.8.11", "8.2.1", "9.0.0"])
def test_every_version_gives_ranges_as_json(version, tmp_path):
    shop = SandboxShop(version, orders=ORDERS, seed=1)
    with shop.serve() as server, pulling(tmp_path, server.url, shop.full_key) as (make, mirror, _):
        assert make().run().errors == []
        assert [name for name, (here, there) in ids_in(mirror, shop).items() if here != there] == []
    asked = [(request, dict(parse_qsl(request.query))) for request in shop.requests if request.query]
    between = [(request, params) for request, params in asked if "," in params.get("filter[id]", "")]
    assert len(between) > ORDERS / 20
    assert {request.status for request, _ in asked} == {200}
    assert {params.get("output_format") for request, params in between} == {"JSON"}
    assert [params for _, params in between if "display" not in params] == []

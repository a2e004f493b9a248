"""The pages of support staff on a large mirror: how long each takes from the click to the last byte.

The mirror is filled without a shop: threads of three messages, every third of a customer with two orders. The page is
served as in the daemon and asked over HTTP by one browser, each address several times; the first time is told apart,
because it includes what is made once (templates, statements).
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from bench.processes import Facts
from connector import config
from connector.core.mapping import Resource, Row
from connector.ops.logs import EventLog
from connector.web.users import Users
from connector.wiring import App
from connector.wiring.web import Page, users_file

SHOP, PASSWORD, PAGE = "bench", "a long enough password", 2000
TIMES = 15
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
_WORDS = "parcel here thank you order box broken when will come please tell lamp table shelf screw missing size".split()  # noqa: SIM905 - reads as words
_SETTINGS = """
state_dir = "{folder}"
instance_secret = "a secret for the bench only"
[shops.bench]
url = "http://127.0.0.1:9"
key = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567"
employee = 1
"""


def measure(threads: int) -> Facts:
    """Page -> seconds: first, median, p95; `seconds to index`: for an index of words made anew."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "config.toml"
        path.write_text(_SETTINGS.format(folder=folder), encoding="utf-8")
        path.parent.chmod(0o700)
        app = App(config.load(path), EventLog())
        try:
            began = time.monotonic()
            fill(app, threads)
            filled = time.monotonic() - began
            with _served(app) as ask:
                found: Facts = {name: _timed(ask, address) for name, address in _addresses(threads).items()}
        finally:
            app.close()
        return {"threads": threads, "filled": filled, "pages": found}


def _addresses(threads: int) -> dict[str, str]:
    talk = threads // 3 * 3  # of a customer with orders
    return {
        "open threads": "/threads",
        "all threads": "/threads?" + urlencode({"status": ""}),
        "waiting": "/threads?" + urlencode({"waiting": "1", "order": "longest"}),
        "next page": "/threads?" + urlencode({"status": "", "after": str(threads * 3 - 50)}),
        "rare word": "/threads?" + urlencode({"status": "", "q": f"unique{threads // 2}"}),
        "frequent word": "/threads?" + urlencode({"status": "", "q": "parcel"}),
        "two words": "/threads?" + urlencode({"status": "", "q": "shelf broken"}),
        "name": "/threads?" + urlencode({"status": "", "q": f"lastname{talk // 3}"}),
        "thread": f"/threads/{SHOP}/{talk}",
        "quarantine": "/quarantine",
        "service": "/status",
    }


# --- the mirror -----------------------------------------------------------------------------------------------------


def fill(app: App, threads: int) -> None:
    """Threads, messages, customers, orders; every twentieth thread is open."""
    chance = random.Random(1)
    resources = {one.name: one for one in app.resources}
    app.mirror.leases.take(SHOP, app.holder, 3600)
    _store(
        app, resources["employees"], [_row(1, firstname="Ada", lastname="Admin", email="ada@shop.test", active=True)]
    )
    people = threads // 3
    _store(app, resources["customers"], (_person(number) for number in range(1, people + 1)))
    _store(app, resources["orders"], (_order(number, people) for number in range(1, people * 2 + 1)))
    _store(app, resources["customer_threads"], (_thread(number) for number in range(1, threads + 1)))
    _store(
        app,
        resources["customer_messages"],
        (_message(number, threads, chance) for number in range(1, threads * 3 + 1)),
    )
    app.mirror.leases.release(SHOP, app.holder)


def _store(app: App, resource: Resource, rows: Sequence[Row] | Iterator[Row]) -> None:
    page: list[Row] = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            app.mirror.rows.store(SHOP, resource, page, None)
            page = []
    app.mirror.rows.store(SHOP, resource, page, None)


def _row(number: int, **values: object) -> Row:
    return Row(number, values, (), {}, f"{number:064d}")


def _person(number: int) -> Row:
    name = f"lastname{number}"
    at = NOW - timedelta(days=number % 900)
    return _row(
        number, firstname="Anna", lastname=name, email=f"{name}@customer.test", active=True, date_add=at, date_upd=at
    )


def _order(number: int, people: int) -> Row:
    at = NOW - timedelta(days=number % 700)
    return _row(number, reference=f"REF{number:09d}", id_customer=number % people + 1, valid=True, current_state=2,
                total_paid=Decimal("19.90"), date_add=at, date_upd=at)  # fmt: skip


def _thread(number: int) -> Row:
    customer = number // 3 if number % 3 == 0 else None
    email = f"lastname{customer}@customer.test" if customer else f"guest{number}@customer.test"
    at = NOW - timedelta(minutes=number)
    status = "open" if number % 20 == 0 else "closed"
    return _row(number, email=email, status=status, id_customer=customer, id_order=customer, token="x" * 12,
                id_contact=number % 3 + 1, id_lang=1, id_shop=1, date_add=at, date_upd=at)  # fmt: skip


def _message(number: int, threads: int, chance: random.Random) -> Row:
    thread = (number * 7919) % threads + 1
    words = " ".join(chance.choices(_WORDS, k=30)) + f" unique{number}"
    return _row(number, id_customer_thread=thread, id_employee=1 if number % 3 == 2 else None, message=words,
                private=False, date_add=NOW - timedelta(minutes=3 * threads - number))  # fmt: skip


# --- the browser ----------------------------------------------------------------------------------------------------


@contextmanager
def _served(app: App) -> Iterator[HTTPConnection]:
    Users(users_file(app.settings)).put("bench", "read", PASSWORD, {})
    page = Page(app.events, pushing=False)
    page.adopt(app, "127.0.0.1:0")
    line = HTTPConnection("127.0.0.1", page.port, timeout=60)
    try:
        line.request("GET", "/sign-in")
        answer = line.getresponse()
        cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
        csrf = re.search(r'name="csrf" value="([^"]+)"', answer.read().decode())
        form = urlencode({"name": "bench", "password": PASSWORD, "csrf": csrf.group(1) if csrf else ""})
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        line.request("POST", "/sign-in", form, kind)
        answer = line.getresponse()
        answer.read()
        line.__dict__["cookie"] = (answer.getheader("Set-Cookie") or "").split(";")[0]
        yield line
    finally:
        line.close()
        page.close()


def _timed(line: HTTPConnection, address: str) -> Facts:
    seconds = []
    for _ in range(TIMES):
        began = time.monotonic()
        line.request("GET", address, headers={"Cookie": line.__dict__["cookie"]})
        answer = line.getresponse()
        body = answer.read()
        seconds.append(time.monotonic() - began)
        if answer.status != 200 or b"<h1" not in body:
            raise RuntimeError(f"{address}: HTTP {answer.status}")
    ordered = sorted(seconds[1:])
    return {"first": seconds[0], "median": median(ordered), "p95": ordered[int(len(ordered) * 0.95)]}

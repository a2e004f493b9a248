"""A small shop per test, served over HTTP, and a session that talks to it."""

from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
import requests

from connector.sandbox.shop import SandboxShop


class Clock:
    """A clock that tests turn by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 15, 12, 0, tzinfo=ZoneInfo("Europe/Paris"))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Talk:
    """A shop, its clock and a keep-alive session with the full key."""

    shop: SandboxShop
    clock: Clock
    session: requests.Session
    url: str

    def send(self, method, path, body=None, **params):
        timeout = params.pop("timeout", 5)
        data = f"<prestashop>{body}</prestashop>".encode() if body is not None else None
        return self.session.request(
            method, f"{self.url}/api/{path}", params=params, data=data, timeout=timeout, allow_redirects=False
        )

    def get(self, path, **params):
        return self.send("GET", path, **params)

    def ids(self, path, **params):
        root = ElementTree.fromstring(self.get(path, **params).content)
        return [int(item.get("id")) for item in root[0]]

    def post_message(self, text, thread=1, **params):
        body = f"<m><id_customer_thread>{thread}</id_customer_thread><message><![CDATA[{text}]]></message></m>"
        return self.send("POST", "customer_messages", body, **params)


@pytest.fixture
def talk_to():
    """`talk_to("8.2.1", orders=20)` gives a `Talk`; closed after the test."""
    open_things = []

    def make(version="8.2.1", **options):
        clock = Clock()
        shop = SandboxShop(version, **({"orders": 20, "clock": clock} | options))
        server = shop.start()
        session = requests.Session()
        session.auth = (shop.full_key, "")
        open_things.extend([session, server])
        return Talk(shop, clock, session, server.url)

    yield make
    for thing in open_things:
        thing.close()

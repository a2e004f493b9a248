"""A page over a small world: signed-in clients, one sandbox shop for all tests of this folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from connector import config
from connector.ops.logs import EventLog
from connector.web.app import create_app
from connector.web.guard import Proxy
from connector.web.sessions import Attempts, Sessions
from connector.web.users import Users
from connector.wiring import App
from connector.wiring.office import AppOffice
from connector.wiring.pushing import fresh, lease, push
from tests.support.world import World

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
BASE = "https://localhost/"


@dataclass
class Heard:
    """Events that were told, by name."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, name: str, _level: str, keys: object) -> None:
        self.events.append((name, dict(keys)))  # type: ignore[call-overload]

    def named(self, name: str) -> list[dict[str, object]]:
        return [keys for one, keys in self.events if one == name]


@dataclass
class Site:
    """The page without a server: what a browser sends is sent by hand."""

    world: World
    app: App
    users: Users
    heard: Heard
    sent: list[tuple[str, int]] = field(default_factory=list)
    clock: float = 1000.0

    def make(self, *, proxy: Proxy | None = None, attempts: Attempts | None = None, idle: float = 3600):
        office = AppOffice(self.app, lambda shop, ids: self.sent.extend((shop, one) for one in ids))
        sessions = Sessions(idle, 43200, clock=lambda: self.clock)
        events = EventLog(strict=True, watchers=[self.heard])
        return create_app(lambda: office, self.users, events, sessions=sessions, proxy=proxy, attempts=attempts)

    def anybody(self, page=None, **options):
        return (page or self.make(**options)).test_client()

    def signed_in(self, name: str = "alice", page=None):
        client = self.anybody(page)
        form = client.get("/sign-in", base_url=BASE)
        answer = client.post("/sign-in", base_url=BASE, data={"csrf": secret(form), "name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    def push(self) -> None:
        """What a daemon would do now."""
        intents = fresh(self.app, [number for _, number in self.sent])
        self.sent.clear()
        with lease(self.app, "main"):
            push(self.app, "main", intents, lambda error: None)


def secret(answer) -> str:
    """The secret of the forms on a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found.group(1)


def post(client, path: str, form_at: str = "/threads", **data: str):
    """Send a form as the page holds it."""
    csrf = secret(client.get(form_at, base_url=BASE))
    return client.post(path, base_url=BASE, data={"csrf": csrf, **data})


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("web") / "state") as here:
        here.begin()
        yield here


@pytest.fixture(scope="package")
def opened(world: World) -> Iterator[App]:
    app = App(config.load(world.config), EventLog(strict=True), clock=world.clock)
    yield app
    app.close()


@pytest.fixture
def site(world: World, opened: App, tmp_path: Path) -> Site:
    users = Users(tmp_path / "users.json", CHEAP)
    for name, role in (("alice", "answer"), ("rita", "read"), ("anton", "admin")):
        users.put(name, role, PASSWORD, {})
    return Site(world, opened, users, Heard())

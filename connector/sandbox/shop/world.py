"""What one running shop is made of: rows, clock, keys, mails sent, switches.

The request modules get a `World` and nothing else. It holds state and small look-ups; it renders nothing and decides
nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from connector.sandbox.shop.definitions import ApiEntry, Resource, load_api, load_resources
from connector.sandbox.shop.dialect import Dialect
from connector.sandbox.shop.rendered import Rendered
from connector.sandbox.shop.service import Workers
from connector.sandbox.shop.store import Store

Clock = Callable[[], datetime]


@dataclass
class Key:
    """A webservice key: `permissions` maps a resource to its methods; None means everything."""

    value: str
    active: bool = True
    permissions: dict[str, frozenset[str]] | None = None

    def allows(self, resource: str, method: str) -> bool:
        return self.permissions is None or method in self.permissions.get(resource, frozenset())

    def knows(self, resource: str) -> bool:
        return self.permissions is None or bool(self.permissions.get(resource))


@dataclass(frozen=True)
class SentMail:
    """A mail that the shop would have sent: to whom, which template, about which order."""

    recipient: str
    template: str
    id_order: int
    id_lang: int
    subject: str = ""


@dataclass(frozen=True)
class RequestLog:
    """One answered (or deliberately unanswered: status 0) request. `seconds`: its service time, 0 without one."""

    method: str
    path: str
    query: str
    status: int
    seconds: float = 0.0


class ApiError(Exception):
    """Ends a request with the webservice's error document. The last status wins."""

    def __init__(self, status: int, code: int, message: str, *more: tuple[int, str]) -> None:
        super().__init__(message)
        self.status = status
        self.errors: list[tuple[int, str]] = [(code, message), *more]


class Died(Exception):
    """Ends a request as PHP's `die()` or an uncaught exception does: no webservice headers."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass
class World:
    """The state of one shop."""

    dialect: Dialect
    seed: int
    clock: Clock | None = None
    domain: str | None = None
    shop_name: str = "Sandbox shop"
    timezone: str = "Europe/Paris"
    webservice_enabled: bool = True
    workers: Workers | None = None
    mail_fails: bool = False
    keys: dict[str, Key] = field(default_factory=dict)
    mails: list[SentMail] = field(default_factory=list)
    requests: list[RequestLog] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.resources: dict[str, Resource] = load_resources(self.dialect.mark)
        self.api: tuple[ApiEntry, ...] = load_api(self.dialect.mark)
        self.store = Store(self.resources)
        self.rendered = Rendered(self.store)
        self.slip_details: dict[int, list[dict[str, object]]] = {}
        self.random = random.Random(f"{self.seed}/writes")

    @property
    def base_url(self) -> str:
        return f"http://{self.domain or 'shop.test'}"

    def now(self) -> datetime:
        """The shop's wall clock, without offset, whole seconds."""
        zone = ZoneInfo(self.timezone)
        moment = self.clock() if self.clock else datetime.now(zone)
        if moment.tzinfo is not None:
            moment = moment.astimezone(zone)
        return moment.replace(tzinfo=None, microsecond=0)

    def now_text(self) -> str:
        return self.now().strftime("%Y-%m-%d %H:%M:%S")

    def utc_text(self) -> str:
        """The database's own clock: a TIMESTAMP column fills itself in UTC."""
        local = self.now().replace(tzinfo=ZoneInfo(self.timezone))
        return local.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    def config(self, name: str) -> str:
        rows = self.store.rows("configurations", name=name)
        return str(rows[0]["value"]) if rows else ""

    def active_languages(self) -> list[int]:
        return [row["id"] for row in self.store.rows("languages", active=1)]

    def shop_ids(self) -> list[int]:
        """Those that can be asked for: Shop::getShops leaves out what is switched off."""
        return [row["id"] for row in self.store.rows("shops") if row["active"] and not row["deleted"]]

    def hex(self, length: int) -> str:
        """Random hex digits, the same for the same seed and the same writes."""
        return f"{self.random.getrandbits(length * 4):0{length}x}"


def permissions(**allowed: Iterable[str]) -> dict[str, frozenset[str]]:
    """`permissions(customers=("GET", "HEAD"))` for `Key`."""
    return {resource: frozenset(methods) for resource, methods in allowed.items()}

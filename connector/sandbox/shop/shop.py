"""The sandbox shop as tests and the demo use it: make one, serve it, look into it, make it misbehave.

A thin front over `world`, `seed`, `faults` and `server`; it adds no behaviour of its own to the webservice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from connector.sandbox.shop import seed as seeding
from connector.sandbox.shop.api import Answer, Request, answer
from connector.sandbox.shop.dialect import Dialect
from connector.sandbox.shop.faults import Faults, Misbehave
from connector.sandbox.shop.server import ShopServer
from connector.sandbox.shop.service import ServiceTime, Workers
from connector.sandbox.shop.store import Cell, Row
from connector.sandbox.shop.world import Clock, Key, RequestLog, SentMail, World, permissions


class SandboxShop:
    """A PrestaShop look-alike of one version, full of made-up data.

    `orders` sets the size; `customers`, `threads` and `messages` follow it unless given. The same version, sizes and
    seed give the same shop. `clock` gives the current time (aware, or naive in the shop's zone); None is the real one.
    `shops=2` makes a multistore of two. `empty=True` seeds nothing at all, for tests that bring their own rows.
    `domain` is the host that the shop takes for its own (None: wherever it is served). `service` makes served answers
    take as long as a genuine shop's (`LIKE_GENUINE`); without it they come at once. `three_byte_tables` loses emoji
    whatever the version.
    """

    def __init__(
        self,
        version: str = "8.2.1",
        *,
        orders: int = 200,
        seed: int = 1,
        clock: Clock | None = None,
        customers: int | None = None,
        threads: int | None = None,
        messages: int | None = None,
        shops: int = 1,
        empty: bool = False,
        domain: str | None = None,
        shop_name: str = "Sandbox shop",
        service: ServiceTime | None = None,
        three_byte_tables: bool = False,
    ) -> None:
        self.world = World(Dialect(version, three_byte_tables), seed, clock, domain, shop_name)
        self.version = version
        self.faults = Faults()
        self.service = service
        self._own_domain = domain is not None
        self.full_key = _key(seed, "full")
        self.readonly_key = _key(seed, "customers read only")
        self.inactive_key = _key(seed, "inactive")
        self.add_key(self.full_key)
        self.add_key(self.readonly_key, permissions(customers=("GET", "HEAD")))
        self.add_key(self.inactive_key, active=False)
        if not empty:
            size = seeding.Size.of(orders, customers, threads, messages, shops)
            seeding.fill(self.world, size)

    # serving

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[ShopServer]:
        """Serve on 127.0.0.1 (a free port by default) until the block ends."""
        server = self.start(port)
        try:
            yield server
        finally:
            server.close()

    def start(self, port: int = 0) -> ShopServer:
        """Serve until `close()` of what is returned."""
        if not self._own_domain:
            self.world.domain = None
        server = ShopServer(self.world, self.faults, port)
        if not self._own_domain:
            sql = "UPDATE shop_urls SET domain = ?, domain_ssl = ?"
            self.world.store.execute(sql, (self.world.domain, self.world.domain))
        return server

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> Answer:
        """One request without a network, with the full key; `path` like `customers/5`."""
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        key = f"ws_key={self.full_key}"
        return answer(self.world, Request(method, path, f"{query}&{key}" if query else key, named, body))

    # keys and switches

    def add_key(self, value: str, allowed: dict[str, frozenset[str]] | None = None, *, active: bool = True) -> None:
        """Add or replace a webservice key (32 characters); `allowed` None means everything."""
        self.world.keys[value] = Key(value, active, allowed)

    def set_key_active(self, value: str, active: bool) -> None:
        self.world.keys[value].active = active

    @property
    def webservice_enabled(self) -> bool:
        return self.world.webservice_enabled

    @webservice_enabled.setter
    def webservice_enabled(self, value: bool) -> None:
        self.world.webservice_enabled = value

    @property
    def service(self) -> ServiceTime | None:
        """How long served answers take; may be changed at any time, requests under way are not touched."""
        return self.world.workers.service if self.world.workers else None

    @service.setter
    def service(self, value: ServiceTime | None) -> None:
        self.world.workers = Workers(value) if value else None

    @property
    def mail_fails(self) -> bool:
        """While true the shop cannot send mail: `sendemail=1` ends in 500 with code 46, rows saved."""
        return self.world.mail_fails

    @mail_fails.setter
    def mail_fails(self, value: bool) -> None:
        self.world.mail_fails = value

    def misbehave(self, fault: Misbehave) -> None:
        """Queue a fault for coming requests."""
        self.faults.add(fault)

    def behave(self) -> None:
        """Drop all queued faults, and what is held."""
        self.faults.clear()

    def release(self) -> int:
        """Do now what the fault `held` has put off; how many requests that was."""
        held, self.faults.held[:] = list(self.faults.held), []
        for request in held:
            request()
        return len(held)

    def drained(self, seconds: float = 60) -> bool:
        """Wait until no request is in hand any more, also none whose client has given up; False: it took longer."""
        return self.faults.drained(seconds)

    # looking inside

    @property
    def mails_sent(self) -> list[SentMail]:
        return self.world.mails

    @property
    def requests(self) -> list[RequestLog]:
        return self.world.requests

    def rows(self, resource: str, **equal: Cell) -> list[Row]:
        """Rows as stored, in id order; `rows("customer_messages", id_customer_thread=5)`."""
        return self.world.store.rows(resource, **equal)

    def row(self, resource: str, row_id: int) -> Row | None:
        return self.world.store.get(resource, row_id)

    def groups_of(self, id_customer: int) -> list[int]:
        return self.world.store.groups_of(id_customer)

    def count(self, resource: str, **equal: Cell) -> int:
        return self.world.store.count(resource, **equal)

    # changes behind the webservice's back

    def put_row(self, resource: str, row: Row) -> int:
        """Insert (or, with a known id, replace) a row; fields left out get the column's zero. Gives its id."""
        groups, details = row.get("groups"), row.get("order_slip_details")
        plain = {name: value for name, value in row.items() if name not in ("groups", "order_slip_details")}
        full = seeding.blank_row(self.world, resource) | plain
        with self.world.store.lock:
            row_id = self.world.store.insert(resource, full)
            if groups is not None and resource == "customers":
                self.world.store.set_groups(row_id, groups)
            if details is not None and resource == "order_slip":
                self.world.slip_details[row_id] = list(details)
        return row_id

    def update_row(self, resource: str, row_id: int, **changes: Cell) -> None:
        """Change columns by direct SQL: no date_upd, no side effect."""
        if not self.world.store.update(resource, row_id, changes):
            raise KeyError(f"{resource} has no row {row_id}")

    def delete_row(self, resource: str, row_id: int) -> None:
        """Delete one row by direct SQL, without cascades."""
        if not self.world.store.delete(resource, row_id):
            raise KeyError(f"{resource} has no row {row_id}")

    def next_id(self, resource: str, row_id: int) -> None:
        """Let the next row that is added to a resource get this id."""
        self.world.store.next_id(resource, row_id)

    def touch(self, resource: str, row_id: int) -> None:
        """Set date_upd to now, as an edit in the back office does."""
        self.update_row(resource, row_id, date_upd=self.world.now_text())

    def back_office_set_status(self, id_customer_thread: int, status: str) -> None:
        """The status menu of the back office: direct SQL, date_upd stays."""
        self.update_row("customer_threads", id_customer_thread, status=status)

    def contact_form(self, id_customer_thread: int, text: str, **fields: Cell) -> int:
        """A customer writes again through the contact form: new message, thread open, thread's date_upd moved."""
        now = self.world.now_text()
        row = {"id_customer_thread": id_customer_thread, "message": text, "date_add": now, "date_upd": now}
        row_id = self.put_row("customer_messages", row | fields)
        self.update_row("customer_threads", id_customer_thread, status="open", date_upd=now)
        return row_id


def _key(seed: int, purpose: str) -> str:
    """A 32 character key, the same for the same seed."""
    return hashlib.sha256(f"sandbox key/{seed}/{purpose}".encode()).hexdigest()[:32].upper()

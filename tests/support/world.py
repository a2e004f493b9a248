"""A small world for tests of the whole: a sandbox shop, a mailbox, a mail server, and our program between them.

Everything is real (HTTP, IMAP, SMTP, SQLite or PostgreSQL); only time is ours: `StepClock` sleeps by moving its hands.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from connector import config, packagedata
from connector.core.identity import is_reference
from connector.engine.cycle import CycleReport, cycle
from connector.ops.clock import SystemClock
from connector.ops.logs import EventLog
from connector.sandbox.mailbox import SandboxMailbox
from connector.sandbox.people import People
from connector.sandbox.shop import SandboxShop
from connector.sandbox.smtp import SandboxSmtp
from connector.wiring import App
from tests.support import databases

PASSWORD = "sandbox"
_USERS = [f"support{n}@shop.test" for n in range(400)]
_lock = threading.Lock()
_mailbox: SandboxMailbox | None = None
_next_user = itertools.count()
_begun: dict[tuple[str, ...], str | bytes] = {}


def shared_mailbox() -> SandboxMailbox:
    """One IMAP server for all tests of a process; each world takes an account of its own."""
    global _mailbox
    with _lock:
        if _mailbox is None:
            _mailbox = SandboxMailbox(dict.fromkeys(_USERS, PASSWORD))
            _mailbox.start()
    return _mailbox


class StepClock(SystemClock):
    """The real time plus what was slept; nobody waits for a settle time."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class World:
    """mailbox_settings and the like: TOML lines for that table; login: those of the mailbox's login. mirror_url: a
    mirror that others share, too; "": one of its own, in a database of the kind that `databases` says. Use as a
    context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        version: str = "8.2.1",
        shop: SandboxShop | None = None,
        user: str | None = None,
        mailbox_settings: str = "create_threads = true",
        shop_settings: str = "",
        with_smtp: bool = True,
        smtp_settings: str = "",
        mirror_url: str = "",
        login: str = f'password = "{PASSWORD}"',
    ) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.shop = shop or SandboxShop(version, orders=20, seed=1)
        self.mailbox = shared_mailbox()
        self.user = user or _USERS[next(_next_user)]
        self.clock = StepClock()
        self.people = People(1, datetime.now(UTC), support=self.user)
        self.smtp = SandboxSmtp() if with_smtp else None
        self._mailbox_settings = mailbox_settings
        self._shop_settings = shop_settings
        self._smtp_settings = smtp_settings
        self._login = login
        self._own_mirror = not mirror_url
        self._given = shop is not None or bool(mirror_url) or user is not None
        self.mirror_url = mirror_url

    def __enter__(self) -> World:
        if not self.mirror_url:
            self._new_mirror()
        self.server = self.shop.start()
        if self.smtp is not None:
            self.smtp.__enter__()
        self.config = self.folder / "config.toml"
        self.config.write_text(self._toml(), encoding="utf-8")
        return self

    def __exit__(self, *exc: object) -> None:
        if self.smtp is not None:
            self.smtp.__exit__(None, None, None)
        self.server.close()
        if self._own_mirror:
            databases.forget(self.mirror_url)

    def _new_mirror(self) -> None:
        """With all tables and no rows. That of SQLite lies where the program looks by itself."""
        made = databases.new_mirror(self.folder, packagedata.resources())
        self.mirror_url = "" if databases.is_sqlite() else made

    def lose_mirror(self) -> None:
        """Somebody removes it, or it burns with its disk."""
        for file in self.folder.glob("mirror.db*"):
            file.unlink()
        databases.forget(self.mirror_url)
        self._new_mirror()
        self.config.write_text(self._toml(), encoding="utf-8")

    def _toml(self) -> str:
        employee = next(row["id"] for row in self.shop.rows("employees") if row["active"])
        contact = next(row["id"] for row in self.shop.rows("contacts") if row["customer_service"])
        smtp = (
            f'[shops.main.smtp]\nhost = "127.0.0.1"\nport = {self.smtp.port}\nsecurity = "plain"\n'
            f'sender = "{self.user}"\n{self._smtp_settings}\n'
            if self.smtp is not None
            else ""
        )
        return f"""\
state_dir = "{self.folder}"
instance_secret = "an instance secret of good length"
[mirror]
url = "{self.mirror_url}"
[shops.main]
url = "{self.server.url}"
key = "{self.shop.full_key}"
employee = {employee}
connect_timeout = 2
read_timeout = 2
settle_seconds = 30
{self._shop_settings}
[shops.main.mailboxes.support]
host = "{self.mailbox.host}"
port = {self.mailbox.port}
security = "plain"
user = "{self.user}"
{self._login}
folders = ["INBOX"]
sent_folders = ["Sent"]
contact = {contact}
employee = {employee}
{self._mailbox_settings}
{smtp}"""

    @contextmanager
    def app(self, *, new_baseline: bool = False) -> Iterator[App]:
        """A fresh process's view."""
        app = App(config.load(self.config), EventLog(strict=True), clock=self.clock, new_baseline=new_baseline)
        try:
            yield app
        finally:
            app.close()

    def sync(self, *, app: App | None = None, only: Sequence[str] = ("pull", "collect", "push")) -> CycleReport:
        """One cycle with the lease held, as `sync` does it."""
        if app is None:
            with self.app() as fresh:
                return self.sync(app=fresh, only=only)
        assert app.mirror.leases.take("main", app.holder, 600)
        try:
            return cycle(app.legs("main"), app.events, lambda: False, only=only)
        finally:
            app.mirror.leases.release("main", app.holder)

    def begin(self) -> None:
        """As after a first `sync` of a shop and a mailbox that nobody has touched. What that makes is kept for worlds
        of the same settings: only the line in the mailbox, which is each world's own, is drawn anew."""
        key = (databases.chosen(), self.shop.version, self._mailbox_settings, self._shop_settings, self._smtp_settings)
        if self._given or key not in _begun:
            self.sync()
        if self._given:
            return
        if key not in _begun:
            _begun[key] = databases.kept(self.folder, self.mirror_url)
            return
        databases.forget(self.mirror_url)
        self.mirror_url = databases.put(self.folder, _begun[key])
        self.config.write_text(self._toml(), encoding="utf-8")
        with self.app() as app, app.mirror.database.write() as connection:
            connection.execute(text("DELETE FROM baseline"))
        self.sync(only=("collect",))

    def deliver(self, raw: bytes, folder: str = "INBOX", at: datetime | None = None) -> None:
        self.mailbox.deliver(self.user, folder, raw, at or datetime.now(UTC))

    def thread(self, status: str = "open") -> dict[str, object]:
        """A thread of the shop with an address and a token, in this status."""
        rows = self.shop.rows("customer_threads", status=status)
        return next(row for row in rows if "@" in str(row["email"]) and row["token"])

    def reply(self, thread: dict[str, object], text: str = "Thanks a lot!") -> bytes:
        return self.people.reply_to_shop_mail(
            int(thread["id"]),  # type: ignore[call-overload]
            str(thread["token"]),
            str(thread["email"]),
            text=text,
        )

    def ours(self) -> list[dict[str, object]]:
        """Messages in the shop that carry a reference of ours."""
        return [row for row in self.shop.rows("customer_messages") if is_reference(str(row["user_agent"]))]

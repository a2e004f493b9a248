"""A world that can be put back to one moment, so that the same evening can be played again and again.

Everything is kept that outlives a process: the shop's tables, the mailbox, the mails that were sent, the mirror.
`Stage.begin` puts it all back; `Stage.end` tells what it has come to, in a form that two plays can be compared by.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

from connector.core.identity import is_reference
from connector.core.model import IntentState, MailState
from connector.engine.cycle import CycleReport
from connector.errors import ConnectorError
from connector.sandbox.shop import RequestLog, SandboxShop, SentMail
from connector.sandbox.smtp import Received, SandboxSmtp
from connector.wiring import App
from tests.support import databases, postgres, repertoire
from tests.support.postbox import KeptFolder, Postbox
from tests.support.steps import Killed, Steps, stepped
from tests.support.world import StepClock, World

SHOP = repertoire.SHOP
PROOF, DONE = "Proof", "Done"
LEGS = ("collect", "push")
_MAILBOX = f'create_threads = true\nafter = "move"\nmove_to = "{DONE}"\ntimeout = 2'
_SMTP = (
    f'proof_mailbox = "support"\nproof_folder = "{PROOF}"\ncopy_mailbox = "support"\ncopy_folder = "Sent"\ntimeout = 1'
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_OPEN = (IntentState.PLANNED, IntentState.SENDING, IntentState.IN_DOUBT)


@dataclass(frozen=True)
class Moment:
    """All that outlives a process. mirror: the file, with its log beside it; "" on PostgreSQL, where only the beginning
    is kept (as `template`). step: the name of the step it was taken after."""

    shop: sqlite3.Connection
    shop_mails: tuple[SentMail, ...]
    received: tuple[Received, ...]
    mailbox: dict[str, KeptFolder]
    mirror: Path
    step: str = ""
    template: str = ""

    def differs(self, before: Moment) -> tuple[object, ...]:
        """What kind of thing has happened since, whatever it happened to."""
        mine, theirs = self._sorts(), before._sorts()
        return tuple(sorted((mine - theirs).items())), tuple(sorted((theirs - mine).items()))

    def _sorts(self) -> Counter[tuple[str, ...]]:
        look = self.mirror.with_name("look.db")  # at a copy: to open it would be to tidy its log up
        for end in ("", "-wal"):
            Path(f"{look}{end}").unlink(missing_ok=True)
            if Path(f"{self.mirror}{end}").exists():
                shutil.copy(f"{self.mirror}{end}", f"{look}{end}")
        with closing(sqlite3.connect(look)) as mirror:
            rows = mirror.execute("SELECT 'intent', kind, state FROM intent").fetchall()
            rows += mirror.execute("SELECT 'mail', state, reason FROM mail").fetchall()
        return Counter(rows)

    def same_mirror(self, other: Path) -> bool:
        mine, theirs = ([Path(f"{one}{end}") for end in ("", "-wal")] for one in (self.mirror, other))
        return all(
            a.exists() == b.exists() and (not a.exists() or a.read_bytes() == b.read_bytes())
            for a, b in zip(mine, theirs, strict=True)
        )


End = dict[str, Any]


class StageClock(StepClock):
    """Whoever sleeps gives the shop the time to be done with what it has in hand, and with what the fault `held` has
    put off: a settle time is longer than the shop's longest request."""

    def __init__(self, shop: SandboxShop) -> None:
        super().__init__()
        self._shop = shop

    def sleep(self, seconds: float) -> None:
        assert self._shop.drained()
        super().sleep(seconds)
        self._shop.release()


class Stage(World):
    """kind: of the mirror's database. prepare: what lies in wait when the play begins, everything of the repertoire by
    default (options: with all switches of the commands). proof: a folder tells which mails went out. patience: seconds
    that are waited for an answer of the shop. Use as a context manager; after entering, the moment is kept."""

    def __init__(
        self,
        folder: Path,
        *,
        kind: str = "sqlite",
        version: str = "8.2.1",
        prepare: Callable[[Stage], None] | None = None,
        options: bool = False,
        proof: bool = True,
        shop_settings: str = "",
    ) -> None:
        self.kind = kind
        self.patience: float = 2
        self._prepare = prepare or (lambda stage: stage.one_of_each(options=options))
        super().__init__(
            folder / "state",
            shop=SandboxShop(version, orders=20, threads=30, messages=60, seed=1),
            mailbox_settings=_MAILBOX,
            # One connection: with several the order of two steps is chance, and a death could not be counted.
            shop_settings=f"connections = 1\nallow_customer_put = true\n{shop_settings}",
            smtp_settings=_SMTP if proof else "",
        )
        self.clock = StageClock(self.shop)
        self.smtp: SandboxSmtp = SandboxSmtp(deliver_to=self._provider)
        self.postbox = Postbox(self.mailbox, self.user)
        self._numbers = itertools.count()
        self._detours = dict[int, int]()
        self.legs: tuple[str, ...] = LEGS
        self._then: tuple[int, Callable[[], None]] = (-1, lambda: None)

    def _provider(self, received: Received) -> None:
        """Files what goes out, as many providers do by themselves."""
        self.mailbox.deliver(self.user, PROOF, received.raw)
        if len(self.smtp.received) == self._then[0]:
            self._then[1]()

    def after_mails(self, count: int, then: Callable[[], None]) -> None:
        """Do something as soon as so many mails went out."""
        self._then = (count, then)
        if len(self.smtp.received) == count:
            then()

    # --- the moment -------------------------------------------------------------------------------------------------

    def __enter__(self) -> Stage:
        with databases.on(self.kind):
            super().__enter__()
        for name in (PROOF, DONE):
            self.mailbox.make_folder(self.user, name)
        self._prepare(self)
        self._keep()
        return self

    def one_of_each(self, *, options: bool = False) -> None:
        """Mails that wait in the mailbox, and wishes of every kind that wait in the outbox."""
        for message in self.shop.rows("customer_messages", id_employee=0):
            self.shop.update_row("customer_messages", message["id"], read=0)
        self.sync()
        waiting = repertoire.mails(self)
        self.deliver(waiting[-2][1], waiting[-2][0])
        self.sync()  # one is in quarantine already: a person assigns it
        with self.app() as app:
            repertoire.wishes(self, app, options=options)
        for folder, raw in waiting[:-2] + waiting[-1:]:
            self.deliver(raw, folder)
        self.deliver(self.people.spoofed(1, "x", "eve@elsewhere.test", wrong_token=True))

    def _keep(self) -> None:
        store = self.shop.world.store
        self._newest = {
            name: max((row["id"] for row in store.rows(name)), default=0) for name in self.shop.world.resources
        }
        self._beginning = self.moment()
        if self.kind != "sqlite":
            template = postgres.server().copy(self.mirror_url)
            self._beginning = replace(self._beginning, template=template)

    def moment(self, step: str = "") -> Moment:
        """Everything as it is now, as a dying process would leave it."""
        shop = sqlite3.connect(":memory:", check_same_thread=False)
        with self.shop.world.store.lock:
            self.shop.world.store._db.backup(shop)
        sent, received = tuple(self.shop.mails_sent), tuple(self.smtp.received)
        return Moment(shop, sent, received, self.postbox.keep(), self.keep_mirror(), step)

    def keep_mirror(self) -> Path:
        """A copy of the mirror's file and its log: what is committed is in them."""
        kept = self.folder / "kept" / f"{next(self._numbers)}.db"
        if self.kind == "sqlite":
            kept.parent.mkdir(exist_ok=True)
            for end in ("", "-wal"):
                if (file := self.folder / f"mirror.db{end}").exists():
                    shutil.copy(file, f"{kept}{end}")
        return kept

    def begin(self, moment: Moment | None = None, mirror: Path | None = None) -> Stage:
        """Back to the beginning, or to a moment since; mirror: with another one's mirror."""
        moment = moment or self._beginning
        with self.shop.world.store.lock:
            moment.shop.backup(self.shop.world.store._db)
            self.shop.world.rendered._kept.clear()
        self.shop.requests.clear()
        self.shop.mails_sent[:] = moment.shop_mails
        self.smtp.received[:] = moment.received
        self.shop.behave()
        self.smtp._faults.clear()
        self._then = (-1, lambda: None)
        self.postbox.put_back(moment.mailbox)
        self.clock.ahead = timedelta()
        self._put_mirror(mirror or moment.mirror)
        return self

    def _put_mirror(self, source: Path) -> None:
        if self.kind != "sqlite":
            databases.forget(self.mirror_url)
            self.mirror_url = postgres.server().copy(self._beginning.template)
            self.config.write_text(self._toml(), encoding="utf-8")
            return
        for file in self.folder.glob("mirror.db*"):
            file.unlink()
        for end in ("", "-wal"):
            if Path(f"{source}{end}").exists():
                shutil.copy(f"{source}{end}", self.folder / f"mirror.db{end}")
        self.end_leases()  # they run out; nobody waits for that here

    def __exit__(self, *exc: object) -> None:
        databases.forget(self._beginning.template)
        super().__exit__(*exc)

    # --- playing ----------------------------------------------------------------------------------------------------

    def mark(self) -> object:
        """What the far sides look like; another value after every change there."""
        return self.shop.world.store.written, len(self.shop.mails_sent), len(self.smtp.received), self.postbox.mark

    def run(self, steps: Steps | None = None, *, around: Callable[[App], App] = lambda app: app) -> CycleReport | None:
        """One run of the program in a fresh process's view; None when it was killed in it, or ended by an error.
        around: what is put around the app."""
        with self.app() as app:
            outside = app.mirror.database.write
            try:
                return self.sync(app=stepped(app, steps) if steps is not None else around(app), only=self.legs)
            except (Killed, ConnectorError):
                return None
            finally:
                app.mirror.database.write = outside  # type: ignore[method-assign]
                app.mirror.leases.release(SHOP, app.holder)  # it runs out; nobody waits for that here

    def hand_lease_over(self) -> bool:
        """To another process, of which nobody knows whether it lives. False: a transaction is open."""
        try:
            return self._sql("UPDATE lease SET holder = 'another process' RETURNING shop") != []
        except sqlite3.OperationalError:
            return False

    def end_leases(self) -> None:
        self._sql("DELETE FROM lease")

    def is_sending(self) -> bool:
        """Is a write under way, as far as the mirror knows?"""
        return self._sql("SELECT id FROM intent WHERE state = 'sending'") != []

    def _sql(self, statement: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "mirror.db", timeout=0.1, isolation_level=None)) as mirror:
            return mirror.execute(statement).fetchall()

    def settle(self, rounds: int = 8) -> None:
        """Run until a run changes nothing anywhere and has nothing left to push. Every mail is accounted for then."""
        for _ in range(rounds):
            self.clock.sleep(600)
            before, asked = self.mark(), len(self.shop.requests)
            report = self.run()
            if self.mark() == before and not self.under_way():
                writes = [r for r in self.shop.requests[asked:] if writes_something(r)]
                assert not writes, f"nothing to do, and yet it wrote: {writes}"
                assert report is not None
                assert report.account is not None
                assert report.account.holds, report.account
                return
        raise AssertionError(f"it does not come to rest: {self.under_way()}")

    def wait_for_answers(self, seconds: float) -> None:
        """How long a process that starts from now on waits for an answer of the shop."""
        self.patience = seconds
        self.config.write_text(self._toml(), encoding="utf-8")

    def _toml(self) -> str:
        text = super()._toml().replace("read_timeout = 2", f"read_timeout = {self.patience}")
        for port, other in self._detours.items():
            text = text.replace(f"127.0.0.1:{port}/", f"127.0.0.1:{other}/")
            text = text.replace(f"port = {port}\n", f"port = {other}\n")
        return text

    @property
    def ports(self) -> dict[str, int]:
        return {"shop": self.server.port, "mailbox": self.mailbox.port, "smtp": self.smtp.port}

    def lead_over(self, **ports: int) -> None:
        """Processes that start from now on find these servers at other ports; none given: at their own."""
        self._detours = {self.ports[name]: port for name, port in ports.items()}
        self.shop.world.domain = f"127.0.0.1:{ports.get('shop', self.server.port)}"
        self.config.write_text(self._toml(), encoding="utf-8")

    def under_way(self) -> list[str]:
        """Keys of intents that are to be pushed yet."""
        with self.app() as app:
            return [intent.key for intent in app.mirror.outbox.listing(SHOP, _OPEN)]

    # --- what it has come to ------------------------------------------------------------------------------------------

    def end(self) -> End:
        """Everything that outlives the program, without what no two plays have in common: times, and numbers of rows
        that were made in the play (two threads that wait for each other's doubt may swap them)."""
        with self.app() as app:
            outbox, ledger = app.mirror.outbox.listing(SHOP), app.mirror.ledger.listing(SHOP, list(MailState), 1000)
        # Copies are numbered as they come in, which a broken line puts into another order.
        named = {f"mail.file:{copy.id}": f"mail.file:{copy.message_id} in {copy.folder}" for copy in ledger}
        return {
            "shop": self._rows(),
            "shop's mails": sorted((m.recipient, m.template, m.id_order) for m in self.shop.mails_sent),
            "mails sent": sorted((r.rcpt_to, _named(r.raw)) for r in self.smtp.received),
            "mailbox": {
                name: sorted((_named(raw), tuple(sorted(flags - {"\\Recent"}))) for raw, _, flags in mails)
                for name, mails in self.postbox.mails().items()
            },
            "ledger": sorted((c.folder, c.message_id, str(c.state), c.reason) for c in ledger),
            "outbox": sorted(
                (named.get(i.key, i.key), str(i.state), i.error if i.state not in _OPEN[:1] else "") for i in outbox
            ),
        }

    def _rows(self) -> dict[str, list[str]]:
        found, newest = dict[str, list[str]](), self._newest
        new_threads = {
            row["id"]: f"new thread of {row['email']}"
            for row in self.shop.rows("customer_threads")
            if row["id"] > newest["customer_threads"]
        }
        for resource, last in newest.items():
            for row in self.shop.rows(resource):
                if row["id"] > last:
                    row["id"] = "new"
                if row.get("id_customer_thread") in new_threads:
                    row["id_customer_thread"] = new_threads[row["id_customer_thread"]]
                told = {name: "a time" if _is_date(value) else value for name, value in row.items()}
                found.setdefault(resource, []).append(repr(told))
        for id_customer, group in self.shop.world.store.query("SELECT id_customer, id_group FROM customer_group"):
            found.setdefault("customer_group", []).append(repr((id_customer, group)))
        return {name: sorted(rows) for name, rows in found.items()}

    def collected(self) -> tuple[set[str], bool]:
        """Mails that are in the ledger, and whether others are still to come."""
        with self.app() as app:
            here = {copy.message_id for copy in app.mirror.ledger.listing(SHOP, list(MailState), 1000)}
        there = {_named(raw).strip("<>") for mails in self.postbox.mails().values() for raw, _, _ in mails}
        return here, not there <= here

    def doubled(self) -> list[str]:
        """References, tokens and Message-IDs that are somewhere twice."""
        seen = [row["user_agent"] for row in self.shop.rows("customer_messages") if is_reference(row["user_agent"])]
        seen += [row["token"] for row in self.shop.rows("customer_threads") if row["token"]]
        seen += [_named(one.raw) for one in self.smtp.received]
        seen += [f"copy of {_named(raw)}" for raw, _, _ in self.postbox.mails()["Sent"]]
        return sorted({one for one in seen if seen.count(one) > 1})


def compared(found: End, expected: End) -> list[str]:
    """The differences, a line each."""
    lines = []
    for part in expected:
        mine, theirs = found[part], expected[part]
        both = {"": (mine, theirs)} if isinstance(theirs, list) else {k: (mine.get(k), v) for k, v in theirs.items()}
        for name, (one, other) in both.items():
            lines += [f"{part} {name}: not expected: {row}" for row in one or [] if row not in (other or [])]
            lines += [f"{part} {name}: missing: {row}" for row in other or [] if row not in (one or [])]
            if not lines and one != other:
                lines.append(f"{part} {name}: another number of the same rows")
    return lines


def writes_something(request: RequestLog) -> bool:
    return request.method not in ("GET", "HEAD")


def _named(raw: bytes) -> str:
    """A mail by its Message-ID; without one by its bytes."""
    name = str(message_from_bytes(raw)["Message-ID"] or "").strip()
    return name or hashlib.sha256(raw).hexdigest()


def _is_date(value: object) -> bool:
    return isinstance(value, str) and bool(_DATE.fullmatch(value))


__all__ = ["LEGS", "SHOP", "App", "End", "Stage", "compared", "writes_something"]

"""Whatever the database says, callers see errors of ours, with a code that has words."""

from __future__ import annotations

import os
import resource as limits
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from connector.core.model import Baseline, IntentState, MailState
from connector.engine.ports import Broken
from connector.errors import ConnectorError, MirrorUnavailable, NotPermitted, SettingsError, StateError
from connector.mirror.db import Mirror, open_mirror
from connector.mirror.faults import from_driver
from connector.words_parts.mirror import WORDS
from tests.mirror.world import CUSTOMERS, NOW, RESOURCES, SHOP, copy, customer, wish

Call = Callable[[Mirror], object]


def _conclude(mirror: Mirror) -> object:
    return mirror.ledger.conclude(mirror.ledger.received(SHOP, 1)[0], MailState.PENDING, "", intents=[wish("new")])


def _move(mirror: Mirror) -> object:
    return mirror.outbox.move(mirror.outbox.by_key(SHOP, "there"), IntentState.SENDING, now=NOW)


WRITES: dict[str, Call] = {
    "rows.store": lambda m: m.rows.store(SHOP, CUSTOMERS, [customer(2)], {"id": 2}),
    "rows.store broken": lambda m: m.rows.store(SHOP, CUSTOMERS, [], None, [Broken(1, "x", b"")]),
    "rows.patch": lambda m: m.rows.patch(SHOP, "customers", 1, {"firstname": "B"}),
    "rows.remove": lambda m: m.rows.remove(SHOP, CUSTOMERS, [1]),
    "ledger.set_baseline": lambda m: m.ledger.set_baseline(SHOP, "m", "INBOX", Baseline(1, 1, NOW, 1)),
    "ledger.enter": lambda m: m.ledger.enter(SHOP, [copy(2)]),
    "ledger.conclude": _conclude,
    "outbox.add": lambda m: m.outbox.add(SHOP, [wish("other")]),
    "outbox.move": _move,
    "outbox.doubtful_after_crash": lambda m: m.outbox.doubtful_after_crash("busy", NOW),
    "leases.take": lambda m: m.leases.take(SHOP, "b", 5),
    "leases.release": lambda m: m.leases.release("held", "a"),
    "runs.begin": lambda m: m.runs.begin(SHOP, "pull", "r", NOW),
    "runs.finish": lambda m: m.runs.finish(1, NOW, "ok", {}),
    "quarantine.drop": lambda m: m.quarantine.drop(1),
    "meta.set": lambda m: m.meta.set("a", "b"),
}
READS: dict[str, Call] = {
    "rows.cursor": lambda m: m.rows.cursor(SHOP, "customers"),
    "rows.count": lambda m: m.rows.count(SHOP, "customers"),
    "rows.ids_where": lambda m: m.rows.ids_where(SHOP, "customers", "active", True),
    "rows.all_ids": lambda m: m.rows.all_ids(SHOP, "customers"),
    "rows.rereads": lambda m: m.rows.rereads(SHOP),
    "lookups.thread": lambda m: m.lookups.thread(SHOP, 1),
    "lookups.order_states": lambda m: m.lookups.order_states(SHOP),
    "ledger.baseline": lambda m: m.ledger.baseline(SHOP, "m", "INBOX"),
    "ledger.known_uids": lambda m: m.ledger.known_uids(SHOP, "m", "INBOX", 1),
    "ledger.received": lambda m: m.ledger.received(SHOP, 9),
    "ledger.raw": lambda m: m.ledger.raw("0"),
    "ledger.get": lambda m: m.ledger.get(1),
    "ledger.same_mail": lambda m: m.ledger.same_mail(SHOP, "k"),
    "ledger.by_message_id": lambda m: m.ledger.by_message_id(SHOP, ["a"]),
    "ledger.of_thread": lambda m: m.ledger.of_thread(SHOP, 1),
    "ledger.count_from": lambda m: m.ledger.count_from(m.ledger.received(SHOP, 1)[0], timedelta(hours=2)),
    "ledger.states": lambda m: m.ledger.states(SHOP),
    "ledger.listing": lambda m: m.ledger.listing(SHOP, []),
    "ledger.any_rows": lambda m: m.ledger.any_rows(SHOP),
    "outbox.due": lambda m: m.outbox.due(SHOP, NOW, 9),
    "outbox.waiting_for": lambda m: m.outbox.waiting_for(SHOP, "a"),
    "outbox.get": lambda m: m.outbox.get(1),
    "outbox.by_key": lambda m: m.outbox.by_key(SHOP, "a"),
    "outbox.of_copy": lambda m: m.outbox.of_copy(1),
    "outbox.states": lambda m: m.outbox.states(SHOP),
    "outbox.listing": lambda m: m.outbox.listing(SHOP),
    "outbox.next_due": lambda m: m.outbox.next_due(SHOP),
    "leases.holder": lambda m: m.leases.holder(SHOP),
    "runs.last": lambda m: m.runs.last(SHOP),
    "quarantine.list": lambda m: m.quarantine.list(),
    "queries.thread_list": lambda m: m.queries.thread_list(),
    "meta.get": lambda m: m.meta.get("a"),
}


def begin(mirror: Mirror) -> None:
    """Something for every write to work on."""
    mirror.rows.store(SHOP, CUSTOMERS, [customer(1)], {"id": 1}, [Broken(9, "x", b"")])
    mirror.ledger.enter(SHOP, [copy(1)])
    mirror.outbox.add(SHOP, [wish("there")])
    flying = mirror.outbox.add("busy", [wish("flying")])[0]
    mirror.outbox.move(flying, IntentState.SENDING, now=NOW)
    mirror.leases.take("held", "a", 60)
    mirror.runs.begin(SHOP, "pull", "r", NOW)


@pytest.fixture
def short(sqlite_url: str, on_sqlite: Mirror) -> Iterator[Mirror]:
    """An SQLite mirror that waits a moment only."""
    begin(on_sqlite)
    opened = open_mirror(sqlite_url, RESOURCES, wait=0.05, now=lambda: NOW)
    yield opened
    opened.close()


def test_all_writes_work_when_nothing_is_wrong(mirror: Mirror) -> None:
    begin(mirror)
    for call in (READS | WRITES).values():
        if call is not READS["ledger.raw"]:
            call(mirror)


def test_while_another_program_writes_every_write_gives_up_in_time_and_every_read_works(
    short: Mirror, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "mirror.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for name, write in WRITES.items():
        with pytest.raises(StateError) as refused:
            write(short)
        assert refused.value.code == "mirror.locked", name
    for name, look in READS.items():
        if name != "ledger.raw":
            look(short)
    other.close()
    for write in WRITES.values():
        write(short)


@contextmanager
def nobody_may_write(path: Path) -> Iterator[None]:
    """Read-only for everybody; root, whom permissions do not stop, becomes somebody else meanwhile."""
    files = [path, *path.parent.glob(f"{path.name}-*")]
    for file in files:
        file.chmod(0o444)
    path.parent.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        for folder in path.parents[:-1]:
            if folder != path.parent and folder.owner() == "root" and folder != Path("/tmp"):
                folder.chmod(folder.stat().st_mode | 0o011)
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        path.parent.chmod(0o755)
        for file in files:
            if file.exists():
                file.chmod(0o600)


def test_on_a_read_only_disk_every_write_says_so_and_every_read_works(short: Mirror, tmp_path: Path) -> None:
    with nobody_may_write(tmp_path / "mirror.db"):
        short.database.engine.dispose()
        for name, write in WRITES.items():
            with pytest.raises(StateError) as refused:
                write(short)
            assert refused.value.code == "mirror.read_only", name
        for name, look in READS.items():
            if name != "ledger.raw":
                look(short)


def test_when_the_disk_is_full_the_write_says_so_and_nothing_of_it_stays(short: Mirror) -> None:
    with short.database.read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()

    @event.listens_for(short.database.engine, "checkout")
    def _full(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(StateError) as refused:
        short.rows.store(SHOP, CUSTOMERS, [customer(n, lastname="x" * 900) for n in range(10, 900)], {"id": 900})
    assert refused.value.code == "mirror.disk_full"
    assert short.rows.count(SHOP, "customers") == 1
    assert short.rows.cursor(SHOP, "customers") == {"id": 1}


def test_a_disk_that_takes_no_more_bytes_is_an_error_of_ours(short: Mirror, tmp_path: Path) -> None:
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, ((tmp_path / "mirror.db-wal").stat().st_size, before[1]))
    try:
        with pytest.raises(StateError) as refused:
            short.ledger.enter(SHOP, [copy(n, raw=os.urandom(5000)) for n in range(2, 90)])
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)
    assert refused.value.code in ("mirror.disk_full", "mirror.io_failed")
    assert short.ledger.known_uids(SHOP, "support", "INBOX", 7) == {1}


def test_when_the_file_is_overwritten_every_method_says_that_it_is_damaged(short: Mirror, tmp_path: Path) -> None:
    short.database.engine.dispose()
    for side in tmp_path.glob("mirror.db-*"):
        side.unlink()
    (tmp_path / "mirror.db").write_bytes(b"this is no database, but it is long enough to be taken for one" * 100)
    for name, call in (READS | WRITES).items():
        with pytest.raises(StateError) as refused:
            call(short)
        assert refused.value.code == "mirror.damaged", name


def test_an_error_tells_nothing_of_the_customers_that_were_being_stored(mirror: Mirror) -> None:
    with pytest.raises(StateError) as refused:
        mirror.rows.store(SHOP, CUSTOMERS, [customer(3, "secret@example.org", id_lang=2**70)], None)
    assert refused.value.code == "mirror.value_refused"
    assert mirror.rows.count(SHOP, "customers") == 0
    chain: BaseException | None = refused.value
    while chain is not None:
        assert "secret@example.org" not in f"{chain} {chain.args}"
        chain = chain.__cause__


class PostgresError(Exception):
    """What psycopg's errors look like: an SQLSTATE (https://www.psycopg.org/psycopg3/docs/api/errors.html)."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "code", "kind"),
    [
        ("55P03", "mirror.locked", StateError),
        ("53100", "mirror.disk_full", StateError),
        ("25006", "mirror.read_only", StateError),
        ("28P01", "mirror.login_refused", NotPermitted),
        ("42501", "mirror.login_refused", NotPermitted),
        ("57P01", "mirror.unreachable", MirrorUnavailable),
        ("25P03", "mirror.unreachable", MirrorUnavailable),
        ("3D000", "mirror.no_database", SettingsError),
        ("57014", "mirror.locked", StateError),
        ("23505", "mirror.inconsistent", StateError),
        ("42P01", "mirror.failed", StateError),
    ],
)
def test_postgresql_states_become_the_same_codes(sqlstate: str, code: str, kind: type[ConnectorError]) -> None:
    error = from_driver("postgresql://db/mirror", PostgresError(sqlstate))
    assert (error.code, type(error)) == (code, kind)


def test_every_code_that_the_package_raises_has_words() -> None:
    package = Path(__file__).parents[2] / "connector" / "mirror"
    used = set()
    for module in package.rglob("*.py"):
        for piece in module.read_text().split('"')[1::2]:
            if (
                piece.startswith(("mirror.", "quarantine.", "ledger.", "outbox."))
                and piece.replace(".", "").replace("_", "").isalpha()
            ):
                used.add(piece)
    assert used == set(WORDS)

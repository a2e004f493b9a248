"""Connections and transactions. One method for reading, one for writing; nothing else begins a transaction.

SQLite settings and their reasons:

- journal_mode=WAL: readers never wait for the writer, nor it for them (https://www.sqlite.org/wal.html).
- synchronous: in WAL mode NORMAL may lose the last commits in a power cut, FULL syncs the log at every commit
  (https://www.sqlite.org/pragma.html#pragma_synchronous). Intents need FULL: a write to the shop must not outlive our
  note of it. So FULL is the rule, and only what can simply be read again from shop or mailbox (pages of rows, fetched
  mails, leases) asks for NORMAL. As the log is one file, a later FULL commit makes the earlier ones durable too.
- BEGIN IMMEDIATE for every write: a transaction that begins as a reader and then writes can fail with SQLITE_BUSY at
  once, without waiting (https://www.sqlite.org/lang_transaction.html). Python's sqlite3 begins transactions by itself
  and not before DDL; SQLAlchemy's documented recipe switches that off (dialects/sqlite/base.py, "Transactions").
- busy_timeout: how long to wait for another process. Threads of this process queue on a lock of ours instead,
  because SQLite's busy handler polls and lets a waiter starve.
- foreign_keys: off by default in SQLite; per connection.

On PostgreSQL `synchronous_commit` draws the same line, and row locks do the rest. What else it is told, and why:

- REPEATABLE READ for reading: a look of several questions is one look, as in SQLite. READ COMMITTED for writing, where
  a statement that waited for a row sees what the other one left.
- lock_timeout: as busy_timeout.
- idle_in_transaction_session_timeout: a process that is stopped (SIGSTOP, a suspended machine) in the middle of a
  transaction would keep its rows locked for everybody; no transaction of ours waits for anything but the database.
- application_name: a name made of the holder's, by which `leases.py` finds the sessions of a holder that is gone.
- pool_pre_ping: a connection that a restart of the server broke is replaced before it is used.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from connector.errors import SettingsError, StateError
from connector.mirror import files
from connector.mirror.faults import translated

CONNECT_SECONDS = 10
FROZEN_SECONDS = 30  # below two thirds of the shortest lease, so that the successor finds nothing locked

_writers: dict[str, threading.Lock] = {}
_writers_guard = threading.Lock()


def utc_now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


Sender = Callable[[Connection, list[Any]], None]
"""Writes rows of one kind."""


class _Own(threading.local):
    """The transaction that a thread has open for several steps, if any. waiting: rows that are not sent yet; sure: what
    was made sure of in it."""

    connection: Connection | None = None
    waiting: dict[Sender, list[Any]]
    sure: set[Hashable]


class Database:
    """One database, shared by the threads of a process.

    wait: seconds to wait for another writer before StateError `mirror.locked`.
    password: for PostgreSQL; never part of `name`, which errors show. holder: the name that leases are held under.
    now: this process's clock, for the times that rows are stamped with (leases use the database's).
    """

    def __init__(
        self,
        url: str,
        *,
        password: str = "",
        holder: str = "",
        wait: float = 15.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        parsed = parse(url)
        self.now = now
        self.holder = holder
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._wait = wait
        self._writer: threading.Lock | None = None
        self._own = _Own()
        self.was_open = False  # another process has it open, or did not close it in order
        if self.is_sqlite:
            path = Path(parsed.database or "").absolute()
            self.name = str(path)
            log = Path(f"{path}-wal")
            self.was_open = log.exists() and log.stat().st_size > 0
            with translated(self.name):
                files.prepare(path)
            with _writers_guard:
                self._writer = _writers.setdefault(str(path.resolve()), threading.Lock())
        else:
            self.name = parsed.set(drivername="postgresql", password=None).render_as_string()
            if password:
                parsed = parsed.set(password=password)
        self.engine = _engine(parsed, wait, session_name(holder))
        if self.is_sqlite:
            try:
                self._switch_to_wal()
            except BaseException:
                self.engine.dispose()
                raise

    def _switch_to_wal(self) -> None:
        # A property of the file, so once; it needs the file for itself, and then it is a look only.
        with translated(self.name):
            raw = self.engine.raw_connection()
            try:
                cursor = raw.cursor()
                cursor.execute("PRAGMA journal_mode=WAL")
                mode = cursor.fetchone()
                cursor.close()
            finally:
                raw.close()
        if mode is None or mode[0] != "wal":  # a network file system without shared memory, for one
            raise StateError("mirror.no_wal", mirror=self.name)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent look; never waits for a writer. Inside `together` it sees what this thread has written there."""
        if self._own.connection is not None:
            yield self._sent(self._own.connection)
            return
        with translated(self.name), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    @contextmanager
    def write(self, *, flush: bool = True) -> Iterator[Connection]:
        """One transaction, committed at the end, rolled back when the body raises.

        flush: the commit is on disk when this returns. False only for what can be read again from its source. Inside
        `together` the commit is that one's; what a body has written before it raises is taken back only with all of it.
        """
        if self._own.connection is not None:
            yield self._sent(self._own.connection)
            return
        with translated(self.name), self._one_writer(), self.engine.connect() as connection:
            connection = connection.execution_options(mirror_write=True, mirror_flush=flush)
            with connection.begin():
                if not self.is_sqlite and not flush:
                    connection.execute(text("SET LOCAL synchronous_commit TO off"))
                yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that this thread reads and writes inside is one flushed transaction: everything or nothing. Other writers
        wait meanwhile, so it must be short. Inside another one it is part of that."""
        if self._own.connection is not None:
            yield
            return
        with self.write() as connection:
            self._own.connection, self._own.waiting, self._own.sure = connection, {}, set()
            try:
                yield
                self._sent(connection)
            finally:
                self._own.connection = None

    def later(self, send: Sender, *rows: Any) -> None:  # noqa: ANN401 - whatever `send` takes
        """Inside `together`: have these rows written with others of their kind, in few statements; at the latest before
        anything is read there or written otherwise, and at its end. Kinds go in the order in which they came."""
        self._own.waiting.setdefault(send, []).extend(rows)

    def once(self, what: Hashable, check: Callable[[Connection], None]) -> None:
        """Inside `together`: make sure of something that holds as long as the transaction does."""
        if self._own.connection is not None and what not in self._own.sure:
            check(self._own.connection)
            self._own.sure.add(what)

    def _sent(self, connection: Connection) -> Connection:
        for send, rows in self._own.waiting.items():
            send(connection, rows)
        self._own.waiting = {}  # not before: should somebody catch a failure, the end of the transaction meets it, too
        return connection

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=self._wait):
            raise StateError("mirror.locked", mirror=self.name, error="thread")
        try:
            yield
        finally:
            self._writer.release()

    def empty_log(self) -> None:
        """Move SQLite's log into the file and empty it, so that what was erased is not left in there; as far as nobody
        else reads just now."""
        if self.is_sqlite:
            with translated(self.name), self.engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with translated(self.name):
            self.engine.dispose()


def parse(url: str) -> URL:
    """The URL with the driver that is meant. Raises SettingsError for one that no mirror can be at."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("mirror.url_unknown", kind="not a database URL") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise SettingsError("mirror.url_unknown", kind="an SQLite mirror without a file")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError("mirror.url_unknown", kind=parsed.get_backend_name())
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def session_name(holder: str) -> str:
    """What the sessions of a holder are called in PostgreSQL, which cuts names at 63 bytes."""
    mark = hashlib.sha256(holder.encode()).hexdigest()[:16] if holder else "no lease"
    return f"prestashop-connector {mark}"


def _engine(url: URL, wait: float, session: str) -> Engine:
    # hide_parameters: SQLAlchemy's messages would otherwise quote customers' data into tracebacks. Last in, first out:
    # the connection that was used last has its pages and statements at hand, and the others stay small.
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": 8,
        "max_overflow": 24,
        "pool_timeout": wait,
        "pool_use_lifo": True,
    }
    if url.get_backend_name() == "postgresql":
        settings = {
            "timezone": "UTC",
            "synchronous_commit": "on",  # whatever the server's default is
            "lock_timeout": int(wait * 1000),
            "idle_in_transaction_session_timeout": FROZEN_SECONDS * 1000,
        }
        arguments = {
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "client_encoding": "utf8",
            "application_name": session,
            "connect_timeout": int(url.query.get("connect_timeout", CONNECT_SECONDS)),  # type: ignore[arg-type]
        }
        try:
            return create_engine(url, pool_pre_ping=True, connect_args=arguments, **options)
        except ModuleNotFoundError as error:
            raise SettingsError("mirror.driver_missing", driver=error.name or "psycopg") from error
    engine = create_engine(url, connect_args={"timeout": wait, "check_same_thread": False}, **options)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:  # noqa: ANN401 - a sqlite3.Connection behind an adapter
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("mirror_write"):
            level = "FULL" if options.get("mirror_flush", True) else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")  # has no effect inside a transaction
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")

    return engine

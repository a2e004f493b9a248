"""What only a server has: sessions, roles, encodings, restarts. All against a real one."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from connector.core.mapping import Child, Field
from connector.core.model import IntentState
from connector.errors import ConnectorError, Exit, LeaseLost, MirrorUnavailable, StateError
from connector.mirror.database import FROZEN_SECONDS, Database, session_name
from connector.mirror.db import Mirror, is_there, open_mirror
from connector.words import explain
from tests.mirror.test_concurrency import child
from tests.mirror.test_faults import READS, WRITES, begin
from tests.mirror.world import CUSTOMERS, NOW, ORDERS, RESOURCES, SHOP, customer, order, resource, wish
from tests.support import postgres


@pytest.fixture
def server() -> postgres.Postgres:
    return postgres.server()


@pytest.fixture
def short(on_postgres: Mirror, postgres_url: str) -> Iterator[Mirror]:
    """A filled mirror that waits a moment only."""
    begin(on_postgres)
    opened = open_mirror(postgres_url, RESOURCES, wait=0.1, now=lambda: NOW)
    yield opened
    opened.close()


@contextmanager
def role(server: postgres.Postgres, name: str, *grants: str, database: str = "postgres") -> Iterator[None]:
    server.sql(f"CREATE ROLE {name} LOGIN PASSWORD 'right-1'")
    try:
        for grant in grants:
            server.sql(grant, database=database)
        yield
    finally:
        server.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}", database=database)


def refusal(url: str, password: str = "") -> ConnectorError:
    with pytest.raises(ConnectorError) as refused:
        open_mirror(url, RESOURCES, password=password, wait=0.2)
    assert "right-1" not in f"{refused.value} {explain(refused.value)}"
    return refused.value


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


# --- getting in -----------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_answer_is_unreachable_and_the_exit_code_says_so(postgres_url: str) -> None:
    error = refusal("postgresql://me@127.0.0.1:1/mirror")
    assert (error.code, error.exit) == ("mirror.unreachable", Exit.UNAVAILABLE)
    assert "refused" in explain(error)[0]
    with pytest.raises(MirrorUnavailable):
        is_there("postgresql://me@127.0.0.1:1/mirror")
    assert is_there(postgres_url)


def test_a_database_that_nobody_made_is_named_with_the_command_that_makes_it(server: postgres.Postgres) -> None:
    error = refusal(server.url("never_made"))
    assert (error.code, error.exit) == ("mirror.no_database", Exit.CONFIG)
    assert "createdb" in explain(error)[1]


def test_a_refused_login_is_told_from_a_server_that_is_gone(server: postgres.Postgres, postgres_url: str) -> None:
    database = name_of(postgres_url)
    with role(server, "anna", f"GRANT ALL ON DATABASE {database} TO anna"):
        url = server.url(database, "anna")
        for password in ("", "wrong-1"):
            error = refusal(url, password)
            assert (error.code, error.exit) == ("mirror.login_refused", Exit.NO_PERMISSION), error
        assert refusal(url, "right-1").facts["error"] == "42501"  # in, but no right to the tables
    error = refusal(server.url(database, "somebody"), "right-1")
    assert error.code == "mirror.login_refused"


def test_a_password_with_every_odd_character_gets_in_and_is_in_no_error(server: postgres.Postgres) -> None:
    with role(server, "anna"):
        server.sql("ALTER ROLE anna PASSWORD 'p@ss:/?#[]% ü\"&'")
        database = Database(server.url("postgres", "anna"), password='p@ss:/?#[]% ü"&')
        with database.read() as connection:
            assert connection.execute(text("SELECT current_user")).scalar() == "anna"
        assert database.name == server.url("postgres", "anna")
        database.close()


def test_a_unix_socket_is_a_host_too(server: postgres.Postgres, postgres_url: str) -> None:
    url = f"postgresql://postgres@/{name_of(postgres_url)}?host={server.socket_folder}&port={server.port}"
    mirror = open_mirror(url, RESOURCES)
    mirror.meta.set("a", "b")
    assert mirror.meta.get("a") == "b"
    mirror.close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_an_encoding_that_cannot_hold_every_text_is_refused_and_nothing_is_made(
    server: postgres.Postgres, encoding: str
) -> None:
    url = server.new_database(f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    error = refusal(url)
    assert (error.code, error.facts["found"], error.exit) == ("mirror.encoding", encoding, Exit.CONFIG)
    assert "--encoding=UTF8" in explain(error)[1]
    assert server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name_of(url)) == []
    server.drop(url)


def test_without_its_driver_the_extra_is_named() -> None:
    script = "import sys; sys.modules['psycopg'] = None; from connector.mirror.db import open_mirror\n"
    script += "from connector.words import explain\n"
    script += "try: open_mirror('postgresql://me@db/mirror', [])\nexcept Exception as error: print(*explain(error))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "prestashop-connector[postgres]" in told


# --- rights ---------------------------------------------------------------------------------------------------------


def test_a_role_that_may_only_read_reads_and_every_write_says_what_is_missing(
    server: postgres.Postgres, on_postgres: Mirror, postgres_url: str
) -> None:
    begin(on_postgres)
    database = name_of(postgres_url)
    grants = ("GRANT USAGE ON SCHEMA public TO reader", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    with role(server, "reader", *grants, database=database):
        mirror = open_mirror(server.url(database, "reader"), RESOURCES, password="right-1", now=lambda: NOW)
        for name, look in READS.items():
            if name != "ledger.raw":
                look(mirror)
        for name, write in WRITES.items():
            with pytest.raises(ConnectorError) as refused:
                write(mirror)
            assert (refused.value.code, refused.value.exit) == ("mirror.login_refused", Exit.NO_PERMISSION), name
        mirror.close()


def test_a_server_that_takes_no_writes_says_so_and_every_read_works(short: Mirror, postgres_url: str) -> None:
    postgres.server().sql(f"ALTER DATABASE {name_of(postgres_url)} SET default_transaction_read_only = on")
    short.database.engine.dispose()
    for name, write in WRITES.items():
        with pytest.raises(StateError) as refused:
            write(short)
        assert refused.value.code == "mirror.read_only", name
    for name, look in READS.items():
        if name != "ledger.raw":
            look(short)


# --- faults while it runs ---------------------------------------------------------------------------------------------


def test_when_the_servers_disk_is_full_the_write_says_so_and_nothing_of_it_stays(
    short: Mirror, postgres_url: str
) -> None:
    """The server's own error (53100), raised where a row is stored: no test may fill a disk."""
    postgres.server().sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER full_disk AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION full_disk()",
        database=name_of(postgres_url),
    )
    with pytest.raises(StateError) as refused:
        short.rows.store(SHOP, CUSTOMERS, [customer(n) for n in range(10, 90)], {"id": 90})
    assert (refused.value.code, refused.value.exit) == ("mirror.disk_full", Exit.IO)
    assert short.rows.count(SHOP, "customers") == 1
    assert short.rows.cursor(SHOP, "customers") == {"id": 1}


def test_after_a_restart_of_the_server_the_next_call_works(server: postgres.Postgres, short: Mirror) -> None:
    server.stop()
    try:
        for name, call in (READS | WRITES).items():
            with pytest.raises(MirrorUnavailable) as refused:
                call(short)
            assert refused.value.code == "mirror.unreachable", name
    finally:
        server.start()
    assert short.rows.count(SHOP, "customers") == 1
    short.meta.set("a", "b")
    assert short.meta.get("a") == "b"


def test_a_connection_that_breaks_in_the_middle_of_a_page_leaves_nothing_of_it(
    server: postgres.Postgres, short: Mirror
) -> None:
    def fall() -> None:
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'prestashop%'")
        time.sleep(0.2)

    with pytest.raises(MirrorUnavailable), short.database.write() as connection:  # noqa: PT012
        connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
        fall()
        connection.execute(text("INSERT INTO meta VALUES ('c', 'd')"))
    assert short.meta.get("a") is None
    short.meta.set("a", "b")


def test_while_somebody_holds_the_tables_every_write_gives_up_in_time_and_every_read_works(
    short: Mirror, on_postgres: Mirror
) -> None:
    tables = "baseline, blob, customers, intent, lease, mail, meta, quarantine_row, run, tombstone, cursor, order_rows"
    with on_postgres.database.write() as connection:
        connection.execute(text(f"LOCK TABLE {tables} IN EXCLUSIVE MODE"))
        for name, write in WRITES.items():
            with pytest.raises(StateError) as refused:
                write(short)
            assert refused.value.code == "mirror.locked", name
        for name, look in READS.items():
            if name != "ledger.raw":
                look(short)


# --- values and names -------------------------------------------------------------------------------------------------


def test_a_look_of_several_questions_is_one_look(on_postgres: Mirror) -> None:
    with on_postgres.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar() == 0
        on_postgres.rows.store(SHOP, CUSTOMERS, [customer(1)], None)
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar() == 0
    assert on_postgres.rows.count(SHOP, "customers") == 1


def test_names_longer_than_postgresqls_are_made_once(postgres_url: str) -> None:
    long = "supplier_conditions_of_the_second_warehouse_in_the_north"
    own = replace(resource(long, "id_customer_thread:ref"), children=(Child("rates", "rates", (Field("a", "int"),)),))
    first = open_mirror(postgres_url, [*RESOURCES, own])
    first.close()
    assert f"create table {long}" in first.changes
    again = open_mirror(postgres_url, [*RESOURCES, own])
    again.close()
    assert again.changes == ()


def test_two_upserts_of_one_table_in_one_transaction_keep_the_later_values(on_postgres: Mirror) -> None:
    from connector.mirror.dialect import bulk
    from connector.mirror.own_tables import meta

    with on_postgres.database.write() as connection:
        bulk(connection, meta, {"name": ["a", "b"], "value": ["1", "1"]}, ("name",))
        connection.execute(text("UPDATE meta SET value = '2' WHERE name = 'a'"))
        bulk(connection, meta, {"name": ["b"], "value": ["3"]}, ("name",))
    assert (on_postgres.meta.get("a"), on_postgres.meta.get("b")) == ("2", "3")


def test_two_processes_that_store_the_same_page_in_other_orders_do_not_block_each_other(postgres_url: str) -> None:
    script = """
import sys
from connector.mirror.db import open_mirror
from tests.mirror.world import ORDERS, RESOURCES, SHOP, order
mirror = open_mirror(sys.argv[1], RESOURCES)
print("open", flush=True)
sys.stdin.readline()
for n in range(25):
    page = [order(k, "mug", reference=f"{sys.argv[2]}{n}") for k in range(120)]
    mirror.rows.store(SHOP, ORDERS, page if sys.argv[2] == "a" else page[::-1], None)
"""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, postgres_url, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in "ab"
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    for process in both:
        process.communicate("go\n", timeout=120)
    assert [process.returncode for process in both] == [0, 0]


# --- leases -----------------------------------------------------------------------------------------------------------

FROZEN = """
import sys, time
from connector.mirror.db import open_mirror
from connector.mirror.leases import must_hold
from tests.mirror.world import RESOURCES, SHOP
mirror = open_mirror(sys.argv[1], RESOURCES, holder="frozen")
assert mirror.leases.take(SHOP, "frozen", 0.5)
with mirror.database.write() as connection:
    must_hold(connection, SHOP, "frozen")
    print("holds", flush=True)
    time.sleep(60)
"""


def test_what_a_stopped_worker_has_open_is_ended_when_its_lease_is_taken_over(postgres_url: str) -> None:
    stopped = child(FROZEN, postgres_url)
    try:
        successor = open_mirror(postgres_url, RESOURCES, holder="successor")
        time.sleep(0.6)
        began = time.monotonic()
        assert successor.leases.take(SHOP, "successor", 60)
        assert time.monotonic() - began < FROZEN_SECONDS / 6
        successor.rows.store(SHOP, ORDERS, [order(1)], None)
        successor.close()
    finally:
        stopped.kill()
        stopped.wait()


def test_a_session_that_sleeps_in_a_transaction_is_ended_by_the_server(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as connection:
        limit = connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()
        assert connection.execute(text("SHOW application_name")).scalar() == session_name("")
    database.close()
    assert limit == f"{FROZEN_SECONDS}s"


def test_names_of_sessions_fit_and_tell_holders_apart() -> None:
    names = {session_name(f"a-very-long-host-name-of-a-virtual-machine.example.org:{n}:1:2:3") for n in range(99)}
    assert len(names) == 99
    assert all(len(name.encode()) < 64 for name in names)


def test_a_living_holders_sessions_are_left_alone(postgres_url: str) -> None:
    first = open_mirror(postgres_url, RESOURCES, holder="first")
    assert first.leases.take(SHOP, "first", 60)
    with first.database.write() as connection:
        connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
        second = open_mirror(postgres_url, RESOURCES, holder="second")
        assert not second.leases.take(SHOP, "second", 60)
        second.close()
    assert first.meta.get("a") == "b"
    with pytest.raises(LeaseLost):
        first.outbox.move(first.outbox.add("rome", [wish("a")])[0], IntentState.SENDING, now=NOW)
    first.close()

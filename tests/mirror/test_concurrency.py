"""Threads, other processes, and processes that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from connector.core.model import IntentState
from connector.errors import StateError
from connector.mirror.db import Mirror, open_mirror
from tests.mirror.world import CUSTOMERS, NOW, RESOURCES, SHOP, copy, customer, wish

HOLDER = """
import sys, time
from sqlalchemy import text
from connector.mirror.database import Database
database = Database(sys.argv[1])
with database.write() as connection:
    if not database.is_sqlite:
        connection.execute(text("LOCK TABLE meta, mirror_version IN EXCLUSIVE MODE"))  # as a migration does
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""

SENDER = """
import sys, time
from connector.core.model import IntentState
from connector.mirror.db import open_mirror
from tests.mirror.world import NOW, SHOP, wish
mirror = open_mirror(sys.argv[1], [])
intent = mirror.outbox.add(SHOP, [wish("a"), wish("b")])[0]
mirror.outbox.move(intent, IntentState.SENDING, now=NOW)
print("sending", flush=True)
time.sleep(60)
"""


def child(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process that has said its first word."""
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_legs_of_one_process_write_side_by_side_and_nothing_is_lost(mirror: Mirror) -> None:
    start = Barrier(4)

    def pull() -> None:
        start.wait()
        for n in range(15):
            mirror.rows.store(SHOP, CUSTOMERS, [customer(n * 10 + k) for k in range(10)], {"id": n})

    def collect() -> None:
        start.wait()
        for n in range(1, 31):
            mirror.ledger.enter(SHOP, [copy(n)])

    def command() -> None:
        start.wait()
        for n in range(30):
            mirror.outbox.add(SHOP, [wish(str(n), f"g{n}")])

    def look() -> None:
        start.wait()
        for _ in range(60):
            mirror.queries.table_counts(SHOP)
            mirror.outbox.due(SHOP, NOW, 100)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(leg) for leg in (pull, collect, command, look)]:
            done.result()
    assert mirror.rows.count(SHOP, "customers") == 150
    assert len(mirror.ledger.known_uids(SHOP, "support", "INBOX", 7)) == 30
    assert mirror.outbox.states(SHOP) == {"planned": 30}


def test_of_many_that_claim_one_intent_exactly_one_gets_it(mirror: Mirror) -> None:
    intent = mirror.outbox.add(SHOP, [wish("a")])[0]
    start = Barrier(6)

    def claim() -> str:
        start.wait()
        try:
            return mirror.outbox.move(intent, IntentState.SENDING, now=NOW).state.value
        except StateError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        answers = [future.result() for future in [pool.submit(claim) for _ in range(6)]]
    assert sorted(answers) == ["outbox.moved_elsewhere"] * 5 + ["sending"]
    assert mirror.outbox.get(intent.id).attempts == 1


def test_of_many_that_take_a_lease_exactly_one_gets_it(mirror: Mirror) -> None:
    start = Barrier(6)

    def take(n: int) -> bool:
        start.wait()
        return mirror.leases.take(SHOP, f"holder {n}", 60)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 1


def test_a_write_waits_for_another_process_that_finishes_in_time(mirror: Mirror, mirror_url: str) -> None:
    other = child(HOLDER, mirror_url, "0.3")
    mirror.meta.set("a", "b")
    assert other.wait() == 0
    assert mirror.meta.get("a") == "b"


def test_a_reading_command_starts_while_another_process_writes(mirror: Mirror, mirror_url: str) -> None:
    other = child(HOLDER, mirror_url, "60")
    try:
        reader = open_mirror(mirror_url, RESOURCES, wait=0.1)
        assert reader.queries.thread_list() == []
        reader.close()
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()


def test_two_processes_that_open_a_new_mirror_at_once_both_get_it(mirror_url: str) -> None:
    script = "import sys; from connector.mirror.db import open_mirror; from tests.mirror.world import RESOURCES; "
    script += "open_mirror(sys.argv[1], RESOURCES).close(); print('open')"
    both = [subprocess.Popen([sys.executable, "-c", script, mirror_url], stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == [b"open\n", b"open\n"]


def test_what_was_being_sent_when_the_process_was_killed_is_found_again_as_sending(mirror_url: str) -> None:
    sender = child(SENDER, mirror_url)
    os.kill(sender.pid, signal.SIGKILL)
    sender.wait()
    mirror = open_mirror(mirror_url, [])
    found = [(i.key, i.state, i.attempts, i.sent_at) for i in mirror.outbox.listing(SHOP)]
    assert found == [("a", IntentState.SENDING, 1, NOW), ("b", IntentState.PLANNED, 0, None)]
    assert mirror.outbox.due(SHOP, NOW, 9) == []
    assert [i.key for i in mirror.outbox.doubtful_after_crash(SHOP, NOW)] == ["a"]
    mirror.close()

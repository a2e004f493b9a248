"""Kill the real process in the middle of a first pull with several connections: the next asks for what is missing."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from urllib.parse import parse_qs

from connector import packagedata
from connector.sandbox.shop import SandboxShop, ServiceTime

ORDERS = 2500
PAGE = 50
CONNECTIONS = 4
IN_FLIGHT = 3 * (CONNECTIONS + 1)
"""Pages that may have been asked for and not stored: of three resources that are read at once, one of each being
stored."""


def sync(config) -> subprocess.Popen:
    command = [sys.executable, "-m", "connector", "--config", str(config), "sync", "--only", "pull"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ})


def mirrored(path) -> dict[str, list[int]]:
    """resource -> ids in the mirror."""
    with sqlite3.connect(path) as mirror:
        tables = {row[0] for row in mirror.execute("select name from sqlite_master where type = 'table'")}
        return {
            resource.name: [row[0] for row in mirror.execute(f"select id from {resource.table} order by id")]
            for resource in packagedata.resources()
            if resource.table in tables
        }


def pages(requests) -> list[tuple[str, int, int]]:
    """(resource, first id, last id) of every range that was asked for."""
    found = []
    for request in requests:
        asked = parse_qs(request.query).get("filter[id]", [""])[0]
        between = re.fullmatch(r"\[(\d+),(\d+)\]", asked)
        if between and "display" in request.query:
            found.append((request.path.rsplit("/", 1)[-1], int(between[1]), int(between[2])))
    return found


def test_a_first_pull_that_was_killed_goes_on_with_what_is_missing(tmp_path):
    shop = SandboxShop(orders=ORDERS, seed=1)
    shop.service = ServiceTime(request=0.02, workers=CONNECTIONS)
    config = tmp_path / "config.toml"
    with shop.serve() as server:
        config.write_text(
            f'state_dir = "{tmp_path}"\n[shops.main]\nurl = "{server.url}"\nkey = "{shop.full_key}"\n'
            f"page_size = {PAGE}\nconnections = {CONNECTIONS}\n"
        )
        config.chmod(0o600)
        first = sync(config)
        deadline = time.monotonic() + 60
        while len(pages(shop.requests)) < 60 and time.monotonic() < deadline and first.poll() is None:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
        time.sleep(0.5)  # what the shop has still in hand
        asked_before = pages(shop.requests)
        before = mirrored(tmp_path / "mirror.db")
        assert sum(map(len, before.values())) > 500
        assert len(before["orders"]) < ORDERS
        shop.requests.clear()

        second = sync(config)
        output = second.communicate(timeout=120)[0].decode()
        assert second.returncode == 0, output

        after = mirrored(tmp_path / "mirror.db")
        expected = {name: sorted(row["id"] for row in shop.rows(name)) for name in ("orders", "customers", "addresses")}
        assert {name: after[name] for name in expected} == expected
        for name in set(after) - {"configurations"}:
            if name in shop.world.resources:
                assert len(after[name]) == shop.count(name), name

        again = pages(shop.requests)
        for name, low, _ in again:
            assert low > max(before[name], default=0), f"{name} from {low} on was there already"
        twice = len({(name, high) for name, _, high in asked_before} & {(name, high) for name, _, high in again})
        assert twice <= IN_FLIGHT
        assert len(asked_before) + len(again) <= sum(map(len, after.values())) / PAGE + IN_FLIGHT

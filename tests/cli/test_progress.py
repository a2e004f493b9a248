"""Progress: rate, what is left, and silence where nobody looks."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from connector.cli.progress import LOOK_BACK, Rate, line
from connector.engine.progress import LOG_SECONDS, Meter, Step
from connector.ops import events as ev
from connector.sandbox.shop import SandboxShop, ServiceTime
from tests.support.pulling import Heard


def test_a_line_tells_how_far_it_is_how_fast_and_how_long_the_whole_will_take():
    step = Step("orders", 12_000, 100_000, 50_000, 650_000)
    assert line(step, None) == "pull orders: 12,000 of 100,000 rows"
    assert line(step, 1234.4) == "pull orders: 12,000 of 100,000 rows, 1,234 rows/s, 8 min left"
    assert line(step, 100) == "pull orders: 12,000 of 100,000 rows, 100 rows/s, 1 h 40 min left"
    assert line(step, 10_000).endswith("60 s left")
    assert line(Step("orders", 5, None, 5, None), 10) == "pull orders: 5 rows, 10 rows/s"
    assert line(Step("orders", 5, 5, 5, 5), 10) == "pull orders: 5 of 5 rows, 10 rows/s"


def test_the_rate_is_that_of_the_last_seconds():
    rate = Rate()
    assert rate.add(0, 0) is None
    assert rate.add(10, 1000) == 100
    for second in range(11, 60):
        found = rate.add(second, 1000 + 10 * (second - 10))
    assert found == pytest.approx(10)
    assert LOOK_BACK < 40


class Watch:
    def __init__(self):
        self._now, self._second = datetime(2026, 6, 15, 10, tzinfo=UTC), timedelta(seconds=1)

    def now(self):
        return self._now

    def pass_time(self, seconds):
        self._now += seconds * self._second


def test_the_log_hears_of_a_long_pull_every_half_minute():
    heard, watch = Heard(), Watch()
    meter = Meter("main", heard, watch, None)
    meter.begun("orders")
    meter.expect("orders", 10_000)
    for _ in range(100):
        watch.pass_time(1)
        meter.stored("orders", 50)
    told = heard.of(ev.PULL_PROGRESSED)
    assert len(told) == int(100 / LOG_SECONDS)
    assert told[0] == {"shop": "main", "resource": "orders", "rows": 1500, "expected": 10_000, "rows_per_second": 50}


def test_what_is_expected_of_the_whole_is_never_less_than_what_has_come():
    steps = []
    meter = Meter("main", Heard(), Watch(), steps.append)
    meter.expect("orders", 100)
    meter.expect("customers", 50)
    meter.stored("orders", 120)
    meter.stored("states", 7)
    assert (steps[0].expected, steps[0].all_rows, steps[0].all_expected) == (120, 120, 170)
    assert (steps[1].expected, steps[1].all_rows, steps[1].all_expected) == (None, 127, 177)
    meter.ended("customers")
    meter.stored("orders", 1)
    assert steps[2].all_expected == 121 + 7


def run_sync(config, stderr) -> subprocess.Popen:
    command = [sys.executable, "-m", "connector", "--config", str(config), "sync", "--only", "pull"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    )


def test_a_first_pull_shows_progress_on_a_terminal_and_none_in_a_pipe(tmp_path):
    shop = SandboxShop(orders=600, seed=1)
    shop.service = ServiceTime(request=0.05)
    with shop.serve() as server:
        configs = []
        for name in ("terminal", "pipe"):
            folder = tmp_path / name
            folder.mkdir()
            config = folder / "config.toml"
            config.write_text(
                f'state_dir = "{folder}"\n[shops.main]\nurl = "{server.url}"\nkey = "{shop.full_key}"\n'
                "page_size = 100\n"
            )
            config.chmod(0o600)
            configs.append(config)
        master, slave = pty.openpty()
        process = run_sync(configs[0], slave)
        os.close(slave)
        seen = b""
        with suppress(OSError):  # the terminal is gone when the process is
            while part := os.read(master, 65536):
                seen += part
        os.close(master)
        assert process.wait(60) == 0
        silent = run_sync(configs[1], subprocess.PIPE)
        out, err = silent.communicate(timeout=60)
    text = seen.decode()
    assert "pull orders: " in text
    assert " of 600 rows, " in text
    assert "rows/s" in text
    assert " left" in text
    assert b"rows/s" not in out + err

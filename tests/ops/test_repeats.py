"""A failure that lasts does not fill the log, and is not forgotten either."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from connector.ops import events
from connector.ops.logs import EventLog, configure
from connector.ops.repeats import FORGOTTEN, MOST, PAUSES, Repeats


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def out():
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    yield stream
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if type(handler).__name__ == "_LibraryHandler"]:
        root.removeHandler(handler)
    logging.captureWarnings(False)


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_week_of_the_same_failure_is_some_dozen_lines_and_the_count_is_whole(out):
    clock = Clock()
    log = EventLog(strict=True, repeats=Repeats(clock))
    runs = 7 * 24 * 60
    for minute in range(runs):
        clock.now = minute * 60.0
        log.emit(events.LEG_FAILED, shop="main", leg="pull", error="shop.unreachable", run_id=f"r{minute}", seconds=2.0)
    told = lines(out)
    assert 10 < len(told) < 40
    assert "repeated" not in told[0]
    assert len(told) + sum(int(str(line.get("repeated", 0))) for line in told) <= runs
    assert runs - len(told) - sum(int(str(line.get("repeated", 0))) for line in told) < PAUSES[-1] / 60


def test_another_place_or_reason_is_told_at_once(out):
    log = EventLog(strict=True, repeats=Repeats(Clock()))
    log.emit(events.LEG_FAILED, shop="main", leg="pull", error="shop.unreachable")
    log.emit(events.LEG_FAILED, shop="main", leg="push", error="shop.unreachable")
    log.emit(events.LEG_FAILED, shop="main", leg="pull", error="shop.broken")
    log.emit(events.LEG_FAILED, shop="main", leg="pull", error="shop.unreachable")
    assert len(lines(out)) == 3


def test_after_a_good_run_the_next_failure_is_news(out):
    log = EventLog(strict=True, repeats=Repeats(Clock())).bind(shop="main")
    log.emit(events.LEG_FAILED, leg="pull", error="shop.unreachable")
    log.emit(events.LEG_FINISHED, leg="push")
    log.emit(events.LEG_FAILED, leg="pull", error="shop.unreachable")
    assert len(lines(out)) == 2
    log.emit(events.LEG_FINISHED, leg="pull")
    log.emit(events.LEG_FAILED, leg="pull", error="shop.unreachable")
    assert len(lines(out)) == 4


def test_after_a_long_silence_it_is_news_and_the_pauses_begin_anew():
    clock = Clock()
    repeats = Repeats(clock)
    keys = {"shop": "main"}
    assert repeats.check("x", keys) == 0
    assert repeats.check("x", keys) is None
    clock.now = PAUSES[0] + FORGOTTEN + 1
    assert repeats.check("x", keys) == 1
    assert repeats.check("x", keys) is None
    clock.now += PAUSES[0]
    assert repeats.check("x", keys) == 1


def test_what_happens_to_different_things_is_not_the_same(out):
    log = EventLog(strict=True, repeats=Repeats(Clock()))
    for copy in range(5):
        log.emit(events.MAIL_QUARANTINED, shop="main", copy_id=copy, reason="no_proof")
    log.emit(events.MAIL_IMPORTED, copy_id=1)
    log.emit(events.MAIL_IMPORTED, copy_id=1)
    assert len(lines(out)) == 7


def test_what_is_held_back_stands_in_a_debug_log(out):
    configure("debug", "json", stream=out)
    log = EventLog(strict=True, repeats=Repeats(Clock()))
    for _ in range(3):
        log.emit(events.LEG_FAILED, shop="main", leg="pull", error="x")
    assert [line["level"] for line in lines(out)] == ["error", "debug", "debug"]


def test_a_library_that_repeats_itself_is_held_back_too_whatever_the_numbers(out):
    for number in range(50):
        logging.getLogger("apscheduler").warning("Execution of job %s skipped: %d instances", "pull", number)
        logging.getLogger("x").warning(f"try {number} of 50")
    assert [line["logger"] for line in lines(out)] == ["apscheduler", "x"]


def test_memory_is_bounded():
    repeats = Repeats(Clock())
    for number in range(3 * MOST):
        repeats.check("x", {"copy_id": number})
    assert len(repeats._seen) == MOST


def test_what_one_run_says_carries_its_id_whoever_says_it(out):
    log = EventLog(strict=True)
    with log.within(cycle_id="c1"), log.within(run_id="r1"):
        EventLog(strict=True).emit(events.MAIL_IMPORTED, copy_id=1)
    log.emit(events.MAIL_IMPORTED, copy_id=2)
    first, second = lines(out)
    assert (first["cycle_id"], first["run_id"]) == ("c1", "r1")
    assert "run_id" not in second


def test_watchers_are_told_of_everything_and_their_faults_stop_nobody(out):
    heard = []

    def broken(name, level, keys):
        raise ZeroDivisionError

    log = EventLog(strict=True, watchers=[broken, lambda *event: heard.append(event)]).bind(shop="main")
    log.emit(events.RESOURCE_PULLED, resource="orders")
    assert heard == [("resource.pulled", "debug", {"shop": "main", "resource": "orders"})]
    assert lines(out) == []

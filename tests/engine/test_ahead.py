"""What is asked side by side belongs to the run that asks."""

from __future__ import annotations

from contextvars import ContextVar

from connector.engine.ahead import Ahead, work_off

RUN: ContextVar[str] = ContextVar("run", default="none")


def test_threads_know_the_run_that_asks():
    mark = RUN.set("r1")
    heard = []
    try:
        with Ahead(2) as ahead:
            heard.append(ahead.ask(RUN.get).result())
        work_off([1, 2, 3], lambda task: bool(heard.append(RUN.get())) or True, 2)
    finally:
        RUN.reset(mark)
    assert heard == ["r1"] * 4

"""`sync` as a program of its own, killed at a moment that is chosen by chance."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

from tests.crash.deaths import ends_well
from tests.support.stage import LEGS, Stage
from tests.support.stages import Undisturbed

START_SECONDS = 60.0


def play(stage: Stage, whole: Undisturbed, chance: random.Random, kills: int) -> list[str]:
    """Kill so many processes one after the other, each after some more requests; what is wrong in the end."""
    stage.begin()
    told = []
    for _ in range(kills):
        requests = chance.randrange(2, max(3, whole.requests // kills))
        told.append(_killed_after(stage, requests, chance.random() * 0.02))
        assert stage.shop.drained()
        stage.end_leases()
        stage.smtp._faults.clear()
    return ends_well(stage, whole, f"killed after {told} requests")


def _killed_after(stage: Stage, requests: int, pause: float) -> int:
    """The number of requests that the process made. It may be done before."""
    before = len(stage.shop.requests)
    command = [sys.executable, "-m", "connector", "--config", str(stage.config), "sync", "--no-wait"]
    command += ["--only", ",".join(LEGS)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and len(stage.shop.requests) - before < requests:
        assert time.monotonic() < deadline, "it does not get to work"
        time.sleep(0.001)
    time.sleep(pause)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return len(stage.shop.requests) - before

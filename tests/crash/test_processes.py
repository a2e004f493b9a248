"""Real processes, killed by SIGKILL while they push: after a request of the shop, whenever that is."""

from __future__ import annotations

import random

import pytest

from tests.crash import processes
from tests.support.slices import today
from tests.support.stages import prepared, undisturbed

pytestmark = pytest.mark.usefixtures("warmed")

KILLS = 3


def test_processes_that_are_killed_leave_what_an_undisturbed_one_does():
    stage = prepared()
    assert processes.play(stage, undisturbed(stage), random.Random(today()), KILLS) == [], f"SLICE={today()}"

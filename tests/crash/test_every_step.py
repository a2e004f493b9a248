"""Kill the program after every single step of a run, start it again, and expect the undisturbed result.

`tests/support/repertoire.py` finds out what the program can be asked to do, `tests/support/steps.py` counts the steps:
every commit of the mirror and every call that left a mark in the shop, a mailbox or at the mail server. Neither is a
list, so a new kind of intent is killed at all its steps the day it is there. Dying right after a step, before the
program learns of its effect, is the lost acknowledgement, the fault that makes duplicates. Dying right before a step is
dying after the one before it.

A death leaves behind what outlives a process, and nothing else. So one undisturbed run is watched and the world kept
after each of its steps; each of these moments is what a process finds that starts after a death there. The same by an
exception that nothing catches, by real processes (`test_processes.py`), and with the power going out: then the mirror
is as far back as the database had it on disk.
"""

from __future__ import annotations

import random

import pytest

from connector.core.model import Kind
from tests.crash import deaths
from tests.support import databases, repertoire
from tests.support.slices import everything, share, today
from tests.support.stage import Stage
from tests.support.stages import prepared, undisturbed

pytestmark = pytest.mark.usefixtures("warmed")

PARTS = 2
"""The deaths are dealt out to so many tests, so that they can run side by side."""
MOST = 8
"""Deaths in all of these."""
POWER_CUTS = 5
EXCEPTIONS = {"sqlite": 2, "postgresql": 3}
PAIRS = 3
OVERTAKEN = 2


@pytest.fixture
def stage(request) -> Stage:
    return prepared(getattr(request, "param", "sqlite"))


@pytest.mark.parametrize("stage", databases.KINDS, indirect=True)
def test_the_undisturbed_run_does_all_that_the_program_can(stage):
    whole = undisturbed(stage)
    done = {Kind(key.split(":")[0]) for key, state, _ in whole.end["outbox"] if state == "confirmed"}
    assert done == set(Kind), "tests/support/repertoire.py makes no intent of these kinds"
    assert [row for row in whole.end["outbox"] if row[1] != "confirmed"] == []
    assert {name.split(".")[0] for name in whole.names} == {"mirror", "shop", "mailbox", "smtp"}
    assert len(whole.names) > 3 * len(whole.end["outbox"])
    assert stage.doubled() == []
    assert {"desk", "notes", "forwarding", "assignment"} <= {handed_out for handed_out, _ in repertoire.methods()}


@pytest.mark.parametrize("part", range(PARTS))
def test_dying_after_any_step_changes_nothing_in_the_end(stage, part):
    whole = undisturbed(stage)
    for number in deaths.told_apart(whole.moments, everything(MOST))[part::PARTS]:
        assert deaths.after_step(stage, whole, number) == [], f"SLICE={today()}"


def test_a_power_cut_after_any_step_changes_nothing_in_the_end(stage):
    """Only where more is lost than by a death: elsewhere it is the same moment."""
    whole = undisturbed(stage)
    for number in share(deaths.powerless(whole), everything(POWER_CUTS)):
        assert deaths.without_power(stage, whole, number) == [], f"SLICE={today()}"


@pytest.mark.parametrize("stage", databases.KINDS, indirect=True)
def test_an_exception_that_nothing_catches_is_such_a_death(stage):
    whole = undisturbed(stage)
    for number in share(range(len(whole.names)), everything(EXCEPTIONS[stage.kind])):
        assert deaths.by_exception(stage, whole, number) == [], f"SLICE={today()}"


def test_dying_again_while_it_recovers_changes_nothing_either(stage):
    whole, chance = undisturbed(stage), random.Random(today())
    for _ in range(PAIRS):
        first, second, pause = chance.randrange(len(whole.names)), chance.randrange(60), chance.choice((0, 60))
        assert deaths.and_again(stage, whole, first, second, pause) == [], f"SLICE={today()}"


def test_a_process_that_wakes_without_its_lease_writes_nothing(stage):
    whole = undisturbed(stage)
    before, others = deaths.calls(stage)
    for number in [*share(before, everything(OVERTAKEN)), *share(others, everything(OVERTAKEN))]:
        assert deaths.overtaken(stage, whole, number) == [], f"SLICE={today()}"

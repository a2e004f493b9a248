"""Every call that the program makes fails once, or from then on for good, in every way that the sandbox knows."""

from __future__ import annotations

import pytest

from tests.faults import engine
from tests.support.slices import everything, share, today
from tests.support.stages import prepared, undisturbed

MOST = 8
"""Faults of each side."""

pytestmark = pytest.mark.usefixtures("warmed")


@pytest.mark.parametrize("side", ["shop", "smtp", "mirror"])
def test_a_call_that_fails_loses_and_doubles_nothing(side):
    stage = prepared()
    whole = undisturbed(stage)
    for fault in share(list(engine.some(whole, side, everything(1))), everything(MOST)):
        assert engine.play(stage, whole, fault) == [], f"SLICE={today()}"


@pytest.mark.parametrize("kind", [engine.LOST, engine.LATE])
def test_writes_that_are_never_answered_are_found_and_not_repeated(kind):
    stage = prepared()
    assert engine.every_write(stage, undisturbed(stage), kind) == []

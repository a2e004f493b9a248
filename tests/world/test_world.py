"""A world that acts by chance; a month of days plays a month of seeds."""

from __future__ import annotations

import pytest

from connector import config
from connector.core.model import IntentState
from connector.wiring.backup import copy_mirror, restore_mirror
from tests.support.slices import today
from tests.support.stages import SHOP, prepared
from tests.world.play import Play

pytestmark = pytest.mark.usefixtures("warmed")

ACTIONS = 24


def test_after_all_that_happened_all_sides_agree_and_nothing_has_vanished():
    """Played twice: the same seed is the same story."""
    plays = [Play(prepared(), today()) for _ in range(2)]
    for play in plays:
        assert play.run(ACTIONS) == [], "\n".join(play.trace)
    assert plays[0].trace == plays[1].trace


def test_a_mirror_that_was_brought_back_notes_a_failure_of_its_lost_time_once(tmp_path):
    """The shop refused the mails, staff were told by a note; the copy knows of neither, and both happens again."""
    stage = prepared().begin()
    settings, kept = config.load(stage.config), tmp_path / "copy.db"
    kept.touch()
    copy_mirror(settings, kept)
    for _ in range(2):
        stage.smtp.fail_next("refuse_recipient", 9)
        stage.run()
        stage.smtp._faults.clear()
        restore_mirror(settings, kept, force=True)
        for replaced in stage.folder.glob("mirror.db.replaced-*"):
            replaced.unlink()
    stage.smtp.fail_next("refuse_recipient", 9)
    stage.legs = ("pull", *stage.legs)
    try:
        stage.settle()
    finally:
        stage.legs = stage.legs[1:]
        stage.smtp._faults.clear()
    with stage.app() as app:
        notes = [one for one in app.mirror.outbox.listing(SHOP) if one.origin == "fallback" and one.reference]
    assert {one.state for one in notes} == {IntentState.CONFIRMED}
    assert stage.doubled() == []

"""What keeps the promise is taken away, one thing at a time, and the plays must tell.

Each mutant is played with what the other tests of the harness play: a play that lets it pass proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import pytest

from connector.core import retry
from connector.core.model import IntentState
from connector.engine.effects.base import NOT_FOUND
from connector.engine.effects.threads import MessageCreate
from connector.engine.push import Push
from connector.mirror import outbox
from connector.mirror.database import Database
from connector.mirror.outbox import SqlOutbox
from tests.crash import deaths
from tests.faults import engine
from tests.support.stage import Stage
from tests.support.stages import Undisturbed, prepared, undisturbed

pytestmark = pytest.mark.usefixtures("warmed")

_write = Database.write
Plays = Iterator[list[str]]


def _unflushed(self: Database, *, flush: bool = True) -> Any:
    return _write(self, flush=False)


def _resend(self: Push, intent: Any, effect: Any) -> Any:
    """Instead of looking up: it will not have arrived."""
    return self._outbox.move(intent, IntentState.PLANNED, now=self._clock.now())


def _cut_power(stage: Stage, whole: Undisturbed) -> Plays:
    whole = undisturbed.__wrapped__(stage)  # what is on disk is the mutant's doing
    return (deaths.without_power(stage, whole, number) for number in reversed(deaths.powerless(whole)))


def _lose_answers(stage: Stage, whole: Undisturbed) -> Plays:
    return (engine.every_write(stage, whole, kind) for kind in (engine.LOST,))


def _answer_late(stage: Stage, whole: Undisturbed) -> Plays:
    return (engine.every_write(stage, whole, kind) for kind in (engine.LATE,))


def _kill(stage: Stage, whole: Undisturbed) -> Plays:
    far = [number for number, name in enumerate(whole.names) if name.startswith("shop.")]
    return (deaths.after_step(stage, whole, number) for number in far)


def _overtake(stage: Stage, whole: Undisturbed) -> Plays:
    return (deaths.overtaken(stage, whole, number) for number in deaths.calls(stage)[0])


MUTANTS: dict[str, tuple[AbstractContextManager[Any], Callable[[Stage, Undisturbed], Plays]]] = {
    "no flush": (patch.object(Database, "write", _unflushed), _cut_power),
    "no look-up after doubt": (
        patch.multiple(Push, _look_up=_resend, _look_again=lambda *_: None),
        _lose_answers,
    ),
    "no look-up after a death": (
        patch.multiple(Push, _look_up=_resend, _look_again=lambda *_: None),
        _kill,
    ),
    "a look-up that finds nothing": (
        patch.object(MessageCreate, "look_up", lambda *_: NOT_FOUND),
        _lose_answers,
    ),
    "no settle time": (patch.object(retry, "settle_left", lambda *_: 0.0), _answer_late),
    "no lease": (patch.object(outbox, "must_hold", lambda *_: None), _overtake),
    "nothing in doubt after a death": (patch.object(SqlOutbox, "doubtful_after_crash", lambda *_: []), _kill),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_without_it_the_plays_go_red(mutant):
    stage = prepared()
    whole = undisturbed(stage)
    change, plays = MUTANTS[mutant]
    with change:
        assert any(goes_red(play) for play in one_by_one(plays(stage, whole)))


def one_by_one(plays: Plays) -> Iterator[Callable[[], list[str]]]:
    done = False

    def play() -> list[str]:
        nonlocal done
        found = next(plays, None)
        done = found is None
        return found or []

    while not done:
        yield play


def goes_red(play: Callable[[], list[str]]) -> bool:
    try:
        return play() != []
    except AssertionError:
        return True

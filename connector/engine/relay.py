"""Writes that follow each other without waiting for our notes.

A far side is asked one thing at a time. What is to be done here is done while a write waits for its answer: the write
before it is noted, and the next one's `sending` goes to disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from connector.core.model import Intent, IntentState
from connector.engine.effects import GO_ON, Effect, Verdict
from connector.engine.ports import Clock, Outbox
from connector.errors import ConnectorError, StateError

LEAD = timedelta(seconds=5)
"""How much too early `sent_at` may be: one noted as `sending` begins within it, or is taken back. The settle time is
counted from there."""


@dataclass(frozen=True, slots=True)
class Written:
    """A write that has ended and is to be noted. intent: as it was when it began."""

    intent: Intent
    answer: Verdict | ConnectorError

    def verdict(self) -> Verdict:
        """Raises what the write raised."""
        if isinstance(self.answer, ConnectorError):
            raise self.answer
        return self.answer

    @property
    def went_well(self) -> bool:
        return isinstance(self.answer, Verdict) and self.answer.state is IntentState.CONFIRMED


class Relay:
    """Of the intents of one shop, within one batch."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._ahead: Intent | None = None

    def prepared(self, intent: Intent) -> Intent | None:
        """The intent as `sending`, when it was prepared just now: this process held the shop's lease then, and may
        write. None: it was not, or too long ago."""
        if self._ahead is None or self._ahead.id != intent.id or self._ahead.sent_at is None:
            return None
        # A clock that was put back makes it younger than nothing.
        if not timedelta() <= self._clock.now() - self._ahead.sent_at <= LEAD:
            return None
        ahead, self._ahead = self._ahead, None
        return ahead

    def begun(self, intent: Intent, effect: Effect) -> Intent | None:
        """The intent as `sending`, when all that is left to do is its write; None: it goes its own way.

        Raises as `Outbox.move`."""
        back = self.take_back()
        if back is not None and back.id == intent.id:
            intent = back
        if not _only_to_be_written(intent, effect):
            return None
        return self._outbox.move(intent, IntentState.SENDING, now=self._clock.now())

    def prepare(self, intent: Intent, effect: Effect) -> None:
        """The next one, while a write is under way. One that a command has taken up is left to its turn."""
        if not _only_to_be_written(intent, effect):
            return
        try:
            self._ahead = self._outbox.move(intent, IntentState.SENDING, now=self._clock.now())
        except StateError as error:
            taken_up(error)

    def take_back(self) -> Intent | None:
        """What was prepared was not sent: it is a wish again. None: nothing was prepared, or a successor has it now.

        Raises as `Outbox.move`; it is looked up like any other `sending` then."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        try:
            return self._outbox.move(ahead, IntentState.PLANNED, now=self._clock.now())
        except StateError as error:
            taken_up(error)
            return None


def taken_up(error: StateError) -> bool:
    """True: a command took the intent up meanwhile, which is nothing to stop for. Raises whatever else it is."""
    if error.code != "outbox.moved_elsewhere":
        raise error
    return True


def written_by(effect: Effect, sending: Intent, meanwhile: Callable[[], None] = lambda: None) -> Written:
    """The write of an intent that is noted as `sending`. meanwhile: called once at most, while the far side works; must
    raise nothing."""
    try:
        return Written(sending, effect.overlapped(sending, meanwhile))
    except ConnectorError as error:
        return Written(sending, error)


def _only_to_be_written(intent: Intent, effect: Effect) -> bool:
    """Wished for, never sent, and its check, which asks no far side, has nothing against it."""
    if intent.state is not IntentState.PLANNED or intent.sent_at is not None or not effect.checks_here(intent):
        return False
    try:
        return effect.check(intent) == GO_ON
    except ConnectorError:
        return False

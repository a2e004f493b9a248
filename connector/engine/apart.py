"""One write in a thread of its own, so that the one before it is noted while the far side works."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from connector.core.model import Intent, IntentState
from connector.engine.effects import Effect, Verdict


@dataclass(frozen=True, slots=True)
class Written:
    """A write that has ended. intent: as it was when it began."""

    intent: Intent
    answer: Future[Verdict]

    def verdict(self) -> Verdict:
        """Raises what the write raised."""
        return self.answer.result()

    @property
    def went_well(self) -> bool:
        return self.answer.exception() is None and self.answer.result().state is IntentState.CONFIRMED


class Apart:
    """At most one write is under way. As a context manager it ends when that one has, whatever ends it."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._last: Written | None = None

    def __enter__(self) -> Apart:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="push")
        return self

    def __exit__(self, *exc: object) -> None:
        if self._threads is not None:
            self._threads.shutdown()
        self._threads = self._last = None

    def begin(self, sending: Intent, effect: Effect) -> None:
        assert self._threads is not None  # noqa: S101 - only inside the block
        # Its log lines belong to the run that sends it.
        self._last = Written(sending, self._threads.submit(copy_context().run, effect.write, sending))

    def ended(self) -> Written | None:
        """The last one begun, when its answer has come; None: none is to be noted."""
        if self._last is not None:
            self._last.answer.exception()
        return self._last

    def take(self) -> Written | None:
        """The same, given out once: whoever takes it notes it."""
        last, self._last = self.ended(), None
        return last

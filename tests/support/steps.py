"""The steps of a run: every commit in the mirror and every call that changed something on a far side.

Nobody lists them. `stepped` puts a counter around the mirror's transactions and around whatever the program asks of the
shop, the mailboxes and the mail server; a call counts when it left a mark there. So a new kind of write is counted the
day it is made. Between two steps nothing is changed anywhere: dying before one is dying after the one before it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connector.wiring import App


class Killed(BaseException):
    """Nothing in the program may catch this, as nothing catches kill -9."""


class Steps:
    """Counts. at: the step at which `act` is called with its name, dying without one; None: at every step. mark: what
    the far sides look like, as something to compare; None: every call counts, for a process that cannot see them.
    flushed: called after a commit that the database has on disk."""

    def __init__(
        self,
        at: int | None = None,
        act: Callable[[str], None] | None = None,
        mark: Callable[[], object] | None = None,
        flushed: Callable[[], None] | None = None,
    ) -> None:
        self.at = at
        self.names: list[str] = []
        self._act = act or self._die
        self._mark = mark
        self._flushed = flushed

    @classmethod
    def counting(cls, mark: Callable[[], object] | None = None) -> Steps:
        return cls(-1, mark=mark)

    @staticmethod
    def _die(name: str) -> None:
        raise Killed(name)

    def reached(self, name: str) -> None:
        number = len(self.names)
        self.names.append(name)
        if self.at in (None, number):
            self._act(name)

    def far(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            before = self._mark() if self._mark is not None else None
            try:
                return call(*args, **kwargs)
            finally:
                # An answer that was lost, too: the write has happened. A death takes its place.
                if self._mark is None or self._mark() != before:
                    self.reached(name)

        return watched

    def wrapped(self, name: str, part: Any) -> Any:
        steps = self

        class Watched:
            def __getattr__(self, method: str) -> Any:
                value = getattr(part, method)
                return steps.far(f"{name}.{method}", value) if callable(value) else value

            def __enter__(self) -> Any:
                part.__enter__()
                return self

            def __exit__(self, *exc: object) -> None:
                part.__exit__(*exc)

        return Watched()

    def transactions(self, database: Any) -> Callable[..., Any]:
        write = database.write

        @contextmanager
        def counted(*, flush: bool = True) -> Iterator[Any]:
            name = f"mirror.{_caller()}"
            with write(flush=flush) as connection:
                yield connection
                on_disk = not database.is_sqlite or connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            if on_disk and self._flushed is not None:
                self._flushed()
            self.reached(name)

        return counted


def _caller() -> str:
    """Which method of the mirror began the transaction."""
    frame = sys._getframe(3)
    return frame.f_code.co_qualname.removeprefix("Sql")


def stepped(app: App, steps: Steps) -> App:
    """The same app with the counter around everything that writes somewhere."""
    app.mirror.database.write = steps.transactions(app.mirror.database)  # type: ignore[method-assign]
    client, mailbox, sender = app.client, app.mailbox, app.sender
    app.client = lambda name: steps.wrapped("shop", client(name))  # type: ignore[method-assign]
    app.mailbox = lambda shop, name: steps.wrapped("mailbox", mailbox(shop, name))  # type: ignore[method-assign]

    def counted_sender(shop: str) -> Any:
        found = sender(shop)
        return steps.wrapped("smtp", found) if found is not None else None

    app.sender = counted_sender  # type: ignore[method-assign]
    return app

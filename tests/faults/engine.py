"""The Nth call fails, for every N until the run is through without meeting the fault.

A case is a side, a kind of fault, a number and whether it strikes once or for good. The numbers are counted, not
listed, and so are the kinds: what the sandbox's shop and mail server can do wrong, and what a disk can do to the
mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, get_args

from connector.errors import StateError
from connector.sandbox import smtp
from connector.sandbox.shop import Misbehave, faults
from connector.wiring import App
from tests.support.slices import share, today
from tests.support.stage import Stage, compared
from tests.support.stages import Undisturbed

SLOW = 0.8
"""Seconds that a slow answer takes; the program waits half of it for one."""
SLEEPING = {"delay", "late_write"}
"""These take real time: for good they strike three times."""
SHOP = get_args(faults.Kind)
SMTP = smtp.FAULTS
MIRROR = ("mirror.disk_full", "mirror.io_failed", "mirror.locked")
REFUSING = {"refuse_sender", "refuse_recipient", "refuse_content"}
"""Answers that are no faults of the way but a no; the customer's mail is then not sent, and the thread says so."""


class Fault(NamedTuple):
    side: str
    kind: str
    number: int
    for_good: bool

    def __str__(self) -> str:
        return f"{self.side}: {self.kind} at call {self.number}{', for good' if self.for_good else ''}"


def kinds() -> list[tuple[str, str]]:
    return [(side, kind) for side, names in (("shop", SHOP), ("smtp", SMTP), ("mirror", MIRROR)) for kind in names]


def numbers(whole: Undisturbed, side: str) -> range:
    """The calls that an undisturbed run makes on a side."""
    mirror = [name for name in whole.names if name.startswith("mirror.")]
    return range({"shop": whole.requests, "smtp": len(whole.end["mails sent"]), "mirror": len(mirror)}[side])


def cases(whole: Undisturbed, side: str, kind: str) -> list[Fault]:
    return [Fault(side, kind, number, for_good) for number in numbers(whole, side) for for_good in (False, True)]


def some(whole: Undisturbed, side: str, each: int) -> Iterator[Fault]:
    """So many of each kind; other ones at the next slice, and of another kind others."""
    for place, (_, kind) in enumerate(one for one in kinds() if one[0] == side):
        yield from share(cases(whole, side, kind), each, today() + 7 * place)


@contextmanager
def striking(stage: Stage, fault: Fault) -> Iterator[Callable[[App], App]]:
    """Arm the fault; what comes is put around each app that is to meet it."""
    around: Callable[[App], App] = lambda app: app  # noqa: E731
    if fault.side == "shop":
        times = (3 if fault.kind in SLEEPING else None) if fault.for_good else 1
        if fault.kind in SLEEPING:
            stage.wait_for_answers(SLOW / 2)
        stage.shop.misbehave(
            Misbehave(fault.kind, times=times, skip=fault.number, seconds=SLOW, retry_after=0)  # type: ignore[arg-type]
        )
    elif fault.side == "smtp":
        stage.after_mails(fault.number, lambda: stage.smtp.fail_next(fault.kind, 1000 if fault.for_good else 1))
    else:
        around = _Breaking(fault)
    try:
        yield around
    finally:
        if fault.kind in SLEEPING:
            stage.wait_for_answers(2)
        stage.shop.release()
        stage.shop.behave()
        stage.smtp._faults.clear()


class _Breaking:
    """Transactions of the mirror that fail before anything of them is kept. Counts over all apps."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._count = 0

    def __call__(self, app: App) -> App:
        write = app.mirror.database.write

        @contextmanager
        def breaking(*, flush: bool = True) -> Iterator[Any]:
            number, self._count = self._count, self._count + 1
            if number == self._fault.number or (self._fault.for_good and number > self._fault.number):
                raise StateError(self._fault.kind, mirror="mirror.db", error="on purpose")
            with write(flush=flush) as connection:
                yield connection

        app.mirror.database.write = breaking  # type: ignore[method-assign]
        return app


def play(stage: Stage, whole: Undisturbed, fault: Fault) -> list[str]:
    """What is wrong in the end. Nothing is, when all is as if nothing had been, or what is missing is named."""
    stage.begin()
    with striking(stage, fault) as around:
        for _ in range(2 if fault.for_good else 1):
            stage.run(around=around)
            stage.clock.sleep(600)
    return _come_to(stage, whole, fault)


LOST = "drop_after"
LATE = "held"
_MANY = 80
"""More than all writes of two runs; whoever repeats without end comes to one, too."""
_WRITING = ("POST", "PUT", "PATCH")


def every_write(stage: Stage, whole: Undisturbed, kind: str) -> list[str]:
    """No write of two runs is answered. LOST: each took effect. LATE: each takes effect after it was looked for."""
    stage.begin()
    for method in _WRITING:
        stage.shop.misbehave(Misbehave(kind, method=method, times=_MANY))  # type: ignore[arg-type]
    for _ in range(2):
        stage.run()
        stage.clock.sleep(600)
    stage.shop.release()
    stage.shop.behave()
    return _come_to(stage, whole, Fault("shop", kind, 0, True))


def _come_to(stage: Stage, whole: Undisturbed, fault: Fault) -> list[str]:
    stage.settle()
    end = stage.end()
    wrong = [f"twice: {one}" for one in stage.doubled()]
    unfinished = [row for row in end["outbox"] if row[1] != "confirmed"]
    wrong += [f"no reason: {row}" for row in unfinished if not row[2]]
    if not unfinished or fault.kind not in REFUSING:
        wrong += compared(end, whole.end)
    return [f"{fault}: {line}" for line in wrong]

"""Whole runs over bad lines: all that the program says to the shop, the mailbox or the mail server goes over one."""

from __future__ import annotations

from tests.support.badline import BadLine, Ill
from tests.support.slices import everything, share
from tests.support.stage import End, Stage, compared
from tests.support.stages import Undisturbed

PATIENCE = 0.5
"""Seconds that the program waits for an answer of the shop."""
_CUTS = {
    ("shop", "answer"): range(0, 1400, 7),
    ("shop", "request"): range(0, 1400, 7),
    ("mailbox", "answer"): range(0, 6000, 23),
    ("mailbox", "request"): range(0, 1200, 11),
    ("smtp", "answer"): range(0, 260, 3),
    ("smtp", "request"): range(0, 1800, 13),
}
"""Offsets of a connection's bytes; what is longer is not reached by most connections."""


def ills(server: str, each: int) -> list[Ill]:
    """So many cuts and resets a side, and one of everything else."""
    found = [Ill("slice"), Ill("delay"), Ill("delay", "request")]
    if server != "mailbox":  # its patience is a matter of half minutes
        found += [Ill("swallow"), Ill("swallow", "request", 30)]
    found = share(found, everything(1 + each))
    for (name, side), offsets in _CUTS.items():
        if name == server:
            found += [
                Ill("cut" if number % 2 else "reset", side, after)  # type: ignore[arg-type]
                for number, after in enumerate(share(offsets, everything(each)))
            ]
    return found


def play(stage: Stage, whole: Undisturbed, server: str, ill: Ill) -> list[str]:
    """Two runs over the bad line, then over a good one until it rests: what is wrong then."""
    stage.begin()
    before, _ = stage.collected()
    with BadLine("127.0.0.1", stage.ports[server]) as line:
        line.ill = ill
        stage.lead_over(**{server: line.port})
        stage.wait_for_answers(PATIENCE)
        try:
            for _ in range(2):
                stage.run()
                stage.clock.sleep(600)
        finally:
            stage.lead_over()
            stage.wait_for_answers(2)
    here, more = stage.collected()
    stage.settle()
    end = stage.end()
    wrong = [f"twice: {one}" for one in stage.doubled()]
    if more and here != before:
        # Neighbours are not held up: what came through was decided without the mails before it, such as the one of
        # ours that a customer answers. It may stand in a thread of its own, but it stands there.
        wrong += compared({"mails": _accounted(end)}, {"mails": _accounted(whole.end)})
    else:
        wrong += compared(end, whole.end)
    return [f"{server}, {ill}: {line}" for line in wrong]


def _accounted(end: End) -> list[object]:
    """What became of every mail, whatever thread it is in."""
    return sorted((folder, name, state) for folder, name, state, _ in end["ledger"])

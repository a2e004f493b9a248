"""Deaths of the program, and what the world has come to when it was started again until it rests.

Each function plays one death and returns what is wrong then, a line each; nothing, as it should be.
"""

from __future__ import annotations

from difflib import unified_diff
from itertools import pairwise

from tests.support.slices import share
from tests.support.stage import Moment, Stage, compared
from tests.support.stages import Undisturbed
from tests.support.steps import Steps


def ends_well(stage: Stage, whole: Undisturbed, what: str) -> list[str]:
    """Start the program again until it rests; what is different then from the undisturbed end."""
    stage.settle()
    wrong = compared(stage.end(), whole.end) + [f"twice: {one}" for one in stage.doubled()]
    return [f"{what}: {line}" for line in wrong]


def after_step(stage: Stage, whole: Undisturbed, number: int) -> list[str]:
    stage.begin(whole.moments[number])
    return ends_well(stage, whole, f"after step {number}, {whole.names[number]}")


def without_power(stage: Stage, whole: Undisturbed, number: int) -> list[str]:
    stage.begin(whole.moments[number], whole.powerless[number])
    return ends_well(stage, whole, f"without power after step {number}, {whole.names[number]}")


def by_exception(stage: Stage, whole: Undisturbed, number: int) -> list[str]:
    steps = Steps(number, mark=stage.mark)
    stage.begin().run(steps)
    told = unified_diff(whole.names[: number + 1], steps.names[: number + 1], lineterm="", n=2)
    assert steps.names[: number + 1] == whole.names[: number + 1], "not deterministic: " + "\n".join(told)
    return ends_well(stage, whole, f"by an exception after step {number}, {whole.names[number]}")


def and_again(stage: Stage, whole: Undisturbed, first: int, second: int, pause: float) -> list[str]:
    """Dead after a step, and after one of the run that follows so many seconds later."""
    stage.begin(whole.moments[first])
    stage.clock.sleep(pause)
    steps = Steps(second, mark=stage.mark)
    stage.run(steps)
    return ends_well(stage, whole, f"after step {first} and then {second}, {steps.names[-1]}")


def overtaken(stage: Stage, whole: Undisturbed, number: int) -> list[str]:
    """Not dead but frozen: when it wakes after a call, another process has the lease. What it was sending may still be
    written; nothing else."""
    found = list[object]()

    def freeze(_: str) -> None:
        if stage.hand_lease_over():
            found.append(None if stage.is_sending() else stage.mark())

    stage.begin()
    steps = Steps(number, freeze)
    stage.run(steps)
    what = f"overtaken after call {number}, {steps.names[number]}"
    wrong = [f"{what}: it wrote without the lease"] if any(one not in (None, stage.mark()) for one in found) else []
    stage.end_leases()
    return wrong + ends_well(stage, whole, what)


def calls(stage: Stage) -> tuple[list[int], list[int]]:
    """Numbers for `overtaken`: those right before something is noted as sent, and all others that push makes."""
    marks = list[object]()
    steps = Steps(None, lambda _: marks.append(stage.mark()))
    stage.begin().run(steps)
    names = steps.names
    first = next(number for number, name in enumerate(names) if name == "mirror.Outbox._move")
    pushing = range(first, len(names) - 1)
    looked = [n for n in pushing if names[n].startswith("shop.") and marks[n] == marks[n - 1]]
    before = [n for n in looked if names[n + 1] == "mirror.Outbox._move"]
    return before, [n for n in pushing if n not in before]


def told_apart(moments: list[Moment], most: int) -> list[int]:
    """Numbers of steps, those of each sort first (what was done, and to which kind of intent), then a share of the
    rest; at least four of these."""
    seen, first, rest = set[object](), list[int](), list[int]()
    for number, (before, after) in enumerate(pairwise([moments[0], *moments])):
        sort = (after.step, *after.differs(before))
        (rest if sort in seen else first).append(number)
        seen.add(sort)
    return sorted([*share(first, most - 4), *share(rest, max(4, most - len(first)))])


def powerless(whole: Undisturbed) -> list[int]:
    """Steps at which a power cut takes more than a death does, and a far side knows of it."""
    lost = [n for n, kept in enumerate(whole.powerless) if not whole.moments[n].same_mirror(kept)]
    return [number for number in lost if not whole.names[number].startswith("mirror.")] or lost

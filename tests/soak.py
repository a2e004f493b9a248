"""`make soak`, `python -m tests.soak --minutes N`: the whole harness of the push side for as long as it is told.

Deaths, power cuts, lost leases, failing calls, bad lines, killed processes and seeds of the world take turns, each from
where it stopped. What is wrong is printed with what plays it again; in the end, how many were played of each class.
Ends with 1 when anything was wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from tests.crash import deaths, processes
from tests.faults import engine
from tests.net import lines
from tests.support.stage import Stage
from tests.support.stages import Undisturbed, prepared, undisturbed
from tests.support.warm import warm
from tests.world.play import Play

Played = tuple[str, Callable[[], list[str]]]
"""(class, what to play)."""
ACTIONS = 40


def mixed(numbers: list[int], chance: random.Random) -> Iterator[int]:
    while True:
        yield from chance.sample(numbers, len(numbers))


def crashes(stage: Stage, whole: Undisturbed, chance: random.Random) -> Iterator[Played]:
    kinds = (deaths.after_step, deaths.without_power, deaths.by_exception)
    for number in mixed(list(range(len(whole.names))), chance):
        for kind in kinds:
            yield f"crash, {kind.__name__}", partial(kind, stage, whole, number)
        again = chance.randrange(len(whole.names)), chance.randrange(60), chance.choice((0, 60))
        yield "crash, and_again", partial(deaths.and_again, stage, whole, *again)


def overtaken(stage: Stage, whole: Undisturbed, chance: random.Random) -> Iterator[Played]:
    before, others = deaths.calls(stage)
    for number in mixed(before + others, chance):
        yield "lease lost", partial(deaths.overtaken, stage, whole, number)


def failing(stage: Stage, whole: Undisturbed, chance: random.Random) -> Iterator[Played]:
    cases = [fault for side, kind in engine.kinds() for fault in engine.cases(whole, side, kind)]
    for number in mixed(list(range(len(cases))), chance):
        fault = cases[number]
        yield f"{fault.side}: {fault.kind}", partial(engine.play, stage, whole, fault)


def bad_lines(stage: Stage, whole: Undisturbed, chance: random.Random) -> Iterator[Played]:
    cases = [(server, ill) for server in stage.ports for ill in lines.ills(server, sys.maxsize)]
    for number in mixed(list(range(len(cases))), chance):
        server, ill = cases[number]
        yield f"line to the {server}: {ill.kind}", partial(lines.play, stage, whole, server, ill)


def killed(stage: Stage, whole: Undisturbed, chance: random.Random) -> Iterator[Played]:
    while True:
        seed = chance.randrange(10**9)
        yield "process killed", partial(processes.play, stage, whole, random.Random(seed), 4)


def worlds(stage: Stage, seed: int, classes: Counter[str]) -> Iterator[Played]:
    while True:
        yield "world", partial(_world, stage, seed, classes)
        seed += 1


def _world(stage: Stage, seed: int, classes: Counter[str]) -> list[str]:
    play = Play(stage, seed)
    wrong = play.run(ACTIONS)
    classes.update({f"world, {name}": count for name, count in play.faulty.items()})
    return wrong


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="how long [%(default)s]")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="what chance begins with [the time]")
    wanted = parser.parse_args(argv)
    with warm():
        return soak(wanted.minutes, wanted.seed)


def soak(minutes: float, seed: int) -> int:
    say(f"seed {seed}")
    stage, chance = prepared(), random.Random(seed)
    whole, classes, wrong = undisturbed(stage), Counter[str](), 0
    turns = [turn(stage, whole, chance) for turn in (crashes, overtaken, failing, bad_lines, killed)]
    turns.append(worlds(stage, seed, classes))
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        for turn in turns:
            name, play = next(turn)
            try:
                found = play()
            except AssertionError as error:
                found = [f"{name}: {error}"]
            classes[name] += 1
            wrong += bool(found)
            for line in found:
                say(f"WRONG, seed {seed}, {name}: {line}")
    for name, count in sorted(classes.items()):
        say(f"{count:6} {name}")
    say(f"seeds {seed} to {seed + classes['world'] - 1} of the world; {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

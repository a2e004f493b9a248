"""Stages that the tests of one process share: to prepare one takes longer than to play on it."""

from __future__ import annotations

import atexit
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.support.stage import SHOP, End, Moment, Stage
from tests.support.steps import Steps


@dataclass(frozen=True)
class Undisturbed:
    """What a run does that nothing disturbs. moments: on SQLite, the world after each step. powerless: the mirror that
    a power cut after each step leaves, as far as the database has it on disk."""

    names: list[str]
    end: End
    requests: int
    moments: list[Moment]
    powerless: list[Path]


@lru_cache
def prepared(kind: str = "sqlite", version: str = "8.2.1", options: bool = False) -> Stage:
    folder = tempfile.TemporaryDirectory(prefix="stage-")
    stage = Stage(Path(folder.name), kind=kind, version=version, options=options)
    stage.__enter__()
    atexit.register(folder.cleanup)
    atexit.register(stage.__exit__, None, None, None)
    return stage


@lru_cache
def undisturbed(stage: Stage) -> Undisturbed:
    stage.begin()
    moments, powerless = list[Moment](), list[Path]()
    on_disk = stage.keep_mirror()

    def flushed() -> None:
        nonlocal on_disk
        on_disk = stage.keep_mirror()

    def remember(step: str) -> None:
        if stage.kind == "sqlite":
            moments.append(stage.moment(step))
            powerless.append(on_disk)

    steps = Steps(None, remember, stage.mark, flushed)
    stage.run(steps)
    requests = len(stage.shop.requests)
    stage.settle()
    return Undisturbed(steps.names, stage.end(), requests, moments, powerless)


__all__ = ["SHOP", "Undisturbed", "prepared", "undisturbed"]

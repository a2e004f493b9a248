"""What a comparison of mirror and shop has found so far, and how far a deep one is: kept, so that it can go on after a
pause.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from connector.core.mapping import Resource
from connector.engine.ports import Memory
from connector.errors import ConnectorError

COUNTED = ("there", "here", "quarantined", "not_pulled_yet", "erased", "unlisted", "missing", "extra", "differing")


@dataclass(slots=True)
class Tally:
    """One resource. there, here: rows of the shop and of the mirror. quarantined and not_pulled_yet explain rows that
    are not the same; erased: rows without their personal data, which are compared without it; unlisted:
    of shops that are switched off, which no list shows: not compared. by_shop: id_shop ->
    (there, here). skipped: forbidden, version, not_pulled ('' if compared)."""

    there: int = 0
    here: int = 0
    quarantined: int = 0
    not_pulled_yet: int = 0
    erased: int = 0
    unlisted: int = 0
    missing: int = 0
    extra: int = 0
    differing: int = 0
    by_shop: dict[str, tuple[int, int]] = field(default_factory=dict)
    skipped: str = ""
    error: ConnectorError | None = None

    @property
    def differences(self) -> int:
        return self.missing + self.extra + self.differing


@dataclass(slots=True)
class VerifyReport:
    """resumed: (resource, last id) behind which an interrupted comparison went on; ("", 0) between two resources."""

    deep: bool
    resources: dict[str, Tally] = field(default_factory=dict)
    resumed: tuple[str, int] | None = None
    stopped: bool = False

    @property
    def differences(self) -> int:
        return sum(tally.differences for tally in self.resources.values())

    @property
    def errors(self) -> list[ConnectorError]:
        return [tally.error for tally in self.resources.values() if tally.error is not None]


class Position:
    """How far a deep comparison is, kept in the mirror after every page."""

    def __init__(self, memory: Memory, key: str, wanted: list[str]) -> None:
        self._memory = memory
        self._key = key
        self._wanted = wanted
        self.done: dict[str, Tally] = {}
        self.resource = ""
        self.last = 0
        self.tally: Tally | None = None

    @classmethod
    def read(cls, memory: Memory, key: str, wanted: Sequence[Resource], *, anew: bool) -> Position:
        """The kept one, if it is of the same resources; else the beginning."""
        made = cls(memory, key, [resource.name for resource in wanted])
        kept = None if anew else memory.get(key)
        found = json.loads(kept) if kept else {}
        if found.get("wanted") == made._wanted:
            made.done = {name: _tally(values) for name, values in found["done"].items()}
            made.resource, made.last = found["resource"], found["last"]
            made.tally = _tally(found["tally"]) if made.resource else None
        return made

    def reached(self, resource: str, last: int, tally: Tally) -> None:
        self.resource, self.last, self.tally = resource, last, tally
        self._keep()

    def finished(self, resource: str, tally: Tally) -> None:
        self.done[resource] = tally
        self.resource, self.last, self.tally = "", 0, None
        self._keep()

    def clear(self) -> None:
        self._memory.set(self._key, None)

    def _keep(self) -> None:
        kept = {
            "wanted": self._wanted,
            "done": {name: _plain(tally) for name, tally in self.done.items()},
            "resource": self.resource,
            "last": self.last,
            "tally": _plain(self.tally) if self.tally else None,
        }
        self._memory.set(self._key, json.dumps(kept))


def _plain(tally: Tally) -> dict[str, Any]:
    return {name: value for name, value in asdict(tally).items() if name != "error"}


def _tally(values: dict[str, Any]) -> Tally:
    by_shop = {id_shop: (there, here) for id_shop, (there, here) in values["by_shop"].items()}
    return Tally(**{**values, "by_shop": by_shop})

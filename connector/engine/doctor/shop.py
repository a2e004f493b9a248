"""Is the shop there, does it take the key, and is its clock right?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.engine.doctor import rights
from connector.engine.doctor.finding import Finding, attempt, ok, skip, warn
from connector.engine.pull import version_of
from connector.errors import CheckFound

REACH = "shop.reach"
CLOCK = "shop.clock"
MOST_SKEW = 30.0
"""Seconds between the shop's clock and ours that nobody needs to hear of; its Date header has whole seconds."""


@dataclass(slots=True)
class Contact:
    """One shop that can be asked. probe asks anew. now: aware UTC. info: what it said, None before and when it did
    not answer."""

    name: str
    url: str
    probe: Callable[[], ShopInfo]
    can_patch: Callable[[], bool]
    resources: Sequence[Resource]
    now: Callable[[], datetime]
    info: ShopInfo | None = None

    def findings(self) -> Iterator[Finding]:
        """Address, redirects, TLS, whether the key arrives and is taken, version; then rights and clock."""
        yield from attempt(REACH, self.name, self._reach)
        if self.info is None:
            yield from (skip(check, self.name, "doctor.no_answer") for check in (rights.CHECK, rights.BEYOND, CLOCK))

    def _reach(self) -> Iterator[Finding]:
        info = self.probe()
        answered = self.now()
        self.info = info
        if info.version:
            yield ok(REACH, self.name, REACH, version=info.version, url=self.url)
        else:
            yield warn(REACH, self.name, CheckFound("doctor.version_hidden", url=self.url))
        yield from attempt(rights.CHECK, self.name, lambda: self._rights(info))
        yield from attempt(CLOCK, self.name, lambda: self._clock(info, answered))

    def _rights(self, info: ShopInfo) -> Iterator[Finding]:
        version = version_of(info.version)
        here = [r.name for r in self.resources if not version or version >= r.since]
        return rights.rights(self.name, info, here, self.can_patch())

    def _clock(self, info: ShopInfo, answered: datetime) -> Iterator[Finding]:
        if info.clock is None:
            yield skip(CLOCK, self.name, "doctor.no_date")
            return
        ahead = (info.clock - answered).total_seconds()
        if abs(ahead) > MOST_SKEW:
            side = "ahead of" if ahead > 0 else "behind"
            yield warn(CLOCK, self.name, CheckFound("doctor.clock_skew", seconds=round(abs(ahead)), side=side))
        else:
            yield ok(CLOCK, self.name, CLOCK)

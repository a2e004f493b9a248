"""What a daemon works with: the objects of one set of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connector.engine.legs import ShopLegs
from connector.engine.ports import Leases
from connector.engine.watch import Watch


@dataclass(slots=True)
class Graph:
    """The object graph of one set of settings.

    take: takes or renews a shop's lease for this process. seconds: leg -> interval. several_workers: the mirror is
    shared by daemons (PostgreSQL), so a taken lease is waited for; on SQLite it means that somebody runs already.
    watches: per shop, the folders whose servers tell of new mail. jitter: a random number in [0, 1).
    """

    shops: dict[str, ShopLegs]
    leases: Leases
    take: Callable[[str], bool]
    holder: str
    lease_seconds: float
    seconds: Mapping[str, float]
    jitter_seconds: int
    several_workers: bool
    watches: Mapping[str, Sequence[Watch]]
    jitter: Callable[[], float]
    close: Callable[[], None]

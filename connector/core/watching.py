"""When a folder that is watched is connected to again, and when it is left to its schedule for a while. Pure.

Times are seconds; randomness is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass

RENEW_SECONDS = 540.0
"""How long one IDLE command lasts. Servers may hang up after 29 minutes (RFC 2177, section 3); home routers and cloud
firewalls forget a silent connection after ten, some after five, and tell nobody."""

STABLE_SECONDS = 60.0
"""A connection that held for so long was a good one: what ended it counts as the first failure."""

PAUSES = (1.0, 5.0, 15.0, 60.0)
"""After the 1st, 2nd ... failure in a row. When they are used up the folder is only looked at by schedule."""

SCHEDULE_ONLY = 900.0
"""Until it is tried again then."""


@dataclass(frozen=True, slots=True)
class NextTry:
    """pause: seconds until the next attempt. by_schedule: until then nothing but the schedule looks at the folder."""

    pause: float
    by_schedule: bool


def next_try(failures: int, jitter: float, *, hopeless: bool = False) -> NextTry:
    """What follows after so many failures in a row.

    hopeless: it will fail again in the same way until somebody changes something (a refused password, a server without
    IDLE); asking often would only get the account locked. jitter: in [0, 1); shortens a pause by up to a half, since
    a server that comes back must not see all its clients in one moment.
    """
    by_schedule = hopeless or failures > len(PAUSES)
    pause = SCHEDULE_ONLY if by_schedule else PAUSES[max(failures, 1) - 1]
    return NextTry(pause * (1.0 - 0.5 * min(max(jitter, 0.0), 1.0)), by_schedule)


def watched(customers: tuple[str, ...], sent: tuple[str, ...], connections: int) -> tuple[str, ...]:
    """The folders that get a connection of their own, since IDLE tells of one folder only: customers' folders first,
    then Sent folders. The others are looked at by schedule, and together with these whenever one of them has news."""
    return (customers + sent)[: max(connections, 0)]

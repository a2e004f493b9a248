"""Refusals: what looks like an accident is not carried out until somebody says that it is none.

Each guard is a pure check on numbers that the caller has read. It returns `Tripped`, which names the setting (or the
option of the command) that allows the thing, or None. Guards do not stop anything themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LOOP_LIMIT = 20
LOOP_WINDOW = timedelta(hours=2)
"""Odoo's limiter: 20 mails of one sender within 120 minutes (mail.thread, `mail.gateway.loop.threshold`)."""

SKEW_LIMIT_SECONDS = 300.0
EMPTIED_FROM = 10
"""A resource with fewer mirrored rows than this may well be emptied by hand: no guard."""
MASS_SHARE = 0.5
MASS_FROM = 20


@dataclass(frozen=True, slots=True)
class Tripped:
    """A guard said no. `facts` hold numbers and names, never personal data."""

    guard: str  # first_run | clock_skew | emptied | mass_change | mail_loop
    facts: dict[str, object] = field(default_factory=dict)
    override_setting: str = ""


def first_run(*, mirror_empty: bool, shop_has_references: bool, allowed: bool = False) -> Tripped | None:
    """An empty mirror meets a shop that already holds our `psc1/` references: the mirror was lost, and a new baseline
    would forget what has been imported. `allowed`: `since` is set or `--new-baseline` was given."""
    if mirror_empty and shop_has_references and not allowed:
        return Tripped("first_run", {"references_in_shop": True}, "since or --new-baseline")
    return None


def clock_skew(
    ours: datetime, theirs: datetime, *, limit_seconds: float = SKEW_LIMIT_SECONDS, allowed: bool = False
) -> Tripped | None:
    """Our clock and the shop's differ by more than `limit_seconds` (both aware UTC). A jump makes settle times and
    `since` mean something else than was meant."""
    skew = (ours - theirs).total_seconds()
    if abs(skew) > limit_seconds and not allowed:
        return Tripped("clock_skew", {"seconds": round(skew), "limit": round(limit_seconds)}, "allow_clock_skew")
    return None


def emptied(resource: str, *, answered: int, mirrored: int, allowed: bool = False) -> Tripped | None:
    """The shop answers no row at all where the mirror has many: a restored backup, a wrong shop or a lost right, and
    only seldom the truth."""
    if answered == 0 and mirrored >= EMPTIED_FROM and not allowed:
        return Tripped("emptied", {"resource": resource, "mirrored": mirrored}, "allow_emptied")
    return None


def mass_change(
    resource: str, *, gone: int, mirrored: int, share: float = MASS_SHARE, allowed: bool = False
) -> Tripped | None:
    """More than `share` of the mirrored rows would be marked as deleted at once."""
    if mirrored >= MASS_FROM and gone > mirrored * share and not allowed:
        return Tripped("mass_change", {"resource": resource, "gone": gone, "mirrored": mirrored}, "allow_mass_change")
    return None


def mail_loop(
    in_thread: Sequence[datetime],
    in_total: Sequence[datetime],
    now: datetime,
    *,
    limit: int = LOOP_LIMIT,
    window: timedelta = LOOP_WINDOW,
) -> Tripped | None:
    """Two machines are answering each other: one sender has written more than `limit` mails within `window`.

    in_thread: times (UTC) of this sender's mails in one thread, the new one included; in_total: those of all threads.
    Times in the future count as now: a mail's time is the sender's word.
    """
    for where, times in (("thread", in_thread), ("total", in_total)):
        recent = sum(1 for at in times if now - at <= window)
        if recent > limit:
            facts = {"where": where, "mails": recent, "limit": limit, "hours": window.total_seconds() / 3600}
            return Tripped("mail_loop", facts, "mail_loop_limit")
    return None

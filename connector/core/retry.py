"""When to try again: pure arithmetic on attempts and time.

No clock and no randomness here: the caller hands in `now` (aware UTC) and a jitter in [0, 1). Nothing is sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

PAUSES = (5.0, 30.0, 120.0, 600.0, 3600.0)
"""Seconds after the 1st, 2nd ... failed attempt; the last one repeats."""

MAIL_PAUSES = (300.0, 1800.0, 7200.0, 43_200.0, 86_400.0)
"""Seconds after which a quarantined mail is decided anew, the 1st, 2nd ... time; then a person must look at it."""

MAY_PASS = frozenset({"token_unknown", "thread_gone", "no_contact", "employee_unknown", "mailbox_not_in_settings"})
"""Reasons of a quarantine that the shop, the mirror or the settings may outgrow. A mail that cannot be decoded is not
among them: only another version of this program reads it, and `quarantine retry` is for that."""

LONGEST_RETRY_AFTER = 86_400.0
"""A far side may ask for patience, but not for more than a day: a mistyped Retry-After must not stop us for years."""


SHOP_PAUSE = 120.0
"""Seconds, at most, that a single change waits for a shop that is down."""


def next_due(
    attempts: int,
    now: datetime,
    retry_after: float | None = None,
    jitter: float = 0.0,
    longest: float | None = None,
) -> datetime:
    """When the next attempt is due.

    attempts: attempts that came to nothing so far, the last one included. retry_after: seconds that the far side asked
    for, a lower bound. jitter: in [0, 1); shortens a pause by up to a fifth, so that many intents do not come back in
    one moment. longest: seconds that a pause may grow to.
    """
    pause = PAUSES[min(max(attempts, 1), len(PAUSES)) - 1]
    if longest is not None:
        pause = min(pause, longest)
    pause *= 1.0 - 0.2 * min(max(jitter, 0.0), 1.0)
    if retry_after is not None:
        pause = max(pause, min(max(retry_after, 0.0), LONGEST_RETRY_AFTER))
    return now + timedelta(seconds=pause)


def mail_due(reason: str, attempts: int, now: datetime) -> datetime | None:
    """When a mail in quarantine is decided anew by itself; None: only when a person asks for it.

    attempts: how often it ended in quarantine, this time included.
    """
    if reason not in MAY_PASS or not 1 <= attempts <= len(MAIL_PAUSES):
        return None
    return now + timedelta(seconds=MAIL_PAUSES[attempts - 1])


def settle_left(sent_at: datetime | None, now: datetime, settle_seconds: float) -> float:
    """Seconds until a write in doubt may be judged by a look-up that finds nothing; 0.0 when it may be.

    `sent_at` None: nothing was ever sent. When our clock went back behind `sent_at`, the whole time is waited again:
    never less than the settle time may pass between a write and its repetition.
    """
    if sent_at is None:
        return 0.0
    passed = (now - sent_at).total_seconds()
    if passed < 0:
        return float(settle_seconds)
    return max(0.0, settle_seconds - passed)


def settled(sent_at: datetime | None, now: datetime, settle_seconds: float) -> bool:
    """Has the settle time passed, so that `not found` means `was not written`?"""
    return settle_left(sent_at, now, settle_seconds) == 0.0

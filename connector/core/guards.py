"""Refusals: what looks like an accident is stopped before it does damage, and a person is asked.

Pure: the figures are handed in, the caller stops and says so. Each guard has a way out that a person can name.
"""

from __future__ import annotations

LOOP_LIMIT = 20
"""Mails of one sender within two hours that still look like a person; Odoo's limiter has the same figure."""


THREAD_LIMIT = 40
"""Mails into one thread within two hours, whoever sends them: two machines that answer each other under ever new
addresses are stopped, a lively exchange is not."""


def thread_loop(count: int) -> bool:
    """count: mails filed in one thread in the last two hours. Way out: `quarantine retry` or `quarantine assign`."""
    return count >= THREAD_LIMIT


def mail_loop(count: int) -> bool:
    """count: mails of one sender in the last two hours, the one in hand included. Way out: `quarantine retry`."""
    return count > LOOP_LIMIT


MAILS_PER_DAY = {"guard.mails_per_person": 30, "guard.mails_per_thread": 15, "guard.forwards_per_person": 300}
"""Mails that may go to one person, and about one thread, within 24 hours. People who answer do not get there; a rule or
a script that runs wild does. A colleague may be the one to whom all of a kind is forwarded."""


def mail_flood(person: int, thread: int, *, forward: bool = False) -> str:
    """Which limit one more mail would break, '' for none. person, thread: mails to this person, about this thread, in
    the last 24 hours, forwarded ones or answers. Way out: `--force` of the command, or to wait."""
    of_person = "guard.forwards_per_person" if forward else "guard.mails_per_person"
    if person >= MAILS_PER_DAY[of_person]:
        return of_person
    return "guard.mails_per_thread" if thread >= MAILS_PER_DAY["guard.mails_per_thread"] else ""


FEW_DELETED = 10
"""Rows that may be gone at once whatever their share: in a small table every deletion is a large one."""


def mass_deletion(known: int, gone: int, percent: float) -> bool:
    """Does so much disappear at once that the shop's lists are likelier to be wrong than the rows to be deleted?

    known: rows of a resource in the mirror. gone: those that the shop does not list any more. percent: the share that
    may be gone; 100 and more: any. Way out: `sync --full --allow-deletions RESOURCE`.
    """
    if percent >= 100:
        return False
    return (known > 1 and gone >= known) or (gone > FEW_DELETED and gone * 100 > percent * known)


def may_be_lost(*, allowed: bool, ledger_has_rows: bool, has_baseline: bool, all_since: bool) -> bool:
    """Could the mirror have been lost, so that the shop must be asked whether it holds references of ours?

    A new baseline on such a shop would leave out what came in between. Ways out: `since` in every mailbox (what is in
    the shop is recognised), or `--new-baseline` (allowed).
    """
    return not (allowed or ledger_has_rows or has_baseline or all_since)

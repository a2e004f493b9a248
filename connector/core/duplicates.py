"""What the shop holds twice although it was wished for once: the trace of a write that came after all hope for it.

Pure: compares rows with the changes that they belong to. A change is sent again only when it was looked up in vain
after the settle time; a worker that slept longer than that, or a shop that worked longer, may still write afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.core.model import Intent

WINDOW = timedelta(days=1)
"""How long after its last attempt a late write of a status is looked for. Later rows of the same kind are somebody's
who works under our employee in the back office."""
_CLOCKS = timedelta(minutes=10)  # that the shop's clock may be behind ours


@dataclass(frozen=True, slots=True)
class Duplicate:
    """row_id: what is there once too often; first_id: what was there first. intent_id None: written by an outbox that
    was lost since."""

    resource: str
    row_id: int
    first_id: int
    intent_id: int | None
    reference: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A row of an order's history as the mirror holds it; date_add None: the shop's zone is not known."""

    id: int
    id_order: int
    id_order_state: int
    id_employee: int
    date_add: datetime | None


def of_references(resource: str, found: Sequence[tuple[str, int]], known: dict[str, int]) -> list[Duplicate]:
    """Rows that carry a reference of ours together with an older one. found: (reference, row id); known: reference ->
    intent."""
    first: dict[str, int] = {}
    result = []
    for reference, row_id in sorted(found, key=lambda one: one[1]):
        if first.setdefault(reference, row_id) != row_id:
            result.append(Duplicate(resource, row_id, first[reference], known.get(reference), reference))
    return result


def of_histories(sent: Sequence[Intent], rows: Sequence[HistoryRow], claimed: Collection[int]) -> list[Duplicate]:
    """Rows of history beyond the one that each status of ours asked for. sent: changes of an order's status that were
    sent at least once. claimed: rows that are known to be some change's own."""
    result = []
    taken: set[int] = set(claimed)
    for intent in sorted(sent, key=lambda one: one.id):
        fitting = sorted((row for row in rows if _fits(intent, row)), key=lambda row: row.id)
        own = intent.remote_id or next((row.id for row in fitting if row.id not in taken), None)
        if own is None:
            continue
        taken.add(own)
        for row in fitting:
            if row.id not in taken:
                taken.add(row.id)
                result.append(Duplicate("order_histories", row.id, own, intent.id, ""))
    return result


def _fits(intent: Intent, row: HistoryRow) -> bool:
    p = intent.payload
    same = (row.id_order, row.id_order_state, row.id_employee) == (p["id_order"], p["id_state"], p["id_employee"])
    if not same or row.id <= int(intent.decided_on.get("newest_history", 0)) or intent.sent_at is None:
        return False
    return row.date_add is None or intent.created_at - _CLOCKS <= row.date_add <= intent.sent_at + WINDOW

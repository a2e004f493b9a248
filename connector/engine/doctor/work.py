"""Who works for a shop, and what waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from connector.core import health
from connector.core.model import IntentState, MailState
from connector.engine.doctor.finding import Finding, attempt, ok, warn
from connector.errors import CheckFound

WORKER, HEALTH, OUTBOX, QUARANTINE = "shop.worker", "shop.health", "shop.outbox", "shop.quarantine"
CHECKS = (WORKER, HEALTH, OUTBOX, QUARANTINE)
ELSEWHERE = ("dead_letters", "conflicts", "quarantined_mails", "reauthorise")
"""What `status` finds and another check tells."""

REMEDIES = {
    "guard_tripped": "doctor.guard_tripped",
    "not_accounted": "doctor.not_accounted",
    "quarantined_rows": "doctor.quarantined_rows",
    "duplicates": "doctor.duplicates",
}
"""Of what remains, what has a remedy of its own."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the mirror says of a shop. holder: of a lease that is alive. is_dead: is that process surely gone? found:
    what `status` finds. intents, mails: state -> how many."""

    shop: str
    holder: Callable[[], str | None]
    is_dead: Callable[[str], bool]
    found: Callable[[], Iterable[health.Finding]]
    intents: Callable[[], Mapping[str, int]]
    mails: Callable[[], Mapping[str, int]]

    def findings(self) -> Iterator[Finding]:
        yield from attempt(WORKER, self.shop, self._worker)
        yield from attempt(HEALTH, self.shop, self._health)
        yield from attempt(OUTBOX, self.shop, self._outbox)
        yield from attempt(QUARANTINE, self.shop, self._quarantine)

    def _worker(self) -> Iterator[Finding]:
        holder = self.holder()
        if holder is None:
            yield ok(WORKER, self.shop, "doctor.nobody_works")
        elif self.is_dead(holder):
            yield ok(WORKER, self.shop, "doctor.dead_worker")
        else:
            yield ok(WORKER, self.shop, WORKER, holder=":".join(holder.split(":")[:2]))

    def _health(self) -> Iterator[Finding]:
        found = [one for one in self.found() if one.code not in ELSEWHERE]
        if any(one.code == "never_synced" for one in found):
            yield ok(HEALTH, self.shop, "doctor.never_synced")
            return
        for one in found:
            yield warn(HEALTH, self.shop, CheckFound(REMEDIES.get(one.code, "doctor.not_well"), found=one.text))
        if not found:
            yield ok(HEALTH, self.shop, HEALTH)

    def _outbox(self) -> Iterator[Finding]:
        states = self.intents()
        asked = {
            state: states[str(state)]
            for state in (IntentState.IN_DOUBT, IntentState.CONFLICT, IntentState.FAILED)
            if states.get(str(state))
        }
        if asked:
            told = ", ".join(f"{count} {state}" for state, count in asked.items())
            yield warn(OUTBOX, self.shop, CheckFound("doctor.outbox_waits", states=told))
        else:
            yield ok(OUTBOX, self.shop, OUTBOX, planned=states.get(str(IntentState.PLANNED), 0))

    def _quarantine(self) -> Iterator[Finding]:
        count = self.mails().get(str(MailState.QUARANTINED), 0)
        if count:
            yield warn(QUARANTINE, self.shop, CheckFound("doctor.quarantine", count=count))
        else:
            yield ok(QUARANTINE, self.shop, QUARANTINE)

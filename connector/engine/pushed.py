"""What a run of the push leg did."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.core.model import FINAL, Intent, IntentState
from connector.errors import ConnectorError, ShopDamaged


@dataclass(slots=True)
class PushReport:
    """outcomes: intents after this run moved them, in order. problems: intent id -> why it was put off last."""

    outcomes: list[Intent] = field(default_factory=list)
    problems: dict[int, ConnectorError] = field(default_factory=dict)

    @property
    def last(self) -> dict[int, Intent]:
        """Each intent as this run left it."""
        return {intent.id: intent for intent in self.outcomes}

    @property
    def errors(self) -> list[ConnectorError]:
        """Why intents are still put off, and what a write has damaged."""
        waiting = self.last
        return [
            e
            for i, e in self.problems.items()
            if i in waiting and (waiting[i].state not in FINAL or isinstance(e, ShopDamaged))
        ]

    def count(self, state: IntentState) -> int:
        return sum(intent.state is state for intent in self.last.values())

    @property
    def confirmed(self) -> list[Intent]:
        return [i for i in self.outcomes if i.state is IntentState.CONFIRMED]

    def add(self, later: PushReport) -> None:
        """A later round of the same cycle."""
        self.outcomes += later.outcomes
        self.problems.update(later.problems)

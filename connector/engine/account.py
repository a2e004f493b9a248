"""The last leg of a cycle: prove that every mail is accounted for, and say so when it is not.

Reads the ledger and the outbox only; whether the server holds a mail that the ledger lacks is proven by `collect`.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.core.model import MailState
from connector.engine.ports import Events, Ledger, Outbox
from connector.ops import events as ev


@dataclass(frozen=True, slots=True)
class Account:
    """mails, intents: counts by state. unexplained: pending mails without a living intent, or mails that stayed
    `received` after reconcile ran. missing: in scope on the server, not in the ledger (from collect). duplicates: what
    the shop holds twice of ours, which only a write that came later than the settle time can do."""

    mails: dict[str, int]
    intents: dict[str, int]
    unexplained: int
    missing: int
    duplicates: int

    @property
    def holds(self) -> bool:
        return self.unexplained == 0 and self.missing == 0 and self.duplicates == 0


def account(
    shop: str, ledger: Ledger, outbox: Outbox, duplicates: int, events: Events, *, missing: int, reconciled: bool
) -> Account:
    """reconciled: reconcile ran to its end in this cycle, so no mail may be left `received`."""
    mails = ledger.states(shop)
    unexplained = ledger.adrift(shop) + (mails.get(str(MailState.RECEIVED), 0) if reconciled else 0)
    if unexplained:
        events.emit(ev.ACCOUNTING_MISMATCH, shop=shop, unexplained=unexplained)
    return Account(mails, outbox.states(shop), unexplained, missing, duplicates)

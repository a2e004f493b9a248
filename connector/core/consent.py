"""Who may get a campaign. Decides on what the shop says now; asks nobody.

A flag in the shop is an account's, a mail goes to an address: who has withdrawn in one of their accounts gets nothing,
whatever another one says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.core.segments import Account


@dataclass(frozen=True, slots=True)
class Consents:
    """Ids of customers by what the shop says of them at one moment. given: the consent in question. kept: those that
    are not deleted. Whoever is missing in a list has not consented, so a list that was cut short lets nobody in.
    addresses: id -> casefolded address of those whose row changed since the mirror has it, "" for one that cannot be
    known."""

    given: frozenset[int] = frozenset()
    active: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    addresses: dict[int, str] = field(default_factory=dict)


def mailable(accounts: Sequence[Account], said: Consents) -> Account | None:
    """The account that an address is written to in a campaign; None: it gets none.

    accounts: all with this address. Each must have given the consent, none may be deleted (PrestaShop keeps a deleted
    account so that the address cannot register again), and one must be active."""
    if not all(one.id in said.kept and one.id in said.given for one in accounts):
        return None
    active = [one for one in accounts if one.id in said.active]
    return max(active, key=lambda one: (not one.guest, one.id), default=None)


def stale(accounts: Sequence[Account], said: Consents, address: str) -> bool:
    """Has one of these accounts another address by now, or one that cannot be known?"""
    return any(said.addresses.get(one.id, address) != address for one in accounts)

"""A person's data in either database: found, and emptied."""

from __future__ import annotations

from connector.core.model import MailState
from tests.mirror.world import BY_NAME, SHOP, copy, customer, thread


def test_a_person_is_found_by_address_and_emptied(mirror):
    mirror.rows.store(
        SHOP, BY_NAME["customers"], [customer(1), customer(2, "ANNA@example.org"), customer(3, "b@x.org")], None
    )
    mirror.rows.store(SHOP, BY_NAME["customer_threads"], [thread(5, email="Anna@Example.org", id_customer=None)], None)
    mirror.ledger.enter(SHOP, [copy(1), copy(2, from_addr="joanna@example.org")])
    mine, other = mirror.ledger.received(SHOP, 10)
    for one in (mine, other):
        mirror.ledger.conclude(one, MailState.QUARANTINED, "why")
    held = mirror.privacy.find(SHOP, "ANNA@Example.org ")
    assert held.counts() == {"customer_threads": 1, "customers": 2, "mails": 1}
    assert mirror.privacy.erase(SHOP, "anna@example.org", "f" * 64) is not None
    left = mirror.ledger.get(mine.id)
    assert (left.state, left.reason, left.from_addr, left.subject, left.blob) == (
        MailState.IGNORED,
        "erased",
        "erased:" + "f" * 64,
        "",
        "",
    )
    assert mirror.ledger.get(other.id).subject == other.subject
    assert mirror.contents.erased(SHOP, "customers", [1, 2, 3]) == {1, 2}
    assert mirror.privacy.erased_at(SHOP, "f" * 64) is not None
    assert mirror.privacy.find(SHOP, "").is_empty

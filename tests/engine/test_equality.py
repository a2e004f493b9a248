"""A shop that changes and deletes between requests and during them: in the end the mirror equals it."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core.mapping import parse
from tests.support.pulling import bench
from tests.support.simshop import SimShop

NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)
ORDERS = parse(
    'pull = "delta"\n[fields]\ntotal = "int"\nid_customer = "ref to customers"\ndate_upd = "datetime"\n', "orders.toml"
)
CUSTOMERS = parse(
    'pull = "delta"\n[fields]\nactive = "bool"\ndate_upd = "datetime"\n[sweeps]\nactive = ["0", "1"]\n',
    "customers.toml",
)
TABLES = ("orders", "customers")

changes = st.lists(
    st.tuples(
        st.sampled_from(("add", "edit", "delete", "by_sql", "wait")), st.integers(1, 12), st.booleans(), st.booleans()
    ),
    max_size=25,
)


def happen(shop, change):
    what, row_id, second, active = change
    table = TABLES[second]
    if what == "wait":
        shop.pass_time(row_id)
    elif what == "delete":
        shop.tables[table].pop(row_id, None)
    elif what == "by_sql" and row_id in shop.tables["customers"]:
        shop.tables["customers"][row_id]["active"] = str(int(active))
    elif what in ("add", "edit"):
        values = {"active": str(int(active))} if second else {"total": str(row_id), "id_customer": str(row_id % 5)}
        # An id is given out once: what is gone does not come back under it.
        row_id = row_id if row_id in shop.tables[table] else max(shop.given[table], *shop.tables[table], 0) + 1
        shop.given[table] = max(shop.given[table], row_id)
        shop.put(table, row_id, **values)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=changes, during=changes, between=changes)
def test_after_pull_sweep_and_deletions_the_mirror_equals_the_shop(before, during, between):
    shop = SimShop(NOON)
    shop.tables = {"orders": {}, "customers": {}}
    shop.given = {"orders": 0, "customers": 0}
    for row_id in range(1, 9):
        happen(shop, ("add", row_id, True, True))
        happen(shop, ("add", row_id, False, True))
    for change in before:
        happen(shop, change)
    left = list(during)

    def meanwhile(resource, _):
        shop.pass_time(0.5)
        if left:
            happen(shop, left.pop(0))

    with tempfile.TemporaryDirectory() as folder, bench(Path(folder), shop, [ORDERS, CUSTOMERS]) as place:
        shop.before_answer = shop.while_rendering = meanwhile
        place.pull(page_size=3).run()
        place.sweeps().run()
        place.deletions(100).run()
        place.relations().run()
        for change in between:
            happen(shop, change)
        left.clear()
        shop.pass_time(86400)
        place.pull(page_size=3).run()
        place.sweeps().run()
        assert not place.deletions(100).run().errors
        assert not place.relations().run().errors
        orders = {
            row_id: (int(row["total"]), int(row["id_customer"]) or None)
            for row_id, row in shop.tables["orders"].items()
        }
        customers = {row_id: row["active"] == "1" for row_id, row in shop.tables["customers"].items()}
        found = place.rows("select id, total, id_customer from orders")
        assert {row_id: (total, customer) for row_id, total, customer in found} == orders
        assert {row_id: bool(on) for row_id, on in place.rows("select id, active from customers")} == customers
        assert place.mirror.contents.unresolved("main", ORDERS, "orders", "id_customer", CUSTOMERS, None, 10) == []

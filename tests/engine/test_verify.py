"""The comparison while the shop goes on changing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.core.mapping import parse
from connector.engine.repair import Repair
from connector.engine.verify import Verify
from connector.errors import ShopUnavailable
from connector.ops import events as ev
from tests.support.pulling import SHOP, bench
from tests.support.simshop import SimClock, SimShop

ORDERS = parse('pull = "delta"\n[fields]\ntotal = "decimal"\ndate_upd = "datetime"\n', "orders.toml")


@pytest.fixture
def place(tmp_path):
    shop = SimShop(datetime.now(UTC))
    for row_id in range(1, 41):
        shop.put("orders", row_id, total="1.5")
    with bench(tmp_path, shop, [ORDERS]) as made:
        made.pull(page_size=100).run()
        shop.pass_time(86400)
        yield made


def verify(place) -> Verify:
    m = place.mirror
    more = {**place._common(), "page_size": 10}
    return Verify(place.shop, m.rows, m.contents, m.differences, m.meta, place.heard, SimClock(place.shop), **more)


def test_a_row_that_changed_while_it_was_compared_is_no_difference(place):
    place.shop.tables["orders"][7]["total"] = "2"

    def mend(resource, query):
        if query.filters and query.filters[0].op == "any":
            place.shop.tables["orders"][7]["total"] = "1.5"

    place.shop.before_answer = mend
    assert verify(place).run(deep=True).differences == 0
    assert place.mirror.differences.listing(SHOP) == []


def test_a_difference_noted_before_is_looked_at_again_by_the_next_comparison(place):
    place.shop.tables["orders"][7]["total"] = "2"
    assert verify(place).run(deep=True).differences == 1
    assert verify(place).run().differences == 1
    place.shop.tables["orders"][7]["total"] = "1.5"
    assert verify(place).run().differences == 0
    assert place.mirror.differences.listing(SHOP) == []


def test_a_broken_row_is_explained(place):
    place.shop.broken["orders"] = {3}
    for nameless in (False, True):
        place.shop.nameless = nameless
        report = verify(place).run(deep=True)
        assert (report.differences, report.resources["orders"].quarantined) == (0, 1)


def test_a_shop_that_breaks_down_is_told_and_the_comparison_goes_on_there_later(place):
    def down(resource, query):
        if any(f.op == "between" and f.values[0] == "21" for f in query.filters):
            raise ShopUnavailable("shop.timeout")

    place.shop.before_answer = down
    place.shop.tables["orders"][30]["total"] = "2"
    report = verify(place).run(deep=True)
    assert [error.code for error in report.errors] == ["shop.timeout"]
    place.shop.before_answer = lambda resource, query: None
    report = verify(place).run(deep=True)
    assert report.resumed == ("orders", 20)
    assert (report.differences, report.resources["orders"].there) == (1, 40)


def test_before_the_first_pull_has_ended_nothing_is_compared(tmp_path):
    with bench(tmp_path, SimShop(datetime.now(UTC)), [ORDERS]) as empty:
        empty.shop.tables["orders"] = {}
        assert verify(empty).run().resources["orders"].skipped == "not_pulled"


def test_a_row_that_comes_back_before_the_repair_is_kept(place):
    gone = place.shop.tables["orders"].pop(5)
    comparison = verify(place)
    assert comparison.run().resources["orders"].extra == 1
    place.shop.tables["orders"][5] = gone
    report = Repair(comparison, 10).run(["orders"])
    assert (report.repaired, report.errors) == ({"orders": 0}, [])
    assert place.mirror.rows.count(SHOP, "orders") == 40
    assert place.mirror.differences.listing(SHOP) == []


def test_the_log_tells_what_was_compared(place):
    verify(place).run(deep=True)
    (told,) = place.heard.of(ev.VERIFY_FINISHED)
    assert (told["count"], told["counts"]["there"], told["counts"]["here"]) == (0, 40, 40)

"""Lists of all ids, in windows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.core.mapping import parse
from connector.core.query import Filter
from connector.engine.census import Census, passes_of
from connector.errors import ShopUnreadable
from tests.support.simshop import SimShop

NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)
ORDERS = parse('pull = "delta"\nper_shop = true\n[fields]\ndate_upd = "datetime"\n', "orders.toml")
CONTACTS = parse('pull = "snapshot"\n[fields]\nemail = "text"\n', "contacts.toml")
SETTINGS = parse('pull = "snapshot"\n[only]\nname = ["A", "B"]\n[fields]\nname = "text"\n', "configurations.toml")


@pytest.fixture
def shop():
    made = SimShop(NOON)
    for row_id in range(1, 51):
        made.put("orders", row_id, id_shop="2" if row_id > 10 and row_id % 2 else "1")
    return made


def test_windows_meet_without_a_gap_and_the_last_has_no_end(shop):
    census = Census(shop, CONTACTS, size=4)
    for row_id in (1, 2, 3, 7, 8, 20):
        shop.put("contacts", row_id)
    windows = list(census.windows())
    assert [(w.after, w.upto) for w in windows] == [(0, 7), (7, None)]
    assert [sorted(w.ids) for w in windows] == [[1, 2, 3, 7], [8, 20]]
    assert census.requests == 2


def test_a_window_ends_where_the_shortest_list_of_a_multistore_ends(shop):
    census = Census(shop, ORDERS, ("1", "2"), size=8)
    windows = list(census.windows())
    assert set().union(*(w.ids for w in windows)) == set(range(1, 51))
    assert [w.after for w in windows[1:]] == [w.upto for w in windows[:-1]]
    assert sum(len(w.ids) for w in windows) == 50
    assert windows[0].upto == 8  # the second shop begins at 11: nothing is said of it yet
    assert census.requests == 2 * len(windows)


def test_an_empty_table_is_one_empty_window(shop):
    assert [(w.after, w.upto, w.ids) for w in Census(shop, CONTACTS).windows()] == [(0, None, frozenset())]


def test_a_full_list_that_does_not_get_further_is_no_end(shop):
    class Deaf(SimShop):
        """Does not heed the filter on the id."""

        def ids(self, resource, query, stop=lambda: False):
            return list(range(1, query.limit + 1))

    windows = Census(Deaf(NOON), ORDERS, size=5).windows()
    assert next(windows).upto == 5
    with pytest.raises(ShopUnreadable) as caught:
        next(windows)
    assert caught.value.code == "pull.no_progress"


def test_asked_to_stop_it_ends_before_the_next_window(shop):
    stops = iter((False, True))
    assert len(list(Census(shop, ORDERS, size=10).windows(stop=lambda: next(stops)))) == 1


def test_filters_and_the_fixed_filter_of_the_mapping_go_along(shop):
    for row_id, name in enumerate("ABC", 1):
        shop.put("configurations", row_id, name=name, value=str(row_id % 2))
    ids = next(Census(shop, SETTINGS).windows(Filter("value", "eq", ("1",)))).ids
    assert ids == {1}


def test_the_second_look_asks_every_context_for_a_hundred_at_a_time(shop):
    census = Census(shop, ORDERS, ("1", "2"))
    assert census.among(range(40, 200)) == set(range(40, 51))
    assert [len(q.filters[0].values) for _, q in shop.questions] == [100, 100, 60, 60]


def test_only_what_shows_one_shop_is_asked_for_in_every_shop():
    assert passes_of(ORDERS, ("1", "2")) == ("1", "2")
    assert passes_of(CONTACTS, ("1", "2")) == ("",)
    assert passes_of(ORDERS, ()) == ("",)

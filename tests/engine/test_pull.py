"""The pull leg between a shop and a real SQLite mirror."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from connector import packagedata
from connector.core.mapping import parse
from connector.engine.pull import Pull, in_order, mixed, version_of
from connector.errors import ShopForbidden, ShopUnavailable, StateError
from connector.ops import events as ev
from connector.sandbox.shop import SandboxShop
from connector.shop.client import ShopClient
from tests.support.pulling import SHOP, Heard, bench, new_mirror
from tests.support.simshop import READ, SimShop

NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)

ORDERS = parse(
    'pull = "delta"\nper_shop = true\n[fields]\nreference = "text"\ntotal = "decimal"\ndate_upd = "datetime"\n'
    'id_shop = "ref"\n',
    "orders.toml",
)
MESSAGES = parse('pull = "id"\nsince = "1.7"\n[fields]\nmessage = "text personal"\n', "messages.toml")
STATES = parse('pull = "snapshot"\n[fields]\npaid = "bool"\n[lang]\nname = "text"\n', "order_states.toml")
LANGUAGES = parse('pull = "snapshot"\n[fields]\nactive = "bool"\n', "languages.toml")
SETTINGS = parse(
    'pull = "snapshot"\ndisplay = true\nonly = { name = ["PS_TIMEZONE"] }\n[fields]\nname = "text"\nvalue = "text"\n',
    "configurations.toml",
)
RESOURCES = [MESSAGES, ORDERS, LANGUAGES, STATES, SETTINGS]


class Killed(BaseException):
    """What a power cut looks like from inside."""


def a_shop(orders: int = 35) -> SimShop:
    shop = SimShop(NOON - timedelta(minutes=orders))
    for row_id in range(1, orders + 1):
        shop.put("orders", row_id, reference=f"R{row_id}", total="12.5", id_shop="1")
        shop.pass_time(60)
    for row_id in range(1, 8):
        shop.put("messages", row_id, message=f"note {row_id}")
    for row_id in (1, 2):
        shop.put("languages", row_id, active="1")
        shop.put("order_states", row_id, paid="1", name={1: f"Paid {row_id}", 2: f"Payé {row_id}"})
    shop.put("configurations", 1, name="PS_TIMEZONE", value="Europe/Paris")
    shop.put("configurations", 2, name="PS_MAIL_PASSWD", value="secret")
    return shop


@pytest.fixture
def place(tmp_path):
    with bench(tmp_path, a_shop(), RESOURCES) as made:
        yield made


def mirrored(place, table="orders", column="reference"):
    return dict(place.rows(f"select id, {column} from {table}"))


def in_shop(shop, table="orders", column="reference"):
    return {row_id: row[column] for row_id, row in shop.tables[table].items()}


def test_everything_mapped_is_mirrored_typed(place):
    report = place.pull().run()
    assert report.errors == []
    assert mirrored(place) == in_shop(place.shop)
    assert (report.new, report.changed, report.broken) == (35 + 7 + 2 + 2 + 1, 0, 0)
    row = place.rows("select total, date_upd, date_upd_local from orders where id = 35")[0]
    assert str(row[1]).startswith("2026-06-15 09:59:00")
    assert row[2] == "2026-06-15 11:59:00"
    assert place.rows("select id_lang, name from order_states_lang where id = 2") == [(1, "Paid 2"), (2, "Payé 2")]


def test_only_the_settings_named_in_the_mapping_are_mirrored(place):
    place.pull().run()
    assert place.rows("select name, value from configurations") == [("PS_TIMEZONE", "Europe/Paris")]


def test_an_idle_pull_asks_one_question_per_watched_resource_and_changes_nothing(place):
    pull = place.pull()
    pull.run()
    for _ in range(3):
        place.shop.pass_time(60)
        report = pull.run()
        assert {name: mine.requests for name, mine in report.resources.items()} == {
            "configurations": 0,
            "languages": 0,
            "order_states": 0,
            "messages": 1,
            "orders": 1,
        }
        assert (report.new, report.changed) == (0, 0)
        assert report.resources["order_states"].skipped == "fresh"


def test_reference_tables_are_read_again_when_they_are_old_or_when_it_is_asked_for(place):
    pull = place.pull(snapshot_seconds=600)
    pull.run()
    place.shop.put("order_states", 1, paid="0")
    assert pull.run().changed == 0
    assert pull.run(["order_states"], force=True).changed == 1
    place.shop.put("order_states", 1, paid="1")
    place.shop.pass_time(601)
    assert pull.run().resources["order_states"].changed == 1


def test_settings_and_languages_come_first_then_what_is_small_then_the_widest():
    assert [resource.name for resource in in_order(RESOURCES)] == [
        "configurations",
        "languages",
        "order_states",
        "orders",
        "messages",
    ]


def test_of_what_grows_the_wide_and_the_narrow_take_turns():
    ordered = in_order(packagedata.resources())
    growing = [resource for resource in ordered if resource.pull != "snapshot"]
    turns = mixed(ordered)
    small = len(ordered) - len(growing)
    assert turns[:small] == ordered[:small]
    assert turns[small : small + 4] == [growing[0], growing[-1], growing[1], growing[-2]]
    assert sorted(resource.name for resource in turns) == sorted(resource.name for resource in ordered)


def test_a_zone_that_the_first_pull_finds_counts_for_what_follows(place):
    def zone():
        found = place.mirror.lookups.configuration(SHOP, "PS_TIMEZONE")
        return ZoneInfo(found) if found else None

    place.pull(zone=zone).run()
    assert place.rows("select count(*) from orders where date_upd is null") == [(0,)]


def test_a_kill_at_any_moment_loses_nothing_and_stores_nothing_twice(place):
    dice = Random(7)
    rows = place.mirror.rows

    class MayDie:
        """The mirror, except that the process dies around some of the transactions."""

        def __getattr__(self, name):
            return getattr(rows, name)

        def store(self, *args):
            before, after = dice.random() < 0.15, dice.random() < 0.15
            if before:
                raise Killed
            stored = rows.store(*args)
            if after:
                raise Killed
            return stored

    def may_die(resource, query):
        if dice.random() < 0.05:
            raise Killed

    deaths = 0
    for step in range(60):
        place.shop.before_answer = may_die
        try:
            place.pull(MayDie(), page_size=3).run()
        except Killed:
            deaths += 1
        place.shop.before_answer = lambda resource, query: None
        place.shop.pass_time(20)
        if step < 40:
            place.shop.put("orders", dice.randint(1, 40), reference=f"step {step}", total="1", id_shop="1")
            place.shop.put("messages", 8 + step, message=f"step {step}")
    place.pull().run()
    assert deaths > 10
    assert mirrored(place) == in_shop(place.shop)
    assert mirrored(place, "messages", "message") == in_shop(place.shop, "messages", "message")


def test_asked_to_stop_it_ends_after_the_page_in_hand_and_goes_on_from_there(place):
    pages = iter([False] * 8)
    report = place.pull(page_size=5).run(stop=lambda: next(pages, True))
    assert report.stopped
    assert report.errors == []
    before = len(mirrored(place))
    assert before < 35
    report = place.pull(page_size=5).run()
    assert mirrored(place) == in_shop(place.shop)
    assert report.resources["orders"].new == 35 - before


def test_a_resource_the_key_may_not_read_is_reported_and_left_out(place):
    place.shop.rights = {name: READ for name in place.shop.tables if name != "messages"}
    report = place.pull().run()
    assert report.resources["messages"].skipped == "forbidden"
    assert report.errors == []
    assert place.heard.of(ev.RESOURCE_FORBIDDEN) == [{"shop": SHOP, "resource": "messages"}]
    assert len(mirrored(place)) == 35


def test_a_right_lost_since_the_rights_were_asked_for_is_no_failure(place):
    full = place.shop.probe()
    place.shop.rights = {name: READ for name in place.shop.tables if name != "messages"}
    report = place.pull(info=lambda: full).run()
    assert report.resources["messages"].skipped == "forbidden"
    assert report.errors == []
    assert len(mirrored(place)) == 35


def test_a_resource_that_this_version_does_not_have_is_not_asked_for(place):
    place.shop.version = "1.6.1.24"
    report = place.pull().run()
    assert report.resources["messages"].skipped == "version"
    assert "messages" not in {resource for resource, _ in place.shop.questions}


def test_one_resource_that_fails_stops_no_other(place):
    def fails(resource, query):
        if resource == "messages":
            raise ShopUnavailable("shop.unavailable", resource=resource)

    place.shop.before_answer = fails
    report = place.pull().run()
    assert [error.code for error in report.errors] == ["shop.unavailable"]
    assert len(mirrored(place)) == 35
    failed = place.heard.of(ev.RESOURCE_FAILED)
    assert [keys["resource"] for keys in failed] == ["messages"]


def test_a_fault_of_our_own_in_one_resource_is_named_and_stops_no_other(place):
    def fails(resource, query):
        if resource == "messages":
            raise ZeroDivisionError

    place.shop.before_answer = fails
    report = place.pull().run()
    assert [(error.code, error.facts["error"]) for error in report.errors] == [("pull.fault", "ZeroDivisionError")]
    assert len(mirrored(place)) == 35


def test_a_refused_key_ends_the_run_at_once(place):
    def refuses(resource, query):
        raise ShopForbidden("shop.key_refused")

    place.shop.before_answer = refuses
    report = place.pull().run()
    assert len(place.shop.questions) == 1
    assert [error.code for error in report.errors] == ["shop.key_refused"]


def test_a_mirror_that_cannot_be_written_is_not_a_resources_fault(place):
    class Full:
        def __getattr__(self, name):
            return getattr(place.mirror.rows, name)

        def store(self, *args):
            raise StateError("mirror.full")

    with pytest.raises(StateError):
        place.pull(Full()).run()


def test_a_shop_that_chokes_on_large_pages_is_asked_for_smaller_ones(place):
    def chokes(resource, query):
        if query.limit > 60:
            raise ShopUnavailable("shop.unavailable")

    place.shop.before_answer = chokes
    report = place.pull(page_size=200).run()
    assert report.errors == []
    assert mirrored(place) == in_shop(place.shop)


@pytest.mark.parametrize("nameless", [False, True])
def test_rows_that_no_form_gives_go_to_the_quarantine_and_hold_nobody_up(place, nameless):
    shop = place.shop
    shop.broken = {"orders": {3, 9, 10, 30}, "messages": {2, 7}}
    shop.nameless = nameless
    pull = place.pull(page_size=3)
    report = pull.run()
    assert report.errors == []
    assert set(mirrored(place)) == set(range(1, 36)) - shop.broken["orders"]
    assert set(mirrored(place, "messages", "message")) == {1, 3, 4, 5, 6}
    assert place.mirror.quarantine.list(SHOP)
    shop.pass_time(3600)
    for row_id in range(1, 36):
        shop.put("orders", row_id, reference=f"again {row_id}", total="1", id_shop="1")
    shop.pass_time(60)
    assert pull.run().errors == []
    readable = {row_id: ref for row_id, ref in in_shop(shop).items() if row_id not in shop.broken["orders"]}
    assert mirrored(place) == readable
    if not nameless:
        shop.broken = {}
        for row_id in (3, 9, 10, 30):
            shop.put("orders", row_id, reference="mended", total="1", id_shop="1")
        pull.run()
        assert place.mirror.quarantine.list(SHOP) == []
        assert mirrored(place) == in_shop(shop)


def test_a_value_that_does_not_fit_sets_its_row_aside_without_the_shops_secrets(place):
    place.shop.put("orders", 12, reference="R12", total="a lot", id_shop="1", secure_key="5ebe2294ecd0e0f0")
    report = place.pull().run()
    assert report.resources["orders"].broken == 1
    assert set(mirrored(place)) == set(range(1, 36)) - {12}
    held = place.mirror.quarantine.list(SHOP, "orders")[0]
    assert (held.row_id, held.reason) == (12, "total: no amount")
    raw = place.mirror.quarantine.get(held.id).raw
    assert b"a lot" in raw
    assert b"5ebe2294" not in raw
    assert place.heard.of(ev.ROW_QUARANTINED)[0]["row_id"] == 12
    place.shop.put("orders", 12, total="99")
    place.pull().run()
    assert place.mirror.quarantine.list(SHOP, "orders") == []
    assert 12 in mirrored(place)


def test_several_shops_are_read_one_by_one_each_with_its_own_cursor(place):
    for row_id in range(101, 121):
        place.shop.put("orders", row_id, reference=f"second {row_id}", total="1", id_shop="2")
    pull = place.pull(
        id_shops=lambda: (
            "1",
            "2",
        ),
        page_size=50,
    )
    pull.run()
    assert mirrored(place) == in_shop(place.shop)
    assert set(place.mirror.rows.cursor(SHOP, "orders")["by_shop"]) == {"1", "2"}
    assert pull.run().resources["orders"].requests == 2
    asked = {query.id_shop for resource, query in place.shop.questions if resource == "messages"}
    assert asked == {""}


def test_a_second_shop_that_comes_later_is_read_from_its_beginning(place):
    place.pull(id_shops=lambda: ("1",)).run()
    for row_id in range(101, 111):
        place.shop.put(
            "orders", row_id, reference=f"old {row_id}", total="1", id_shop="2", date_upd="2020-01-01 00:00:00"
        )
    place.shop.pass_time(86400)
    place.pull(id_shops=lambda: ("1",)).run()
    assert 101 not in mirrored(place)
    place.pull(
        id_shops=lambda: (
            "1",
            "2",
        )
    ).run()
    assert 101 in mirrored(place)
    place.pull(id_shops=lambda: ("all",)).run()
    assert place.mirror.rows.cursor(SHOP, "orders")["id_shop"] == "all"


def test_progress_tells_how_far_a_first_pull_is(place):
    seen = []
    place.pull(progress=seen.append).run(["orders"])
    assert [(step.resource, step.rows, step.expected) for step in seen] == [
        ("orders", 10, 35),
        ("orders", 15, 35),
        ("orders", 25, 35),
        ("orders", 35, 35),
    ]


def test_versions_are_compared_as_numbers():
    assert version_of("1.7.8.11") < version_of("8.2.1") < version_of("9.0.0") < version_of("10.1")
    assert version_of("8.1.0-beta") == (8, 1, 0)
    assert version_of("0") == version_of("") == ()


class RealClock:
    def now(self):
        return datetime.now(UTC)

    def sleep(self, seconds):
        time.sleep(seconds)


@pytest.mark.parametrize("version", ["9.0.0", "8.2.1", "1.7.8.11", "1.6.1.24"])
def test_a_whole_shop_of_every_version_is_mirrored_row_for_row(version, tmp_path):
    resources = packagedata.resources()
    shop = SandboxShop(version, orders=12)
    heard = Heard()
    with shop.serve() as server:
        mirror = new_mirror(tmp_path, resources)
        client = ShopClient(server.url, shop.full_key)

        def zone():
            name = mirror.lookups.configuration(SHOP, "PS_TIMEZONE")
            return ZoneInfo(name) if name else None

        pull = Pull(
            client,
            mirror.rows,
            heard,
            RealClock(),
            shop_name=SHOP,
            resources=resources,
            info=client.probe,
            zone=zone,
            page_size=25,
        )
        report = pull.run()
        again = pull.run()
        client.close()
        for resource in resources:
            if resource.name in shop.world.resources and not resource.only:
                assert mirror.rows.count(SHOP, resource.table) == shop.count(resource.name), resource.name
        lines = mirror.rows.count(SHOP, "order_rows")
        mirror.close()
    assert report.errors == again.errors == []
    assert report.broken == 0
    assert (again.new, again.changed) == (0, 0)
    assert lines > 12
    left_out = {name for name, mine in report.resources.items() if mine.skipped}
    assert left_out == {"9.0.0": set(), "1.6.1.24": {"messages", "order_returns"}}.get(version, {"order_returns"})

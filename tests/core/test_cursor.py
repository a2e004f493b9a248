"""The pull's cursors: nothing is skipped, whatever the shop does between two questions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.core.cursor import (
    FIRST_DATE,
    ID_WINDOW,
    LAST_DATE,
    Cursor,
    Moment,
    NoProgressError,
    Seen,
    ask,
    begin,
    covered,
    tell,
    to_come,
)
from connector.core.mapping import parse
from tests.support.simshop import SimShop

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 6, 15, 10, tzinfo=UTC)
ROWS = parse('pull = "delta"\n[fields]\ntext = "text"\ndate_upd = "datetime"\n', "orders.toml")
AUTUMN = datetime(2026, 10, 25, 0, 20, tzinfo=UTC)  # 02:20 in Paris, forty minutes before the clock goes back


class Reader:
    """Drives the state machine against a simulated shop and remembers the last version read of each row."""

    def __init__(self, shop: SimShop, kind: str, limit: int, zone: ZoneInfo | None = PARIS) -> None:
        self.shop, self.kind, self.limit, self.zone = shop, kind, limit, zone
        self.stored: Cursor | None = None
        self.read: dict[int, object] = {}
        self.dies = lambda: False

    def moment(self) -> Moment:
        return Moment(self.shop.at, self.zone)

    def cycle(self) -> bool:
        """One cycle; False when it was killed under way."""
        cursor = begin(self.kind, self.stored, self.moment())
        while True:
            question = ask(cursor, self.limit)
            if question is None:
                if not cursor.get("again"):
                    return True
                cursor = begin(self.kind, self.stored, self.moment())
                continue
            if self.dies():
                return False
            page = self.shop.read(ROWS, question)
            if self.dies():
                return False
            seen = [Seen(row["id"], row.get("date_upd")) for row in page.records]
            cursor = tell(cursor, seen, page.full, self.moment())
            for row in page.records:
                if "text" in row:
                    self.read[row["id"]] = row["text"]
            self.stored = json.loads(json.dumps(cursor))

    def complete(self) -> bool:
        return self.read == {row_id: row["text"] for row_id, row in self.shop.tables.get("orders", {}).items()}


def shop_with(rows: int, *, at: datetime = NOON, spread: float = 60) -> SimShop:
    shop = SimShop(at - timedelta(seconds=rows * spread))
    for row_id in range(1, rows + 1):
        shop.put("orders", row_id, text=f"first {row_id}")
        shop.pass_time(spread)
    return shop


def questions_of(shop: SimShop, reader: Reader) -> int:
    before = len(shop.questions)
    reader.cycle()
    return len(shop.questions) - before


def test_the_first_pull_goes_by_id_and_notes_the_newest_change_before():
    shop = shop_with(25)
    reader = Reader(shop, "delta", 10)
    assert reader.cycle()
    assert reader.complete()
    asked = [query for _, query in shop.questions]
    assert asked[0].newest_first
    assert asked[0].limit == 1
    assert [query.sort for query in asked[1:4]] == [("id",)] * 3
    assert reader.stored["upto"] == shop.tables["orders"][25]["date_upd"]


def test_an_idle_cycle_is_one_question():
    for kind in ("delta", "id"):
        shop = shop_with(40)
        reader = Reader(shop, kind, 25)
        reader.cycle()
        assert [questions_of(shop, reader) for _ in range(3)] == [1, 1, 1]


def test_an_empty_shop_is_one_question_too_once_it_is_known():
    for kind in ("delta", "id"):
        shop = SimShop(NOON)
        reader = Reader(shop, kind, 25)
        reader.cycle()
        assert questions_of(shop, reader) == 1
        shop.put("orders", 1, text="first order ever")
        reader.cycle()
        assert reader.complete()


def test_a_thousand_rows_in_one_second_are_all_read():
    shop = shop_with(50)
    reader = Reader(shop, "delta", 7)
    reader.cycle()
    shop.pass_time(3600)
    for row_id in range(30, 1030):
        shop.put("orders", row_id, text="import")
    assert reader.cycle()
    assert reader.complete()


def test_a_second_that_is_cut_by_a_page_is_finished_by_id():
    shop = shop_with(5)
    reader = Reader(shop, "delta", 10)
    reader.cycle()
    shop.pass_time(3600)
    for row_id in range(1, 36):
        shop.put("orders", row_id, text="import")
    shop.questions.clear()
    reader.cycle()
    finishing = [{f.field: f for f in query.filters} for _, query in shop.questions if len(query.filters) == 2]
    assert finishing
    for filters in finishing:
        assert filters["id"].op == "gt"
        assert filters["date_upd"].values[0] == filters["date_upd"].values[1]
    assert reader.complete()


def test_rows_that_change_while_a_long_delta_is_read_are_read_again():
    shop = shop_with(60)
    reader = Reader(shop, "delta", 5)
    reader.cycle()
    shop.pass_time(86400)
    for row_id in range(1, 61):
        shop.put("orders", row_id, text="changed")
        shop.pass_time(30)
    dice = Random(1)

    def busy(resource, query):
        shop.pass_time(1)
        shop.put("orders", dice.randint(1, 60), text=f"busy {len(shop.questions)}")

    shop.before_answer = busy
    assert reader.cycle()
    shop.before_answer = lambda resource, query: None
    assert reader.cycle()
    assert reader.complete()


def test_a_row_that_changes_between_list_and_rendering_hides_no_other():
    shop = shop_with(10)
    reader = Reader(shop, "delta", 5)
    reader.cycle()
    shop.pass_time(7 * 86400)
    for row_id in range(1, 11):
        shop.put("orders", row_id, text="changed")
        shop.pass_time(3600)

    def last_one_changes(resource, ids):
        if len(ids) == 5:
            shop.put("orders", ids[-1], text=f"once more {len(shop.questions)}")
            shop.while_rendering = lambda resource, ids: None

    for _ in range(4):
        shop.while_rendering = last_one_changes
        reader.cycle()
    shop.while_rendering = lambda resource, ids: None
    reader.cycle()
    assert reader.complete()


def test_the_hour_that_comes_twice_loses_nothing():
    shop = shop_with(20, at=AUTUMN)
    reader = Reader(shop, "delta", 50)
    for minute in range(180):
        shop.pass_time(60)
        shop.put("orders", 1 + minute % 20, text=f"at {minute}")
        reader.cycle()
        assert reader.complete(), f"lost at minute {minute}"


def test_a_cursor_left_alone_over_the_clock_change_loses_nothing():
    shop = shop_with(20, at=datetime(2026, 10, 25, 0, 59, 58, tzinfo=UTC))  # 02:59:58, the first time
    reader = Reader(shop, "delta", 50)
    reader.cycle()
    shop.pass_time(10)  # 02:00:08, the second time
    shop.put("orders", 7, text="in the second 02:00")
    shop.pass_time(5 * 86400)
    reader.cycle()
    assert reader.complete()


def test_without_a_zone_the_overlap_is_two_hours():
    shop = shop_with(20, at=AUTUMN)
    reader = Reader(shop, "delta", 50, zone=None)
    reader.cycle()
    assert begin("delta", reader.stored, reader.moment())["lo"] == "2026-10-25 00:19:00"


def test_when_the_zone_becomes_known_everything_is_read_once_more():
    shop = shop_with(30, spread=3600)
    for kind in ("delta", "id"):
        reader = Reader(shop, kind, 50, zone=None)
        reader.cycle()
        reader.read.clear()
        reader.zone = PARIS
        reader.cycle()
        assert reader.complete()
        reader.zone = None  # the key lost the right to read the setting: no reason to begin anew
        reader.read.clear()
        shop.pass_time(86400)
        reader.cycle()
        assert not reader.complete()


def test_a_shop_that_moves_to_another_zone_loses_nothing():
    shop = shop_with(30, spread=1)
    reader = Reader(shop, "delta", 50)
    reader.cycle()
    shop.zone = reader.zone = ZoneInfo("America/New_York")  # six hours back
    for minute in range(500):
        shop.pass_time(60)
        shop.put("orders", 1 + minute % 30, text=f"moved {minute}")
        reader.cycle()
        assert reader.complete(), f"lost at minute {minute}"


def test_a_row_from_the_year_2999_does_not_carry_the_cursor_away():
    shop = shop_with(30)
    shop.put("orders", 5, text="import", date_upd="2999-01-01 00:00:00")
    reader = Reader(shop, "delta", 10)
    reader.cycle()
    for step in range(5):
        shop.pass_time(600)
        shop.put("orders", 10 + step, text=f"real {step}")
        reader.cycle()
        assert reader.complete()
        assert reader.stored["upto"] < "2027"


def test_many_rows_from_the_year_2999_are_looked_through_once_a_day_only():
    shop = shop_with(30)
    for row_id in range(100, 200):
        shop.put("orders", row_id, text="import", date_upd="2999-01-01 00:00:00")
    reader = Reader(shop, "delta", 10)
    reader.cycle()
    shop.pass_time(86400)
    reader.cycle()
    assert reader.complete()
    shop.pass_time(600)
    assert questions_of(shop, reader) == 1
    shop.put("orders", 150, text="changed", date_upd="2999-06-01 00:00:00")
    shop.pass_time(2 * 86400)
    reader.cycle()
    assert reader.complete()


def test_what_the_next_cycle_leaves_out_is_not_to_come():
    moment = Moment(NOON, PARIS)
    cursor = {"kind": "delta", "phase": "idle", "zone": "Europe/Paris", "upto": "2026-06-15 11:00:00"}
    far, soon = "2999-01-01 00:00:00", "2026-06-15 11:30:00"
    assert [to_come(cursor, date, moment) for date in ("2026-06-15 11:00:00", soon, far)] == [False, True, True]
    rested = {**cursor, "strays": "2026-06-15 11:55:00"}
    assert [to_come(rested, date, moment) for date in (soon, far)] == [True, False]
    later = Moment(NOON + timedelta(days=2), PARIS)
    assert to_come(rested, far, later)
    assert not to_come({"kind": "id", "phase": "idle", "zone": "", "last": 3}, far, moment)


def test_a_cursor_from_the_year_2999_is_given_up_for_a_new_first_pull():
    shop = shop_with(30)
    reader = Reader(shop, "delta", 10)
    reader.cycle()
    reader.stored["upto"] = "2999-01-01 00:00:00"
    shop.put("orders", 3, text="would be missed")
    reader.cycle()
    assert reader.complete()
    assert reader.stored["upto"] < "2027"


def test_our_own_clock_may_be_slow_without_loss():
    shop = shop_with(30)
    reader = Reader(shop, "delta", 10)
    reader.moment = lambda: Moment(shop.at - timedelta(days=40), PARIS)
    for step in range(4):
        shop.pass_time(86400)
        shop.put("orders", 1 + step, text=f"step {step}")
        reader.cycle()
        assert reader.complete()


def test_id_cursors_read_a_few_ids_again_for_rows_that_became_visible_late():
    shop = shop_with(30)
    shop.put("orders", 31, text="late", visible_in=30)
    shop.put("orders", 32, text="early")
    reader = Reader(shop, "id", 10)
    reader.cycle()
    shop.pass_time(60)
    reader.cycle()
    assert reader.complete()


def test_an_id_cursor_finds_its_way_back_after_the_shop_lost_rows():
    shop = shop_with(100)
    reader = Reader(shop, "id", 30)
    reader.cycle()
    for row_id in range(51, 101):
        del shop.tables["orders"][row_id]
    reader.cycle()
    for row_id in range(51, 60):
        shop.put("orders", row_id, text="new life")
    reader.cycle()
    assert {row_id: reader.read[row_id] for row_id in shop.tables["orders"]} == {
        row_id: row["text"] for row_id, row in shop.tables["orders"].items()
    }


def test_a_snapshot_is_read_again_when_it_is_old_enough():
    shop = shop_with(25)
    reader = Reader(shop, "snapshot", 10)
    reader.cycle()
    assert reader.complete()
    now = reader.moment()
    assert ask(begin("snapshot", reader.stored, now, timedelta(hours=1)), 10) is None
    assert ask(begin("snapshot", reader.stored, now), 10) is not None
    shop.pass_time(3601)
    assert ask(begin("snapshot", reader.stored, reader.moment(), timedelta(hours=1)), 10) is not None
    shop.pass_time(-7200)  # our clock was set back: a snapshot from the future proves nothing
    assert ask(begin("snapshot", reader.stored, reader.moment(), timedelta(hours=1)), 10) is not None


def test_dates_at_the_ends_of_the_calendar_break_nothing():
    shop = shop_with(12)
    for row_id, date in enumerate([LAST_DATE] * 8 + [FIRST_DATE, "9999-12-30 00:00:00"], 20):
        shop.put("orders", row_id, text="odd", date_upd=date)
    reader = Reader(shop, "delta", 3)
    reader.cycle()
    shop.pass_time(60)
    shop.put("orders", 1, text="changed")
    reader.cycle()
    assert reader.complete()


def test_full_pages_without_any_place_are_given_up():
    cursor = begin("id", None, Moment(NOON, PARIS))
    for _ in range(3):
        cursor = tell(cursor, [], True, Moment(NOON, PARIS))
    with pytest.raises(NoProgressError):
        tell(cursor, [], True, Moment(NOON, PARIS))


def test_a_second_answer_fills_the_gaps_of_a_page_up_to_the_first_contradiction():
    page = [Seen(1, "a"), Seen(3, "c"), Seen(5, "e")]
    whole = [Seen(1, "a"), Seen(2, "b"), Seen(3, "c"), Seen(4, "d"), Seen(5, "e")]
    assert covered(page, 2, whole) == whole
    assert covered(page, 1, whole) == whole[:3]
    assert covered(page, 2, [Seen(1, "a"), Seen(3, "later"), Seen(5, "e")]) == [Seen(1, "a")]
    assert covered([Seen(1)], 0, [Seen(1, "a"), Seen(2, "b")]) == [Seen(1, "a")]


# --- the promise, with dice ---------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start=st.sampled_from([NOON, AUTUMN, datetime(2026, 3, 29, 0, 40, tzinfo=UTC)]),
    limit=st.integers(2, 12),
    kind=st.sampled_from(["delta", "delta", "id"]),
    known_zone=st.booleans(),
    rush=st.booleans(),
)
@example(seed=0, start=AUTUMN, limit=2, kind="delta", known_zone=True, rush=True)
def test_every_rows_last_version_is_read_whatever_happens(seed, start, limit, kind, known_zone, rush):
    dice = Random(seed)
    shop = shop_with(dice.randint(0, 30), at=start, spread=dice.choice([0, 1, 600]))
    reader = Reader(shop, kind, limit, PARIS if known_zone else None)
    steady = False

    def something_happens(resource, query):
        shop.pass_time(dice.choice([0, 0, 1, 5, 40] if rush else [0, 1, 60, 900, 7200]))
        if steady or dice.random() < 0.4:
            return
        top = max(shop.tables.get("orders", {0: {}}), default=0)
        late = dice.choice([0, 0, 0, 20, 60])
        match dice.randint(0, 3):
            case 0:
                # ids are given out in order; a row that shows up late is still near the newest then
                shop.put("orders", top + 1, text=f"new {dice.random()}", visible_in=late if kind == "delta" else 0)
            case 1 if top and kind == "delta":
                shop.put("orders", dice.randint(1, top), text=f"changed {dice.random()}", visible_in=late)
            case 2 if kind == "delta":
                for row_id in range(max(1, top - dice.randint(0, 15)), top + dice.randint(0, 25)):
                    shop.put("orders", row_id, text=f"import {dice.random()}")
            case 3:
                for row_id in range(top + 1, top + dice.randint(1, 8)):
                    shop.put("orders", row_id, text=f"burst {dice.random()}")

    def torn(resource, ids):
        if kind == "delta" and ids and not steady and dice.random() < 0.2:
            shop.put("orders", dice.choice(ids), text=f"torn {dice.random()}")

    shop.before_answer, shop.while_rendering = something_happens, torn
    reader.dies = lambda: dice.random() < 0.1
    highest = ""
    for _ in range(dice.randint(1, 12)):
        reader.cycle()
        upto = (reader.stored or {}).get("upto", "")
        assert upto >= highest, "the cursor went back"
        highest = upto
        shop.pass_time(dice.choice([1, 30, 600]))

    steady = True
    reader.dies = lambda: False
    shop.pass_time(60)  # what was still to become visible does so now
    for _ in range(2):  # a cycle that was interrupted long ago may end in the first
        assert reader.cycle()
    missing = {
        row_id: (row, reader.read.get(row_id), reader.stored)
        for row_id, row in shop.tables.get("orders", {}).items()
        if reader.read.get(row_id) != row["text"]
    }
    assert not missing


def test_each_page_of_ids_overlaps_the_one_before_it():
    """A row that becomes visible between the two is at most the window behind; a page is larger, so it goes on."""
    moment = Moment(NOON, PARIS)
    cursor = {"kind": "id", "phase": "read", "zone": "Europe/Paris", "last": 100, "at": 80}
    after = tell(cursor, [Seen(number) for number in range(81, 111)], True, moment)
    assert (after["at"], after["last"]) == (110 - ID_WINDOW, 110)
    assert ask(cursor, 2).limit > ID_WINDOW

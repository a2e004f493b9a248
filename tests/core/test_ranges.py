"""Reading by ranges, several at once: the mirror equals the shop in the end, whatever the shop does meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core import ranges
from connector.core.cursor import ID_WINDOW, Seen, ask, begin, tell
from connector.core.ranges import SMALLEST_PAGE, PageSizes, Range, cut, expected, is_large
from tests.core.test_cursor import AUTUMN, NOON, ROWS, Reader, shop_with
from tests.support.simshop import SimShop


class WideReader(Reader):
    """Has several ranges in flight; the shop answers them in any order, they are kept in the order of their ids."""

    def __init__(self, shop: SimShop, kind: str, limit: int, dice: Random, in_flight: int = 3) -> None:
        super().__init__(shop, kind, limit)
        self.dice, self.in_flight = dice, in_flight
        self.surveys = 0

    def cycle(self) -> bool:
        large = self.kind != "snapshot" and is_large(self.stored)
        cursor = begin(self.kind, self.stored, self.moment())
        while True:
            if self.dies():
                return False
            if large and ranges.after(cursor) is not None:
                kept = self._by_ranges(cursor)
                if kept is None:
                    return False
                cursor, large = kept, False
                continue
            question = ask(cursor, self.limit)
            if question is None:
                if not cursor.get("again"):
                    return True
                cursor = begin(self.kind, self.stored, self.moment())
                continue
            page = self.shop.read(ROWS, question)
            large = large or page.full
            cursor = tell(cursor, [Seen(r["id"], r.get("date_upd")) for r in page.records], page.full, self.moment())
            self._keep(page.records, cursor)

    def _by_ranges(self, cursor):
        behind, found = ranges.after(cursor), None
        todo, out = [], []
        while True:
            if not todo and (found is None or found.more):
                self.surveys += 1
                found = cut(behind, self.shop.ids("orders", ranges.survey(behind, self.limit)), self.limit)
                todo = list(found.ranges)
                behind = todo[-1].last if todo else behind
            while todo and len(out) < self.in_flight:
                out.append([todo.pop(0), None])
            if not out:
                return cursor
            while out[0][1] is None:
                if self.dies():
                    return None
                one = self.dice.choice([one for one in out if one[1] is None])
                one[1] = self.shop.read(ROWS, one[0].question)
            part, page = out.pop(0)
            if page.full:
                cursor = tell(cursor, [Seen(r["id"], r.get("date_upd")) for r in page.records], True, self.moment())
                self._keep(page.records, cursor)
                behind, found, todo, out = ranges.after(cursor), None, [], []
            else:
                cursor = ranges.reached(cursor, part.last)
                self._keep(page.records, cursor)

    def _keep(self, records, cursor):
        self.read.update({row["id"]: row["text"] for row in records if "text" in row})
        self.stored = json.loads(json.dumps(cursor))


# --- cutting --------------------------------------------------------------------------------------------------------


@given(
    st.sets(st.integers(1, 5000), max_size=400),
    st.integers(0, 200),
    st.integers(1, 60),
)
def test_ranges_are_contiguous_and_hold_exactly_the_ids_that_were_counted(ids, behind, size):
    asked = sorted(row_id for row_id in ids if row_id > behind)[: ranges.survey(behind, size).limit]
    found = cut(behind, asked, size)
    ends = [behind, *(part.last for part in found.ranges)]
    assert [part.first for part in found.ranges] == [end + 1 for end in ends[:-1]]
    for part in found.ranges:
        assert 0 < part.rows == sum(part.first <= row_id <= part.last for row_id in asked) <= size
    assert found.left == sum(row_id > ends[-1] for row_id in asked)
    assert found.rows == len(asked)
    assert found.more == (len(asked) == ranges.survey(behind, size).limit)


def test_the_newest_ids_are_left_to_the_ordinary_questions():
    assert cut(0, range(1, 1011), 500) == ranges.Survey((Range(1, 500, 500), Range(501, 990, 490)), False, 20)
    assert cut(0, range(1, 1401), 500).ranges[-1].last == 1000
    assert cut(0, range(1, ID_WINDOW + 1), 5).ranges == ()
    everything = cut(0, range(1, 5021), 500)
    assert (everything.more, everything.ranges[-1].last, everything.left) == (True, 5000, 20)


def test_a_range_names_both_its_ends_and_no_offset():
    question = Range(501, 990, 490).question
    assert question.filters[0].values == ("501", "990")
    assert question.filters[0].op == "between"
    assert question.limit > 490


def test_only_a_reading_that_has_not_come_to_its_end_is_large_from_the_start():
    assert is_large(None)
    shop = shop_with(60)
    reader = Reader(shop, "id", 10)
    reader.dies = lambda: len(shop.questions) > 3
    reader.cycle()
    assert is_large(reader.stored)
    reader.dies = lambda: False
    reader.cycle()
    assert not is_large(reader.stored)


def test_what_is_expected_follows_the_gaps_seen_so_far():
    assert expected(0, cut(0, range(1, 300), 100), 0) == 299
    dense = cut(0, range(1, 1021), 100)
    assert expected(0, dense, 50_000) == 50_000
    sparse = cut(0, range(2, 2042, 2), 100)
    assert expected(0, sparse, 50_000) == 25_000
    assert expected(0, sparse, 3) == 1020  # the highest id was asked for before: never fewer than were counted


# --- the size of a page ---------------------------------------------------------------------------------------------


def test_a_page_that_was_too_large_makes_the_next_smaller_until_there_is_no_smaller_one():
    sizes = PageSizes(1000)
    tried = []
    while sizes.too_large("orders", sizes.of("orders")):
        tried.append(sizes.of("orders"))
    assert tried == [250, 62, SMALLEST_PAGE]
    assert sizes.of("customers") == 1000


def test_good_pages_make_them_larger_again_but_not_as_large_as_what_failed_in_this_run():
    sizes = PageSizes(1000)
    sizes.too_large("orders", 1000)
    for _ in range(100):
        sizes.served("orders")
    assert sizes.of("orders") == 500
    sizes.renew()
    for _ in range(100):
        sizes.served("orders")
    assert sizes.of("orders") == 1000


# --- the promise, with dice -----------------------------------------------------------------------------------------


def test_a_first_pull_of_many_rows_needs_few_more_questions_than_pages():
    shop = shop_with(1000)
    reader = WideReader(shop, "delta", 25, Random(1))
    assert reader.cycle()
    assert reader.complete()
    assert reader.surveys == 4
    assert len(shop.questions) <= 1000 / 25 + 4 + 4
    before = len(shop.questions)
    reader.cycle()
    assert len(shop.questions) == before + 1


def test_an_import_into_the_gaps_of_a_range_is_cut_off_and_read_on():
    shop = SimShop(NOON - timedelta(hours=1))
    for row_id in [*range(1, 31), *range(10_000, 10_100)]:
        shop.put("orders", row_id, text=f"first {row_id}")
    reader = WideReader(shop, "delta", 20, Random(1))

    def imported(resource, query):
        if query.filters and query.filters[0].op == "between":
            for row_id in range(100, 400):
                shop.put("orders", row_id, text="import")

    shop.before_answer = imported
    assert reader.cycle()
    assert reader.complete()
    asked = [query.limit for _, query in shop.questions if not query.display and query.limit < 100]
    assert max(asked) <= 40


@pytest.mark.parametrize("rows", [100, 120, 129])
def test_a_row_that_becomes_visible_late_is_read_though_many_newer_ones_came_meanwhile(rows):
    shop = shop_with(rows)
    late = shop.tables["orders"].pop(rows - 2)
    reader = WideReader(shop, "id", 10, Random(1))

    def rush(resource, query):
        if query.filters[0].op == "gt" and query.limit == 10:  # the ordinary questions have begun
            shop.tables["orders"].setdefault(rows - 2, late)
            if max(shop.tables["orders"]) < rows + 60:
                for row_id in range(rows + 1, rows + 61):
                    shop.put("orders", row_id, text="burst")

    shop.before_answer = rush
    assert reader.cycle()
    assert reader.complete()


@pytest.mark.parametrize("kind", ["delta", "id"])
def test_a_reading_that_died_goes_on_with_what_is_missing(kind):
    shop = shop_with(300)
    reader = WideReader(shop, kind, 20, Random(5))
    reader.dies = lambda: len(shop.questions) == 9
    assert not reader.cycle()
    kept = len(reader.read)
    assert 0 < kept < 300
    reader.dies = lambda: False
    shop.questions.clear()
    brought = []
    shop.while_rendering = lambda resource, ids: brought.extend(ids)
    assert reader.cycle()
    assert reader.complete()
    assert len(brought) <= 300 - kept + ID_WINDOW


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start=st.sampled_from([NOON, AUTUMN, datetime(2026, 3, 29, 0, 40, tzinfo=UTC)]),
    limit=st.integers(2, 12),
    kind=st.sampled_from(["delta", "id"]),
    in_flight=st.integers(1, 5),
    rows=st.integers(0, 120),
)
def test_every_rows_last_version_is_read_with_several_questions_in_flight(seed, start, limit, kind, in_flight, rows):
    dice = Random(seed)
    shop = shop_with(0, at=start)
    ids = sorted(dice.sample(range(1, rows * dice.choice([1, 1, 3]) + 1), rows))
    for row_id in ids:
        shop.put("orders", row_id, text=f"first {row_id}")
        shop.pass_time(dice.choice([0, 1]))
    reader = WideReader(shop, kind, limit, dice, in_flight)
    steady = False
    top = max(ids, default=0)
    late: list[tuple[int, str]] = []

    def commits(all_of_them: bool = False) -> None:
        """Late rows become visible: before so many newer ones as the window has."""
        for one in list(late):
            if all_of_them or one[0] <= top - ID_WINDOW + 8 or dice.random() < 0.3:
                late.remove(one)
                shop.put("orders", one[0], text=one[1])

    def something_happens(resource, query):
        nonlocal top
        shop.pass_time(dice.choice([0, 0, 1, 5]))
        commits(steady)
        if steady or dice.random() < 0.5:
            return
        table = shop.tables.get("orders", {})
        match dice.randint(0, 4):
            case 0:
                top += 1
                late.append((top, f"late {dice.random()}"))
            case 1:
                for _ in range(dice.randint(1, 6)):
                    top += 1
                    shop.put("orders", top, text=f"burst {dice.random()}")
            case 2 if table and kind == "delta":
                shop.put("orders", dice.choice(list(table)), text=f"changed {dice.random()}")
            case 3 if table:
                del table[dice.choice(list(table))]
            case 4 if kind == "delta":
                low = dice.randint(1, max(1, top))  # an import fills gaps, with the date of now
                for row_id in range(low, min(low + dice.randint(1, 40), top + 1)):
                    if row_id not in {one for one, _ in late}:
                        shop.put("orders", row_id, text=f"import {dice.random()}")

    def torn(resource, ids):
        if kind == "delta" and ids and not steady and dice.random() < 0.2:
            shop.put("orders", dice.choice(ids), text=f"torn {dice.random()}")

    shop.before_answer, shop.while_rendering = something_happens, torn
    reader.dies = lambda: dice.random() < 0.03
    for _ in range(dice.randint(1, 6)):
        reader.cycle()
        shop.pass_time(dice.choice([1, 30]))

    steady = True
    reader.dies = lambda: False
    commits(all_of_them=True)
    shop.pass_time(1)
    for _ in range(2):
        assert reader.cycle()
    missing = {
        row_id: (row, reader.read.get(row_id), reader.stored)
        for row_id, row in shop.tables.get("orders", {}).items()
        if reader.read.get(row_id) != row["text"]
    }
    assert not missing

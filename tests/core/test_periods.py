"""Periods: what a person writes, what lies before it, and its moments when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core import periods
from connector.errors import DataError

DAYS = st.dates(date(1971, 1, 1), date(2100, 12, 31))
ZONES = ("Europe/Paris", "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe", "America/New_York", "UTC")


def forms(day: date) -> list[str]:
    year, week, _ = day.isocalendar()
    return [f"{day:%Y-%m}", f"{day:%Y}", f"{year:04d}-W{week:02d}", f"{day}..{day + timedelta(days=9)}"]


@settings(deadline=None)
@given(DAYS)
def test_every_form_holds_the_day_that_it_was_made_of_and_is_read_back(day):
    for form in forms(day):
        period = periods.parse(form)
        assert period.first <= day < period.end
        assert periods.parse(period.label) == period


@settings(deadline=None)
@given(DAYS, st.integers(1, 800))
def test_the_period_before_ends_where_the_period_begins_and_is_of_the_same_sort(day, number):
    for period in (*map(periods.parse, forms(day)), periods.last_days(day, number)):
        before = period.before()
        assert before.end == period.first
        assert before.span == period.span
        if period.span in ("week", "days"):
            assert before.days == period.days
        else:
            assert before.first.day == 1
            assert before.first.month == (1 if period.span == "year" else before.last.month)


@settings(deadline=None)
@given(DAYS)
def test_a_week_is_the_calendar_s(day):
    year, week, _ = day.isocalendar()
    period = periods.parse(f"{year:04d}-W{week:02d}")
    assert (period.first.isoweekday(), period.days) == (1, 7)
    assert {(period.first + timedelta(days=n)).isocalendar()[:2] for n in range(7)} == {(year, week)}


@settings(deadline=None)
@given(DAYS, st.sampled_from(ZONES))
def test_periods_that_follow_each_other_leave_no_gap_whatever_the_clock_does(day, zone):
    of = ZoneInfo(zone)
    for form in forms(day):
        period = periods.parse(form)
        first, end = period.in_utc(of)
        assert period.before().in_utc(of)[1] == first
        assert abs((end - first) - timedelta(days=period.days)) <= timedelta(hours=1)
        for moment in (first, end - timedelta(seconds=1)):
            assert period.first <= moment.astimezone(of).date() < period.end


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-10", date(2026, 10, 1), date(2026, 10, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026-w53", date(2026, 12, 28), date(2027, 1, 3)),
        (" 2026-10-05..2026-10-18 ", date(2026, 10, 5), date(2026, 10, 18)),
    ],
)
def test_what_a_person_writes(text, first, last):
    period = periods.parse(text)
    assert (period.first, period.last) == (first, last)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2026-01", "2025-12"),
        ("2026-03", "2026-02"),
        ("2026-W01", "2025-W52"),
        ("2027-W01", "2026-W53"),
        ("2024", "2023"),
        ("2026-10-05..2026-10-18", "2026-09-21..2026-10-04"),
    ],
)
def test_what_lies_before(text, before):
    assert periods.parse(text).before().label == before


@pytest.mark.parametrize(
    "text",
    ["", "2026-13", "2026-00", "26-10", "2025-W53", "2026-W00", "2026-10-18..2026-10-05", "2026-02-30..2026-03-01",
     "0001", "9999-12", "1969", "2026-10-05", "yesterday", "٢٠٢٦", "2026-10..2026-11", "2026-10-01..9999-12-31",
     "1970-01-01..9990-12-31"],
)  # fmt: skip
def test_what_is_no_period_is_told(text):
    with pytest.raises(DataError) as told:
        periods.parse(text)
    assert told.value.code == "figures.period"


def test_a_day_that_begins_twice_begins_the_first_time_and_one_that_begins_late_at_the_change():
    havana = ZoneInfo("America/Havana")  # falls back at 01:00 to 00:00, springs forward at 00:00 to 01:00
    twice, late = periods.parse("2024-11-03..2024-11-03"), periods.parse("2024-03-10..2024-03-10")
    assert twice.in_utc(havana) == (datetime(2024, 11, 3, 4, tzinfo=UTC), datetime(2024, 11, 4, 5, tzinfo=UTC))
    assert late.in_utc(havana) == (datetime(2024, 3, 10, 5, tzinfo=UTC), datetime(2024, 3, 11, 4, tzinfo=UTC))

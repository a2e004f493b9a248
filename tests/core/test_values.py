"""Single values: the same whatever dress they come in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.mapping import Field
from connector.core.values import (
    BadValueError,
    to_bool,
    to_date,
    to_decimal,
    to_int,
    to_local,
    to_ref,
    to_text,
    to_utc,
    value_of,
)

PARIS = ZoneInfo("Europe/Paris")


def test_single_values():
    assert [to_int(v) for v in ("12", 12, "-3", "+4", 5.0, "", None)] == [12, 12, -3, 4, 5, None, None]
    assert [to_ref(v) for v in ("12", "0", 0, "", None)] == [12, None, None, None, None]
    assert [to_bool(v) for v in ("1", 1, True, "0", 0, "", None, False)] == [True] * 3 + [False] * 5
    assert to_decimal("0.1234565") == Decimal("0.123456")
    assert str(to_decimal("-0.0000001")) == "0.000000"
    assert str(to_decimal("1E+3")) == "1000.000000"
    assert to_date("2026-06-15 12:00:00") == date(2026, 6, 15)
    assert [to_date(v) for v in ("0000-00-00", "1980-00-00", "1980-05-00", "")] == [None] * 4
    assert to_local("2026-06-15") == "2026-06-15 00:00:00"
    assert to_local("2026-06-15 12:00:00.123") == "2026-06-15 12:00:00"
    assert [to_local(v) for v in ("0000-00-00 00:00:00", "2026-00-10 00:00:00", None)] == [None] * 3
    assert [to_text(v) for v in (None, 5, 1.5, True, {2: "b", 1: "a"}, {})] == ["", "5", "1.5", "1", "a", ""]


def test_text_has_nothing_that_a_database_refuses():
    assert to_text("a\0b") == "ab"
    assert to_text("x\ud83dy") == "x\ufffdy"
    assert to_text("\ud83d\ude00") == "😀"
    assert to_text("vertical\x0btab") == "vertical\x0btab"


def test_an_hour_that_comes_twice_is_its_first():
    assert to_utc("2026-10-25 02:30:00", PARIS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert to_utc("2026-10-25 03:00:00", PARIS) == datetime(2026, 10, 25, 2, tzinfo=UTC)


def test_an_hour_that_never_was_is_counted_on_from_before():
    assert to_utc("2026-03-29 02:30:00", PARIS) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_times_beyond_the_calendar_have_no_utc():
    assert to_utc("9999-12-31 23:59:59", ZoneInfo("America/New_York")) is None
    assert to_utc("0001-01-01 00:00:00", ZoneInfo("Asia/Tokyo")) is None
    assert to_utc("2026-06-15 12:00:00", None) is None


def test_one_value_as_the_column_holds_it():
    assert value_of(Field("active", "bool"), "1") is True
    assert value_of(Field("id_contact", "ref"), "0") is None
    assert value_of(Field("date_add", "datetime"), "2026-06-15 12:00:00", PARIS) == datetime(
        2026, 6, 15, 10, tzinfo=UTC
    )
    with pytest.raises(BadValueError, match="total is no amount"):
        value_of(Field("total", "decimal"), "much")


@settings(max_examples=100, deadline=None)
@given(st.decimals(min_value=-(10**13), max_value=10**13, places=6))
def test_amounts_of_six_places_survive_exactly(amount):
    assert to_decimal(f"{amount:f}") == amount

"""Medians, percentiles and bands, against the standard library's own and against counting by hand."""

from __future__ import annotations

import math
import statistics
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.figures import Amounts, Band, Spread
from connector.core.spread import ages, amounts, money, numbers, percentile, share, spread

WHOLE = st.integers(-(10**15), 10**15)
SOME = st.lists(st.floats(0, 1e8), min_size=2, max_size=60)


@settings(deadline=None)
@given(SOME)
def test_a_spread_is_the_standard_library_s(values):
    found = spread(values)
    assert found.count == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.median == pytest.approx(statistics.median(values))
    assert found.p90 == pytest.approx(statistics.quantiles(values, n=10, method="inclusive")[8])


@settings(deadline=None)
@given(st.lists(WHOLE, min_size=1, max_size=40))
def test_amounts_are_exact_to_the_last_of_six_places(micros):
    found = amounts(micros)
    exact = [Fraction(one, 10**6) for one in micros]
    assert Fraction(found.total) == sum(exact)
    half = Fraction(1, 2 * 10**6)
    assert abs(Fraction(found.mean) - statistics.mean(exact)) <= half
    assert abs(Fraction(found.median) - statistics.median(exact)) <= half
    assert Fraction(found.median) <= Fraction(found.p90) <= max(exact)
    assert found.total.as_tuple().exponent == found.p90.as_tuple().exponent == -6


@settings(deadline=None)
@given(st.lists(WHOLE, min_size=1), st.integers(0, 100))
def test_a_percentile_lies_among_the_numbers_and_grows_with_them(values, percent):
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert ordered[0] <= found <= ordered[-1]
    assert percentile(ordered, 0) == ordered[0]
    assert percentile(ordered, 100) == ordered[-1]


def test_nothing_has_no_median():
    assert spread([]) == Spread()
    assert amounts([]) == Amounts()
    assert share(5, 0) is None


def test_one_number_is_all_of_them():
    assert spread([7]) == Spread(1, 7.0, 7.0, 7.0)
    assert amounts([1_500_000]).p90 == Decimal("1.500000")


def test_half_a_millionth_is_rounded_up():
    assert share(1, 2) == Decimal("0.000001")
    assert money(-1) == Decimal("-0.000001")


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e7), max_size=80), st.sets(st.integers(1, 10**7), min_size=1, max_size=6))
def test_every_age_is_in_one_band(values, ends):
    bands = ages(values, sorted(ends))
    assert [band.count for band in bands] == [
        sum(1 for value in values if (band.first or 0) <= value < (band.last or math.inf)) for band in bands
    ]
    assert sum(band.count for band in bands) == len(values)


@settings(deadline=None)
@given(st.lists(st.integers(0, 500), max_size=80), st.sets(st.integers(1, 400), min_size=1, max_size=6))
def test_every_number_is_in_one_band(values, lasts):
    bands = numbers(values, sorted(lasts))
    assert [band.count for band in bands] == [
        sum(1 for value in values if (band.first or 0) <= value <= (band.last or math.inf)) for band in bands
    ]
    assert sum(band.count for band in bands) == len(values)


def test_bands_name_their_bounds():
    assert numbers([1, 3, 9], (1, 2)) == [Band(None, 1, 1), Band(2, 2, 0), Band(3, None, 2)]
    assert ages([0, 60, 61], (60,)) == [Band(None, 60, 1), Band(60, None, 2)]

"""Median, percentiles and bands of numbers: the arithmetic that all figures share."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from connector.core.figures import Amounts, Band, Spread

MICROS = 1_000_000
"""Money is summed up as whole millionths, which neither floats nor the order of rows can change."""
_PLACES = Decimal("0.000001")


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Of ascending numbers, at least one; between two of them it is interpolated linearly."""
    place = (len(ordered) - 1) * percent
    below, rest = divmod(place, 100)
    if not rest:
        return ordered[below]
    return ordered[below] + (ordered[below + 1] - ordered[below]) * rest / 100


def spread(numbers: Iterable[float]) -> Spread:
    """Of numbers in any order."""
    ordered = sorted(numbers)
    if not ordered:
        return Spread()
    return Spread(
        len(ordered),
        sum(ordered) / len(ordered),
        float(percentile(ordered, 50)),
        float(percentile(ordered, 90)),
    )


def money(micros: int) -> Decimal:
    """Whole millionths as an amount."""
    return Decimal(micros).scaleb(-6).quantize(_PLACES)


def share(micros: int, of: int) -> Decimal | None:
    """An amount by a number, half a millionth rounded up; None by zero."""
    return (Decimal(micros).scaleb(-6) / of).quantize(_PLACES, ROUND_HALF_UP) if of else None


def amounts(micros: Iterable[int]) -> Amounts:
    """Of amounts in whole millionths, in any order."""
    ordered = sorted(micros)
    if not ordered:
        return Amounts()
    total = sum(ordered)
    return Amounts(len(ordered), money(total), share(total, len(ordered)), _point(ordered, 50), _point(ordered, 90))


def _point(ordered: Sequence[int], percent: int) -> Decimal:
    """A percentile of whole numbers, exactly."""
    below, rest = divmod((len(ordered) - 1) * percent, 100)
    step = (ordered[below + 1] - ordered[below]) * rest if rest else 0
    return ((Decimal(ordered[below]) + Decimal(step) / 100).scaleb(-6)).quantize(_PLACES, ROUND_HALF_UP)


def ages(seconds: Iterable[float], ends: Sequence[int]) -> list[Band]:
    """How many are younger than each end, and the rest: one band more than ends."""
    counts = [0] * (len(ends) + 1)
    for age in seconds:
        counts[bisect_right(ends, age)] += 1
    return [Band(first, last, count) for (first, last), count in zip(bounds(ends), counts, strict=True)]


def bounds(ends: Sequence[int]) -> list[tuple[int | None, int | None]]:
    """First and end of each band of ages."""
    return list(zip([None, *ends], [*ends, None], strict=True))


def numbers(values: Iterable[int], lasts: Sequence[int]) -> list[Band]:
    """How many are at most each of `lasts`, and the rest: bands of whole numbers."""
    counts = [0] * (len(lasts) + 1)
    for value in values:
        counts[bisect_left(lasts, value)] += 1
    firsts = [None, *(last + 1 for last in lasts)]
    return [Band(first, last, n) for first, last, n in zip(firsts, [*lasts, None], counts, strict=True)]

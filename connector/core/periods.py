"""Periods that figures are asked for: a month, a year, an ISO week, or days from one to another.

Days are the shop's own: a shop writes its moments as naive local text, and `first_local`/`end_local` compare with that
text as it stands, whatever its clock does in spring and autumn. What the mirror stamps itself is UTC: `in_utc`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from connector.errors import DataError

Span = Literal["month", "year", "week", "days"]
EARLIEST, LATEST = 1970, 9990  # years: what lies outside is a slip of the pen, and has no period before or after it

LONGEST = 36_600
"""Days."""

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_YEAR = re.compile(r"[0-9]{4}")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})", re.IGNORECASE)
_DAYS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Period:
    """first: the first day. end: the day after the last one. label: as a person writes it, and `parse` reads it."""

    span: Span
    first: date
    end: date
    label: str

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.first).days

    @property
    def first_local(self) -> str:
        """The first moment, as the shop writes it."""
        return f"{self.first.isoformat()} 00:00:00"

    @property
    def end_local(self) -> str:
        """The first moment after the period, as the shop writes it."""
        return f"{self.end.isoformat()} 00:00:00"

    def in_utc(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """From the first moment to the first one after it. A midnight that a clock change skips is the moment of the
        change, one that comes twice the first of the two; so periods that follow each other leave no gap."""
        return _midnight(self.first, zone), _midnight(self.end, zone)

    def before(self) -> Period:
        """The month before a month, the week before a week, the year before a year, as many days before days."""
        if self.span == "month":
            return month(self.last.year, self.last.month - 1) if self.last.month > 1 else month(self.first.year - 1, 12)
        if self.span == "year":
            return year(self.first.year - 1)
        if self.span == "week":
            return _week_of(self.first - timedelta(days=7))
        return days(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


def parse(text: str) -> Period:
    """`2026-10`, `2026`, `2026-W40` (ISO 8601: the week that has the year's first Thursday is its first) or
    `2026-10-05..2026-10-18`, both days included. Raises DataError `figures.period`."""
    text = text.strip()
    try:
        if found := _MONTH.fullmatch(text):
            period = month(int(found[1]), int(found[2]))
        elif _YEAR.fullmatch(text):
            period = year(int(text))
        elif found := _WEEK.fullmatch(text):
            period = _week_of(date.fromisocalendar(int(found[1]), int(found[2]), 1))
        elif found := _DAYS.fullmatch(text):
            period = days(date.fromisoformat(found[1]), date.fromisoformat(found[2]))
        else:
            raise ValueError(text)
    except (ValueError, OverflowError):
        raise DataError("figures.period", period=text[:60]) from None
    if period.first.year < EARLIEST or period.last.year > LATEST or period.days > LONGEST:
        raise DataError("figures.period", period=text[:60])
    return period


def month(of_year: int, number: int) -> Period:
    """Raises ValueError for one that no calendar has."""
    first = date(of_year, number, 1)
    end = date(of_year + number // 12, number % 12 + 1, 1)
    return Period("month", first, end, f"{of_year:04d}-{number:02d}")


def year(number: int) -> Period:
    return Period("year", date(number, 1, 1), date(number + 1, 1, 1), f"{number:04d}")


def days(first: date, last: date) -> Period:
    """Both included. Raises ValueError when the last is before the first."""
    if last < first:
        raise ValueError("a period that ends before it begins")
    return Period("days", first, last + timedelta(days=1), f"{first.isoformat()}..{last.isoformat()}")


def last_days(today: date, number: int) -> Period:
    """So many days up to today, which is included."""
    return days(today - timedelta(days=number - 1), today)


def last_whole(today: date, span: Literal["month", "week"]) -> Period:
    """The month or week before the one that today lies in."""
    if span == "month":
        return month(today.year, today.month).before()
    return _week_of(today - timedelta(days=today.weekday())).before()


def _week_of(monday: date) -> Period:
    of_year, number, _ = monday.isocalendar()
    return Period("week", monday, monday + timedelta(days=7), f"{of_year:04d}-W{number:02d}")


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)

"""The texts of a report in one language (`locales/*.toml`), and numbers, money, times and days as they are written
there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from importlib.resources import files

from connector.core.datafile import load
from connector.core.periods import Period
from connector.errors import SettingsError

try:
    from babel import Locale
    from babel.core import UnknownLocaleError
    from babel.dates import format_date, format_interval, format_skeleton, format_time, get_day_names
    from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent
    from babel.units import format_unit
except ModuleNotFoundError as error:
    raise SettingsError("report.library_missing", library=error.name or "babel") from error

FALLBACK = "en"
LONGEST_NAME = 120
"""Characters of a name that are shown; a shop takes 255."""
_HOUR, _DAY = 3600, 86_400
_MONDAY = date(2024, 1, 1)
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]+"
)


@cache
def catalogues() -> dict[str, Mapping[str, str]]:
    """Language -> key -> text; English first, and it has every key."""
    folder = files("connector.report").joinpath("locales")
    found = {
        entry.name.removesuffix(".toml"): load(entry.read_text(encoding="utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }
    return {FALLBACK: found[FALLBACK], **dict(sorted(found.items()))}


def known(language: str) -> str:
    """The language of a report for somebody who reads `language` (an ISO code, also with a region): English where there
    are no texts in it."""
    code = language.strip().lower().replace("-", "_").partition("_")[0]
    return code if code in catalogues() else FALLBACK


class Texts:
    """One language. zone: in which moments are told."""

    def __init__(self, language: str, zone: tzinfo | None = None) -> None:
        self.language = known(language)
        self.locale = Locale.parse(self.language)
        self.direction = self.locale.text_direction
        self._zone = zone or UTC
        self._texts = catalogues()[self.language]

    def __call__(self, key: str, **values: object) -> str:
        """The text with the values put in as they are; the page escapes both. Raises KeyError for an unknown key."""
        text = self._texts[key]
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def known(self, prefix: str, value: str) -> str:
        """The words for a value of ours (`status.open`); the value itself where there are none."""
        return self._texts.get(f"{prefix}.{value}") or plain(value)

    # --- numbers ------------------------------------------------------------------------------------------------------

    def number(self, value: float | Decimal | None) -> str:
        if value is None:
            return self("none")
        return str(format_decimal(round(value, 1) if isinstance(value, float) else value, locale=self.locale))

    def short(self, value: float) -> str:
        """For the axis of a plot: 1,500,000 as 1.5M."""
        if abs(value) < 10_000:
            return self.number(float(value))
        return str(format_compact_decimal(value, locale=self.locale, fraction_digits=1))

    def money(self, amount: Decimal | None, currency: str) -> str:
        """An amount in a currency by its ISO code, or alone where the mirror knows no currency."""
        if amount is None:
            return self("none")
        if currency:
            return str(format_currency(amount, currency, locale=self.locale))
        return str(format_decimal(amount, format="#,##0.00", locale=self.locale))

    def change(self, this: float | Decimal | None, before: float | Decimal | None) -> str:
        """By how much it is another than before: "+12 %"; "" where that cannot be told."""
        if this is None or not before:
            return ""
        part = round(Decimal(this) / Decimal(before) - 1, 2) + 0  # no minus before a nought
        sign = "+" if part > 0 else ""
        return sign + str(format_percent(part, format="#,##0%" if self.language in ("en", "ar") else None,
                                         locale=self.locale))  # fmt: skip

    def duration(self, seconds: float | None) -> str:
        """In minutes up to an hour and a half, in hours up to two days, else in days."""
        if seconds is None:
            return self("none")
        unit, each = ("minute", 60) if seconds < 1.5 * _HOUR else ("hour", _HOUR)
        unit, each = ("day", _DAY) if seconds >= 2 * _DAY else (unit, each)
        return self.unit(seconds / each, unit)

    def unit(self, value: float, unit: str) -> str:
        """A number of minutes, hours or days in words: "3 days"."""
        found = float(round(value, 1))
        whole = int(found) if found.is_integer() else found
        told = str(format_unit(whole, f"duration-{unit}", "long", locale=self.locale))
        if (
            "duration-" in told
        ):  # babel 2.18 has no long days in Italian and Arabic, where the short ones are whole words
            told = str(format_unit(whole, f"duration-{unit}", "short", locale=self.locale))
        return told

    # --- days ---------------------------------------------------------------------------------------------------------

    def period(self, period: Period) -> str:
        if period.span == "month":
            return str(format_skeleton("yMMMM", period.first, locale=self.locale))
        if period.span == "year":
            return f"{period.first.year:04d}"
        days = str(format_interval(period.first, period.last, "yMMMd", locale=self.locale))
        number, year = period.first.isocalendar()[1], period.first.isocalendar()[0]
        return self("week", number=number, year=year, days=days) if period.span == "week" else days

    def day(self, day: date) -> str:
        return str(format_date(day, "medium", locale=self.locale))

    def day_of_month(self, day: date) -> str:
        return str(format_skeleton("MMMd", day, locale=self.locale))

    def month(self, day: date) -> str:
        return str(format_skeleton("yMMM", day, locale=self.locale))

    def moment(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        time = str(format_time(local, "short", tzinfo=self._zone, locale=self.locale))
        return str(self.locale.datetime_formats["medium"]).format(time, self.day(local.date())).replace("'", "")

    def weekdays(self) -> list[str]:
        """From Monday on, short."""
        names = get_day_names("abbreviated", "stand-alone", self.locale)
        return [str(names[(_MONDAY + timedelta(days=number)).weekday()]) for number in range(7)]

    def name(self, code: str) -> str:
        """A language's name in that language; what is no code stays."""
        try:
            return (Locale.parse(code).get_display_name(self.locale) or plain(code)).capitalize()
        except (ValueError, UnknownLocaleError):
            return plain(code)


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """A stranger's words on one line, without what turns the direction of what stands beside them or cannot stand in
    XML."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"

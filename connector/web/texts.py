"""The texts of the page in the reader's language (`locales/*.toml`), and dates and sizes as they are written there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import cache
from importlib.resources import files

from connector.core.datafile import load
from connector.errors import SettingsError

try:
    from babel import Locale
    from babel.dates import format_datetime
    from babel.numbers import format_currency, format_decimal
except ModuleNotFoundError as error:
    raise SettingsError("web.library_missing", library=error.name or "babel") from error

FALLBACK = "en"


@cache
def catalogues() -> dict[str, Mapping[str, str]]:
    """Language -> key -> text; English first, and it has every key."""
    folder = files("connector.web").joinpath("locales")
    found = {
        entry.name.removesuffix(".toml"): load(entry.read_text(encoding="utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }
    return {FALLBACK: found[FALLBACK], **dict(sorted(found.items()))}


class Texts:
    """One language. zone: in which times are told."""

    def __init__(self, language: str) -> None:
        self.language = language if language in catalogues() else FALLBACK
        self.locale = Locale.parse(self.language)
        self.direction = self.locale.text_direction
        self._texts = catalogues()[self.language]

    def __call__(self, key: str, **values: object) -> str:
        """The text with the values put in as they are; the page escapes both. Raises KeyError for an unknown key."""
        text = self._texts.get(key) or catalogues()[FALLBACK][key]
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def known(self, prefix: str, value: object) -> str:
        """The words for a value of ours (`status.open`); the value itself where there are none."""
        key = f"{prefix}.{value}"
        return self(key) if key in catalogues()[FALLBACK] else str(value)

    def name(self, language: str) -> str:
        """A language's name in that language."""
        return (Locale.parse(language).get_display_name() or language).capitalize()

    def moment(self, at: str | datetime | None, zone: tzinfo | None) -> str:
        """Of UTC ISO text, in the shop's zone; "" for none."""
        if not at:
            return ""
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        return str(format_datetime(moment.astimezone(zone or UTC), "medium", tzinfo=zone or UTC, locale=self.locale))

    def number(self, value: float) -> str:
        return str(format_decimal(value, locale=self.locale))

    def money(self, amount: object, currency: str | None) -> str:
        """An amount in a currency by its ISO code, or alone."""
        value = Decimal(str(amount))
        return str(format_currency(value, currency, locale=self.locale)) if currency else self.number(float(value))

    def size(self, count: int) -> str:
        for unit, each in (("MB", 1_000_000), ("kB", 1_000)):
            if count >= each:
                return f"{self.number(round(count / each, 1))} {unit}"
        return f"{self.number(count)} B"


def best(accepted: list[tuple[str, float]]) -> str:
    """Of what a browser accepts (code, weight), the best language there is."""
    for code, _ in sorted(accepted, key=lambda one: -one[1]):
        for known in (code.lower().replace("-", "_"), code.lower().partition("-")[0]):
            if known in catalogues():
                return known
    return FALLBACK

"""The story of a person or an order: kinds of entries, their order, where a page of them ends, what a link is.

Entries go from the newest to the oldest. Of one second, in which a shop writes an order with its payment, state and
invoice, what follows from another comes later, so it stands above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from connector.core.values import BIGINT

KINDS = (
    "order",
    "shipment",
    "payment",
    "state",
    "invoice",
    "slip",
    "return",
    "note",
    "message",
    "thread",
    "mail",
    "bounce",
)
"""Every kind of entry, in the order of cause and effect. state: of an order; thread: a thread's status was seen to
change; note: on an order, not in a thread; mail: waits in quarantine; bounce: a mail of ours came back."""

DATELESS = datetime(1, 1, 2, tzinfo=UTC)
"""Stands for the time of a row without one (`0000-00-00` in the shop), which is older than all others."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last entry of a page: the next page begins right after it, whatever comes in above meanwhile. `at`: UTC."""

    at: datetime
    kind: str
    id: int

    def __str__(self) -> str:
        at = self.at.astimezone(UTC).replace(tzinfo=None)
        return f"{at.isoformat()}Z,{self.kind},{self.id}"

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Raises ValueError for a text that no page ended with."""
        try:
            at, kind, digits = text.strip().split(",")
            found, number = datetime.fromisoformat(at), int(digits)
            mark = cls(found.astimezone(UTC), kind, number) if found.tzinfo is not None else None
        except (ValueError, OverflowError):
            mark = None
        if mark is None or kind not in KINDS or not digits.isdecimal() or number >= BIGINT:
            raise ValueError("no mark of a page")
        return mark


def tracking_link(pattern: str | None, number: str | None) -> str | None:
    """The page of a parcel: PrestaShop puts the number in place of every `@` of the carrier's URL (Carrier::url; e.g.
    OrderHistory.php, all versions). None where it would be no web address: the pattern is text of the back office."""
    if not pattern or not number or not number.strip():
        return None
    link = pattern.strip().replace("@", quote(number.strip(), safe=""))
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme.lower() in ("http", "https") and parts.netloc else None


def language(languages: Mapping[int, str], wanted: str) -> int | None:
    """The id of the language that a code means. languages: id -> ISO code. A region counts for its language where the
    shop has no such one: `fr-CA` is `fr`. None: the shop has none of them."""
    code = wanted.strip().lower().replace("_", "-")
    for asked in (code, code.partition("-")[0]):
        for number, iso in sorted(languages.items()):
            if asked and iso.lower() == asked:
                return number
    return None


def named(texts: Mapping[int, str | None], *wanted: int | None) -> str | None:
    """A text in the first of these languages that has it, else in the lowest."""
    for number in (*wanted, *sorted(texts)):
        if number is not None and texts.get(number):
            return texts[number]
    return None

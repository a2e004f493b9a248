"""The story of a customer or an order as data, for the commands and the page. Reads the mirror only.

    told = customer(app, "main", "anna@example.org", limit=50)
    told.header                                         # who it is, sums, open threads: see `mirror.story_header`
    told.entries                                        # the stream, newest first: see `SqlStory.entries`
    more = customer(app, "main", "anna@example.org", asked=Asked(before=told.next))

Every time is given twice: `at` is UTC as ISO text, `local` the shop's own wall-clock text, which is what people read.
Foreign text is as the stranger wrote it: whoever shows it makes it safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from connector.core import timeline
from connector.core.erasure import address_hash
from connector.core.timeline import KINDS, Mark
from connector.errors import DataError, UsageError
from connector.mirror import tables
from connector.mirror.story import SqlStory
from connector.mirror.story_sources import About, Span

if TYPE_CHECKING:
    from connector.wiring.app import App

LIMIT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a story. kinds: of `core.timeline.KINDS`. since, until: days of the shop, both included. before:
    `Told.next` of the page above. language: ISO code of the names of states and groups; "": the setting `language`,
    else the shop's default."""

    kinds: Sequence[str] = KINDS
    since: date | None = None
    until: date | None = None
    before: str = ""
    limit: int = LIMIT
    language: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """next: what `Asked.before` takes for the page below; "" at the end. zone: of the local times, "" while it is
    unknown."""

    header: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    next: str
    zone: str


def customer(app: App, shop: str, who: int | str, asked: Asked | None = None) -> Told:
    """By a customer's id or an e-mail address. All accounts of the address, guests too, are one person.

    Raises DataError `customer.unknown` (`privacy.erased_before` for an address that was erased), UsageError for a mark
    or a language that cannot be."""
    story = SqlStory(app.mirror.database, tables.build(app.resources))
    about = story.person(shop, who)
    if about is None:
        if isinstance(who, str):
            at = app.mirror.privacy.erased_at(shop, address_hash(app.secrets[0], who))
            if at is not None:
                raise DataError("privacy.erased_before", at=app.local(shop, at)[:10])
        raise DataError("customer.unknown", id=who if isinstance(who, int) else "with this address")
    return _told(app, shop, story, about, asked or Asked())


def order(app: App, shop: str, which: int | str, asked: Asked | None = None) -> Told:
    """By an order's id, or by a reference, which may be of several orders. Raises DataError `order.unknown` and as
    `customer`."""
    story = SqlStory(app.mirror.database, tables.build(app.resources))
    about = story.orders(shop, which)
    if about is None:
        raise DataError("order.unknown", id=which)
    return _told(app, shop, story, about, asked or Asked())


def _told(app: App, shop: str, story: SqlStory, about: About, asked: Asked) -> Told:
    languages = _languages(app, shop, asked.language)
    header = story.header(about, languages)
    entries, mark = story.entries(about, languages, kinds=asked.kinds, span=_span(app, shop, asked), limit=asked.limit)
    for one in entries:
        if one["local"] is None and one["at"] is not None:
            one["local"] = app.local(shop, datetime.fromisoformat(one["at"]))
    return Told(header, entries, str(mark) if mark else "", str(app.zone(shop) or ""))


def _languages(app: App, shop: str, wanted: str) -> list[int | None]:
    """Ids, the wanted one first, then the shop's default."""
    known = app.mirror.lookups.languages(shop)
    usual = app.mirror.lookups.configuration(shop, "PS_LANG_DEFAULT") or ""
    default = int(usual) if usual.isascii() and usual.isdigit() else None
    found = timeline.language(known, wanted or app.shop_settings(shop).language)
    if wanted and found is None:
        raise UsageError("story.unknown_language", language=wanted, known=", ".join(sorted(set(known.values()))))
    return [found, default]


def _span(app: App, shop: str, asked: Asked) -> Span:
    try:
        before = Mark.parse(asked.before) if asked.before else None
    except ValueError:
        raise UsageError("story.unknown_mark", mark=asked.before[:80]) from None
    zone = app.zone(shop) or UTC

    def start(day: date) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    return Span(
        since=start(asked.since) if asked.since else None,
        until=start(asked.until + timedelta(days=1)) if asked.until else None,
        before=before,
    )

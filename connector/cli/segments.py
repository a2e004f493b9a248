"""`segment list|show|export|push`: people who have something in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from connector import packagedata
from connector.cli.csvfile import lines
from connector.cli.newfile import new_file
from connector.cli.output import emit_json, pairs, safe, say, table
from connector.cli.progress import shown
from connector.cli.session import Options, load, named_shop, opened, pick_shop
from connector.cli.submitting import submit_many
from connector.core.model import IntentState
from connector.core.segments import Conditions, Segment, Span
from connector.engine.segment_push import Planned
from connector.engine.segments import ADDRESS_CHANGED, BOUNCED, NO_CONSENT, Entry, Listing
from connector.errors import Exit
from connector.ops import events as ev
from connector.wiring import segments as data
from connector.wiring.mappings import MappingFiles

_SHOP = click.option("--shop", help="Which shop, when there are several.")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
COLUMNS = (
    "address", "firstname", "lastname", "language", "customer", "orders", "spent", "last_order", "consent", "read_from",
    "as_of", "age_seconds",
)  # fmt: skip
_IDS_SHOWN = 20
_PLACES = Decimal("0.01")


@click.group()
def segment() -> None:
    """People who have something in common: list them, export them, keep a customer group filled with them."""


@segment.command("list")
@click.option("--shop", help="Only those of this shop.")
@_JSON
@click.pass_obj
def list_(options: Options, shop: str | None, as_json: bool) -> int:
    """The segments of mappings/segments.toml and of your own, with their conditions."""
    files = MappingFiles(load(options))
    if files.segments.mistakes:
        raise packagedata.wrong(files.segments.mistakes)
    found = files.segments.of(named_shop(files.settings, shop)) if shop else files.segments.every
    if as_json:
        emit_json({"segments": [_described(one) for one in found]})
        return int(Exit.OK)
    rows = [
        (
            one.name,
            one.title,
            "; ".join(_conditions(one)),
            one.consent,
            one.group.removeprefix("#"),
            ", ".join(one.shops) or "all",
            f"{one.file}:{one.line}",
        )
        for one in found
    ]
    table(("segment", "who", "conditions", "consent", "group", "shops", "from"), rows, widest=200)
    return int(Exit.OK)


@segment.command("show")
@click.argument("name")
@_SHOP
@click.option("--limit", type=click.IntRange(0, 10_000), default=20, show_default=True, help="How many people to show.")
@_JSON
@click.pass_obj
def show(options: Options, name: str, shop: str | None, limit: int, as_json: bool) -> int:
    """Who is in a segment, by the mirror as it stands: how many, to how many of them a campaign may write, and the
    first of them. Asks the shop nothing."""
    with opened(options, reading=True) as app:
        of_shop = pick_shop(app, shop)
        one = data.named(app, of_shop, name)
        listing = data.selection(app, of_shop).listing(one, offline=True)
        now = app.clock.now()
    people = len(listing.entries) + sum(listing.left_out.values())
    if as_json:
        shown_ = [dict(zip(COLUMNS[:8], _person(entry), strict=True)) for entry in listing.entries[:limit]]
        counts = {"people": people, "listed": len(listing.entries), "left_out": listing.left_out}
        emit_json({"shop": of_shop, **_described(one), **counts, **_age(listing, now), "entries": shown_})
        return int(Exit.OK)
    pairs(
        {
            "segment": one.name,
            "who": one.title or "-",
            "conditions": "; ".join(_conditions(one)),
            "consent": one.consent,
            "group": one.group.removeprefix("#") or "none",
            "people": people,
            **({"with consent": f"{len(listing.entries)}{_left_out(listing)}"} if one.is_campaign else {}),
            "mirror": _told_age(listing, now),
        }
    )
    if listing.entries[:limit]:
        say()
        table(COLUMNS[:8], [_person(entry) for entry in listing.entries[:limit]])
    if len(listing.entries) > limit > 0:
        say(f"and {len(listing.entries) - limit} more (--limit)")
    return int(Exit.OK)


@segment.command("export")
@click.argument("name")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new CSV file.")
@click.option("--offline", is_flag=True, help="Take consents from the mirror; the file says how old they are.")
@_SHOP
@_JSON
@click.pass_obj
def export(options: Options, name: str, out: Path, offline: bool, shop: str | None, as_json: bool) -> int:
    """The people of a segment as CSV, one line each, in a file that only you may read.

    A campaign's list holds only people who have consented, in every account of their address that is not deleted, and
    whose mails do not come back. Consents are read from the shop at that moment; when it does not answer there is no
    list (exit code 69).
    """
    with opened(options, reading=True) as app:
        of_shop = pick_shop(app, shop)
        one = data.named(app, of_shop, name)
        with new_file(out) as draft:
            listing = data.selection(app, of_shop).listing(one, offline=offline)
            now = app.clock.now()
            with draft.open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines(COLUMNS, _rows(listing, now)))
        reason = "offline" if offline else ""
        app.events.emit(ev.SEGMENT_EXPORTED, shop=of_shop, segment=one.name, count=len(listing.entries), reason=reason)
    if as_json:
        emit_json(
            {
                "shop": of_shop,
                "segment": one.name,
                "path": str(out),
                "listed": len(listing.entries),
                "left_out": listing.left_out,
                **_age(listing, now),
            }
        )
        return int(Exit.OK)
    say(f"saved {safe(str(out))}: {len(listing.entries)} people{_left_out(listing)}")
    say(f"{'consents' if one.is_campaign else 'people'} as of {_told_age(listing, now)}")
    return int(Exit.OK)


@segment.command("push")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--allow-mass-change", is_flag=True, help="However many customers join or leave the group at once.")
@_SHOP
@_JSON
@click.pass_obj
def push(options: Options, name: str, dry_run: bool, allow_mass_change: bool, shop: str | None, as_json: bool) -> int:
    """Put the customers of a segment into its group (`group` in the segment), and take out whom an earlier push put in
    and who is in the segment no more.

    Whom somebody else put into the group stays in it. A campaign's consents are read from the shop first. Before
    PrestaShop 8 only with `allow_customer_put = true` in the shop's settings.
    """
    with opened(options, reading=dry_run) as app:
        of_shop = pick_shop(app, shop)
        one = data.named(app, of_shop, name)
        pushing = data.pushing(app, of_shop)
        planned = pushing.plan(one)
        if dry_run:
            return _tell(of_shop, one, planned, as_json)
        intents = pushing.wish(one, planned, allow_mass_change=allow_mass_change)
        with shown(as_json) as bar:
            done, code = submit_many(app, of_shop, intents, bar)
    if as_json:
        emit_json({**_planned(of_shop, one, planned), "states": done})
        return int(code)
    _say_planned(one, planned)
    if intents:
        say("; ".join(f"{count} {state}" for state, count in done.items()))
        if str(IntentState.FAILED) in done:
            say("outbox list says why the shop refused them")
    return int(code)


# --- words ----------------------------------------------------------------------------------------------------------


def _rows(listing: Listing, now: datetime) -> Iterator[Sequence[object]]:
    consent = listing.segment.consent
    asked = listing.segment.is_campaign and not listing.offline
    age = _age(listing, now)
    for entry in listing.entries:
        yield (*_person(entry), consent, "shop" if asked else "mirror", age["as_of"], age["age_seconds"])


def _person(entry: Entry) -> tuple[object, ...]:
    person, account = entry.person, entry.account
    return (
        person.address,
        account.firstname if account else "",
        account.lastname if account else "",
        account.language if account else "",
        account.id if account else None,
        person.orders,
        str(person.spent.quantize(_PLACES)),
        f"{person.last_order:%Y-%m-%d}" if person.last_order else "",
    )


def _age(listing: Listing, now: datetime) -> dict[str, object]:
    at = listing.as_of
    if at is None:
        return {"as_of": "never", "age_seconds": None}
    told = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"as_of": told, "age_seconds": max(0, int((now - at).total_seconds()))}


def _told_age(listing: Listing, now: datetime) -> str:
    age = _age(listing, now)
    seconds = age["age_seconds"]
    return str(age["as_of"]) if seconds is None else f"{age['as_of']} ({seconds} s ago)"


_WHY = {
    NO_CONSENT: "without consent",
    BOUNCED: "whose mails come back",
    ADDRESS_CHANGED: "with a new address that the mirror does not have yet",
}


def _left_out(listing: Listing) -> str:
    told = [f"{count} {_WHY[reason]}" for reason, count in listing.left_out.items() if count]
    return f"; left out: {', '.join(told)}" if told else ""


def _tell(shop: str, one: Segment, planned: Planned, as_json: bool) -> int:
    if as_json:
        emit_json(_planned(shop, one, planned))
        return int(Exit.OK)
    _say_planned(one, planned)
    found = planned.changes
    for word, ids in (("join", list(found.add)), ("leave", [number for _, number in found.remove])):
        if ids:
            more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
            say(f"would {word}: customers {', '.join(map(str, ids[:_IDS_SHOWN]))}{more}")
    if planned.guard:
        say(f"too many would be {planned.guard} at once: needs --allow-mass-change")
    return int(Exit.OK)


def _planned(shop: str, one: Segment, planned: Planned) -> dict[str, Any]:
    found = planned.changes
    return {
        "shop": shop,
        "segment": one.name,
        "group": planned.group,
        "customers": planned.wanted,
        "add": list(found.add),
        "remove": [{"group": group, "customer": number} for group, number in found.remove],
        "kept_as_default_group": list(found.held),
        "put_there_by_others": found.others,
        "refused_by_the_shop": list(found.refused),
        "under_way": found.under_way,
        "guard": planned.guard or None,
    }


def _say_planned(one: Segment, planned: Planned) -> None:
    found = planned.changes
    say(f"group {planned.group} of {safe(one.name)}: {planned.wanted} customers belong into it")
    say(f"{len(found.add)} to join, {len(found.remove)} to leave, {found.others} there by somebody else's doing")
    if found.held:
        say(f"{len(found.held)} stay: it is their default group ({', '.join(map(str, found.held[:_IDS_SHOWN]))})")
    if found.refused:
        numbers = ", ".join(map(str, found.refused[:_IDS_SHOWN]))
        say(f"{len(found.refused)} refused by the shop ({numbers}): outbox list, then outbox retry or cancel")
    if found.under_way:
        say(f"{found.under_way} changes of before are not confirmed yet")


def _conditions(one: Segment) -> list[str]:
    words = [*_told(one.when), *(f"not {text}" for text in _told(one.unless))]
    return words + ([f"orders of the last {one.within_days} days"] if one.within_days else [])


def _told(conditions: Conditions) -> Iterator[str]:
    for name, span in conditions.numbers.items():
        yield f"{name} {_span(span)}"
    for name, values in conditions.lists.items():
        yield f"{name} {', '.join(value.removeprefix('#') for value in values)}"
    for name, value in conditions.flags.items():
        yield f"{name} {'yes' if value else 'no'}"


def _span(span: Span) -> str:
    if span.at_least == span.at_most:
        return f"{span.at_least}"
    parts = (("at least", span.at_least), ("at most", span.at_most))
    return ", ".join(f"{word} {value}" for word, value in parts if value is not None)


def _described(one: Segment) -> dict[str, Any]:
    def plain(conditions: Conditions) -> dict[str, Any]:
        numbers = {
            name: {"at_least": span.at_least, "at_most": span.at_most} for name, span in conditions.numbers.items()
        }
        return {**numbers, **{name: list(v) for name, v in conditions.lists.items()}, **conditions.flags}

    return {
        "name": one.name,
        "title": one.title,
        "when": plain(one.when),
        "unless": plain(one.unless),
        "within_days": one.within_days,
        "consent": one.consent,
        "group": one.group.removeprefix("#") or None,
        "shops": list(one.shops),
        "file": one.file,
        "line": one.line,
    }

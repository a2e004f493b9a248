"""`conflicts list|show|resolve`."""

from __future__ import annotations

import click

from connector.cli.outcomes import described, told
from connector.cli.output import ID, emit_json, pairs, say, table
from connector.cli.session import Options, opened, pick_shop
from connector.core.conflicts import HALF_WRITTEN
from connector.errors import DataError, Exit, UsageError


@click.group()
def conflicts() -> None:
    """Changes of ours that met other ones in the shop."""


@conflicts.command("list")
@click.option("--shop", help="Only this shop.")
@click.option("--all", "every", is_flag=True, help="Also what is resolved, by the settings or by a person.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_(options: Options, shop: str | None, every: bool, limit: int, as_json: bool) -> int:
    """What waits for a decision: what we decided on, what the shop holds, what we want."""
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop) if shop else None
        found = [described(one) for one in app.mirror.conflicts.listing(name, resolved=every, limit=limit)]
    if as_json:
        emit_json(found)
        return int(Exit.OK)
    columns = ("id", "shop", "kind", "intent_id", "opened_at", "expected", "found", "wanted", "outcome")
    headings = ("id", "shop", "kind", "outbox", "since (UTC)", "was", "shop has", "ours", "outcome")
    table(headings, [[row[column] for column in columns] for row in found], widest=30)
    return int(Exit.OK)


@conflicts.command("show")
@click.argument("conflict_id", type=ID)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(options: Options, conflict_id: int, as_json: bool) -> int:
    """One conflict, with the change that is in it and the ways out."""
    with opened(options, reading=True) as app:
        found = app.mirror.conflicts.get(conflict_id)
        if found is None:
            raise DataError("conflict.unknown", id=conflict_id)
        intent = app.mirror.outbox.get(found.intent_id)
    view = {**described(found), "payload": intent.payload if intent else {}, "state": intent.state if intent else None}
    if as_json:
        emit_json(view)
        return int(Exit.OK)
    payload = view.pop("payload")
    pairs({key: value for key, value in view.items() if value not in (None, "")})
    pairs({f"payload: {key}": value for key, value in payload.items() if value not in (None, "")})
    if found.resolved_at is None and found.clash.reason == HALF_WRITTEN:
        say("ways out:")
        say(f"  conflicts resolve {found.id} --shop   the order stays as it is, and this counts as done")
        say("  writing it again would make a second row and a second mail, so there is no --ours")
    elif found.resolved_at is None:
        say("ways out:")
        say(f"  conflicts resolve {found.id} --shop   ours is given up")
        say(f"  conflicts resolve {found.id} --ours   ours is written, unless the shop changes once more before that")
    return int(Exit.OK)


@conflicts.command("resolve")
@click.argument("conflict_id", type=ID)
@click.option("--ours", is_flag=True, help="Write ours over the value that the conflict shows.")
@click.option("--shop", "theirs", is_flag=True, help="Leave the shop as it is and give ours up.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def resolve(options: Options, conflict_id: int, ours: bool, theirs: bool, as_json: bool) -> int:
    """Say whose side counts. The daemon or the next sync writes what is to be written; when the shop holds yet another
    value by then, it is a conflict again."""
    if ours == theirs:
        raise UsageError("conflict.which_side")
    with opened(options) as app:
        found = app.mirror.conflicts.get(conflict_id)
        before = app.mirror.outbox.get(found.intent_id) if found else None
        moved = app.dead_letters().resolve(conflict_id, ours=ours)
        return told(app, before, moved, as_json)

"""`outbox list|show|retry|confirm|cancel`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from connector.cli.outcomes import described, sides, told
from connector.cli.output import ID, emit_json, pairs, safe, say, table
from connector.cli.session import Options, opened, pick_shop
from connector.cli.threads import explain
from connector.core.model import IntentState
from connector.errors import DataError, Exit


@click.group()
def outbox() -> None:
    """Changes on their way to the shop and the mail server."""


@outbox.command("list")
@click.option("--shop", help="Only this shop.")
@click.option("--state", type=click.Choice([s.value for s in IntentState]), help="Only in this state.")
@click.option("--all", "every", is_flag=True, help="Also what is confirmed or cancelled.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_(options: Options, shop: str | None, state: str | None, every: bool, limit: int, as_json: bool) -> int:
    """What waits, what is in doubt, what failed and why."""
    states = [IntentState(state)] if state else [] if every else _UNDONE
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop) if shop else None
        rows = app.mirror.queries.intents(name, states, limit)
    if as_json:
        emit_json(rows)
    else:
        columns = ("id", "shop", "kind", "state", "attempts", "created_at", "due_at")
        lines = [[row[column] for column in columns] + [_why(row)] for row in rows]
        table(("id", "shop", "kind", "state", "tries", "created (UTC)", "due (UTC)", "why"), lines)
    return int(Exit.OK)


_UNDONE = [s for s in IntentState if s not in (IntentState.CONFIRMED, IntentState.CANCELLED)]


def _why(row: dict[str, Any]) -> str:
    """The last error, and what goes first."""
    waits = row["waits_for"]
    after = f"waits for {waits['key'].split(':')[0]} ({waits['state']})" if waits else ""
    return "; ".join(part for part in (f"{row['error']} {row['error_detail']}".strip(), after) if part) or "-"


@outbox.command("show")
@click.argument("intent_id", type=ID)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(options: Options, intent_id: int, as_json: bool) -> int:
    """One change: what it is to write, what it was decided on, how far it is, what it met."""
    with opened(options, reading=True) as app:
        intent = app.mirror.outbox.get(intent_id)
        if intent is None:
            raise DataError("outbox.unknown", id=intent_id)
        view = {
            **asdict(intent),
            "conflicts": [described(one) for one in app.mirror.conflicts.of_intent(intent_id)],
            "duplicates": [asdict(one) for one in app.mirror.duplicates.of_intent(intent_id)],
            "follows": [
                {"id": one.id, "kind": one.kind, "state": one.state}
                for one in app.mirror.outbox.followers(intent.shop, intent.key)
            ],
        }
    if as_json:
        emit_json(view)
        return int(Exit.OK)
    for part in ("payload", "decided_on", "result"):
        for key, value in view.pop(part).items():
            if key == "file":
                value = f"{value['name']}, {len(value['data']):,} characters packed" if value else ""
            view[f"{part}: {key}"] = value
    lists = {name: view.pop(name) for name in ("conflicts", "duplicates", "follows")}
    pairs({key: value for key, value in view.items() if value not in (None, "")})
    for one in lists["conflicts"]:
        say(f"conflict {one['id']}: {safe(sides(one))}; {one['outcome']}")
    for one in lists["duplicates"]:
        say(f"twice in the shop: {one['resource']} {one['row_id']} beside {one['first_id']} (a person decides)")
    for one in lists["follows"]:
        say(f"followed by {one['kind']} {one['id']} ({one['state']})")
    if intent.state in (IntentState.FAILED, IntentState.CONFLICT):
        explain(intent)
    return int(Exit.OK)


@outbox.command("retry")
@click.argument("intent_id", type=ID)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def retry(options: Options, intent_id: int, as_json: bool) -> int:
    """Send a failed or doubtful change again, looked up first. A mail that cannot be looked up may then come twice.
    In a conflict: ours counts."""
    with opened(options) as app:
        before, moved = app.mirror.outbox.get(intent_id), app.dead_letters().retry(intent_id)
        return told(app, before, moved, as_json)


@outbox.command("confirm")
@click.argument("intent_id", type=ID)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def confirm(options: Options, intent_id: int, as_json: bool) -> int:
    """You know that a doubtful or failed change has happened: take it as done."""
    with opened(options) as app:
        before, moved = app.mirror.outbox.get(intent_id), app.dead_letters().confirm(intent_id)
        return told(app, before, moved, as_json)


@outbox.command("cancel")
@click.argument("intent_id", type=ID)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def cancel(options: Options, intent_id: int, as_json: bool) -> int:
    """Give a change up, and what waits for it. The mail it came from stays in the ledger."""
    with opened(options) as app:
        before, moved = app.mirror.outbox.get(intent_id), app.dead_letters().cancel(intent_id)
        return told(app, before, moved, as_json)

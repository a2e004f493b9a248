"""`outbox list|retry|confirm|cancel`."""

from __future__ import annotations

from typing import Any

import click

from connector.cli.output import ID, emit_json, say, table
from connector.cli.session import Options, opened, pick_shop
from connector.core.model import Intent, IntentState
from connector.errors import Exit
from connector.ops import events as ev
from connector.wiring import App


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


@outbox.command("retry")
@click.argument("intent_id", type=ID)
@click.pass_obj
def retry(options: Options, intent_id: int) -> int:
    """Send a failed, conflicting or doubtful change again. A doubtful mail may then reach the customer twice."""
    with opened(options) as app:
        before, moved = app.mirror.outbox.get(intent_id), app.dead_letters().retry(intent_id)
        code = _tell(app, before, moved)
    say("the daemon or the next sync pushes it")
    return code


@outbox.command("confirm")
@click.argument("intent_id", type=ID)
@click.pass_obj
def confirm(options: Options, intent_id: int) -> int:
    """You know that a doubtful or failed change has happened: take it as done."""
    with opened(options) as app:
        before, moved = app.mirror.outbox.get(intent_id), app.dead_letters().confirm(intent_id)
        return _tell(app, before, moved)


@outbox.command("cancel")
@click.argument("intent_id", type=ID)
@click.pass_obj
def cancel(options: Options, intent_id: int) -> int:
    """Give a change up, and what waits for it. The mail it came from stays in the ledger."""
    with opened(options) as app:
        before, moved = app.mirror.outbox.get(intent_id), app.dead_letters().cancel(intent_id)
        return _tell(app, before, moved)


def _tell(app: App, before: Intent | None, moved: Intent) -> int:
    name = {
        IntentState.PLANNED: ev.INTENT_PLANNED,
        IntentState.CONFIRMED: ev.INTENT_CONFIRMED,
    }.get(moved.state, ev.INTENT_CANCELLED)
    app.events.emit(name, shop=moved.shop, intent_id=moved.id, kind=str(moved.kind), reason="by_command")
    say(f"{moved.kind} {moved.id}: {before.state if before else '?'} -> {moved.state}")
    return int(Exit.OK)

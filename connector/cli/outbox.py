"""`outbox list|retry|confirm|cancel`."""

from __future__ import annotations

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
        rows = app.mirror.outbox.listing(name, states, limit)
    if as_json:
        emit_json([_plain(i) for i in rows])
    else:
        table(
            ("id", "shop", "kind", "state", "tries", "created", "due", "error"),
            [(i.id, i.shop, i.kind, i.state, i.attempts, i.created_at, i.due_at, _why(i)) for i in rows],
        )
    return int(Exit.OK)


_UNDONE = [s for s in IntentState if s not in (IntentState.CONFIRMED, IntentState.CANCELLED)]


def _why(intent: Intent) -> str:
    return f"{intent.error} {intent.error_detail}".strip() or "-"


def _plain(intent: Intent) -> dict[str, object]:
    """Without the payload: it holds message texts and addresses."""
    return {
        "id": intent.id,
        "shop": intent.shop,
        "kind": intent.kind,
        "state": intent.state,
        "group": intent.group,
        "reference": intent.reference,
        "attempts": intent.attempts,
        "created_at": intent.created_at,
        "due_at": intent.due_at,
        "sent_at": intent.sent_at,
        "remote_id": intent.remote_id,
        "result": intent.result,
        "error": intent.error,
        "error_detail": intent.error_detail,
    }


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

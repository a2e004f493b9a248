"""`outbox list|retry|confirm|cancel`."""

from __future__ import annotations

import click

from connector.cli.output import emit_json, say, table
from connector.cli.session import Options, opened, pick_shop
from connector.core.model import Intent, IntentState
from connector.errors import DataError, Exit
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
    with opened(options) as app:
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
@click.argument("intent_id", type=int)
@click.pass_obj
def retry(options: Options, intent_id: int) -> int:
    """Send a failed, conflicting or doubtful change again. A doubtful mail may then reach the customer twice."""
    return _move(
        options, intent_id, IntentState.PLANNED, (IntentState.FAILED, IntentState.CONFLICT, IntentState.IN_DOUBT)
    )


@outbox.command("confirm")
@click.argument("intent_id", type=int)
@click.pass_obj
def confirm(options: Options, intent_id: int) -> int:
    """You know that a doubtful or failed change has happened: take it as done."""
    return _move(
        options, intent_id, IntentState.CONFIRMED, (IntentState.IN_DOUBT, IntentState.CONFLICT, IntentState.FAILED)
    )


@outbox.command("cancel")
@click.argument("intent_id", type=int)
@click.pass_obj
def cancel(options: Options, intent_id: int) -> int:
    """Give a change up. The mail it came from stays in the ledger."""
    return _move(
        options,
        intent_id,
        IntentState.CANCELLED,
        (IntentState.PLANNED, IntentState.FAILED, IntentState.CONFLICT, IntentState.IN_DOUBT),
    )


def _move(options: Options, intent_id: int, target: IntentState, allowed: tuple[IntentState, ...]) -> int:
    with opened(options) as app:
        intent = app.mirror.outbox.get(intent_id)
        if intent is None:
            raise DataError("outbox.unknown", id=intent_id)
        if intent.state not in allowed:
            raise DataError(
                "outbox.wrong_state", id=intent_id, state=intent.state, allowed=", ".join(s.value for s in allowed)
            )
        now = app.clock.now()
        moved = app.mirror.outbox.move(intent, target, now=now, due_at=now)
        _tell(app, moved)
        say(f"{moved.kind} {moved.id}: {intent.state} -> {moved.state}")
        if target is IntentState.PLANNED:
            say("the daemon or the next sync pushes it")
    return int(Exit.OK)


def _tell(app: App, intent: Intent) -> None:
    name = {
        IntentState.PLANNED: ev.INTENT_PLANNED,
        IntentState.CONFIRMED: ev.INTENT_CONFIRMED,
    }.get(intent.state, ev.INTENT_CANCELLED)
    app.events.emit(name, shop=intent.shop, intent_id=intent.id, kind=str(intent.kind), reason="by_command")

"""What a person decided about a change, and what it met, for the commands that show it."""

from __future__ import annotations

from typing import Any

from connector.cli.output import emit_json, safe, say
from connector.core.conflicts import Conflict
from connector.core.model import Intent, IntentState
from connector.errors import Exit
from connector.ops import events as ev
from connector.wiring import App


def told(app: App, before: Intent | None, moved: Intent, as_json: bool) -> int:
    """Log and say what a person has decided about an intent."""
    name = {
        IntentState.PLANNED: ev.INTENT_PLANNED,
        IntentState.CONFIRMED: ev.INTENT_CONFIRMED,
        IntentState.IN_DOUBT: ev.INTENT_IN_DOUBT,
    }.get(moved.state, ev.INTENT_CANCELLED)
    app.events.emit(name, shop=moved.shop, intent_id=moved.id, kind=str(moved.kind), reason="by_command")
    was = before.state if before else None
    if as_json:
        emit_json({"id": moved.id, "kind": moved.kind, "before": was, "state": moved.state})
        return int(Exit.OK)
    say(f"{moved.kind} {moved.id}: {was or '?'} -> {moved.state}")
    if moved.state is IntentState.PLANNED:
        say("the daemon or the next sync pushes it")
    elif moved.state is IntentState.IN_DOUBT:
        say("the daemon or the next sync looks it up, and sends it again only if it is not there")
    return int(Exit.OK)


def described(one: Conflict) -> dict[str, Any]:
    """A conflict as plain values. outcome: `open`, or whose side counts and who said so."""
    return {
        "id": one.id,
        "shop": one.shop,
        "kind": one.kind,
        "intent_id": one.intent_id,
        "reason": one.clash.reason,
        "detail": one.detail,
        "expected": one.clash.expected,
        "found": one.clash.found,
        "wanted": one.clash.wanted,
        "opened_at": one.opened_at,
        "resolved_at": one.resolved_at,
        "resolution": one.resolution,
        "resolved_by": one.resolved_by,
        "outcome": f"{one.resolution} by {one.resolved_by}" if one.resolved_at else "open",
    }


def sides(view: dict[str, Any]) -> str:
    """`was 2, shop has 6, ours 4`."""
    named = (("was", "expected"), ("shop has", "found"), ("ours", "wanted"))
    return ", ".join(f"{word} {safe(view[key])}" for word, key in named if view[key] is not None) or view["reason"]

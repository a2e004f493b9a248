"""`sync --resource orders --id 1234`: single rows read again, with what differed, field by field."""

from __future__ import annotations

from collections.abc import Sequence

from connector.cli.output import emit_json, safe, say
from connector.engine.reread import Reread
from connector.errors import Exit
from connector.wiring import App

_WORDS = {
    "equal": "equal",
    "changed": "changed, and stored as the shop has it",
    "new": "new, and stored",
    "gone": "gone from the shop; it left the mirror",
    "unlisted": "its shop is switched off and shows it in no list; it stays as it is",
    "unknown": "neither the shop nor the mirror has it",
}


def reread(app: App, shop: str, resource: str, ids: Sequence[int], as_json: bool) -> int:
    """Read these rows again beside whoever works for the shop. 1 when one cannot be read or is nowhere."""
    told = app.rereads(shop).run(resource, ids)
    code = Exit.FOUND if any(one.outcome in ("broken", "unknown") for one in told) else Exit.OK
    if as_json:
        emit_json({"shop": shop, "resource": resource, "rows": told, "exit_code": int(code)})
        return int(code)
    for one in told:
        _show(resource, one)
    return int(code)


def _show(resource: str, one: Reread) -> None:
    words = _WORDS.get(one.outcome, f"broken ({one.reason}); it lies in the quarantine")
    say(f"{resource} {one.id}: {safe(words)}")
    for difference in one.fields:
        if one.outcome == "new":
            say(f"  {difference.field}: {_value(difference.shop)}")
        else:
            say(f"  {difference.field}: {_value(difference.mirror)} -> {_value(difference.shop)}")


def _value(value: object) -> str:
    return "-" if value is None else safe(value)

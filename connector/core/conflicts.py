"""When a change meets another one: whose side counts, per kind of change, and what a person is told of it.

Pure: compares what a change was decided on with what the shop holds now. Nothing is looked up and nothing is written;
`engine/push.py` asks before a write, `engine/conflicts.py` when a person has decided.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.core.model import Intent, Kind

CHANGED = "changed_meanwhile"
"""The shop holds neither what the change was decided on nor what it wants."""
HALF_WRITTEN = "half_written"
"""An order has our status, but not by a row of ours. Never a question of policy: posting again would mail twice."""
SHOP_WINS = "shop_wins"
"""Why a change was cancelled: the shop's side counts."""


class Side(StrEnum):
    """Whose side counts."""

    SHOP = "shop"
    OURS = "ours"
    ASK = "ask"


DEFAULTS: dict[Kind, Side] = {Kind.THREAD_STATUS: Side.SHOP, Kind.ORDER_STATUS: Side.ASK, Kind.ORDER_TRACKING: Side.ASK}
"""Without a setting; every other kind: ask."""

_VALUES: dict[Kind, tuple[str, str]] = {
    Kind.THREAD_STATUS: ("status", "status"),
    Kind.ORDER_STATUS: ("current_state", "id_state"),
    Kind.ORDER_TRACKING: ("number", "number"),
}
"""Kind -> name of the value in `decided_on`, and in `payload`. A kind that is not here compares `decided_on` whole."""

_TARGETS = ("id_thread", "id_order", "id_order_carrier", "id_customer", "id_message")
"""What a payload may point at; two changes of one kind are about the same thing when these agree."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two sides, for people. expected: what the change was decided on; found: what the shop held; wanted: what it was
    to become. As text; None: not known."""

    reason: str
    expected: str | None = None
    found: str | None = None
    wanted: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """One row of the history of conflicts. resolution: '' while open, then shop, ours, or done (the change was taken as
    done by hand). resolved_by: policy or person."""

    id: int
    shop: str
    intent_id: int
    kind: Kind
    clash: Clash
    detail: str
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str
    resolved_by: str


def clash(intent: Intent, reason: str, result: dict[str, Any]) -> Clash:
    """result: of the verdict that found it; `shop` in it is the shop's value."""
    names = _VALUES.get(intent.kind)
    expected = intent.decided_on.get(names[0]) if names else intent.decided_on
    wanted = intent.payload.get(names[1]) if names else None
    found = result.get("shop", wanted if reason == HALF_WRITTEN else None)
    return Clash(reason, _text(expected), _text(found), _text(wanted))


def seen(intent: Intent, result: dict[str, Any]) -> dict[str, Any]:
    """What the same change is decided on by somebody who has seen the shop's value. A verdict may say it whole
    (`seen`), else the one value is exchanged."""
    if isinstance(result.get("seen"), dict):
        return {**intent.decided_on, **result["seen"]}
    names = _VALUES.get(intent.kind)
    if names is None or "shop" not in result:
        return intent.decided_on
    return {**intent.decided_on, names[0]: result["shop"]}


def our_own_doing(intent: Intent, result: dict[str, Any], done: Sequence[Intent]) -> bool:
    """Is the shop's value the one that a change of ours has left there? Two changes wished one after the other are both
    decided on the state before the first; the second must not take the first for somebody else's.

    done: changes confirmed since this one was wished, oldest first.
    """
    names = _VALUES.get(intent.kind)
    if names is None or "shop" not in result:
        return False
    same = [one for one in done if one.kind is intent.kind and _target(one) == _target(intent)]
    return bool(same) and same[-1].payload.get(names[1]) == result["shop"]


def after_own_history(intent: Intent, done: Sequence[Intent]) -> dict[str, Any]:
    """`decided_on` of an order's status when rows of ours came in between: a row that an earlier change of ours wrote
    must not be taken for this one's. done: confirmed changes of the same order, oldest first."""
    newest = int(intent.decided_on.get("newest_history", 0))
    ours = [one for one in done if one.kind is Kind.ORDER_STATUS and one.id < intent.id]
    earlier = [one for one in ours if _target(one) == _target(intent)]
    last = max(earlier, key=lambda one: one.remote_id or 0, default=None)
    if intent.kind is not Kind.ORDER_STATUS or last is None or (last.remote_id or 0) <= newest:
        return intent.decided_on
    return {**intent.decided_on, "current_state": last.payload["id_state"], "newest_history": last.remote_id}


def _target(intent: Intent) -> tuple[object, ...]:
    return tuple(intent.payload.get(name) for name in _TARGETS)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)

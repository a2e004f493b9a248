"""`rules list|test`: the rules on mails, and what they would do with one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from connector import packagedata
from connector.cli.output import emit_json, pairs, safe, say, table
from connector.cli.session import Options, load, named_shop, opened, pick_shop
from connector.core.model import NewIntent
from connector.core.rules import Judged, Rule
from connector.engine.rehearsal import Rehearsed
from connector.errors import DataError, Exit
from connector.wiring.mappings import MappingFiles

MOST_BYTES = 100_000_000
_SHOP = click.option("--shop", help="Which shop, when there are several.")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group()
def rules() -> None:
    """Rules on mails: list them, try them on a mail."""


@rules.command("list")
@click.option("--shop", help="Only those that are asked for this shop.")
@_JSON
@click.pass_obj
def list_(options: Options, shop: str | None, as_json: bool) -> int:
    """The rules in the order in which they are asked."""
    files = MappingFiles(load(options))
    if files.rules.mistakes:
        raise packagedata.wrong(files.rules.mistakes)
    found = files.rules.of(named_shop(files.settings, shop)) if shop else files.rules.every
    if as_json:
        emit_json({"rules": [_whole(rule) for rule in found]})
        return int(Exit.OK)
    rows = [
        (
            rule.name,
            "on" if rule.enabled else "off",
            ", ".join(rule.shops) or "all",
            "; ".join(f"{name} {_short(value)}" for name, value in _conditions(rule).items()),
            "; ".join(f"{name} {_short(value)}" for name, value in _effects(rule).items()),
            "goes on" if rule.goes_on else "",
            f"{rule.file}:{rule.line}",
        )
        for rule in found
    ]
    table(("rule", "is", "shops", "when", "then", "", "from"), rows, widest=250)
    return int(Exit.OK)


@rules.command("test")
@click.argument("file", metavar="FILE.eml", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@_SHOP
@click.option("--mailbox", default="", help="As if it came into this mailbox (default: the first).")
@_JSON
@click.pass_obj
def test(options: Options, file: Path, shop: str | None, mailbox: str, as_json: bool) -> int:
    """Which rules hold for a mail (a file, or - for standard input), why others do not, and what would be done. Nothing
    is written; the mirror is taken as it stands."""
    raw = _read(file)
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop)
        found = app.rehearsal(name).run(raw, mailbox)
    if as_json:
        emit_json({"shop": name, **_facts(found)})
        return int(Exit.OK)
    _show(found)
    return int(Exit.OK)


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as opened_file:
                raw = opened_file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError("rules.file_unreadable", file=str(file), reason=error.strerror or "error") from error
    if len(raw) > MOST_BYTES:
        raise DataError("rules.file_unreadable", file=str(file), reason=f"more than {MOST_BYTES} bytes")
    return raw


def _facts(found: Rehearsed) -> dict[str, Any]:
    decided, ruled = found.decided, found.ruled
    return {
        "without_rules": {"state": decided.state, "reason": decided.reason},
        "state": ruled.state,
        "reason": ruled.reason,
        "thread": ruled.id_thread,
        "trust": str(ruled.trust),
        "participant": ruled.participant,
        "asked": bool(found.judged),
        "rules": [{"name": one.rule.name, "outcome": one.outcome, "missed": list(one.missed)} for one in found.judged],
        "effects": [
            {"rule": one.rule, "effect": one.effect, "done": not one.why, "why": one.why or None} for one in ruled.ruled
        ],
        "intents": [
            {"kind": one.kind, "rule": one.payload.get("rule"), "key": one.key, "payload": one.payload}
            for one in ruled.intents
        ],
    }


def _show(found: Rehearsed) -> None:
    decided, ruled = found.decided, found.ruled
    target = f"thread {ruled.id_thread}" if ruled.id_thread else "-"
    pairs({"the mail": f"{decided.state} ({decided.reason})", "thread": target, "proof": ruled.trust})
    say()
    if not found.judged:
        say("no rule is asked for such a mail")
    else:
        table(("rule", "outcome", "why"), [(one.rule.name, _OUTCOMES[one.outcome], _why(one)) for one in found.judged])
    for one in ruled.ruled:
        say(f"{safe(one.rule)}: {one.effect}: {f'not done: {_WHY[one.why]}' if one.why else 'would be done'}")
    if ruled.reason != decided.reason:
        say(f"the mail would be {ruled.state} ({safe(ruled.reason)})")
    say()
    for intent in ruled.intents:
        say(f"would be done: {_told(intent)}")
    if not ruled.intents:
        say("nothing would be done")


_OUTCOMES = {
    "holds": "holds",
    "misses": "does not hold",
    "off": "is off",
    "other_shop": "is for other shops",
    "not_asked": "is not asked",
}
_WHY = {
    "automatic": "a machine wrote the mail",
    "not_the_customer": "the mail is not from the address of the thread",
    "not_proven": "orders need proof by Message-ID or token, from the address of the thread",
    "set_above": "a rule above has set it",
    "no_order": "the thread is about no order",
    "no_employee": "the settings name no employee",
    "state_unknown": "no state of the shop is called so",
    "already": "it is so already",
    "would_pay_twice": "the shop would book the payment a second time",
    "no_smtp": "the settings have no mail server",
    "no_such_employee": "no active employee has that address",
    "not_in_settings": "the address is not in forward_to",
    "back_to_sender": "the mail came from there",
    "own_address": "the address is collected by this program",
    "not_filed": "the mail joins no thread",
}


def _why(one: Judged) -> str:
    return ", ".join(one.missed) if one.missed else "a rule above holds" if one.outcome == "not_asked" else ""


def _told(intent: NewIntent) -> str:
    p = intent.payload
    told = {
        "thread.status": f"thread {p.get('id_thread')} to {p.get('status')}",
        "order.status": f"order {p.get('id_order')} to state {p.get('id_state')}",
        "mail.send": f"to {safe(p.get('to'))}",
        "message.create": "private note" if p.get("private") else "",
        "mail.file": f"{p.get('action')} in {safe(p.get('mailbox'))}",
    }.get(str(intent.kind), "")
    rule = f" (rule {p['rule']})" if p.get("rule") else ""
    return f"{intent.kind} {told}".rstrip() + rule


def _conditions(rule: Rule) -> dict[str, Any]:
    when = rule.when
    phrases = {name: [" ".join(one) for one in getattr(when, name)] for name in ("subject", "text", "words")}
    listed = {
        "contact": list(when.contact),
        "from": list(when.sender),
        "to": list(when.to),
        **phrases,
        "order_state": list(when.order_state),
        "language": list(when.language),
        "thread_status": list(when.thread_status),
        "trust": list(when.trust),
    }
    flags = {"new_thread": when.new_thread, "participant": when.participant}
    automatic = {} if when.automatic is False else {"automatic": "any" if when.automatic is None else True}
    return {k: v for k, v in listed.items() if v} | {k: v for k, v in flags.items() if v is not None} | automatic


def _effects(rule: Rule) -> dict[str, Any]:
    then = rule.then
    names = ("thread_status", "assign", "forward", "order_status", "mail_customer", "note", "ignore")
    found = {name: getattr(then, name) for name in names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value}


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _whole(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "enabled": rule.enabled,
        "continue": rule.goes_on,
        "shops": list(rule.shops),
        "when": _conditions(rule),
        "then": _effects(rule),
        "file": rule.file,
        "line": rule.line,
    }

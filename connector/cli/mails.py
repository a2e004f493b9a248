"""`quarantine list|show|retry|drop`: mails and shop rows that wait for a person.

An item is named `mail:ID` (a ledger row) or `row:ID` (a row of the shop that no form of answer gave).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from connector.cli.output import emit_json, is_id, pairs, safe, say, table
from connector.cli.session import Options, opened, pick_shop
from connector.core.model import Copy, MailState
from connector.engine.join import RETRY
from connector.errors import DataError, Exit, MailUnreadable, UsageError
from connector.ops import events as ev
from connector.wiring import App

Handler = Callable[[App, int], int]


@click.group()
def quarantine() -> None:
    """What could not be decided: list, show, retry, drop."""


@quarantine.command("list")
@click.option("--shop", help="Only this shop.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_(options: Options, shop: str | None, as_json: bool) -> int:
    """Mails and shop rows in quarantine with the reason."""
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop) if shop else None
        mails = app.mirror.queries.quarantined_mails(name)
        rows = app.mirror.quarantine.list(name)
    if as_json:
        emit_json({"mails": mails, "rows": rows})
        return int(Exit.OK)
    lines = [(f"mail:{m['id']}", m["shop"], m["reason"], m["from_addr"], m["subject"]) for m in mails]
    lines += [(f"row:{r.id}", r.shop, r.reason, r.resource, r.row_id) for r in rows]
    if lines:
        table(("item", "shop", "reason", "from / resource", "subject / id"), lines)
    else:
        say("the quarantine is empty")
    return int(Exit.OK)


@quarantine.command("show")
@click.argument("item")
@click.option("--raw", is_flag=True, help="Only the bytes, as they came, e.g. into a file.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, without the bytes.")
@click.pass_obj
def show(options: Options, item: str, raw: bool, as_json: bool) -> int:
    """One item with its bytes."""

    def mail(app: App, number: int) -> int:
        copy = _mail(app, number)
        content = app.mirror.ledger.raw(copy.blob) if copy.blob else b""
        facts: dict[str, object] = {
            "item": f"mail:{copy.id}",
            "shop": copy.shop,
            "reason": copy.reason,
            "where": f"{copy.mailbox}/{copy.folder} uid {copy.uid}",
            "from": copy.from_addr,
            "subject": copy.subject,
            "arrived": copy.internaldate.isoformat(),
            "bytes": len(content),
        }
        try:
            text = app.codec.decode(content).text
        except MailUnreadable:
            text = None
        return _show(facts, content, raw, as_json, text)

    def row(app: App, number: int) -> int:
        found = app.mirror.quarantine.get(number)
        facts: dict[str, object] = {
            "item": f"row:{found.id}",
            "shop": found.shop,
            "resource": found.resource,
            "id": found.row_id,
            "reason": found.reason,
            "first seen": found.first_seen.isoformat(),
            "last seen": found.last_seen.isoformat(),
            "bytes": len(found.raw),
        }
        return _show(facts, found.raw, raw, as_json)

    return _on(options, item, mail, row, reading=True)


def _show(facts: dict[str, object], content: bytes, raw: bool, as_json: bool, text: str | None = None) -> int:
    """text: what a person reads of a mail; without it the bytes are shown, control characters made visible."""
    if raw:
        sys.stdout.buffer.write(content)
    elif as_json:
        emit_json(facts)
    else:
        pairs(facts)
        say()
        shown = content.decode("utf-8", "backslashreplace") if text is None else text
        say(safe(shown.replace("\r\n", "\n"), lines=True))
    return int(Exit.OK)


@quarantine.command("retry")
@click.argument("item")
@click.pass_obj
def retry(options: Options, item: str) -> int:
    """Decide a mail anew, or read a shop row again (after a setting was changed or the shop was mended)."""

    def mail(app: App, number: int) -> int:
        copy = _mail(app, number)
        app.mirror.ledger.conclude(copy, MailState.RECEIVED, RETRY)
        say(f"mail:{copy.id} is decided anew by the daemon or the next sync")
        return int(Exit.OK)

    def row(app: App, number: int) -> int:
        found = app.mirror.quarantine.get(number)
        if found.row_id is None:
            raise DataError("quarantine.row_without_id", row=number)
        read = app.rereads(found.shop).run(found.resource, [found.row_id])[0]
        if read.outcome in ("gone", "unknown"):
            say(f"{found.resource} {found.row_id} is not in the shop any more; it leaves the quarantine")
            return int(Exit.OK)
        if read.outcome == "broken":
            say(f"row:{number} is still broken")
            return int(Exit.FOUND)
        say(f"{found.resource} {found.row_id} was read; it leaves the quarantine")
        return int(Exit.OK)

    return _on(options, item, mail, row)


@quarantine.command("drop")
@click.argument("item")
@click.pass_obj
def drop(options: Options, item: str) -> int:
    """Set an item aside for good. A mail stays in the ledger as ignored, with its bytes."""

    def mail(app: App, number: int) -> int:
        copy = _mail(app, number)
        app.mirror.ledger.conclude(copy, MailState.IGNORED, "dropped_by_command")
        app.events.emit(ev.MAIL_IGNORED, shop=copy.shop, copy_id=copy.id, reason="dropped_by_command")
        say(f"mail:{copy.id} is ignored from now on")
        return int(Exit.OK)

    def row(app: App, number: int) -> int:
        app.mirror.quarantine.drop(number)
        say(f"row:{number} is forgotten; it comes back if the shop gives it broken again")
        return int(Exit.OK)

    return _on(options, item, mail, row)


def _on(options: Options, item: str, mail: Handler, row: Handler, *, reading: bool = False) -> int:
    kind, _, number = item.partition(":")
    if kind not in ("mail", "row") or not is_id(number):
        raise UsageError("quarantine.item_form", item=item)
    with opened(options, reading=reading) as app:
        return (mail if kind == "mail" else row)(app, int(number))


def _mail(app: App, number: int) -> Copy:
    copy = app.mirror.ledger.get(number)
    if copy is None or copy.state is not MailState.QUARANTINED:
        raise DataError("quarantine.unknown_mail", id=number)
    return copy

"""`quarantine list|show|retry|drop|assign`: mails and shop rows that wait for a person.

An item is named `mail:ID` (a ledger row) or `row:ID` (a row of the shop that no form of answer gave). Mails that were
ignored can be looked at, decided anew and assigned, too: machines decided on them, and a person may know better.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from connector.cli.output import ID, emit_json, is_id, pairs, safe, say, table
from connector.cli.session import Options, opened, pick_shop, submit
from connector.cli.threads import report
from connector.core.model import Copy, MailState
from connector.engine.evidence import RETRY
from connector.errors import DataError, Exit, MailUnreadable, UsageError
from connector.ops import events as ev
from connector.wiring import App

Handler = Callable[[App, int], int]


@click.group()
def quarantine() -> None:
    """What could not be decided: list, show, retry, drop, assign to a thread."""


@quarantine.command("list")
@click.option("--shop", help="Only this shop.")
@click.option("--ignored", is_flag=True, help="Mails that were ignored, instead.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_(options: Options, shop: str | None, ignored: bool, as_json: bool) -> int:
    """Mails and shop rows in quarantine with the reason."""
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop) if shop else None
        state = MailState.IGNORED if ignored else MailState.QUARANTINED
        mails = app.mirror.queries.mails_aside(name, state)
        rows = [] if ignored else app.mirror.quarantine.list(name)
    if as_json:
        emit_json({"mails": mails, "rows": rows})
        return int(Exit.OK)
    lines = [(f"mail:{m['id']}", m["shop"], m["reason"], m["from_addr"], m["subject"]) for m in mails]
    lines += [(f"row:{r.id}", r.shop, r.reason, r.resource, r.row_id) for r in rows]
    if lines:
        table(("item", "shop", "reason", "from / resource", "subject / id"), lines)
    else:
        say("no mail was ignored" if ignored else "the quarantine is empty")
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
            "attempts": copy.attempts,
            "decided anew": copy.retry_at.isoformat() if copy.retry_at else "only by `quarantine retry`",
            "tried": copy.trail or "-",
            "suggestion": f"thread {copy.suggested} (same sender, no proof)" if copy.suggested else "-",
        }
        if as_json:
            facts |= {
                "state": str(copy.state),
                "decided anew": copy.retry_at.isoformat() if copy.retry_at else None,
                "tried": copy.trail.split(),
                "suggestion": copy.suggested,
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
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def retry(options: Options, item: str, as_json: bool) -> int:
    """Decide a mail anew, or read a shop row again (after a setting was changed or the shop was mended)."""

    def mail(app: App, number: int) -> int:
        copy = _mail(app, number)
        app.mirror.ledger.conclude(copy, MailState.RECEIVED, RETRY)
        return _told(as_json, item, "received", f"{item} is decided anew by the daemon or the next sync")

    def row(app: App, number: int) -> int:
        found = app.mirror.quarantine.get(number)
        if found.row_id is None:
            raise DataError("quarantine.row_without_id", row=number)
        read = app.rereads(found.shop).run(found.resource, [found.row_id])[0]
        if read.outcome in ("gone", "unknown"):
            text = f"{found.resource} {found.row_id} is not in the shop any more; it leaves the quarantine"
            return _told(as_json, item, "gone", text)
        if read.outcome == "broken":
            return _told(as_json, item, "broken", f"{item} is still broken", Exit.FOUND)
        return _told(as_json, item, "read", f"{found.resource} {found.row_id} was read; it leaves the quarantine")

    return _on(options, item, mail, row)


@quarantine.command("drop")
@click.argument("item")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def drop(options: Options, item: str, as_json: bool) -> int:
    """Set an item aside for good. A mail stays in the ledger as ignored, with its bytes."""

    def mail(app: App, number: int) -> int:
        copy = _mail(app, number, MailState.QUARANTINED)
        app.mirror.ledger.conclude(copy, MailState.IGNORED, "dropped_by_command")
        app.events.emit(ev.MAIL_IGNORED, shop=copy.shop, copy_id=copy.id, reason="dropped_by_command")
        return _told(as_json, item, "ignored", f"{item} is ignored from now on")

    def row(app: App, number: int) -> int:
        app.mirror.quarantine.drop(number)
        text = f"{item} is forgotten; it comes back if the shop gives it broken again"
        return _told(as_json, item, "forgotten", text)

    return _on(options, item, mail, row)


@quarantine.command("assign")
@click.argument("item")
@click.argument("thread_id", metavar="THREAD", type=ID)
@click.option("--as-customer", is_flag=True, help="It is the customer's, though it came from another address.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def assign(options: Options, item: str, thread_id: int, as_customer: bool, as_json: bool) -> int:
    """File a mail in a thread: as the customer's when it came from the thread's address, else as from somebody else."""

    def mail(app: App, number: int) -> int:
        copy = _mail(app, number)
        shop = pick_shop(app, copy.shop)
        intents = app.assignment(shop).assign(copy, thread_id, as_customer=as_customer)
        return report(submit(app, shop, intents), as_json)

    def row(app: App, number: int) -> int:
        del app, number
        raise UsageError("quarantine.only_mails", item=item)

    return _on(options, item, mail, row)


def _told(as_json: bool, item: str, outcome: str, text: str, code: Exit = Exit.OK) -> int:
    """What became of an item. outcome: received, ignored, read, gone, broken or forgotten."""
    if as_json:
        emit_json({"item": item, "outcome": outcome})
    else:
        say(text)
    return int(code)


def _on(options: Options, item: str, mail: Handler, row: Handler, *, reading: bool = False) -> int:
    kind, _, number = item.partition(":")
    if kind not in ("mail", "row") or not is_id(number):
        raise UsageError("quarantine.item_form", item=item)
    with opened(options, reading=reading) as app:
        return (mail if kind == "mail" else row)(app, int(number))


def _mail(app: App, number: int, *states: MailState) -> Copy:
    copy = app.mirror.ledger.get(number)
    if copy is None or copy.state not in (states or (MailState.QUARANTINED, MailState.IGNORED)):
        raise DataError("quarantine.unknown_mail", id=number)
    return copy

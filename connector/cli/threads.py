"""`thread list|show|status`, and what became of the intents of a writing command."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import click

from connector import words
from connector.cli import attachments
from connector.cli.output import ID, emit_json, pairs, safe, say, table
from connector.cli.session import Options, opened, outcome_code, pick_shop, queued, show_error, submit
from connector.core.model import Intent, IntentState
from connector.core.statuses import THREAD_STATUSES, thread_status
from connector.core.storedtext import readable
from connector.errors import ConnectorError, DataError, Exit, MailUnreadable, UsageError
from connector.wiring import App

_ALTERED = {
    "emoji_lost": "the shop lost its emoji",
    "cut": "the shop cut it off",
    "changed": "the shop stored another text than was sent",
}


@click.group()
def thread() -> None:
    """Customer-service threads: list, show, reply, set the status."""


@thread.command("list")
@click.option("--shop", help="Only this shop.")
@click.option("--status", type=click.Choice(THREAD_STATUSES), help="Only threads in this status.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_(options: Options, shop: str | None, status: str | None, limit: int, as_json: bool) -> int:
    """The threads of the mirror, the one with the newest message first."""
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop) if shop else None
        rows = app.mirror.queries.thread_list(name, status, limit)
    if as_json:
        emit_json(rows)
    else:
        keys = ("shop", "id", "status", "email", "id_order", "messages", "last_message_at")
        table(("shop", "thread", "status", "e-mail", "order", "messages", "last"), [[r[k] for k in keys] for r in rows])
    return int(Exit.OK)


@thread.command("show")
@click.argument("thread_id", type=ID)
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--full", is_flag=True, help="The whole text of mails, with quotes and signatures.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(options: Options, thread_id: int, shop: str | None, full: bool, as_json: bool) -> int:
    """One thread with its messages, oldest first."""
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop)
        view = app.mirror.queries.thread_view(name, thread_id)
        if view is None:
            raise DataError("thread.unknown", id=thread_id, shop=name)
        if full:
            _add_whole_texts(app, view)
        files = app.mirror.attachments.of_thread(name, thread_id)
        view["attachments"] = [attachments.view(one) for one in files]
    if as_json:
        emit_json(view)
        return int(Exit.OK)
    pairs(
        {
            "thread": f"{view['id']} ({view['status'] or 'no status'})",
            "customer": f"{_full_name(view['customer'])} <{view['email']}>",
            "order": (view["order"] or {}).get("reference") or "-",
            "came back": f"{view['bounced_mails']} mails to this address" if view["bounced_mails"] else "none",
        }
    )
    strangers = {
        m["id_message"]: f", from somebody else: {safe(m['from_addr'])} (by {m['reason'].rpartition('_by_')[2]})"
        for m in view["mails"]
        if m["reason"].startswith("foreign_sender_by_")
    }
    for message in view["messages"]:
        who = safe(message["employee"] or message["by"])
        note = ", private" if message["private"] else ""
        note += strangers.get(message["id"], "")
        note += f", {_ALTERED.get(message['altered'], message['altered'])}" if message["altered"] else ""
        note += ", its mail came back" if message["bounced"] else ""
        say(f"\n--- {message['id']}  {message['date_add'] or '-'}  {who}{note}")
        say(safe(message.get("full_text") or readable(message["text"]), lines=True))
        for line in attachments.lines([one for one in files if one.id_message == message["id"]]):
            say(line)
    shown = {message["id"] for message in view["messages"]}
    waiting = [one for one in files if one.id_message not in shown]
    if waiting:
        say("\n--- of mails whose message is not in the mirror")
    for line in attachments.lines(waiting):
        say(line)
    for intent in view["intents"]:
        say(f"\n... on its way: {intent['kind']} ({intent['state']})")
    return int(Exit.OK)


def _add_whole_texts(app: App, view: dict[str, Any]) -> None:
    """`full_text` beside `text` where a mail of the mirror brought the message; its bytes may be gone by now."""
    carried = {mail["id_message"]: mail["id"] for mail in view["mails"] if mail["id_message"]}
    for message in view["messages"]:
        copy = app.mirror.ledger.get(carried[message["id"]]) if message["id"] in carried else None
        if copy is None or not copy.blob:
            continue
        with suppress(MailUnreadable):
            message["full_text"] = app.codec.decode(app.mirror.ledger.raw(copy.blob)).text


def _full_name(customer: dict[str, str] | None) -> str:
    return f"{customer['firstname']} {customer['lastname']}" if customer else "-"


thread.add_command(attachments.attachment)


@thread.command("status")
@click.argument("thread_id", type=ID)
@click.argument("status")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def status(options: Options, thread_id: int, status: str, shop: str | None, as_json: bool) -> int:
    """Set a thread's status: open, closed, pending1 or pending2."""
    wanted = thread_status(status)
    if wanted is None:
        raise UsageError("thread.unknown_status", status=status, expected=", ".join(THREAD_STATUSES))
    with opened(options) as app:
        name = pick_shop(app, shop)
        intents = app.desk(name).thread_status(thread_id, wanted)
        done = submit(app, name, intents) if intents else []
    return report(done, as_json)


def explain(intent: Intent) -> None:
    """Why it failed and what can be done, in words."""
    facts = dict(pair.split("=", 1) for pair in intent.error_detail.split(", ") if "=" in pair)
    what, remedy = words.explain(ConnectorError(intent.error, **{"id": intent.id} | facts))
    known = intent.error in words.all_words()
    say(f"  why: {safe(what) if known else intent.error} {safe(intent.error_detail)}".rstrip())
    ways = f"`outbox retry {intent.id}` or `outbox cancel {intent.id}`"
    say(f"  what to do: {safe(remedy) if known and remedy else ways}")


def report(done: list[Intent], as_json: bool) -> int:
    """What became of the intents of a writing command."""
    if as_json:
        emit_json([{"id": i.id, "kind": i.kind, "state": i.state, "remote_id": i.remote_id, "result": i.result,
                    "error": i.error} for i in done])  # fmt: skip
    elif not done:
        say("nothing to do: it is so already")
    else:
        for intent in done:
            remote = f" #{intent.remote_id}" if intent.remote_id else ""
            note = f" ({intent.error})" if intent.error and intent.state is not IntentState.CONFIRMED else ""
            mail = f", the shop's mail: {intent.result['mail']}" if intent.result.get("mail", "none") != "none" else ""
            say(f"{intent.kind} {intent.state}{remote}{note}{mail}")
            if intent.state in (IntentState.FAILED, IntentState.CONFLICT):
                explain(intent)
    waits = queued(done)
    if waits is not None:
        show_error(waits)
    return int(outcome_code(done))

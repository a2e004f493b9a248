"""`thread note|forward|read`: what staff do with a thread among themselves."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.output import ID
from connector.cli.session import Options, opened, pick_shop, submit
from connector.cli.texts import given_text
from connector.cli.threads import report


@click.command("note")
@click.argument("thread_id", type=ID)
@click.argument("text", required=False)
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--file", "source", type=click.Path(path_type=Path, dir_okay=False), help="Text file, - for stdin.")
@click.option("--employee", type=ID, default=None, help="id of the employee who writes.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def note(
    options: Options,
    thread_id: int,
    text: str | None,
    shop: str | None,
    source: Path | None,
    employee: int | None,
    as_json: bool,
) -> int:
    """A private note for colleagues: the customer sees and gets nothing, the status stays.

    Without TEXT and --file it is read from standard input.
    """
    words = given_text(source, text)
    with opened(options) as app:
        name = pick_shop(app, shop)
        done = submit(app, name, app.desk(name).reply(thread_id, words, employee=employee or 0, private=True))
    return report(done, as_json)


@click.command("forward")
@click.argument("thread_id", type=ID)
@click.option("--to", required=True, help="id or address of an employee, or any address (then with a comment).")
@click.option("--comment", default="", help="What the reader is to do; it stands first in mail and note.")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--employee", type=ID, default=None, help="id of the employee who forwards.")
@click.option("--force", is_flag=True, help="However many mails went there today.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def forward(
    options: Options,
    thread_id: int,
    to: str,
    comment: str,
    shop: str | None,
    employee: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """Mail a thread to a colleague or to somebody else; a private note in the thread says so.

    Private notes of the thread go to employees only. Nothing in the mail lets its reader write as the customer.
    """
    with opened(options) as app:
        name = pick_shop(app, shop)
        wishes = app.forwarding(name).forward(thread_id, to, comment, employee=employee or 0, force=force)
        done = submit(app, name, wishes)
    return report(done, as_json)


@click.command("read")
@click.argument("thread_id", type=ID)
@click.option("--unread", is_flag=True, help="The other way round.")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def read(options: Options, thread_id: int, unread: bool, shop: str | None, as_json: bool) -> int:
    """Mark the customer's messages of a thread as read by staff (PrestaShop 8 and later)."""
    with opened(options) as app:
        name = pick_shop(app, shop)
        intents = app.notes(name).mark(thread_id, read=not unread)
        done = submit(app, name, intents) if intents else []
    return report(done, as_json)


COMMANDS = (note, forward, read)

"""`thread reply` and `thread next`: whose turn it is, and the answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from connector.cli.drafts import Draft, editor_is_named
from connector.cli.output import ID, emit_json, safe, say, warn
from connector.cli.session import Options, opened, pick_shop, submit
from connector.cli.texts import given_text
from connector.cli.threads import report
from connector.core.model import IntentState
from connector.core.storedtext import readable
from connector.engine.desk import Desk
from connector.errors import Exit, UsageError
from connector.wiring import App


@dataclass(frozen=True, slots=True)
class _Given:
    """Where the text comes from, as the command line says."""

    message: str | None
    file: Path | None
    template: str | None
    values: tuple[str, ...]
    edit: bool

    def check(self) -> None:
        ways = {"--message": self.message, "--file": self.file, "--template": self.template}
        named = [name for name, value in ways.items() if value is not None]
        if len(named) > 1:
            raise UsageError("reply.two_texts", given=" and ".join(named))
        if self.values and self.template is None:
            raise UsageError("reply.values_without_template")
        for value in self.values:
            if "=" not in value[1:]:
                raise UsageError("reply.value_form", value=value)


@click.command("reply")
@click.argument("thread_id", type=ID)
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--file", "source", type=click.Path(path_type=Path, dir_okay=False), help="Text file, - for stdin.")
@click.option("--message", help="The text itself.")
@click.option("--template", metavar="NAME", help="A ready answer (`templates list`), in the customer's language.")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="Fill a placeholder of the template.")
@click.option("--edit", is_flag=True, help="Open the editor on a text given otherwise.")
@click.option("--employee", type=ID, default=None, help="id of the employee who writes.")
@click.option("--private", is_flag=True, help="A note for colleagues: no mail, no change of status.")
@click.option("--no-mail", is_flag=True, help="Write into the thread only; the customer gets no mail.")
@click.option("--force", is_flag=True, help="However many mails went to this customer today.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def reply(
    options: Options,
    thread_id: int,
    shop: str | None,
    source: Path | None,
    message: str | None,
    template: str | None,
    values: tuple[str, ...],
    edit: bool,
    employee: int | None,
    private: bool,
    no_mail: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Answer a customer: the message into the thread, the mail to the customer, then the thread's status.

    Without --message, --file or --template an editor opens ($VISUAL, $EDITOR, else the system's), with the thread's
    last message below; text that is piped in is taken as it is. An empty or unchanged text sends nothing.
    """
    given = _Given(message, source, template, values, edit)
    given.check()
    with opened(options) as app:
        name = pick_shop(app, shop)
        desk = app.desk(name)
        how = {"employee": employee or 0, "private": private, "mail": not no_mail, "force": force}
        desk.may_reply(thread_id, **how)  # type: ignore[arg-type]  # mypy: one type for all values
        text, draft = _text(app, name, desk, thread_id, given)
        if text is None:
            if as_json:
                emit_json([])
            else:
                say("nothing was sent: the text was left empty or unchanged")
            return int(Exit.OK)
        try:
            intents = desk.reply(thread_id, text, **how)  # type: ignore[arg-type]
        except BaseException:
            _keep(draft, thread_id)
            raise
        done = submit(app, name, intents)
    if any(intent.state in (IntentState.FAILED, IntentState.CONFLICT) for intent in done):
        _keep(draft, thread_id)
    elif draft is not None:
        draft.done()  # its words are in the outbox at least, which is on disk
    return report(done, as_json)


@click.command("next")
@click.option("--shop", help="Only this shop.")
@click.option("--reply", "answer", is_flag=True, help="Open the editor to answer it.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; null when nobody waits.")
@click.pass_context
def next_(ctx: click.Context, shop: str | None, answer: bool, as_json: bool) -> int:
    """The thread whose customer has waited longest for an answer.

    Open threads that end with the customer's words; the longest wait since the last answer comes first. Threads in
    pending1 and pending2 are left out: that is how a team sets them aside.
    """
    options: Options = ctx.obj
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop) if shop else None
        found = next(iter(app.mirror.waiting.threads(name, 1)), None)
        view = app.mirror.queries.thread_view(found["shop"], found["id"]) if found else None
    if as_json and not answer:
        emit_json(found and {**found, "thread": view})
        return int(Exit.OK)
    if found is None or view is None:
        say("nobody waits for an answer")
        return int(Exit.OK)
    if answer:
        outcome = ctx.invoke(reply, thread_id=found["id"], shop=found["shop"], as_json=as_json)
        return int(outcome)
    say(
        f"thread {found['id']} of {safe(found['shop'])}: {safe(_who(view))} waits since {found['waiting_since'] or '?'}"
    )
    for line in _last_words(view):
        say(safe(line))
    say(f"\n`thread reply {found['id']}` answers it, `thread show {found['id']}` shows all of it")
    return int(Exit.OK)


# --- the text -------------------------------------------------------------------------------------------------------


def _text(app: App, shop: str, desk: Desk, thread_id: int, given: _Given) -> tuple[str | None, Draft | None]:
    """The text, None for nothing, and the draft that it stands in."""
    text = ""
    edit = given.edit
    if given.message is not None:
        text = given.message
    elif given.template is not None:
        text = _from_template(app, shop, desk, thread_id, given.template, given.values)
    elif given.file is not None:
        text = given_text(given.file, None)
    elif sys.stdin.isatty():
        edit = True
    elif not edit:
        text = given_text(None, None)
        edit = not text.strip() and editor_is_named()
    if not edit:
        return text, None
    view = app.mirror.queries.thread_view(shop, thread_id)
    draft = Draft.new(Path(app.settings.state_dir), thread_id, text, _remarks(view or {}))
    written = draft.edit()
    if written is None:
        draft.done()
    return written, draft


def _from_template(app: App, shop: str, desk: Desk, thread_id: int, name: str, given: Sequence[str]) -> str:
    view = app.mirror.queries.thread_view(shop, thread_id) or {}
    language = desk.letters.language(desk.thread(thread_id))
    template = app.templates.named(shop, name)
    customer, order = view.get("customer") or {}, view.get("order") or {}
    facts = {
        "firstname": customer.get("firstname"),
        "lastname": customer.get("lastname"),
        "order": order.get("reference"),
        "shop": desk.letters.shop_title(),
        "thread": str(thread_id),
    }
    known = {key: " ".join(str(value).split()) for key, value in facts.items() if value}
    text = template.render(language, known | dict(value.split("=", 1) for value in given))
    chosen = template.language(language)
    if not language.startswith(chosen):
        warn(f"warning: the template {name} is not written in {language}; this is its text in {chosen}")
    return text


def _remarks(view: dict[str, Any]) -> list[str]:
    """What stands below the text to be written."""
    order = (view.get("order") or {}).get("reference")
    about = f"Answer to {_who(view)}, thread {view.get('id')}" + (f", order {order}" if order else "")
    rules = ["Lines that begin with #> are not sent. An empty or unchanged text sends nothing."]
    return ["", about, *rules, "", *_last_words(view)]


def _last_words(view: dict[str, Any]) -> list[str]:
    """The last message that the customer can know of, quoted."""
    public = [message for message in view.get("messages", []) if not message["private"]]
    if not public:
        return []
    last = public[-1]
    head = f"{last['employee'] or last['by']} wrote on {last['date_add'] or '?'}:"
    return [head, *(f"> {line}".rstrip() for line in readable(last["text"]).splitlines())]


def _who(view: dict[str, Any]) -> str:
    customer = view.get("customer") or {}
    name = " ".join(part for part in (customer.get("firstname"), customer.get("lastname")) if part)
    return f"{name} <{view.get('email')}>" if name else str(view.get("email"))


def _keep(draft: Draft | None, thread_id: int) -> None:
    if draft is not None:
        warn(f"what you wrote is kept in {draft.path}; `thread reply {thread_id} --file {draft.path}` sends it")

"""`check-config`."""

from __future__ import annotations

from typing import Any

import click

from connector import config
from connector.cli.output import emit_json, safe, say
from connector.cli.session import Options, load, opened, show_error
from connector.engine.legs import rights_missing
from connector.engine.pull import version_of
from connector.errors import ConnectorError, ShopForbidden, worst
from connector.wiring import App


@click.command("check-config")
@click.option("--online", is_flag=True, help="Also ask the shops, mailboxes and mail servers (reads only).")
@click.option("--show", "show_it", is_flag=True, help="Print the settings in force, secrets masked.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def check_config(options: Options, online: bool, show_it: bool, as_json: bool) -> int:
    """Read the settings and say everything that is wrong with them."""
    settings = config.load(options.config) if online else load(options)
    checks: list[dict[str, Any]] = []
    errors: list[ConnectorError] = []
    if online:
        with opened(options) as app:
            for name in settings.shops:
                _ask(app, name, checks, errors)
    if as_json:
        shown = config.show(settings) if show_it else None
        emit_json({"settings": shown, "warnings": list(settings.warnings), "checks": checks})
        return int(worst([e.exit for e in errors]))
    if show_it:
        _tree(config.show(settings))
    shops = ", ".join(settings.shops)
    say(f"settings: ok ({len(settings.shops)} shop(s): {shops})")
    for line in checks:
        say(f"{line['what']}: {'ok' if line['ok'] else 'FAILED'} {safe(line['detail'])}".rstrip())
    for error in errors:
        show_error(error)
    return int(worst([e.exit for e in errors]))


def _ask(app: App, name: str, checks: list[dict[str, Any]], errors: list[ConnectorError]) -> None:
    def note(what: str, work: Any) -> None:  # noqa: ANN401 - a callable without arguments that gives a line
        try:
            checks.append({"what": what, "ok": True, "detail": work()})
        except ConnectorError as error:
            checks.append({"what": what, "ok": False, "detail": error.code})
            errors.append(error)

    def shop() -> str:
        return f"PrestaShop {app.probe(name).version}"

    def rights() -> str:
        info = app.probe(name)
        here = [r.name for r in app.resources if version_of(info.version) >= r.since]
        missing, unread = rights_missing(info, here, app.shop_facts(name).can_backdate)
        if missing:
            raise ShopForbidden("shop.rights_missing", missing=", ".join(missing))
        return "all rights there" if not unread else "usable, but not mirrored for want of GET: " + ", ".join(unread)

    note(f"shop {name}", shop)
    if checks[-1]["ok"]:
        note(f"key {name}", rights)
    settings = app.shop_settings(name)
    for box, m in settings.mailboxes.items():

        def folders(box: str = box, m: config.MailboxSettings = m) -> str:
            with app.mailbox(name, box) as session:
                counts = [f"{f} {session.select(f).exists}" for f in (*m.folders, *m.sent_folders)]
                session.require(m.after, m.move_to)
            return "mails in " + ", ".join(counts)

        note(f"mailbox {name}.{box}", folders)
    sender = app.sender(name)
    if sender is not None:
        check = sender.check

        def handshake() -> str:
            check()
            return "connection and login accepted"

        note(f"smtp {name}", handshake)


def _tree(value: Any, indent: int = 0) -> None:  # noqa: ANN401 - nested dicts of settings
    for key, inner in value.items():
        if isinstance(inner, dict):
            say(f"{'  ' * indent}{key}:")
            _tree(inner, indent + 1)
        else:
            say(f"{'  ' * indent}{key} = {safe(inner)}")

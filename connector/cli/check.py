"""`check-config`."""

from __future__ import annotations

from typing import Any

import click

from connector import config
from connector.cli.doctor import told
from connector.cli.output import emit_json, safe, say
from connector.cli.session import Options, check_owner, load, show_error
from connector.engine.doctor.finding import Finding, State, outcome
from connector.wiring import doctor as examination

CALLED = {"shop.reach": "shop", "shop.rights": "key", "mailbox.login": "mailbox", "smtp.login": "smtp"}
"""What the lines of this command call checks that have another name in an examination."""


@click.command("check-config")
@click.option("--online", is_flag=True, help="Also ask the shops, mailboxes and mail servers (reads only).")
@click.option("--show", "show_it", is_flag=True, help="Print the settings in force, secrets masked.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def check_config(options: Options, online: bool, show_it: bool, as_json: bool) -> int:
    """Read the settings and say everything that is wrong with them."""
    settings = load(options)
    found: list[Finding] = []
    if online:
        check_owner(settings)
        found = [one for one in examination.ask(settings) if one.state is not State.SKIP]
    code = int(outcome(found))
    if as_json:
        shown = config.show(settings) if show_it else None
        checks = [_plain(one) for one in found]
        emit_json({"settings": shown, "warnings": list(settings.warnings), "checks": checks})
        return code
    if show_it:
        _tree(config.show(settings))
    shops = ", ".join(settings.shops)
    say(f"settings: ok ({len(settings.shops)} shop(s): {shops})")
    for one in found:
        line = _plain(one)
        say(f"{line['what']}: {'ok' if line['ok'] else 'FAILED'} {safe(line['detail'])}")
    for one in found:
        if one.state is State.FAIL and one.error is not None:
            show_error(one.error)
    return code


def _plain(one: Finding) -> dict[str, Any]:
    fine = one.state is not State.FAIL
    what = f"{CALLED.get(one.check, one.check)} {one.subject}"
    return {"what": what, "ok": fine, "detail": told(one)[0] if fine else one.code}


def _tree(value: Any, indent: int = 0) -> None:  # noqa: ANN401 - nested dicts of settings
    for key, inner in value.items():
        if isinstance(inner, dict):
            say(f"{'  ' * indent}{key}:")
            _tree(inner, indent + 1)
        else:
            say(f"{'  ' * indent}{key} = {safe(inner)}")

"""`doctor`: shows what the examination finds, line by line."""

from __future__ import annotations

from typing import Any

import click

from connector import config, words
from connector.cli.output import emit_json, safe, say
from connector.cli.session import Options, check_owner, named_shop, set_up_log
from connector.engine.doctor.finding import Finding, State, counts, fail, outcome, skip
from connector.errors import SettingsError
from connector.wiring import doctor as examination
from connector.words_parts.doctor import SAID


@click.command()
@click.option("--offline", is_flag=True, help="Ask no shop, mailbox or mail server.")
@click.option("--shop", help="This shop only.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def doctor(options: Options, offline: bool, shop: str | None, as_json: bool) -> int:
    """Check everything and say what to do: settings, files, mirror, shops, keys, mailboxes, mail servers.

    Changes nothing. Each line is ok, warn, FAIL or skip (with the reason); what is wrong comes with its remedy.
    Exit code: 0 when nothing failed (warnings do not count), else that of the worst failure.
    """
    findings: list[Finding] = []

    def show(one: Finding) -> None:
        findings.append(one)
        if not as_json:
            _show(one)

    try:
        settings = config.load(options.config)
    except SettingsError as error:
        show(fail("settings", "", error))
        show(skip("everything else", "", "doctor.no_settings"))
        return _end(findings, as_json)
    set_up_log(options, settings, warnings=False)
    names = list(settings.shops) if shop is None else [named_shop(settings, shop)]
    for one in examination.examine(settings, names, online=not offline, refused=lambda: check_owner(settings)):
        show(one)
    return _end(findings, as_json)


def told(one: Finding) -> tuple[str, str]:
    """(what was found, what to do)."""
    if one.error is not None:
        return words.explain(one.error)
    return SAID[one.code].format(**one.facts), ""


def _show(one: Finding) -> None:
    text, remedy = told(one)
    state = one.state.upper() if one.state is State.FAIL else str(one.state)
    place = f"{one.check} {one.subject}".strip()
    say(f"{state:<5}{safe(place)}: {safe(text, lines=True)}")
    if remedy:
        say(f"     what to do: {safe(remedy, lines=True)}")


def _end(findings: list[Finding], as_json: bool) -> int:
    code = int(outcome(findings))
    found = counts(findings)
    if as_json:
        emit_json({"exit_code": code, "counts": found, "checks": [_plain(one) for one in findings]})
    else:
        say(f"{found['ok']} ok, {found['warn']} to look at, {found['fail']} failed, {found['skip']} not looked at")
    return code


def _plain(one: Finding) -> dict[str, Any]:
    text, remedy = told(one)
    return {
        "check": one.check,
        "subject": one.subject,
        "state": str(one.state),
        "code": one.code,
        "text": text,
        "remedy": remedy,
        "facts": dict(one.facts),
    }

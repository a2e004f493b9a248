"""`status`: how every shop is doing, for people, scripts and monitoring."""

from __future__ import annotations

from typing import Any

import click

from connector import words
from connector.cli.output import emit_json, safe, say, table
from connector.cli.session import Options, opened
from connector.core.health import Level, check_line, span, worst
from connector.errors import ConnectorError, Exit
from connector.wiring import overview


@click.command()
@click.option("--check", is_flag=True, help="One line for monitoring: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def status(options: Options, check: bool, as_json: bool) -> int:
    """How every shop is doing: last and next runs, mails and changes by state, quarantine, what is not well. Reads the
    mirror only."""
    if check:
        return _check(options)
    with opened(options, reading=True) as app:
        shops = [overview.as_json(app, overview.look(app, name)) for name in app.settings.shops]
    if as_json:
        emit_json({"shops": shops})
        return int(Exit.OK)
    for shop in shops:
        _show(shop)
    return int(Exit.OK)


def _check(options: Options) -> int:
    """Nothing but the line and its code, whatever happens: a plug-in that fails otherwise is taken for unknown."""
    try:
        with opened(options, reading=True) as app:
            seen = [overview.look(app, name) for name in app.settings.shops]
            findings = [finding for one in seen for finding in one.findings]
            line = check_line([one.vitals for one in seen], findings, overview.limits(app))
    except ConnectorError as error:
        what, remedy = words.explain(error)
        say(safe(" ".join(f"PRESTASHOP-CONNECTOR UNKNOWN - {what} {remedy}".replace("|", "/").split())))
        return int(Level.UNKNOWN)
    except Exception as error:
        say(f"PRESTASHOP-CONNECTOR UNKNOWN - a fault of this program: {type(error).__name__}")
        return int(Level.UNKNOWN)
    say(safe(line))
    return int(worst(findings))


COMPARING = ("sweep", "deletions")
"""Legs that compare the mirror with the shop: what they cost the shop is shown, since it is paid without any change."""


def _cost(leg: dict[str, Any]) -> str:
    """`sweep: 14 requests, 0.4 s, 3 rows read again (2025-01-31 12:00:00 UTC)`: of a leg's last run."""
    counts, ended = leg["counts"], leg["finished_at"]
    read = sum(counts.get(name, 0) for name in ("new", "changed", "fetched"))
    seconds = f", {(ended - leg['started_at']).total_seconds():.1f} s" if ended else ""
    gone = f", {counts['gone']:,} rows gone" if "gone" in counts else ""
    at = leg["started_at"].strftime("%Y-%m-%d %H:%M:%S")
    return f"{leg['leg']}: {counts.get('requests', 0):,} requests{seconds}, {read:,} rows read again{gone} ({at} UTC)"


def _show(shop: dict[str, Any]) -> None:
    say(f"shop {safe(shop['shop'])}: PrestaShop {shop['prestashop'] or 'not asked yet'}")
    say(f"  health: {shop['health']}")
    for finding in shop["findings"]:
        say(f"    {finding['level']}: {safe(finding['text'])}")
    say(f"  worker: {safe(shop['worker'] or 'none (no daemon or sync runs)')}")
    if shop["legs"]:
        table(
            ("  leg", "last run (UTC)", "outcome", "last success (UTC)", "lag", "next run (UTC)", "error"),
            [
                (
                    f"  {leg['leg']}",
                    leg["started_at"],
                    leg["outcome"],
                    leg["last_success_at"],
                    None if leg["lag"] is None else span(leg["lag"]),
                    leg["next_run"],
                    leg["error"] or "-",
                )
                for leg in shop["legs"]
            ],
        )
    else:
        say("  never synced")
    for leg in shop["legs"]:
        if leg["leg"] in COMPARING and leg["counts"]:
            say(f"  {_cost(leg)}")
        if leg["error"] == "guard.mass_deletion":
            say("  guard: too many rows are gone at once, so none was marked; `sync --full` names the resource")
    fine = [name for name, state in shop["logins"].items() if state == "ok"]
    if fine:
        say("  logins by OAuth: " + ", ".join(f"{safe(name)} ok" for name in fine))
    for login, why in shop["reauthorise"].items():
        say(f"  reauthorise: {safe(login)} ({why}): run `prestashop-connector mailbox authorize {safe(login)}`")
    parts = ("_lang", "_rows", "_details", "_groups")
    rows = {name: count for name, count in shop["rows"].items() if count and not name.endswith(parts)}
    say("  rows: " + (", ".join(f"{name} {count:,}" for name, count in rows.items()) or "none"))
    say("  mails: " + (", ".join(f"{count} {state}" for state, count in sorted(shop["mails"].items())) or "none"))
    say("  changes: " + (", ".join(f"{count} {state}" for state, count in sorted(shop["intents"].items())) or "none"))
    for state, age in shop["oldest"].items():
        say(f"    oldest {state}: wished {span(age['seconds'])} ago")
    say(f"  quarantine: {shop['quarantined_mails']} mails, {shop['quarantined_rows']} rows")
    if shop["conflicts"]:
        say(f"  conflicts: {shop['conflicts']} (`conflicts list`)")
    if shop["altered_messages"]:
        say(f"  stored otherwise than sent: {shop['altered_messages']} messages (`thread show` tells how)")
    for one in shop["duplicates"][:20]:
        entry = f", see `outbox show {one['intent_id']}`" if one["intent_id"] else ""
        say(f"  twice in the shop: {one['resource']} {one['row_id']} beside {one['first_id']}{entry}")
    if len(shop["duplicates"]) > 20:
        say(f"  and {len(shop['duplicates']) - 20} more (--json lists them)")
    for reason, meaning in (("deleted", "gone from the shop"), ("referenced", "pointed to but absent")):
        found = {name: counts[reason] for name, counts in sorted(shop["tombstones"].items()) if reason in counts}
        if found:
            say(f"  {meaning}: " + ", ".join(f"{name} {count:,}" for name, count in found.items()))
    if shop["to_read_again"]:
        say("  to be read again in full: " + ", ".join(shop["to_read_again"]))

"""`check-config` and `status`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from connector import config
from connector.cli.output import emit_json, safe, say, table
from connector.cli.session import Options, load, opened, show_error
from connector.engine.legs import rights_missing
from connector.engine.pull import version_of
from connector.errors import ConnectorError, Exit, ShopForbidden, worst
from connector.ops import process
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


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def status(options: Options, as_json: bool) -> int:
    """How every shop is doing: last runs, mails and changes by state, quarantine. Reads the mirror only."""
    with opened(options, reading=True) as app:
        shops = [_status(app, name) for name in app.settings.shops]
    if as_json:
        emit_json({"shops": shops})
        return int(Exit.OK)
    for shop in shops:
        _show(shop)
    return int(Exit.OK)


def _status(app: App, name: str) -> dict[str, Any]:
    mirror = app.mirror
    return {
        "shop": name,
        "prestashop": app.version(name),
        "worker": _worker(mirror.leases.holder(name)),
        "legs": mirror.runs.last(name),
        "reauthorise": {login.name: state for login in app.accounts.logins(name) if (state := login.state())},
        "rows": mirror.queries.table_counts(name),
        "mails": mirror.ledger.states(name),
        "intents": mirror.outbox.states(name),
        "next_due": mirror.outbox.next_due(name),
        "quarantined_mails": len(mirror.queries.quarantined_mails(name, 10_000)),
        "quarantined_rows": len(mirror.quarantine.list(name, None, 10_000)),
        "conflicts": len(mirror.conflicts.listing(name)),
        "duplicates": [asdict(one) for one in mirror.duplicates.listing(name)],
        "to_read_again": mirror.rows.rereads(name),
        "tombstones": mirror.contents.tombstones(name),
    }


def _worker(holder: str | None) -> str | None:
    """host:pid of who works for the shop; a lease that a dead process left behind counts for nobody."""
    if holder is None or process.is_dead(holder):
        return None
    return ":".join(holder.split(":")[:2])


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
    say(f"  worker: {safe(shop['worker'] or 'none (no daemon or sync runs)')}")
    if shop["legs"]:
        table(
            ("  leg", "last run (UTC)", "outcome", "last success (UTC)", "error"),
            [
                (
                    f"  {leg['leg']}",
                    leg["started_at"],
                    leg["outcome"] or "running",
                    leg["last_success_at"],
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
    for login, why in shop["reauthorise"].items():
        say(f"  reauthorise: {safe(login)} ({why}): run `prestashop-connector mailbox authorize {safe(login)}`")
    parts = ("_lang", "_rows", "_details", "_groups")
    rows = {name: count for name, count in shop["rows"].items() if count and not name.endswith(parts)}
    say("  rows: " + (", ".join(f"{name} {count:,}" for name, count in rows.items()) or "none"))
    say("  mails: " + (", ".join(f"{count} {state}" for state, count in sorted(shop["mails"].items())) or "none"))
    say("  changes: " + (", ".join(f"{count} {state}" for state, count in sorted(shop["intents"].items())) or "none"))
    say(f"  quarantine: {shop['quarantined_mails']} mails, {shop['quarantined_rows']} rows")
    if shop["conflicts"]:
        say(f"  conflicts: {shop['conflicts']} (`conflicts list`)")
    for one in shop["duplicates"][:20]:
        entry = f", see `outbox show {one['intent_id']}`" if one["intent_id"] else ""
        say(f"  twice in the shop: {one['resource']} {one['row_id']} beside {one['first_id']}{entry}")
    if len(shop["duplicates"]) > 20:
        say(f"  and {len(shop['duplicates']) - 20} more (--json lists them)")
    for reason, words in (("deleted", "gone from the shop"), ("referenced", "pointed to but absent")):
        found = {name: counts[reason] for name, counts in sorted(shop["tombstones"].items()) if reason in counts}
        if found:
            say(f"  {words}: " + ", ".join(f"{name} {count:,}" for name, count in found.items()))
    if shop["to_read_again"]:
        say("  to be read again in full: " + ", ".join(shop["to_read_again"]))

"""`sync` and `plan`: one cycle, or what one would do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from connector.cli import progress
from connector.cli.output import ID, emit_json, safe, say, table
from connector.cli.reread import reread
from connector.cli.session import Options, Stop, lease, opened, pick_shop, show_error
from connector.core.decisions import Decision
from connector.core.model import FINAL, IntentState
from connector.engine.collect import CollectReport
from connector.engine.cycle import CycleReport, cycle
from connector.engine.deletions import DeletionReport
from connector.engine.join import JoinReport
from connector.engine.pull import PullReport
from connector.engine.pushed import PushReport
from connector.errors import ConnectorError, Exit, UsageError, worst
from connector.wiring import App

LEGS = ("pull", "collect", "push")


@click.command()
@click.option("--shop", help="Only this shop (default: all, one after the other).")
@click.option("--only", help="Only these legs, comma-separated: pull, collect, push.")
@click.option("--resource", "resources", multiple=True, help="Only this resource (with the pull leg; repeatable).")
@click.option("--id", "ids", type=ID, multiple=True, help="Only this row of the one --resource (repeatable).")
@click.option("--full", is_flag=True, help="Read every row again, not only what changed, and look for deleted ones.")
@click.option(
    "--allow-deletions",
    "allowed",
    multiple=True,
    metavar="RESOURCE",
    help="With --full: any number of rows of this resource may be gone from the shop (repeatable).",
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the settle time of doubtful writes; end with 75.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Also take in mails that came on this day or later (YYYY-MM-DD), though older than the first run.",
)
@click.option("--new-baseline", is_flag=True, help="After a lost mirror: import nothing older than now.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
@click.pass_obj
def sync(
    options: Options,
    shop: str | None,
    only: str | None,
    resources: tuple[str, ...],
    ids: tuple[int, ...],
    full: bool,
    allowed: tuple[str, ...],
    no_wait: bool,
    since: datetime | None,
    new_baseline: bool,
    as_json: bool,
) -> int:
    """Do everything once: pull, collect, reconcile, push, and prove that all is accounted for."""
    legs = _legs(only)
    if resources and "pull" not in legs:
        raise UsageError("sync.resource_without_pull")
    if allowed and not (full and "pull" in legs):
        raise UsageError("sync.allowed_without_full")
    if since and "collect" not in legs:
        raise UsageError("sync.since_without_collect")
    if ids and (len(resources) != 1 or only or full or no_wait or new_baseline or since):
        raise UsageError("sync.id_alone")
    stop = Stop()
    stop.install()
    codes: list[Exit] = []
    summaries: list[dict[str, Any]] = []
    with opened(options, new_baseline=new_baseline, since=since.date() if since else None) as app:
        unknown = {*resources, *allowed} - {r.name for r in app.resources}
        if unknown:
            raise UsageError("sync.unknown_resource", names=", ".join(sorted(unknown)))
        if ids:
            return reread(app, pick_shop(app, shop), resources[0], ids, as_json)
        for name in [pick_shop(app, shop)] if shop else list(app.settings.shops):
            if stop():
                break
            try:
                with progress.shown(as_json) as bar, lease(app, name):
                    if full:
                        app.mirror.rows.read_again(name, list(resources) or None)
                    report = cycle(
                        app.legs(name, bar.rows if bar else None),
                        app.events,
                        stop,
                        only=legs,
                        resources=list(resources) or None,
                        wait=not no_wait,
                        full=full,
                        allowed=allowed,
                        on_leg=bar.leg if bar else lambda leg: None,
                        on_wait=bar.waiting if bar else lambda seconds: None,
                    )
            except ConnectorError as error:
                show_error(error)
                codes.append(error.exit)
                continue
            codes.append(report.code)
            summaries.append(summary(report))
            if not as_json:
                show(report)
            for problem in _distinct(report.errors):
                show_error(problem)
        if app.settings.metrics.textfile is not None or app.settings.health.ping_url is not None:
            from connector.wiring.monitor import tell_once  # loads the metrics, which few need

            tell_once(app)
    if as_json:
        emit_json({"shops": summaries, "exit_code": int(worst(codes))})
    return int(Exit.INTERRUPTED) if stop() else int(worst(codes))


def _legs(only: str | None) -> tuple[str, ...]:
    if only is None:
        return LEGS
    wanted = tuple(part.strip() for part in only.split(",") if part.strip())
    wrong = [leg for leg in wanted if leg not in LEGS]
    if wrong or not wanted:
        raise UsageError("sync.unknown_leg", found=", ".join(wrong) or "nothing", known=", ".join(LEGS))
    return wanted


def _distinct(errors: list[ConnectorError]) -> list[ConnectorError]:
    """One of each: a shop that is down fails every resource in the same words."""
    seen: dict[tuple[str, str], ConnectorError] = {}
    for error in errors:
        facts = {k: v for k, v in error.facts.items() if k not in ("resource", "path")}
        seen.setdefault((error.code, str(sorted(facts.items()))), error)
    return list(seen.values())


# --- the summary --------------------------------------------------------------------------------------------------


def summary(report: CycleReport) -> dict[str, Any]:
    """The cycle as JSON-able data: a stable shape for scripts."""
    account = report.account
    return {
        "shop": report.shop,
        "exit_code": int(report.code),
        "legs": {
            name: {
                "exit_code": int(result.code),
                **result.counts,
                "errors": [{"code": e.code, **e.facts} for e in result.errors],
            }
            for name, result in report.results.items()
        },
        "mails": account.mails if account else {},
        "intents": account.intents if account else {},
        "unexplained": account.unexplained if account else 0,
        "missing": account.missing if account else 0,
        "duplicates": account.duplicates if account else 0,
        "in_doubt": [intent.id for intent in report.waiting],
        "postponed": [intent.id for intent in report.postponed],
    }


def show(report: CycleReport) -> None:
    """The cycle for a person: what came, what was decided, what was carried back."""
    say(f"shop {safe(report.shop)}")
    for name, result in report.results.items():
        inner = result.report
        if isinstance(inner, PullReport):
            _show_pull(name, inner)
        elif isinstance(inner, DeletionReport):
            _show_deletions(inner)
        elif isinstance(inner, CollectReport):
            _show_collect(inner)
        elif isinstance(inner, JoinReport):
            _show_join(inner)
        elif isinstance(inner, PushReport):
            _show_push(inner)
    account = report.account
    if account is not None:
        words = "every mail is accounted for" if account.holds else "NOT every mail is accounted for"
        looked = report.results.get("collect")
        if account.holds and (looked is None or looked.code is not Exit.OK):
            words = "the ledger is in order (not every mailbox was looked at)"
        counts = ", ".join(f"{count} {state}" for state, count in sorted(account.mails.items())) or "no mail yet"
        say(f"  account    {words}: {counts}")
        if not account.holds:
            say(
                f"             {account.missing} on the server but not in the ledger, {account.unexplained} unexplained"
            )
            say(f"             {account.duplicates} changes twice in the shop (`status` names them)")
    if report.postponed:
        say(f"  put off    {len(report.postponed)}: tried again by a later run (`outbox list`)")
    if report.waiting:
        say(f"  in doubt   {len(report.waiting)}: looked up again by the next run (`outbox list`)")


def _show_pull(name: str, report: PullReport) -> None:
    label = "read back" if name == "read_back" else "pulled"
    for resource, r in report.resources.items():
        if r.new or r.changed or r.broken:
            extra = f", {r.broken} in quarantine" if r.broken else ""
            say(f"  {label:<10} {resource:<18} {r.new:>7,} new {r.changed:>7,} changed{extra}")
    if not (report.new or report.changed or report.broken):
        say(f"  {label:<10} nothing new")


def _show_deletions(report: DeletionReport) -> None:
    for resource, found in report.resources.items():
        if found.gone or found.fetched:
            say(f"  deleted    {resource:<18} {found.gone:>7,} gone {found.fetched:>8,} fetched")
    if not report.counts["gone"] and not report.errors:
        say("  deleted    nothing")


def _show_collect(report: CollectReport) -> None:
    for folder in report.folders:
        where = f"{safe(folder.mailbox)}/{safe(folder.folder)}".rstrip("/")
        if folder.error is not None:
            say(f"  collected  {where}: failed")
        else:
            note = " (first sight: older mail stays untouched)" if folder.baselined else ""
            say(f"  collected  {where}: {folder.fetched} new{note}")


def _show_join(report: JoinReport) -> None:
    for copy, decision in report.decided:
        target = f" -> thread {decision.id_thread}" if decision.id_thread else ""
        say(f"  mail {copy.id:<5} {decision.state:<11} {decision.reason}{target}")
    if not report.decided:
        say("  decided    nothing to decide")


def _show_push(report: PushReport) -> None:
    last = {intent.id: intent for intent in report.outcomes}
    for intent in last.values():
        remote = f" #{intent.remote_id}" if intent.remote_id else ""
        error = f" ({intent.error})" if intent.error and intent.state is not IntentState.CONFIRMED else ""
        say(f"  pushed     {intent.kind:<15} {intent.state}{remote}{error}")
    if not last:
        say("  pushed     nothing to do")


# --- plan ---------------------------------------------------------------------------------------------------------


@click.command()
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def plan(options: Options, shop: str | None, as_json: bool) -> int:
    """What a sync would do with the mirror as it stands: no network, nothing written."""
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop)
        preview = app.legs(name).join.preview()
        waiting = [i for i in app.mirror.outbox.listing(name) if i.state not in FINAL]
        age = _age(app, name)
        if as_json:
            emit_json(
                {
                    "shop": name,
                    "mirror_age_seconds": age,
                    "mails": [
                        {
                            "mail": copy.id,
                            "state": decision.state,
                            "reason": decision.reason,
                            "rules": [str(done) for done in decision.ruled],
                            "thread": decision.id_thread,
                            "intents": [intent.kind for intent in decision.intents],
                        }
                        for copy, decision in preview.decided
                    ],
                    "intents": [{"id": i.id, "kind": i.kind, "state": i.state, "due_at": i.due_at} for i in waiting],
                }
            )
            return int(Exit.OK)
        say(f"shop {safe(name)}, mirror {'never pulled' if age is None else f'pulled {age:.0f} s ago'}")
        rows: list[tuple[object, ...]] = [
            (f"mail {c.id}", d.state, _why(d), d.id_thread, ", ".join(i.kind for i in d.intents) or "-")
            for c, d in preview.decided
        ]
        rows += [(f"intent {i.id}", i.state, i.error or "-", i.payload.get("id_thread"), i.kind) for i in waiting]
        if rows:
            table(("what", "becomes", "why", "thread", "then"), rows)
        else:
            say("nothing to do")
        return int(Exit.OK)


def _why(decision: Decision) -> str:
    rules = dict.fromkeys(done.rule for done in decision.ruled)
    return f"{decision.reason} (rule {', '.join(rules)})" if rules else decision.reason


def _age(app: App, shop: str) -> float | None:
    for row in app.mirror.runs.last(shop):
        if row["leg"] == "pull" and row["last_success_at"] is not None:
            return float((app.clock.now() - row["last_success_at"]).total_seconds())
    return None

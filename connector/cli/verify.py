"""`verify`: is the mirror equal to the shop, and if not, in which rows."""

from __future__ import annotations

from typing import Any

import click

from connector.cli import progress
from connector.cli.output import emit_json, safe, say, table
from connector.cli.session import Options, Stop, opened, pick_shop, show_error
from connector.engine.ports import Difference
from connector.engine.repair import RepairReport
from connector.engine.verified import Tally, VerifyReport
from connector.errors import ConnectorError, Exit, UsageError, worst
from connector.wiring import App

SHOWN = 20
"""Differences of a resource that a person is shown."""

MOST_IN_JSON = 10_000

_WHY = {"forbidden": "the key may not read it", "version": "not in this version", "not_pulled": "not pulled yet"}


@click.command()
@click.option("--deep", is_flag=True, help="Compare every field of every row, not only which rows there are.")
@click.option("--repair", is_flag=True, help="Read exactly the rows that differ again and store them.")
@click.option("--resource", "resources", multiple=True, help="Only this resource (repeatable).")
@click.option("--shop", help="Only this shop (default: all, one after the other).")
@click.option("--anew", is_flag=True, help="With --deep: do not go on where the last one was interrupted.")
@click.option(
    "--allow-deletions",
    "allowed",
    multiple=True,
    metavar="RESOURCE",
    help="With --repair: any number of rows of this resource may be gone from the shop (repeatable).",
)
@click.option("--json", "as_json", is_flag=True, help=f"As JSON, with up to {MOST_IN_JSON:,} differences a shop.")
@click.pass_obj
def verify(
    options: Options,
    deep: bool,
    repair: bool,
    resources: tuple[str, ...],
    shop: str | None,
    anew: bool,
    allowed: tuple[str, ...],
    as_json: bool,
) -> int:
    """Compare the mirror with the shop: the ids of every resource, with --deep every field. May run beside a daemon."""
    if allowed and not repair:
        raise UsageError("verify.allowed_without_repair")
    if anew and not deep:
        raise UsageError("verify.anew_without_deep")
    stop = Stop()
    stop.install()
    codes: list[Exit] = []
    summaries: list[dict[str, Any]] = []
    with opened(options) as app:
        unknown = {*resources, *allowed} - {r.name for r in app.resources}
        if unknown:
            raise UsageError("sync.unknown_resource", names=", ".join(sorted(unknown)))
        for name in [pick_shop(app, shop)] if shop else list(app.settings.shops):
            if stop():
                break
            try:
                with progress.shown(as_json) as bar:
                    report = app.verify(name).run(
                        stop,
                        deep=deep,
                        only=list(resources) or None,
                        anew=anew,
                        progress=bar.compared if bar else None,
                    )
                noted = _noted(app, name, report)
                mended = None
                if repair and not report.stopped:
                    mended = app.repair(name).run(list(report.resources), stop, allow_deletions=allowed)
            except ConnectorError as error:
                show_error(error)
                codes.append(error.exit)
                continue
            errors = [*report.errors, *(mended.errors if mended else ())]
            left = _left(app, name, report)
            codes += [problem.exit for problem in errors]
            if left or _lacking(report):
                codes.append(Exit.FOUND)
            summaries.append(_summary(name, report, noted, mended, left, errors))
            if not as_json:
                _show(name, report, noted, mended, left)
            for problem in errors:
                show_error(problem)
    code = Exit.INTERRUPTED if stop() else worst(codes)
    if as_json:
        emit_json({"shops": summaries, "exit_code": int(code)})
    elif stop() and deep:
        say("interrupted: the next `verify --deep` of the same resources goes on here")
    return int(code)


def _noted(app: App, shop: str, report: VerifyReport) -> list[Difference]:
    found: list[Difference] = []
    for resource in report.resources:
        found += app.mirror.differences.listing(shop, resource, MOST_IN_JSON - len(found))
    return found


def _left(app: App, shop: str, report: VerifyReport) -> int:
    """Differences that nobody has mended."""
    counts = app.mirror.differences.counts(shop)
    return sum(sum(counts.get(resource, {}).values()) for resource in report.resources)


def _lacking(report: VerifyReport) -> list[str]:
    """Resources that the mirror does not hold in full yet: that is no equality."""
    return [name for name, tally in report.resources.items() if tally.skipped == "not_pulled"]


def _summary(
    shop: str,
    report: VerifyReport,
    noted: list[Difference],
    mended: RepairReport | None,
    left: int,
    errors: list[ConnectorError],
) -> dict[str, Any]:
    """A stable shape for scripts."""
    return {
        "shop": shop,
        "deep": report.deep,
        "finished": not report.stopped,
        "resumed": report.resumed is not None,
        "resources": {
            name: {
                "shop": tally.there,
                "mirror": tally.here,
                "quarantined": tally.quarantined,
                "not_pulled_yet": tally.not_pulled_yet,
                "erased": tally.erased,
                "unlisted": tally.unlisted,
                "missing": tally.missing,
                "extra": tally.extra,
                "differing": tally.differing,
                "by_shop": {number: {"shop": s, "mirror": m} for number, (s, m) in tally.by_shop.items()},
                "skipped": tally.skipped,
            }
            for name, tally in report.resources.items()
        },
        "differences": [
            {"resource": d.resource, "id": d.row_id, "kind": d.kind, "fields": list(d.fields)} for d in noted
        ],
        "differences_left_off": max(0, report.differences - len(noted)),
        "repaired": mended.repaired if mended else {},
        "quarantined_by_repair": mended.broken if mended else 0,
        "differences_left": left,
        "errors": [{"code": error.code, **error.facts} for error in errors],
    }


def _show(shop: str, report: VerifyReport, noted: list[Difference], mended: RepairReport | None, left: int) -> None:
    say(f"shop {safe(shop)}: {'every field' if report.deep else 'the ids'} of every row compared")
    if report.resumed is not None:
        resource, last = report.resumed
        where = f" behind {resource} {last:,}" if resource else ""
        say(f"  went on where the last comparison was interrupted{where}")
    say()
    table(
        ("resource", "shop", "mirror", "explained", "missing", "extra", "differing"),
        [_line(name, tally, report.deep) for name, tally in report.resources.items() if not tally.skipped],
    )
    for name, tally in report.resources.items():
        for number, (there, here) in tally.by_shop.items():
            say(f"  {name} of shop {number}: {there:,} in the shop, {here:,} in the mirror")
    if erased := sum(tally.erased for tally in report.resources.values()):
        say(f"compared without their personal data, which was erased: {erased:,} rows")
    if unlisted := sum(tally.unlisted for tally in report.resources.values()):
        say(f"kept and not compared, since their shop is switched off and lists them nowhere: {unlisted:,} rows")
    skipped = [f"{name} ({_WHY[tally.skipped]})" for name, tally in report.resources.items() if tally.skipped]
    if skipped:
        say(f"not compared: {', '.join(skipped)}")
    explained = sum(tally.quarantined + tally.not_pulled_yet for tally in report.resources.values())
    if explained:
        quarantined = sum(tally.quarantined for tally in report.resources.values())
        say(f"explained: {quarantined:,} in quarantine, {explained - quarantined:,} newer than the last pull")
    for name, tally in report.resources.items():
        _show_differences([d for d in noted if d.resource == name], tally)
    if mended is not None:
        say(f"repaired: {sum(mended.repaired.values()):,} rows, {mended.broken:,} went into the quarantine")
    say(_verdict(report, left))


def _verdict(report: VerifyReport, left: int) -> str:
    if left:
        return f"{left:,} differences left"
    if report.stopped or report.errors:
        return "not finished"
    if lacking := _lacking(report):
        return f"{len(lacking):,} resources were not pulled to their end yet: `sync` does it"
    if any(tally.skipped == "forbidden" for tally in report.resources.values()):
        return "mirror and shop are equal in all that the key may read"
    return "mirror and shop are equal"


def _line(name: str, tally: Tally, deep: bool) -> tuple[object, ...]:
    counts = (tally.there, tally.here, tally.quarantined + tally.not_pulled_yet, tally.missing, tally.extra)
    compared = f"{tally.differing:,}" if deep or tally.differing else "-"
    return (name, *(f"{count:,}" for count in counts), compared)


def _show_differences(noted: list[Difference], tally: Tally) -> None:
    for one in noted[:SHOWN]:
        names = ", ".join(one.fields[:10]) + (", ..." if len(one.fields) > 10 else "")
        say(f"  {one.resource} {one.row_id}: {one.kind}{': ' if names else ''}{safe(names)}")
    if tally.differences > SHOWN:
        say(f"  and {tally.differences - SHOWN:,} more of them (--json lists them)")

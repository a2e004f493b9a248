"""How the shops are doing, as the mirror and the files of the state directory tell: for `status`, monitoring, metrics.

Asks no far side and needs no lease, so that it works while everything else is broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connector import config
from connector.core.health import Finding, LegState, Limits, Vitals, judge, worst
from connector.mirror.checkup import Checkup
from connector.mirror.overview import Figures, Overview
from connector.ops import process

if TYPE_CHECKING:
    from connector.wiring.app import App


@dataclass(frozen=True, slots=True)
class Seen:
    """One shop at one time. worker: host:pid of who works for it, None without one."""

    vitals: Vitals
    figures: Figures
    worker: str | None
    version: str
    reauthorise: Mapping[str, str]
    findings: list[Finding]


def limits(app: App) -> Limits:
    return _limits(app.settings)


def _limits(settings: config.Settings) -> Limits:
    return Limits(settings.health.warning_seconds, settings.health.critical_seconds)


def intervals(app: App) -> dict[str, float]:
    """Leg -> seconds between two runs of the daemon."""
    return _intervals(app.settings)


def _intervals(settings: config.Settings) -> dict[str, float]:
    schedule = settings.schedule
    return {
        "pull": schedule.pull_seconds,
        "sweep": schedule.sweep_seconds,
        "deletions": schedule.deletions_seconds,
        "collect": schedule.collect_seconds,
        "push": schedule.push_seconds,
        "retention": schedule.retention_seconds,
    }


def look(app: App, shop: str) -> Seen:
    """A shop as it is now. Raises MirrorUnavailable and StateError when the mirror does not answer."""
    mirror, now = app.mirror, app.clock.now()
    figures = Overview(mirror.database).of(shop)
    worker = _worker(mirror.leases.holder(shop))
    logins = {login.name: state for login in app.accounts.logins(shop) if (state := login.state())}
    runs, adrift = mirror.runs.last(shop), mirror.ledger.adrift(shop)
    vitals = _vitals(app.settings, shop, now, figures, runs, adrift, sorted(logins), works=worker is not None)
    findings = judge(vitals, limits(app), intervals(app))
    return Seen(vitals, figures, worker, app.version(shop), logins, findings)


def findings(settings: config.Settings, kept: Checkup, shop: str, now: datetime) -> list[Finding]:
    """What `status` finds, of a mirror that is only looked at. Not the logins, which files tell of."""
    works = _worker(kept.leases.holder(shop)) is not None
    figures, runs, adrift = kept.overview.of(shop), kept.runs.last(shop), kept.ledger.adrift(shop)
    vitals = _vitals(settings, shop, now, figures, runs, adrift, [], works=works)
    return judge(vitals, _limits(settings), _intervals(settings))


def _worker(holder: str | None) -> str | None:
    return None if holder is None or process.is_dead(holder) else ":".join(holder.split(":")[:2])


def _vitals(
    settings: config.Settings,
    shop: str,
    now: datetime,
    figures: Figures,
    runs: list[dict[str, Any]],
    adrift: int,
    reauthorise: list[str],
    *,
    works: bool,
) -> Vitals:
    wanted = [run for run in runs if run["leg"] != "report" or settings.report.to]
    legs = _legs(wanted, now, _intervals(settings) if works else {})
    missing = [leg.counts.get("missing", 0) for leg in legs if leg.leg.startswith("collect")]
    return Vitals(
        shop=shop,
        legs=legs,
        intents=figures.intents,
        oldest={state: max(0.0, (now - at).total_seconds()) for state, at in figures.oldest.items()},
        quarantined_mails=figures.mails.get("quarantined", 0),
        quarantined_rows=figures.quarantined_rows,
        conflicts=figures.conflicts,
        duplicates=figures.duplicates,
        unexplained=adrift,
        missing=sum(number for number in missing if isinstance(number, int)),
        reauthorise=reauthorise,
    )


def _legs(runs: list[dict[str, Any]], now: datetime, every: Mapping[str, float]) -> list[LegState]:
    """`sync` collects from all mailboxes as one leg, the daemon from each by itself: when one of the two has been used
    later, the other's runs are history and nobody's worry. The same for a mailbox that the settings dropped."""
    newest: dict[str, datetime] = {}
    for run in runs:
        kind = run["leg"].partition("/")[0]
        newest[kind] = max(newest.get(kind, run["started_at"]), run["started_at"])
    found = []
    for run in runs:
        kind = run["leg"].partition("/")[0]
        if newest[kind] - run["started_at"] > timedelta(days=1):
            continue
        success, started = run["last_success_at"], run["started_at"]
        rests = kind in every and run["outcome"] == "ok"
        found.append(
            LegState(
                leg=run["leg"],
                outcome=run["outcome"] or "running",
                error=run["error"] or "",
                started_at=started,
                finished_at=run["finished_at"],
                last_success_at=success,
                next_run=max(now, started + timedelta(seconds=every[kind])) if rests else None,
                lag=max(0.0, (now - success).total_seconds()) if success else None,
                counts=run["counts"] or {},
            )
        )
    return found


def as_json(app: App, seen: Seen) -> dict[str, Any]:
    """Everything of a shop, as `status --json` shows it: a stable shape for scripts."""
    mirror, shop, figures = app.mirror, seen.vitals.shop, seen.figures
    now = app.clock.now()
    return {
        "shop": shop,
        "health": worst(seen.findings).name.lower(),
        "findings": [{"level": f.level.name.lower(), "code": f.code, "text": f.text} for f in seen.findings],
        "prestashop": seen.version,
        "worker": seen.worker,
        "legs": [asdict(leg) for leg in seen.vitals.legs],
        "guards": {leg.leg: leg.error for leg in seen.vitals.legs if leg.error.startswith("guard.")},
        "logins": {login.name: login.state() or "ok" for login in app.accounts.logins(shop)},
        "reauthorise": dict(seen.reauthorise),
        "rows": mirror.queries.table_counts(shop),
        "mails": figures.mails,
        "unexplained": seen.vitals.unexplained,
        "missing": seen.vitals.missing,
        "intents": figures.intents,
        "oldest": {
            state: {"since": at, "seconds": round((now - at).total_seconds())} for state, at in figures.oldest.items()
        },
        "next_due": mirror.outbox.next_due(shop),
        "quarantined_mails": seen.vitals.quarantined_mails,
        "quarantined_rows": figures.quarantined_rows,
        "conflicts": figures.conflicts,
        "altered_messages": Overview(mirror.database).altered(shop),
        "duplicates": [asdict(one) for one in mirror.duplicates.listing(shop)],
        "to_read_again": mirror.rows.rereads(shop),
        "tombstones": mirror.contents.tombstones(shop),
    }

"""How well a shop is doing, judged from what the mirror knows of it: for `status`, monitoring, `/readyz` and the ping.

One judgement for all of them, so that no two places disagree. Levels are those of monitoring plug-ins (Nagios plug-in
guidelines): 0 well, 1 warning, 2 critical, 3 unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum


class Level(IntEnum):
    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class LegState:
    """The newest run of a leg (`pull`, `collect/service` ...). next_run: when the schedule has it next, None when
    nobody runs by schedule or the leg pauses after a failure. lag: seconds since the last success, None without one."""

    leg: str
    outcome: str
    error: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    last_success_at: datetime | None = None
    next_run: datetime | None = None
    lag: float | None = None
    counts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of one shop. oldest: state of unfinished changes -> seconds since the oldest of them was wished.
    legs: one entry per leg, of mailboxes one each. missing, unexplained: mails that are not accounted for."""

    shop: str
    legs: Sequence[LegState] = ()
    intents: Mapping[str, int] = field(default_factory=dict)
    oldest: Mapping[str, float] = field(default_factory=dict)
    quarantined_mails: int = 0
    quarantined_rows: int = 0
    conflicts: int = 0
    duplicates: int = 0
    unexplained: int = 0
    missing: int = 0
    reauthorise: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds since the last success of a leg, or since the oldest unfinished change was wished."""

    warning: float
    critical: float


@dataclass(frozen=True, slots=True)
class Finding:
    """code: stable, for scripts. text: one line without personal data."""

    level: Level
    shop: str
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.shop}: {self.text}"


FRESH = ("pull", "sweep", "collect", "push")
"""Legs that must not fall behind. `deletions` runs a few times a day at most."""
STOPPING = ("shop.key_refused", "shop.rights_missing")
"""Errors after which nothing goes on until a person acts."""


def judge(seen: Vitals, limits: Limits, intervals: Mapping[str, float] | None = None) -> list[Finding]:
    """What is not well, the worst first. intervals: leg -> seconds between its runs; a leg is behind only after three
    of them, whatever the limits say."""

    def found(level: Level, code: str, text: str) -> Finding:
        return Finding(level, seen.shop, code, text)

    if not seen.legs:
        return [found(Level.UNKNOWN, "never_synced", "never synced")]
    findings = [finding for leg in seen.legs for finding in _of_leg(seen.shop, leg, limits, intervals or {})]
    if seen.unexplained or seen.missing:
        number = seen.unexplained + seen.missing
        findings.append(found(Level.CRITICAL, "not_accounted", f"{_n(number, 'mail')} not accounted for"))
    findings += [found(Level.CRITICAL, "reauthorise", f"login {name} must be renewed") for name in seen.reauthorise]
    for state, age in seen.oldest.items():
        level = Level.CRITICAL if age > limits.critical else Level.WARNING if age > limits.warning else Level.OK
        if state in ("planned", "sending", "in_doubt") and level:
            level = Level.WARNING if state == "in_doubt" else level
            findings.append(found(level, "outbox_stuck", f"a change is {state.replace('_', ' ')} for {span(age)}"))
    counted = (
        ("dead_letters", seen.intents.get("failed", 0), "change", "failed for good"),
        ("conflicts", seen.conflicts, "conflict", "to decide"),
        ("quarantined_mails", seen.quarantined_mails, "mail", "in quarantine"),
        ("quarantined_rows", seen.quarantined_rows, "row", "in quarantine"),
        ("duplicates", seen.duplicates, "change", "twice in the shop"),
    )
    findings += [found(Level.WARNING, code, f"{_n(n, noun)} {rest}") for code, n, noun, rest in counted if n]
    return sorted(findings, key=lambda finding: -finding.level)


def _of_leg(shop: str, leg: LegState, limits: Limits, intervals: Mapping[str, float]) -> Iterable[Finding]:
    kind = leg.leg.partition("/")[0]
    if leg.error.startswith("guard."):
        yield Finding(Level.CRITICAL, shop, "guard_tripped", f"{leg.leg} stopped by {leg.error}")
    elif leg.error in STOPPING:
        yield Finding(Level.CRITICAL, shop, "refused", f"{leg.leg} fails: {leg.error}")
    elif leg.outcome == "failed":
        yield Finding(Level.WARNING, shop, "leg_failed", f"{leg.leg} fails: {leg.error or 'see the log'}")
    if kind not in FRESH:
        return
    if leg.lag is None:
        if leg.outcome == "failed":
            yield Finding(Level.CRITICAL, shop, "never_succeeded", f"{leg.leg} never succeeded")
        return
    slack = 3 * intervals.get(kind, 0.0)
    if leg.lag > max(limits.critical, slack):
        yield Finding(Level.CRITICAL, shop, "behind", f"{leg.leg} last succeeded {span(leg.lag)} ago")
    elif leg.lag > max(limits.warning, slack):
        yield Finding(Level.WARNING, shop, "behind", f"{leg.leg} last succeeded {span(leg.lag)} ago")


def worst(findings: Iterable[Finding]) -> Level:
    """The level of all together. Critical beats unknown: what is known to be broken needs somebody now."""
    levels = {finding.level for finding in findings}
    for level in (Level.CRITICAL, Level.UNKNOWN, Level.WARNING):
        if level in levels:
            return level
    return Level.OK


def check_line(shops: Sequence[Vitals], findings: Sequence[Finding], limits: Limits) -> str:
    """One line for monitoring: state, what is wrong (the worst first), then performance data after `|`."""
    level = worst(findings)
    order = sorted(findings, key=lambda finding: finding.level != level)
    shown = "; ".join(str(finding) for finding in order[:6])
    more = f"; and {len(order) - 6} more" if len(order) > 6 else ""
    text = shown + more if findings else f"{_n(len(shops), 'shop')} well"
    data = [datum for seen in shops for datum in _data(seen, limits)]
    line = f"PRESTASHOP-CONNECTOR {level.name} - {text}".replace("|", "/")
    return " ".join(f"{line} | {' '.join(data)}".split() if data else line.split())


def _data(seen: Vitals, limits: Limits) -> Iterable[str]:
    for leg in seen.legs:
        if leg.lag is not None:
            yield f"'{seen.shop} {leg.leg} lag'={leg.lag:.0f}s;{limits.warning:.0f};{limits.critical:.0f};0"
    unfinished = sum(seen.intents.get(state, 0) for state in ("planned", "sending", "in_doubt"))
    yield f"'{seen.shop} outbox'={unfinished};;;0"
    yield f"'{seen.shop} quarantine'={seen.quarantined_mails + seen.quarantined_rows};;;0"
    yield f"'{seen.shop} conflicts'={seen.conflicts};;;0"


def span(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `2 d`: rounded down, for people."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _n(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

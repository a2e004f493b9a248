"""docs/events.md and docs/metrics.md: what can stand in the log, and what can be measured."""

from __future__ import annotations

from connector.ops import events, metrics

EVENTS_HEAD = """\
# Events of the log

Made by `make docs` from the program. One line per event: JSON when standard output is no terminal, else for people;
`[log]` sets level and form. What belongs to one run of a leg carries its `run_id`, what belongs to one `sync` a
`cycle_id`. `leg.finished` and `leg.failed` are the one canonical line of a leg run, `cycle.finished` that of a `sync`.

Levels: *error* wants a person, *warning* one who has time, *info* is what was done, *debug* is for finding a fault.
In `run`, a warning or error that repeats itself is told at once, then after 1 minute, 5 minutes, half an hour, two
hours and every six hours, with `repeated`; each of them stands in a log of level debug. After a good run of a leg its
next failure is told at once again.
"""


def events_page() -> str:
    """Every event and every key."""
    lines = [EVENTS_HEAD, "| event | level | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {level} | {_cell(meaning)} |" for name, (level, meaning) in sorted(events.EVENTS.items())]
    lines += [
        "",
        "## Keys",
        "",
        "Nothing else is ever written beside an event.",
        "",
        "| key | meaning |",
        "| --- | --- |",
    ]
    lines += [f"| `{key}` | {_cell(meaning)} |" for key, meaning in sorted(events.KEYS.items())]
    return "\n".join(lines) + "\n"


METRICS_HEAD = """\
# Metrics

Made by `make docs` from the program. `run` answers `GET /metrics` at `metrics.listen`; `sync` and `run` write the
gauges into `metrics.textfile` (`run` its counters as well). Gauges come from the mirror and hold after a restart,
counters and histograms begin with the process. `run` also shows the usual `process_*` and `python_info`. Alerts:
[alerts.rules.yml](alerts.rules.yml); dashboard: [grafana-dashboard.json](grafana-dashboard.json).
"""


def metrics_page() -> str:
    """Every metric."""
    lines = [METRICS_HEAD, "| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for name, family in sorted(metrics.FAMILIES.items()):
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(f"| `{metrics.PREFIX}{name}` | {family.kind} | {labels} | {_cell(family.help)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

"""The metrics: one table of names, and what turns events and what is seen of the shops into samples.

Names by the conventions of Prometheus: prefix, base units, `_total` for what only grows. Labels have few values: never
an id, never a person. State comes from the mirror and is true after a restart; counters begin with the process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from connector.ops import events as ev

PREFIX: Final = "prestashop_connector_"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """kind gauge: read from the mirror. counter, histogram: counted from events while `run` runs."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


FAMILIES: Final[dict[str, Family]] = {
    "build_info": Family("gauge", "Always 1; the version is a label.", ("version",)),
    "up": Family("gauge", "1 when the mirror answered for this shop, else 0.", ("shop",)),
    "health": Family("gauge", "0 well, 1 warning, 2 critical, 3 unknown, as status --check judges.", ("shop",)),
    "worker": Family("gauge", "1 when a process works for the shop, else 0.", ("shop",)),
    "leg_last_run_timestamp_seconds": Family("gauge", "When the newest run of a leg began.", ("shop", "leg")),
    "leg_last_success_timestamp_seconds": Family("gauge", "When a leg last ended well.", ("shop", "leg")),
    "leg_failing": Family("gauge", "1 when the newest run of a leg failed, else 0.", ("shop", "leg")),
    "leg_interval_seconds": Family("gauge", "Pause between two runs of a leg by the settings.", ("leg",)),
    "guards_tripped": Family("gauge", "Legs that a guard keeps from going on.", ("shop",)),
    "rows": Family("gauge", "Rows of the mirror.", ("shop", "table")),
    "mails": Family("gauge", "Mails of the ledger.", ("shop", "state")),
    "mails_unaccounted": Family("gauge", "Mails that are not accounted for; anything but 0 is a fault.", ("shop",)),
    "changes": Family("gauge", "Changes of the outbox.", ("shop", "state")),
    "change_oldest_timestamp_seconds": Family(
        "gauge", "When the oldest unfinished change in a state was wished.", ("shop", "state")
    ),
    "quarantined": Family("gauge", "What waits for a person: mails or rows.", ("shop", "kind")),
    "conflicts_open": Family("gauge", "Conflicts that wait for a decision.", ("shop",)),
    "duplicates": Family("gauge", "Changes that the shop holds twice.", ("shop",)),
    "messages_altered": Family("gauge", "Messages that the shop stored otherwise than sent.", ("shop",)),
    "logins_to_renew": Family("gauge", "OAuth logins that a person must renew.", ("shop",)),
    "events_total": Family("counter", "Events, also those that the log leaves out.", ("event", "level")),
    "leg_runs_total": Family("counter", "Runs of legs by how they ended.", ("shop", "leg", "outcome")),
    "leg_duration_seconds": Family("histogram", "How long runs of legs took.", ("shop", "leg")),
    "mails_decided_total": Family("counter", "Mails by what became of them.", ("shop", "state")),
    "changes_ended_total": Family("counter", "Changes by how an attempt ended.", ("shop", "state")),
}
"""Name without prefix -> what it is."""

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
Sample = tuple[str, tuple[str, ...], float]
"""Name without prefix, label values in order, value."""

DECIDED = {
    ev.MAIL_IMPORTED: "imported",
    ev.MAIL_IGNORED: "ignored",
    ev.MAIL_PENDING: "pending",
    ev.MAIL_QUARANTINED: "quarantined",
    ev.MAIL_BOUNCED: "bounced",
}
ENDED = {
    ev.INTENT_CONFIRMED: "confirmed",
    ev.INTENT_FAILED: "failed",
    ev.INTENT_IN_DOUBT: "in_doubt",
    ev.INTENT_DELAYED: "delayed",
    ev.INTENT_CONFLICT: "conflict",
    ev.INTENT_CANCELLED: "cancelled",
}


@dataclass(slots=True)
class Metrics:
    """look: gives the samples of all gauges, asked at each scrape; it must not raise. counting: also counters and the
    process's own figures; a one-shot command has none worth keeping."""

    look: Callable[[], Iterable[Sample]]
    counting: bool = True
    _registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))
    _counters: dict[str, Counter] = field(default_factory=dict)
    _seconds: Histogram | None = None

    def __post_init__(self) -> None:
        self._registry.register(_State(self))
        if not self.counting:
            return
        for name, family in FAMILIES.items():
            if family.kind == "counter":
                self._counters[name] = Counter(PREFIX + name, family.help, family.labels, registry=self._registry)
        seconds = FAMILIES["leg_duration_seconds"]
        self._seconds = Histogram(
            PREFIX + "leg_duration_seconds", seconds.help, seconds.labels, buckets=BUCKETS, registry=self._registry
        )
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def heard(self, name: str, level: str, keys: Mapping[str, object]) -> None:
        """A watcher of the log: count an event."""
        if not self.counting or name not in ev.EVENTS:
            return
        self._counters["events_total"].labels(name, level).inc()
        shop = str(keys.get("shop", ""))
        if name in DECIDED:
            self._counters["mails_decided_total"].labels(shop, DECIDED[name]).inc()
        elif name in ENDED:
            self._counters["changes_ended_total"].labels(shop, ENDED[name]).inc()
        elif name in (ev.LEG_FINISHED, ev.LEG_FAILED) and "outcome" in keys:
            leg = f"{keys.get('leg', '')}/{keys['mailbox']}" if keys.get("mailbox") else str(keys.get("leg", ""))
            self._counters["leg_runs_total"].labels(shop, leg, str(keys["outcome"])).inc()
            seconds = keys.get("seconds")
            if self._seconds is not None and isinstance(seconds, (int, float)):
                self._seconds.labels(shop, leg).observe(seconds)

    def text(self) -> bytes:
        """All of them in the text format of Prometheus, version 0.0.4."""
        return bytes(generate_latest(self._registry))

    def write(self, path: Path) -> None:
        """For the textfile collector: replaced at once, readable for everybody. Raises OSError."""
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self.text())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise


class _State(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        gauges = {
            name: GaugeMetricFamily(PREFIX + name, family.help, labels=family.labels)
            for name, family in FAMILIES.items()
            if family.kind == "gauge"
        }
        for name, labels, value in self._metrics.look():
            gauges[name].add_metric(_texts(labels), value)
        return [gauge for gauge in gauges.values() if gauge.samples]


def _texts(labels: Sequence[str]) -> list[str]:
    return [str(label) for label in labels]

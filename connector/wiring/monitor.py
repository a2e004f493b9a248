"""Who watches over the service is told by this: metrics, /healthz, /readyz, the textfile and the ping.

One judgement for all of them (`core.health`). Works in a thread of its own: nothing here holds up a leg.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from connector.core.health import Level, worst
from connector.errors import ConnectorError
from connector.mirror.overview import Overview
from connector.ops import events as ev
from connector.ops.health import Answer, Server
from connector.ops.metrics import CONTENT_TYPE, Metrics, Sample
from connector.ops.ping import ping
from connector.wiring import overview
from connector.wiring.overview import Seen

if TYPE_CHECKING:
    from connector.wiring.app import App

FRESH_SECONDS = 5.0  # what was seen of the shops is shown for so long
ROWS_SECONDS = 300.0  # rows are counted this seldom: a count passes over the whole table
ALIVE_SECONDS = 60.0  # the daemon's loop says that it is alive every second
TEXT = "text/plain; charset=utf-8"


class Monitor:
    """counting: for `run`, which has counters; a one-shot command has none worth keeping."""

    def __init__(self, *, counting: bool) -> None:
        self.metrics = Metrics(self._samples, counting=counting)
        self.heard = self.metrics.heard
        self._app: App | None = None
        self._server: Server | None = None
        self._listen = ""
        self._lock = threading.Lock()
        self._seen: tuple[float, list[tuple[str, Seen | ConnectorError]]] = (0.0, [])
        self._rows: dict[str, tuple[float, list[Sample]]] = {}
        self._beat = time.monotonic()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    # --- of the daemon --------------------------------------------------------------------------------------------

    def adopt(self, app: App) -> None:
        """Watch over this app from now on. Raises CannotCreate when its port is taken; all is as before then."""
        listen = app.settings.metrics.listen
        if listen != self._listen:
            fresh = Server(listen, self.routes()) if listen else None
            if self._server is not None:
                self._server.close()
            self._server, self._listen = fresh, listen
        with self._lock:
            self._app, self._seen, self._rows = app, (0.0, []), {}
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="monitor", daemon=True)
            self._thread.start()

    def beat(self) -> None:
        """The daemon's loop turns and no leg hangs."""
        self._beat = time.monotonic()

    def routes(self) -> dict[str, Callable[[], Answer]]:
        return {"/metrics": self._metrics_page, "/healthz": self._alive, "/readyz": self._ready}

    def close(self) -> None:
        self._over.set()
        if self._server is not None:
            self._server.close()

    def _loop(self) -> None:
        due = time.monotonic() + 10.0  # the first legs are under way
        while not self._over.wait(1.0):
            app = self._app
            if app is None or time.monotonic() < due:
                continue
            due = time.monotonic() + app.settings.health.ping_seconds
            if time.monotonic() - self._beat < ALIVE_SECONDS:
                self.tell(app)

    # --- of both --------------------------------------------------------------------------------------------------

    def tell(self, app: App) -> None:
        """Write the textfile; ping unless something is critical. Raises nothing."""
        self._app = app
        textfile, url = app.settings.metrics.textfile, app.settings.health.ping_url
        if textfile is not None:
            try:
                self.metrics.write(textfile)
            except OSError as error:
                app.events.emit(ev.METRICS_FAILED, reason=error.strerror or type(error).__name__)
        if url is not None and self._level() in (Level.OK, Level.WARNING):
            reason = ping(url.get_secret_value())
            if reason:
                app.events.emit(ev.PING_FAILED, reason=reason)

    def _look(self) -> list[tuple[str, Seen | ConnectorError]]:
        with self._lock:
            at, seen = self._seen
            app = self._app
            if app is None or (seen and time.monotonic() - at < FRESH_SECONDS):
                return seen
            seen = []
            for shop in app.settings.shops:
                try:
                    seen.append((shop, overview.look(app, shop)))
                except ConnectorError as error:
                    seen.append((shop, error))
            self._seen = (time.monotonic(), seen)
            return seen

    def _level(self) -> Level:
        seen = self._look()
        if any(isinstance(one, ConnectorError) for _, one in seen):
            return Level.CRITICAL
        return worst(finding for _, one in seen if isinstance(one, Seen) for finding in one.findings)

    # --- pages ----------------------------------------------------------------------------------------------------

    def _metrics_page(self) -> Answer:
        return 200, CONTENT_TYPE, self.metrics.text()

    def _alive(self) -> Answer:
        silent = time.monotonic() - self._beat
        if silent < ALIVE_SECONDS:
            return 200, TEXT, b"alive\n"
        return 503, TEXT, f"no sign of life for {silent:.0f} s\n".encode()

    def _ready(self) -> Answer:
        lines = []
        for shop, one in self._look():
            if isinstance(one, ConnectorError):
                lines.append(f"critical: {shop}: {one.code}")
            else:
                lines += [f"{finding.level.name.lower()}: {finding}" for finding in one.findings]
        good = self._level() in (Level.OK, Level.WARNING)
        return 200 if good else 503, TEXT, ("\n".join(lines or ["ok"]) + "\n").encode()

    # --- samples --------------------------------------------------------------------------------------------------

    def _samples(self) -> Iterable[Sample]:
        yield "build_info", (_version(),), 1
        app = self._app
        if app is None:
            return
        for leg, seconds in overview.intervals(app).items():
            yield "leg_interval_seconds", (leg,), seconds
        for shop, seen in self._look():
            yield "up", (shop,), 0 if isinstance(seen, ConnectorError) else 1
            if isinstance(seen, Seen):
                yield from _of_shop(shop, seen)
                yield from self._counted(app, shop)

    def _counted(self, app: App, shop: str) -> list[Sample]:
        at, known = self._rows.get(shop, (0.0, []))
        if not known or time.monotonic() - at > ROWS_SECONDS:
            try:
                counts: Mapping[str, int] = app.mirror.queries.table_counts(shop)
                known = [("rows", (shop, table), count) for table, count in counts.items()]
                known.append(("messages_altered", (shop,), Overview(app.mirror.database).altered(shop)))
            except ConnectorError:
                return known
            self._rows[shop] = (time.monotonic(), known)
        return known


def _of_shop(shop: str, seen: Seen) -> Iterable[Sample]:
    vitals, figures = seen.vitals, seen.figures
    yield "health", (shop,), int(worst(seen.findings))
    yield "worker", (shop,), int(seen.worker is not None)
    for leg in vitals.legs:
        if leg.started_at is not None:
            yield "leg_last_run_timestamp_seconds", (shop, leg.leg), leg.started_at.timestamp()
        if leg.last_success_at is not None:
            yield "leg_last_success_timestamp_seconds", (shop, leg.leg), leg.last_success_at.timestamp()
        yield "leg_failing", (shop, leg.leg), int(leg.outcome == "failed")
    yield "guards_tripped", (shop,), sum(leg.error.startswith("guard.") for leg in vitals.legs)
    for state, count in figures.mails.items():
        yield "mails", (shop, state), count
    for state, count in figures.intents.items():
        yield "changes", (shop, state), count
    for state, at in figures.oldest.items():
        yield "change_oldest_timestamp_seconds", (shop, state), at.timestamp()
    yield "mails_unaccounted", (shop,), vitals.unexplained + vitals.missing
    yield "quarantined", (shop, "mails"), vitals.quarantined_mails
    yield "quarantined", (shop, "rows"), vitals.quarantined_rows
    yield "conflicts_open", (shop,), vitals.conflicts
    yield "duplicates", (shop,), vitals.duplicates
    yield "logins_to_renew", (shop,), len(vitals.reauthorise)


def _version() -> str:
    try:
        return version("prestashop-connector")
    except PackageNotFoundError:
        return "unknown"


def tell_once(app: App) -> None:
    """After a `sync`."""
    Monitor(counting=False).tell(app)

"""What `run` does: the daemon with its watchers, its pages and its word to the service manager."""

from __future__ import annotations

import os
import sys
import threading

from connector import config
from connector.cli.session import Options, check_owner, set_up_log
from connector.engine.daemon import Daemon
from connector.engine.graph import Graph
from connector.errors import Busy, ConnectorError
from connector.ops import logs, process
from connector.ops.repeats import Repeats
from connector.ops.systemd import Notifier
from connector.wiring import App
from connector.wiring.monitor import Monitor
from connector.wiring.web import Page


class _Notifier(Notifier):
    """Systemd and /healthz hear the same."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__()
        self._monitor = monitor

    def watchdog(self) -> None:
        self._monitor.beat()
        super().watchdog()


def serve(options: Options, *, new_baseline: bool) -> int:
    """Work until told to end; the exit code. Raises as `Daemon.run`."""
    monitor = Monitor(counting=True)
    events = logs.EventLog(repeats=Repeats(), watchers=[monitor.heard])
    page = Page(events, pushing=False)
    holder = process.holder_name()
    running = False

    def build() -> Graph:
        nonlocal running
        settings = config.load(options.config)
        if not running:
            set_up_log(options, settings, to_stdout=True)
        check_owner(settings)
        app = App(settings, events, new_baseline=new_baseline, holder=holder)
        try:
            graph = app.graph()
            if not running:
                _leave_to_another(graph)
            monitor.adopt(app)
            page.adopt(app)
        except ConnectorError:
            app.close()
            raise
        set_up_log(options, settings, to_stdout=True)  # after all that may fail: a reload is all or nothing
        running = True
        return graph

    try:
        code = int(Daemon(build, _Notifier(monitor), events).run())
    finally:
        page.close()
        monitor.close()
    if any(thread.is_alive() and not thread.daemon for thread in threading.enumerate() if thread is not _main()):
        # A request in flight had its ten seconds. Python would wait for its thread; what it was writing stays
        # `sending` in the outbox and is looked up at the next start.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _leave_to_another(graph: Graph) -> None:
    """The first to tell, before its ports are found taken: that other copy has them. Raises Busy."""
    if graph.several_workers or not graph.shops:
        return
    holders = [graph.leases.holder(name) for name in graph.shops]
    if all(holder is not None and not process.is_dead(holder) for holder in holders):
        raise Busy("run.already_running", holder=holders[0] or "?")


def _main() -> threading.Thread:
    return threading.main_thread()

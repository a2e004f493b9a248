"""The daemon: one schedule per leg and shop, leases, signals, the word to systemd.

Runs legs; knows nothing of how they work. A leg never runs twice at once, different legs of a shop run side by side,
so a long pull delays no reply. A leg that fails pauses longer each time, and no other leg or shop with it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from connector.core.model import IntentState
from connector.engine.graph import Graph
from connector.engine.legs import LegResult, ShopLegs
from connector.engine.ports import Events
from connector.engine.watch import Watch, Watcher, Watchers
from connector.errors import Busy, ConnectorError, Exit
from connector.ops import events as ev

GOODBYE_SECONDS = 2.0  # watches of folders get this long to log out; nothing is lost when they do not
STOP_SECONDS = 10.0  # a request in flight gets this long after SIGTERM; then its intent stays doubtful
LONGEST_PAUSE = 900.0
DEADLINE = 900.0  # a leg that gives no sign of life for this long lets the watchdog act


class Notify(Protocol):
    """sd_notify; does nothing when no service manager listens."""

    def ready(self) -> None: ...
    def status(self, text: str) -> None: ...
    def watchdog(self) -> None: ...
    def stopping(self) -> None: ...
    def reloading(self) -> None: ...


@dataclass(slots=True)
class _Leg:
    """How a leg of a shop is doing. beat: monotonic time of its last sign of life; 0 while it does not run. due: there
    is news, so it shall run at once, or once more when it runs already. turn: held while it runs."""

    due: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)
    failures: int = 0
    not_before: float = 0.0
    beat: float = 0.0
    last: LegResult | None = None


def _legs(shop: ShopLegs) -> list[str]:
    """What is scheduled for a shop; each mailbox by itself, so that a broken one holds up no other."""
    boxes = (f"collect/{collect.mailbox_name}" for collect in shop.collects)
    reports = ["report"] if shop.reports is not None else []
    return ["pull", "sweep", "deletions", "push", "retention", *reports, *boxes]


@dataclass(slots=True)
class _Shop:
    legs: dict[str, _Leg]
    ours: bool = False
    renewed: float = 0.0


class Daemon:
    """build makes a graph from the settings as they are now; it raises a ConnectorError when they are wrong."""

    def __init__(self, build: Callable[[], Graph], notify: Notify, events: Events) -> None:
        self._build = build
        self._notify = notify
        self._events = events
        self._stop = threading.Event()
        self._reload = threading.Event()
        self._wake = threading.Event()
        self._state: dict[str, _Shop] = {}

    def run(self) -> Exit:
        """Serve until SIGTERM or SIGINT. Raises what makes a start impossible: settings, mirror, a taken lease."""
        graph = self._build()
        self._install_signals()
        self._events.emit(ev.RUN_STARTED, shops=sorted(graph.shops))
        try:
            self._begin(graph)
            self._notify.ready()
            while not self._stop.is_set():
                successor = self._serve(graph)
                if successor is None:
                    break
                # The leases go over to the new graph, which works under the same name.
                self._release(graph, keep=set(successor.shops))
                graph.close()
                graph = successor
                self._begin(graph)
        finally:
            self._notify.stopping()
            self._release(graph)
            graph.close()
            self._events.emit(ev.RUN_STOPPED)
        return Exit.OK

    # --- leases and recovery --------------------------------------------------------------------------------------

    def _begin(self, graph: Graph) -> None:
        self._state = {name: _Shop({leg: _Leg() for leg in _legs(shop)}) for name, shop in graph.shops.items()}
        for name in graph.shops:
            graph.take(name)  # raises what keeps the mirror from being written
            self._take(graph, name)
        if graph.several_workers or any(state.ours for state in self._state.values()) or not graph.shops:
            return
        holder = graph.leases.holder(next(iter(graph.shops))) or "?"
        raise Busy("run.already_running", holder=holder)

    def _take(self, graph: Graph, shop: str) -> bool:
        """Take or renew the lease; True when the shop has just become ours. A mirror that does not answer is one that
        cannot be written either: the shop is let go until it does."""
        state = self._state[shop]
        holder = error = None
        try:
            ours = graph.take(shop)
            if ours and not state.ours:
                graph.shops[shop].recover()
            elif not ours and not state.renewed:
                holder = graph.leases.holder(shop)
        except ConnectorError as problem:
            ours, error = False, problem.code
        fresh, lost = ours and not state.ours, state.ours and not ours
        if fresh:
            self._events.emit(ev.LEASE_TAKEN, shop=shop)
        elif lost:
            self._events.emit(ev.LEASE_LOST, shop=shop, error=error)
        elif holder is not None:
            self._events.emit(ev.LEASE_BUSY, shop=shop, holder=holder)
        state.ours = ours
        state.renewed = time.monotonic()
        return fresh

    def _release(self, graph: Graph, keep: Collection[str] = ()) -> None:
        for name, state in self._state.items():
            if state.ours and name in graph.shops and name not in keep:
                try:
                    graph.leases.release(name, graph.holder)
                except ConnectorError:
                    continue  # it runs out by itself

    # --- serving --------------------------------------------------------------------------------------------------

    def _serve(self, graph: Graph) -> Graph | None:
        """Run the legs of a graph until the end (None) or until good new settings are there (their graph)."""
        halt = threading.Event()
        workers = sum(len(_legs(shop)) for shop in graph.shops.values()) + 1
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(workers)},
            # Two: the second finds the leg's turn taken and leaves. Else a pull that takes longer than its interval, as
            # each first one does, would be warned of all the time.
            job_defaults={"max_instances": 2, "coalesce": True, "misfire_grace_time": None},
            timezone=UTC,
        )
        for name, legs in graph.shops.items():
            for leg in _legs(legs):
                scheduler.add_job(
                    self._job(graph, name, legs, leg, halt),
                    IntervalTrigger(seconds=graph.seconds[leg.split("/")[0]], jitter=graph.jitter_seconds or None),
                    id=f"{name}/{leg}",
                    next_run_time=datetime.now(UTC),
                )
        scheduler.start()
        watchers = {name: self._watchers(graph, name, halt) for name in graph.shops}
        successor: Graph | None = None
        try:
            while not self._stop.is_set() and successor is None:
                self._wake.wait(1.0)
                self._wake.clear()
                if self._reload.is_set():
                    self._reload.clear()
                    successor = self._rebuild()
                self._tick(graph, scheduler, halt)
                for name, watching in watchers.items():
                    if self._state[name].ours and not self._stop.is_set():
                        watching.keep()
        finally:
            halt.set()
            _shut_down(scheduler)
            for watching in watchers.values():
                watching.join(GOODBYE_SECONDS / len(watchers))
        return successor

    def _watchers(self, graph: Graph, name: str, halt: threading.Event) -> Watchers:
        state = self._state[name]

        def stop() -> bool:
            return halt.is_set() or not state.ours

        def woken(mailbox: str) -> None:
            leg = state.legs[f"collect/{mailbox}"]
            leg.not_before = 0.0  # its server has just spoken to us
            leg.due = True
            self._wake.set()

        def make(watch: Watch) -> Watcher:
            return Watcher(name, watch, woken, stop, self._events, graph.jitter)

        return Watchers(make, graph.watches.get(name, ()))

    def _tick(self, graph: Graph, scheduler: BackgroundScheduler, halt: threading.Event) -> None:
        """Once a second and whenever there is news: start what is due, renew leases, push what commands have queued,
        tell systemd how we are."""
        now = time.monotonic()
        for name, legs in graph.shops.items():
            state = self._state[name]
            waits = not state.ours  # asked every second, so that a free lease is taken at once
            if (waits or now - state.renewed > graph.lease_seconds / 3) and self._take(graph, name):
                for leg, one in state.legs.items():
                    if not one.beat:
                        scheduler.modify_job(f"{name}/{leg}", next_run_time=datetime.now(UTC))
            try:
                queued = state.ours and bool(legs.outbox.due(name, legs.clock.now(), 1))
            except ConnectorError:
                queued = False  # the mirror is locked or gone; the legs report it
            if queued and not state.legs["push"].turn.locked():
                state.legs["push"].due = True
            for leg, one in state.legs.items():
                if one.due and state.ours and now >= one.not_before and not one.turn.locked():
                    scheduler.add_job(self._job(graph, name, legs, leg, halt, only_due=True))
        if all(not leg.beat or now - leg.beat < DEADLINE for s in self._state.values() for leg in s.legs.values()):
            self._notify.watchdog()
        self._notify.status(self._line(graph))

    def _line(self, graph: Graph) -> str:
        """One line for `systemctl status`."""
        bad = sorted(
            f"{name}/{leg}: {state.last.errors[0].code if state.last and state.last.errors else 'failed'}"
            for name, shop in self._state.items()
            for leg, state in shop.legs.items()
            if state.failures
        )
        waiting = sorted(name for name, shop in self._state.items() if not shop.ours)
        parts = [f"{len(graph.shops)} shop(s)"]
        if waiting:
            parts.append("waiting for the lease of " + ", ".join(waiting))
        parts.append("failing: " + "; ".join(bad) if bad else "all well")
        return " - ".join(parts)

    def _job(
        self, graph: Graph, name: str, legs: ShopLegs, leg: str, halt: threading.Event, *, only_due: bool = False
    ) -> Callable[[], None]:
        state = self._state[name].legs[leg]

        def job() -> None:
            if only_due and not state.due:
                return  # a run by schedule was quicker
            while self._once(graph, name, legs, leg, halt):
                pass

        return job

    def _once(self, graph: Graph, name: str, legs: ShopLegs, leg: str, halt: threading.Event) -> bool:
        """Run a leg, unless it runs already or may not. True when it shall run again at once: there was news meanwhile,
        which the run that has just ended may have missed."""
        shop = self._state.get(name)
        if shop is None or not shop.ours or halt.is_set():
            return False
        state = shop.legs[leg]
        if time.monotonic() < state.not_before or not state.turn.acquire(blocking=False):
            return False

        def stop() -> bool:
            state.beat = time.monotonic()
            return halt.is_set() or not shop.ours

        try:
            state.due = False
            state.beat = time.monotonic()
            result = self._run_leg(legs, leg, stop)
        except ConnectorError as error:  # the mirror failed where not even the run could be noted
            self._events.emit(ev.LEG_FAILED, shop=name, leg=leg, error=error.code, error_class=type(error).__name__)
            result = LegResult(leg, error.exit, {}, [error], pause=True)
        finally:
            state.beat = 0.0
            state.turn.release()
        self._judge(graph, state, leg, result)
        return state.due

    def _run_leg(self, legs: ShopLegs, leg: str, stop: Callable[[], bool]) -> LegResult:
        if leg == "pull":
            result = legs.pull(stop)
            self._reconcile(legs, stop)
        elif leg == "sweep":
            result = legs.sweep(stop)
        elif leg == "deletions":
            result = legs.deletions(stop)
        elif leg == "push":
            result = legs.push(stop)
        elif leg == "retention":
            result = legs.retention(stop)
        elif leg == "report":
            result = legs.report()
        else:
            result = legs.collect(stop, leg.partition("/")[2])
            self._reconcile(legs, stop)
        return result

    def _reconcile(self, legs: ShopLegs, stop: Callable[[], bool]) -> None:
        if stop():
            return
        outcome = legs.reconcile(stop)
        if outcome.counts.get("pending") or legs.outbox.listing(legs.shop, [IntentState.PLANNED], 1):
            state = self._state.get(legs.shop)
            if state is not None:
                state.legs["push"].due = True
            self._wake.set()  # the next tick starts the push

    def _judge(self, graph: Graph, state: _Leg, leg: str, result: LegResult) -> None:
        """A leg whose far side is out of reach pauses, longer each time; a refused key is asked for again slowly."""
        state.last = result
        if not result.pause:
            state.failures, state.not_before = 0, 0.0
            return
        state.failures += 1
        pause = min(graph.seconds[leg.split("/")[0]] * 2 ** min(state.failures - 1, 8), LONGEST_PAUSE)
        if result.code in (Exit.NO_PERMISSION, Exit.CONFIG):
            pause = LONGEST_PAUSE
        state.not_before = time.monotonic() + pause

    # --- signals --------------------------------------------------------------------------------------------------

    def _install_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, lambda *_: self.stop())
        signal.signal(signal.SIGHUP, lambda *_: self.reload())

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def reload(self) -> None:
        self._reload.set()
        self._wake.set()

    def _rebuild(self) -> Graph | None:
        """New settings, all or nothing: a mistake keeps the old ones running and says so."""
        self._notify.reloading()
        successor: Graph | None = None
        try:
            successor = self._build()
            self._events.emit(ev.SETTINGS_RELOADED, shops=sorted(successor.shops))
        except ConnectorError as error:
            for problem in getattr(error, "problems", None) or [{}]:
                where = ":".join(str(problem[part]) for part in ("file", "line") if problem.get(part))
                wrong = problem.get("problem") or (
                    f"expected {problem['expected']}" if "expected" in problem else error
                )
                text = f"{where} {wrong}".strip()
                self._events.emit(ev.SETTINGS_REFUSED, error=error.code, setting=problem.get("key"), text=text)
        self._notify.ready()
        return successor


def _shut_down(scheduler: BackgroundScheduler) -> None:
    """Wait for running legs, but not for ever: what is in flight after STOP_SECONDS stays doubtful."""
    waiter = threading.Thread(target=scheduler.shutdown, kwargs={"wait": True}, daemon=True)
    waiter.start()
    waiter.join(STOP_SECONDS)

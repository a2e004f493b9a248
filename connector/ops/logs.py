"""Writes events: JSON lines on stdout, or coloured lines on a terminal; nothing personal, nothing secret.

`EventLog` fits `engine.ports.Events`. What libraries log through the standard library's `logging` comes out of the
same pipe as `library.logged`, from WARNING up and masked. Decides nothing about rotation: that is the journal's work.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import structlog

from connector.ops import events
from connector.ops.redaction import masker
from connector.ops.repeats import Repeats

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_FIXED = {"event", "level", "timestamp"}
Entry = MutableMapping[str, Any]
Watcher = Callable[[str, str, Mapping[str, object]], None]
"""Is told of every event: name, level, keys; also of those that the level of the log leaves out."""


def configure(
    level: str = "info",
    form: str = "auto",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set the log up for this process; may be called again after a reload. `secrets`: of `config.secrets_of`."""
    out = sys.stdout if stream is None else stream
    on_terminal = form == "console" or (form == "auto" and out.isatty())
    mask = masker(secrets)

    def safe(_logger: object, _method: str, entry: Entry) -> Entry:
        return {name: value if name in _FIXED else mask(value) for name, value in entry.items()}

    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=24)
        if on_terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            _where,
            _listed_keys_only,
            safe,
            _in_order,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _LibraryHandler)]:
        root.removeHandler(handler)
    root.addHandler(_LibraryHandler(logging.WARNING))
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)


class EventLog:
    """Where events go; fits `engine.ports.Events`.

    strict: an unknown name or key raises ValueError (tests) instead of being noted in the log. repeats: warnings and
    errors that go on and on are told less and less, with `repeated`; without it (one-shot commands) all are told.
    watchers: who counts along. Writing never raises: a full disk under the log must not stop a shop.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        repeats: Repeats | None = None,
        watchers: Sequence[Watcher] = (),
        **bound: object,
    ) -> None:
        self._strict = strict
        self._repeats = repeats
        self._watchers = watchers
        self._bound = bound

    def bind(self, **keys: object) -> EventLog:
        """The same log with keys that go with every event (shop, leg)."""
        bound = {**self._bound, **keys}
        return EventLog(strict=self._strict, repeats=self._repeats, watchers=self._watchers, **bound)

    def within(self, **keys: object) -> contextlib.AbstractContextManager[None]:
        """Keys (run_id, cycle_id) that go with every event of this thread while the block runs, whoever emits it."""
        return structlog.contextvars.bound_contextvars(**keys)

    def emit(self, name: str, /, **keys: object) -> None:
        """Write an event. A key whose value is None is left out; `exc_info` gives error_class and where."""
        known = events.EVENTS.get(name)
        if self._strict:
            wrong = sorted(set(keys) - events.KEYS.keys() - {"exc_info"})
            if known is None or wrong:
                raise ValueError(f"not in the registry of events: {name if known is None else wrong}")
        level = known[0] if known else "warning"
        keys = {**self._bound, **{key: value for key, value in keys.items() if value is not None}}
        for watcher in self._watchers:
            with contextlib.suppress(Exception):  # whoever counts along stops no work
                watcher(name, level, keys)
        if self._repeats is not None:
            level = self._unless_repeated(self._repeats, level, name, keys)
        _write(level, name, keys)

    def _unless_repeated(self, repeats: Repeats, level: str, name: str, keys: dict[str, object]) -> str:
        if name == events.LEG_FINISHED:
            leg: dict[str, object] = {key: keys[key] for key in ("shop", "leg", "mailbox") if key in keys}
            repeats.forget(events.LEG_FAILED, leg)
        if level not in ("warning", "error"):
            return level
        held = repeats.check(name, keys)
        if held is None:
            return "debug"
        if held:
            keys["repeated"] = held
        return level


def _write(level: str, name: str, keys: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, ValueError):  # ValueError: the stream is closed
        getattr(structlog.get_logger(), level)(name, **{k: v for k, v in keys.items() if v is not None})


class _LibraryHandler(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001, RUF100 - a library's wrong format string is not our failure
            text = str(record.msg)
        level = "error" if record.levelno >= logging.ERROR else "warning"
        keys: dict[str, Any] = {"logger": record.name, "text": text, "exc_info": record.exc_info}
        held = self._repeats.check_text(record.name, str(record.msg))
        if held is None:
            level = "debug"
        elif held:
            keys["repeated"] = held
        _write(level, events.LIBRARY_LOGGED, keys)


# --- processors -----------------------------------------------------------------------------------------------------


def _where(_logger: object, _method: str, entry: Entry) -> Entry:
    """An exception as class and places. Its message is left out: it may quote a mail or a customer."""
    info = entry.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else sys.exc_info()[1] if info is True else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        entry.setdefault("error_class", type(error).__name__)
        entry.setdefault("where", [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames])
    return entry


def _listed_keys_only(_logger: object, _method: str, entry: Entry) -> Entry:
    dropped = sorted(set(entry) - events.KEYS.keys() - _FIXED)
    kept = {name: value for name, value in entry.items() if name not in dropped}
    return {**kept, "dropped_keys": dropped} if dropped else kept


def _in_order(_logger: object, _method: str, entry: Entry) -> Entry:
    first = [name for name in ("timestamp", "level", "event", "shop", "run_id", "leg") if name in entry]
    return {name: entry[name] for name in [*first, *(name for name in entry if name not in first)]}

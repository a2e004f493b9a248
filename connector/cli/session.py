"""What every command needs around its use case: settings, log, mirror, lease, signals, errors into words."""

from __future__ import annotations

import os
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import FrameType

import click

from connector import config, words
from connector.cli.output import safe, warn
from connector.core.model import FINAL, Intent, IntentState
from connector.errors import Busy, ConnectorError, DataError, Exit, NotPermitted, StateError
from connector.ops import logs
from connector.wiring import App, mirror_exists
from connector.wiring.pushing import fresh, push
from connector.wiring.pushing import lease as lease  # commands that work for a shop hold it

QUEUE_SECONDS = 30.0  # how long a writing command waits for the daemon to confirm


@dataclass(slots=True)
class Options:
    """Options of the whole program. config None: environment, else the default path."""

    config: Path | None = None
    verbose: bool = False
    debug: bool = False


def load(options: Options) -> config.Settings:
    """Read the settings and set the log up for a one-shot command."""
    settings = config.load(options.config)
    set_up_log(options, settings)
    return settings


def set_up_log(options: Options, settings: config.Settings, *, to_stdout: bool = False, warnings: bool = True) -> None:
    """The log goes to standard output for the daemon, else to standard error, where a terminal is spared everything
    below a warning unless -v asks for it. warnings: print what is unwise in the settings."""
    stream = sys.stdout if to_stdout else sys.stderr
    level = settings.log.level
    if not to_stdout and stream.isatty() and level == "info":
        level = "warning"
    if options.verbose:
        level = "debug"
    logs.configure(level, settings.log.format, config.secrets_of(settings), stream)
    for warning in settings.warnings if warnings else ():
        warn(f"warning: {safe(warning)}")


@contextmanager
def opened(
    options: Options, *, new_baseline: bool = False, since: date | None = None, reading: bool = False
) -> Iterator[App]:
    """The app of this process, closed at the end. reading: makes nothing; without a mirror an empty one stands in."""
    settings = load(options)
    check_owner(settings)
    with ExitStack() as stack:
        if reading and not mirror_exists(settings):
            empty = stack.enter_context(tempfile.TemporaryDirectory(prefix="prestashop-connector-"))
            app = App(settings, logs.EventLog(), mirror_url=f"sqlite:///{empty}/mirror.db")
        else:
            app = App(settings, logs.EventLog(), new_baseline=new_baseline, since=since)
        stack.callback(app.close)
        yield app


def check_owner(settings: config.Settings) -> None:
    """A command of another user than the state directory's owner would leave files that the service cannot read; one
    that others may write into is not to be trusted."""
    folder = Path(settings.state_dir)
    try:
        found = folder.stat()
    except OSError:
        return  # the mirror says what is wrong with it
    owner = found.st_uid
    if os.geteuid() != owner:
        import pwd

        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"#{owner}"
        command = " ".join(sys.argv[1:]) or "status"
        raise NotPermitted("state.other_owner", path=str(folder), owner=name, command=command)
    if found.st_mode & 0o022:
        raise NotPermitted("state.open_to_others", path=str(folder), mode=f"{stat.S_IMODE(found.st_mode):o}")


def pick_shop(app: App, name: str | None) -> str:
    """The shop that a command means: the named one, or the only one there is."""
    return named_shop(app.settings, name)


def named_shop(settings: config.Settings, name: str | None) -> str:
    """As `pick_shop`, for commands that do without the mirror."""
    known = list(settings.shops)
    if name is None:
        if len(known) == 1:
            return known[0]
        raise DataError("shop.which", known=", ".join(known))
    if name not in known:
        raise DataError("shop.unknown_name", name=name, known=", ".join(known))
    return name


class Stop:
    """Asked by long work between two rows. The first signal asks it to end, the second ends it at once."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal = 0

    def __call__(self) -> bool:
        return self.event.is_set()

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.event.is_set():
            raise KeyboardInterrupt
        self.signal = number
        self.event.set()
        warn("stopping after the row in hand (again to stop at once)")


def submit(app: App, shop: str, intents: Sequence[Intent]) -> list[Intent]:
    """Have committed intents pushed: by the daemon when it works for the shop, else by this process.

    Returns them as they are afterwards, with what followed from them (the note about a refused mail). They are
    committed whatever happens here: an error of the way is shown, and what is not final yet is pushed by a later run.
    """
    ids = [intent.id for intent in intents]
    try:
        if app.take_lease(shop):
            with lease(app, shop):
                ids = push(app, shop, intents, show_error)
        else:
            waited = 0.0
            while waited < QUEUE_SECONDS and any(i.state not in FINAL for i in fresh(app, ids)):
                app.clock.sleep(0.5)
                waited += 0.5
    except KeyboardInterrupt:
        waits = queued(fresh(app, ids))
        if waits is not None:
            show_error(waits)
        raise
    return fresh(app, ids)


def queued(intents: Sequence[Intent]) -> Busy | None:
    """The words for intents that are committed and not final yet."""
    waiting = [i for i in intents if i.state not in FINAL]
    if not waiting:
        return None
    states = ", ".join(sorted({str(i.state) for i in waiting}))
    return Busy("command.queued", states=states, ids=", ".join(str(i.id) for i in waiting))


def outcome_code(intents: Sequence[Intent]) -> Exit:
    """The exit code of a writing command: failed 69 for a mail, else 65; a conflict 1."""
    states = {intent.state for intent in intents}
    if IntentState.FAILED in states:
        mail = any(i.state is IntentState.FAILED and i.kind.value == "mail.send" for i in intents)
        return Exit.UNAVAILABLE if mail else Exit.DATA
    if any(intent.state not in FINAL for intent in intents):
        return Exit.TEMPORARY
    return Exit.FOUND if IntentState.CONFLICT in states else Exit.OK


def show_error(error: ConnectorError) -> None:
    """The words for an error: what happened, then what to do."""
    what, remedy = words.explain(error)
    warn(f"error: {safe(what, lines=True)}")
    if remedy:
        warn(f"  what to do: {safe(remedy, lines=True)}")


def guarded(work: Callable[[], int], *, debug: bool) -> int:
    """Run a command; every failure becomes words and an exit code."""
    try:
        return work()
    except ConnectorError as error:
        if debug:
            raise
        show_error(error)
        return int(error.exit)
    except KeyboardInterrupt:
        warn("interrupted")
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        return _reader_left()
    except SystemExit as ended:
        # click ends the program with 1 when the reader of a pipe went away.
        return _reader_left() if ended.code == 1 else int(ended.code or 0)
    except OSError as error:
        if debug:
            raise
        show_error(StateError("output.failed", reason=error.strerror or type(error).__name__))
        return int(Exit.IO)
    except click.exceptions.Abort:
        return int(Exit.INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        place = _place(error)
        warn(f"error: a fault of this program: {type(error).__name__} at {place}")
        warn("  what to do: run the same command with --debug and report what it prints (check it for personal data)")
        return int(Exit.INTERNAL)


def _reader_left() -> int:
    """The reader went away (`| head`): nothing to say, and nothing to flush at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(Exit.OK)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    place = "?"
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.startswith("connector"):
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place

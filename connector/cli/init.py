"""`init`: the first settings, the state directory and the mirror, then what comes next."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from connector import config, packagedata
from connector.cli.output import safe, say
from connector.cli.session import Options, set_up_log
from connector.cli.starting import Wanted, gather
from connector.errors import CannotCreate, Exit, NotPermitted, SettingsError
from connector.ops import logs, user
from connector.ops.user import User
from connector.wiring import App

PROGRAM = "/usr/bin/prestashop-connector"  # what the units start
UNITS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")
SECURITY = ("ssl", "starttls", "plain")


def _name(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    del ctx, parameter
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", value):
        raise click.BadParameter("a-z, 0-9 and single underscores, a letter first")
    return value


@click.command()
@click.option("--url", help="Address of the shop's front office.")
@click.option("--key-file", type=click.File(), help="File with the webservice key; -: standard input.")
@click.option("--shop", default="main", show_default=True, callback=_name, help="What the shop is called here.")
@click.option("--employee", type=click.IntRange(0), help="Id of the employee in whose name statuses are set.")
@click.option("--timezone", help="IANA time zone of the shop, if the key may not read it.")
@click.option("--mailbox", metavar="HOST[:PORT]", help="IMAP server. None: a commented table to fill in (OAuth too).")
@click.option("--mailbox-name", default="service", show_default=True, callback=_name, help="What it is called here.")
@click.option("--mailbox-user", help="User of the mailbox.")
@click.option("--mailbox-password-file", type=click.File(), help="File with its password; -: standard input.")
@click.option("--mailbox-security", default="ssl", show_default=True, type=click.Choice(SECURITY))
@click.option("--smtp", metavar="HOST[:PORT]", help="Server that sends replies. None: a commented table to fill in.")
@click.option("--smtp-user", help="User of the mail server; none: no login.")
@click.option("--smtp-password-file", type=click.File(), help="File with its password; -: standard input.")
@click.option("--smtp-security", default="starttls", show_default=True, type=click.Choice(SECURITY))
@click.option("--sender", help="Address that replies are sent from.")
@click.option("--state-dir", type=click.Path(path_type=Path, file_okay=False), help="Where mirror and tokens live.")
@click.option("--mirror-url", help="A PostgreSQL database for the mirror, without a password.")
@click.option("--user", "user_name", help=f"Whose the files are (default: as root {user.SERVICE}, else yourself).")
@click.option("--non-interactive", is_flag=True, help="Ask nothing: what is missing is an error.")
@click.pass_obj
def init(options: Options, /, user_name: str | None, non_interactive: bool, **given: Any) -> int:  # noqa: ANN401
    """Write first settings, make the state directory and the mirror, and say what comes next.

    Asks on a terminal for what the options leave open. Never overwrites a file. Keys and passwords go into files
    beside the settings, for the service's user only.
    """
    path = Path(options.config or os.environ.get(config.PATH_VARIABLE) or config.DEFAULT_PATH).absolute()
    if path.exists():
        raise CannotCreate("init.exists", file=str(path))
    owner = _owner(user_name)
    _program_open_to(owner)
    wanted = gather(given, ask=_asks(non_interactive))
    for name in wanted.secrets:
        if (path.parent / "secrets" / name).exists():
            raise CannotCreate("init.exists", file=str(path.parent / "secrets" / name))
    text = config.render(packagedata.text("config.example.toml"), wanted.answers)
    settings = _checked(path, text, wanted)
    set_up_log(options, settings)
    with _told(settings.state_dir):
        _state(settings.state_dir, owner)
    with user.acting_as(owner):
        app = App(settings, logs.EventLog())
        try:
            _ = app.secrets  # made now, so that a backup of today has it
        finally:
            app.close()
    with _told(path):
        _folder(path.parent, owner)
        if wanted.secrets:
            _folder(path.parent / "secrets", owner)
        for name, secret in wanted.secrets.items():
            _write(path.parent / "secrets" / name, secret + "\n", owner)
        _write(path, text, owner)
    _next_steps(path, settings, wanted, owner)
    return int(Exit.OK)


def _asks(non_interactive: bool) -> bool:
    return sys.stdin.isatty() and not non_interactive


def _owner(name: str | None) -> User:
    me = user.myself()
    if name is None and me.uid != 0:
        return me
    found = user.named(name or user.SERVICE)
    if found is None:
        sysusers = packagedata.place("systemd").joinpath("prestashop-connector.sysusers.conf")
        raise CannotCreate("init.no_user", user=name or user.SERVICE, sysusers=str(sysusers))
    if me.uid not in (0, found.uid):
        raise NotPermitted("init.not_root", user=found.name)
    return found


def _program_open_to(owner: User) -> None:
    """Root may have put the program where only root looks, its home above all: no service would ever start there."""
    here = Path(str(packagedata.place(packagedata.RESOURCES))).parent.parent
    try:
        with user.acting_as(owner):
            packagedata.names(packagedata.RESOURCES)
    except OSError as error:
        raise NotPermitted("init.program_closed", user=owner.name, path=str(here)) from error


def _checked(path: Path, text: str, wanted: Wanted) -> config.Settings:
    """The settings as the file will give them, so that a mistake is told before anything is written."""
    with tempfile.TemporaryDirectory(prefix="prestashop-connector-") as folder:
        draft = Path(folder) / path.name
        draft.write_text(text, encoding="utf-8")
        (draft.parent / "secrets").mkdir(mode=0o700)
        for name, secret in wanted.secrets.items():
            _write(draft.parent / "secrets" / name, secret + "\n", user.myself())
        try:
            return config.load(draft, {})
        except SettingsError as error:
            for problem in error.problems:
                problem["file"], problem["line"] = str(path), None
            raise


@contextmanager
def _told(what: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CannotCreate("init.not_creatable", path=str(error.filename or what), reason=reason) from error


def _state(folder: Path, owner: User) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, owner.uid, owner.gid)
        folder.chmod(0o700)


def _folder(folder: Path, owner: User) -> None:
    """root's, and open for the service's group only to look into; a user of its own keeps it alone."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, os.geteuid(), owner.gid)
        folder.chmod(0o750 if os.geteuid() != owner.uid else 0o700)


def _write(path: Path, text: str, owner: User) -> None:
    """A file that was not there: of root, to be read by the service's group; or of its own user alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if os.geteuid() != owner.uid:
                os.fchown(file.fileno(), -1, owner.gid)
                os.fchmod(file.fileno(), 0o640)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _next_steps(path: Path, settings: config.Settings, wanted: Wanted, owner: User) -> None:
    say(f"written: {safe(path)}")
    for name in wanted.secrets:
        say(f"written: {safe(path.parent / 'secrets' / name)}")
    say(f"made:    {safe(settings.state_dir)} with the mirror, for the user {safe(owner.name)}")
    say()
    say("Next:")
    for number, step in enumerate(_steps(path, wanted, owner), start=1):
        say(f"  {number}. {step[0]}")
        for line in step[1:]:
            say(f"       {line}")


def _steps(path: Path, wanted: Wanted, owner: User) -> Iterator[list[str]]:
    words = ["prestashop-connector"] if path == config.DEFAULT_PATH else ["prestashop-connector", "--config", str(path)]
    if owner.uid != os.geteuid():
        words = ["sudo", "-u", owner.name, *words]
    command = " ".join(shlex.quote(word) for word in words)
    if wanted.answers.mailbox is None or wanted.answers.smtp is None:
        yield [f"Fill in the mailbox and the mail server in {shlex.quote(str(path))}, where they stand as comments."]
    yield ["Switch PrestaShop's own IMAP sync off (Customer Service, options: empty its IMAP fields)."]
    yield ["Have everything looked at, and mend what it names:", f"{command} doctor"]
    yield ["Fill the mirror; mails that lie in the mailbox now stay untouched:", f"{command} sync"]
    start = ["Start the service:"]
    if not any((Path(folder) / "prestashop-connector.service").exists() for folder in UNITS):
        source = packagedata.place("systemd").joinpath("prestashop-connector.service")
        start.append(f"sudo cp {shlex.quote(str(source))} /etc/systemd/system/")
        found = shutil.which("prestashop-connector") or sys.argv[0]
        if not Path(PROGRAM).exists():
            start.append(f"sudo ln -s {shlex.quote(found)} {PROGRAM}")
    if path == config.DEFAULT_PATH and owner.name == user.SERVICE:
        start.append("sudo systemctl enable --now prestashop-connector")
        yield start
    else:
        yield ["Run it:", f"{command} run"]

"""`web`: the page for support staff, and who may use it."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click

from connector.cli.output import emit_json, safe, say, table
from connector.cli.session import Options, check_owner, load, opened
from connector.config.values import is_loopback
from connector.errors import DataError, Exit, UsageError
from connector.wiring.web import Page, users_file

DEFAULT = "127.0.0.1:8477"
ROLES = ("read", "answer", "admin")


@click.group(invoke_without_command=True)
@click.option("--listen", metavar="HOST:PORT", help=f"Where: a port of this machine [web.listen, else {DEFAULT}].")
@click.pass_context
def web(ctx: click.Context, listen: str | None) -> int:
    """Serve the page for support staff until Ctrl-C: threads, answers, quarantine, the state of the service.

    What is wished there goes through the outbox: the daemon pushes it, or, without one, this command.
    """
    if ctx.invoked_subcommand is not None:
        return int(Exit.OK)
    options: Options = ctx.obj
    host = (listen or "").rpartition(":")[0].strip("[]")
    if listen and not (listen.startswith("unix:/") or (is_loopback(host) and listen.rpartition(":")[2].isdigit())):
        raise UsageError("web.listen_form", listen=listen)
    with opened(options) as app:
        page = Page(app.events, pushing=True)
        try:
            where = listen or app.settings.web.listen or DEFAULT
            page.adopt(app, where)
            say(f"the page is at {where if where.startswith('unix:') else f'http://{where}/'} (Ctrl-C ends it)")
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(Exit.OK)))
            page.wait()
        except KeyboardInterrupt:
            say("ended")
        finally:
            page.close()
    return int(Exit.OK)


@web.group()
def user() -> None:
    """Who may sign in at the page: add, list, password, remove."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="read", show_default=True, help="What they may do.")
@click.option(
    "--employee", "employees", multiple=True, metavar="[SHOP=]ID", help="The employee in whose name they write."
)
@click.option("--no-password", is_flag=True, help="A proxy signs them in.")
@click.pass_obj
def add(options: Options, name: str, role: str, employees: tuple[str, ...], no_password: bool) -> int:
    """Add a user; the password is asked for, or read from standard input.

    Of a user that is there role and employees are changed, and the password stays."""
    from connector.web.users import Users

    settings = load(options)
    check_owner(settings)
    users = Users(users_file(settings))
    known = users.get(name)
    names = dict(_employee(one, list(settings.shops)) for one in employees)
    wanted = names or (dict(known.employees) if known else {})
    password = None if no_password or known is not None else _password()
    users.put(name, role, password, wanted)
    say(f"{safe(name)} {'is changed' if known else 'may sign in'} (role {role})")
    return int(Exit.OK)


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_(options: Options, as_json: bool) -> int:
    """The users with role and employees."""
    from connector.web.users import Users

    rows: list[dict[str, Any]] = [
        {"name": one.name, "role": one.role, "employees": dict(one.employees), "password": bool(one.hash)}
        for one in Users(users_file(load(options))).all().values()
    ]
    if as_json:
        emit_json(rows)
    elif rows:
        lines = [
            (row["name"], row["role"], ", ".join(f"{k}={v}" for k, v in row["employees"].items()) or "-",
             "yes" if row["password"] else "no")
            for row in rows
        ]  # fmt: skip
        table(("name", "role", "employees", "password"), lines)
    else:
        say("there is no user: `web user add NAME --role answer`")
    return int(Exit.OK)


@user.command("password")
@click.argument("name")
@click.pass_obj
def password(options: Options, name: str) -> int:
    """Set another password; whoever is signed in under the name is out."""
    from connector.web.users import Users

    settings = load(options)
    check_owner(settings)
    users = Users(users_file(settings))
    known = users.get(name)
    if known is None:
        raise DataError("web.user_unknown", name=name)
    users.put(name, known.role, _password(), known.employees)
    say(f"the password of {safe(name)} is another one now")
    return int(Exit.OK)


@user.command("remove")
@click.argument("name")
@click.pass_obj
def remove(options: Options, name: str) -> int:
    """Remove a user, who is out at once."""
    from connector.web.users import Users

    settings = load(options)
    check_owner(settings)
    Users(users_file(settings)).remove(name)
    say(f"{safe(name)} is removed")
    return int(Exit.OK)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first: str = click.prompt("password", hide_input=True)
    if click.prompt("the same again", hide_input=True) != first:
        raise DataError("web.password_differs")
    return first


def _employee(text: str, shops: list[str]) -> tuple[str, int]:
    shop, _, number = text.rpartition("=")
    shop = shop or (shops[0] if len(shops) == 1 else "")
    if shop not in shops or not (number.isascii() and number.isdigit()):
        raise UsageError("web.employee_form", value=text)
    return shop, int(number)

"""`mailbox authorize`: an admin agrees, on any machine with a browser, that this program may use an account."""

from __future__ import annotations

import contextlib
import time

import click

from connector.cli.output import safe, say, warn
from connector.cli.session import Options, check_owner, load, named_shop, show_error
from connector.errors import DataError, Exit, MailboxUnavailable
from connector.wiring import Accounts, Login


@click.group()
def mailbox() -> None:
    """Mailboxes and how to log in to them."""


@mailbox.command("authorize")
@click.argument("name")
@click.option("--shop", help="The shop, when the settings have several.")
@click.pass_obj
def authorize(options: Options, name: str, shop: str | None) -> int:
    """Let this program log in by OAuth to the mailbox NAME, or to the mail server when NAME is smtp.

    Works on a machine without a browser: open the address that is shown on another one. Run it again whenever `status`
    says reauthorise. A login that needs no person (client credentials, service account) is only tried.
    """
    settings = load(options)
    check_owner(settings)
    where = named_shop(settings, shop)
    logins = Accounts(settings).logins(where)
    chosen = [login for login in logins if login.name == name]
    if not chosen:
        known = ", ".join(sorted({login.name for login in logins})) or "none"
        raise DataError("oauth.no_such_account", mailbox=name, shop=where, known=known)
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - without it a terminal cuts a pasted line after 4,096 characters
    for login in chosen:
        say(f"{safe(login.name)} of shop {safe(where)}: the account {safe(login.user)}")
        _agree(login)
        login.try_it()
        say("The mail server accepts the login.")
    say("A running daemon uses it at its next attempt, within a quarter of an hour; after `systemctl reload` at once.")
    return int(Exit.OK)


def _agree(login: Login) -> None:
    if login.flow == "authorization_code":
        _by_address(login)
    elif login.flow == "device_code":
        _by_code(login)
    else:
        say("This login needs no person; it is tried now.")
        return
    say("Agreed. The tokens are kept in the state directory.")


def _by_address(login: Login) -> None:
    request = login.request()
    say()
    say(f"1. Open this address in a browser, on any machine, sign in as {safe(login.user)} and agree:")
    say()
    say(safe(request.url))
    say()
    say(f"2. The browser then goes to an address that starts with {safe(login.redirect_url)}")
    say("   It cannot show a page there; that is as it should be. Copy the whole address line and paste it here.")
    say("   (Ctrl-C ends this; nothing is changed then.)")
    while True:
        pasted = click.prompt("Address", prompt_suffix=": ")
        try:
            login.redeem(request, pasted)
        except DataError as error:
            show_error(error)
        else:
            return


def _by_code(login: Login) -> None:
    device = login.device()
    say()
    say(f"1. Open {safe(device.url)} in a browser, on any machine.")
    say(f"2. Type the code {safe(device.user_code)}")
    say(f"3. Sign in as {safe(login.user)} and agree.")
    say()
    say(f"Waiting, {device.lifetime / 60:.0f} minutes at most. (Ctrl-C ends this; nothing is changed then.)")
    pause, ends = device.interval, time.monotonic() + device.lifetime
    while time.monotonic() < ends:
        time.sleep(pause)
        try:
            longer = login.poll(device)
        except MailboxUnavailable as error:
            if error.code == "oauth.too_late":
                raise
            warn(f"the token server does not answer ({safe(error.code)}); asking again")
            longer = device.interval  # RFC 8628 3.5: after a timeout less often
        if longer is None:
            return
        pause += longer
    raise MailboxUnavailable("oauth.too_late", mailbox=login.name)

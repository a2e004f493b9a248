"""Do the mailboxes open, with their folders and what the settings ask of the server? Does the mail server take us?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from connector.engine.doctor.finding import Finding, State, attempt, fail, ok, skip, warn
from connector.engine.ports import Mailbox
from connector.errors import CheckFound, MailboxReauthorise

LOGIN, FOLDER, CAPABILITIES, OAUTH, SMTP = (
    "mailbox.login",
    "mailbox.folders",
    "mailbox.capabilities",
    "oauth.grant",
    "smtp.login",
)
OLD_GRANT = timedelta(days=60)
"""Microsoft ends a refresh token that was not used for 90 days."""


class Login(Protocol):
    """An account that logs in by OAuth."""

    name: str

    def state(self) -> str:
        """'' when nothing is known to be wrong, else the code of what only a person can mend."""
        ...

    def renewed_at(self) -> datetime | None:
        """When its tokens were renewed last, aware UTC; None without any."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox. proofs: folders of it that the mail server's settings name, beside those collected. after, target: as
    `Mailbox.require`. idle: do the settings want to be told of new mail?"""

    shop: str
    name: str
    open: Callable[[], Mailbox]
    folders: Sequence[str]
    proofs: Sequence[str]
    after: str
    target: str
    idle: bool

    def findings(self) -> Iterator[Finding]:
        subject = f"{self.shop}.{self.name}"
        inside: list[Finding] = []

        def look() -> Iterator[Finding]:
            with self.open() as session:
                inside.append(ok(LOGIN, subject, LOGIN))
                for folder in dict.fromkeys((*self.folders, *self.proofs)):
                    inside.extend(attempt(FOLDER, subject, partial(self._folder, session, folder)))
                inside.extend(attempt(CAPABILITIES, subject, lambda: self._capabilities(session)))
            return iter(())

        failed = list(attempt(LOGIN, subject, look))
        if inside:  # a farewell that went wrong says nothing about the mailbox
            yield from inside
            return
        yield from failed
        yield from (skip(check, subject, "doctor.no_login") for check in (FOLDER, CAPABILITIES))

    def _folder(self, session: Mailbox, folder: str) -> Iterator[Finding]:
        yield ok(FOLDER, f"{self.shop}.{self.name}", FOLDER, folder=folder, mails=session.select(folder).exists)

    def _capabilities(self, session: Mailbox) -> Iterator[Finding]:
        subject = f"{self.shop}.{self.name}"
        session.require(self.after, self.target)
        if self.idle and "IDLE" not in session.capabilities():
            yield warn(CAPABILITIES, subject, CheckFound("doctor.no_idle", mailbox=self.name))
        else:
            yield ok(CAPABILITIES, subject, CAPABILITIES)


def login_findings(shop: str, login: Login, now: datetime) -> Iterator[Finding]:
    """The state of an OAuth grant, as far as it is known without asking."""

    def look() -> Iterator[Finding]:
        subject = f"{shop}.{login.name}"
        dead = login.state()
        if dead:
            yield fail(OAUTH, subject, MailboxReauthorise(dead, mailbox=login.name))
            return
        renewed = login.renewed_at()
        if renewed is None:
            yield ok(OAUTH, subject, "doctor.grant_unused")
            return
        days = max(0, (now - renewed).days)
        if now - renewed > OLD_GRANT:
            yield warn(OAUTH, subject, CheckFound("doctor.grant_old", mailbox=login.name, days=days))
        else:
            yield ok(OAUTH, subject, OAUTH, days=days)

    return attempt(OAUTH, f"{shop}.{login.name}", look)


def with_grant(shop: str, login: Login | None, tried: Iterable[Finding], now: datetime) -> Iterator[Finding]:
    """What was tried with an account, after what is known of its OAuth grant, if it logs in by one. What the attempt
    itself tells again, or has mended, is left out. now: aware UTC."""
    if login is None:
        yield from tried
        return
    before = list(login_findings(shop, login, now))
    found = list(tried)
    failed = {one.code for one in found if one.state is State.FAIL}
    for one in before:
        if one.state is not State.FAIL or (one.code not in failed and login.state()):
            yield one
    yield from found


def sender_findings(shop: str, check: Callable[[], None] | None) -> Iterator[Finding]:
    """check: connects and logs in; None without a mail server, which mailboxes can do without."""

    def look() -> Iterator[Finding]:
        if check is None:
            yield skip(SMTP, shop, "doctor.no_smtp")
            return
        check()
        yield ok(SMTP, shop, SMTP)

    return attempt(SMTP, shop, look)

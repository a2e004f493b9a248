"""Accounts of mailboxes and mail servers, as the settings describe them, with a password or with OAuth tokens.

Needs no mirror: `mailbox authorize` works before the first sync. The libraries of OAuth are loaded when an account logs
in by it: they would take a tenth of every other command's time.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connector import config
from connector.mailbox.client import Account, ImapMailbox
from connector.mailbox.sender import SmtpAccount, SmtpSender

if TYPE_CHECKING:
    from connector.mailbox.oauth import Device, Grant, Request
    from connector.mailbox.tokens import Tokens

SMTP = "smtp"
"""How the mail server is called where mailboxes are named."""


class Accounts:
    """All accounts of the settings. Tokens of an account are made once: they may hold what the disk did not take."""

    def __init__(self, settings: config.Settings) -> None:
        self._settings = settings
        self._tokens: dict[tuple[str, str], Tokens] = {}

    def mailbox(self, shop: str, name: str) -> Account:
        m = self._settings.shops[shop].mailboxes[name]
        return Account(
            m.host,
            m.port,
            m.user,
            m.password.get_secret_value() if m.password else "",
            m.security,
            m.verify_certificate,
            str(m.ca_file or ""),
            m.timeout,
            m.pin_sha256,
            self._tokens_of((shop, name), m),
        )

    def smtp(self, shop: str) -> SmtpAccount | None:
        s = self._settings.shops[shop].smtp
        if s is None:
            return None
        return SmtpAccount(
            s.host,
            s.port,
            s.user,
            s.password.get_secret_value() if s.password else "",
            s.security,
            s.verify_certificate,
            str(s.ca_file or ""),
            s.timeout,
            s.bcc,
            s.pin_sha256,
            self._tokens_of((shop, ""), s),  # no mailbox has this name
        )

    def logins(self, shop: str) -> list[Login]:
        """Every account of a shop that logs in by OAuth: mailboxes, then the mail server."""
        s = self._settings.shops[shop]
        boxes = [Login(shop, name, False, self) for name, m in s.mailboxes.items() if m.oauth is not None]
        return boxes + ([Login(shop, SMTP, True, self)] if s.smtp is not None and s.smtp.oauth is not None else [])

    def tokens(self, shop: str, name: str, *, smtp: bool) -> Tokens:
        """Of an account that logs in by OAuth."""
        if smtp:
            self.smtp(shop)
        else:
            self.mailbox(shop, name)
        return self._tokens[shop, "" if smtp else name]

    def _tokens_of(self, key: tuple[str, str], account: config.MailboxSettings | config.SmtpSettings) -> Tokens | None:
        if account.oauth is None:
            return None
        if key not in self._tokens:
            from connector.mailbox.tokens import Tokens

            grant = _grant(account.oauth, account.user, account.timeout)
            self._tokens[key] = Tokens(key[1] or SMTP, grant, Path(self._settings.state_dir))
        return self._tokens[key]


class Login:
    """One account that logs in by OAuth: its state, and the steps in which a person gives it a new grant."""

    def __init__(self, shop: str, name: str, is_smtp: bool, accounts: Accounts) -> None:
        self.shop = shop
        self.name = name
        self._is_smtp = is_smtp
        self._accounts = accounts
        self._tokens = accounts.tokens(shop, name, smtp=is_smtp)
        self.user = self._tokens.grant.user
        self.flow = self._tokens.grant.flow
        self.redirect_url = self._tokens.grant.redirect_url

    def state(self) -> str:
        """'' when nothing is known to be wrong, else the error code of what only a person can mend."""
        return self._tokens.state()

    def renewed_at(self) -> datetime | None:
        """When its tokens were renewed last, UTC; None without any."""
        return self._tokens.renewed_at()

    def request(self) -> Request:
        return self._tokens.server.request()

    def redeem(self, request: Request, address: str) -> None:
        self._tokens.adopt(self._tokens.server.redeem(request, address))

    def device(self) -> Device:
        return self._tokens.server.device()

    def poll(self, device: Device) -> float | None:
        """None: agreed, the tokens are kept. Else by how many seconds the pauses grow."""
        answer = self._tokens.server.poll(device)
        if isinstance(answer, float):
            return answer
        self._tokens.adopt(answer)
        return None

    def try_it(self) -> None:
        """Log in at the mail server."""
        if self._is_smtp:
            account = self._accounts.smtp(self.shop)
            assert account is not None  # noqa: S101 - it has an oauth table
            SmtpSender(account).check()
        else:
            with ImapMailbox(self.name, self._accounts.mailbox(self.shop, self.name)):
                pass


def _grant(o: config.OAuthSettings, user: str, timeout: float) -> Grant:
    from connector.mailbox.oauth import PROVIDERS, Grant

    provider = PROVIDERS[o.provider]

    def own(url: str, standard: str) -> str:
        return url or standard.format(tenant=o.tenant)

    return Grant(
        flow=o.flow,
        user=user,
        client_id=o.client_id,
        token_url=own(o.token_url, provider.token_url),
        client_secret=o.client_secret.get_secret_value() if o.client_secret else "",
        scope=o.scope or provider.scopes.get(o.flow, ""),
        authorize_url=own(o.authorize_url, provider.authorize_url),
        device_url=own(o.device_url, provider.device_url),
        redirect_url=o.redirect_url,
        refresh_token=o.refresh_token.get_secret_value() if o.refresh_token else "",
        service_account=o.service_account.get_secret_value() if o.service_account else "",
        extras=provider.extras,
        ca_file=str(o.ca_file or ""),
        timeout=timeout,
    )

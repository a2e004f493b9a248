"""The line to an IMAP server: connecting, securing, logging in, opening folders, and library errors made ours.

Knows no mails; `client.py` reads and files them over this line.
"""

from __future__ import annotations

import difflib
import imaplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    IMAPClientReadOnlyError,
    LoginError,
    ProtocolError,
)

from connector.engine.ports import FolderState
from connector.errors import MailboxError, MailboxForbidden, MailboxMisconfigured, MailboxUnavailable
from connector.mailbox import bearer, tls

LONGEST_LINE = 64_000_000

# One SEARCH answer is one line; imaplib refuses lines above 1 MB, which is a folder of about 130,000 mails.
imaplib._MAXLINE = LONGEST_LINE  # type: ignore[attr-defined]

# RFC 5530: a NO to a login that says nothing about the password.
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]", "TOO MANY")


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mailbox lives. `security`: ssl, starttls or plain. `timeout` in seconds, for connecting and reading.

    `ca_file`: PEM file whose certificates are trusted instead of the system's, '' for the system's. `pins`: SHA-256 of
    the server's certificate, see `tls.context`. `tokens`: OAuth access tokens instead of the password.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: str = "ssl"
    verify: bool = True
    ca_file: str = ""
    timeout: float = 30.0
    pins: tuple[str, ...] = ()
    tokens: bearer.AccessTokens | None = field(default=None, repr=False)


class Session:
    """One account's line to its server. A context manager: logs in on entry, logs out on exit, may be entered again.

    Raises MailboxForbidden (login refused), MailboxMisconfigured (certificate, STARTTLS, folder, capability) and
    MailboxUnavailable (everything that may pass). After MailboxUnavailable the session is over: enter a new one.
    """

    def __init__(self, name: str, account: Account) -> None:
        self.name = name
        self._account = account
        self._client: IMAPClient | None = None
        self._broken = False
        self._folder = ""
        self._uidvalidity = 0
        self._writable = False
        self._tls: ssl.SSLContext | None = None

    # --- session --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._broken = False
        self._folder, self._uidvalidity, self._writable = "", 0, False
        client = self._connect()
        try:
            self._refuse_preauth(client)
            if self._account.security == "starttls":
                self._starttls(client)
            self._login(client)
        except BaseException:
            with suppress(Exception):
                client.shutdown()
            raise
        client.normalise_times = False  # imapclient would give naive times of this machine's zone
        self._client = client
        return self

    def __exit__(self, *exc: object) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        # A LOGOUT to a server that has stopped answering would wait for one more timeout.
        with suppress(Exception):
            if self._broken:
                client.shutdown()
            else:
                client.logout()

    def _connect(self) -> IMAPClient:
        account = self._account
        secure = account.security == "ssl"
        with self._line():
            client = IMAPClient(
                account.host,
                port=account.port,
                ssl=secure,
                ssl_context=self._secure() if secure else None,
                timeout=SocketTimeout(connect=account.timeout, read=account.timeout),
            )
            # A command goes out in several pieces; held back until the last one is acknowledged, each costs 40 ms.
            client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client

    def _refuse_preauth(self, client: IMAPClient) -> None:
        # RFC 3501 7.1.4. Nobody asked for a password yet: either somebody sits in the line to keep us off STARTTLS
        # (the trick works because STARTTLS is not allowed after PREAUTH) or it is not the account we mean.
        if bytes(client.welcome or b"").upper().startswith(b"* PREAUTH"):
            raise MailboxMisconfigured("imap.preauth", **self._where())

    def _secure(self) -> ssl.SSLContext:
        # Kept: loading the system's certificates takes longer than all the rest of a look at an idle mailbox.
        self._tls = self._tls or tls.context("imap", self._account.verify, self._account.ca_file, self._account.pins)
        return self._tls

    def _starttls(self, client: IMAPClient) -> None:
        with self._line():
            if not client.has_capability("STARTTLS"):
                raise MailboxMisconfigured("imap.no_starttls", **self._where())
            try:
                client.starttls(self._secure())
            except IMAPClientAbortError:
                raise
            except IMAPClientError as exc:
                raise MailboxMisconfigured("imap.starttls_failed", **self._where()) from exc

    def _login(self, client: IMAPClient) -> None:
        if self._account.tokens is not None:
            self._login_by_token(client, self._account.tokens)
        else:
            self._login_by_password(client)

    def _login_by_token(self, client: IMAPClient, tokens: bearer.AccessTokens) -> None:
        """A token may have been withdrawn before its time: a refused one is replaced once. Who is refused again with a
        token made just now needs a person."""
        token = tokens.access()
        if not self._takes(client, token) and not self._takes(client, tokens.access(refused=token)):
            raise tokens.dead()
        tokens.accepted()

    def _takes(self, client: IMAPClient, token: str) -> bool:
        account = self._account
        with self._line():
            mechanism = bearer.choose([name for name in bearer.MECHANISMS if client.has_capability(f"AUTH={name}")])
            if not mechanism:
                raise MailboxMisconfigured("imap.no_oauth", **self._where())
            answer = bearer.responder(mechanism, account.user, token, account.host, account.port)
            try:
                client.sasl_login(mechanism, answer)
            except LoginError as exc:
                self._passing_login_error(exc)
                return False
            return True

    def _login_by_password(self, client: IMAPClient) -> None:
        account = self._account
        with self._line():
            try:
                # PLAIN carries any user name and password as UTF-8; imaplib's LOGIN leaves the user unquoted and
                # fails on anything but ASCII.
                if client.has_capability("AUTH=PLAIN"):
                    client.plain_login(account.user, account.password)
                elif client.has_capability("LOGINDISABLED"):
                    raise MailboxMisconfigured("imap.login_disabled", **self._where())
                else:
                    self._classic_login(client)
            except LoginError as exc:
                self._passing_login_error(exc)
                raise MailboxForbidden("imap.login_refused", **self._where()) from exc

    def _passing_login_error(self, exc: LoginError) -> None:
        """Raises MailboxUnavailable when the refused login says nothing about the password or token."""
        # imapclient reports a connection that broke during the login as a refused login, too.
        if isinstance(exc.__context__, IMAPClientAbortError):
            raise MailboxUnavailable("imap.connection_lost", **self._where()) from exc
        if any(mark in str(exc).upper() for mark in _PASSING):
            raise MailboxUnavailable("imap.login_unavailable", **self._where()) from exc

    def _classic_login(self, client: IMAPClient) -> None:
        account = self._account
        if not (account.user.isascii() and account.password.isascii()) or not account.user.isprintable():
            raise MailboxMisconfigured("imap.login_ascii", **self._where())
        quoted = account.user.replace("\\", "\\\\").replace('"', '\\"')
        client.login(f'"{quoted}"', account.password)

    # --- folders --------------------------------------------------------------------------------------------------

    def _open(self, folder: str, *, writable: bool) -> FolderState:
        with self._folder_errors(folder), self._line() as client:
            self._folder = ""
            answer = client.select_folder(folder, readonly=not writable)
        uidvalidity = int(answer.get(b"UIDVALIDITY", 0))
        if not uidvalidity:
            raise MailboxMisconfigured("imap.no_uidvalidity", mailbox=self.name, folder=folder)
        uidnext = int(answer.get(b"UIDNEXT", 0))
        self._folder, self._uidvalidity, self._writable = folder, uidvalidity, writable
        if not uidnext:  # RFC 3501 only asks for it since 2003; old servers leave it out
            with self._line() as client:
                uidnext = max([0, *client.search(["UID", "*"])]) + 1
        return FolderState(uidvalidity=uidvalidity, uidnext=uidnext, exists=int(answer.get(b"EXISTS", 0)))

    def _for_writing(self) -> None:
        if not self._folder:
            raise MailboxMisconfigured("imap.no_folder", mailbox=self.name)
        if self._writable:
            return
        folder, expected = self._folder, self._uidvalidity
        state = self._open(folder, writable=True)
        if state.uidvalidity != expected:  # the UIDs in hand mean other mails now
            self._broken = True
            raise MailboxUnavailable("imap.uidvalidity_changed", mailbox=self.name, folder=folder)

    @contextmanager
    def _folder_errors(self, folder: str) -> Iterator[None]:
        if any(not c.isprintable() for c in folder):
            # Dovecot 2.3 repeats the name in its answer, line ends and all, which ends the session.
            raise self._unknown(folder)
        try:
            yield
        except MailboxUnavailable as exc:
            cause = exc.__cause__
            if isinstance(cause, IMAPClientReadOnlyError):
                raise MailboxMisconfigured("imap.read_only", mailbox=self.name, folder=folder) from exc
            if self._broken or not isinstance(cause, IMAPClientError):
                raise
            if folder.upper() == "INBOX" or folder in self._folders():
                raise
            raise self._unknown(folder) from exc

    def _unknown(self, folder: str) -> MailboxMisconfigured:
        known = self._folders()
        similar = difflib.get_close_matches(folder, known, n=5, cutoff=0.4) or known[:10]
        return MailboxMisconfigured("imap.folder_unknown", mailbox=self.name, folder=folder, similar=", ".join(similar))

    def _folders(self) -> list[str]:
        with self._line() as client:
            return sorted(
                name for flags, _, name in client.list_folders() if isinstance(name, str) and b"\\Noselect" not in flags
            )

    # --- errors ---------------------------------------------------------------------------------------------------

    def _where(self) -> dict[str, object]:
        return {"mailbox": self.name, "host": self._account.host, "port": self._account.port}

    @contextmanager
    def _line(self) -> Iterator[IMAPClient]:
        """Every talk with the server goes through here: the one place where library errors become ours."""
        try:
            if self._broken:
                raise MailboxUnavailable("imap.connection_lost", **self._where())
            yield self._client
        except MailboxError:
            raise
        except LoginError:
            raise
        except ssl.SSLError as exc:  # first: a certificate error is a ValueError, too
            self._broken = True
            told = tls.handshake_error("imap", self._account.host, self._account.port, exc)
            raise told or MailboxUnavailable("imap.connection_lost", **self._where()) from exc
        except IMAPClientReadOnlyError as exc:
            raise MailboxUnavailable("imap.refused", **self._where()) from exc
        except IMAPClientAbortError as exc:
            self._broken = True
            raise MailboxUnavailable("imap.connection_lost", **self._where()) from exc
        except (ProtocolError, ValueError) as exc:
            self._broken = True
            raise MailboxUnavailable("imap.protocol", **self._where()) from exc
        except IMAPClientError as exc:  # a NO or BAD; the session itself goes on
            raise MailboxUnavailable("imap.refused", **self._where()) from exc
        except TimeoutError as exc:
            self._broken = True
            raise MailboxUnavailable("imap.timeout", seconds=self._account.timeout, **self._where()) from exc
        except OSError as exc:
            self._broken = True
            reason = exc.strerror or type(exc).__name__
            raise MailboxUnavailable("imap.unreachable", reason=reason, **self._where()) from exc

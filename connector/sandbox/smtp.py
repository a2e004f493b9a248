"""A real SMTP server to play with: aiosmtpd on loopback, which keeps what it gets and misbehaves on demand."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
import warnings
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

FAULTS = (
    "refuse_sender",  # 550 at MAIL FROM
    "refuse_recipient",  # 550 at RCPT TO
    "temporary",  # 451 at RCPT TO
    "drop_before_data",  # the line goes dead at RCPT TO
    "refuse_content",  # 554 as the final answer
    "temporary_after_data",  # 451 as the final answer
    "drop_after_data",  # the mail is taken, the line goes dead before the final answer
    "hang_after_data",  # the mail is taken, no final answer comes
)


class Received(NamedTuple):
    mail_from: str
    rcpt_to: tuple[str, ...]
    raw: bytes


class SandboxSmtp:
    """`users`: login name to password; with users a login is required. `takes_token` is asked whether a user may log in
    with an access token (OAUTHBEARER, XOAUTH2); with it a login is required, too. `no_auth`: mechanisms not offered.

    `received` holds every mail that was taken, also one whose final answer was lost. `deliver_to` is called with each
    taken mail, e.g. to file it in a Sent folder. `ssl_context` makes the port speak TLS from the start, `tls_context`
    offers STARTTLS.
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        deliver_to: Callable[[Received], None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        tls_context: ssl.SSLContext | None = None,
        smtputf8: bool = True,
        takes_token: Callable[[str, str], bool] | None = None,
        no_auth: tuple[str, ...] = (),
    ) -> None:
        self.takes_token = takes_token
        self.users = dict(users or {})
        self.host = "127.0.0.1"
        self.received: list[Received] = []
        self.logins: list[str] = []
        self._faults: deque[str] = deque()
        self._deliver_to = deliver_to
        self._listening = socket.create_server((self.host, 0))
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._listening.getsockname()[1]
        options: dict[str, Any] = {"enable_SMTPUTF8": smtputf8, "tls_context": tls_context}
        if self.users or takes_token:
            options |= {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": False}
            options["auth_exclude_mechanism"] = no_auth
        handler = _TokenHandler(self) if takes_token else _Handler(self)
        self._controller = _Controller(handler, hostname=self.host, port=self.port, ssl_context=ssl_context, **options)
        self._controller.listening = self._listening

    def __enter__(self) -> SandboxSmtp:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        # Login without TLS is meant here; aiosmtpd would warn of it at every connection.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()
        self._listening.close()

    def fail_next(self, fault: str, times: int = 1) -> None:
        """The next `times` mails meet this fault (one of FAULTS)."""
        if fault not in FAULTS:
            raise ValueError(fault)
        self._faults.extend([fault] * times)

    def _meets(self, *faults: str) -> str:
        """The fault that is due, if it is one of these; it is used up then."""
        if self._faults and self._faults[0] in faults:
            return self._faults.popleft()
        return ""

    def _take(self, received: Received) -> None:
        self.received.append(received)
        if self._deliver_to is not None:
            self._deliver_to(received)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, credentials: LoginPassword
    ) -> AuthResult:
        name, password = credentials.login.decode(), credentials.password.decode()
        self.logins.append(name)
        return AuthResult(success=name in self.users and self.users[name] == password, handled=False)


class _Controller(Controller):
    """Listens on a socket that is bound already, so that no other process can take the port in between."""

    listening: socket.socket

    def factory(self) -> Any:  # noqa: ANN401 - aiosmtpd has no types
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().factory()  # type: ignore[no-untyped-call]

    def _create_server(self) -> Coroutine[Any, Any, asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self.listening, ssl=self.ssl_context)


class _Handler:
    def __init__(self, sandbox: SandboxSmtp) -> None:
        self.sandbox = sandbox

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sandbox._meets("refuse_sender"):
            return "550 5.7.1 not from you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self.sandbox._meets("refuse_recipient", "temporary", "drop_before_data")
        if fault == "refuse_recipient":
            return "550 5.1.1 no such mailbox"
        if fault == "temporary":
            return "451 4.3.0 try again later"
        if fault:
            _hang_up(server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self.sandbox._meets("refuse_content", "temporary_after_data", "drop_after_data", "hang_after_data")
        if fault == "refuse_content":
            return "554 5.6.0 content refused"
        if fault == "temporary_after_data":
            return "451 4.3.0 try again later"
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        self.sandbox._take(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        if fault == "drop_after_data":
            _hang_up(server)
        elif fault == "hang_after_data":
            await asyncio.sleep(3600)
        return "250 OK"


class _TokenHandler(_Handler):
    """Logs in by access token, in both forms; a refusal is explained first, as Google and RFC 7628 do."""

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        return await self._by_token(server, base64.b64decode(args[1]), b"n,a=")

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._by_token(server, base64.b64decode(args[1]), b"user=")

    async def _by_token(self, server: SMTP, said: bytes, before_user: bytes) -> AuthResult:
        parts = said.split(b"\x01")
        user = parts[0].removeprefix(before_user).rstrip(b",").decode()
        token = next((part.partition(b"auth=Bearer ")[2] for part in parts if part.startswith(b"auth=")), b"").decode()
        self.sandbox.logins.append(user)
        if self.sandbox.takes_token is not None and self.sandbox.takes_token(user, token):
            return AuthResult(success=True, auth_data=user)
        await server.challenge_auth('{"status":"invalid_token"}')
        return AuthResult(success=False, handled=False)


def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()

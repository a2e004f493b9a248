"""One mail out by SMTP, and a plain answer to the only question that counts: was it handed over?

smtplib's `sendmail` does not tell in which step it failed, so the steps are driven one by one here. Before DATA is
accepted nothing was handed over. From then on only the server's final answer counts; without one the outcome is
unknown and never guessed. Nothing is repeated here.
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from connector.engine.ports import OutgoingMail
from connector.errors import (
    MailboxError,
    MailboxForbidden,
    MailboxMisconfigured,
    SmtpOutcomeUnknown,
    SmtpRejected,
    SmtpUnavailable,
)
from connector.mailbox import bearer, compose, tls

QUIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """Where mail goes out. `security`: ssl, starttls or plain. `timeout` in seconds, for each step.

    `user` '' means no login. `bcc`: an address that gets every mail, too, as the proof that it went out; '' for none.
    `ca_file`: PEM file whose certificates are trusted instead of the system's. `pins`: SHA-256 of the server's
    certificate, see `tls.context`. `tokens`: OAuth access tokens instead of the password.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = "starttls"
    verify: bool = True
    ca_file: str = ""
    timeout: float = 60.0
    bcc: str = ""
    pins: tuple[str, ...] = ()
    tokens: bearer.AccessTokens | None = field(default=None, repr=False)


class SmtpSender:
    """Fits `ports.Sender`. A connection per mail: outgoing mail is rare and limited, idle connections are dropped."""

    def __init__(self, settings: SmtpAccount) -> None:
        self._settings = settings
        self._tls: ssl.SSLContext | None = None

    def compose(self, mail: OutgoingMail) -> bytes:
        """The mail's bytes with CRLF. Raises SmtpRejected `smtp.bad_address` or `smtp.bad_message_id`."""
        return compose.compose(mail)

    def send(self, mail: OutgoingMail) -> None:
        """Hand over one mail.

        Raises SmtpUnavailable (nothing handed over, may be tried again), SmtpRejected (refused for good),
        SmtpOutcomeUnknown (DATA begun, no final answer), MailboxForbidden (login refused) and MailboxMisconfigured
        (certificate, STARTTLS, no way to log in).
        """
        raw = compose.compose(mail)
        sender = compose.envelope_address(mail.sender)
        receivers = [compose.envelope_address(mail.to)]
        if self._settings.bcc:
            receivers.append(compose.envelope_address(self._settings.bcc))
        with self._before_data():
            server = self._connect()
        try:
            with self._before_data():
                self._greet_and_login(server)
                self._envelope(server, sender, receivers)
                self._expect(server, "data", 354, "smtp.refused")
            self._data(server, raw)
        finally:
            _leave(server)

    def check(self) -> None:
        """Connect, secure the line and log in, as for a mail; hand nothing over. Raises as `send` does before DATA."""
        with self._before_data():
            server = self._connect()
        try:
            with self._before_data():
                self._greet_and_login(server)
        finally:
            _leave(server)

    # --- until DATA -----------------------------------------------------------------------------------------------

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        # Without a name smtplib asks the DNS for this machine's, which can take longer than sending the mail.
        name = socket.gethostname()
        own_name = name if "." in name and name.isascii() else "[127.0.0.1]"
        if settings.security == "ssl":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                timeout=settings.timeout, context=self._secure(), local_hostname=own_name, host=""
            )
        else:
            server = smtplib.SMTP(timeout=settings.timeout, local_hostname=own_name)
        server._host = settings.host  # type: ignore[attr-defined] # the name TLS checks; only the constructor sets it
        code, text = server.connect(settings.host, settings.port)
        if code != 220:
            # Not about this mail: the server wants nobody, or not us. Whatever the code, it may pass.
            _leave(server)
            raise SmtpUnavailable("smtp.greeting", **self._facts(code, text))
        return server

    def _secure(self) -> ssl.SSLContext:
        self._tls = self._tls or tls.context("smtp", self._settings.verify, self._settings.ca_file, self._settings.pins)
        return self._tls

    def _greet_and_login(self, server: smtplib.SMTP) -> None:
        settings = self._settings
        server.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            if not server.has_extn("starttls"):
                raise MailboxMisconfigured("smtp.no_starttls", **self._where())
            try:
                server.starttls(context=self._secure())
            except smtplib.SMTPResponseException as exc:
                raise MailboxMisconfigured("smtp.starttls_failed", **self._where()) from exc
            server.ehlo_or_helo_if_needed()
        if settings.tokens is not None:
            self._login_by_token(server, settings.tokens)
        elif settings.user:
            self._login(server)

    def _login_by_token(self, server: smtplib.SMTP, tokens: bearer.AccessTokens) -> None:
        """As at the mailbox: a refused token is replaced once, then a person is needed."""
        token = tokens.access()
        if not self._takes(server, token) and not self._takes(server, tokens.access(refused=token)):
            raise tokens.dead()
        tokens.accepted()

    def _takes(self, server: smtplib.SMTP, token: str) -> bool:
        settings = self._settings
        methods = server.esmtp_features.get("auth", "").upper().split()
        mechanism = bearer.choose(methods)
        if not mechanism:
            raise MailboxMisconfigured("smtp.no_oauth", offered=" ".join(methods), **self._where())
        answer = bearer.responder(mechanism, settings.user, token, settings.host, settings.port)
        code, text = server.docmd("AUTH", f"{mechanism} {_b64(answer(b''))}")
        while code == 334:  # the server explains its refusal and waits for us to end the exchange
            code, text = server.docmd(_b64(answer(text)))
        if code == 235:
            return True
        if code >= 500:
            return False
        raise SmtpUnavailable("smtp.login_unavailable", **self._facts(code, text))

    def _login(self, server: smtplib.SMTP) -> None:
        """PLAIN or LOGIN by hand: smtplib's own give up on a password that is not ASCII."""
        settings = self._settings
        methods = server.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in methods:
            code, text = server.docmd("AUTH", "PLAIN " + _b64(f"\0{settings.user}\0{settings.password}"))
        elif "LOGIN" in methods:
            code, text = server.docmd("AUTH", "LOGIN")
            for secret in (settings.user, settings.password):
                if code == 334:
                    code, text = server.docmd(_b64(secret))
        else:
            raise MailboxMisconfigured("smtp.no_login", offered=" ".join(methods), **self._where())
        if code == 235:
            return
        if code >= 500:
            raise MailboxForbidden("smtp.login_refused", status=code, **self._where())
        raise SmtpUnavailable("smtp.login_unavailable", **self._facts(code, text))

    def _envelope(self, server: smtplib.SMTP, sender: str, receivers: list[str]) -> None:
        international = any(not address.isascii() for address in (sender, *receivers))
        if international and not server.has_extn("smtputf8"):
            raise SmtpRejected("smtp.no_utf8", **self._where())
        if international:
            server.command_encoding = "utf-8"
        options = " SMTPUTF8 BODY=8BITMIME" if international else ""
        self._expect(server, f"mail FROM:<{sender}>{options}", 250, "smtp.sender_refused")
        for number, address in enumerate(receivers):
            code = "smtp.bcc_refused" if number else "smtp.recipient_refused"
            self._expect(server, f"rcpt TO:<{address}>", 250, code)

    def _expect(self, server: smtplib.SMTP, command: str, wanted: int, error: str) -> None:
        code, text = server.docmd(command)
        if code == wanted or (wanted == 250 and code == 251):
            return
        if 500 <= code <= 599:
            raise SmtpRejected(error, **self._facts(code, text))
        raise SmtpUnavailable("smtp.not_now", **self._facts(code, text))

    @contextmanager
    def _before_data(self) -> Iterator[None]:
        """Whatever happens in here, nothing was handed over."""
        settings = self._settings
        try:
            yield
        except MailboxError:
            raise
        except ssl.SSLError as exc:
            told = tls.handshake_error("smtp", settings.host, settings.port, exc)
            raise told or SmtpUnavailable("smtp.connection_lost", **self._where()) from exc
        except smtplib.SMTPHeloError as exc:
            raise SmtpUnavailable("smtp.greeting", **self._facts(exc.smtp_code, exc.smtp_error)) from exc
        except TimeoutError as exc:
            raise SmtpUnavailable("smtp.timeout", seconds=settings.timeout, **self._where()) from exc
        except smtplib.SMTPException as exc:
            if isinstance(exc.__context__, TimeoutError):  # smtplib calls a silent server a lost connection
                raise SmtpUnavailable("smtp.timeout", seconds=settings.timeout, **self._where()) from exc
            raise SmtpUnavailable("smtp.connection_lost", **self._where()) from exc
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise SmtpUnavailable("smtp.unreachable", reason=reason, **self._where()) from exc

    # --- from DATA on ---------------------------------------------------------------------------------------------

    def _data(self, server: smtplib.SMTP, raw: bytes) -> None:
        try:
            server.send(compose.dot_stuffed(raw))
            code, text = server.getreply()
        except (OSError, smtplib.SMTPException) as exc:  # TimeoutError and TLS faults are OSErrors
            raise SmtpOutcomeUnknown("smtp.outcome_unknown", **self._where()) from exc
        if 200 <= code <= 299:
            return
        if 500 <= code <= 599:
            raise SmtpRejected("smtp.content_refused", **self._facts(code, text))
        if 400 <= code <= 499:  # "the requested action did not occur" (RFC 5321 4.2.1)
            raise SmtpUnavailable("smtp.not_now", **self._facts(code, text))
        raise SmtpOutcomeUnknown("smtp.outcome_unknown", status=code, **self._where())

    # --- facts ----------------------------------------------------------------------------------------------------

    def _where(self) -> dict[str, object]:
        return {"host": self._settings.host, "port": self._settings.port}

    def _facts(self, code: int, text: bytes | str) -> dict[str, object]:
        """Status and, when the answer has one, the enhanced code; the words of the answer often hold the address."""
        answer = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        first = (answer.split() or [""])[0]
        enhanced = first if first[:1] in ("2", "4", "5") and first.replace(".", "").isdigit() else ""
        return {"status": code, "enhanced": enhanced, **self._where()}


def _b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode("ascii")


def _leave(server: smtplib.SMTP) -> None:
    """Good manners only: the mail's fate is settled, and a server that hangs here must not hold us up."""
    with suppress(OSError, smtplib.SMTPException):
        if server.sock is not None:
            server.sock.settimeout(QUIT_SECONDS)
            server.quit()
    with suppress(OSError):
        server.close()

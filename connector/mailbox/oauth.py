"""The token server: asking for access tokens, and the two flows in which a person agrees.

Endpoints and scopes of Google and Microsoft are data here. What the server says is sorted into the three cases that
call for different actions: a person must agree again (MailboxReauthorise), the settings or the registration of the
client are wrong (MailboxMisconfigured), it may pass (MailboxUnavailable). Nothing is stored here; `tokens.py` does.
No answer's text is passed on: it names accounts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from joserfc.jwk import RSAKey

from connector.errors import DataError, MailboxError, MailboxMisconfigured, MailboxReauthorise, MailboxUnavailable

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
UNKNOWN_LIFETIME = 300.0  # RFC 6749 5.1 only recommends expires_in

# RFC 6749 5.2 and 4.1.2.1, RFC 8628 3.5, and Microsoft's own ("reference-error-codes" of its identity platform).
_DEAD = ("invalid_grant", "interaction_required", "login_required", "consent_required")
_DENIED = ("access_denied", "authorization_declined")
_EXPIRED = ("expired_token", "bad_verification_code", "code_expired")
_PASSING = ("temporarily_unavailable", "server_error", "slow_down", "request_timeout")


@dataclass(frozen=True, slots=True)
class Provider:
    """Endpoints may hold `{tenant}`. scopes: per flow. extras: parameters of the authorization request."""

    authorize_url: str = ""
    token_url: str = ""
    device_url: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)
    extras: Mapping[str, str] = field(default_factory=dict)


_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
_GOOGLE_MAIL = "https://mail.google.com/"
_OUTLOOK_MAIL = "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"
PROVIDERS: dict[str, Provider] = {
    # developers.google.com: "OAuth 2.0 for iOS & Desktop Apps", "XOAUTH2 Mechanism". Without `offline` there is no
    # refresh token, without `consent` only at the first time.
    "google": Provider(
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        "",
        {"authorization_code": _GOOGLE_MAIL, "service_account": _GOOGLE_MAIL},
        {"access_type": "offline", "prompt": "consent"},
    ),
    # learn.microsoft.com: "Authenticate an IMAP, POP or SMTP connection using OAuth".
    "microsoft": Provider(
        f"{_MICROSOFT}/authorize",
        f"{_MICROSOFT}/token",
        f"{_MICROSOFT}/devicecode",
        {
            "device_code": _OUTLOOK_MAIL,
            "authorization_code": _OUTLOOK_MAIL,
            "client_credentials": "https://outlook.office365.com/.default",
        },
    ),
    "custom": Provider(),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What is asked of which token server for whom.

    `flow`: authorization_code, device_code, client_credentials or service_account. `user`: the account's name.
    `refresh_token`: the one that the settings seed, '' for none. `service_account`: Google's JSON key file, its text.
    `ca_file`: PEM file whose certificates are trusted instead of the system's. `timeout`: seconds, for connecting and
    for each wait.
    """

    flow: str
    user: str
    client_id: str
    token_url: str
    client_secret: str = field(default="", repr=False)
    scope: str = ""
    authorize_url: str = ""
    device_url: str = ""
    redirect_url: str = ""
    refresh_token: str = field(default="", repr=False)
    service_account: str = field(default="", repr=False)
    extras: Mapping[str, str] = field(default_factory=dict)
    ca_file: str = ""
    timeout: float = 30.0

    @property
    def needs_a_person(self) -> bool:
        return self.flow in ("authorization_code", "device_code")


@dataclass(frozen=True, slots=True)
class Answer:
    """Tokens. `lifetime` of the access token in seconds. `refresh_token` '': none was given, the old one stays."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    lifetime: float


@dataclass(frozen=True, slots=True)
class Request:
    """An authorization request that a person opens in a browser."""

    url: str
    state: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Device:
    """A device authorization (RFC 8628): the person opens `url` and types `user_code`. Seconds: interval, lifetime."""

    url: str
    user_code: str
    device_code: str = field(repr=False)
    interval: float
    lifetime: float


class TokenServer:
    """`name`: of the mailbox, or smtp, for errors. Every method raises what the module says."""

    def __init__(self, name: str, grant: Grant) -> None:
        self.name = name
        self.grant = grant

    # --- without a person -----------------------------------------------------------------------------------------

    def tokens(self, refresh_token: str = "") -> Answer:
        """New tokens: by the refresh token, or by the client's own right where the flow needs no person."""
        grant = self.grant
        with self._talk():
            if grant.flow == "service_account":
                with self._assertion() as session:
                    return self._answer(session.refresh_token())
            with self._session() as session:
                if grant.flow == "client_credentials":
                    return self._answer(session.fetch_token(grant.token_url, grant_type="client_credentials",
                                                            scope=grant.scope, allow_redirects=False))  # fmt: skip
                return self._answer(
                    session.refresh_token(grant.token_url, refresh_token=refresh_token, allow_redirects=False)
                )

    def _assertion(self) -> AssertionSession:
        """RFC 7523, as Google's service accounts with domain-wide delegation want it: the scope is a claim."""
        grant = self.grant
        try:
            key = json.loads(grant.service_account)
            issuer, private = str(key["client_email"]), RSAKey.import_key(str(key["private_key"]))
        except (ValueError, KeyError, TypeError) as exc:
            raise MailboxMisconfigured("oauth.service_account", mailbox=self.name) from exc
        session = AssertionSession(
            grant.token_url,
            issuer,
            grant.user,
            claims={"scope": grant.scope},
            header={"alg": "RS256", "typ": "JWT"},
            key=private,
            default_timeout=(grant.timeout, grant.timeout),
        )
        return self._prepared(session)

    # --- with a person: authorization code (RFC 6749 4.1, PKCE RFC 7636) ------------------------------------------

    def request(self) -> Request:
        """Where the person goes to agree."""
        verifier = generate_token(64)
        with self._session() as session:
            hint = {"login_hint": self.grant.user} if "@" in self.grant.user else {}
            url, state = session.create_authorization_url(
                self.grant.authorize_url, code_verifier=verifier, **hint, **self.grant.extras
            )
        return Request(url, state, verifier)

    def redeem(self, request: Request, address: str) -> Answer:
        """Tokens for the address that the browser ended at.

        Raises DataError `oauth.pasted` when it is not the answer to this request, MailboxReauthorise `oauth.denied`
        when the person did not agree.
        """
        said = {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
        if said.get("state") != request.state:
            raise DataError("oauth.pasted", mailbox=self.name, wanted=self.grant.redirect_url)
        if "error" in said:
            raise self._told(said["error"], "")
        if "code" not in said:
            raise DataError("oauth.pasted", mailbox=self.name, wanted=self.grant.redirect_url)
        with self._talk(), self._session() as session:
            answer = session.fetch_token(
                self.grant.token_url,
                grant_type="authorization_code",
                code=said["code"],
                code_verifier=request.verifier,
                allow_redirects=False,
            )
            return self._lasting(self._answer(answer))

    # --- with a person: device code (RFC 8628) --------------------------------------------------------------------

    def device(self) -> Device:
        """Begin: what to show the person."""
        grant = self.grant
        with self._talk(), self._session() as session:
            said = session.request(
                "POST",
                grant.device_url,
                withhold_token=True,
                data={"client_id": grant.client_id, "scope": grant.scope},
                headers={"Accept": "application/json"},
                allow_redirects=False,
            ).json()
            if not isinstance(said, dict):
                raise ValueError("no object")
            if "error" in said:
                raise OAuthError(said["error"], said.get("error_description"))
            url = str(said.get("verification_uri") or said.get("verification_url") or "")
            if not url or not said.get("user_code") or not said.get("device_code"):
                raise ValueError("not a device answer")
            return Device(
                url,
                str(said["user_code"]),
                str(said["device_code"]),
                max(1.0, float(said.get("interval", 5))),
                float(said.get("expires_in", 900)),
            )

    def poll(self, device: Device) -> Answer | float:
        """Tokens when the person has agreed, else by how many seconds the pauses grow (0: keep asking as before)."""
        with self._talk(), self._session() as session:
            try:
                answer = session.fetch_token(
                    self.grant.token_url,
                    grant_type=DEVICE_GRANT,
                    device_code=device.device_code,
                    allow_redirects=False,
                )
            except OAuthError as exc:
                if exc.error == "authorization_pending":
                    return 0.0
                if exc.error == "slow_down":
                    return 5.0
                raise
            return self._lasting(self._answer(answer))

    # --- inside ---------------------------------------------------------------------------------------------------

    def _session(self) -> OAuth2Session:
        """Secrets go in the body: every provider takes them there, while HTTP Basic is read differently by them."""
        grant = self.grant
        session = OAuth2Session(
            grant.client_id,
            grant.client_secret or None,
            token_endpoint_auth_method="client_secret_post" if grant.client_secret else "none",
            scope=grant.scope or None,
            redirect_uri=grant.redirect_url or None,
            code_challenge_method="S256",
            default_timeout=(grant.timeout, grant.timeout),
        )
        return self._prepared(session)

    def _prepared(self, session: Any) -> Any:  # noqa: ANN401 - authlib has no types
        session.verify = self.grant.ca_file or True
        session.hooks["response"].append(self._look_at)
        return session

    def _look_at(self, response: requests.Response, **_: object) -> None:
        """Statuses that speak for themselves, before anybody looks for OAuth in the body."""
        status = response.status_code
        if status in (408, 425, 429) or status >= 500:
            raise MailboxUnavailable("oauth.unavailable", status=status, **self._where(response.url))
        if 300 <= status < 400 or status in (404, 405):
            raise MailboxMisconfigured("oauth.endpoint", status=status, **self._where(response.url))

    def _answer(self, said: Mapping[str, Any]) -> Answer:
        access = said.get("access_token")
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise MailboxMisconfigured("oauth.endpoint", **self._where())
        try:
            lifetime = float(said.get("expires_in") or UNKNOWN_LIFETIME)
        except (TypeError, ValueError):
            lifetime = UNKNOWN_LIFETIME
        refresh = said.get("refresh_token")
        return Answer(access, refresh if isinstance(refresh, str) else "", lifetime)

    def _lasting(self, answer: Answer) -> Answer:
        if not answer.refresh_token:
            raise MailboxMisconfigured("oauth.no_refresh_token", mailbox=self.name, scope=self.grant.scope)
        return answer

    def _where(self, url: str = "") -> dict[str, object]:
        parts = urlsplit(url or self.grant.token_url)
        return {"mailbox": self.name, "host": parts.netloc.rpartition("@")[2], "path": parts.path}

    def _told(self, error: object, description: object) -> MailboxError:
        """What an OAuth error asks for. Microsoft's AADSTS number is kept: it can be looked up."""
        code = error if isinstance(error, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", error) else "unknown"
        number = re.search(r"\bAADSTS\d+", description) if isinstance(description, str) else None
        facts = {**self._where(), "error": code, "detail": number[0] if number else ""}
        if code in _EXPIRED:
            return MailboxUnavailable("oauth.too_late", mailbox=self.name)
        if code in _DENIED:
            return MailboxReauthorise("oauth.denied", mailbox=self.name)
        if code in _DEAD:
            return MailboxReauthorise("oauth.grant_dead", **facts)
        if code in ("invalid_client", "unauthorized_client"):
            return MailboxReauthorise("oauth.client_refused", **facts)
        if code in _PASSING:
            return MailboxUnavailable("oauth.unavailable", **facts)
        return MailboxMisconfigured("oauth.refused", **facts)

    @contextmanager
    def _talk(self) -> Iterator[None]:
        """Every talk with the token server: the one place where library errors become ours."""
        try:
            yield
        except MailboxError:
            raise
        except AuthlibBaseError as exc:
            raise self._told(exc.error, exc.description) from None
        except requests.exceptions.SSLError as exc:
            raise MailboxMisconfigured("oauth.certificate", **self._where()) from exc
        except requests.Timeout as exc:
            raise MailboxUnavailable("oauth.timeout", seconds=self.grant.timeout, **self._where()) from exc
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as exc:
            raise MailboxMisconfigured("oauth.endpoint", **self._where()) from exc
        except requests.exceptions.JSONDecodeError as exc:
            raise MailboxMisconfigured("oauth.endpoint", **self._where()) from exc
        except requests.HTTPError as exc:  # a page instead of OAuth: a proxy's or a firewall's
            status = exc.response.status_code
            raise MailboxUnavailable("oauth.unavailable", status=status, **self._where()) from exc
        except requests.RequestException as exc:
            raise MailboxUnavailable("oauth.unreachable", **self._where()) from exc
        except OSError as exc:  # a ca_file that cannot be read
            raise MailboxMisconfigured("oauth.certificate", **self._where()) from exc
        except (ValueError, TypeError) as exc:  # JSON, but no object
            raise MailboxMisconfigured("oauth.endpoint", **self._where()) from exc

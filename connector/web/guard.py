"""What every request has to pass: the right host, a session, a role, a form of this page; and the headers of every
answer. Nothing gets through that is not named here.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from connector.errors import DataError
from connector.ops import events as ev
from connector.web.sessions import Attempts, Session, Sessions
from connector.web.texts import Texts, best
from connector.web.users import User, Users

COOKIE = "__Host-psc_session"
LANGUAGE_COOKIE = "__Host-psc_language"
VISIT_COOKIE = "__Host-psc_visit"
PROXY_SECRET = "X-Proxy-Secret"  # noqa: S105 - a header's name
OPEN = {"signin.form", "signin.enter", "static"}
"""What may be asked for without a session."""
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who signs people in for us. header '': nobody. trusted: over a unix socket no secret is needed. role 'none': only
    people of the users file."""

    header: str = ""
    secret: str = ""
    trusted: bool = False
    role: str = "none"


@dataclass(slots=True)
class Gate:
    """What the guard keeps of one page."""

    users: Users
    sessions: Sessions
    attempts: Attempts
    proxy: Proxy
    hosts: frozenset[str]
    key: bytes
    events: Any


def gate() -> Gate:
    found: Gate = current_app.extensions["gate"]
    return found


def install(app: Flask, made: Gate) -> None:
    app.extensions["gate"] = made
    app.before_request(_check_host)
    app.before_request(_recognise)
    app.before_request(_check_form)
    app.after_request(_with_headers)


def _check_host() -> None:
    """A name that leads to this machine by somebody else's DNS is not ours."""
    host = (urlsplit(f"//{request.host}").hostname or "").lower()
    if host not in LOCAL_HOSTS and host not in gate().hosts:
        _refused("host")
        abort(421)


def _recognise() -> Response | None:
    """Whose request is it? The user is looked up every time, so that a change of the users file counts at once."""
    found = gate()
    token = request.cookies.get(COOKIE, "")
    session = found.sessions.find(token) if token else None
    user = _user_of(session)
    if session is not None and user is None:
        found.sessions.end(token)
    by_proxy = _named_by_proxy()
    if found.proxy.header and (by_proxy is None or user is None or by_proxy.name != user.name):
        user = by_proxy
        session = None
        if user is not None:
            g.new_token, session = found.sessions.begin(user.name, user.hash)
            found.events.emit(ev.WEB_SESSION_STARTED, user=logged(user.name))
    g.user, g.session = user, session if user is not None else None
    asked = (g.session.language if g.session else "") or request.cookies.get(LANGUAGE_COOKIE, "")
    g.t = Texts(asked or best(list(request.accept_languages)))
    if g.user is None and request.endpoint not in OPEN:
        if request.method in ("GET", "HEAD") and not found.proxy.header:
            wanted = request.full_path.rstrip("?")
            return redirect(url_for("signin.form", to=wanted if wanted != "/" else None), 303)
        abort(403 if found.proxy.header else 401)
    return None


def _user_of(session: Session | None) -> User | None:
    if session is None:
        return None
    if gate().proxy.header:
        return _proxy_user(session.user)
    user = gate().users.get(session.user)
    return user if user is not None and user.hash and user.hash == session.proof else None


def _named_by_proxy() -> User | None:
    proxy = gate().proxy
    if not proxy.header:
        return None
    vouched = bool(proxy.secret) and _same(request.headers.get(PROXY_SECRET, ""), proxy.secret)
    if not proxy.trusted and not vouched:
        return None
    name = request.headers.get(proxy.header, "").strip()
    return _proxy_user(name) if 0 < len(name) <= 100 and name.isprintable() else None


def _proxy_user(name: str) -> User | None:
    known = gate().users.get(name)
    if known is not None:
        return replace(known, hash="")
    return User(name, gate().proxy.role) if gate().proxy.role != "none" else None


def _check_form() -> None:
    """Every form carries the session's secret, and a browser that says where it comes from says: from here."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
    foreign = origin is not None and origin.lower().partition("://")[2] != request.host.lower()
    expected = g.session.csrf if g.session is not None else visit_secret(request.cookies.get(VISIT_COOKIE, ""))
    given = request.form.get("csrf", "")
    if foreign or site not in ("same-origin", "none") or not expected or not _same(given, expected):
        _refused("forged_form")
        raise DataError("web.page_old")


def visit_secret(visit: str) -> str:
    """The secret of the sign-in form, made of the visitor's own cookie."""
    return hmac.new(gate().key, visit.encode("utf-8", "replace"), "sha256").hexdigest() if visit else ""


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        if name == "Cache-Control" and request.endpoint == "static" and response.status_code == 200:
            response.headers[name] = "private, max-age=86400"
            continue
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", POLICY)
    if token := g.pop("new_token", None):
        set_cookie(response, COOKIE, token)
    return response


def set_cookie(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Browsers take secure cookies of this machine's own addresses without TLS, too."""
    response.set_cookie(name, value, max_age=seconds, secure=True, httponly=True, samesite="Strict", path="/")


def needs(role: str) -> Callable[[View], View]:
    """Only for people who may do this."""

    def wrap(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the view takes and gives
            if not g.user.may(role):
                _refused("role")
                abort(403)
            return view(*args, **kwargs)

        return checked  # type: ignore[return-value]

    return wrap


def acted(action: str, **keys: object) -> None:
    """Into the log, with the user's name."""
    gate().events.emit(ev.WEB_ACTED, user=logged(g.user.name), action=action, **keys)


def _refused(reason: str) -> None:
    user = g.get("user")
    gate().events.emit(ev.WEB_REFUSED, reason=reason, user=logged(user.name) if user else None)


def logged(name: str) -> str:
    """An operator's name may be an address; customers' addresses are masked by their form."""
    return name.replace("@", " at ")

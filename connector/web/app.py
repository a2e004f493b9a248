"""The application factory: pages, guard, words for errors."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from connector import words
from connector.errors import ConnectorError, DataError, SettingsError, UsageError
from connector.ops import events as ev
from connector.web.office import Office

try:
    from flask import Flask, g, render_template, request
    from werkzeug.exceptions import HTTPException
    from werkzeug.routing import IntegerConverter
    from werkzeug.wrappers import Response
except ModuleNotFoundError as error:
    raise SettingsError("web.library_missing", library=error.name or "flask") from error

from connector.web import guard, mails, quarantine, signin, status, threads
from connector.web.guard import Gate, Proxy
from connector.web.sessions import Attempts, Sessions
from connector.web.texts import Texts, best, catalogues
from connector.web.users import Users

LARGEST_FORM = 1_000_000


class Number(IntegerConverter):
    """An id in a page's address; no database has a larger one."""

    regex = r"\d{1,18}"


def create_app(
    office: Callable[[], Office],
    users: Users,
    events: Any,  # noqa: ANN401 - engine.ports.Events
    *,
    sessions: Sessions,
    proxy: Proxy | None = None,
    hosts: frozenset[str] = frozenset(),
    attempts: Attempts | None = None,
) -> Flask:
    """office: gives what the page shows and does, of the settings as they are now. hosts: names under which the page is
    asked for besides this machine's own."""
    app = Flask("connector.web", static_folder="static", template_folder="templates")
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM, MAX_FORM_PARTS=100)
    app.url_map.converters["int"] = Number
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["office"] = office
    guard.install(
        app,
        Gate(users, sessions, attempts or Attempts(), proxy or Proxy(), hosts, secrets.token_bytes(32), events),
    )
    for pages in (signin.pages, threads.pages, mails.pages, quarantine.pages, status.pages):
        app.register_blueprint(pages)
    mark = _mark()

    @app.context_processor
    def _common() -> dict[str, Any]:
        return {
            "t": g.t,
            "user": g.get("user"),
            "csrf": g.session.csrf if g.get("session") else "",
            "languages": {code: Texts(code).name(code) for code in catalogues()},
            "mark": mark,
            "explain": words.explain,
            "here": request.full_path.rstrip("?") if request.method == "GET" else "",
            "may_sign_out": not guard.gate().proxy.header,
        }

    @app.errorhandler(ConnectorError)
    def _explained(error: ConnectorError) -> tuple[str, int]:
        what, remedy = words.explain(error)
        known = isinstance(error, (DataError, UsageError))
        return _page(409 if error.code == "web.page_old" else 400 if known else 503, what, remedy)

    @app.errorhandler(HTTPException)
    def _refused(error: HTTPException) -> tuple[str, int] | Response:
        code = error.code or 500
        if code < 400:
            return error.get_response()
        return _page(code, _texts().known("http", code), "")

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> tuple[str, int]:
        events.emit(ev.WEB_FAILED, exc_info=error)
        return _page(500, _texts()("http.500"), "")

    return app


def _page(code: int, what: str, remedy: str) -> tuple[str, int]:
    g.t = _texts()
    return render_template("error.html", code=code, what=what, remedy=remedy), code


def _texts() -> Texts:
    found: Texts | None = g.get("t")
    return found or Texts(best(list(request.accept_languages)))


def _mark() -> str:
    """Of the static files, so that a browser loads new ones anew."""
    folder = files("connector.web").joinpath("static")
    content = b"".join(entry.read_bytes() for entry in sorted(folder.iterdir(), key=lambda one: one.name))
    return hashlib.sha256(content).hexdigest()[:12]

"""Signing in and out, and the language of the page."""

from __future__ import annotations

import secrets

from flask import Blueprint, abort, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.ops import events as ev
from connector.web import guard
from connector.web.texts import catalogues

pages = Blueprint("signin", __name__)
LONGEST = 1000
YEAR = 365 * 86400


@pages.get("/sign-in")
def form() -> Response:
    if g.user is not None:
        return redirect(url_for("threads.listed"), 303)
    return _form(200)


def _form(status: int, *, wrong: bool = False, wait: int = 0) -> Response:
    visit = request.cookies.get(guard.VISIT_COOKIE, "")
    visit = visit if 20 < len(visit) < 100 else secrets.token_urlsafe(24)
    page = render_template(
        "sign_in.html",
        csrf=guard.visit_secret(visit),
        wrong=wrong,
        wait=wait,
        to=_inside(request.values.get("to", "")),
        nobody=not guard.gate().users.all(),
    )
    response = make_response(page, status)
    guard.set_cookie(response, guard.VISIT_COOKIE, visit)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


@pages.post("/sign-in")
def enter() -> Response:
    gate = guard.gate()
    if gate.proxy.header:
        abort(404)
    name, password = request.form.get("name", "").strip()[:LONGEST], request.form.get("password", "")[:LONGEST]
    wait = gate.attempts.wait(name)
    if wait > 0:
        gate.events.emit(ev.WEB_REFUSED, reason="too_many_tries", user=_known(name))
        return _form(429, wait=max(1, round(wait)))
    gate.attempts.failed(name)  # until it is known: many at the same moment are many tries
    user = gate.users.check(name, password)
    if user is None:
        gate.events.emit(ev.WEB_REFUSED, reason="wrong_password", user=_known(name))
        return _form(401, wrong=True)
    gate.attempts.passed(name)
    if old := request.cookies.get(guard.COOKIE, ""):
        gate.sessions.end(old)
    token, _ = gate.sessions.begin(user.name, user.hash, request.cookies.get(guard.LANGUAGE_COOKIE, ""))
    gate.events.emit(ev.WEB_SESSION_STARTED, user=guard.logged(user.name))
    response = redirect(_inside(request.form.get("to", "")) or url_for("threads.listed"), 303)
    guard.set_cookie(response, guard.COOKIE, token)
    return response


def _known(name: str) -> str | None:
    """What was typed may be a password in the wrong field: only names of users are logged."""
    return guard.logged(name) if guard.gate().users.get(name) else None


@pages.post("/sign-out")
def leave() -> Response:
    guard.gate().sessions.end(request.cookies.get(guard.COOKIE, ""))
    guard.gate().events.emit(ev.WEB_SESSION_ENDED, user=guard.logged(g.user.name))
    response = redirect(url_for("signin.form"), 303)
    response.delete_cookie(guard.COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    return response


@pages.post("/language")
def language() -> Response:
    wanted = request.form.get("language", "")
    if wanted not in catalogues():
        abort(400)
    g.session.language = wanted
    response = redirect(_inside(request.form.get("to", "")) or url_for("threads.listed"), 303)
    guard.set_cookie(response, guard.LANGUAGE_COOKIE, wanted, seconds=YEAR)
    return response


def _inside(path: str) -> str:
    """A path of this page, '' for anything else: nobody is sent away by a link that somebody else has made."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if fine and path.isprintable() and len(path) < LONGEST else ""

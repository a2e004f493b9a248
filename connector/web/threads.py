"""The list of threads, one thread with its customer's story, and what can be done with it."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.core.statuses import THREAD_STATUSES
from connector.errors import ConnectorError, SettingsError
from connector.web.guard import acted, needs
from connector.web.office import Draft, Filters, Office

pages = Blueprint("threads", __name__)
PAUSES = (1, 1, 2, 2, 3, 5, 8, 13, 20, 30, 60, 60)
"""Seconds between two looks at a change that is on its way; after the last one a person looks by hand."""
MOST_WATCHED = 20
MOST_MESSAGES = 100
"""Of a thread, the newest; the others are one step away."""


def office() -> Office:
    made: Office = current_app.extensions["office"]()
    return made


def known_shop(name: str) -> str:
    if name not in office().shops():
        abort(404)
    return name


@pages.get("/")
def start() -> Response:
    return redirect(url_for("threads.listed"), 303)


@pages.get("/threads")
def listed() -> str:
    asked = request.args
    shop = known_shop(asked.get("shop", "") or office().shops()[0])
    status = asked.get("status", "open")
    wanted = Filters(
        status=status if status in THREAD_STATUSES else "",
        contact=_number(asked.get("contact", "")),
        language=_number(asked.get("language", "")),
        waiting=asked.get("waiting") == "1",
        words=asked.get("q", "")[:500],
        longest_first=asked.get("order") == "longest",
    )
    found = office().threads(shop, wanted, asked.get("after", ""))
    more: dict[str, Any] = {**{key: value for key, value in asked.items() if value}, "after": found.more}
    return render_template(
        "threads.html",
        shop=shop,
        shops=office().shops(),
        wanted=wanted,
        found=found,
        more=url_for("threads.listed", **more) if found.more else "",
        choices=office().choices(shop),
        statuses=THREAD_STATUSES,
        zone=office().zone(shop),
    )


@pages.get("/next/<shop>")
def following(shop: str) -> Response:
    """The open thread whose customer has waited longest, other than the one that was just worked on."""
    wanted = Filters(status="open", waiting=True, longest_first=True)
    left = _number(request.args.get("not", ""))
    found = [one["id"] for one in office().threads(known_shop(shop), wanted).threads if one["id"] != left]
    if not found:
        return redirect(url_for("threads.listed", shop=shop, waiting=1), 303)
    return redirect(url_for("threads.shown", shop=shop, number=found[0]), 303)


@pages.get("/threads/<shop>/<int:number>")
def shown(shop: str, number: int) -> str:
    return _thread(known_shop(shop), number)


def _thread(shop: str, number: int, *, text: str = "", comment: str = "", error: ConnectorError | None = None) -> str:
    view = office().thread(shop, number)
    if view is None:
        abort(404)
    asked = request.args
    watched = office().changes(shop, _watched(asked.get("watch", "")))
    watched = [one for one in watched if one["id_thread"] in (number, None)]
    turn = _number(asked.get("turn", ""))
    waits = any(not one["final"] for one in watched)
    again = ""
    if waits and turn < len(PAUSES):
        again = url_for("threads.shown", shop=shop, number=number, watch=asked["watch"], turn=turn + 1)
    template, draft = asked.get("template", ""), Draft(text)
    if template and not text:
        values = {key.removeprefix("value_"): value for key, value in asked.items() if key.startswith("value_")}
        draft = office().draft(shop, number, template, values)
    return render_template(
        "thread.html",
        shop=shop,
        view=view,
        story=_story(shop, view),
        earlier=0 if asked.get("all") == "1" else max(0, len(view["messages"]) - MOST_MESSAGES),
        watched=watched,
        waits=waits,
        again=again,
        pause=PAUSES[min(turn, len(PAUSES) - 1)],
        template=template,
        draft=draft,
        comment=comment,
        error=error,
        choices=office().choices(shop),
        statuses=THREAD_STATUSES,
        zone=office().zone(shop),
        as_employee=_employee(shop),
    )


def _story(shop: str, view: dict[str, Any]) -> dict[str, Any] | None:
    """The page does without, when the story cannot be told."""
    with contextlib.suppress(ConnectorError):
        return office().story(shop, view, g.t.language, request.args.get("before", ""))
    return None


@pages.get("/changes/<shop>")
def changes(shop: str) -> str:
    """The part of a page that tells of changes on their way, for the script."""
    watched = office().changes(known_shop(shop), _watched(request.args.get("watch", "")))
    return render_template("_changes.html", watched=watched, waits=any(not one["final"] for one in watched))


@pages.post("/threads/<shop>/<int:number>/reply")
@needs("answer")
def reply(shop: str, number: int) -> Response | tuple[str, int]:
    text, private = request.form.get("text", "").replace("\r\n", "\n"), request.form.get("private") == "1"
    try:
        ids = office().reply(known_shop(shop), number, text, employee=_may_write(shop), private=private)
    except ConnectorError as error:  # nobody writes in vain: the text stands in the form again
        return _thread(shop, number, text=text, error=error), 400
    return _done(shop, number, "thread.note" if private else "thread.reply", ids)


@pages.post("/threads/<shop>/<int:number>/status")
@needs("answer")
def status(shop: str, number: int) -> Response:
    wanted = request.form.get("status", "")
    if wanted not in THREAD_STATUSES:
        abort(400)
    return _done(shop, number, "thread.status", office().set_status(known_shop(shop), number, wanted))


@pages.post("/threads/<shop>/<int:number>/forward")
@needs("answer")
def forward(shop: str, number: int) -> Response | tuple[str, int]:
    to, comment = request.form.get("to", "").strip()[:300], request.form.get("comment", "")
    to = request.form.get("address", "").strip()[:300] or to
    try:
        ids = office().forward(known_shop(shop), number, to, comment, employee=_may_write(shop))
    except ConnectorError as error:
        return _thread(shop, number, comment=comment, error=error), 400
    return _done(shop, number, "thread.forward", ids)


def _done(shop: str, number: int, action: str, ids: list[int]) -> Response:
    acted(action, shop=shop, thread_id=number, intent_ids=ids)
    watch = ".".join(str(one) for one in ids) or None
    return redirect(url_for("threads.shown", shop=shop, number=number, watch=watch, _anchor="changes"), 303)


def _employee(shop: str) -> int:
    """In whose name this user writes; 0: the shop's setting."""
    return int(g.user.employees.get(shop, 0))


def _may_write(shop: str) -> int:
    number = _employee(shop)
    if number and number not in office().choices(shop).employees:
        raise SettingsError("web.no_employee", user=g.user.name, shop=shop)
    return number


def _watched(text: str) -> list[int]:
    return [number for part in text.split(".")[:MOST_WATCHED] if (number := _number(part))]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

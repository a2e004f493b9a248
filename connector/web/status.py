"""How the service is doing, and the changes that wait for a person."""

from __future__ import annotations

from datetime import tzinfo

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from connector.errors import ConnectorError
from connector.web.guard import acted, needs
from connector.web.office import View
from connector.web.threads import known_shop, office

pages = Blueprint("status", __name__)
VERBS = ("retry", "confirm", "cancel")


@pages.get("/status")
def shown() -> str:
    shops: list[tuple[str, View, list[View], tzinfo | None, str | None]] = []
    for name in office().shops():
        try:
            shops.append((name, office().state(name), office().stuck(name), office().zone(name), None))
        except ConnectorError as error:
            shops.append((name, {}, [], None, error.code))
    return render_template("status.html", shops=shops)


@pages.post("/status/<shop>/changes/<int:number>/<verb>")
@needs("admin")
def settle(shop: str, number: int, verb: str) -> Response:
    if verb not in VERBS:
        abort(404)
    office().settle(known_shop(shop), number, verb)
    acted(f"outbox.{verb}", shop=shop, intent_ids=[number])
    return redirect(url_for("status.shown"), 303)

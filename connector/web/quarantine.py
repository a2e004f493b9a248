"""What could not be decided: mails and rows of the shop, and what a person says about them."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.web.guard import acted, needs
from connector.web.threads import _number, known_shop, office

pages = Blueprint("quarantine", __name__)


@pages.get("/quarantine")
def listed() -> str:
    shop = known_shop(request.args.get("shop", "") or office().shops()[0])
    return render_template(
        "quarantine.html",
        shop=shop,
        shops=office().shops(),
        mails=office().mails_aside(shop),
        rows=office().rows_aside(shop),
        done=request.args.get("done", ""),
        zone=office().zone(shop),
    )


@pages.post("/quarantine/<shop>/mail/<int:number>/assign")
@needs("answer")
def assign(shop: str, number: int) -> Response:
    thread = _number(request.form.get("thread", "").strip().lstrip("#"))
    ids = office().assign(known_shop(shop), number, thread, as_customer=request.form.get("as_customer") == "1")
    acted("quarantine.assign", shop=shop, copy_id=number, thread_id=thread, intent_ids=ids)
    watch = ".".join(str(one) for one in ids) or None
    return redirect(url_for("threads.shown", shop=shop, number=thread, watch=watch, _anchor="changes"), 303)


@pages.post("/quarantine/<shop>/<kind>/<int:number>/<verb>")
@needs("answer")
def settle(shop: str, kind: str, number: int, verb: str) -> Response:
    """retry: decide anew, or read the row again. drop: set aside for good."""
    known_shop(shop)
    done = verb
    if (kind, verb) == ("mail", "retry"):
        office().retry_mail(shop, number)
    elif (kind, verb) == ("mail", "drop"):
        office().drop_mail(shop, number)
    elif (kind, verb) == ("row", "retry"):
        done = f"row_{office().retry_row(shop, number)}"
    elif (kind, verb) == ("row", "drop"):
        office().drop_row(shop, number)
    else:
        abort(404)
    acted(f"quarantine.{verb}", shop=shop, **{"copy_id" if kind == "mail" else "row_id": number})
    return redirect(url_for("quarantine.listed", shop=shop, done=done), 303)

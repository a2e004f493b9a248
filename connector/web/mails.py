"""Mails and their files: text as text, HTML only sanitised and shut in, files only to be saved."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, abort, make_response, render_template
from werkzeug.wrappers import Response

from connector.web.sanitise import clean
from connector.web.threads import known_shop, office

pages = Blueprint("mails", __name__)
FRAME_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups"


@pages.get("/mails/<shop>/<int:number>")
def shown(shop: str, number: int) -> str:
    mail = office().mail(known_shop(shop), number)
    if mail is None:
        abort(404)
    return render_template("mail.html", shop=shop, mail=mail, zone=office().zone(shop))


@pages.get("/mails/<shop>/<int:number>/page")
def page(shop: str, number: int) -> Response:
    """What the frame shows: nothing runs in it and nothing is fetched."""
    source = office().mail_html(known_shop(shop), number)
    if source is None:
        abort(404)
    response = make_response(render_template("frame.html", body=clean(source)))
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@pages.get("/files/<shop>/<int:number>")
def file(shop: str, number: int) -> Response:
    """To be saved, never shown; its name is a stranger's."""
    name, data = office().file(known_shop(shop), number)
    response = make_response(data)
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Disposition"] = disposition(name, number)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def disposition(name: str, number: int) -> str:
    """RFC 6266: the name as UTF-8, without any path, and a plain one for old browsers."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    last = "".join(sign for sign in last if sign.isprintable()).strip(". ")[:150] or f"attachment-{number}"
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in last)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(last, safe='')}"

"""`customer timeline` and `order timeline`: the whole story, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import click

from connector.cli.output import emit_json, is_id, pairs, safe, say
from connector.cli.session import Options, opened, pick_shop
from connector.core.timeline import KINDS
from connector.errors import Exit
from connector.wiring import story
from connector.wiring.story import Asked, Told

Entry = Mapping[str, Any]

_LINES, _WIDTH = 3, 100
"""Of a message, without --full."""
_MOST = 1000

_DAY = click.DateTime(["%Y-%m-%d"])
_OPTIONS = (
    click.option("--shop", help="Which shop, when there are several."),
    click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only these; may be repeated."),
    click.option("--since", type=_DAY, metavar="YYYY-MM-DD", help="From this day of the shop on."),
    click.option("--until", type=_DAY, metavar="YYYY-MM-DD", help="Up to the end of this day."),
    click.option(
        "--limit", default=story.LIMIT, show_default=True, type=click.IntRange(1, _MOST), help="Entries a page."
    ),
    click.option("--before", default="", help="The page below: what the page above ended with."),
    click.option(
        "--lang", default="", help="Language of states and groups, as fr (default: the setting, else the shop's)."
    ),
    click.option("--full", is_flag=True, help="The whole text of messages."),
    click.option("--json", "as_json", is_flag=True, help="As JSON."),
)


def _told(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that both verbs take."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("timeline")
@click.argument("customer")
@_told
@click.pass_obj
def of_customer(options: Options, /, customer: str, shop: str | None, full: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401
    """What a person bought, was told and wrote, the newest first. By id or e-mail address.

    All accounts of the address, guests too, are shown together. Times are the shop's.
    """
    with opened(options, reading=True) as app:
        told = story.customer(
            app, pick_shop(app, shop), int(customer) if is_id(customer) else customer, _asked(**given)
        )
    if not as_json:
        pairs(_person(told))
    return _show(told, full, as_json)


@click.command("timeline")
@click.argument("order")
@_told
@click.pass_obj
def of_order(options: Options, /, order: str, shop: str | None, full: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401
    """What happened with an order, the newest first: states, payments, shipments, threads. By id or reference.

    A reference shows all orders that have it. Times are the shop's.
    """
    with opened(options, reading=True) as app:
        told = story.order(app, pick_shop(app, shop), int(order) if is_id(order) else order, _asked(**given))
    if not as_json:
        pairs(_orders(told))
    return _show(told, full, as_json)


def _asked(
    kinds: tuple[str, ...], since: datetime | None, until: datetime | None, limit: int, before: str, lang: str
) -> Asked:
    return Asked(
        kinds=kinds or KINDS,
        since=since.date() if since else None,
        until=until.date() if until else None,
        before=before,
        limit=limit,
        language=lang,
    )


def _show(told: Told, full: bool, as_json: bool) -> int:
    if as_json:
        emit_json({"header": told.header, "entries": told.entries, "next": told.next or None, "zone": told.zone})
        return int(Exit.OK)
    say("")
    if not told.entries:
        say("nothing of what was asked for")
    for one in told.entries:
        say(f"{(one['local'] or 'no date')[:16]:16}  {one['kind']:8}  {safe(_WORDS[one['kind']](one))}")
        if one.get("text"):
            for line in _shortened(one["text"], full):
                say(f"{'':28}{safe(line)}")
        for file in one.get("files", ()):
            say(f"{'':28}file {file['id']}: {safe(file['name'])} ({file['size']} bytes)")
    if told.next:
        say(f"\nthere is more: --before {told.next}")
    return int(Exit.OK)


def _shortened(text: str, full: bool) -> list[str]:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    if full:
        return lines
    written = [line for line in lines if line]
    shown = [line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…" for line in written[:_LINES]]
    return [*shown, "…"] if len(written) > _LINES else shown


# --- the head -------------------------------------------------------------------------------------------------------


def _person(told: Told) -> dict[str, object]:
    head = told.header
    consents = [word for word in ("newsletter", "optin") if head[word]]
    shown: dict[str, object] = {
        "customer": " ".join(filter(None, (head["name"], f"<{head['email']}>" if head["email"] else ""))) or "-",
        "company": head["company"],
        "erased": head["erased"],
        "accounts": "; ".join(_account(one) for one in head["accounts"]) or "none",
        "language": head["language"],
        "registered": (head["registered_local"] or "")[:16],
        "groups": ", ".join(head["groups"]),
        "consents": ", ".join(consents) or "none",
        "orders": f"{head['orders']}, of which {head['valid_orders']} valid",
        "spent": _amounts(head["spent"]),
        "refunded": _amounts(head["refunded"]),
        "last order": _last(head["last_order"]),
    }
    if head["accounts_number"] > len(head["accounts"]):
        shown["accounts"] = f"{head['accounts_number']}, the newest: {shown['accounts']}"
    return {name: value for name, value in shown.items() if value} | _threads(told)


def _orders(told: Told) -> dict[str, object]:
    head = told.header
    customer = head["customer"] or {}
    who = [customer.get("name"), f"<{customer['email']}>" if customer.get("email") else ""]
    shown: dict[str, object] = {}
    for one in head["orders"]:
        facts = [one["state"], _money(one["total_paid"], one["currency"]), one["payment"], one["carrier"]]
        valid = "" if one["valid"] is None else "valid" if one["valid"] else "not valid"
        name = f"order {one['id']}"
        shown[name] = ", ".join(filter(None, (one["reference"], *facts, valid, (one["date_add_local"] or "")[:16])))
    shown["customer"] = " ".join(filter(None, [str(customer.get("id", "")), *who])) or "-"
    shown["paid"] = _amounts(head["paid"]) or "nothing"
    return shown | _threads(told)


def _threads(told: Told) -> dict[str, object]:
    head = told.header
    open_ = ", ".join(f"{one['id']} ({one['status'] or 'no status'})" for one in head["open_threads"])
    more = " …" if head["open_threads_number"] > len(head["open_threads"]) else ""
    return {
        "threads": f"{head['threads']}, open: {open_ or 'none'}{more}",
        "came back": _mails(head["bounced_mails"]),
        "quarantine": _mails(head["quarantined_mails"]),
        "times": told.zone or "the shop's own, its zone is unknown",
    }


def _mails(number: int) -> str:
    return f"{number} mail{'s' if number > 1 else ''}" if number else "none"


def _account(one: Entry) -> str:
    kind = "guest" if one["is_guest"] else "customer"
    marks = ["" if one["active"] else "not active", "deleted" if one["deleted"] else ""]
    marks += ["erased" if one["erased"] else ""]
    return ", ".join(filter(None, (f"{one['id']} {kind}", *marks)))


def _last(order: Entry | None) -> str:
    if order is None:
        return ""
    facts = (order["reference"], _money(order["total_paid"], order["currency"]), order["state"])
    return ", ".join(filter(None, ((order["local"] or "")[:16], *facts)))


def _amounts(amounts: list[Entry]) -> str:
    return ", ".join(filter(None, (_money(one["amount"], one["currency"]) for one in amounts)))


def _money(amount: str | None, currency: str | None) -> str:
    """Six places are the shop's; people read two, and more only where there is something."""
    if amount is None:
        return ""
    places = Decimal(amount).normalize()
    exponent = places.as_tuple().exponent
    shown = places.quantize(Decimal("0.01")) if isinstance(exponent, int) and exponent > -2 else places
    return f"{shown:f} {currency or ''}".strip()


# --- entries --------------------------------------------------------------------------------------------------------


def _joined(*facts: object) -> str:
    return ", ".join(str(fact) for fact in facts if fact not in (None, "", False))


def _by(one: Entry) -> str:
    if not one["id_employee"]:
        return ""
    return f"by {one['employee'] or 'employee ' + str(one['id_employee'])}"


def _message(one: Entry) -> str:
    who = {
        "employee": f"{one['employee'] or one['id_employee']} (staff)",
        "customer": one["customer"] or one["email"] or "customer",
        "program": "this program",
    }
    return _joined(
        f"thread {one['id_thread']}",
        who[one["by"]],
        "private" if one["private"] else "",
        f"automatic ({one['automatic']})" if one["automatic"] else "",
        f"from somebody else: {one['sent_from']}" if one["sent_from"] else "",
        "its mail came back" if one["came_back"] else "",
        "erased" if one["erased"] else "",
        f"file {one['file_name']}" if one["file_name"] else "",
    )


_WORDS: dict[str, Callable[[Entry], str]] = {
    "order": lambda one: _joined(
        f"{one['reference']} placed",
        _money(one["total_paid"], one["currency"]),
        one["payment"],
        f"now {one['state']}" if one["state"] else "",
        "not valid" if one["valid"] is False else "",
    ),
    "shipment": lambda one: _joined(
        one["reference"], one["carrier"], one["tracking_number"] or "no tracking number", one["link"]
    ),
    "payment": lambda one: _joined(
        one["reference"], _money(one["amount"], one["currency"]), one["payment_method"], one["transaction_id"], _by(one)
    ),
    "state": lambda one: _joined(one["reference"], one["state"] or f"state {one['id_order_state']}", _by(one)),
    "invoice": lambda one: _joined(
        one["reference"], f"invoice {one['number']}", _money(one["amount"], one["currency"])
    ),
    "slip": lambda one: _joined(one["reference"], f"slip {one['id']}", _money(one["amount"], one["currency"])),
    "return": lambda one: _joined(one["reference"], f"return {one['id']} (state {one['state']})", one["question"]),
    "note": lambda one: _joined(one["reference"], "note", _by(one)),
    "message": _message,
    "thread": lambda one: _joined(
        f"thread {one['id_thread']}: {one['was'] or 'no status'} -> {one['became'] or 'no status'}",
        "by this program" if one["origin"] == "ours" else "seen in the shop",
    ),
    "mail": lambda one: _joined(
        f"mail:{one['id']} waits in quarantine ({one['reason']})",
        one["from_addr"],
        one["subject"],
        f"perhaps of thread {one['suggested']}" if one["suggested"] else "",
    ),
    "bounce": lambda one: _joined(f"thread {one['id_thread']}: a mail came back", one["action"], one["status"]),
}

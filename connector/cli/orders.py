"""`order show|status|track|note`."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.output import ID, emit_json, is_id, pairs, say, table
from connector.cli.session import Options, opened, pick_shop, submit
from connector.cli.texts import given_text
from connector.cli.threads import report
from connector.errors import DataError, Exit


@click.group()
def order() -> None:
    """Orders: show one, set its status, give it a tracking number, note something on it."""


@order.command("show")
@click.argument("order")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(options: Options, order: str, shop: str | None, as_json: bool) -> int:
    """One order by id or reference: rows, history, shipments, payments, threads."""
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop)
        view = app.mirror.queries.order_view(name, int(order) if is_id(order) else order)
        if view is None:
            raise DataError("order.unknown", id=order)
    if as_json:
        emit_json(view)
        return int(Exit.OK)
    customer = view["customer"] or {}
    pairs(
        {
            "order": f"{view['id']} {view['reference']}",
            "customer": " ".join(str(customer.get(key, "-")) for key in ("firstname", "lastname", "email")),
            "state": view["state"] or view["current_state"],
            "total": view["total_paid"],
            "date": view["date_add"],
        }
    )
    for key, columns in _PARTS.items():
        rows = view[key]
        if rows:
            say(f"\n{key}")
            table(columns, [[row.get(column) for column in columns] for row in rows])
    for intent in view["intents"]:
        say(f"\non its way: {intent['kind']} ({intent['state']})")
    return int(Exit.OK)


_PARTS = {
    "rows": ("product_reference", "product_name", "product_quantity", "unit_price_tax_incl"),
    "histories": ("id", "state", "employee", "date_add"),
    "carriers": ("id", "id_carrier", "tracking_number", "date_add"),
    "payments": ("id", "amount", "payment_method", "date_add"),
    "threads": ("id", "status", "email"),
}


@order.command("status")
@click.argument("order_id", type=ID)
@click.argument("status")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--mail-customer", is_flag=True, help="Let the shop send its mail about the new status.")
@click.option("--force", is_flag=True, help="Also where the shop would book the payment a second time.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def status(
    options: Options, order_id: int, status: str, shop: str | None, mail_customer: bool, force: bool, as_json: bool
) -> int:
    """Set an order's status: an id, a canonical name (paid, shipped, delivered ...) or the shop's own name."""
    with opened(options) as app:
        name = pick_shop(app, shop)
        intents = app.desk(name).order_status(order_id, status, mail=mail_customer, force=force)
        done = submit(app, name, intents) if intents else []
    return report(done, as_json)


@order.command("track")
@click.argument("order_id", type=ID)
@click.argument("number")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--shipment", type=ID, default=None, help="id of the shipment when there are several.")
@click.option("--mail-customer", is_flag=True, help="Let the shop send its mail (PrestaShop 1.7.1 and later).")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def track(
    options: Options,
    order_id: int,
    number: str,
    shop: str | None,
    shipment: int | None,
    mail_customer: bool,
    as_json: bool,
) -> int:
    """Give an order its tracking number."""
    with opened(options) as app:
        name = pick_shop(app, shop)
        intents = app.desk(name).order_track(order_id, number.strip(), row=shipment or 0, mail=mail_customer)
        done = submit(app, name, intents) if intents else []
    return report(done, as_json)


@order.command("note")
@click.argument("order_id", type=ID)
@click.argument("text", required=False)
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--file", "source", type=click.Path(path_type=Path, dir_okay=False), help="Text file, - for stdin.")
@click.option("--employee", type=ID, default=None, help="id of the employee who writes.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def note(
    options: Options,
    order_id: int,
    text: str | None,
    shop: str | None,
    source: Path | None,
    employee: int | None,
    as_json: bool,
) -> int:
    """A private note in the order's thread, which is made (closed) when there is none. The customer gets nothing.

    Without TEXT and --file it is read from standard input.
    """
    words = given_text(source, text)
    with opened(options) as app:
        name = pick_shop(app, shop)
        done = submit(app, name, app.notes(name).order_note(order_id, words, employee=employee or 0))
    return report(done, as_json)

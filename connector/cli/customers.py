"""`customer show|groups`."""

from __future__ import annotations

import click

from connector.cli.output import ID, emit_json, is_id, pairs, say, table
from connector.cli.session import Options, opened, pick_shop, submit
from connector.cli.threads import report
from connector.errors import DataError, Exit


@click.group()
def customer() -> None:
    """Customers: show one with all that happened, change the groups."""


@customer.command("show")
@click.argument("customer")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(options: Options, customer: str, shop: str | None, as_json: bool) -> int:
    """One customer by id or e-mail address: groups, consents, addresses, orders, threads, mails that came back.

    An address that several customers have shows each of them; one that no customer has shows its threads.
    """
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop)
        views = app.mirror.queries.customer_views(name, int(customer) if is_id(customer) else customer)
    if not views:
        raise DataError("customer.unknown", id=customer if is_id(customer) else "with this address")
    if as_json:
        emit_json(views)
        return int(Exit.OK)
    for number, view in enumerate(views):
        if number:
            say("")
        consents = [word for word in ("newsletter", "optin") if view[word]]
        marks = [word for word in ("is_guest", "deleted") if view[word]]
        if view["id"]:
            pairs(
                {
                    "customer": f"{view['id']} {view['firstname'] or ''} {view['lastname'] or ''}".strip(),
                    "e-mail": view["email"],
                    "account": ", ".join(["active" if view["active"] else "not active", *marks]),
                    "groups": ", ".join(_group(one, view["id_default_group"]) for one in view["groups"]) or "none",
                    "consents": ", ".join(consents) or "none",
                    "since": view["date_add"],
                }
            )
        else:
            pairs({"e-mail": view["email"], "customer": "none"})
        pairs({"came back": f"{view['bounced_mails']} mails to this address" if view["bounced_mails"] else "none"})
        for key, columns in _PARTS.items():
            if view[key]:
                say(f"\n{key}")
                table(columns, [[row.get(column) for column in columns] for row in view[key]])
        for intent in view["intents"]:
            say(f"\n... on its way: {intent['kind']} ({intent['state']})")
    return int(Exit.OK)


_PARTS = {
    "addresses": ("id", "alias", "company", "address1", "postcode", "city", "phone"),
    "orders": ("id", "reference", "state", "total_paid", "date_add"),
    "threads": ("id", "status", "email", "id_order", "date_add"),
}


def _group(group: dict[str, object], default: int) -> str:
    mark = " (default)" if group["id"] == default else ""
    return f"{group['id']} {group['name'] or ''}".strip() + mark


@customer.command("groups")
@click.argument("customer_id", type=ID)
@click.option("--add", type=ID, multiple=True, help="id of a group to put the customer into; may be repeated.")
@click.option("--remove", type=ID, multiple=True, help="id of a group to take the customer out of; may be repeated.")
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def groups(
    options: Options, customer_id: int, add: tuple[int, ...], remove: tuple[int, ...], shop: str | None, as_json: bool
) -> int:
    """Put a customer into groups and take them out of others; groups that are not named stay.

    Before PrestaShop 8 only with `allow_customer_put = true` in the shop's settings.
    """
    with opened(options) as app:
        name = pick_shop(app, shop)
        intents = app.notes(name).customer_groups(customer_id, add, remove)
        done = submit(app, name, intents) if intents else []
    return report(done, as_json)

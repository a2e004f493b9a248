"""The head of a story: who it is and how things stand, counted in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from connector.mirror.counting import counts
from connector.mirror.own_tables import bounce, mail
from connector.mirror.story_details import Details, Entry, plain
from connector.mirror.story_sources import Sources, column, moment_of
from connector.mirror.tables import MirroredTables

SHOWN = 50
"""Accounts and open threads that are listed; of more there is the number."""

_ACCOUNT = (
    "id", "firstname", "lastname", "email", "active", "deleted", "is_guest", "newsletter", "optin", "id_default_group",
    "id_lang", "id_shop", "company", "date_add", "date_add_local",
)  # fmt: skip
_ORDER = (
    "id", "reference", "id_customer", "current_state", "valid", "total_paid", "id_currency", "payment", "module",
    "id_carrier", "invoice_number", "id_shop", "date_add", "date_add_local",
)  # fmt: skip
_THREAD = ("id", "status", "email", "id_order", "id_contact", "date_add", "date_add_local")


def of_person(connection: Connection, tables: MirroredTables, sources: Sources, details: Details) -> Entry:
    """email, name, company, language (ISO), registered and registered_local (the oldest account that is no guest's,
    else the oldest), groups, newsletter and optin (of any account in use), erased (when, None), accounts (the SHOWN
    newest, each with its groups and erased) and accounts_number, then what `_sums`, `_threads` and `_mails` give."""
    customers, accounts = tables.main.get("customers"), sources.accounts()
    found: list[Entry] = []
    number = 0
    if customers is not None and accounts is not None:
        mine = (customers.c.shop == sources.about.shop) & customers.c.id.in_(accounts)
        query = select(*(column(customers, name) for name in _ACCOUNT)).where(mine)
        rows = connection.execute(query.order_by(customers.c.id.desc()).limit(SHOWN)).mappings()
        found = [{name: plain(value) for name, value in row.items()} for row in rows]
        number = details.count(accounts)
    _add_groups(connection, tables, sources.about.shop, found, details)
    gone = details.erased("customers", [one["id"] for one in found])
    languages = details.rows("languages", ("iso_code",), (one["id_lang"] for one in found))
    for one in found:
        one["erased"] = plain(gone.get(one["id"]))
        spoken = languages.get(one["id_lang"])
        one["language"] = spoken.iso_code if spoken else None
    # Registered before guest, in use before not, then the newest: whom a reader would call the customer.
    known = sorted(found, key=lambda one: (bool(one["is_guest"]), not one["active"] or bool(one["deleted"])))
    first = next(iter(known), {})
    in_use = [one for one in found if one["active"] and not one["deleted"]]
    since = [one for one in known if bool(one["is_guest"]) == bool(first.get("is_guest")) and one["date_add_local"]]
    oldest: Entry = min(since, key=lambda one: one["date_add_local"], default={})
    header: Entry = {
        "shop": sources.about.shop,
        "email": first.get("email") or sources.about.email or None,
        "name": " ".join(filter(None, (first.get("firstname"), first.get("lastname")))) or None,
        "company": first.get("company") or None,
        "language": first.get("language"),
        "registered": oldest.get("date_add"),
        "registered_local": oldest.get("date_add_local"),
        "groups": list(dict.fromkeys(group for one in known for group in one["groups"])),
        "newsletter": any(one["newsletter"] for one in in_use),
        "optin": any(one["optin"] for one in in_use),
        "erased": max((one["erased"] for one in found if one["erased"]), default=None),
        "accounts": found,
        "accounts_number": number,
    }
    return (
        header
        | _sums(connection, tables, sources, details)
        | _threads(connection, tables, sources)
        | _mails(connection, sources)
    )


def of_orders(connection: Connection, tables: MirroredTables, sources: Sources, details: Details) -> Entry:
    """reference, customer (id, name, email; None where the shop has none any more), orders (each with state, currency,
    carrier), paid (what is booked as paid, by currency), then what `_threads` and `_mails` give."""
    shop, table = sources.about.shop, tables.main["orders"]
    query = select(*(column(table, name) for name in _ORDER)).where(table.c.shop == shop)
    query = query.where(table.c.id.in_(sources.about.orders)).order_by(table.c.id)
    orders = [{name: plain(value) for name, value in row.items()} for row in connection.execute(query).mappings()]
    states = details.names("order_states")
    carriers = details.rows("carriers", ("name",), (one["id_carrier"] for one in orders))
    currencies = details.currencies(one["id_currency"] for one in orders)
    for one in orders:
        one["state"] = states.get(one["current_state"])
        one["currency"] = currencies.get(one.pop("id_currency"))
        carrier = carriers.get(one.pop("id_carrier"))
        one["carrier"] = carrier.name if carrier else None
    number = orders[0]["id_customer"]
    people = details.rows("customers", ("firstname", "lastname", "email"), [number])
    customer = None
    if number in people:
        row = people[number]
        name = " ".join(filter(None, (row.firstname, row.lastname))) or None
        customer = {"id": number, "name": name, "email": row.email or None}
    header: Entry = {
        "shop": shop,
        "reference": orders[0]["reference"],
        "customer": customer,
        "orders": orders,
        "paid": _paid(connection, tables, sources, details),
    }
    return header | _threads(connection, tables, sources) | _mails(connection, sources)


def _add_groups(
    connection: Connection, tables: MirroredTables, shop: str, accounts: Sequence[Entry], details: Details
) -> None:
    for one in accounts:
        one["groups"] = []
    table = tables.children.get("customers", {}).get("customer_groups")
    if table is None or "id_group" not in table.c or not accounts:
        return
    names = details.names("groups")
    by_id = {one["id"]: one for one in accounts}
    mine = (table.c.shop == shop) & table.c.parent_id.in_(by_id)
    for row in connection.execute(select(table).where(mine).order_by(table.c.parent_id, table.c.position)):
        by_id[row.parent_id]["groups"].append(names.get(row.id_group) or str(row.id_group))


def _sums(connection: Connection, tables: MirroredTables, sources: Sources, details: Details) -> Entry:
    """orders, valid_orders (those that count: `counting`), spent and refunded (currency, amount), last_order (id,
    reference, state, total_paid, currency, at, local; None for none)."""
    table, orders = tables.main.get("orders"), sources.orders()
    nothing: Entry = {"orders": 0, "valid_orders": 0, "spent": [], "refunded": [], "last_order": None}
    if table is None or orders is None:
        return nothing
    mine = (table.c.shop == sources.about.shop) & table.c.id.in_(orders)
    header = dict(nothing)
    if "valid" in table.c and "total_paid" in table.c:
        valid = counts(table)
        query = select(
            column(table, "id_currency"),
            func.count().label("number"),
            func.sum(case((valid, 1), else_=0)).label("valid"),
            func.sum(case((valid, table.c.total_paid))).label("amount"),
        )
        rows = connection.execute(query.where(mine).group_by(*_grouped(table))).all()
        header["orders"] = sum(row.number for row in rows)
        header["valid_orders"] = int(sum(row.valid for row in rows if row.valid))
        header["spent"] = _by_currency([(row.id_currency, row.amount) for row in rows if row.valid], details)
    slips = tables.main.get("order_slip")
    if slips is not None and "id_order" in slips.c:
        columns = (column(slips, "total_products_tax_incl"), column(slips, "total_shipping_tax_incl"))
        sums = [func.sum(func.coalesce(one, 0)) for one in columns if one.name in slips.c]
        if sums:
            query = select(column(table, "id_currency"), *sums).select_from(
                slips.join(table, (table.c.shop == slips.c.shop) & (table.c.id == slips.c.id_order))
            )
            of_them = (slips.c.shop == sources.about.shop) & slips.c.id_order.in_(orders)
            rows = connection.execute(query.where(of_them).group_by(*_grouped(table))).all()
            amounts = [(row[0], sum(part for part in row[1:] if part)) for row in rows]
            header["refunded"] = _by_currency([pair for pair in amounts if pair[1]], details)
    names = ("id", "reference", "current_state", "total_paid", "id_currency", "date_add", "date_add_local")
    newest = select(*(column(table, name) for name in names)).where(mine)
    last = connection.execute(newest.order_by(moment_of(table, "date_add").desc(), table.c.id.desc()).limit(1)).first()
    if last is not None:
        header["last_order"] = {
            "id": last.id,
            "reference": last.reference,
            "state": details.names("order_states").get(last.current_state),
            "total_paid": plain(last.total_paid),
            "currency": details.currencies([last.id_currency]).get(last.id_currency),
            "at": plain(last.date_add),
            "local": last.date_add_local,
        }
    return header


def _grouped(table: Any) -> list[Any]:  # noqa: ANN401 - a Table
    return [table.c.id_currency] if "id_currency" in table.c else []


def _by_currency(amounts: Sequence[tuple[int | None, Any]], details: Details) -> list[Entry]:
    codes = details.currencies(number for number, _ in amounts)
    shown = [{"currency": codes.get(number or 0), "amount": plain(amount)} for number, amount in amounts]
    return sorted(shown, key=lambda one: one["currency"] or "")


def _paid(connection: Connection, tables: MirroredTables, sources: Sources, details: Details) -> list[Entry]:
    payments, table = tables.main.get("order_payments"), tables.main["orders"]
    if payments is None or "amount" not in payments.c or "order_reference" not in payments.c:
        return []
    references = select(table.c.reference).where(
        table.c.shop == sources.about.shop, table.c.id.in_(sources.about.orders)
    )
    query = select(column(payments, "id_currency"), func.sum(payments.c.amount).label("amount"))
    query = query.where(payments.c.shop == sources.about.shop, payments.c.order_reference.in_(references))
    rows = connection.execute(query.group_by(*_grouped(payments))).all()
    return _by_currency([(row.id_currency, row.amount) for row in rows if row.amount is not None], details)


def _threads(connection: Connection, tables: MirroredTables, sources: Sources) -> Entry:
    """threads (how many), open_threads (the SHOWN newest that are not closed) and open_threads_number."""
    table, threads = tables.main.get("customer_threads"), sources.threads()
    if table is None or threads is None or "status" not in table.c:
        return {"threads": 0, "open_threads": [], "open_threads_number": 0}
    mine = (table.c.shop == sources.about.shop) & table.c.id.in_(threads)
    not_closed = func.coalesce(table.c.status, "") != "closed"
    query = select(*(column(table, name) for name in _THREAD)).where(mine, not_closed).order_by(table.c.id.desc())
    rows = connection.execute(query.limit(SHOWN)).mappings()
    shown = [{name: plain(value) for name, value in row.items()} for row in rows]
    numbers = select(func.count(), func.coalesce(func.sum(case((not_closed, 1), else_=0)), 0))
    every, open_ = connection.execute(numbers.select_from(table).where(mine)).one()
    return {"threads": every, "open_threads": shown, "open_threads_number": int(open_)}


def _mails(connection: Connection, sources: Sources) -> Entry:
    """bounced_mails (mails of ours that came back) and quarantined_mails (that wait)."""
    bounced = 0
    threads = sources.threads()
    if threads is not None:
        of_them = (bounce.c.shop == sources.about.shop) & bounce.c.id_thread.in_(threads)
        bounced = _number(connection, select(func.count(bounce.c.message_id.distinct())).where(of_them))
    waiting = select(func.count()).select_from(mail).where(sources.quarantined())
    return {"bounced_mails": bounced, "quarantined_mails": _number(connection, waiting)}


def _number(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())

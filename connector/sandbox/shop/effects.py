"""What a write sets off in the shop beside its own row: order states, invoices, payments, mails, cascades.

Called by `write`; renders nothing. Sources: recordings 72-93, 196-211 and PrestaShop's documented order of events for
order_histories, orders.current_state, order_carriers and customers.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal

from connector.sandbox.shop.rules import decimal_text, php_empty, php_int
from connector.sandbox.shop.store import Row
from connector.sandbox.shop.world import ApiError, Died, SentMail, World


def invalid_state(world: World) -> Died:
    return Died(world.dialect.invalid_state_status, world.dialect.invalid_state_body)


def change_order_state(world: World, id_order: int, id_state: int, *, reuse_payment: bool) -> None:
    """Move an order to a state: current_state, valid, invoice, delivery slip, payment. No history row, no mail."""
    store = world.store
    order, state = store.get("orders", id_order), store.get("order_states", id_state)
    if order is None or state is None:
        raise invalid_state(world)
    now = world.now_text()
    changes: Row = {"current_state": id_state, "valid": state["logable"], "date_upd": now}
    made_invoice = False
    if state["invoice"] and not order["invoice_number"]:
        changes |= _make_invoice(world, order, now)
        made_invoice = True
    if state["delivery"]:
        changes["delivery_date"] = now
        if not order["delivery_number"]:
            number = changes["delivery_number"] = _next_number(world, "delivery_number")
            sql = "UPDATE order_invoices SET delivery_number = ?, delivery_date = ? WHERE id_order = ?"
            store.execute(sql, (number, now, id_order))
    if state["paid"]:
        paid = _pay_rest(world, order, now, forget_paid=made_invoice and not reuse_payment)
        changes["total_paid_real"] = decimal_text(Decimal(order["total_paid_real"]) + paid, 6)
    store.update("orders", id_order, changes)


def _next_number(world: World, column: str) -> int:
    """Numbers go on from the invoices, not from the orders (74 order20-after)."""
    return int(world.store.query(f'SELECT COALESCE(MAX("{column}"), 0) + 1 FROM order_invoices')[0][0])


def _make_invoice(world: World, order: Row, now: str) -> Row:
    number = _next_number(world, "number")
    row = {field.name: 0 if field.kind in ("int", "bool") else "" for field in world.resources["order_invoices"].fields}
    for name in row:
        if name in order and name.startswith("total_"):
            row[name] = order[name]
        elif name.startswith("total_"):
            row[name] = "0.000000"
    row |= {"id_order": order["id"], "number": number, "date_add": now, "delivery_date": "0000-00-00 00:00:00"}
    invoice = world.store.insert("order_invoices", row)
    for table in ("order_carriers", "order_details"):
        world.store.execute(f'UPDATE "{table}" SET id_order_invoice = ? WHERE id_order = ?', (invoice, order["id"]))
    return {"invoice_number": number, "invoice_date": now}


def _pay_rest(world: World, order: Row, now: str, *, forget_paid: bool) -> Decimal:
    """Add a payment over what the invoice leaves open; a payment made before the invoice is not seen (WS path)."""
    reference = order["reference"]
    payments = world.store.rows("order_payments", order_reference=reference)
    paid = sum((Decimal(row["amount"]) for row in payments), Decimal(0))
    rest = Decimal(order["total_paid_tax_incl"]) - (Decimal(0) if forget_paid else paid)
    if rest <= 0:
        return Decimal(0)
    row: Row = {
        "order_reference": reference,
        "id_currency": order["id_currency"],
        "amount": decimal_text(rest, 6),
        "payment_method": order["payment"],
        "conversion_rate": "1.000000",
        "date_add": now,
    }
    for name in ("transaction_id", "card_number", "card_brand", "card_expiration", "card_holder"):
        row[name] = ""
    world.store.insert("order_payments", row)
    return rest


def mail_state(world: World, id_order: int, id_state: int) -> bool:
    """Mail the customer about a state if the state says so. False: the mail could not be sent."""
    order, state = world.store.get("orders", id_order), world.store.get("order_states", id_state)
    if order is None or state is None or not state["send_email"]:
        return True
    customer = world.store.get("customers", order["id_customer"])
    template = state["template"].get(order["id_lang"], "")
    if customer is None or not template:
        return True
    if world.mail_fails:
        return False
    subject = f"[{world.shop_name}] {state['name'].get(order['id_lang'], '')}"
    world.mails.append(SentMail(customer["email"], template, id_order, order["id_lang"], subject))
    return True


def set_current_state(world: World, id_order: int, id_state: int) -> None:
    """PUT or PATCH of orders.current_state: state, history row without employee, mail whenever the state mails."""
    order = world.store.get("orders", id_order)
    if order is None:
        return
    if order["current_state"] == id_state and not world.dialect.put_order_always_changes_state:
        return
    change_order_state(world, id_order, id_state, reuse_payment=world.dialect.number >= (1, 7, 7))
    row = {"id_employee": 0, "id_order_state": id_state, "id_order": id_order, "date_add": world.now_text()}
    world.store.insert("order_histories", row)
    mail_state(world, id_order, id_state)


def set_shipping_number(world: World, id_order: int, number: str) -> None:
    found = world.store.rows("order_carriers", id_order=id_order)
    if found:
        world.store.update("order_carriers", found[0]["id"], {"tracking_number": number[:64]})


def mail_tracking(world: World, id_order_carrier: int) -> bool:
    """The "in transit" mail of order_carriers?sendemail=1."""
    if not world.dialect.tracking_sends_mail:
        return True
    row = world.store.get("order_carriers", id_order_carrier)
    order = world.store.get("orders", row["id_order"]) if row else None
    customer = world.store.get("customers", order["id_customer"]) if order else None
    carrier = world.store.get("carriers", row["id_carrier"]) if row else None
    if row is None or order is None or customer is None or carrier is None:
        raise Died(500)
    if not carrier["url"] and world.dialect.tracking_mail_needs_url:
        return True
    if world.mail_fails:
        return False
    subject = f"[{world.shop_name}] Package in transit"
    world.mails.append(SentMail(customer["email"], "in_transit", order["id"], order["id_lang"], subject))
    return True


def hashed_password(world: World, given: str, stored: str | None) -> str:
    """The hash for a password field; the unchanged stored hash stays."""
    if stored is not None and given == stored:
        return stored
    digest = hashlib.sha256(f"{world.seed}/{given}".encode()).hexdigest()
    return digest[:32] if world.dialect.number < (1, 7) else f"$2y$10${digest[:53]}"


def complete_new_customer(world: World, values: Row) -> None:
    """What Customer::add fills in before the row is written."""
    if php_empty(values.get("id_shop")):
        values["id_shop"] = 1
    if php_empty(values.get("id_shop_group")):
        values["id_shop_group"] = 1
    if php_empty(values.get("id_lang")):
        values["id_lang"] = php_int(world.config("PS_LANG_DEFAULT") or 1)
    values["secure_key"] = world.hex(32)
    values["last_passwd_gen"] = (world.now() - timedelta(hours=6)).strftime("%Y-%m-%d %H:%M:%S")


def refuse_known_email(world: World, values: Row, own_id: int | None) -> None:
    """140 and 141: another registered customer has the e-mail already."""
    if not world.dialect.refuses_known_email:
        return
    if world.dialect.mark == "9" and not php_empty(values.get("is_guest")):
        return
    sql = "SELECT id FROM customers WHERE fold(email) = fold(?) AND is_guest = 0 AND deleted = 0"
    others = [row[0] for row in world.store.query(sql, (values.get("email"),)) if row[0] != own_id]
    if others:
        code = 140 if own_id is None else 141
        raise ApiError(500, code, world.dialect.email_used_text, (46, "Unable to save resource"))


def delete_row(world: World, resource: str, row_id: int) -> bool:
    """Delete with the shop's cascades; False when the shop refuses."""
    store = world.store
    if resource == "groups" and str(row_id) == world.config("PS_CUSTOMER_GROUP"):
        return False
    if resource == "addresses" and _address_in_use(world, row_id):
        return store.update("addresses", row_id, {"deleted": 1})
    if resource == "carts":
        if store.count("orders", id_cart=row_id):
            return False
        store.execute("DELETE FROM cart_product WHERE id_cart = ?", (row_id,))
    if resource == "customer_threads":
        store.execute("DELETE FROM customer_messages WHERE id_customer_thread = ?", (row_id,))
    if resource == "customers":
        for thread in store.rows("customer_threads", id_customer=row_id):
            delete_row(world, "customer_threads", thread["id"])
        store.execute("DELETE FROM carts WHERE id_customer = ?", (row_id,))
        if "messages" in world.resources:
            store.execute("DELETE FROM messages WHERE id_customer = ?", (row_id,))
        if not store.count("orders", id_customer=row_id):
            store.execute("DELETE FROM addresses WHERE id_customer = ?", (row_id,))
        store.set_groups(row_id, [])
    return store.delete(resource, row_id)


def _address_in_use(world: World, row_id: int) -> bool:
    store = world.store
    return bool(store.count("orders", id_address_delivery=row_id) or store.count("orders", id_address_invoice=row_id))

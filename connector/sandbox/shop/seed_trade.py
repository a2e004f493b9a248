"""Seeds who buys and what they bought: customers, addresses, carts, orders and all that hangs on an order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.sandbox.shop import seed_data as data
from connector.sandbox.shop.rules import ZERO_DATE, ZERO_DATETIME
from connector.sandbox.shop.seed_ground import SPAN, Ground, Person, Sale, text

#: The states an order went through; the last one is its state.
_PATHS = (
    (10,), (1, 2), (2,), (2, 3), (2, 3, 4), (10, 2, 3, 4, 5), (2, 3, 4, 5), (1, 6), (2, 7), (8,), (2, 9, 3), (13,)
)  # fmt: skip


def _reference(number: int) -> str:
    letters = ""
    for _ in range(9):
        number, rest = divmod(number, 26)
        letters = chr(65 + rest) + letters
    return "ZZ" + letters[2:]


def fill_customers(ground: Ground) -> None:
    """Customers with their groups and addresses."""
    size, chance = ground.size, ground.random
    step = SPAN / (size.customers + 1)
    tie = text(ground.end - timedelta(days=30))
    tied = max(6, size.customers // 10)
    links = []
    for number in range(1, size.customers + 1):
        last, first, lang, country = data.PEOPLE[(number - 1) % len(data.PEOPLE)]
        born = ground.start + step * number
        guest = number % 10 == 3
        deleted = number % 17 == 5
        email = f"client{number:05d}@{('example.com', 'example.org', 'mail.example.net')[number % 3]}"
        if guest and number > 10:
            email = ground.people[-2].email  # a guest order by someone who also has an account
        shop = 1 + (number % size.shops)
        changed = (
            tie
            if number % max(1, size.customers // tied) == 0
            else text(min(ground.end, born + timedelta(seconds=chance.randrange(5_000_000))))
        )
        newsletter = number % 3 == 0
        group = 2 if guest else 4 if number % 13 == 0 else 3
        row_id = ground.table("customers").add(
            id_default_group=group, id_lang=lang, last_passwd_gen=text(born), deleted=int(deleted),
            passwd=ground.password_hash,
            newsletter_date_add=text(born) if newsletter else ZERO_DATETIME, newsletter=int(newsletter),
            secure_key=f"{chance.getrandbits(128):032x}", lastname=last, firstname=first, email=email,
            id_gender=number % 3, birthday="1980-02-29" if number % 4 == 0 else ZERO_DATE, optin=number % 2,
            company="Société <Dupont> & Fils" if number % 29 == 12 else "", active=int(number % 11 != 4),
            note="Client fidèle ⭐" if number % 7 == 1 else "", is_guest=int(guest), id_shop=shop, id_shop_group=1,
            date_add=text(born), date_upd=changed,
        )  # fmt: skip
        links += [(row_id, link) for link in sorted({group, 3} if group == 4 else {group})]
        address = _address(ground, row_id, last, first, country, born, number)
        ground.people.append(Person(row_id, email, lang, address, shop))
    ground.table("customers").flush()
    ground.world.store.link_groups(links)


def _address(ground: Ground, owner: int, last: str, first: str, country: int, born: datetime, number: int) -> int:
    city, postcode, street = data.CITIES[country]
    kept = 0
    for copy in range(2 if number % 6 == 0 else 1):
        kept = ground.table("addresses").add(
            id_customer=owner, id_country=country, alias=("Home", "Domicile")[number % 2], lastname=last,
            firstname=first, address1=f"{number % 200 + 1}, {street}", postcode=postcode, city=city,
            id_state=3 if country == 21 else 0, phone=f"+33 1 {number % 100:02d} 07 37 80", deleted=int(copy == 0
            and number % 12 == 0), date_add=text(born), date_upd=text(born),
        )  # fmt: skip
    return kept


def fill_orders(ground: Ground) -> None:
    """Orders with details, histories, payments, carriers, invoices, slips and returns."""
    if not ground.people:
        return
    step = SPAN / (ground.size.orders + 1)
    tie = text(ground.end - timedelta(days=10))
    _constants(ground)
    reference, person = "", ground.people[0]
    for number in range(1, ground.size.orders + 1):
        split = number % 25 == 24
        if not split:
            person = ground.people[(number * 7 + number // 5) % len(ground.people)]
        reference = reference if split else _reference(number)
        moment = ground.start + step * number
        _order(ground, number, person, reference, moment, tie if number % 20 == 10 else "")
    for number in range(1, 1 + ground.size.orders // 10):
        _left_cart(ground, ground.people[number % len(ground.people)], ground.start + step * number)
    ground.fill_carts()


def _constants(ground: Ground) -> None:
    """What all orders have in common."""
    shipping = {"total_shipping_tax_excl": "7.000000", "total_shipping_tax_incl": "8.400000"}
    ground.table("orders").always(
        id_currency=1, id_shop_group=1, carrier_tax_rate="20.000", round_mode=2, round_type=2,
        conversion_rate="1.000000", total_shipping="8.400000", **shipping,
    )  # fmt: skip
    ground.table("order_invoices").always(**shipping)
    ground.table("carts").always(id_currency=1, id_shop_group=1)
    ground.table("order_payments").always(id_currency=1, conversion_rate="1.000000", id_employee=None)
    ground.table("order_carriers").always(shipping_cost_tax_excl="7.000000", shipping_cost_tax_incl="8.400000")
    ground.table("order_details").always(
        product_quantity=1, product_quantity_in_stock=1, product_weight="0.300000", id_tax_rules_group=1,
    )  # fmt: skip


def _order(ground: Ground, number: int, person: Person, reference: str, moment: datetime, tie: str) -> None:
    chance = ground.random
    path = _PATHS[number % len(_PATHS)]
    state = path[-1]
    paid = any(step in (2, 3, 4, 5) for step in path)
    shipped = any(step in (3, 4, 5) for step in path)
    owner = person.id if number % 19 != 7 else ground.size.customers + 1000 + number  # gone for good
    lines = [chance.randrange(len(data.PRODUCTS)) for _ in range(1 + number % 2)]
    net = sum(data.PRODUCTS[line][1] for line in lines)
    gross, shipping = round(net * 1.2, 2), 7.0
    total = f"{gross + 8.4:.6f}"
    last_change = moment + timedelta(hours=20) * (len(path) - 1)
    added, changed = text(moment), tie or text(min(last_change, ground.end))
    invoice_date = added if paid else ZERO_DATETIME
    delivery_date = changed if shipped else ZERO_DATETIME
    module, payment = data.PAYMENTS[number % len(data.PAYMENTS)]
    invoice = 0
    if paid:
        invoice = ground.table("order_invoices").last_id + 1
        ground.table("order_invoices").add(
            id_order=number, number=invoice, delivery_number=invoice * shipped,
            delivery_date=delivery_date, total_paid_tax_excl=f"{net + shipping:.6f}", total_paid_tax_incl=total,
            total_products=f"{net:.6f}", total_products_wt=f"{gross:.6f}", date_add=added,
        )  # fmt: skip
        ground.table("order_payments").add(
            order_reference=reference, amount=total, payment_method=payment,
            transaction_id=f"TX-{number:08d}", date_add=added,
        )  # fmt: skip
    carrier = (1, 3, 4)[number % 3]
    ground.table("orders").add(
        id=number, id_address_delivery=person.id_address, id_address_invoice=person.id_address, id_cart=number,
        id_lang=person.id_lang, id_customer=owner, id_carrier=carrier, current_state=state, module=module,
        invoice_number=invoice, invoice_date=invoice_date, delivery_number=invoice * shipped,
        delivery_date=delivery_date, valid=int(state in (2, 3, 4, 5)), date_add=added, date_upd=changed,
        note="Livrer après 18 h – interphone « Lefèvre » 🚪" if number % 10 == 0 else "", id_shop_group=1,
        id_shop=person.id_shop, secure_key=f"{chance.getrandbits(128):032x}", payment=payment, total_paid=total,
        total_paid_tax_incl=total, total_paid_tax_excl=f"{net + shipping:.6f}",
        total_paid_real=total if paid else "0.000000", total_products=f"{net:.6f}",
        total_products_wt=f"{gross:.6f}", reference=reference,
    )  # fmt: skip
    ground.table("order_carriers").add(
        id_order=number, id_carrier=carrier, id_order_invoice=invoice, weight=f"{0.3 * len(lines):.6f}",
        tracking_number=f"6A{number:011d}" if state in (4, 5) else "", date_add=added,
    )  # fmt: skip
    _cart(ground, number, person, carrier, added, lines)
    for line in lines:
        _detail(ground, number, person.id_lang, line, invoice, person.id_shop)
    for place, passed in enumerate(path):
        ground.table("order_histories").add(
            id_employee=1 + place % 3 if place else 0, id_order_state=passed, id_order=number,
            date_add=text(min(moment + timedelta(hours=20) * place, ground.end)),
        )  # fmt: skip
    _order_extras(ground, number, owner, state, added, total)
    ground.sales.append(Sale(number, owner, person.email, person.id_lang, person.id_shop))


def _cart(ground: Ground, number: int, person: Person, carrier: int, moment: str, lines: Sequence[int]) -> None:
    ground.table("carts").add(
        id=number, id_address_delivery=person.id_address, id_address_invoice=person.id_address, id_carrier=carrier,
        id_customer=person.id, id_lang=person.id_lang, id_shop=person.id_shop, gift=int(number % 15 == 0),
        gift_message="Joyeux anniversaire 🎁" if number % 15 == 0 else "",
        delivery_option=f'{{"{person.id_address}":"{carrier},"}}' if carrier else "", date_add=moment, date_upd=moment,
    )  # fmt: skip
    ground.cart_rows += [(number, line + 1, line * 3, person.id_address, 1) for line in lines]


def _left_cart(ground: Ground, person: Person, moment: datetime) -> None:
    """One that nobody ordered; every other one is empty."""
    number = ground.table("carts").last_id + 1
    _cart(ground, number, person, 0, text(moment), [number % len(data.PRODUCTS)] if number % 2 else [])


def _detail(ground: Ground, order: int, lang: int, line: int, invoice: int, shop: int) -> None:
    reference, price, *names = data.PRODUCTS[line]
    net, gross = f"{price:.6f}", f"{price * 1.2:.6f}"
    ground.table("order_details").add(
        id_order=order, product_id=line + 1, product_attribute_id=line * 3, id_order_invoice=invoice, id_shop=shop,
        product_name=names[min(lang, 4) - 1],
        product_price=net, product_reference=reference,
        unit_price_tax_incl=gross, unit_price_tax_excl=net, total_price_tax_incl=gross,
        total_price_tax_excl=net, original_product_price=net, original_wholesale_price=f"{price / 2:.6f}",
    )  # fmt: skip


def _order_extras(ground: Ground, number: int, owner: int, state: int, added: str, total: str) -> None:
    if number % 12 == 0:
        ground.table("messages").add(id_cart=number, id_order=number, id_customer=owner, private=0, date_add=added,
                                   message="Merci de livrer au gardien — رقم الباب 12 🚪")  # fmt: skip
    if state == 7:
        slip = ground.table("order_slip").add(
            id_customer=owner, id_order=number, conversion_rate="1.000000", total_products_tax_excl="10.000000",
            total_products_tax_incl="12.000000", amount="12.000000", shipping_cost_amount="0.000000", partial=1,
            date_add=added, date_upd=added,
        )  # fmt: skip
        ground.world.slip_details[slip] = [{
            "id": slip, "id_order_detail": ground.table("order_details").last_id, "product_quantity": 1,
            "amount_tax_excl": "10.000000", "amount_tax_incl": "12.000000",
        }]  # fmt: skip
    if state == 5 and number % 4 == 1:
        ground.table("order_returns").add(id_customer=owner, id_order=number, state=1 + number % 5, date_add=added,
                                        date_upd=added, question="Article trop petit / too small")  # fmt: skip

"""Fills a shop with made-up data: any size, the same for the same version, size and seed.

Puts the small fixed tables in first, then customers, orders and conversations. Every seeded shop, however small, has
English, French, German, Spanish and Arabic customers, emoji (where the version can store them), guests, deleted
customers, orders whose customer is gone, split orders with one reference, zero dates, many rows in one second and
threads in all four statuses. Dates end on 1 June 2025 (or at the clock, if that is earlier), so that new writes are
always the newest.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.sandbox.shop import seed_data as data
from connector.sandbox.shop.rules import ZERO_DATE, ZERO_DATETIME
from connector.sandbox.shop.store import Cell, Row
from connector.sandbox.shop.world import World

_END = datetime(2025, 6, 1, 18, 0)  # noqa: DTZ001 - a shop's wall clock has no offset
_SPAN = timedelta(days=360)
_HASH = "$2y$10$sandboxsandboxsandboxsO3mZ1hZkPz6YvX1c4s1u9oQ7b8r2tWxe"


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    orders: int
    customers: int
    threads: int
    messages: int
    shops: int = 1

    @classmethod
    def of(cls, orders: int, customers: int | None, threads: int | None, messages: int | None, shops: int) -> Size:
        customers = customers if customers is not None else max(24, orders // 2)
        threads = threads if threads is not None else max(12, orders * 3 // 10)
        return cls(orders, customers, threads, messages if messages is not None else threads * 28 // 10, shops)


def blank_row(world: World, resource: str) -> Row:
    """A row of column zeros."""
    row: Row = {}
    for field in world.resources[resource].fields:
        if field.i18n:
            row[field.name] = {}
        elif field.nullable:
            row[field.name] = None
        elif field.kind in ("int", "bool"):
            row[field.name] = 0
        elif field.is_decimal:
            row[field.name] = f"{0:.{field.digits}f}"
        elif field.is_date:
            row[field.name] = ZERO_DATETIME if field.kind == "datetime" else ZERO_DATE
        else:
            row[field.name] = ""
    return row


class Table:
    """Collects rows of one resource and writes them in batches; unknown fields of the version are ignored."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        blank = blank_row(world, name) if name in world.resources else {}
        self.exists = bool(blank)
        self.columns = ["id", *blank]
        self.index = {column: place for place, column in enumerate(self.columns)}
        self.blank = [0, *(json.dumps(value) if isinstance(value, dict) else value for value in blank.values())]
        self.rows: list[list[Cell]] = []
        self.last_id = 0
        self.plain = not world.dialect.utf8mb4

    def add(self, **values: Cell) -> int:
        row = self.blank.copy()
        self.last_id = row[0] = values.pop("id", self.last_id + 1)
        index = self.index
        for name, value in values.items():
            place = index.get(name)
            if place is None:
                continue
            if isinstance(value, dict):
                value = json.dumps(value, ensure_ascii=False)
            if self.plain and isinstance(value, str) and not value.isascii():
                value = "".join(char for char in value if ord(char) < 0x10000).rstrip()
            row[place] = value
        self.rows.append(row)
        if len(self.rows) >= 2000:
            self.flush()
        return int(row[0])

    def flush(self) -> None:
        if self.exists and self.rows:
            self.world.store.insert_many(self.name, self.columns, self.rows)
        self.rows = []


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _i18n(texts: Sequence[str]) -> dict[int, str]:
    """English, French, German, Spanish, then English again for the other languages."""
    chosen = [*texts[:4], *([texts[0]] * 4)][: len(data.LANGUAGES)]
    return dict(enumerate(chosen, 1))


class Seeder:
    """One filling of one shop."""

    def __init__(self, world: World, size: Size) -> None:
        self.world, self.size = world, size
        self.random = random.Random(f"{world.seed}/{world.dialect.mark}")
        self.end = min(_END, world.now()) if world.clock else _END
        self.start = self.end - _SPAN
        self.tables: dict[str, Table] = {}
        self.people: list[tuple[int, str, int, int, int]] = []  # id, email, id_lang, id_address, id_shop
        self.orders: list[tuple[int, int, str, int, int]] = []  # id, id_customer, email, id_lang, id_shop

    def table(self, name: str) -> Table:
        if name not in self.tables:
            self.tables[name] = Table(self.world, name)
        return self.tables[name]

    def run(self) -> None:
        with self.world.store.transaction():
            self.fixed()
            self.customers()
            self.fill_orders()
            self.threads()
            for table in self.tables.values():
                table.flush()
        self.world.store.build_indexes()

    def fixed(self) -> None:
        """Everything that does not grow with the shop."""
        add = self.table
        born = _text(self.start)
        for number, name, iso, locale, code, active, rtl, short, long in data.LANGUAGES:
            add("languages").add(id=number, name=name, iso_code=iso, locale=locale, language_code=code, active=active,
                                 is_rtl=rtl, date_format_lite=short, date_format_full=long)  # fmt: skip
        for group_names in data.GROUPS:
            add("groups").add(reduction="0.00", show_prices=1, date_add=born, date_upd=born, name=_i18n(group_names))
        states = list(data.STATES)
        modules = {1: "ps_checkpayment", 10: "ps_wirepayment", 13: "ps_cashondelivery"}
        colors = list(data.COLORS)
        if self.world.dialect.mark == "6":
            states.insert(10, data.PAYPAL)
            colors.insert(10, "#34209E")
            modules = {1: "cheque", 10: "bankwire", 14: "cashondelivery"}
        for number, (english, french, german, spanish, template, flags) in enumerate(states, 1):
            invoice, logable, paid, shipped, delivery, mail, pdf = (int(flag) for flag in flags)
            add("order_states").add(unremovable=1, delivery=delivery, send_email=mail, invoice=invoice, logable=logable,
                                    shipped=shipped, paid=paid, pdf_invoice=pdf, color=colors[number - 1],
                                    module_name=modules.get(number, ""), template=_i18n((template,) * 4),
                                    name=_i18n((english, french, german, spanish)))  # fmt: skip
        for service, local, names, descriptions in data.CONTACTS:
            add("contacts").add(email=f"{local}@shop.example", customer_service=service, name=_i18n(names),
                                description=_i18n(descriptions))  # fmt: skip
        for last, first, email, active, profile in data.EMPLOYEES:
            add("employees").add(id_lang=1, last_passwd_gen=born, stats_date_from=born[:10], stats_date_to=born[:10],
                                 passwd=_HASH, lastname=last, firstname=first, email=email, active=active,
                                 id_profile=profile, default_tab=1, bo_theme="default", bo_css="theme.css", bo_menu=1,
                                 stats_compare_option=1)  # fmt: skip
        for position, (reference, deleted, name, url, free) in enumerate(data.CARRIERS):
            add("carriers").add(deleted=deleted, id_tax_rules_group=1, id_reference=reference, name=name, active=1,
                                is_free=free, url=url, shipping_method=1, position=position,
                                delay=_i18n(("Delivery next day!", "Livraison le lendemain !",
                                             "Lieferung am nächsten Tag!", "¡Entrega al día siguiente!")))  # fmt: skip
        self._geography_and_shops()
        self._configuration(born)

    def _geography_and_shops(self) -> None:
        add = self.table
        for number, zone, prefix, iso, has_states, zip_format, names in data.COUNTRIES:
            add("countries").add(id=number, id_zone=zone, call_prefix=prefix, iso_code=iso, active=1,
                                 contains_states=has_states, need_zip_code=1 if zip_format else 0,
                                 zip_code_format=zip_format, display_tax_label=1, name=_i18n(names))  # fmt: skip
        for country, iso, name in data.STATES_OF_COUNTRIES:
            add("states").add(id_zone=2, id_country=country, iso_code=iso, name=name, active=1)
        for iso, numeric, sign, name, rate in (
            ("EUR", "978", "€", "Euro", "1.000000"), ("USD", "840", "$", "US Dollar", "1.080000")
        ):  # fmt: skip
            add("currencies").add(names=_i18n((name,) * 4), name=name, symbol=sign, iso_code=iso, iso_code_num=numeric,
                                  sign=sign, numeric_iso_code=numeric, precision=2, conversion_rate=rate, active=1,
                                  decimals=1, format=2, pattern=_i18n(("¤#,##0.00",) * 4))  # fmt: skip
        add("shop_groups").add(name="Default", active=1)
        for number in range(1, self.size.shops + 1):
            name = self.world.shop_name + (f" {number}" if number > 1 else "")
            add("shops").add(id_shop_group=1, id_category=2, id_theme=1, active=1, name=name, theme_name="classic")
            domain = self.world.domain or "127.0.0.1"
            add("shop_urls").add(id_shop=number, active=1, main=1, domain=domain, domain_ssl=domain, physical_uri="/",
                                 virtual_uri="" if number == 1 else f"shop{number}/")  # fmt: skip
        for name in ("Fournisseur Émile", "Lieferant & Söhne"):
            add("suppliers").add(link_rewrite="supplier", name=name, active=1, date_add=_text(self.start),
                                 date_upd=_text(self.start))  # fmt: skip
        for number, (reference, price, *words) in enumerate(data.PRODUCTS, 1):
            add("products").add(id_supplier=number % 2 + 1, reference=reference, price=f"{price:.6f}", active=1,
                                date_add=_text(self.start), date_upd=_text(self.start), name=_i18n(words))  # fmt: skip

    def _configuration(self, born: str) -> None:
        shift = 1 if self.world.dialect.mark == "6" else 0
        values = {
            "PS_LANG_DEFAULT": "1", "PS_CURRENCY_DEFAULT": "1", "PS_TIMEZONE": self.world.timezone,
            "PS_SHOP_NAME": self.world.shop_name, "PS_SHOP_EMAIL": "contact@shop.example", "PS_SHOP_ENABLE": "1",
            "PS_WEBSERVICE": "1", "PS_COUNTRY_DEFAULT": "8", "PS_CUSTOMER_GROUP": "3", "PS_GUEST_GROUP": "2",
            "PS_OS_CHEQUE": "1", "PS_OS_PAYMENT": "2", "PS_OS_PREPARATION": "3", "PS_OS_SHIPPING": "4",
            "PS_OS_DELIVERED": "5", "PS_OS_CANCELED": "6", "PS_OS_REFUND": "7", "PS_OS_ERROR": "8",
            "PS_OS_OUTOFSTOCK": "9", "PS_OS_OUTOFSTOCK_PAID": "9", "PS_OS_BANKWIRE": "10",
            "PS_OS_WS_PAYMENT": str(11 + shift), "PS_OS_OUTOFSTOCK_UNPAID": str(12 + shift),
            "PS_OS_COD_VALIDATION": str(13 + shift), "PS_SAV_IMAP_URL": "imap.shop.example", "PS_SAV_IMAP_PORT": "993",
            "PS_SAV_IMAP_USER": "service@shop.example", "PS_SAV_IMAP_PWD": "not-a-real-password",
            "PS_SAV_IMAP_DELETE_MSG": "0", "PS_SAV_IMAP_CREATE_THREADS": "0", "PS_USE_HTMLPURIFIER": "1",
            "PS_MULTISHOP_FEATURE_ACTIVE": "1" if self.size.shops > 1 else "0",
        }  # fmt: skip
        for name, value in values.items():
            self.table("configurations").add(name=name, value=value, date_add=born, date_upd=born)

    def customers(self) -> None:
        """Customers with their groups and addresses."""
        size, chance = self.size, self.random
        step = _SPAN / (size.customers + 1)
        tie = _text(self.end - timedelta(days=30))
        tied = max(6, size.customers // 10)
        links = []
        for number in range(1, size.customers + 1):
            last, first, lang, country = data.PEOPLE[(number - 1) % len(data.PEOPLE)]
            born = self.start + step * number
            guest = number % 10 == 3
            deleted = number % 17 == 5
            email = f"client{number:05d}@{('example.com', 'example.org', 'mail.example.net')[number % 3]}"
            if guest and number > 10:
                email = self.people[-2][1]  # a guest order by someone who also has an account
            shop = 1 + (number % size.shops)
            changed = (
                tie
                if number % max(1, size.customers // tied) == 0
                else _text(min(self.end, born + timedelta(seconds=chance.randrange(5_000_000))))
            )
            newsletter = number % 3 == 0
            group = 2 if guest else 4 if number % 13 == 0 else 3
            row_id = self.table("customers").add(
                id_default_group=group, id_lang=lang, last_passwd_gen=_text(born), deleted=int(deleted), passwd=_HASH,
                newsletter_date_add=_text(born) if newsletter else ZERO_DATETIME, newsletter=int(newsletter),
                secure_key=f"{chance.getrandbits(128):032x}", lastname=last, firstname=first, email=email,
                id_gender=number % 3, birthday="1980-02-29" if number % 4 == 0 else ZERO_DATE, optin=number % 2,
                company="Société <Dupont> & Fils" if number % 29 == 12 else "", active=int(number % 11 != 4),
                note="Client fidèle ⭐" if number % 7 == 1 else "", is_guest=int(guest), id_shop=shop, id_shop_group=1,
                date_add=_text(born), date_upd=changed,
            )  # fmt: skip
            links += [(row_id, link) for link in sorted({group, 3} if group == 4 else {group})]
            self.people.append((row_id, email, lang, self._address(row_id, last, first, country, born, number), shop))
        self.table("customers").flush()
        for row_id, link in links:
            self.world.store.execute("INSERT INTO customer_group VALUES (?, ?)", (row_id, link))

    def _address(self, owner: int, last: str, first: str, country: int, born: datetime, number: int) -> int:
        city, postcode, street = data.CITIES[country]
        kept = 0
        for copy in range(2 if number % 6 == 0 else 1):
            kept = self.table("addresses").add(
                id_customer=owner, id_country=country, alias=("Home", "Domicile")[number % 2], lastname=last,
                firstname=first, address1=f"{number % 200 + 1}, {street}", postcode=postcode, city=city,
                id_state=3 if country == 21 else 0, phone=f"+33 1 {number % 100:02d} 07 37 80", deleted=int(copy == 0
                and number % 12 == 0), date_add=_text(born), date_upd=_text(born),
            )  # fmt: skip
        return kept

    def fill_orders(self) -> None:
        """Orders with details, histories, payments, carriers, invoices, slips and returns."""
        if not self.people:
            return
        step = _SPAN / (self.size.orders + 1)
        tie = _text(self.end - timedelta(days=10))
        reference, person = "", self.people[0]
        for number in range(1, self.size.orders + 1):
            split = number % 25 == 24
            if not split:
                person = self.people[(number * 7 + number // 5) % len(self.people)]
            reference = reference if split else _reference(number)
            moment = self.start + step * number
            self._order(number, person, reference, moment, tie if number % 20 == 10 else "", person[4])

    def _order(
        self, number: int, person: tuple[int, str, int, int, int], reference: str, moment: datetime, tie: str, shop: int
    ) -> None:
        chance = self.random
        path = _PATHS[number % len(_PATHS)]
        state = path[-1]
        paid = any(step in (2, 3, 4, 5) for step in path)
        shipped = any(step in (3, 4, 5) for step in path)
        owner = person[0] if number % 19 != 7 else self.size.customers + 1000 + number  # gone for good
        lines = [chance.randrange(len(data.PRODUCTS)) for _ in range(1 + number % 2)]
        net = sum(data.PRODUCTS[line][1] for line in lines)
        gross, shipping = round(net * 1.2, 2), 7.0
        total = f"{gross + 8.4:.6f}"
        last_change = moment + timedelta(hours=20) * (len(path) - 1)
        added, changed = _text(moment), tie or _text(min(last_change, self.end))
        invoice_date = added if paid else ZERO_DATETIME
        delivery_date = changed if shipped else ZERO_DATETIME
        module, payment = data.PAYMENTS[number % len(data.PAYMENTS)]
        invoice = 0
        if paid:
            invoice = self.table("order_invoices").add(
                id_order=number, number=self.table("order_invoices").last_id + 1, delivery_number=number * shipped,
                delivery_date=delivery_date, total_paid_tax_excl=f"{net + shipping:.6f}", total_paid_tax_incl=total,
                total_products=f"{net:.6f}", total_products_wt=f"{gross:.6f}", total_shipping_tax_excl="7.000000",
                total_shipping_tax_incl="8.400000", date_add=added,
            )  # fmt: skip
            self.table("order_payments").add(
                order_reference=reference, id_currency=1, amount=total, payment_method=payment,
                conversion_rate="1.000000", transaction_id=f"TX-{number:08d}", date_add=added, id_employee=None,
            )  # fmt: skip
        carrier = (1, 3, 4)[number % 3]
        self.table("orders").add(
            id=number, id_address_delivery=person[3], id_address_invoice=person[3], id_cart=number, id_currency=1,
            id_lang=person[2], id_customer=owner, id_carrier=carrier, current_state=state, module=module,
            invoice_number=invoice, invoice_date=invoice_date, delivery_number=invoice * shipped,
            delivery_date=delivery_date, valid=int(state in (2, 3, 4, 5)), date_add=added, date_upd=changed,
            note="Livrer après 18 h – interphone « Lefèvre » 🚪" if number % 10 == 0 else "", id_shop_group=1,
            id_shop=shop, secure_key=f"{chance.getrandbits(128):032x}", payment=payment, total_paid=total,
            total_paid_tax_incl=total, total_paid_tax_excl=f"{net + shipping:.6f}",
            total_paid_real=total if paid else "0.000000", total_products=f"{net:.6f}",
            total_products_wt=f"{gross:.6f}", total_shipping="8.400000", total_shipping_tax_incl="8.400000",
            total_shipping_tax_excl="7.000000", carrier_tax_rate="20.000", round_mode=2, round_type=2,
            conversion_rate="1.000000", reference=reference,
        )  # fmt: skip
        self.table("order_carriers").add(
            id_order=number, id_carrier=carrier, id_order_invoice=invoice, weight=f"{0.3 * len(lines):.6f}",
            shipping_cost_tax_excl="7.000000", shipping_cost_tax_incl="8.400000",
            tracking_number=f"6A{number:011d}" if state in (4, 5) else "", date_add=added,
        )  # fmt: skip
        for line in lines:
            self._detail(number, person[2], line, invoice, shop)
        for place, passed in enumerate(path):
            self.table("order_histories").add(
                id_employee=1 + place % 3 if place else 0, id_order_state=passed, id_order=number,
                date_add=_text(min(moment + timedelta(hours=20) * place, self.end)),
            )  # fmt: skip
        self._order_extras(number, owner, state, added, total)
        self.orders.append((number, owner, person[1], person[2], shop))

    def _detail(self, order: int, lang: int, line: int, invoice: int, shop: int) -> None:
        reference, price, *names = data.PRODUCTS[line]
        net, gross = f"{price:.6f}", f"{price * 1.2:.6f}"
        self.table("order_details").add(
            id_order=order, product_id=line + 1, product_attribute_id=line * 3, id_order_invoice=invoice, id_shop=shop,
            group_reduction="0.00", product_name=names[min(lang, 4) - 1], product_quantity=1,
            product_quantity_in_stock=1, product_price=net, product_reference=reference, product_weight="0.300000",
            id_tax_rules_group=1, unit_price_tax_incl=gross, unit_price_tax_excl=net, total_price_tax_incl=gross,
            total_price_tax_excl=net, original_product_price=net, original_wholesale_price=f"{price / 2:.6f}",
        )  # fmt: skip

    def _order_extras(self, number: int, owner: int, state: int, added: str, total: str) -> None:
        if number % 12 == 0:
            self.table("messages").add(id_cart=number, id_order=number, id_customer=owner, private=0, date_add=added,
                                       message="Merci de livrer au gardien — رقم الباب 12 🚪")  # fmt: skip
        if state == 7:
            slip = self.table("order_slip").add(
                id_customer=owner, id_order=number, conversion_rate="1.000000", total_products_tax_excl="10.000000",
                total_products_tax_incl="12.000000", amount="12.000000", shipping_cost_amount="0.000000", partial=1,
                date_add=added, date_upd=added,
            )  # fmt: skip
            self.world.slip_details[slip] = [{
                "id": slip, "id_order_detail": self.table("order_details").last_id, "product_quantity": 1,
                "amount_tax_excl": "10.000000", "amount_tax_incl": "12.000000",
            }]  # fmt: skip
        if state == 5 and number % 4 == 1:
            self.table("order_returns").add(id_customer=owner, id_order=number, state=1 + number % 5, date_add=added,
                                            date_upd=added, question="Article trop petit / too small")  # fmt: skip

    def threads(self) -> None:
        """Conversations in all statuses, with and without customer, order and contact."""
        size, chance = self.size, self.random
        if not self.people or not size.threads:
            return
        step = _SPAN / (size.threads + 1)
        left = size.messages
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        for number in range(1, size.threads + 1):
            status = ("open", "closed", "pending1", "pending2")[number % 4]
            moment = self.start + step * number
            order = self.orders[(number * 3) % len(self.orders)] if self.orders and number % 5 < 3 else None
            person = self.people[(number * 5) % len(self.people)]
            if order is not None:
                owner, email, lang, shop = order[1], order[2], order[3], order[4]
            elif number % 5 == 3:
                owner, email, lang, shop = 0, f"visitor{number:04d}@example.com", 1 + number % 5, person[4]
            else:
                owner, email, lang, shop = person[0], person[1], person[2], person[4]
            share = left if number == size.threads else min(left, 1 + chance.randrange(5))
            share = max(share, 1) if left else 0
            left -= share
            last = moment + timedelta(hours=7) * max(0, share - 1)
            thread = self.table("customer_threads").add(
                id_lang=lang, id_shop=shop, id_customer=owner, id_order=order[0] if order else 0,
                id_product=1 + number % 8 if number % 9 == 0 else 0, id_contact=(0, 2, 3)[number % 3], email=email,
                token="".join(chance.choices(alphabet, k=12)), status=status, date_add=_text(moment),
                date_upd=_text(min(last, self.end) if number % 2 else moment),
            )  # fmt: skip
            for place in range(share):
                self._message(thread, place, lang, moment + timedelta(hours=7) * place, number)

    def _message(self, thread: int, place: int, lang: int, moment: datetime, number: int) -> None:
        when = _text(min(moment, self.end))
        staff = place % 2 == 1
        text = data.ANSWERS[lang] if staff else data.QUESTIONS[lang][(number + place) % 2]
        private = 0
        if staff and number % 8 == 0:
            text, private = "Interne : voir avec l'entrepôt / internal note", 1
        if not staff and number % 11 == 0 and self.world.dialect.number >= (8, 1, 3):
            text = "Preis &lt; 100 &amp; &gt; 50, &quot;x&quot;"
        elif not staff and number % 13 == 0:
            text = text.replace("\n", "<br />\n") + "<br />\n> quoted line"
        self.table("customer_messages").add(
            id_employee=1 + number % 3 if staff else 0, id_customer_thread=thread, message=text, private=private,
            ip_address="" if staff else str(1243153343 + number), date_add=when, date_upd=when,
            file_name=f"{number:018x}" if number % 14 == 3 and not staff else "", read=int(staff or number % 4 != 0),
            user_agent="" if staff else data.USER_AGENTS[number % 3], id_product=None,
        )  # fmt: skip


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


def fill(world: World, size: Size) -> None:
    """Fill an empty shop."""
    Seeder(world, size).run()

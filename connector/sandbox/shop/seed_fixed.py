"""Seeds what does not grow with the shop: languages, states, contacts, carriers, shops, products, configuration."""

from __future__ import annotations

from connector.sandbox.shop import seed_data as data
from connector.sandbox.shop.seed_ground import Ground, i18n, text


def fill_fixed(ground: Ground) -> None:
    """Everything that does not grow with the shop."""
    add = ground.table
    born = text(ground.start)
    for number, name, iso, locale, code, active, rtl, short, long in data.LANGUAGES:
        add("languages").add(id=number, name=name, iso_code=iso, locale=locale, language_code=code, active=active,
                             is_rtl=rtl, date_format_lite=short, date_format_full=long)  # fmt: skip
    for group_names in data.GROUPS:
        add("groups").add(reduction="0.00", show_prices=1, date_add=born, date_upd=born, name=i18n(group_names))
    states = list(data.STATES)
    modules = {1: "ps_checkpayment", 10: "ps_wirepayment", 13: "ps_cashondelivery"}
    colors = list(data.COLORS)
    if ground.world.dialect.mark == "6":
        states.insert(10, data.PAYPAL)
        colors.insert(10, "#34209E")
        modules = {1: "cheque", 10: "bankwire", 14: "cashondelivery"}
    for number, (english, french, german, spanish, template, flags) in enumerate(states, 1):
        invoice, logable, paid, shipped, delivery, mail, pdf = (int(flag) for flag in flags)
        add("order_states").add(unremovable=1, delivery=delivery, send_email=mail, invoice=invoice, logable=logable,
                                shipped=shipped, paid=paid, pdf_invoice=pdf, color=colors[number - 1],
                                module_name=modules.get(number, ""), template=i18n((template,) * 4),
                                name=i18n((english, french, german, spanish)))  # fmt: skip
    for service, local, names, descriptions in data.CONTACTS:
        add("contacts").add(email=f"{local}@shop.example", customer_service=service, name=i18n(names),
                            description=i18n(descriptions))  # fmt: skip
    for last, first, email, active, profile in data.EMPLOYEES:
        add("employees").add(id_lang=1, last_passwd_gen=born, stats_date_from=born[:10], stats_date_to=born[:10],
                             passwd=ground.password_hash, lastname=last, firstname=first, email=email, active=active,
                             id_profile=profile, default_tab=1, bo_theme="default", bo_css="theme.css", bo_menu=1,
                             stats_compare_option=1)  # fmt: skip
    for position, (reference, deleted, name, url, free) in enumerate(data.CARRIERS):
        add("carriers").add(deleted=deleted, id_tax_rules_group=1, id_reference=reference, name=name, active=1,
                            is_free=free, url=url, shipping_method=1, position=position,
                            delay=i18n(("Delivery next day!", "Livraison le lendemain !",
                                         "Lieferung am nächsten Tag!", "¡Entrega al día siguiente!")))  # fmt: skip
    _geography_and_shops(ground)
    _configuration(ground, born)


def _geography_and_shops(ground: Ground) -> None:
    add = ground.table
    for number, zone, prefix, iso, has_states, zip_format, names in data.COUNTRIES:
        add("countries").add(id=number, id_zone=zone, call_prefix=prefix, iso_code=iso, active=1,
                             contains_states=has_states, need_zip_code=1 if zip_format else 0,
                             zip_code_format=zip_format, display_tax_label=1, name=i18n(names))  # fmt: skip
    for country, iso, name in data.STATES_OF_COUNTRIES:
        add("states").add(id_zone=2, id_country=country, iso_code=iso, name=name, active=1)
    for iso, numeric, sign, name, rate in (
        ("EUR", "978", "€", "Euro", "1.000000"), ("USD", "840", "$", "US Dollar", "1.080000")
    ):  # fmt: skip
        add("currencies").add(names=i18n((name,) * 4), name=name, symbol=sign, iso_code=iso, iso_code_num=numeric,
                              sign=sign, numeric_iso_code=numeric, precision=2, conversion_rate=rate, active=1,
                              decimals=1, format=2, pattern=i18n(("¤#,##0.00",) * 4))  # fmt: skip
    add("shop_groups").add(name="Default", active=1)
    for number in range(1, ground.size.shops + 1):
        name = ground.world.shop_name + (f" {number}" if number > 1 else "")
        add("shops").add(id_shop_group=1, id_category=2, id_theme=1, active=1, name=name, theme_name="classic")
        domain = ground.world.domain or "127.0.0.1"
        add("shop_urls").add(id_shop=number, active=1, main=1, domain=domain, domain_ssl=domain, physical_uri="/",
                             virtual_uri="" if number == 1 else f"shop{number}/")  # fmt: skip
    for name in ("Fournisseur Émile", "Lieferant & Söhne"):
        add("suppliers").add(link_rewrite="supplier", name=name, active=1, date_add=text(ground.start),
                             date_upd=text(ground.start))  # fmt: skip
    for number, (reference, price, *words) in enumerate(data.PRODUCTS, 1):
        add("products").add(id_supplier=number % 2 + 1, reference=reference, price=f"{price:.6f}", active=1,
                            date_add=text(ground.start), date_upd=text(ground.start), name=i18n(words))  # fmt: skip
        add("product_suppliers").add(id_product=number, id_supplier=number % 2 + 1, id_currency=1,
                                     product_supplier_reference=f"SUP-{reference}",
                                     product_supplier_price_te=f"{price / 2:.6f}")  # fmt: skip


def _configuration(ground: Ground, born: str) -> None:
    shift = 1 if ground.world.dialect.mark == "6" else 0
    values = {
        "PS_LANG_DEFAULT": "1", "PS_CURRENCY_DEFAULT": "1", "PS_TIMEZONE": ground.world.timezone,
        "PS_SHOP_NAME": ground.world.shop_name, "PS_SHOP_EMAIL": "contact@shop.example", "PS_SHOP_ENABLE": "1",
        "PS_WEBSERVICE": "1", "PS_COUNTRY_DEFAULT": "8", "PS_CUSTOMER_GROUP": "3", "PS_GUEST_GROUP": "2",
        "PS_OS_CHEQUE": "1", "PS_OS_PAYMENT": "2", "PS_OS_PREPARATION": "3", "PS_OS_SHIPPING": "4",
        "PS_OS_DELIVERED": "5", "PS_OS_CANCELED": "6", "PS_OS_REFUND": "7", "PS_OS_ERROR": "8",
        "PS_OS_OUTOFSTOCK": "9", "PS_OS_OUTOFSTOCK_PAID": "9", "PS_OS_BANKWIRE": "10",
        "PS_OS_WS_PAYMENT": str(11 + shift), "PS_OS_OUTOFSTOCK_UNPAID": str(12 + shift),
        "PS_OS_COD_VALIDATION": str(13 + shift), "PS_SAV_IMAP_URL": "imap.shop.example", "PS_SAV_IMAP_PORT": "993",
        "PS_SAV_IMAP_USER": "service@shop.example", "PS_SAV_IMAP_PWD": "not-a-real-password",
        "PS_SAV_IMAP_DELETE_MSG": "0", "PS_SAV_IMAP_CREATE_THREADS": "0", "PS_USE_HTMLPURIFIER": "1",
        "PS_MULTISHOP_FEATURE_ACTIVE": "1" if ground.size.shops > 1 else "0",
    }  # fmt: skip
    for name, value in values.items():
        ground.table("configurations").add(name=name, value=value, date_add=born, date_upd=born)

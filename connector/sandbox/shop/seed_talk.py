"""Seeds the conversations: customer threads in all statuses and their messages."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.sandbox.shop import seed_data as data
from connector.sandbox.shop.seed_ground import SPAN, Ground, text


def fill_threads(ground: Ground) -> None:
    """Conversations in all statuses, with and without customer, order and contact."""
    size, chance = ground.size, ground.random
    if not ground.people or not size.threads:
        return
    step = SPAN / (size.threads + 1)
    left = size.messages
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    for number in range(1, size.threads + 1):
        status = ("open", "closed", "pending1", "pending2")[number % 4]
        moment = ground.start + step * number
        order = ground.sales[(number * 3) % len(ground.sales)] if ground.sales and number % 5 < 3 else None
        person = ground.people[(number * 5) % len(ground.people)]
        if order is not None:
            owner, email, lang, shop = order.id_customer, order.email, order.id_lang, order.id_shop
        elif number % 5 == 3:
            owner, email, lang, shop = 0, f"visitor{number:04d}@example.com", 1 + number % 5, person.id_shop
        else:
            owner, email, lang, shop = person.id, person.email, person.id_lang, person.id_shop
        share = left if number == size.threads else min(left, 1 + chance.randrange(5))
        share = max(share, 1) if left else 0
        left -= share
        last = moment + timedelta(hours=7) * max(0, share - 1)
        thread = ground.table("customer_threads").add(
            id_lang=lang, id_shop=shop, id_customer=owner, id_order=order.id if order else 0,
            id_product=1 + number % 8 if number % 9 == 0 else 0, id_contact=(0, 2, 3)[number % 3], email=email,
            token="".join(chance.choices(alphabet, k=12)), status=status, date_add=text(moment),
            date_upd=text(min(last, ground.end) if number % 2 else moment),
        )  # fmt: skip
        for place in range(share):
            _message(ground, thread, place, lang, moment + timedelta(hours=7) * place, number)


def _message(ground: Ground, thread: int, place: int, lang: int, moment: datetime, number: int) -> None:
    when = text(min(moment, ground.end))
    staff = place % 2 == 1
    words = data.ANSWERS[lang] if staff else data.QUESTIONS[lang][(number + place) % 2]
    private = 0
    if staff and number % 8 == 0:
        words, private = "Interne : voir avec l'entrepôt / internal note", 1
    if not staff and number % 11 == 0 and ground.world.dialect.number >= (8, 1, 3):
        words = "Preis &lt; 100 &amp; &gt; 50, &quot;x&quot;"
    elif not staff and number % 13 == 0:
        words = words.replace("\n", "<br />\n") + "<br />\n> quoted line"
    ground.table("customer_messages").add(
        id_employee=1 + number % 3 if staff else 0, id_customer_thread=thread, message=words, private=private,
        ip_address="" if staff else str(1243153343 + number), date_add=when, date_upd=when,
        file_name=f"{number:018x}" if number % 14 == 3 and not staff else "", read=int(staff or number % 4 != 0),
        user_agent="" if staff else data.USER_AGENTS[number % 3], id_product=None,
    )  # fmt: skip

"""Which of a customer's orders a mail is about: the order's reference, or its number beside a word for `order`.

Only the sender's own orders are looked for, so a stray nine-letter word or number links nothing. Pure and linear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LONGEST = 20_000  # characters; whoever names an order does so early
_WORD = re.compile(r"[A-Za-z0-9]+")
_NUMBER = re.compile(r"(?<![0-9A-Za-z.,])0{0,8}([1-9][0-9]{0,9})(?![0-9A-Za-z]|[.,][0-9])")
_BEFORE = 30  # characters before a number in which a word must make it an order's

_MARKS = (
    "#", "order", "commande", "bestell", "auftrag", "pedido", "ordine", "encomenda", "zamówieni", "zamowieni",
    "objednáv", "objednav", "comand", "παραγγελ", "sipariş", "siparis", "заказ", "замовлен", "поръчк", "الطلب", "طلب",
    "הזמנה", "beställning", "bestilling", "ordre", "tilaus", "tilauksen", "rendelés", "rendeles", "užsakym",
    "pasūtījum", "narudžb", "naročil", "tellimus", "注文", "订单", "訂單", "주문", "đơn hàng",
)  # fmt: skip
"""Beginnings of the word in the languages that shops are run in."""


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """One of the sender's orders. reference: nine capital letters; several orders may share one (a split cart)."""

    id: int
    reference: str
    id_customer: int | None
    id_shop: int | None


def mentioned(texts: Sequence[str], orders: Sequence[CustomerOrder]) -> CustomerOrder | None:
    """The first order that is named, in the order of the texts (subject, then body); references before numbers.

    A reference of several orders means the oldest of them.
    """
    if not orders:
        return None
    by_reference = {o.reference.upper(): o for o in sorted(orders, key=lambda o: -o.id) if o.reference}
    by_number = {o.id: o for o in orders}
    for text in texts:
        head = text[:_LONGEST]
        for word in _WORD.finditer(head):
            found = by_reference.get(word[0].upper())
            if found is not None:
                return found
        for number in _NUMBER.finditer(head):
            found = by_number.get(int(number[1]))
            if found is not None and _marked(head, number.start()):
                return found
    return None


def _marked(text: str, at: int) -> bool:
    """Does a word for `order`, or a #, stand shortly before, in the same line?"""
    before = text[max(0, at - _BEFORE) : at].rpartition("\n")[2].casefold()
    return any(mark in before for mark in _MARKS)

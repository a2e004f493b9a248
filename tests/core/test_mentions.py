"""Which order a mail is about."""

from __future__ import annotations

import pytest

from connector.core.mentions import CustomerOrder, mentioned

ORDERS = (
    CustomerOrder(1234, "XKBKNABJK", 5, 1),
    CustomerOrder(9, "QWERTYUIO", 5, 1),
    CustomerOrder(2, "ABCDEFGHI", 5, 1),
    CustomerOrder(10, "ABCDEFGHI", 5, 1),
)


def found(*texts):
    order = mentioned(texts, ORDERS)
    return order.id if order else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Re: Order XKBKNABJK", 1234),
        ("where is xkbknabjk?", 1234),
        ("Order #1234", 1234),
        ("my order no. 1234 is late", 1234),
        ("order #001234 please", 1234),
        ("Meine Bestellung Nr. 1234 fehlt", 1234),
        ("Ma commande n°1234", 1234),
        ("Numer zamówienia: 1234.", 1234),
        ("заказ № 1234", 1234),
        ("ご注文番号 1234", 1234),
        ("رقم الطلب 1234", 1234),
    ],
)
def test_reference_and_number_are_found_in_many_languages(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "I would like 2 mugs",
        "call 1234",
        "order 12345",
        "order 1.234",
        "order 1234,50",
        "order\n1234",
        "XKBKNABJKX",
        "",
    ],
)
def test_a_number_without_the_word_and_other_words_link_nothing(text):
    assert found(text) is None


def test_the_subject_goes_first_and_a_reference_before_a_number():
    assert found("order 9", "XKBKNABJK") == 9
    assert found("order 9 or XKBKNABJK") == 1234


def test_a_reference_of_several_orders_means_the_oldest():
    assert found("ABCDEFGHI") == 2


def test_a_stranger_has_no_orders_to_be_found():
    assert mentioned(("XKBKNABJK",), ()) is None


def test_a_long_text_is_read_in_linear_time():
    assert found("order 7 #" * 200_000) is None

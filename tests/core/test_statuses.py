"""Which state of a shop a word means; never a guess."""

from dataclasses import replace
from pathlib import Path

import pytest

from connector.core.datafile import DataFileError
from connector.core.model import OrderState
from connector.core.statuses import (
    THREAD_STATUSES,
    Resolved,
    Unresolved,
    fold,
    parse_statuses,
    resolve,
    thread_status,
)

CANON = parse_statuses((Path(__file__).parents[2] / "mappings/statuses.toml").read_text("utf-8"), "statuses.toml")


def state(number, *names, paid=False, shipped=False, invoice=False, deleted=False):
    return OrderState(number, names, deleted, invoice, paid, shipped, False, False, False)


# A shop in English and French, as recorded with 8.2.1 (40-order-states).
SHOP = [
    state(1, "Awaiting check payment", "En attente du paiement par chèque"),
    state(2, "Payment accepted", "Paiement accepté", paid=True, invoice=True),
    state(3, "Processing in progress", "En cours de préparation", paid=True, invoice=True),
    state(4, "Shipped", "Expédié", paid=True, invoice=True, shipped=True),
    state(5, "Delivered", "Livré", paid=True, invoice=True, shipped=True),
    state(6, "Canceled", "Annulé"),
    state(7, "Refunded", "Remboursé", invoice=True),
    state(8, "Payment error", "Erreur de paiement"),
    state(9, "On backorder (paid)", "En attente de réapprovisionnement (payé)", paid=True, invoice=True),
    state(10, "Awaiting bank wire payment", "En attente de virement bancaire"),
    state(11, "Remote payment accepted", "Paiement à distance accepté", paid=True, invoice=True),
    state(12, "On backorder (not paid)", "En attente de réapprovisionnement (non payé)"),
    state(13, "Awaiting Cash On Delivery validation", "En attente de paiement à la livraison"),
    state(20, "Ready for pick-up", "Prêt au retrait"),
]
CONFIG = {"PS_OS_SHIPPING": "4", "PS_OS_PAYMENT": "2", "PS_OS_CHEQUE": "1", "PS_OS_BANKWIRE": "10", "PS_OS_REFUND": "7"}


@pytest.mark.parametrize("wish", ["4", "#4", "shipped", "SHIPPED", "sent", "Expédié", "expedie", " Shipped "])
def test_a_state_is_found_by_number_by_canonical_name_and_by_the_shops_own_names(wish):
    assert resolve(wish, SHOP, CONFIG, CANON) == Resolved(4)


@pytest.mark.parametrize(
    ("wish", "number"), [("Versandt", 4), ("Wysłane", 4), ("Zahlung eingegangen", 2), ("Zwrot", 7)]
)
def test_installers_names_of_other_languages_are_understood(wish, number):
    assert resolve(wish, SHOP, CONFIG, CANON) == Resolved(number)


def test_the_configuration_decides_where_the_shop_renumbered_its_states():
    moved = [replace(s, id=44, names=("Parti",)) if s.id == 4 else s for s in SHOP]
    assert resolve("shipped", moved, {"PS_OS_SHIPPING": "44"}, CANON) == Resolved(44)


@pytest.mark.parametrize("name", sorted(set(CANON) - {"awaiting_payment", "backorder", "awaiting_paypal"}))
def test_without_the_configuration_names_and_flags_decide(name):
    assert isinstance(resolve(name, SHOP, {}, CANON), Resolved)


def test_a_name_with_other_flags_is_not_taken_for_a_canonical_state():
    shop = [state(7, "Zwrot", paid=True, shipped=True)]  # a returned parcel, not a refund
    assert resolve("refunded", shop, {}, CANON) == Unresolved("not_set_up", (7,))


def test_a_custom_state_is_found_by_its_name():
    assert resolve("ready for pick up", SHOP, CONFIG, CANON) == Resolved(20)


def test_a_general_word_for_several_states_is_ambiguous_and_names_them():
    assert resolve("awaiting_payment", SHOP, CONFIG, CANON) == Unresolved("ambiguous", (1, 10, 13))
    assert resolve("backorder", SHOP, CONFIG, CANON) == Unresolved("ambiguous", (9, 12))


def test_one_name_for_two_states_is_ambiguous():
    shop = [state(9, "In attesa di rifornimento", paid=True), state(12, "In attesa di rifornimento")]
    assert resolve("in attesa di rifornimento", shop, {}, CANON) == Unresolved("ambiguous", (9, 12))


def test_a_canonical_name_that_another_state_carries_is_ambiguous():
    shop = [*SHOP, state(30, "Sent")]
    assert resolve("sent", shop, CONFIG, CANON) == Unresolved("ambiguous", (4, 30))


def test_deleted_states_are_never_chosen():
    shop = [replace(s, deleted=s.id == 4) for s in SHOP]
    for wish in ("4", "shipped", "Expédié"):
        answer = resolve(wish, shop, CONFIG, CANON)
        assert isinstance(answer, Unresolved)
        assert answer.reason == "deleted"
        assert 4 not in answer.candidates
        assert 5 in answer.candidates


def test_a_living_state_wins_over_a_deleted_one_of_the_same_name():
    shop = [state(20, "Ready", deleted=True), state(21, "Ready")]
    assert resolve("ready", shop, {}, CANON) == Resolved(21)


@pytest.mark.parametrize("wish", ["99", "teleported", "", "   ", "!!!"])
def test_the_unknown_is_not_guessed(wish):
    answer = resolve(wish, SHOP, CONFIG, CANON)
    assert isinstance(answer, Unresolved)
    assert answer.reason == "unknown"


def test_near_names_are_offered():
    answer = resolve("awaiting wire", SHOP, CONFIG, CANON)
    assert isinstance(answer, Unresolved)
    assert 10 in answer.candidates
    assert 4 not in answer.candidates


def test_every_canonical_state_has_a_way_to_be_found():
    for canonical in CANON.values():
        assert canonical.keys or canonical.any_of
        assert canonical.names
        assert canonical.name == fold(canonical.name).replace(" ", "_")


@pytest.mark.parametrize(
    ("wish", "status"),
    [("open", "open"), ("Closed", "closed"), ("pending 1", "pending1"), ("solved", "closed")],
)
def test_thread_statuses_have_aliases(wish, status):
    assert status in THREAD_STATUSES
    assert thread_status(wish) == status


def test_an_unknown_thread_status_is_none():
    assert thread_status("maybe") is None


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("[paid]\nkeys = [", 2, "no valid TOML"),
        ("\n[paid]\npaid = 1", 3, "true or false"),
        ("[paid]\nkeys = ['PS_OS_X']\ncolour = 'red'", 3, "unknown key `colour`"),
        ("[paid]\nkeys = ['OS_PAID']", 2, "PS_OS_"),
        ("[paid]\n[paid.names]\nen = 'Paid'", 3, "list of texts"),
        ("[a]\nany_of = ['b']", 2, "no table"),
        ("paid = 1", 1, "must be a table"),
    ],
)
def test_a_wrong_file_names_its_line(text, line, problem):
    with pytest.raises(DataFileError, match=problem) as caught:
        parse_statuses(text, "my.toml")
    assert (caught.value.file, caught.value.line) == ("my.toml", line)


def test_a_file_of_ones_own_adds_states_and_replaces_them_whole():
    own = '[packed]\nnames = { en = ["Packed by hand"] }\n[processing]\nany_of = ["packed"]\n'
    canon = parse_statuses(own, "own.toml", CANON)
    assert set(canon) == {*CANON, "packed"}
    assert (canon["processing"].keys, canon["processing"].any_of) == ((), ("packed",))
    assert canon["shipped"] == CANON["shipped"]

"""What is left of an erased row, and which texts name a person."""

from __future__ import annotations

from datetime import date

import pytest

from connector.core.erasure import Holdings, address_hash, concerns, mentions, without_person, without_texts
from connector.core.mapping import Child, Field, Resource, Row, Sweep

PARCELS = Resource(
    "parcels",
    "parcels",
    "id",
    (
        Field("weight", "decimal"),
        Field("name", "text", personal=True),
        Field("number", "text", personal=True),
        Field("born", "date", personal=True),
        Field("seen", "datetime", personal=True),
    ),
    lang=(Field("greeting", "text", personal=True), Field("title", "text")),
    children=(Child("lines", "lines", (Field("engraving", "text", personal=True), Field("count", "int"))),),
    sweeps=(Sweep("number", filled=True),),
)


def test_an_erased_row_keeps_what_tells_of_no_person_and_its_digest():
    values = {"weight": 2, "name": "Zoe", "number": "1Z", "born": date(1980, 2, 29), "seen": "x", "seen_local": "y"}
    row = Row(
        5, values, ({"id_lang": 1, "greeting": "Hi Zoe", "title": "t"},), {"lines": ({"engraving": "Zoe", "count": 3},)}
    )
    row.digest = "d"
    found = without_person(PARCELS, row)
    assert found.values == {
        "weight": 2,
        "name": "",
        "number": "[erased]",
        "born": None,
        "seen": None,
        "seen_local": None,
    }
    assert found.langs == ({"id_lang": 1, "greeting": "", "title": "t"},)
    assert found.children == {"lines": ({"engraving": "", "count": 3},)}
    assert (found.id, found.digest, row.values["name"]) == (5, "d", "Zoe")


def test_what_was_not_there_is_not_marked_as_erased():
    """The shop is asked which rows have a number: the mirror's answer must stay the same."""
    found = without_person(PARCELS, Row(5, {"number": "", "name": None}))
    assert found.values == {"number": "", "name": None}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("to ann@example.org.", True),
        ("<Ann@Example.ORG>", True),
        ('"ann@example.org"', True),
        ("joann@example.org", False),
        ("j.ann@example.org", False),
        ("x+ann@example.org", False),
        ("ann@example.org.uk", False),
        ("ann@example.organic", False),
        ("joann@example.org, ann@example.org", True),
        ("", False),
    ],
)
def test_only_a_whole_address_names_a_person(text, named):
    assert mentions(text, {"ann@example.org"}) is named


@pytest.mark.parametrize("address", ["", " ", "a"])
def test_what_is_no_address_is_in_no_text(address):
    assert not mentions("a text with a letter a", {address})


def test_an_intent_concerns_who_owns_its_thread_order_account_or_mail():
    held = Holdings("main", frozenset({"ann@example.org"}), {"customer_threads": {7}, "orders": {7}})
    nothing = {"group": "reply:x", "copy_id": None, "payload": {}}
    assert not concerns(held, {3}, **nothing)
    assert concerns(held, {3}, **{**nothing, "group": "thread:7"})
    assert concerns(held, {3}, **{**nothing, "group": "order-thread:7"})
    assert not concerns(held, {3}, **{**nothing, "group": "customer:7"})
    assert concerns(held, {3}, **{**nothing, "copy_id": 3})
    assert concerns(held, {3}, **{**nothing, "payload": {"id_order": 7}})
    assert concerns(held, {3}, **{**nothing, "payload": {"to": "Ann@example.org"}})


def test_json_without_texts_keeps_numbers_and_what_steers():
    value = {"text": "Hi", "id_thread": 4, "status": "closed", "files": [{"name": "a.txt", "size": 3}], "private": True}
    expected = {"text": "", "id_thread": 4, "status": "closed", "files": [{"name": "", "size": 3}], "private": True}
    assert without_texts(value) == expected


def test_the_hash_of_an_address_folds_its_case_and_needs_the_secret():
    assert address_hash("s", " Ann@Example.org ") == address_hash("s", "ann@example.org")
    assert address_hash("s", "ann@example.org") != address_hash("t", "ann@example.org")

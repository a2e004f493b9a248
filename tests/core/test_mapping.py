"""Mapping files: what they may say, and what they answer to mistakes."""

from __future__ import annotations

import pytest

from connector.core.mapping import Child, Field, MappingFileError, Resource, Sweep, check, parse

WHOLE = """\
# a comment
pull = "delta"
table = "credit_notes"
since = "1.7.8"
per_shop = true

[fields]
id_order = "ref"
note = "text personal"
date_upd = "datetime"

[lang]
name = "text personal"

[children.details]
table = "credit_note_lines"
[children.details.fields]
id_row = "ref from id"
amount = "decimal"

[only]
state = ["1", "2"]

[sweeps]
note = ["a", "b", "*"]
id_order = "orders"
date_upd = { days = 3, by = "date_upd", through = { id_order = "orders" } }
"""


def mistakes(text: str, file: str = "orders.toml") -> list[tuple[int, str]]:
    with pytest.raises(MappingFileError) as caught:
        parse(text, file)
    return [(mistake.line, mistake.text) for mistake in caught.value.mistakes]


def test_a_file_says_everything_about_a_resource():
    assert parse(WHOLE, "mappings/resources/order_slip.toml") == Resource(
        name="order_slip",
        table="credit_notes",
        pull="delta",
        fields=(Field("id_order", "ref"), Field("note", "text", True), Field("date_upd", "datetime")),
        lang=(Field("name", "text", True),),
        children=(
            Child("details", "credit_note_lines", (Field("id_row", "ref", origin="id"), Field("amount", "decimal"))),
        ),
        sweeps=(
            Sweep("note", ("a", "b"), others=True),
            Sweep("id_order", ids_of="orders"),
            Sweep("date_upd", days=3, by="date_upd", through=("id_order", "orders")),
        ),
        since=(1, 7, 8),
        only=("state", ("1", "2")),
        per_shop=True,
        source="mappings/resources/order_slip.toml",
    )


def test_the_least_that_a_file_can_say():
    resource = parse('pull = "id"\n[fields]\nname = "text"\n', "shops.toml")
    assert (resource.name, resource.table, resource.since, resource.display) == ("shops", "shops", (1, 6), False)
    assert resource.asked == ()


def test_with_display_the_fields_are_asked_for_by_name():
    resource = parse('pull = "id"\ndisplay = true\n[fields]\na = "text"\n[lang]\nb = "text"\n', "products.toml")
    assert resource.asked == ("id", "a", "b")


def test_a_child_field_may_have_another_name_than_in_the_shop():
    assert Field("id_row", "ref", origin="id").key == "id"
    assert Field("amount", "decimal").key == "amount"


def test_what_stands_behind_a_type_stands_in_any_order():
    resource = parse(
        'pull = "id"\n[fields]\nid_buyer = "ref to customers personal from id_customer"\n'
        '[children.x.fields]\nid_row = "ref from id to orders"\n',
        "x.toml",
    )
    assert resource.fields == (Field("id_buyer", "ref", True, "id_customer", "customers"),)
    assert resource.children[0].fields == (Field("id_row", "ref", False, "id", "orders"),)


def test_a_column_of_another_name_is_asked_for_by_the_shops_name_once():
    resource = parse(
        'pull = "id"\ndisplay = true\n[fields]\na = "decimal"\na_text = "text from a"\n[lang]\nn = "text from b"\n',
        "products.toml",
    )
    assert resource.asked == ("id", "a", "b")


FIELDS = '[fields]\na = "text"\n'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("pull = delta\n", 1, "Invalid value"),
        ('pull = "delta"\n[fields\n', 2, "Expected"),
        ('pull = "id"\npull = "id"\n', 2, "Cannot overwrite"),
        ('pull = "daily"\n' + FIELDS, 1, "expected delta, id or snapshot"),
        (FIELDS, 0, "pull is missing"),
        ('pull = "id"\n', 0, "fields is missing"),
        ('pull = "id"\ncolour = "red"\n' + FIELDS, 2, "unknown key 'colour'"),
        ('pull = "id"\nsince = 1.7\n' + FIELDS, 2, 'expected a version such as "1.7"'),
        ('pull = "id"\nsince = "new"\n' + FIELDS, 2, 'expected a version such as "1.7"'),
        ('pull = "id"\ndisplay = "yes"\n' + FIELDS, 2, "expected true or false"),
        ('pull = "id"\ntable = "Orders!"\n' + FIELDS, 2, "expected a table name"),
        ('pull = "delta"\n' + FIELDS, 1, 'needs the field date_upd = "datetime"'),
        ('pull = "id"\n[fields]\na = "string"\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = "text private"\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = "text from"\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = "text from B"\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = "text personal personal"\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = "int to orders"\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = "ref to"\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = "text from passwd"\n', 3, "passwd is a secret of the shop"),
        ('pull = "id"\n[fields]\ndate_upd = "datetime from date_add"\n', 3, "must be the shop's own"),
        ('pull = "id"\n[fields]\nb = "text from a"\n[sweeps]\nb = ["1"]\n', 5, "by the shop's own name"),
        ('pull = "id"\n' + FIELDS + '[lang]\nname = "text from secure_key"\n', 5, "never mirrored"),
        ('pull = "id"\n[fields]\na = 5\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\na = ""\n', 3, "expected a type"),
        ('pull = "id"\n[fields]\nÄ = "text"\n', 0, "Invalid"),
        ('pull = "id"\n[fields]\n"a b" = "text"\n', 3, "is no field name"),
        ('pull = "id"\n[fields]\nA = "text"\n', 3, "is no field name"),
        ('pull = "id"\n[fields]\nshop = "text"\n', 3, "the mirror makes the column shop itself"),
        ('pull = "id"\n[fields]\nid = "int"\n', 3, "the mirror makes the column id itself"),
        ('pull = "id"\n[fields]\ndigest = "text"\n', 3, "the mirror makes the column digest itself"),
        ('pull = "id"\n' + FIELDS + '[lang]\nid_lang = "text"\n', 5, "the mirror makes the column id_lang itself"),
        ('pull = "id"\n' + FIELDS + '[children.x.fields]\nid = "ref"\n', 5, 'id_row = "ref from id"'),
        ('pull = "id"\n' + FIELDS + '[children.x.fields]\nposition = "int"\n', 5, "makes the column position itself"),
        ('pull = "id"\n[fields]\nd = "datetime"\nd_local = "text"\n', 4, "another field makes too"),
        ('pull = "id"\n[fields]\npasswd = "text"\n', 3, "never mirrored"),
        ('pull = "id"\n[fields]\nsecure_key = "text"\n', 3, "never mirrored"),
        ('pull = "id"\n' + FIELDS + '[children.x.fields]\nk = "text from passwd"\n', 5, "never mirrored"),
        ('pull = "id"\n' + FIELDS + '[lang]\nname = "int"\n', 5, "expected text"),
        ('pull = "id"\ndisplay = true\n' + FIELDS + '[children.x.fields]\ny = "int"\n', 2, "brings no children"),
        (
            'pull = "id"\n' + FIELDS + '[children.x]\nname = "y"\n[children.x.fields]\nz = "int"\n',
            5,
            "unknown key 'name'",
        ),
        ('pull = "id"\n' + FIELDS + "[children]\nx = 3\n", 5, "expected a section"),
        ('pull = "id"\nonly = ["a"]\n' + FIELDS, 2, "expected one field with its values"),
        ('pull = "id"\nonly = { name = [] }\n' + FIELDS, 2, "a list of texts"),
        ('pull = "id"\nonly = { name = ["PS_MAIL_PASSWD"] }\n' + FIELDS, 2, "sounds like a password"),
        ('pull = "id"\n' + FIELDS + '[sweeps]\nb = ["1"]\n', 5, "has no field b"),
        ('pull = "id"\n' + FIELDS + "[sweeps]\na = [1]\n", 5, "expected a list of values"),
        ('pull = "id"\n' + FIELDS + '[sweeps]\na = ["*"]\n', 5, "expected a list of values"),
        ('pull = "id"\n' + FIELDS + "[sweeps]\na = { days = 0 }\n", 5, "expected a list of values"),
        ('pull = "id"\n' + FIELDS + '[sweeps]\na = { days = 3, by = "birthday" }\n', 5, "expected a list of values"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_was_expected(text, line, says):
    found = mistakes(text)
    assert any(says in words for _, words in found), found
    if line:
        assert line in [where for where, _ in found], found


def test_all_mistakes_of_a_file_are_told_at_once_in_order():
    found = mistakes('pull = "often"\ncolour = 1\n[fields]\na = "string"\nsecure_key = "text"\n')
    assert [line for line, _ in found] == [1, 2, 4, 5]


def test_a_mistake_reads_like_a_compilers():
    with pytest.raises(
        MappingFileError, match=r"^etc/orders\.toml:1: pull is 'often'; expected delta, id or snapshot$"
    ):
        parse('pull = "often"\n[fields]\na = "text"\n', "etc/orders.toml")


def test_a_file_must_be_called_like_a_resource():
    assert "expected the resource's name" in mistakes('pull = "id"\n[fields]\na = "text"\n', "My Orders.toml")[0][1]


def one(name: str, more: str = "") -> Resource:
    return parse('pull = "id"\n[fields]\na = "text"\n' + more, f"{name}.toml")


def test_mappings_that_fit_together_have_no_mistakes():
    assert check([one("orders"), one("carriers", '[sweeps]\na = "orders"\n')]) == []


def test_tables_taken_twice_and_sweeps_that_lead_nowhere_are_found():
    assert "mapped twice" in str(check([one("orders"), one("orders")])[0])
    assert "is also made by orders.toml" in str(
        check([one("orders"), one("x", '[children.orders.fields]\nb = "int"\n')])[0]
    )
    lang = one("orders", '[lang]\nname = "text"\n')
    assert "orders_lang is also made by" in str(check([lang, one("orders_lang")])[0])
    assert "which is not mapped" in str(check([one("x", '[sweeps]\na = "contacts"\n')])[0])
    child = one("x", '[children.y.fields]\nid_order = "ref to orders"\n')
    assert "id_order points to orders, which is not mapped" in str(check([child])[0])
    assert check([child, one("orders")]) == []
    through = one("x", '[sweeps]\na = { days = 1, through = { a = "orders" } }\n')
    assert "goes through orders" in str(check([through])[0])

"""Mapping files: what they may say, and what they answer to mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.mapping import (
    Child,
    Field,
    MappingFileError,
    Mappings,
    MappingText,
    Resource,
    Sweep,
    check,
    combine,
    fields_of,
    parse,
    unserved,
)
from connector.core.schema import Association, Schema, SchemaField

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


def test_a_sweep_may_ask_for_every_row_or_for_those_with_a_text():
    text = 'pull = "id"\n[fields]\na = "ref"\nb = "text"\nc = "text"\n[sweeps]\n'
    text += "a = { every = true }\nb = { filled = true }\nc = { days = 9, filled = true }\n"
    assert parse(text, "x.toml").sweeps == (
        Sweep("a", every=True),
        Sweep("b", filled=True),
        Sweep("c", days=9, filled=True),
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
        ('pull = "id"\n' + FIELDS + "[sweeps]\na = { every = false }\n", 5, "expected a list of values"),
        ('pull = "id"\n' + FIELDS + '[sweeps]\na = { days = 3, filled = "no" }\n', 5, "expected a list of values"),
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


# --- the user's files over the shipped ones -------------------------------------------------------------------------

SHIPPED = """\
pull = "delta"
per_shop = true

[only]
state = ["1"]

[fields]
id_order = "ref to orders"
note = "text personal"
amount = "decimal"
date_upd = "datetime"

[lang]
name = "text"

[children.rows]
table = "slip_rows"
[children.rows.fields]
id_row = "ref from id"

[sweeps]
note = ["a"]
"""


def laid(own: str, shipped: str = SHIPPED, name: str = "order_slip") -> Mappings:
    orders = MappingText("shipped/orders.toml", 'pull = "id"\n[fields]\na = "text"\n')
    return combine([MappingText(f"shipped/{name}.toml", shipped), orders], [MappingText(f"own/{name}.toml", own)])


def only_mistake(own: str, shipped: str = SHIPPED, name: str = "order_slip") -> str:
    (mistake,) = laid(own, shipped, name).mistakes
    return str(mistake)


def test_a_line_of_the_users_joins_the_shipped_ones_and_a_value_replaces():
    own = """\
pull = "snapshot"
[fields]
colour = "text"
[children.rows.fields]
weight = "decimal"
[children.more.fields]
x = "int"
[sweeps]
note = ["b"]
[only]
state = ["2"]
"""
    found = laid(own)
    assert found.mistakes == ()
    slip = found.of("order_slip")
    assert slip is not None
    resource = slip.resource
    assert [item.name for item in resource.fields] == ["id_order", "note", "amount", "date_upd", "colour"]
    assert (resource.pull, resource.per_shop) == ("snapshot", True)
    assert [(child.table, len(child.fields)) for child in resource.children] == [("slip_rows", 2), ("more", 1)]
    assert resource.sweeps == (Sweep("note", ("b",)),)
    assert resource.only == ("state", ("1", "2"))  # added: what the program reads must not get lost
    assert (slip.shipped, slip.own, resource.source) == (
        "shipped/order_slip.toml",
        "own/order_slip.toml",
        "own/order_slip.toml",
    )


def test_every_key_knows_its_file_and_line():
    slip = laid('[fields]\ncolour = "text"\nnote = "text"\n').of("order_slip")
    assert slip is not None
    assert slip.place(("fields", "colour")) == ("own/order_slip.toml", 2)
    assert slip.place(("fields", "note")) == ("own/order_slip.toml", 3)
    assert slip.place(("fields", "amount")) == ("shipped/order_slip.toml", 10)
    assert slip.place(("children", "rows", "fields", "id_row")) == ("shipped/order_slip.toml", 19)
    assert slip.place(("pull",)) == ("shipped/order_slip.toml", 1)


def test_a_table_and_a_column_are_found_again_by_their_names():
    found = laid('[fields]\nday = "datetime"\n')
    assert found.place_of("order_slip", "day_local") == ("own/order_slip.toml", 2)
    assert found.place_of("order_slip_lang", "name") == ("shipped/order_slip.toml", 14)
    assert found.place_of("slip_rows", "id_row") == ("shipped/order_slip.toml", 19)
    assert found.place_of("slip_rows") == ("shipped/order_slip.toml", 17)
    assert found.place_of("nothing") == ("", 0)


def test_a_line_is_left_out_by_false_and_its_sweep_with_it():
    found = laid("[fields]\nnote = false\n[lang]\nname = false\n[children]\nrows = false\n[only]\nstate = false\n")
    assert found.mistakes == ()
    (slip,) = (one.resource for one in found.mapped if one.resource.name == "order_slip")
    assert "note" not in [item.name for item in slip.fields]
    assert (slip.lang, slip.children, slip.sweeps, slip.only) == ((), (), (), None)


def test_a_resource_is_left_out_by_one_word_and_ids_of_it_point_nowhere():
    slip = 'pull = "id"\n[fields]\nid_thing = "ref to things"\n'
    things = 'pull = "id"\n[fields]\na = "text"\n'
    shipped = [MappingText("order_slip.toml", slip), MappingText("things.toml", things)]
    found = combine(shipped, [MappingText("own/things.toml", "enabled = false\n")])
    assert (found.left_out, found.mistakes) == ({"things": "own/things.toml"}, ())
    assert [one.resource.fields for one in found.mapped] == [(Field("id_thing", "ref"),)]


def test_what_is_personal_stays_so_when_the_users_line_forgets_the_word():
    slip = laid('[fields]\nnote = "text"\namount = "decimal personal"\n').of("order_slip")
    assert slip is not None
    assert [item.name for item in slip.resource.fields if item.personal] == ["note", "amount"]


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ('[fields]\namount = "text"\n', 'own/order_slip.toml:2: amount is a decimal in the shipped mapping and stays '
         'one; for the value as text add a column: amount_text = "text from amount"'),
        ('[fields]\namount = "decimal from note"\n', 'own/order_slip.toml:2: amount is "decimal" in the shipped'),
        ('[children.rows.fields]\nid_row = "int from id"\n', "own/order_slip.toml:2: id_row is a ref"),
        ("[fields]\ndate_upd = false\n", 'own/order_slip.toml:2: pull = "delta" needs the field date_upd'),
        ("[fields]\nnothing = false\n", "own/order_slip.toml:2: there is no nothing to leave out; remove the line"),
        ("per_shop = 3\n", "own/order_slip.toml:1: per_shop is 3; expected true or false"),
        ("fields = 3\n", "own/order_slip.toml:1: fields is 3; expected a table"),
        ('[sweeps]\nnone = ["1"]\n', "own/order_slip.toml:2: the sweep of none has no field none"),
        ('display = true\n', "own/order_slip.toml:1: display = true asks for fields by name"),
        ('[fields]\nid_cart = "ref to carts"\n', "own/order_slip.toml:2: id_cart points to carts, which is not mapped"),
        ('table = "orders"\n', "own/order_slip.toml:1: the table orders is also made by shipped/orders.toml"),
        ("colour\n", "own/order_slip.toml:1: Expected '='"),
        ('[fields]\nsome = "text from secure_key"\n', "own/order_slip.toml:2: secure_key is a secret of the shop"),
        ('enabled = "no"\n', "own/order_slip.toml:1: enabled is 'no'; expected true or false"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_its_key_stands(own, says):
    assert any(str(mistake).startswith(says) for mistake in laid(own).mistakes)


def test_all_mistakes_of_a_laid_over_file_are_told_at_once():
    found = laid('[fields]\namount = "text"\npasswd = "text"\nnone = false\ncolour = "red"\n').mistakes
    assert [mistake.line for mistake in found] == [2, 3, 4, 5]


def test_of_two_that_want_one_table_the_users_is_the_one_to_change():
    shipped = MappingText("shipped/orders.toml", 'pull = "id"\n[fields]\na = "text"\n')
    own = MappingText("own/a.toml", 'pull = "id"\ntable = "orders"\n[fields]\na = "text"\n')
    (mistake,) = combine([shipped], [own]).mistakes
    assert (mistake.file, mistake.line) == ("own/a.toml", 2)


def test_settings_are_mirrored_by_name_whatever_the_user_writes():
    shipped = (
        'pull = "snapshot"\n[only]\nname = ["PS_TIMEZONE"]\n'
        + "[fields]\n"
        + "\n".join(f'{name} = "text"' for name in ("name", "value", "id_shop", "id_shop_group"))
    )
    for own, line in (("[only]\nname = false\n", ""), ('[only]\nid_shop = ["1"]\nname = false\n', "own")):
        told = only_mistake(own, shipped, "configurations")
        assert "settings are mirrored by name, passwords lie among them" in told
        assert told.startswith(line)
    assert "sounds like a password" in only_mistake('[only]\nname = ["PS_MAIL_PASSWD"]\n', shipped, "configurations")
    found = laid('[only]\nname = ["PS_SHOP_PHONE"]\n', shipped, "configurations").of("configurations")
    assert found is not None
    assert found.resource.only == ("name", ("PS_TIMEZONE", "PS_SHOP_PHONE"))


_words = st.sampled_from(
    ['"text"', '"text personal"', '"int"', '"ref to orders"', '"datetime"', '"text from b"', "false"]
)
_lines = st.dictionaries(st.sampled_from(["a", "b", "c", "date_upd", "passwd", "shop", "email"]), _words, max_size=4)


@st.composite
def _files(draw):
    out = [f'pull = "{draw(st.sampled_from(["delta", "id", "snapshot"]))}"'] if draw(st.booleans()) else []
    for heading in draw(st.sets(st.sampled_from(["fields", "lang", "children.rows.fields", "sweeps", "only"]))):
        out.append(f"[{heading}]")
        plain = heading in ("sweeps", "only")
        listed = '["1"]' if plain else ""
        out += [f"{name} = {words if words == 'false' else listed or words}" for name, words in draw(_lines).items()]
    return "\n".join(out) + "\n"


@given(_files(), _files())
def test_any_file_over_any_other_gives_a_resource_or_mistakes_at_lines_of_these_files(shipped, own):
    found = combine([MappingText("shipped/orders.toml", shipped)], [MappingText("own/orders.toml", own)])
    texts = {"shipped/orders.toml": shipped.splitlines(), "own/orders.toml": own.splitlines()}
    for mistake in found.mistakes:
        assert mistake.line <= len(texts[mistake.file])
    if not found.mistakes:
        (one,) = found.mapped
        assert check([one.resource]) == []
        before = {path: (item.type, item.key) for path, item in fields_of(parse(shipped, "orders.toml"))}
        for path, item in fields_of(one.resource):
            file, line = one.place(path)
            assert texts[file][line - 1].startswith(f"{item.name} = ")
            assert before.get(path, (item.type, item.key)) == (item.type, item.key)
            assert not {item.name, item.key} & {"passwd"}


# --- held against a shop --------------------------------------------------------------------------------------------


def test_fields_that_a_shop_does_not_have_are_named_with_what_may_have_been_meant():
    resource = parse(
        'pull = "id"\n[fields]\nrefernce = "text"\ntotal = "text from totl"\nnote = "text"\n[lang]\nnam = "text"\n'
        '[children.rows.fields]\nid_row = "ref from id"\nx = "int"\n[children.none.fields]\ny = "int"\n'
        '[children.silent.fields]\nz = "int"\n',
        "orders.toml",
    )
    names = ("reference", "total", "other")
    schema = Schema(
        tuple(map(SchemaField, names)),
        (Association("rows", "", (SchemaField("id"),)), Association("silent")),
    )
    assert [(one.path, one.name, one.close) for one in unserved(resource, schema)] == [
        (("fields", "refernce"), "refernce", "reference"),
        (("fields", "total"), "totl", "total"),
        (("fields", "note"), "note", ""),
        (("lang", "nam"), "nam", ""),
        (("children", "rows", "fields", "x"), "x", ""),
        (("children", "none"), "none", ""),
    ]


def test_what_a_view_shows_cannot_be_left_out():
    shipped = MappingText("shipped/orders.toml", 'pull = "id"\n[fields]\nvalid = "bool"\nnote = "text"\n')
    found = combine([shipped], [MappingText("own/orders.toml", "[fields]\nnote = false\nvalid = false\n")])
    assert [str(one) for one in found.mistakes] == [
        "own/orders.toml:3: the view v_customer_stats shows orders.valid; remove the line"
    ]

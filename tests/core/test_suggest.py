"""What is made of the shop's words about its fields."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import packagedata
from connector.core.mapping import SECRETS, Field, MappingText, combine, parse, unserved
from connector.core.schema import Association, Schema, SchemaField
from connector.core.suggest import Known, sounds_personal, sounds_secret, suggest, target_of, to_look_at, type_of
from connector.core.values import value_of
from connector.shop import schema as synopsis
from tests.shop.recorded import VERSIONS, exchanges

SHIPPED = [MappingText(path, packagedata.text(path)) for path in packagedata.names(packagedata.RESOURCES, ".toml")]
RESOURCES = packagedata.resources()
RECORDED = [
    (version, exchange.resource)
    for version in VERSIONS
    for exchange in exchanges(version).values()
    if ("schema", "synopsis") in exchange.query and exchange.status == 200
]


def recorded_schema(version, resource):
    return next(
        synopsis.read(exchange.body)
        for exchange in exchanges(version).values()
        if exchange.resource == resource and ("schema", "synopsis") in exchange.query
    )


def mistakes(resource, text, *, instead=False):
    """What `check` says of a suggested file beside the shipped ones."""
    shipped = [one for one in SHIPPED if not (instead and one.resource == resource)]
    return combine(shipped, [MappingText(f"own/{resource}.toml", text)]).mistakes


# --- types ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "format", "kind"),
    [
        ("id_customer", "isUnsignedId", "ref"),
        ("id_customer", "", "ref"),
        ("product_id", "", "ref"),
        ("id_lang", "isUnsignedInt", "ref"),
        ("round_mode", "isUnsignedId", "int"),
        ("quantity", "isInt", "int"),
        ("minimal_quantity", "", "int"),
        ("active", "isBool", "bool"),
        ("price", "isNegativePrice", "decimal"),
        ("weight", "isUnsignedFloat", "decimal"),
        ("date_add", "isDate", "datetime"),
        ("delivery_date", "", "datetime"),
        ("birthday", "isBirthDate", "date"),
        ("name", "isGenericName", "text"),
        ("valid", "", "text"),
    ],
)
def test_a_type_comes_from_the_validator_or_else_from_the_name(name, format, kind):  # noqa: A002 - the shop's word
    assert type_of(SchemaField(name, format)) == kind


@pytest.mark.parametrize(
    ("name", "format", "values", "kind"),
    [
        ("max_width", "isUnsignedInt", ["10.000000"], "decimal"),
        ("state", "isBool", ["1", "2"], "int"),
        ("id_x", "isUnsignedId", ["many"], "text"),
        ("day", "isDate", ["2026-01-02", ""], "date"),
        ("day", "isDate", ["2026-01-02", "2026-01-02 10:00:00"], "datetime"),
        ("when", "", ["2026-01-02 10:00:00"], "datetime"),
        ("amount", "", ["10.500000", "0"], "decimal"),
        ("number", "", ["123"], "text"),  # may be 0012 in the next row
    ],
)
def test_a_type_gives_way_to_what_the_rows_hold(name, format, values, kind):  # noqa: A002
    assert type_of(SchemaField(name, format), values) == kind


@given(
    st.sampled_from(["isUnsignedId", "isBool", "isInt", "isPrice", "isDate", "isBirthDate", ""]),
    st.sampled_from(["id_x", "date_x", "x", "quantity", "active"]),
    st.lists(st.one_of(st.text(max_size=12), st.integers().map(str), st.decimals().map(str), st.dates().map(str))),
)
def test_whatever_the_rows_hold_the_type_fits_them(format, name, values):  # noqa: A002
    kind = type_of(SchemaField(name, format), values)
    for value in values:
        value_of(Field("x", kind), value)


# --- marks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["email", "phone_mobile", "ip_address", "gift_message", "note", "customer_name", "address1", "firstname"]
)
def test_what_sounds_personal_is_marked(name):
    assert sounds_personal(name, "text")


@pytest.mark.parametrize(("name", "kind"), [("name", "text"), ("id_address_delivery", "ref"), ("reference", "text")])
def test_what_tells_of_nobody_is_not_marked(name, kind):
    assert not sounds_personal(name, kind)


def test_the_marks_agree_with_the_shipped_ones():
    """The shipped texts that are personal all sound so; what is more is on the safe side."""
    texts = {(one.name, item.name): item for one in RESOURCES for item in one.fields if item.type == "text"}
    quiet = {name for (_, name), item in texts.items() if item.personal and not sounds_personal(name, "text")}
    assert quiet == set()
    loud = {key for key, item in texts.items() if not item.personal and sounds_personal(key[1], "text")}
    assert loud == {("contacts", "email")}


@pytest.mark.parametrize("name", [*sorted(SECRETS), "api_key", "smtp_password"])
def test_what_sounds_secret_is_left_out_with_a_word(name):
    text = suggest("things", Schema((SchemaField(name), SchemaField("a"))), Known([]))
    assert f"# {name}: sounds like a secret" in text
    assert [item.name for item in parse(text, "things.toml").fields] == ["a"]
    assert "display = true" in text  # and never asked for
    assert sounds_secret(name)


def test_an_id_points_to_a_resource_that_is_mapped():
    names = {"customers", "countries", "addresses", "languages", "products", "taxes"}
    pairs = {"id_customer": "customers", "id_country": "countries", "id_address_invoice": "addresses"}
    pairs |= {"id_lang": "languages", "product_id": "products", "id_shop_group": "", "quantity": ""}
    pairs |= {"id_product_attribute": ""}
    for name, target in pairs.items():
        assert target_of(SchemaField(name), names) == target
    assert target_of(SchemaField("id_thing", link="products"), names) == "products"


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "resource"), RECORDED)
def test_what_is_suggested_for_a_recorded_schema_passes_the_check(version, resource):
    known = Known(RESOURCES, prestashop=version)
    schema = recorded_schema(version, resource)
    missing = suggest(resource, schema, known)
    if missing:
        assert mistakes(resource, missing) == ()
    others = [one for one in RESOURCES if one.name != resource]
    whole = suggest(resource, schema, Known(others, prestashop=version))
    assert mistakes(resource, whole, instead=True) == ()
    assert unserved(parse(whole, f"{resource}.toml"), schema) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_of_a_mapped_resource_only_what_is_missing_is_suggested(version):
    (orders,) = (one for one in RESOURCES if one.name == "orders")
    schema = recorded_schema(version, "orders")
    # Left out on purpose, see the mapping; of all that is shipped nothing is suggested again.
    whole = suggest("orders", schema, Known(RESOURCES))
    assert [line.split()[0] for line in whole.splitlines() if " = " in line and line[0] != "#"] == ["shipping_number"]
    assert suggest("customers", recorded_schema(version, "customers"), Known(RESOURCES)) == ""
    fewer = parse(
        'pull = "id"\n[fields]\nid_customer = "ref"\n[children.order_rows.fields]\nx = "ref from id"\n', "orders.toml"
    )
    text = suggest("orders", schema, Known([fewer]))
    assert "pull" not in text
    assert "id_customer" not in text
    assert {item.name for item in orders.fields if item.name not in ("id_customer", "note")} <= set(text.split())
    assert "product_name" in text.split()


def test_a_resource_is_followed_in_the_way_that_it_allows():
    def pull(*fields, small=False):
        text = suggest("things", Schema(fields), Known([], small=small))
        return parse(text, "things.toml").pull

    date, getter = SchemaField("date_upd", "isDate"), SchemaField("date_upd", "isDate", filterable=False)
    assert pull(date, small=True) == "delta"
    assert pull(getter, SchemaField("a")) == "id"
    assert pull(SchemaField("a")) == "id"
    assert pull(SchemaField("a"), small=True) == "snapshot"


def test_an_association_gets_a_table_of_its_own():
    rows = Association("cart_rows", "", (SchemaField("id_product"), SchemaField("position"), SchemaField("id")))
    linked = Association("images", "images", (SchemaField("id"),))
    empty = Association("nothing", "nothing")
    schema = Schema((SchemaField("a"),), (rows, linked, empty))
    text = suggest("things", schema, Known(RESOURCES, served={"images"}))
    assert mistakes("things", text) == ()
    first, second = parse(text, "things.toml").children
    assert (first.table, second.table) == ("cart_rows", "things_images")
    assert first.fields == (
        Field("id_product", "ref", target="products"),
        Field("row_position", "int", origin="position"),
        Field("id_row", "ref", origin="id"),
    )
    assert second.fields == (Field("id_image", "ref", origin="id"),)
    assert "# nothing: the shop names no fields of it" in text


def test_an_association_that_another_mapping_tells_already_is_left_out():
    text = suggest(
        "customer_threads",
        recorded_schema("8.2.1", "customer_threads"),
        Known([one for one in RESOURCES if one.name != "customer_threads"]),
    )
    assert "# customer_messages: customer_messages.id_customer_thread tells it already" in text


def test_a_table_name_that_is_taken_is_not_taken_again():
    schema = Schema((SchemaField("a"), SchemaField("digest"), SchemaField("Big")))
    text = suggest("order_rows", schema, Known(RESOURCES))
    assert mistakes("order_rows", text) == ()
    resource = parse(text, "order_rows.toml")
    assert (resource.table, [item.name for item in resource.fields]) == ("order_rows_all", ["a", "row_digest"])


def test_settings_are_suggested_by_name_only():
    text = suggest("translated_configurations", Schema((SchemaField("name"), SchemaField("value"))), Known(RESOURCES))
    assert mistakes("translated_configurations", text) == ()
    assert parse(text, "translated_configurations.toml").only == ("name", ("PS_SHOP_NAME",))


_names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    ["id", "shop", "digest", "position", "parent_id", "id_lang", "email", "email_key", "passwd", "date_upd", "d_local"]
)
_fields = st.lists(
    st.builds(
        SchemaField,
        _names,
        st.sampled_from(["", "isUnsignedId", "isBool", "isDate", "isPrice"]),
        i18n=st.booleans(),
        filterable=st.booleans(),
        link=st.sampled_from(["", "products", "x"]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda item: item.name,
)


_associations = st.lists(
    st.builds(Association, _names, st.sampled_from(["", "orders"]), _fields.map(tuple)),
    max_size=2,
    unique_by=lambda one: one.name,
)


@settings(deadline=None)  # the whole set of mappings is read each time
@given(_fields, _associations)
def test_any_schema_gives_a_file_whose_mistakes_are_in_names_alone(fields, associations):
    text = suggest("things", Schema(tuple(fields), tuple(associations)), Known(RESOURCES))
    for mistake in mistakes("things", text):
        assert "makes a column that another field makes too" in mistake.text or "is also made by" in mistake.text


def test_to_look_at_rows_nothing_of_them_is_typed_yet():
    schema = Schema((SchemaField("a"), SchemaField("b", i18n=True)), (Association("c"),))
    resource = to_look_at("things", schema)
    assert ([f.name for f in resource.lang], [c.association for c in resource.children]) == (["b"], ["c"])

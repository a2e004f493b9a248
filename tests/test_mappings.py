"""The mappings that come with the program, held against what genuine shops serve."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connector import packagedata
from connector.core.convert import Converter
from connector.core.mapping import NEEDED, SECRETS, MappingText
from connector.errors import MappingError
from connector.mirror import lookups
from connector.shop.codec import Shape, list_from_json, list_from_xml
from tests.shop.recorded import VERSIONS, exchanges, recorded

RESOURCES = {resource.name: resource for resource in packagedata.resources()}
RECORDED_SCHEMAS = sorted(
    {
        exchange.resource
        for exchange in exchanges("9.0.0").values()
        if ("schema", "blank") in exchange.query and exchange.resource in RESOURCES
    }
)
PARIS = ZoneInfo("Europe/Paris")


def tags(body: bytes) -> set[str]:
    return set(re.findall(r"<([a-z0-9_]+)", body.decode()))


def schema(version: str, resource: str) -> set[str] | None:
    """Every name in a resource's blank schema, None when this version does not have the resource."""
    for exchange in exchanges(version).values():
        if exchange.resource == resource and ("schema", "blank") in exchange.query:
            return tags(exchange.body) if exchange.status == 200 else None
    raise AssertionError(f"no schema of {resource} is recorded for {version}")


def test_all_resources_that_the_program_works_with_are_mapped():
    assert set(RESOURCES) == {
        *("customers", "addresses", "groups", "orders", "order_histories", "order_payments", "order_carriers"),
        *("order_slip", "order_invoices", "order_states", "carriers", "customer_threads", "customer_messages"),
        *("messages", "contacts", "employees", "languages", "currencies", "countries", "states", "shops"),
        *("shop_urls", "suppliers", "products", "order_returns", "configurations"),
    }


@pytest.mark.parametrize("name", RECORDED_SCHEMAS)
def test_every_mapped_field_is_served_by_some_version(name):
    resource = RESOURCES[name]
    served = set().union(*(schema(version, name) or set() for version in VERSIONS))
    mapped = {item.key for item in (*resource.fields, *resource.lang)}
    mapped |= {item.key for child in resource.children for item in child.fields}
    mapped |= {child.association for child in resource.children}
    assert mapped <= served


@pytest.mark.parametrize("name", [name for name in RECORDED_SCHEMAS if RESOURCES[name].display])
def test_fields_that_are_asked_for_by_name_exist_in_every_version(name):
    for version in VERSIONS:
        served = schema(version, name)
        if served is not None:
            assert set(RESOURCES[name].asked) <= served, version


def test_only_what_is_new_in_a_version_is_kept_from_older_ones():
    assert {name: resource.since for name, resource in RESOURCES.items() if resource.since != (1, 6)} == {
        "messages": (1, 7),
        "order_returns": (9, 0),
    }
    assert schema("1.6.1.24", "messages") is None
    assert schema("1.7.8.11", "messages") is not None


def test_no_secret_is_mapped_anywhere():
    for resource in RESOURCES.values():
        assert not SECRETS & {item.name for item in resource.fields}
    assert RESOURCES["employees"].asked == (
        "id",
        "id_lang",
        "lastname",
        "firstname",
        "email",
        "active",
        "id_profile",
    )
    assert RESOURCES["configurations"].only is not None


def test_personal_data_is_marked():
    marked = {f"{r.name}.{item.name}" for r in RESOURCES.values() for item in r.fields if item.personal}
    for field in (
        *("customers.email", "customers.lastname", "customers.birthday", "customers.note", "addresses.phone"),
        *("addresses.address1", "addresses.vat_number", "customer_threads.email", "customer_threads.token"),
        *("customer_messages.message", "customer_messages.ip_address", "messages.message", "orders.note"),
        *("orders.gift_message", "order_payments.transaction_id", "employees.email", "order_returns.question"),
    ):
        assert field in marked


def test_a_delta_is_only_followed_where_the_table_has_the_date():
    without = {"order_histories", "order_payments", "order_carriers", "order_invoices", "messages"}
    for resource in RESOURCES.values():
        if resource.pull == "delta":
            assert resource.name not in without  # date=1 on them is an SQL error (500/97)
            assert resource.has_date_upd


def test_every_id_of_a_mirrored_resource_tells_whose_it_is():
    """id_reference is a row of carriers too, but of a version that an edit deleted; the rest is not mirrored."""
    refs = {
        (resource.name, item.name): item.target
        for resource in RESOURCES.values()
        for item in (*resource.fields, *(item for child in resource.children for item in child.fields))
        if item.type == "ref"
    }
    assert refs["orders", "id_address_invoice"] == "addresses"
    assert refs["orders", "current_state"] == "order_states"
    assert refs["customer_messages", "id_customer_thread"] == "customer_threads"
    assert {name for (_, name), target in refs.items() if not target} == {
        *("id_manufacturer", "id_warehouse", "id_tax_rules_group", "id_reference", "id_shop_group", "id_zone"),
        *("id_gender", "id_risk", "id_cart", "state", "id_row", "id_order_detail", "product_attribute_id"),
        *("id_customization", "id_category", "id_profile"),
    }


LISTS = {
    "customers": ("json-list-customers-full", "customers-full2"),
    "customer_threads": ("json-list-threads-full", "threads-full2"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", LISTS)
def test_the_json_and_xml_of_a_row_have_one_digest(version, name):
    resource = RESOURCES[name]
    converter = Converter(resource, PARIS, [1, 2])
    shape = Shape.of(resource, with_children=True)
    from_json, from_xml = (recorded(version, exchange).body for exchange in LISTS[name])
    json_rows = {row.id: row for row in map(converter.row, list_from_json(from_json, shape))}
    xml_rows = {row.id: row for row in map(converter.row, list_from_xml(from_xml, shape))}
    shared = json_rows.keys() & xml_rows.keys()
    assert shared
    for row_id in shared:
        assert json_rows[row_id] == xml_rows[row_id]


FULL_LISTS = {
    "order_payments": "order-payments",
    "order_carriers": "order-carriers",
    "order_histories": "order-history",
    "order_states": "states-full2",
    "languages": "languages",
    "employees": "employees-full",
    "groups": "groups-full",
    "carriers": "carriers-full2",
    "addresses": "addresses-full2",
    "contacts": "contacts",
    "orders": "date-orders-full",
    "customer_messages": "messages-delta",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FULL_LISTS)
def test_every_recorded_row_fits_its_mapping(version, name):
    resource = RESOURCES[name]
    converter = Converter(resource, PARIS, [1, 2])
    records = list_from_xml(recorded(version, FULL_LISTS[name]).body, Shape.of(resource, with_children=True))
    assert records
    for record in records:
        row = converter.row(record)
        assert len(row.langs) == (0 if not resource.lang else 1 if name == "contacts" else 2)


def test_the_programs_files_are_found_by_their_place():
    assert "mappings/README.md" in packagedata.names("mappings", ".md")
    assert packagedata.text("mappings/resources/orders.toml").startswith("#")
    assert [path for path in packagedata.names("mappings/resources") if not path.endswith(".toml")] == []
    with pytest.raises(FileNotFoundError, match=r"mappings/none\.toml"):
        packagedata.text("mappings/none.toml")


def test_a_file_of_the_users_is_laid_over_ours_or_adds_a_resource(tmp_path: Path):
    (tmp_path / "shops.toml").write_text('[fields]\ncolour = "text"\n')
    (tmp_path / "zones.toml").write_text('pull = "snapshot"\n[fields]\nname = "text"\n')
    (tmp_path / "notes.txt").write_text("not looked at")
    found = {resource.name: resource for resource in packagedata.resources(tmp_path)}
    assert [item.name for item in found["shops"].fields] == [item.name for item in RESOURCES["shops"].fields] + [
        "colour"
    ]
    assert set(found) == {*RESOURCES, "zones"}
    assert found["zones"].source == str(tmp_path / "zones.toml")


def test_mistakes_in_the_users_mappings_name_file_and_line(tmp_path: Path):
    (tmp_path / "shops.toml").write_text('pull = "snapshot"\n[fields]\nname = "string"\ncolour = "blue"\n')
    with pytest.raises(MappingError) as caught:
        packagedata.resources(tmp_path)
    facts = caught.value.facts
    assert (facts["file"], facts["line"], facts["count"]) == (str(tmp_path / "shops.toml"), 3, 2)
    assert str(facts["told"]).count("\n") == 1
    assert [problem["line"] for problem in caught.value.problems] == [3, 4]
    (tmp_path / "shops.toml").unlink()
    (tmp_path / "a.toml").write_text('pull = "snapshot"\ntable = "orders"\n[fields]\nname = "text"\n')
    with pytest.raises(MappingError, match="is also made by") as caught:
        packagedata.resources(tmp_path)
    assert (caught.value.facts["file"], caught.value.facts["line"]) == (str(tmp_path / "a.toml"), 2)
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(MappingError) as caught:
        packagedata.resources(tmp_path)
    assert caught.value.code == "mapping.unreadable"
    with pytest.raises(MappingError) as caught:
        packagedata.resources(tmp_path / "none")
    assert caught.value.code == "mapping.unreadable"


def test_what_the_program_reads_is_shipped_and_cannot_be_left_out(tmp_path: Path):
    for name, fields in NEEDED.items():
        assert fields <= {item.name for item in RESOURCES[name].fields}, name
        one = sorted(fields)[0]
        (tmp_path / f"{name}.toml").write_text(f"[fields]\n{one} = false\n")
        with pytest.raises(MappingError, match=f"the program itself reads {name}.{one}"):
            packagedata.resources(tmp_path)
        (tmp_path / f"{name}.toml").write_text("enabled = false\n")
        with pytest.raises(MappingError, match=f"the program itself reads {name}"):
            packagedata.resources(tmp_path)
        (tmp_path / f"{name}.toml").unlink()


def test_every_field_that_decisions_read_is_a_needed_one():
    asked = re.findall(r'row\.get\("(\w+)"\)', inspect.getsource(lookups))
    assert len(asked) > 15
    assert set(asked) - {"name"} <= set().union(*NEEDED.values())


def test_all_that_is_not_needed_can_be_left_out(tmp_path: Path):
    for name in RESOURCES.keys() - NEEDED.keys():
        (tmp_path / f"{name}.toml").write_text("enabled = false\n")
    found = packagedata.resources(tmp_path)
    assert {resource.name for resource in found} == set(NEEDED)
    assert {item.target for resource in found for item in resource.fields} <= {"", *NEEDED}


def test_the_mappings_readme_shows_every_key_and_type():
    readme = packagedata.text("mappings/README.md")
    for word in (
        "pull",
        "table",
        "since",
        "per_shop",
        "display",
        "only",
        "[fields]",
        "[lang]",
        "[children.",
        "[sweeps]",
    ):
        assert word in readme
    for kind in ("int", "ref", "bool", "decimal", "date", "datetime", "text"):
        assert f"| `{kind}` |" in readme


def test_the_readmes_own_mappings_are_right():
    blocks = re.findall(r"```toml\n(.*?)```", packagedata.text("mappings/README.md"), re.DOTALL)
    own = [MappingText("own/orders.toml", blocks[0]), MappingText("own/product_suppliers.toml", blocks[1])]
    found = packagedata.mappings(None, own)
    assert found.mistakes == ()
    orders, suppliers = found.of("orders"), found.of("product_suppliers")
    assert orders is not None
    assert orders.resource.field("my_module_code") is not None
    assert suppliers is not None
    assert suppliers.shipped == ""

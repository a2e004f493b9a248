"""What shops of every version say of their fields, as recorded."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from connector.core.schema import Association, SchemaField
from connector.errors import ShopUnreadable
from connector.sandbox.shop import Misbehave, SandboxShop
from connector.shop import schema
from connector.shop.client import ShopClient
from connector.shop.codec import UndecodableError
from tests.shop.recorded import VERSIONS, exchanges

SYNOPSES = [
    (version, exchange.resource, exchange)
    for version in VERSIONS
    for exchange in exchanges(version).values()
    if ("schema", "synopsis") in exchange.query and exchange.status == 200
]


def of(version, resource):
    return next(schema.read(e.body) for v, name, e in SYNOPSES if (v, name) == (version, resource))


def test_every_recorded_synopsis_is_read():
    assert len(SYNOPSES) >= 59
    for version, resource, exchange in SYNOPSES:
        found = schema.read(exchange.body)
        assert found.fields, (version, resource)
        assert found.field("id") is None
        assert exchange.body.count(b"<language id=") == 2 * sum(item.i18n for item in found.fields)


@pytest.mark.parametrize("version", VERSIONS)
def test_formats_sizes_and_getters_are_told(version):
    orders, carriers = of(version, "orders"), of(version, "carriers")
    assert orders.field("id_customer") == SchemaField("id_customer", "isUnsignedId")
    assert orders.field("invoice_date") == SchemaField("invoice_date")
    assert orders.field("shipping_number").filterable is False
    assert carriers.field("delay") == SchemaField("delay", "isGenericName", carriers.field("delay").max_size, i18n=True)
    assert carriers.field("name").max_size == 64


def test_associations_tell_whose_ids_they_list_and_their_fields():
    assert of("8.2.1", "customers").associations == (Association("groups", "groups", (SchemaField("id"),)),)
    (rows,) = of("9.0.0", "orders").associations
    assert (rows.name, rows.resource) == ("order_rows", "")
    assert rows.fields[:3] == (
        SchemaField("id"),
        SchemaField("product_id", link="products"),
        SchemaField("product_attribute_id"),
    )


def test_numbered_elements_of_old_8_versions_are_left_out():
    """PrestaShop 8.0.0 to 8.1.1 on PHP 8 (#32476)."""
    body = b"""<prestashop><customer><email format="isEmail"/><associations><groups nodeType="group" api="groups">
    <0><![CDATA[]]></0></groups></associations></customer></prestashop>"""
    assert schema.read(body).associations == (Association("groups", "groups"),)


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"<prestashop/>", b"<prestashop><a/></prestashop>", b"[]"])
def test_what_is_no_synopsis_is_refused(body):
    with pytest.raises(UndecodableError):
        schema.read(body)


@contextmanager
def client_of(shop):
    with shop.serve() as server:
        client = ShopClient(server.url, shop.full_key, read_attempts=1)
        yield client
        client.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sandbox_says_of_its_fields_what_genuine_shops_say(version):
    with client_of(SandboxShop(version, orders=3)) as client:
        for recorded_version, resource, exchange in SYNOPSES:
            if recorded_version == version:
                assert client.schema(resource) == schema.read(exchange.body), resource


def test_an_answer_that_is_no_schema_is_unreadable():
    shop = SandboxShop("8.2.1", orders=3)
    with client_of(shop) as client:
        shop.misbehave(Misbehave("truncated", resource="orders"))
        with pytest.raises(ShopUnreadable):
            client.schema("orders")

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from connector.core.mapping import Child, Field, Resource
from connector.errors import ConnectorError, MappingError
from connector.mirror import migrations
from connector.mirror.db import open_mirror
from tests.mirror.world import CUSTOMERS, ORDERS, SHOP, customer, order, resource


def code(url: str, *resources: Resource) -> str:
    with pytest.raises(MappingError) as refused:
        open_mirror(url, resources)
    return refused.value.code


def test_tables_are_made_once_and_the_second_start_changes_nothing(mirror_url: str) -> None:
    first = open_mirror(mirror_url, [CUSTOMERS, ORDERS])
    first.close()
    assert first.changes == (
        f"schema new -> {migrations.HEAD}",
        "create table customers",
        "create table order_rows",
        "create table orders",
    )
    second = open_mirror(mirror_url, [CUSTOMERS, ORDERS])
    second.close()
    assert second.changes == ()


def test_a_field_that_is_mapped_no_longer_keeps_its_column_and_data(mirror_url: str) -> None:
    wide = open_mirror(mirror_url, [CUSTOMERS])
    wide.rows.store(SHOP, CUSTOMERS, [customer(1)], None)
    wide.close()
    narrow = open_mirror(mirror_url, [replace(CUSTOMERS, fields=CUSTOMERS.fields[:1])])
    assert narrow.changes == ()
    with narrow.database.read() as connection:
        assert connection.execute(text("SELECT lastname FROM customers")).scalar() == "Müller"
    narrow.close()


def test_a_new_association_or_language_of_a_filled_table_is_read_again(mirror_url: str) -> None:
    before = open_mirror(mirror_url, [replace(ORDERS, children=()), CUSTOMERS])
    before.rows.store(SHOP, replace(ORDERS, children=()), [order(1)], {"id": 1})
    before.rows.store(SHOP, CUSTOMERS, [], {"id": 0})
    before.close()
    after = open_mirror(mirror_url, [ORDERS, replace(CUSTOMERS, lang=(Field("motto", "text"),))])
    assert after.changes == ("create table customers_lang", "create table order_rows")
    assert after.rows.rereads(SHOP) == ["orders"]  # customers has no rows that could lack anything
    after.close()


def test_an_index_that_is_missing_is_made(mirror_url: str) -> None:
    first = open_mirror(mirror_url, [CUSTOMERS])
    with first.database.write() as connection:
        connection.execute(text("DROP INDEX ix_customers_shop_email_key"))
    first.close()
    again = open_mirror(mirror_url, [CUSTOMERS])
    again.close()
    assert again.changes == ("create index ix_customers_shop_email_key",)


def test_a_field_that_changes_its_type_is_refused(mirror_url: str) -> None:
    open_mirror(mirror_url, [resource("x", "a:text")]).close()
    assert code(mirror_url, resource("x", "a:int")) == "mirror.column_changed"
    open_mirror(mirror_url, [resource("x", "a:text b:int c:bool d:decimal e:date f:datetime g:ref")]).close()
    assert open_mirror(mirror_url, [resource("x", "a:text b:ref")]).changes == ()


def test_names_that_are_taken_are_refused(mirror_url: str) -> None:
    assert code(mirror_url, resource("intent", "a:text")) == "mirror.table_taken"
    assert code(mirror_url, CUSTOMERS, replace(ORDERS, table="customers")) == "mirror.table_taken"
    assert code(mirror_url, resource("x", "shop:text")) == "mirror.column_taken"
    assert code(mirror_url, resource("x", "at:datetime at_local:text")) == "mirror.column_taken"
    child = Child("rows", "x_rows", (Field("position", "int"),))
    assert code(mirror_url, resource("x", "a:text", children=(child,))) == "mirror.column_taken"


def test_a_refusal_leaves_the_database_as_it_was(mirror_url: str) -> None:
    open_mirror(mirror_url, [resource("x", "a:text")]).close()
    with pytest.raises(ConnectorError):
        open_mirror(mirror_url, [resource("new", "a:text"), resource("x", "a:int")])
    again = open_mirror(mirror_url, [resource("x", "a:text"), resource("new", "a:text")])
    again.close()
    assert again.changes == ("create table new",)

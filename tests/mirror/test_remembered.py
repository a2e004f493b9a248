"""What a mapping gains without a new column is read again too."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from connector.core.mapping import Field
from connector.mirror.db import open_mirror
from connector.mirror.preview import preview
from tests.mirror.world import CUSTOMERS, ORDERS, SHOP, order

FEWER = replace(ORDERS, fields=tuple(item for item in ORDERS.fields if item.name != "reference"))


def filled(mirror_url, resource=ORDERS):
    opened = open_mirror(mirror_url, [resource])
    opened.rows.store(SHOP, resource, [order(1)], {"id": 1})
    opened.close()


def rereads(mirror_url, *resources):
    opened = open_mirror(mirror_url, list(resources))
    found = opened.rows.rereads(SHOP)
    opened.close()
    return found


def test_a_field_that_was_left_out_for_a_while_is_read_again(mirror_url):
    filled(mirror_url)
    assert rereads(mirror_url, FEWER) == []  # nothing more to read
    assert rereads(mirror_url, ORDERS) == ["orders"]


def test_a_column_with_another_origin_is_read_again(mirror_url):
    filled(mirror_url)
    changed = tuple(replace(f, origin="note") if f.name == "reference" else f for f in ORDERS.fields)
    assert rereads(mirror_url, replace(ORDERS, fields=changed)) == ["orders"]


def test_further_rows_are_read_also_where_there_were_none(mirror_url):
    before = replace(CUSTOMERS, only=("active", ("1",)))
    opened = open_mirror(mirror_url, [before])
    opened.rows.store(SHOP, before, [], {"id": 7})
    opened.close()
    assert rereads(mirror_url, replace(before, only=("active", ("1", "0")))) == ["customers"]


def test_a_mark_or_a_target_changes_nothing(mirror_url):
    filled(mirror_url)
    marked = tuple(replace(f, personal=True, target="x" if f.type == "ref" else "") for f in ORDERS.fields)
    assert rereads(mirror_url, replace(ORDERS, fields=marked)) == []


def test_a_mirror_of_an_older_program_remembers_nothing_and_is_not_read_again(mirror_url):
    filled(mirror_url)
    opened = open_mirror(mirror_url, [ORDERS])
    with opened.database.write() as connection:
        connection.execute(text("DELETE FROM meta WHERE name LIKE 'mapped.%'"))
    opened.close()
    assert rereads(mirror_url, ORDERS) == []


def test_a_type_that_shares_its_column_with_the_old_one_is_read_again(mirror_url):
    numbers = tuple(replace(f, type="int") if f.type == "ref" else f for f in ORDERS.fields)
    filled(mirror_url, replace(ORDERS, fields=numbers))
    assert rereads(mirror_url, ORDERS) == ["orders"]


def test_another_origin_is_noticed_also_after_a_start_without_the_mapping(mirror_url):
    filled(mirror_url)
    assert rereads(mirror_url, CUSTOMERS) == []
    changed = tuple(replace(f, origin="note") if f.name == "reference" else f for f in ORDERS.fields)
    assert rereads(mirror_url, CUSTOMERS, replace(ORDERS, fields=changed)) == ["orders"]


def test_rows_that_go_into_another_table_are_read_again_and_their_children_belong_to_it(mirror_url):
    filled(mirror_url)
    elsewhere = replace(ORDERS, table="purchases")
    assert rereads(mirror_url, elsewhere) == ["orders"]
    opened = open_mirror(mirror_url, [elsewhere])
    assert opened.rows.store(SHOP, elsewhere, [order(1)], {"id": 1}).new == 1
    with opened.database.read() as connection:
        rows = connection.execute(text("SELECT parent_id FROM order_rows")).scalars().all()
    opened.close()
    assert rows == [1] * len(order(1).children["order_rows"])
    assert rereads(mirror_url, ORDERS) == ["orders"]  # and back


# --- the preview ----------------------------------------------------------------------------------------------------


def test_the_preview_tells_what_a_start_would_change_and_changes_nothing(mirror_url):
    filled(mirror_url, FEWER)
    wide = replace(ORDERS, fields=(*ORDERS.fields, Field("colour", "text")))
    for _ in range(2):
        seen = preview(mirror_url, [wide, CUSTOMERS])
        assert seen is not None
        assert {"create table customers", "add column orders.colour", "add column orders.reference"} <= set(
            seen.changes
        )
        assert (seen.reread, seen.refused) == (("orders",), ())
    assert open_mirror(mirror_url, [wide, CUSTOMERS]).changes == seen.changes


def test_the_preview_tells_every_type_that_would_change(mirror_url):
    filled(mirror_url)
    as_text = tuple(replace(f, type="text") if f.type in ("decimal", "ref") else f for f in ORDERS.fields)
    seen = preview(mirror_url, [replace(ORDERS, fields=as_text, source="own/orders.toml")])
    assert seen is not None
    changed = [f.name for f in ORDERS.fields if f.type in ("decimal", "ref")]
    assert len(changed) > 1
    assert [error.facts["column"] for error in seen.refused] == changed
    assert seen.refused[0].facts["file"] == "own/orders.toml"


def test_without_a_mirror_there_is_no_preview_and_afterwards_still_no_mirror(mirror_url):
    assert preview(mirror_url, [ORDERS]) is None
    assert preview(mirror_url, [ORDERS]) is None

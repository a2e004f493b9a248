from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Table, text
from sqlalchemy.sql import visitors

from connector.core.mapping.viewed import VIEWS
from connector.errors import StateError
from connector.mirror import views
from connector.mirror.db import Mirror, open_mirror
from connector.mirror.tables import build
from tests.mirror.story_world import ANNA, BEN, GUEST, OLD, RESOURCES, fill
from tests.mirror.world import NOW, SHOP
from tests.support import databases


@pytest.fixture(scope="module", params=databases.KINDS)
def mirror(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """Filled once; the tests of this module leave it as it is, or open it anew."""
    with databases.on(request.param):
        url = databases.new_mirror(Path(tmp_path_factory.mktemp("views")), RESOURCES)
        opened = open_mirror(url, RESOURCES, now=lambda: NOW)
        fill(opened)
        yield opened
        opened.close()
        databases.forget(url)


def ask(mirror: Mirror, query: str) -> list[tuple[Any, ...]]:
    with mirror.database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_customers_have_their_orders_counted_and_summed_up(mirror: Mirror) -> None:
    found = ask(
        mirror,
        "SELECT id_customer, email_key, orders, valid_orders, spent, threads, open_threads FROM v_customer_stats"
        f" WHERE shop = '{SHOP}' ORDER BY id_customer",
    )
    assert [(*row[:4], float(row[4]), *row[5:]) for row in found] == [
        (ANNA, "anna@example.org", 3, 2, 20.2, 2, 1),
        (GUEST, "anna@example.org", 1, 1, 7.5, 2, 1),
        (BEN, "ben@example.org", 1, 1, 10.1, 1, 1),
        (OLD, "old@example.org", 2, 2, 20.2, 0, 0),
    ]


def test_open_threads_tell_who_waits_and_since_when(mirror: Mirror) -> None:
    found = ask(
        mirror,
        "SELECT id_thread, status, lastname, order_reference, messages, unanswered, waiting_since IS NULL"
        " FROM v_open_threads ORDER BY id_thread",
    )
    assert [(*row[:6], bool(row[6])) for row in found] == [
        (21, "open", "Müller", "REF11", 6, 1, False),
        (23, "open", "Müller", None, 1, 1, False),
        (24, "", None, "REF12", 1, 1, False),
    ]


def test_a_thread_has_everything_that_happened_in_it(mirror: Mirror) -> None:
    def of(thread: int) -> list[tuple[Any, ...]]:
        query = (
            f"SELECT kind, id, was, became, reason FROM v_thread_timeline WHERE id_thread = {thread} ORDER BY at, id"
        )
        return ask(mirror, query)

    assert [row[:2] for row in of(21)] == [
        ("bounce", 4), ("message", 1), ("message", 2), ("message", 3), ("message", 4), ("message", 6), ("message", 9),
    ]  # fmt: skip
    assert of(22)[0][2:] == ("closed", "pending1", "shop")
    assert ("mail", 6, None, None, "foreign_sender") in of(24)


def test_they_are_made_anew_when_one_is_gone_or_another_is_wanted(mirror: Mirror) -> None:
    url = mirror.database.engine.url.render_as_string(hide_password=False)
    with mirror.database.write() as connection:
        connection.execute(text("DROP VIEW v_open_threads"))
        connection.execute(text("UPDATE meta SET value = 'older' WHERE name = 'views'"))
    assert not stands(mirror)
    again = open_mirror(url, RESOURCES)
    assert stands(again)
    assert again.changes == ()
    again.close()
    with mirror.database.write() as connection:
        connection.execute(text("DROP VIEW v_open_threads"))
    open_mirror(url, RESOURCES).close()
    assert len(ask(mirror, "SELECT * FROM v_open_threads")) == 3


def test_a_view_of_somebody_else_that_is_in_the_way_is_named(mirror: Mirror) -> None:
    if mirror.database.is_sqlite:
        pytest.skip("SQLite looks at views when they are asked")
    url = mirror.database.engine.url.render_as_string(hide_password=False)
    with mirror.database.write() as connection:
        connection.execute(text("CREATE VIEW theirs AS SELECT * FROM v_customer_stats"))
        connection.execute(text("UPDATE meta SET value = 'older' WHERE name = 'views'"))
    with pytest.raises(StateError) as refused:
        open_mirror(url, RESOURCES)
    assert refused.value.code == "mirror.view_used"
    with mirror.database.write() as connection:
        connection.execute(text("DROP VIEW theirs"))
    open_mirror(url, RESOURCES).close()


def stands(mirror: Mirror) -> bool:
    with mirror.database.read() as connection:
        return views.are_current(connection, build(RESOURCES))


def test_what_they_stand_on_is_what_the_mappings_may_not_leave_out() -> None:
    """`email_key` comes with `email`, `date_add_local` with `date_add`; the keys are always there."""
    for name, query in views.selects(build(RESOURCES)).items():
        used: dict[str, set[str]] = {table: set() for table in VIEWS[name]}
        for element in visitors.iterate(query):
            if isinstance(element, Column) and isinstance(element.table, Table) and element.table.name in used:
                used[element.table.name].add(element.name.replace("email_key", "email").removesuffix("_local"))
        assert {table: columns - {"shop", "id", "digest", "pulled_at"} for table, columns in used.items()} == VIEWS[
            name
        ]


def test_a_view_of_which_not_all_is_mapped_is_not_made() -> None:
    without = [replace(one, fields=tuple(f for f in one.fields if f.name != "valid")) for one in RESOURCES]
    assert views.mapped(build(without)) == ["v_open_threads", "v_thread_timeline"]
    assert views.mapped(build([])) == []

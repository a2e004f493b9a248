"""`sync --full`: rows that were deleted in the shop, the guard before them, and what rows point to."""

from __future__ import annotations

import json

import pytest

from connector.cli.main import main
from connector.errors import Exit
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        here.begin()
        yield here


@pytest.fixture
def run(world, capsys):
    """Run one command in this process; gives (exit code, standard output, standard error)."""

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


def count(world, table):
    with world.app() as app:
        return app.mirror.rows.count("main", table)


def absent_customers(run):
    shop = json.loads(run("status", "--json")[1])["shops"][0]
    return shop["tombstones"].get("customers", {}).get("referenced", 0)


def delete(world, resource, how_many):
    for row in world.shop.rows(resource)[:how_many]:
        world.shop.delete_row(resource, row["id"])


def test_deleted_rows_are_told_of_and_stay_in_the_status_with_the_cost(run, world):
    delete(world, "order_histories", 3)
    code, out, _ = run("sync", "--full", "--only", "pull")
    assert code == 0
    assert ["deleted", "order_histories", "3", "gone", "0", "fetched"] in [line.split() for line in out.splitlines()]
    assert count(world, "order_histories") == world.shop.count("order_histories")
    code, out, _ = run("status")
    assert "gone from the shop: order_histories 3" in out
    assert "deletions: " in out
    assert "sweep: " in out
    shop = json.loads(run("status", "--json")[1])["shops"][0]
    assert shop["tombstones"]["order_histories"] == {"deleted": 3}


def test_a_sync_that_is_not_full_deletes_nothing(run, world):
    delete(world, "order_histories", 3)
    before = count(world, "order_histories")
    assert run("sync", "--only", "pull")[0] == 0
    assert count(world, "order_histories") == before


def test_a_mass_deletion_is_refused_with_its_way_out_which_works(run, world):
    before = count(world, "orders")
    delete(world, "orders", before)
    code, _, err = run("sync", "--full", "--only", "pull")
    assert code == Exit.FOUND
    assert "sync --full --allow-deletions orders" in err
    assert count(world, "orders") == before
    assert "guard: too many rows are gone" in run("status")[1]
    assert run("sync", "--full", "--allow-deletions", "orders", "--only", "pull")[0] == 0
    assert count(world, "orders") == 0
    assert "guard:" not in run("status")[1]


def test_only_the_resource_that_is_named_is_compared(run, world):
    delete(world, "order_histories", 2)
    delete(world, "addresses", 2)
    assert run("sync", "--full", "--resource", "addresses", "--only", "pull")[0] == 0
    assert count(world, "addresses") == world.shop.count("addresses")
    assert count(world, "order_histories") == world.shop.count("order_histories") + 2


def test_the_way_out_is_a_mistake_without_the_full_comparison(run):
    for wrong in (["sync"], ["sync", "--full", "--only", "push"]):
        code, _, err = run(*wrong, "--allow-deletions", "orders")
        assert code == Exit.USAGE
        assert "--full" in err
    assert run("sync", "--full", "--allow-deletions", "nothing")[0] == Exit.USAGE


def test_an_order_whose_customer_is_missing_is_mirrored_and_the_customer_noted_until_it_comes(run, world):
    known = absent_customers(run)  # the seed has orders of customers that are gone
    order = world.shop.rows("orders")[0]
    customer = dict(world.shop.rows("customers")[0])
    absent = 90_000
    world.shop.update_row("orders", order["id"], id_customer=absent)
    world.shop.touch("orders", order["id"])
    world.clock.sleep(5)
    assert run("sync", "--only", "pull")[0] == 0
    assert absent_customers(run) == known + 1
    assert f"pointed to but absent: customers {known + 1}" in run("status")[1]
    requests = len(world.shop.requests)
    assert run("sync", "--only", "pull")[0] == 0
    asked = [r for r in list(world.shop.requests)[requests:] if str(absent) in str(r)]
    assert asked == []
    world.shop.put_row("customers", {**customer, "id": absent, "email": "late@example.com"})
    world.shop.touch("customers", absent)
    assert run("sync", "--full", "--only", "pull")[0] == 0
    assert absent_customers(run) == known
    assert count(world, "customers") == world.shop.count("customers")

"""`verify` end to end: a sandbox shop over HTTP, a real mirror, changes behind the connector's back on both sides."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from connector.cli.main import main
from connector.sandbox.shop import SandboxShop
from tests.support.world import World

VERSIONS = ("1.6.1.24", "1.7.8.11", "8.2.1", "9.0.0")
AWKWARD = "a CDATA end ]]> and a tab\x0b, quotes \" ' and <b>ü€</b>"


def made(folder, version="8.2.1", **more):
    shop = SandboxShop(version, orders=20, seed=3, **more)
    message = shop.rows("customer_messages")[0]["id"]
    shop.update_row("customer_messages", message, message="first ]]> last")
    shop.update_row("orders", 3, total_paid="0.1", date_upd="0000-00-00 00:00:00")
    return World(folder / "state", version=version, shop=shop)


@pytest.fixture
def world(tmp_path):
    with made(tmp_path) as here:
        here.sync(only=("pull",))
        yield here


@pytest.fixture
def run(capsys):
    def command(world: World, *arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()  # what a sync before this logged
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def told(run):
    """Run `verify --json`; gives (exit code, the summary of the shop)."""

    def command(world: World, *arguments: str) -> tuple[int, dict]:
        code, out, _ = run(world, "verify", "--json", *arguments)
        return code, json.loads(out)["shops"][0]

    return command


def found(summary: dict) -> set[tuple[str, int, str]]:
    return {(d["resource"], d["id"], d["kind"]) for d in summary["differences"]}


def sql(world: World, statement: str) -> None:
    with world.app() as app, app.mirror.database.write() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("version", VERSIONS)
def test_right_after_a_sync_everything_is_equal(told, tmp_path, version):
    with made(tmp_path, version) as world:
        world.sync(only=("pull",))
        for arguments in ((), ("--deep",)):
            code, summary = told(world, *arguments)
            assert (code, summary["differences"], summary["errors"]) == (0, [], [])
            assert summary["finished"]
            compared = {name: r for name, r in summary["resources"].items() if not r["skipped"]}
            assert compared["orders"]["shop"] == compared["orders"]["mirror"] == 20
            assert {name for name, r in compared.items() if r["shop"] != r["mirror"]} == set()
            assert {r["skipped"] for r in summary["resources"].values()} <= {"", "version"}


def test_a_person_reads_a_table(run, world):
    code, out, _ = run(world, "verify", "--deep")
    assert code == 0
    assert "missing" in out
    assert "mirror and shop are equal" in out


def test_a_mirror_that_was_not_filled_yet_is_not_called_equal(run, tmp_path):
    with made(tmp_path) as empty:
        code, out, _ = run(empty, "verify")
        assert code == 1
        assert "not pulled to their end yet" in out
        assert "are equal" not in out


def test_what_the_key_may_not_read_is_named_in_the_verdict(run, tmp_path):
    with made(tmp_path) as world:
        allowed = dict.fromkeys(world.shop.world.resources, frozenset({"GET"})) | {"suppliers": frozenset()}
        world.shop.add_key(world.shop.full_key, allowed)
        world.sync(only=("pull",))
        code, out, _ = run(world, "verify")
        assert code == 0
        assert "equal in all that the key may read" in out


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sweep_finds_orders_of_threads_and_tracking_numbers_of_any_age(told, tmp_path, version):
    with made(tmp_path, version) as world:
        world.sync(only=("pull",))
        threads, carriers = world.shop.rows("customer_threads"), world.shop.rows("order_carriers")
        world.shop.update_row("customer_threads", threads[0]["id"], id_order=7)
        world.shop.update_row("customer_threads", threads[1]["id"], id_order=0)
        bare = next(row["id"] for row in carriers if not row["tracking_number"])
        world.shop.update_row("order_carriers", bare, tracking_number="6A1", date_add="2019-01-01 00:00:00")
        world.sync(only=("pull",))
        _, summary = told(world, "--deep")
        fields = {d["id"]: d["fields"] for d in summary["differences"]}
        assert [name for names in fields.values() for name in names if "date_add" not in name] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_what_changed_in_the_shop_behind_our_back_is_found_and_mended(told, tmp_path, version):
    with made(tmp_path, version) as world:
        world.sync(only=("pull",))
        world.shop.update_row("orders", 5, total_paid="12.340000")
        world.shop.update_row("customers", 2, lastname=AWKWARD.replace("\x0b", ""))
        world.shop.delete_row("addresses", 1)
        stranger = world.shop.put_row("customers", {**world.shop.row("customers", 1), "id": 9, "email": "x@y.test"})
        sql(world, f"DELETE FROM customers WHERE id = {stranger}")
        code, shallow = told(world)
        assert code == 1
        assert ("addresses", 1, "extra") in found(shallow)
        code, deep = told(world, "--deep")
        assert code == 1
        expected = {("orders", 5, "differing"), ("customers", 2, "differing"), ("addresses", 1, "extra")}
        assert expected <= found(deep)
        fields = {(d["resource"], d["id"]): d["fields"] for d in deep["differences"]}
        assert fields["orders", 5] == ["total_paid"]
        assert fields["customers", 2] == ["lastname"]
        code, mended = told(world, "--deep", "--repair")
        assert (code, mended["differences_left"]) == (0, 0)
        assert sum(mended["repaired"].values()) == len(found(mended))
        assert told(world, "--deep")[0] == 0


def test_what_somebody_changed_in_the_mirror_is_found_although_the_digest_is_right(told, world):
    sql(world, "UPDATE orders SET total_paid = 1 WHERE id = 4")
    sql(world, "UPDATE order_states_lang SET name = 'x' WHERE id = 2 AND id_lang = 1")
    sql(world, "DELETE FROM order_rows WHERE parent_id = 6 AND position = 0")
    sql(world, "DELETE FROM customer_messages WHERE id = 2")
    code, summary = told(world, "--deep")
    assert code == 1
    assert found(summary) == {
        ("orders", 4, "differing"),
        ("order_states", 2, "differing"),
        ("orders", 6, "differing"),
        ("customer_messages", 2, "missing"),
    }
    assert told(world, "--deep", "--repair")[0] == 0
    assert told(world, "--deep")[0] == 0


def test_a_repair_reads_exactly_the_rows_that_differ(told, world):
    sql(world, "UPDATE orders SET total_paid = 1 WHERE id IN (4, 9)")
    told(world, "--deep", "--resource", "orders")
    before = len(world.shop.requests)
    code, summary = told(world, "--repair", "--resource", "orders")
    assert (code, summary["repaired"]) == (0, {"orders": 2})
    asked = [str(r) for r in world.shop.requests[before:] if "orders" in r.path and "display" in str(r.query)]
    assert asked
    assert all("4|9" in line or "4%7C9" in line for line in asked)


def test_a_mass_deletion_is_not_believed_unless_it_is_allowed(run, told, world):
    for row in world.shop.rows("orders"):
        world.shop.delete_row("orders", int(row["id"]))
    code, out, err = run(world, "verify", "--repair", "--resource", "orders")
    assert code == 1
    assert "20 differences left" in out
    assert "--allow-deletions orders" in err
    code, summary = told(world, "--repair", "--resource", "orders", "--allow-deletions", "orders")
    assert (code, summary["repaired"]) == (0, {"orders": 20})


def test_several_shops_are_counted_one_by_one(run, told, tmp_path):
    for number, version in enumerate(VERSIONS):
        with made(tmp_path / str(number), version, shops=2) as world:
            world.sync(only=("pull",))
            code, summary = told(world)
            assert code == 0
            counted = summary["resources"]["orders"]["by_shop"]
            here = {str(n): world.shop.count("orders", id_shop=n) for n in (1, 2)}
            assert counted == {n: {"shop": rows, "mirror": rows} for n, rows in here.items()}
            assert "orders of shop 2" in run(world, "verify")[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_shop_that_is_switched_off_keeps_its_rows_and_gives_the_changed_ones_again(run, told, tmp_path, version):
    with made(tmp_path, version, shops=2) as world:
        world.sync(only=("pull",))
        theirs = [row["id"] for row in world.shop.rows("orders", id_shop=2)]
        world.shop.update_row("shops", 2, active=0)
        for arguments in (("--only", "pull"), ("--full", "--only", "pull", "--allow-deletions", "orders")):
            assert run(world, "sync", *arguments)[0] == 0
        code, summary = told(world, "--deep")
        counted = summary["resources"]["orders"]
        assert (code, counted["unlisted"], counted["extra"]) == (0, len(theirs), 0)
        assert "their shop is switched off" in run(world, "verify")[1]
        code, out, _ = run(world, "sync", "--resource", "orders", "--id", str(theirs[0]))
        assert (code, "its shop is switched off" in out) == (0, True)
        world.shop.update_row("orders", theirs[0], total_paid="3.000000")
        world.shop.touch("orders", theirs[0])
        world.shop.update_row("shops", 2, active=1)
        assert run(world, "sync", "--full", "--only", "pull")[0] == 0
        code, summary = told(world, "--deep")
        assert (code, summary["differences"]) == (0, [])
        assert summary["resources"]["orders"]["mirror"] == world.shop.count("orders")


def test_what_no_pull_will_bring_soon_is_no_row_that_is_merely_new(run, told, world):
    """A clock that ran ahead for an hour leaves rows of the far future, which a pull looks through once a day."""
    world.shop.update_row("orders", 5, date_upd="2035-01-01 00:00:00")
    assert run(world, "sync", "--only", "pull")[0] == 0
    for number in (6, 7):
        world.shop.update_row("orders", number, date_upd="2035-01-01 00:10:00", note="later")
    assert run(world, "sync", "--only", "pull")[0] == 0
    code, summary = told(world, "--deep")
    assert (code, found(summary)) == (1, {("orders", 6, "differing"), ("orders", 7, "differing")})
    code, summary = told(world, "--deep", "--repair")
    assert (code, summary["repaired"]) == (0, {"orders": 2})
    assert told(world, "--deep")[1]["differences"] == []


def test_an_interrupted_comparison_goes_on_where_it_ended(told, world):
    sql(world, "UPDATE orders SET total_paid = 1 WHERE id IN (4, 15)")
    with world.app() as app:
        comparison = app.verify("main")
        comparison.page_size = 5
        seen: list[str] = []
        report = comparison.run(lambda: len(seen) >= 2, deep=True, only=["orders"], progress=lambda s: seen.append("x"))
        assert report.stopped
    before = len(world.shop.requests)
    code, summary = told(world, "--deep", "--resource", "orders")
    assert (code, summary["resumed"]) == (1, True)
    assert found(summary) == {("orders", 4, "differing"), ("orders", 15, "differing")}
    assert summary["resources"]["orders"]["shop"] == 20
    later = "".join(request.query for request in world.shop.requests[before:] if "display" in request.query)
    assert "[11,20]" in later.replace("%5B", "[").replace("%2C", ",").replace("%5D", "]")
    assert told(world, "--deep", "--resource", "orders")[1]["resumed"] is False


def test_an_unreachable_shop_is_said(run, world):
    world.server.close()
    assert run(world, "verify")[0] == 69


def test_rows_newer_than_the_last_pull_are_explained(told, world):
    message = {**world.shop.rows("customer_messages")[0], "message": "new"}
    world.shop.put_row("customer_messages", {name: value for name, value in message.items() if name != "id"})
    world.shop.update_row("orders", 7, date_upd="2031-01-01 00:00:00", total_paid="3.000000")
    code, summary = told(world, "--deep")
    assert (code, summary["differences"]) == (0, [])
    assert summary["resources"]["customer_messages"]["not_pulled_yet"] == 1
    assert summary["resources"]["orders"]["not_pulled_yet"] == 1


def test_options_that_say_nothing_alone_are_refused(run, world):
    assert run(world, "verify", "--anew")[0] == 64
    assert run(world, "verify", "--allow-deletions", "orders")[0] == 64
    assert run(world, "verify", "--resource", "nonsense")[0] == 64


# --- single rows ----------------------------------------------------------------------------------------------------


def test_one_row_is_read_again_and_told_field_by_field(run, world):
    world.shop.update_row("orders", 5, total_paid="12.340000")
    with world.app() as daemon:
        assert daemon.take_lease("main")
        code, out, _ = run(world, "sync", "--resource", "orders", "--id", "5")
        assert code == 0
        assert "orders 5: changed" in out
        assert "total_paid: " in out
        assert "-> 12.34" in out
        assert "equal" in run(world, "sync", "--resource", "orders", "--id", "5")[1]


def test_a_row_that_is_gone_leaves_the_mirror_and_a_new_one_comes_in(run, world):
    world.shop.delete_row("orders", 5)
    sql(world, "DELETE FROM orders WHERE id = 6")
    code, out, _ = run(world, "sync", "--resource", "orders", "--id", "5", "--id", "6", "--id", "999", "--json")
    assert code == 1
    assert {row["id"]: row["outcome"] for row in json.loads(out)["rows"]} == {5: "gone", 6: "new", 999: "unknown"}
    with world.app() as app:
        assert app.mirror.contents.tombstones("main")["orders"]["deleted"] == 1


def test_a_row_that_no_form_gives_goes_into_the_quarantine(run, world):
    world.shop.update_row("orders", 5, total_paid="much")
    code, out, _ = run(world, "sync", "--resource", "orders", "--id", "5")
    assert code == 1
    assert "orders 5: broken" in out
    assert "orders" in run(world, "quarantine", "list")[1]
    world.shop.update_row("orders", 5, total_paid="5.000000")
    with world.app() as app:
        (kept,) = app.mirror.quarantine.list("main")
        assert app.take_lease("main")
        assert run(world, "quarantine", "retry", f"row:{kept.id}")[0] == 0
    assert run(world, "quarantine", "list")[1] == "the quarantine is empty\n"


def test_ids_need_one_resource_and_nothing_else(run, world):
    assert run(world, "sync", "--id", "5")[0] == 64
    assert run(world, "sync", "--resource", "orders", "--resource", "customers", "--id", "5")[0] == 64
    assert run(world, "sync", "--resource", "orders", "--id", "5", "--full")[0] == 64

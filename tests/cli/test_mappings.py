"""`mappings` as a user meets it: files of their own, a shop that answers, a mirror that is looked at only."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

import pytest
from sqlalchemy import text

from connector.cli.main import main
from connector.sandbox.shop.definitions import load_resources
from connector.sandbox.shop.dialect import Dialect
from tests.shop.recorded import VERSIONS
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        (here.folder / "own").mkdir()
        here.config.write_text('mappings_dir = "own"\n' + here.config.read_text())
        yield here


@pytest.fixture
def run(world, capsys):
    """Run one command in this process; gives (exit code, standard output, standard error)."""

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


def own(world, name: str, text: str) -> str:
    path = world.folder / "own" / f"{name}.toml"
    path.write_text(text)
    return str(path)


def mirror_bytes(world) -> str:
    return hashlib.sha256((world.folder / "mirror.db").read_bytes()).hexdigest()


# --- own mappings in every command ----------------------------------------------------------------------------------


def test_a_field_of_the_users_becomes_a_column_with_the_shops_values(run, world):
    world.sync(only=("pull",))
    own(world, "orders", '[fields]\ntotal_paid_text = "text from total_paid"\n')
    assert run("sync", "--only", "pull")[0] == 0
    with world.app() as app:
        view = app.mirror.queries.order_view("main", world.shop.rows("orders")[0]["id"])
        assert view is not None
        assert Decimal(str(view["total_paid_text"])) == Decimal(str(view["total_paid"]))
        assert app.mirror.rows.rereads("main") == []


@pytest.mark.parametrize("command", [("sync",), ("status",), ("plan",), ("mappings", "show"), ("mappings", "check")])
def test_a_wrong_mapping_ends_every_command_with_its_line(run, world, command):
    world.sync(only=("pull",))
    file = own(world, "orders", '[fields]\n\ntotal_paid = "text"\n')
    code, _, err = run(*command)
    assert code == 78
    assert f"{file}:3: total_paid is a decimal in the shipped mapping" in err
    assert 'total_paid_text = "text from total_paid"' in err


def test_a_type_that_the_mirror_has_otherwise_is_refused_with_the_line_and_what_to_do(run, world):
    file = own(world, "order_details", 'pull = "id"\n[fields]\nid_order = "ref"\n')
    assert run("sync", "--only", "pull")[0] == 0
    own(world, "order_details", 'pull = "id"\n[fields]\nid_order = "text"\n')
    for command in (("sync",), ("mappings", "check")):
        code, _, err = run(*command)
        assert code == 78
        assert f"{file}:3: the column id_order of the table order_details would hold a text" in err
        assert 'id_order_new = "TYPE from id_order"' in err


def test_a_table_that_the_mirror_needs_itself_is_refused_with_the_line(run, world):
    file = own(world, "order_details", 'pull = "id"\ntable = "intent"\n[fields]\nid_order = "ref"\n')
    for command in (("sync",), ("mappings", "check")):
        code, _, err = run(*command)
        assert (code, f"{file}:2: the table name intent is taken" in err) == (78, True)


def test_a_folder_that_is_not_there_is_a_mistake_of_the_settings(run, world):
    (world.folder / "own").rmdir()
    code, _, err = run("status")
    assert code == 78
    assert f"{world.config}:1: mappings_dir: found {world.folder / 'own'}, expected a readable folder" in err


# --- check ----------------------------------------------------------------------------------------------------------


def test_check_tells_what_the_next_start_will_do_and_does_nothing(run, world):
    (world.folder / "mirror.db").unlink()
    code, out, _ = run("mappings", "check")
    assert (code, "not there yet" in out) == (0, True)
    assert not (world.folder / "mirror.db").exists()
    world.sync(only=("pull",))
    assert "as the mappings want it" in run("mappings", "check")[1]
    own(world, "orders", '[fields]\nmine = "text from note"\n')
    own(world, "carts", 'pull = "id"\n[fields]\nid_customer = "ref to customers"\n')
    before = mirror_bytes(world)
    for _ in range(2):
        code, out, _ = run("mappings", "check")
        assert code == 0
        assert "mappings: ok (26 shipped file(s), 2 of your own)" in out
        assert "the next start will add column orders.mine" in out
        assert "the next start will create table carts" in out
        assert "to be read again in full: orders" in out
    assert mirror_bytes(world) == before
    code, out, _ = run("mappings", "check", "--json")
    report = json.loads(out)
    assert report["mirror"]["read_again"] == ["orders"]
    assert (report["exit_code"], report["mistakes"], report["shops"]) == (0, [], [])


def test_check_tells_every_mistake_also_to_scripts(run, world):
    file = own(world, "orders", 'colour = 1\n[fields]\ntotal_paid = "text"\npasswd = "text"\n')
    code, out, _ = run("mappings", "check", "--json")
    report = json.loads(out)
    assert (code, report["exit_code"]) == (78, 78)
    assert [(m["file"], m["line"]) for m in report["mistakes"]] == [(file, 1), (file, 3), (file, 4)]


def test_check_online_finds_what_the_shop_does_not_have(run, world):
    assert run("mappings", "check", "--online")[0] == 0
    file = own(world, "orders", '[fields]\nmine = "text from refrence"\ncolour = "text"\n')
    own(world, "carts", 'pull = "id"\n[fields]\na = "int"\n')
    own(world, "suppliers", '[fields]\nshoe_size = "int"\n')
    code, out, _ = run("mappings", "check", "--online")
    assert code == 1
    assert f"{file}:2: PrestaShop 8.2.1 has no refrence in orders; it stays empty; did you mean reference?" in out
    assert f"{file}:3: PrestaShop 8.2.1 has no colour in orders; it stays empty" in out
    assert "refuses to give suppliers when asked for it" in out
    assert "shipped field(s) are of other versions" in out
    code, out, _ = run("mappings", "check", "--online", "--json", "--shop", "main")
    (shop,) = json.loads(out)["shops"]
    kinds = {(one["resource"], one["kind"]) for one in shop["findings"] if one["serious"]}
    assert {("orders", "absent"), ("suppliers", "refused")} <= kinds


def test_check_online_names_what_the_key_may_not_read(run, world):
    world.shop.add_key("K" * 32, {"orders": frozenset({"GET", "HEAD"})})
    world.config.write_text(world.config.read_text().replace(world.shop.full_key, "K" * 32))
    code, out, _ = run("mappings", "check", "--online")
    assert code == 1
    assert "the key may not read customers, or the shop does not have it" in out
    assert "may not read orders" not in out


def test_check_online_says_when_a_shop_cannot_be_asked(run, world):
    world.shop.set_key_active(world.shop.full_key, False)
    assert run("mappings", "check", "--online")[0] == 77
    code, _, err = run("mappings", "check", "--shop", "other")
    assert (code, "main" in err) == (65, True)


# --- show -----------------------------------------------------------------------------------------------------------


def test_show_tells_where_every_field_comes_from(run, world):
    file = own(world, "orders", '[fields]\nmine = "text personal from note"\n')
    own(world, "states", "enabled = false\n")
    code, out, _ = run("mappings", "show")
    assert code == 0
    assert f"shipped + {file}" in out
    assert "states is left out by" in out
    code, out, _ = run("mappings", "show", "orders", "--json")
    fields = {(f["table"], f["column"]): f for f in json.loads(out)["fields"]}
    assert fields["orders", "mine"] == {
        "table": "orders",
        "column": "mine",
        "type": "text",
        "personal": True,
        "target": "",
        "key": "note",
        "from": f"{file}:2",
    }
    assert fields["orders", "id_customer"]["target"] == "customers"
    assert fields["order_rows", "id_order_detail"]["key"] == "id"
    code, out, _ = run("mappings", "show", "order_states")
    assert "order_states_lang" in out
    assert "mappings/resources/order_states.toml:" in out
    names = {row["resource"] for row in json.loads(run("mappings", "show", "--json")[1])["resources"]}
    assert "orders" in names
    assert "states" not in names
    code, _, err = run("mappings", "show", "carts")
    assert (code, "mappings suggest carts" in err) == (65, True)


# --- suggest --------------------------------------------------------------------------------------------------------


def test_a_suggested_resource_is_written_checked_and_mirrored(run, world):
    code, printed, _ = run("mappings", "suggest", "order_details")
    assert code == 0
    assert not list((world.folder / "own").iterdir())
    code, out, _ = run("mappings", "suggest", "order_details", "--write")
    path = world.folder / "own" / "order_details.toml"
    assert (code, str(path) in out, path.read_text()) == (0, True, printed)
    assert run("mappings", "check", "--online")[0] == 0
    assert run("sync", "--only", "pull")[0] == 0
    with world.app() as app:
        assert app.mirror.queries.table_counts("main")["order_details"] == world.shop.count("order_details") > 0


def test_a_file_that_is_there_is_not_overwritten(run, world):
    file = own(world, "orders", "[fields]\nnote = false\n")
    code, _, err = run("mappings", "suggest", "orders", "--write")
    assert (code, f"{file} is there already" in err) == (73, True)
    assert "note" in (world.folder / "own" / "orders.toml").read_text()
    code, out, _ = run("mappings", "suggest", "orders")
    assert (code, 'note = "text personal"' in out, "pull" in out) == (0, True, False)


def test_nothing_is_suggested_where_nothing_is_missing(run, world):
    code, out, _ = run("mappings", "suggest", "order_carriers", "--write")
    assert (code, "all fields of order_carriers are mapped" in out) == (0, True)
    assert not list((world.folder / "own").iterdir())


def test_a_resource_that_the_shop_does_not_name_is_told_with_its_like(run, world):
    code, _, err = run("mappings", "suggest", "order_detials")
    assert (code, "order_details" in err) == (65, True)
    world.shop.add_key("K" * 32, {"orders": frozenset({"POST"})})
    world.config.write_text(world.config.read_text().replace(world.shop.full_key, "K" * 32))
    code, _, err = run("mappings", "suggest", "orders")
    assert (code, "orders" in err) == (77, True)


def test_without_a_folder_nothing_is_written(run, world):
    world.config.write_text(world.config.read_text().replace('mappings_dir = "own"\n', ""))
    code, _, err = run("mappings", "suggest", "order_details", "--write")
    assert (code, "mappings_dir" in err) == (78, True)


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_a_shop_serves_can_be_suggested_and_mirrored(tmp_path, capsys, version):
    """Every resource that the sandbox has rows of, the shipped ones too: what those lack is laid over them."""
    with World(tmp_path / "state", version=version) as world:
        folder = world.folder / "own"
        folder.mkdir()
        world.config.write_text('mappings_dir = "own"\n' + world.config.read_text())
        for name in load_resources(Dialect(version).mark):
            with pytest.raises(SystemExit) as ended:
                main(["--config", str(world.config), "mappings", "suggest", name, "--write"])
            assert not ended.value.code, (name, capsys.readouterr())
        suggested = {"order_details", "shop_groups", "carts", "product_suppliers"}
        assert {f"{name}.toml" for name in suggested} <= {path.name for path in folder.iterdir()}
        report = world.sync(only=("pull",))
        assert (report.code, report.errors) == (0, [])
        with world.app() as app:
            counts = app.mirror.queries.table_counts("main")
            for name in (*suggested, "orders", "customers"):
                assert counts[name] == world.shop.count(name) > 0, name
            lying = world.shop.world.store.query("SELECT id_cart, id_product, quantity FROM cart_product")
            with app.mirror.database.read() as connection:
                found = connection.execute(text("SELECT parent_id, id_product, quantity FROM cart_rows")).all()
            assert sorted(map(tuple, found)) == sorted(map(tuple, lying))
            assert app.mirror.quarantine.list("main", None, 10) == []

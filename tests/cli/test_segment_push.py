"""`segment push`: a customer group kept filled, and nobody taken out whom somebody else put in."""

from __future__ import annotations

import json
import zipfile

import pytest

from connector.cli.main import main
from connector.core.model import IntentState
from connector.sandbox.shop import SandboxShop
from connector.sandbox.shop.faults import Misbehave
from connector.wiring import App
from connector.wiring import segments as data
from tests.support.world import World

GROUP = 4


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("push") / "state"
    shop = SandboxShop(orders=40, customers=16, threads=5)
    for row in shop.rows("customers"):
        kept = {"firstname": "Ann", "lastname": "Smith", "company": "", "email": f"ann{row['id']}@example.com"}
        shop.update_row("customers", row["id"], **kept)
    with World(folder, shop=shop, with_smtp=False) as here:
        (folder / "own").mkdir()
        here.config.write_text('mappings_dir = "own"\n' + here.config.read_text())
        for number in (5, 9):
            shop.world.store.set_groups(number, [3, GROUP])
        here.sync(only=("pull",))
        yield here


@pytest.fixture(scope="module")
def app(world):
    with world.app() as opened:
        yield opened


@pytest.fixture
def run(world, capsys):
    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *map(str, arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def wants(world, app):
    """The segment is about the customers with these ids."""

    def write(*ids: int, group: str = "Professionals") -> None:
        for number in [row["id"] for row in world.shop.rows("customers")]:
            world.shop.update_row("customers", number, optin=int(number in ids), is_guest=0, deleted=0, active=1)
            world.shop.touch("customers", number)
        text = f'[regulars]\nwhen.optin = true\nconsent = "none"\ngroup = "{group}"\n'
        (world.folder / "own" / "segments.toml").write_text(text)
        pull(app)

    return write


def pull(app: App) -> None:
    """What changed of the customers, and nothing else: a whole cycle takes a second."""
    assert app.mirror.leases.take("main", app.holder, 60)
    app.legs("main").pull(lambda: False, ["customers"])
    app.mirror.leases.release("main", app.holder)


def inside(world: World, group: int = GROUP) -> set[int]:
    return {row["id"] for row in world.shop.rows("customers") if group in world.shop.groups_of(row["id"])}


def whole(world: World) -> dict[int, tuple]:
    """Every field of every customer that a push must leave alone."""
    rows = world.shop.rows("customers")
    return {row["id"]: tuple(v for k, v in row.items() if k != "date_upd") for row in rows}


def push(app: App) -> dict:
    """As the command does it, in a process that is there already. Everything that was asked for must come about."""
    one = data.named(app, "main", "regulars")
    pushing = data.pushing(app, "main")
    planned = pushing.plan(one)
    intents = pushing.wish(one, planned, allow_mass_change=True)
    assert app.mirror.leases.take("main", app.holder, 60)
    app.legs("main").push(lambda: False, [intent.id for intent in intents])
    app.legs("main").pull(lambda: False, ["customers"])
    app.mirror.leases.release("main", app.holder)
    assert {app.mirror.outbox.get(intent.id).state for intent in intents} <= {IntentState.CONFIRMED}
    found = planned.changes
    return {"add": [*found.add], "remove": [n for _, n in found.remove], "held": found.held, "refused": found.refused}


def test_a_group_is_filled_and_emptied_of_its_own_people_only(world, run, wants, app):
    by_hand = inside(world)
    assert by_hand  # the seed puts some there
    stranger = min(by_hand)
    wants(1, 2, 6, stranger)
    before = whole(world)
    told = json.loads(run("segment", "push", "regulars", "--dry-run", "--json")[1])
    assert (told["add"], told["remove"], told["put_there_by_others"]) == ([1, 2, 6], [], len(by_hand))
    assert inside(world) == by_hand  # nothing was done
    code, out, _ = run("segment", "push", "regulars")
    assert (code, "3 to join, 0 to leave" in out, "3 confirmed" in out) == (0, True, True)
    assert inside(world) == by_hand | {1, 2, 6}
    again = push(app)
    assert again["add"] == again["remove"] == []
    assert whole(world) == before  # password hash, secure key and all the rest
    assert all({3} <= set(world.shop.groups_of(number)) for number in (1, 2, 6))

    wants(2)
    assert push(app)["remove"] == [1, 6]
    assert inside(world) == by_hand | {2}  # the stranger is no regular any more, and stays
    world.shop.world.store.set_groups(2, [3])  # somebody takes 2 out, though they belong into it
    world.shop.touch("customers", 2)
    pull(app)
    assert push(app)["add"] == [2]
    assert inside(world) == by_hand | {2}
    wants()
    assert push(app)["remove"] == [2]
    assert inside(world) == by_hand


def test_who_was_there_when_we_came_is_not_ours(world, run, wants, app):
    wants(7)
    world.shop.world.store.set_groups(7, [3, GROUP])  # by hand, and the mirror does not know yet
    assert push(app)["add"] == [7]
    pull(app)
    wants()
    assert push(app)["remove"] == []
    assert 7 in inside(world)
    world.shop.world.store.set_groups(7, [3])
    world.shop.touch("customers", 7)


def test_a_default_group_is_left_to_its_customer(world, run, wants, app):
    wants(1, 2)
    push(app)
    world.shop.update_row("customers", 1, id_default_group=GROUP)
    wants()
    told = push(app)
    assert (told["held"], told["remove"]) == ((1,), [2])
    world.shop.update_row("customers", 1, id_default_group=3)
    wants()
    assert push(app)["remove"] == [1]


def test_a_new_group_takes_its_people_along(world, run, wants, app):
    wants(1, 2)
    push(app)
    wants(2, 6, group="Visitor")
    told = push(app)
    assert (told["add"], told["remove"]) == ([2, 6], [1, 2])
    assert {2, 6} <= inside(world, 1)
    assert not {1, 2} & inside(world)
    wants()
    push(app)
    assert not {2, 6} & inside(world, 1)


def test_many_at_once_need_a_word(world, run, wants, app):
    everybody = [row["id"] for row in world.shop.rows("customers")]
    before = inside(world)
    wants(*everybody)
    code, _, err = run("segment", "push", "regulars")
    assert (code, "--allow-mass-change" in err, inside(world)) == (1, True, before)
    code, out, _ = run("segment", "push", "regulars", "--dry-run")
    assert (code, "needs --allow-mass-change" in out) == (0, True)
    assert run("segment", "push", "regulars", "--allow-mass-change")[0] == 0
    assert inside(world) == set(everybody)
    wants()
    assert run("segment", "push", "regulars")[0] == 1
    push(app)
    assert inside(world) == before


def test_a_shop_that_goes_away_in_between_leaves_the_rest_for_later(world, run, wants, app):
    before = inside(world)
    wants(1, 2, 6)
    world.shop.misbehave(Misbehave("unavailable", method="PATCH", skip=1, times=None))
    try:
        code, out, err = run("segment", "push", "regulars", "--json")
    finally:
        world.shop.behave()
    assert (code, sum(json.loads(out)["states"].values())) == (75, 3), err
    assert len(inside(world) - before) == 1
    assert push(app)["add"] == []  # they are on their way
    world.clock.sleep(3600)
    world.sync(only=("push",))
    assert inside(world) - before == {1, 2, 6}
    wants()
    push(app)
    assert inside(world) == before


def test_whom_the_shop_refuses_is_not_asked_again(world, run, wants, app):
    world.shop.update_row("customers", 1, company="<Dupont>")  # older than today's validators
    wants(1, 2)
    code, out, _ = run("segment", "push", "regulars", "--json")
    assert (code, json.loads(out)["states"]) == (65, {"confirmed": 1, "failed": 1})
    told = push(app)
    assert (told["add"], told["refused"]) == ([], (1,))
    assert "1 refused by the shop (1)" in run("segment", "push", "regulars", "--dry-run")[1]
    world.shop.update_row("customers", 1, company="")
    (dead,) = app.mirror.outbox.listing("main", [IntentState.FAILED])
    assert run("outbox", "cancel", dead.id)[0] == 0
    assert push(app)["add"] == [1]
    assert {1, 2} <= inside(world)
    wants()
    assert push(app)["remove"] == [1, 2]


def test_a_group_that_cannot_be_is_said_with_its_place(world, run, wants, app):
    wants(1, group="Nobody's group")
    place = f"{world.folder}/own/segments.toml:1"
    code, _, err = run("segment", "push", "regulars")
    assert (code, place in err) == (65, True)
    code, _, err = run("segment", "push", "loyal")
    assert (code, "no customer group of its own" in err) == (65, True)
    assert run("segment", "push", "strangers")[0] == 65
    assert app.mirror.outbox.listing("main", [IntentState.PLANNED, IntentState.IN_DOUBT]) == []


def test_who_is_erased_is_remembered_by_no_segment(world, run, wants, app, tmp_path):
    wants(1, 2)
    push(app)
    assert run("customer", "export", 1, "--out", tmp_path / "one.zip")[0] == 0
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        (row,) = json.loads(archive.read("main/segments.json"))
    assert (row["segment"], row["id_group"], row["id_customer"]) == ("regulars", GROUP, 1)
    assert run("customer", "erase", 1, "--yes")[0] == 0
    wants()
    assert push(app)["remove"] == [2]
    world.shop.world.store.set_groups(1, [3])
    wants(1, 2)
    assert push(app)["add"] == [2]  # 1 is nobody here
    wants()
    push(app)


def test_an_older_shop_is_asked_only_when_put_is_allowed(tmp_path):
    shop = SandboxShop("1.7.8.11", orders=10, customers=4, threads=1)
    text = '[regulars]\nwhen.orders = { at_least = 0 }\nconsent = "none"\ngroup = 4\n'
    with World(tmp_path / "state", shop=shop, with_smtp=False) as here:
        (here.folder / "own").mkdir()
        (here.folder / "own" / "segments.toml").write_text(text)
        settings = 'mappings_dir = "own"\n' + here.config.read_text()
        here.config.write_text(settings)
        here.sync(only=("pull",))
        before, members = whole(here), inside(here)
        arguments = ["--config", str(here.config), "segment", "push", "regulars"]
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert (ended.value.code, inside(here)) == (65, members)
        here.config.write_text(settings.replace("settle_seconds", "allow_customer_put = true\nsettle_seconds"))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code
        assert inside(here) > members
        assert whole(here) == before

"""`segment list|show|export|push` as a user meets them, with a shop that changes its mind in between."""

from __future__ import annotations

import csv
import json
import stat
from datetime import datetime
from pathlib import Path

import pytest

from connector.cli.main import main
from connector.mirror.own_tables import bounce, mail
from connector.sandbox.shop import SandboxShop
from connector.sandbox.shop.faults import Misbehave
from tests.support.world import World

SEGMENTS = """
[buyers]
title = "Has bought"
when.orders = { at_least = 1 }
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segments") / "state"
    shop = SandboxShop(orders=250, customers=60, threads=40)
    for number in range(1, 40, 2):
        shop.update_row("customers", number, newsletter=1)
    with World(folder, shop=shop, with_smtp=False) as here:
        (folder / "own").mkdir()
        (folder / "own" / "segments.toml").write_text(SEGMENTS)
        here.config.write_text('mappings_dir = "own"\n' + here.config.read_text())
        here.sync(only=("pull",))
        yield here


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
def exported(run, tmp_path):
    """Addresses on the list of a segment, from a fresh file."""
    numbers = iter(range(1000))

    def export(name: str, *more: str) -> list[str]:
        path = tmp_path / f"{next(numbers)}.csv"
        code, out, err = run("segment", "export", name, "--out", path, *more)
        assert code == 0, out + err
        return [row["address"] for row in rows_of(path)]

    return export


def pull(world: World) -> None:
    """What changed of the people, and nothing else: a whole cycle takes a second."""
    with world.app() as app:
        assert app.mirror.leases.take("main", app.holder, 60)
        app.legs("main").pull(lambda: False, ["customers", "customer_threads"])
        app.mirror.leases.release("main", app.holder)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_names_conditions_and_places(run, world):
    found = json.loads(run("segment", "list", "--json")[1])["segments"]
    assert [one["name"] for one in found] == ["buyers", "new", "loyal", "at_risk", "vip", "waiting_for_an_answer"]
    assert found[0]["when"] == {"orders": {"at_least": "1", "at_most": None}}
    assert found[0]["file"] == str(world.folder / "own" / "segments.toml")
    code, out, _ = run("segment", "list", "--shop", "main")
    assert (code, "orders at least 1" in out) == (0, True)


def test_show_tells_how_many_and_the_first_of_them(run, exported):
    addresses = exported("buyers")
    shown = json.loads(run("segment", "show", "buyers", "--limit", 2, "--json")[1])
    assert [one["address"] for one in shown["entries"]] == addresses[:2]
    assert (shown["listed"], shown["people"]) == (len(addresses), len(addresses) + sum(shown["left_out"].values()))
    code, out, _ = run("segment", "show", "buyers", "--limit", 2)
    assert (code, f"and {len(addresses) - 2} more" in out, addresses[1] in out) == (0, True, True)
    code, out, _ = run("segment", "show", "waiting_for_an_answer")
    assert (code, "with consent" in out) == (0, False)


def test_mistakes_are_said_by_the_commands(run, world):
    path = world.folder / "own" / "segments.toml"
    kept = path.read_text()
    path.write_text("[buyers]\nwhen.money = 1\n")
    try:
        for arguments in (("segment", "list"), ("segment", "show", "vip"), ("mappings", "check")):
            code, _, err = run(*arguments)
            assert (code, f"{path}:2: unknown key `when.money`" in err) == (78, True)
        assert run("status")[0] == 0  # nobody else asks for segments
    finally:
        path.write_text(kept)
    assert "segments: 6" in run("mappings", "check")[1]


def test_nobody_is_told_apart_before_the_mirror_was_filled(tmp_path, world, run):
    settings = world.config.read_text()
    state = str(world.folder)
    empty = settings.replace(f'state_dir = "{state}"', f'state_dir = "{tmp_path}"').replace('url = ""', "")
    world.config.write_text(empty.replace('mappings_dir = "own"', f'mappings_dir = "{state}/own"'))
    try:
        code, _, err = run("segment", "export", "buyers", "--out", tmp_path / "list.csv")
        assert (code, "customers, languages, orders" in err) == (75, True)
        assert run("segment", "push", "buyers")[0] == 65
    finally:
        world.config.write_text(settings)


def test_a_hostile_name_stays_a_name(world, run, tmp_path):
    hostile = '=HYPERLINK("http://evil.test","x")\nsecond line'
    before = {row["id"]: row["firstname"] for row in world.shop.rows("customers")}
    for number in before:
        world.shop.update_row("customers", number, firstname=hostile)
        world.shop.touch("customers", number)
    pull(world)
    path = tmp_path / "list.csv"
    assert run("segment", "export", "buyers", "--out", path)[0] == 0
    rows = rows_of(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) == len(rows) + 1
    assert {row["firstname"] for row in rows} == {"'" + hostile.replace("\n", " ")}
    assert "\nsecond line" not in run("segment", "show", "buyers")[1]
    for number, name in before.items():
        world.shop.update_row("customers", number, firstname=name)
        world.shop.touch("customers", number)
    pull(world)


# --- consent --------------------------------------------------------------------------------------------------------


def test_a_consent_withdrawn_a_second_before_is_respected(world, exported):
    before = exported("buyers")
    gone, other, back = (
        next(row["id"] for row in world.shop.rows("customers") if row["email"] == address) for address in before[:3]
    )
    world.shop.update_row("customers", gone, newsletter=0)  # as the newsletter module does: no date moves
    world.shop.update_row("customers", other, active=0)
    world.shop.update_row("customers", back, deleted=1)
    assert exported("buyers") == before[3:]
    assert exported("buyers", "--offline") == before  # the mirror does not know yet
    world.shop.update_row("customers", gone, newsletter=1)
    world.shop.update_row("customers", other, active=1)
    world.shop.update_row("customers", back, deleted=0)
    assert exported("buyers") == before


def test_who_withdrew_in_one_of_two_accounts_is_not_on_the_list(world, exported):
    before = exported("buyers")
    row = next(row for row in world.shop.rows("customers") if row["email"] == before[0])
    twin = {name: row[name] for name in ("lastname", "firstname", "id_lang", "id_shop", "id_default_group")}
    written = before[0].upper()
    number = world.shop.put_row("customers", {**twin, "email": written, "newsletter": 0, "active": 1, "groups": [3]})
    world.shop.touch("customers", number)  # it is in no mirror yet
    assert exported("buyers") == before[1:]
    pull(world)
    assert exported("buyers") == before[1:]
    assert exported("buyers", "--offline") == before[1:]
    world.shop.update_row("customers", number, newsletter=1)
    assert exported("buyers") == before  # one line for both
    world.shop.update_row("customers", number, deleted=1)
    assert exported("buyers") == before[1:]
    world.shop.delete_row("customers", number)
    pull(world)


def test_an_address_that_changed_since_is_not_written_to(world, exported):
    before = exported("buyers")
    row = next(row for row in world.shop.rows("customers") if row["email"] == before[0])
    world.shop.update_row("customers", row["id"], email="moved@example.com")
    world.shop.touch("customers", row["id"])
    assert exported("buyers") == before[1:]
    pull(world)
    assert exported("buyers") == sorted([*before[1:], "moved@example.com"])
    world.shop.update_row("customers", row["id"], email=before[0])
    world.shop.touch("customers", row["id"])
    pull(world)
    assert exported("buyers") == before


def test_without_an_answer_of_the_shop_there_is_no_list(world, run, tmp_path):
    path = tmp_path / "list.csv"
    try:
        world.shop.misbehave(Misbehave("unavailable", resource="customers", skip=2, times=None))  # in the middle of it
        code, _, err = run("segment", "export", "buyers", "--out", path)
        assert (code, path.exists()) == (69, False), err
        code, out, _ = run("segment", "export", "buyers", "--offline", "--out", path, "--json")
    finally:
        world.shop.behave()
    told = json.loads(out)
    rows = rows_of(path)
    assert (code, told["listed"]) == (0, len(rows))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    as_of = datetime.fromisoformat(told["as_of"].replace("Z", "+00:00"))
    assert as_of <= world.clock.now()
    assert {(row["read_from"], row["as_of"], row["consent"]) for row in rows} == {
        ("mirror", told["as_of"], "newsletter")
    }
    assert {int(row["age_seconds"]) for row in rows} == {told["age_seconds"]}
    code, _, err = run("segment", "export", "buyers", "--offline", "--out", path)
    assert (code, len(rows_of(path))) == (73, len(rows))  # never over one that is there


def test_bouncing_and_erased_people_are_left_out(world, run, exported):
    before = exported("buyers")
    rows = {row["email"]: row["id"] for row in world.shop.rows("customers")}
    thread = world.shop.rows("customer_threads")[0]
    with world.app() as app:
        copy = {
            "shop": "main",
            "mailbox": "support",
            "folder": "INBOX",
            "role": "customers",
            "uidvalidity": 1,
            "uid": 1,
        }
        copy |= {"internaldate": world.clock.now(), "size": 1, "mail_key": "k", "message_id": "m", "from_addr": ""}
        copy |= {"subject": "", "state": "ignored", "reason": "bounce", "backfill": False, "text_hash": ""}
        copy |= {"uid": 1, "entered_at": world.clock.now()}
        with app.mirror.database.write() as connection:
            number = connection.execute(mail.insert().values(copy)).inserted_primary_key[0]
            told = {"copy_id": number, "shop": "main", "message_id": "m", "id_thread": thread["id"], "action": "failed"}
            connection.execute(bounce.insert().values(told | {"status": "5.1.1", "at": world.clock.now()}))
    world.shop.update_row("customer_threads", thread["id"], email=before[0])
    world.shop.touch("customer_threads", thread["id"])
    pull(world)
    assert exported("buyers") == before[1:]
    assert run("customer", "erase", rows[before[1]], "--yes")[0] == 0
    assert exported("buyers") == before[2:]
    world.shop.touch("customers", rows[before[1]])  # changed there, and still nobody here
    assert exported("buyers") == before[2:]

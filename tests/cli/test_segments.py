"""`segment list|show|export|push` as a user meets them, with a shop that changes its mind in between."""

from __future__ import annotations

import csv
import json
import stat
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connector.cli.main import main
from connector.mirror.own_tables import bounce, mail
from connector.sandbox.shop import SandboxShop
from connector.sandbox.shop.faults import Misbehave
from tests.support.world import World

SEGMENTS = """
[everybody]
when.orders = { at_least = 0 }
consent = "none"

[buyers]
title = "Has bought"
when.orders = { at_least = 1 }

[offers]
when.orders = { at_least = 1 }
consent = "optin"

[regulars]
when.orders = { at_least = 6 }
when.spent = { at_least = 150, at_most = 400 }
when.country = ["fr", "de", "es"]
unless.product = ["demo_3", 5]
consent = "none"
group = "Visitor"

[french]
when.language = "fr"
unless.group = "Guest"
when.guest = false
consent = "none"
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


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the people, computed from the shop's own rows ------------------------------------------------------------------


class Plain:
    """Everybody with an address, by plain Python over the shop's tables."""

    def __init__(self, shop: SandboxShop) -> None:
        self.accounts = defaultdict(list)
        for row in shop.rows("customers"):
            self.accounts[row["email"].casefold()].append(row)
        owner = {row["id"]: address for address, rows in self.accounts.items() for row in rows}
        self.orders, self.spent, self.products = defaultdict(int), defaultdict(Decimal), defaultdict(set)
        for order in shop.rows("orders", valid=1):
            address = owner.get(order["id_customer"])
            self.orders[address] += 1
            self.spent[address] += Decimal(order["total_paid"]) / Decimal(order["conversion_rate"])
            for line in shop.rows("order_details", id_order=order["id"]):
                self.products[address] |= {line["product_id"], line["product_reference"].casefold()}
        codes = {row["id"]: row["iso_code"].casefold() for row in shop.rows("countries")}
        self.countries = defaultdict(set)
        for row in shop.rows("addresses", deleted=0):
            if row["id_customer"] in owner:
                self.countries[owner[row["id_customer"]]].add(codes[row["id_country"]])
        self.languages = {row["id"]: row["iso_code"].casefold() for row in shop.rows("languages")}
        self.groups = {number: set(shop.groups_of(number)) for number in owner}

    def living(self, address: str) -> list[dict]:
        return [row for row in self.accounts[address] if not row["deleted"]]

    def where(self, holds) -> list[str]:
        return sorted(address for address in self.accounts if self.living(address) and holds(address))

    def may_be_mailed(self, address: str, flag: str) -> bool:
        rows = self.accounts[address]
        return all(row[flag] and not row["deleted"] for row in rows) and any(row["active"] for row in rows)


def test_the_people_are_those_that_the_shops_own_rows_give(world, exported):
    plain = Plain(world.shop)
    assert exported("everybody") == plain.where(lambda a: True)
    assert exported("buyers") == plain.where(lambda a: plain.orders[a] and plain.may_be_mailed(a, "newsletter"))
    assert exported("offers") == plain.where(lambda a: plain.orders[a] and plain.may_be_mailed(a, "optin"))
    regulars = plain.where(
        lambda a: (
            plain.orders[a] >= 6
            and 150 <= plain.spent[a] <= 400
            and plain.countries[a] & {"fr", "de", "es"}
            and not plain.products[a] & {5, "demo_3"}
        )
    )
    assert regulars
    assert exported("regulars") == regulars
    french = plain.where(
        lambda a: (
            any(plain.languages[row["id_lang"]] == "fr" for row in plain.living(a))
            and not any(2 in plain.groups[row["id"]] for row in plain.living(a))
            and not all(row["is_guest"] for row in plain.living(a))
        )
    )
    assert french
    assert exported("french") == french


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
    world.sync(only=("pull",))
    assert exported("buyers") == before[1:]
    assert exported("buyers", "--offline") == before[1:]
    world.shop.update_row("customers", number, newsletter=1)
    assert exported("buyers") == before  # one line for both
    world.shop.update_row("customers", number, deleted=1)
    assert exported("buyers") == before[1:]
    world.shop.delete_row("customers", number)
    world.sync(only=("pull",))


def test_an_address_that_changed_since_is_not_written_to(world, exported):
    before = exported("buyers")
    row = next(row for row in world.shop.rows("customers") if row["email"] == before[0])
    world.shop.update_row("customers", row["id"], email="moved@example.com")
    world.shop.touch("customers", row["id"])
    assert exported("buyers") == before[1:]
    world.sync(only=("pull",))
    assert exported("buyers") == sorted([*before[1:], "moved@example.com"])
    world.shop.update_row("customers", row["id"], email=before[0])
    world.shop.touch("customers", row["id"])
    world.sync(only=("pull",))
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
    world.sync(only=("pull",))
    assert exported("buyers") == before[1:]
    assert run("customer", "erase", rows[before[1]], "--yes")[0] == 0
    assert exported("buyers") == before[2:]
    world.shop.touch("customers", rows[before[1]])  # changed there, and still nobody here
    assert exported("buyers") == before[2:]

"""Who is in a segment, against plain Python over the shop's own tables, on both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connector.sandbox.shop import SandboxShop
from connector.wiring import segments as data
from tests.support.world import World

PARIS = ZoneInfo("Europe/Paris")
DAYS = (datetime.now(PARIS) - datetime(2025, 1, 1, tzinfo=PARIS)).days
SEGMENTS = f"""
[everybody]
when.orders = {{ at_least = 0 }}
consent = "none"

[buyers]
when.orders = {{ at_least = 1 }}

[offers]
when.orders = {{ at_least = 1 }}
consent = "optin"

[regulars]
when.orders = {{ at_least = 2 }}
when.spent = {{ at_least = 50.5, at_most = 400 }}
when.country = ["fr", "de", "es", "gb"]
unless.product = ["DEMO_3", 5]
consent = "none"
group = "Professionals"

[lately]
within_days = {DAYS}
when.spent = {{ at_least = 60 }}
when.average = {{ at_most = 45 }}
when.last_order_days = {{ at_most = {DAYS - 30} }}
consent = "none"

[french]
when.language = "fr"
unless.group = "Invité"
when.guest = false
consent = "none"
"""


class Plain:
    """Everybody with an address."""

    def __init__(self, shop: SandboxShop) -> None:
        self.accounts: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in shop.rows("customers"):
            self.accounts[row["email"].casefold()].append(row)
        owner = {row["id"]: address for address, rows in self.accounts.items() for row in rows}
        self.orders: dict[str, list[tuple[datetime, Decimal]]] = defaultdict(list)
        self.products: dict[str, set[object]] = defaultdict(set)
        for order in shop.rows("orders", valid=1):
            address = owner.get(order["id_customer"], "")
            money = Decimal(order["total_paid"]) / Decimal(order["conversion_rate"])
            at = datetime.fromisoformat(order["date_add"]).replace(tzinfo=PARIS)
            self.orders[address].append((at, money.quantize(Decimal("0.000001"), ROUND_HALF_UP)))
            for line in shop.rows("order_details", id_order=order["id"]):
                self.products[address] |= {line["product_id"], line["product_reference"]}
        codes = {row["id"]: row["iso_code"].casefold() for row in shop.rows("countries")}
        self.countries: dict[str, set[str]] = defaultdict(set)
        for row in shop.rows("addresses", deleted=0):
            if row["id_customer"] in owner:
                self.countries[owner[row["id_customer"]]].add(codes[row["id_country"]])
        self.french = next(row["id"] for row in shop.rows("languages") if row["iso_code"] == "fr")
        self.guests = {number for number in owner if 2 in shop.groups_of(number)}

    def living(self, address: str) -> list[dict[str, Any]]:
        return [row for row in self.accounts[address] if not row["deleted"]]

    def where(self, holds: Callable[[str], object]) -> list[str]:
        return sorted(address for address in self.accounts if self.living(address) and holds(address))

    def spent(self, address: str, since: datetime | None = None) -> list[Decimal]:
        return [money for at, money in self.orders[address] if since is None or at >= since]

    def may_be_mailed(self, address: str, flag: str) -> bool:
        rows = self.accounts[address]
        return all(row[flag] and not row["deleted"] for row in rows) and any(row["active"] for row in rows)


def test_the_people_of_a_segment_are_those_that_the_shops_own_rows_give(tmp_path: Path) -> None:
    shop = SandboxShop(orders=100, customers=30, threads=20)
    for number in range(1, 30, 3):
        shop.update_row("customers", number, newsletter=1)
    for number in range(2, 100, 3):
        shop.update_row("orders", number, conversion_rate="1.080000", id_currency=2)
    with World(tmp_path / "state", shop=shop, with_smtp=False) as world:
        (world.folder / "own").mkdir()
        (world.folder / "own" / "segments.toml").write_text(SEGMENTS)
        world.config.write_text('mappings_dir = "own"\n' + world.config.read_text())
        with world.app() as app:
            world.sync(app=app, only=("pull",))
            selection = data.selection(app, "main")
            listings = {one.name: selection.listing(one) for one in data.known(app).of("main")}
            there = {row["id"] for row in shop.rows("customers") if 4 in shop.groups_of(row["id"])}
            pushing, regulars = data.pushing(app, "main"), data.named(app, "main", "regulars")
            planned = pushing.plan(regulars)
            made = pushing.wish(regulars, planned, allow_mass_change=True)
            again = pushing.plan(regulars).changes
            assert (again.count, again.under_way) == (0, len(made))
            assert app.mirror.leases.take("main", app.holder, 60)
            app.legs("main").push(lambda: False)
            app.legs("main").pull(lambda: False, ["customers"])
            inside = {row["id"] for row in shop.rows("customers") if 4 in shop.groups_of(row["id"])}
            assert inside == there | set(planned.changes.add) > there
            after = pushing.plan(regulars).changes
            assert (after.count, after.under_way, after.own, after.others) == (0, 0, len(made), len(there))
            waiting = {row["email"].casefold() for row in app.mirror.waiting.threads("main", 1000)}
    plain = Plain(shop)
    today = datetime.now(PARIS)
    since = today - timedelta(days=DAYS)
    expected = {
        "everybody": plain.where(lambda a: True),
        "buyers": plain.where(lambda a: plain.orders[a] and plain.may_be_mailed(a, "newsletter")),
        "offers": plain.where(lambda a: plain.orders[a] and plain.may_be_mailed(a, "optin")),
        "regulars": plain.where(
            lambda a: (
                len(plain.orders[a]) >= 2
                and Decimal("50.5") <= sum(plain.spent(a)) <= 400
                and plain.countries[a] & {"fr", "de", "es", "gb"}
                and not plain.products[a] & {5, "demo_3"}
            )
        ),
        "lately": plain.where(
            lambda a: (
                sum(plain.spent(a, since)) >= 60
                and sum(plain.spent(a, since)) <= 45 * len(plain.spent(a, since))
                and max(at for at, _ in plain.orders[a]) >= today - timedelta(days=DAYS - 30)
            )
        ),
        "french": plain.where(
            lambda a: (
                any(row["id_lang"] == plain.french for row in plain.living(a))
                and not any(row["id"] in plain.guests for row in plain.living(a))
                and not all(row["is_guest"] for row in plain.living(a))
            )
        ),
        "waiting_for_an_answer": sorted(waiting),
    }
    assert all(expected.values())
    assert {name: [one.person.address for one in listings[name].entries] for name in expected} == expected
    money = {one.person.address: one.person.spent for one in listings["everybody"].entries}
    assert money == {address: sum(plain.spent(address), Decimal(0)) for address in expected["everybody"]}
    assert sum(listings["buyers"].left_out.values()) + len(expected["buyers"]) == len(plain.where(plain.orders.get))

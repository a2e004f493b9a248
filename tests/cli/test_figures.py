"""`figures service|customers` as a user meets them: a table, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from connector.cli.figure_rows import age, band
from connector.cli.main import main
from connector.core.figures import Band
from connector.sandbox.shop import SandboxShop
from tests.support.world import World

NAME = "=1+1 \x1b[31mRue"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    shop = SandboxShop("8.2.1", orders=60, seed=5)
    shop.update_row("employees", 2, firstname=NAME)
    with World(tmp_path_factory.mktemp("figures"), shop=shop, with_smtp=False) as here:
        here.sync(only=("pull",))
        yield here


@pytest.fixture
def run(world, capsys):
    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), "figures", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


def test_customers_as_a_table_beside_the_month_before(run):
    code, out, _ = run("customers", "--period", "2025-03")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "shop main: 2025-03, before it 2025-02 (EUR)"
    headings = next(line for line in lines if line.startswith("customers  "))
    assert headings.split() == ["customers", "2025-03", "2025-02", "change"]
    for part in ("average order", "refunds", "country:", "carrier:", "payment module:", "product:", "best customers"):
        assert any(line.startswith(part) for line in lines), part


def test_service_as_a_table_with_everybody_s_hours(run):
    code, out, _ = run("service", "--period", "2025", "--shop", "main")
    assert code == 0
    for part in ("waiting for an answer", "now by contact", "now by language", "now by age", "first answer: median",
                 "closing: median", "employee:", "mails", "messages of customers  00", "Sunday"):  # fmt: skip
        assert f"\n{part}" in out, part
    assert "\x1b" not in out


def test_a_period_that_still_runs_says_so(run):
    period = f"{date.today():%Y}-01-01..{date.today() + timedelta(days=9)}"  # noqa: DTZ011 - the machine's is fine
    assert " days so far), before it " in run("customers", "--period", period)[1].splitlines()[0]
    assert "so far" not in run("customers")[1]


def test_csv_has_one_figure_a_line_and_no_formula(run):
    code, out, _ = run("service", "--period", "2025-W14", "--csv")
    found = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert {row["period"] for row in found} == {"2025-W14"}
    assert {row["before"] for row in found} == {"2025-W13"}
    assert sum(1 for row in found if row["section"] == "weekday and hour") == 2 * 7 * 24
    assert len({(row["section"], row["id"], row["name"], row["figure"]) for row in found}) == len(found)
    names = {row["name"] for row in csv.DictReader(io.StringIO(run("service", "--period", "2025", "--csv")[1]))}
    assert any(name.startswith("'=1+1  [31mRue") for name in names)


def test_csv_and_json_tell_the_same(run):
    rows = list(csv.DictReader(io.StringIO(run("customers", "--period", "2025", "--csv")[1])))
    (shop,) = json.loads(run("customers", "--period", "2025", "--json")[1])["shops"]
    table = {row["figure"]: row for row in rows if row["section"] == "customers"}
    for figure, field in (("orders", "orders"), ("total", "total"), ("new customers", "new")):
        assert table[figure]["this_value"] == str(shop["this"][field])
        assert table[figure]["before_value"] == str(shop["before"][field])
    assert (shop["currency"], table["total"]["unit"]) == ("EUR", "EUR")
    sold = [row for row in rows if row["section"] == "country" and row["unit"] == "EUR"]
    assert sum(Decimal(row["this_value"]) for row in sold) == Decimal(shop["this"]["total"])


def test_json_has_a_shape_for_scripts(run):
    (shop,) = json.loads(run("service", "--json")[1])["shops"]
    assert set(shop) == {"shop", "now", "this", "before"}
    assert shop["this"]["period"]["span"] == "days"
    assert shop["now"]["at"].endswith("Z")
    assert shop["now"]["contacts"][0]["total"] == sum(shop["now"]["contacts"][0]["statuses"].values())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("customers", "--period", "2025-13"), 65, "2025-13 is no period"),
        (("customers", "--json", "--csv"), 64, "were both given"),
        (("service", "--shop", "other"), 65, "other"),
    ],
)
def test_mistakes_are_told(run, arguments, code, says):
    ended, _, err = run(*arguments)
    assert (ended, says in err) == (code, True)


def test_bands_read_as_people_say_them():
    assert [age(Band(*ends, 0)) for ends in ((None, 14_400), (14_400, 86_400), (7_776_000, None))] == [
        "under 4 h", "4 h to 1 d", "over 90 d",
    ]  # fmt: skip
    assert [band(Band(*ends, 0)) for ends in ((None, 30), (31, 90), (2, 2), (366, None))] == [
        "up to 30", "31-90", "2", "366 and more",
    ]  # fmt: skip

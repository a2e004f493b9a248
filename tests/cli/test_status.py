"""`status`: for people, as JSON, and as one line for monitoring."""

from __future__ import annotations

import json
import re

import pytest

from connector.cli.main import main
from tests.support.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with World(tmp_path_factory.mktemp("status") / "state") as here:
        yield here


@pytest.fixture
def run(world, capsys):
    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


def test_a_shop_goes_from_unknown_to_well_to_critical_and_says_so_in_one_line(run, world):
    code, out, _ = run("status", "--check")
    assert (code, out.count("\n")) == (3, 1)
    assert out.startswith("PRESTASHOP-CONNECTOR UNKNOWN - main: never synced")

    assert run("sync")[0] == 0
    code, out, _ = run("status", "--check")
    assert (code, out.count("\n")) == (0, 1)
    assert re.match(r"PRESTASHOP-CONNECTOR OK - 1 shop well \| 'main collect lag'=\d+s;900;3600;0 ", out)

    shop = json.loads(run("status", "--json")[1])["shops"][0]
    assert shop["health"] == "ok"
    assert {leg["leg"] for leg in shop["legs"]} >= {"pull", "sweep", "collect", "push"}
    assert all(leg["lag"] < 600 and leg["next_run"] is None for leg in shop["legs"])  # no daemon runs
    assert shop["oldest"] == shop["guards"] == shop["logins"] == {}
    assert (shop["altered_messages"], shop["unexplained"], shop["missing"]) == (0, 0, 0)

    settings = world.config.read_text(encoding="utf-8")
    world.config.write_text(
        settings.replace("[mirror]", "[health]\nwarning_seconds = 0.001\ncritical_seconds = 0.002\n[mirror]")
    )
    try:
        code, out, _ = run("status", "--check")
        # A leg is behind only after three of its pauses, so nothing is yet.
        assert code == 0
    finally:
        world.config.write_text(settings)

    world.server.close()
    assert run("sync", "--only", "pull")[0] != 0
    code, out, _ = run("status", "--check")
    assert code == 1
    assert "main: pull fails: shop.unreachable" in out
    human = run("status")[1]
    assert "health: warning" in human
    assert "warning: pull fails: shop.unreachable" in human


def test_a_check_that_cannot_tell_ends_with_3_whatever_the_reason(run, world, tmp_path):
    settings = world.config.read_text(encoding="utf-8")
    world.config.write_text(settings + "\nnonsense = 1\n")
    try:
        code, out, _ = run("status", "--check")
    finally:
        world.config.write_text(settings)
    assert (code, out.count("\n")) == (3, 1)
    assert out.startswith("PRESTASHOP-CONNECTOR UNKNOWN - The settings are wrong")

"""`conflicts` and `outbox` as a user meets them: what waits for a decision, and the way out of it."""

from __future__ import annotations

import json

import pytest

from connector.cli.main import main
from connector.sandbox.shop import Misbehave
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        here.begin()
        yield here


@pytest.fixture
def run(world, capsys, monkeypatch):
    monkeypatch.setattr("connector.cli.session.QUEUE_SECONDS", 2.0)

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def order(world, capsys):
    """An order that was cancelled in the back office while a change to `shipped` waited."""
    number = next(r["id"] for r in world.shop.rows("orders") if r["current_state"] in (2, 3) and r["invoice_number"])
    with world.app() as app:
        app.desk("main").order_status(number, "shipped")
    world.shop.update_row("orders", number, current_state=6)
    world.sync(only=("push",))
    capsys.readouterr()
    return number


def test_a_conflict_is_listed_shown_and_resolved(run, world, order):
    (listed,) = json.loads(run("conflicts", "list", "--json")[1])
    assert (listed["found"], listed["wanted"], listed["outcome"]) == ("6", "4", "open")
    code, out, _ = run("conflicts", "list")
    assert code == 0
    assert "shop has" in out
    number = str(listed["id"])
    code, out, _ = run("conflicts", "show", number)
    assert (code, "--ours" in out, "--shop" in out) == (0, True, True)
    assert json.loads(run("conflicts", "show", number, "--json")[1])["payload"]["id_order"] == order
    assert "conflicts: 1" in run("status")[1]
    assert run("conflicts", "resolve", number)[0] == 64
    code, out, _ = run("conflicts", "resolve", number, "--ours", "--json")
    assert (code, json.loads(out)["state"]) == (0, "planned")
    assert run("sync", "--only", "push")[0] == 0
    assert world.shop.row("orders", order)["current_state"] == 4
    assert json.loads(run("conflicts", "list", "--json")[1]) == []
    (done,) = json.loads(run("conflicts", "list", "--all", "--json")[1])
    assert done["outcome"] == "ours by person"
    code, _, err = run("conflicts", "resolve", number, "--shop")
    assert (code, "resolved already" in err) == (65, True)


def test_outbox_show_tells_what_it_met_and_what_to_do(run, order):
    del order
    (entry,) = json.loads(run("outbox", "list", "--json")[1])
    view = json.loads(run("outbox", "show", str(entry["id"]), "--json")[1])
    assert (view["state"], view["error"]) == ("conflict", "changed_meanwhile")
    assert (view["payload"]["id_state"], view["conflicts"][0]["found"]) == (4, "6")
    code, out, _ = run("outbox", "show", str(entry["id"]))
    assert code == 0
    assert "conflicts resolve" in out
    assert run("outbox", "show", "999")[0] == 65
    code, out, _ = run("outbox", "cancel", str(entry["id"]), "--json")
    assert json.loads(out) == {
        "id": entry["id"], "kind": "order.status", "before": "conflict", "state": "cancelled",
    }  # fmt: skip


def test_a_change_that_the_shop_holds_twice_is_shown_and_left_alone(run, world):
    world.deliver(world.reply(world.thread("open")))
    world.sync()
    (message,) = world.ours()
    world.shop.put_row("customer_messages", {name: value for name, value in message.items() if name != "id"})
    assert run("sync")[0] == 1
    code, out, _ = run("status")
    assert (code, "twice in the shop: customer_messages" in out) == (0, True)
    (double,) = json.loads(run("status", "--json")[1])["shops"][0]["duplicates"]
    shown = json.loads(run("outbox", "show", str(double["intent_id"]), "--json")[1])
    assert shown["duplicates"][0]["first_id"] == message["id"]
    assert "twice in the shop" in run("outbox", "show", str(double["intent_id"]))[1]
    assert len(world.ours()) == 2


def test_a_doubtful_change_that_is_sent_again_is_looked_up_first(run, world):
    world.shop.misbehave(Misbehave(kind="drop_before", method="PATCH", times=1))
    thread = str(world.thread("open")["id"])
    assert run("thread", "status", thread, "pending1")[0] == 75
    (entry,) = json.loads(run("outbox", "list", "--json")[1])
    assert entry["state"] == "in_doubt"
    code, out, _ = run("outbox", "retry", str(entry["id"]))
    assert (code, "looks it up" in out) == (0, True)

"""`rules list|test`: what rules there are, and what they would do, with nothing done."""

from __future__ import annotations

import json

import pytest

from connector.cli.main import main
from connector.core.model import MailState
from tests.support.world import World

RULES = """
[returns]
continue = true
when.words = "return"
then.forward = "warehouse@shop.test"

[late]
when.text = "late"
when.order_state = "payment_error"
then.order_status = "delivered"

[rest]
when.from = "*"
then.note = "Look."
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules") / "state"
    with World(folder, shop_settings='forward_to = ["warehouse@shop.test"]') as here:
        here.begin()
        (folder / "own").mkdir()
        here.config.write_text('mappings_dir = "own"\n' + here.config.read_text())
        yield here


@pytest.fixture
def run(world, capsys):
    (world.folder / "own" / "rules.toml").write_text(RULES, encoding="utf-8")

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


def test_the_list_is_in_the_order_in_which_rules_are_asked(run, world):
    found = json.loads(run("rules", "list", "--json")[1])["rules"]
    assert [rule["name"] for rule in found][:3] == ["returns", "late", "rest"]
    assert [rule["enabled"] for rule in found] == [True] * 3 + [False] * (len(found) - 3)
    assert found[1]["when"] == {"text": ["late"], "order_state": ["payment_error"]}
    assert (found[1]["then"], found[1]["line"]) == ({"order_status": "delivered"}, 7)
    code, out, _ = run("rules", "list", "--shop", "main")
    assert (code, len(out.splitlines())) == (0, 4)
    assert "goes on" in out


def test_a_mail_is_tried_and_nothing_is_done(run, world, tmp_path):
    thread = world.thread("closed")
    file = tmp_path / "mail.eml"
    file.write_bytes(world.reply(thread, "May I return it? It is late."))
    code, out, _ = run("rules", "test", str(file), "--json")
    found = json.loads(out)
    assert (code, found["state"], found["thread"], found["trust"]) == (0, "pending", thread["id"], "token")
    assert {rule["name"]: (rule["outcome"], rule["missed"]) for rule in found["rules"][:3]} == {
        "returns": ("holds", []),
        "late": ("misses", ["order_state"]),
        "rest": ("holds", []),
    }
    assert [(e["rule"], e["effect"], e["done"]) for e in found["effects"]] == [
        ("returns", "forward", True),
        ("rest", "note", True),
    ]
    assert [i["kind"] for i in found["intents"] if i["rule"]] == ["message.create", "mail.send", "message.create"]
    code, out, _ = run("rules", "test", str(file), "--mailbox", "support")
    assert (code, "late" in out, "order_state" in out) == (0, True, True)
    assert "mail.send to warehouse@shop.test (rule returns)" in out
    with world.app() as app:
        assert app.mirror.ledger.listing("main", list(MailState)) == []
        assert app.mirror.outbox.listing("main") == []
    assert world.ours() == []


def test_plan_and_quarantine_show_name_the_rules(run, world):
    world.deliver(world.people.reply_by_reference("x@y.test", "new.person@customer.test", text="Good day"))
    with world.app() as app:
        app.legs("main").collect(lambda: False)
    (mail,) = json.loads(run("plan", "--json")[1])["mails"]
    assert mail["rules"] == ["rule.rest.note:done"]
    assert "new_thread (rule rest)" in run("plan")[1]
    (world.folder / "own" / "rules.toml").write_text('[a]\nwhen.text = "good"\nthen.ignore = true\n')
    world.sync(only=("push",))
    shown = json.loads(run_again(run, "quarantine", "show", "mail:1", "--json"))
    assert (shown["reason"], shown["tried"][-1]) == ("rule:a", "rule.a.ignore:done")


def run_again(run, *arguments: str) -> str:
    code, out, _ = run(*arguments)
    assert code == 0
    return out


def test_what_is_wrong_is_said_with_its_place(run, world, tmp_path):
    path = world.folder / "own" / "rules.toml"
    path.write_text(RULES + "[more]\nwhen.words = 'x'\nthen.forward = 'eve@elsewhere.test'\n")
    line = RULES.count("\n") + 1
    for arguments in (("mappings", "check"), ("rules", "list"), ("status",)):
        code, out, err = run(*arguments)
        assert (code, f"{path}:{line}: [more] sends mails to eve@elsewhere.test" in err) == (78, True), err + out
    found = json.loads(run("mappings", "check", "--json")[1])
    assert found["mistakes"][0]["line"] == line
    path.write_bytes(b"\xff")
    assert run("rules", "list")[0] == 78
    path.write_text(RULES)
    code, out, _ = run("mappings", "check")
    assert (code, "3 rule(s) on" in out) == (0, True)
    assert run("rules", "test", str(tmp_path / "none.eml"))[0] == 65
    assert run("rules", "test", str(path), "--mailbox", "other")[0] == 65
    (tmp_path / "empty.eml").write_bytes(b"")
    assert run("rules", "test", str(tmp_path / "empty.eml"))[0] in (0, 65)


def test_a_state_of_ones_own_can_be_asked_for(run, world):
    states = world.folder / "own" / "statuses.toml"
    rules = world.folder / "own" / "rules.toml"
    rules.write_text('[a]\nwhen.order_state = "packed"\nthen.note = "x"\n')
    assert run("rules", "list")[0] == 78
    states.write_text('[packed]\nnames = { en = ["Packed by hand"] }\n')
    assert "order_state packed" in run("rules", "list")[1]
    states.write_text("[packed]\n\nnames = 3\n")
    code, _, err = run("mappings", "check")
    assert (code, f"{states}:3: " in err) == (78, True)
    states.unlink()

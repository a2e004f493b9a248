"""`customer timeline` and `order timeline` as a user meets them, on a mirror that is filled once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.cli.main import main
from connector.mirror.db import open_mirror
from tests.mirror.story_world import RESOURCES, fill, person, put
from tests.mirror.world import NOW, SHOP, row

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of a shop that nobody asks, and its mirror."""
    folder = tmp_path_factory.mktemp("timeline")
    mirror = open_mirror(f"sqlite:///{folder / 'mirror.db'}", RESOURCES, now=lambda: NOW)
    fill(mirror)
    evil = "\x1b]0;owned\x07\u202eEve"
    put(mirror, "customers", person(66, "eve@example.org", firstname=evil))
    put(mirror, "customer_threads", row(66, email="eve@example.org", status="open", id_customer=66))
    words = {"message": f"{evil}\nline 2\n\nline 3\nline 4", "private": False, "user_agent": "", "file_name": evil}
    put(mirror, "customer_messages", row(66, id_customer_thread=66, **words))
    mirror.close()
    path = folder / "config.toml"
    path.write_text(
        f'state_dir = "{folder}"\ninstance_secret = "an instance secret of good length"\n'
        f'[shops.{SHOP}]\nurl = "http://127.0.0.1:9/"\nkey = "{"A" * 32}"\n'
    )
    return path


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command in this process; gives (exit code, standard output, standard error)."""

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


def lines(out: str) -> list[str]:
    """The stream without the texts of messages."""
    return [line for line in out.splitlines() if re.match(r"\d{4}-|no date", line)]


def test_a_customer_is_shown_with_everything_the_newest_first(run: Run) -> None:
    code, out, _ = run("customer", "timeline", "anna@example.org")
    assert code == 0
    head = dict(line.split(":", 1) for line in out.split("\n\n")[0].splitlines())
    shown = {name: value.strip() for name, value in head.items()}
    assert shown["customer"] == "Anna Müller <Anna@Example.org>"
    assert shown["accounts"] == "2 guest; 1 customer"
    assert (shown["spent"], shown["refunded"]) == ("20.20 EUR, 7.50 USD", "4.00 EUR")
    assert (shown["threads"], shown["came back"]) == ("3, open: 24 (no status), 21 (open)", "1 mail")
    assert shown["times"] == "Europe/Paris"
    stream = lines(out)
    assert len(stream) == 29
    assert stream[0] == "2025-03-30 16:25  slip      REF12, slip 2, 2.50 USD"
    assert "2025-03-30 11:45  state     REF11, Shipped, by Bob Lee" in stream
    assert "2025-03-30 12:18  message   thread 21, Anna Müller, private, automatic (auto_reply)" in stream
    assert (
        "2025-03-30 11:16  mail      mail:1 waits in quarantine (token_unknown), anna@example.org, Question 1" in stream
    )
    assert "                            Where is it?\n                            Anna\n" in out
    assert stream[-1] == "2025-03-30 11:15  order     REF11 placed, 10.10 EUR, PayPal, now Shipped"


def test_an_order_is_shown_in_the_readers_language(run: Run) -> None:
    code, out, _ = run("order", "timeline", "REF11", "--lang", "fr")
    assert code == 0
    assert "order 11:   REF11, Expédié, 10.10 EUR, PayPal, Parcels, valid, 2025-03-30 11:15" in out
    assert "2025-03-30 11:15  shipment  REF11, Parcels, 1Z 9, https://parcels.test/1Z%209" in lines(out)


def test_the_settings_may_name_the_readers_language(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PRESTASHOP_CONNECTOR__SHOPS__{SHOP.upper()}__LANGUAGE", "fr")
    assert "Expédié" in run("order", "timeline", "11", "--kind", "state")[1]
    assert "Shipped" in run("order", "timeline", "11", "--kind", "state", "--lang", "en")[1]
    monkeypatch.setenv(f"PRESTASHOP_CONNECTOR__SHOPS__{SHOP.upper()}__LANGUAGE", "de")  # which the shop has not
    assert "Shipped" in run("order", "timeline", "11", "--kind", "state")[1]


def test_pages_follow_each_other(run: Run) -> None:
    found: list[str] = []
    more: list[str] = []
    for _ in range(10):
        code, out, _ = run("customer", "timeline", "1", "--limit", "11", *more)
        assert code == 0
        found += lines(out)
        if "there is more: " not in out:
            break
        more = out.rsplit("there is more: ", 1)[1].split()
    assert found == lines(run("customer", "timeline", "1")[1])


def test_only_some_kinds_and_days_of_the_shop(run: Run) -> None:
    _, out, _ = run("customer", "timeline", "1", "--kind", "slip", "--kind", "invoice", "--since", "2025-03-30")
    assert [line.split()[2] for line in lines(out)] == ["slip", "slip", "invoice"]
    for day in (("--since", "2025-03-31"), ("--until", "2025-03-29")):
        code, out, _ = run("customer", "timeline", "1", *day)
        assert (code, lines(out), "nothing of what was asked for" in out) == (0, [], True)


def test_for_scripts_there_is_json(run: Run) -> None:
    code, out, _ = run("customer", "timeline", "1", "--limit", "2", "--json")
    told = json.loads(out)
    assert (code, set(told), told["zone"]) == (0, {"header", "entries", "next", "zone"}, "Europe/Paris")
    assert [one["kind"] for one in told["entries"]] == ["slip", "slip"]
    _, out, _ = run("customer", "timeline", "1", "--json", "--before", told["next"])
    assert json.loads(out)["next"] is None
    # What the mirror keeps in UTC only has a local time, too.
    assert {one["local"] for one in json.loads(out)["entries"] if one["kind"] == "bounce"} == {"2025-03-30 11:19:00"}


def test_what_strangers_wrote_cannot_steer_a_terminal(run: Run) -> None:
    _, out, _ = run("customer", "timeline", "eve@example.org")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b]0;owned\\x07\\u202eEve" in out


def test_long_messages_are_cut_unless_all_is_asked_for(run: Run) -> None:
    _, out, _ = run("customer", "timeline", "66")
    assert "line 3\n" in out
    assert "line 4" not in out
    assert "line 4" in run("customer", "timeline", "66", "--full")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["customer", "timeline", "nobody@example.org"], 65, "there is no customer"),
        (["customer", "timeline", "99"], 65, "there is no customer"),
        (["order", "timeline", "NONE"], 65, "NONE"),
        (["customer", "timeline", "1", "--lang", "xx"], 64, "one of its languages: en, fr"),
        (["customer", "timeline", "1", "--before", "yesterday"], 64, "yesterday is no place in a timeline"),
        (["customer", "timeline", "1", "--kind", "gossip"], 64, "gossip"),
        (["customer", "timeline", "1", "--since", "soon"], 64, "soon"),
    ],
)
def test_what_cannot_be_shown_is_said(run: Run, arguments: list[str], code: int, says: str) -> None:
    ended, out, err = run(*arguments)
    assert (ended, says in err, out) == (code, True, "")

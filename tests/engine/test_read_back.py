"""What the shop made of our messages is looked at when they come back, and what it changed is told."""

from __future__ import annotations

import json

import pytest

from connector.cli.main import main
from connector.engine import readback
from connector.sandbox.shop import SandboxShop
from tests.support.world import World


def shown(world, capsys, thread):
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["--config", str(world.config), "thread", "show", str(thread["id"]), "--json"])
    return [m for m in json.loads(capsys.readouterr().out)["messages"] if m["altered"]]


def test_a_message_that_the_shop_keeps_is_no_difference(tmp_path, capsys):
    with World(tmp_path / "state", with_smtp=False) as world:
        world.begin()
        thread = world.thread()
        world.deliver(world.reply(thread, "x < 3 & Transcript: <form letter@x>\r\nonclick= 😀"))
        report = world.sync()
        assert "altered" not in report.results["read_back"].counts
        assert shown(world, capsys, thread) == []
        (message,) = world.ours()
        assert message["message"].endswith("😀")


def test_a_shop_that_loses_emoji_is_noticed_and_the_next_are_spelled_out(tmp_path, capsys):
    shop = SandboxShop("8.2.1", orders=20, seed=1, three_byte_tables=True)
    with World(tmp_path / "state", shop=shop, with_smtp=False) as world:
        world.begin()
        thread = world.thread()
        world.deliver(world.reply(thread, "Danke 😀"))
        first = world.sync()
        assert first.results["read_back"].counts["altered"] == 1
        (message,) = shown(world, capsys, thread)
        assert message["altered"] == "emoji_lost"
        assert message["text"] == "Danke ????"

        world.deliver(world.reply(thread, "Nochmals 😀"))
        second = world.sync()
        assert "altered" not in second.results["read_back"].counts
        assert world.ours()[-1]["message"] == "Nochmals :grinning face:"
        assert len(shown(world, capsys, thread)) == 1


def test_emoji_are_spelled_out_where_the_settings_say_so(tmp_path):
    with World(tmp_path / "state", with_smtp=False, shop_settings='emoji = "spell"') as world:
        world.begin()
        world.deliver(world.reply(world.thread(), "Danke 😀"))
        world.sync()
        assert world.ours()[-1]["message"] == "Danke :grinning face:"


def test_a_text_that_is_too_long_ends_with_the_place_where_it_is_whole(tmp_path, capsys):
    with World(tmp_path / "state", with_smtp=False) as world:
        world.begin()
        thread = world.thread()
        world.deliver(world.reply(thread, "\n".join(f"Line number {n} of a long letter." for n in range(4000))))
        world.sync()
        (message,) = world.ours()
        assert len(str(message["message"]).encode()) <= 65_000
        assert str(message["message"]).splitlines()[-1].strip("[]").endswith("mail 1")
        assert shown(world, capsys, thread) == []


def test_what_was_looked_through_is_not_again_though_none_of_it_is_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(readback, "LATE", 3)
    shop = SandboxShop("8.2.1", orders=20, seed=1, three_byte_tables=True)
    with World(tmp_path / "state", shop=shop, with_smtp=False) as world:
        world.begin()
        newest = max(int(row["id"]) for row in shop.rows("customer_messages"))
        assert newest > readback.LATE
        with world.app() as app:
            assert app.mirror.meta.get("main.read_back") == str(newest - readback.LATE)

        world.deliver(world.reply(world.thread(), "Danke 😀"))
        assert world.sync().results["read_back"].counts["altered"] == 1

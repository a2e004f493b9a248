"""The report that goes out by mail: once a period and reader, whatever happens on the way."""

from __future__ import annotations

import email
import email.policy
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from email.message import EmailMessage

import pytest

from connector.core.model import IntentState, Kind
from connector.core.periods import last_whole
from connector.engine.reports import pack, unpack
from connector.errors import Exit
from tests.support import databases
from tests.support.world import World

pytestmark = databases.on_one
SETTINGS = '[report]\nto = ["boss@shop.test", "other@shop.test"]\nlanguage = "fr"'


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with World(tmp_path, smtp_settings=SETTINGS) as here:
        yield here


def received(world: World) -> list[EmailMessage]:
    assert world.smtp is not None
    policy = email.policy.SMTP
    return [email.message_from_bytes(one.raw, policy=policy) for one in world.smtp.received]  # type: ignore[misc]


def planned(world: World) -> int:
    return int(world.sync(only=("push",)).results["report"].counts["planned"])


def states(world: World) -> list[IntentState]:
    with world.app() as app:
        return [one.state for one in app.mirror.outbox.listing("main") if one.kind is Kind.MAIL_SEND]


def test_each_reader_gets_each_period_once(world, monkeypatch):
    """A missing library, a lost answer, a refusal, a new reader, and the next month."""
    with monkeypatch.context() as without:
        for name in [name for name in sys.modules if name.startswith("connector.report.")]:
            without.delitem(sys.modules, name)
        without.setitem(sys.modules, "matplotlib", None)
        told = world.sync()
    assert [error.code for error in told.errors] == ["report.library_missing"]
    assert told.code is Exit.CONFIG

    world.smtp.fail_next("drop_after_data")
    world.smtp.fail_next("refuse_recipient")
    assert planned(world) == 2
    assert states(world) == [IntentState.IN_DOUBT, IntentState.FAILED]
    (mail,) = received(world)
    label = last_whole(world.clock.now().date(), "month").label
    assert mail["To"] == "boss@shop.test"
    assert mail["From"].startswith("Sandbox shop <")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "rapport" in mail["Subject"]
    assert "Ouvrez-le dans un navigateur" in mail.get_body(("plain",)).get_content()
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == (f"main-{label}.html", "text/html")
    assert '<html lang="fr" dir="ltr">' in file.get_content()

    text = world.config.read_text()
    world.config.write_text(text.replace('"other@shop.test"]', '"other@shop.test", "new@shop.test"]'))
    assert planned(world) == 1
    assert [one["To"] for one in received(world)[1:]] == ["new@shop.test"]  # nobody else once more

    world.clock.ahead += timedelta(days=31)
    assert planned(world) == 0  # the mirror does not hold all of the month yet
    world.sync()
    later = received(world)[2:]
    assert [one["To"] for one in later] == ["boss@shop.test", "other@shop.test", "new@shop.test"]
    assert len({one["Message-ID"] for one in received(world)}) == 5
    assert world.ours() == []  # no thread of the shop has heard of any


@pytest.mark.parametrize(
    ("today", "span", "label"),
    [
        (date(2026, 11, 1), "month", "2026-10"),
        (date(2026, 1, 31), "month", "2025-12"),
        (date(2026, 10, 4), "week", "2026-W39"),
        (date(2026, 10, 5), "week", "2026-W40"),
        (date(2027, 1, 3), "week", "2026-W52"),
    ],
)
def test_the_last_whole_period(today, span, label):
    assert last_whole(today, span).label == label


def test_what_is_packed_comes_out_as_it_was():
    assert unpack(pack("ünïcode 🙂".encode() * 100)) == "ünïcode 🙂".encode() * 100

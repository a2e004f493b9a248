"""Many mails at once: each gets its own decision, whatever becomes of its neighbours."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from sqlalchemy import text

from connector.core.model import MailState
from tests.support.world import World

MAILS = 19
REFUSE = "CREATE UNIQUE INDEX refused ON mail (state) WHERE state = 'pending' AND id IN (4, 17)"
"""The first of the two is taken, the second is not."""


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as here:
        here.begin()
        yield here


def copies(app):
    return {copy.id: copy for copy in app.mirror.ledger.listing("main", list(MailState))}


def test_what_the_mirror_will_not_take_is_set_aside_and_its_neighbours_go_on(world):
    thread = world.thread()
    for number in range(1, MAILS + 1):
        world.deliver(world.reply(thread, f"Mail number {number}."))
    with world.app() as app:
        with app.mirror.database.write() as connection:
            connection.execute(text(REFUSE))
        world.sync(app=app)
        found = copies(app)
        aside = {number: copy.reason for number, copy in found.items() if copy.state is MailState.QUARANTINED}
        assert aside == {17: "mirror.inconsistent"}
        assert len(found) == MAILS
        assert {copy.state for number, copy in found.items() if number not in aside} == {MailState.IMPORTED}
    assert len(world.ours()) == MAILS - 1


def test_files_count_once_however_often_their_mails_are_tried(tmp_path):
    """As many bytes a day as the mails have that can be stored."""
    settings = f"attachment_bytes_day = {10 * (MAILS - 1)}"
    with World(tmp_path / "state", mailbox_settings=settings) as world:
        world.begin()
        thread = world.thread()
        for number in range(1, MAILS + 1):
            mail = message_from_bytes(world.reply(thread, f"Mail number {number}."), EmailMessage, policy=default)
            if number != 17:
                mail.add_attachment(b"%010d" % number, maintype="text", subtype="plain", filename=f"{number}.txt")
            world.deliver(mail.as_bytes())
        with world.app() as app:
            with app.mirror.database.write() as connection:
                connection.execute(text(REFUSE))
            world.sync(app=app)
            kept = app.mirror.attachments.of_thread("main", int(thread["id"]))
            assert [one.reason for one in kept] == [""] * (MAILS - 1)


def test_two_copies_that_come_at_once_are_one_message(world):
    """The second is decided on with the first one's decision in sight, although neither is committed."""
    once = world.reply(world.thread(), "Only once, please.")
    another = world.reply(world.thread(), "Another one.")
    for raw in (once, another, once):
        world.deliver(raw)
    with world.app() as app:
        world.sync(app=app)
        assert sorted((copy.state.value, copy.reason) for copy in copies(app).values()) == [
            ("ignored", "copy"),
            ("imported", "thread_by_token"),
            ("imported", "thread_by_token"),
        ]
    assert len(world.ours()) == 2

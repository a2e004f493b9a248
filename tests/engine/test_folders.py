"""One folder that cannot be read holds up no other."""

from __future__ import annotations

import pytest

from connector.core.model import MailState
from connector.errors import Exit
from tests.support import databases
from tests.support.world import World

pytestmark = databases.on_one


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state") as made:
        made.begin()
        made.config.write_text(made.config.read_text().replace('folders = ["INBOX"]', 'folders = ["Nowhere", "INBOX"]'))
        yield made


def test_a_folder_that_is_not_there_is_told_and_the_mails_of_the_others_come_in_without_a_pause(world):
    world.deliver(world.people.new_question("zoe@mail.example", "Zoe"))
    with world.app() as app:
        legs = app.graph().shops["main"]
        result = legs.collect(lambda: False, "support")
    assert [error.code for error in result.errors] == ["imap.folder_unknown"]
    assert (result.code, result.pause) == (Exit.CONFIG, False)
    assert result.counts["fetched"] == 1
    report = world.sync()
    assert report.code is Exit.CONFIG
    with world.app() as app:
        assert app.mirror.ledger.states("main") == {str(MailState.IMPORTED): 1}


def test_a_mailbox_of_which_nothing_can_be_read_pauses(world):
    world.config.write_text(
        world.config.read_text().replace('["Nowhere", "INBOX"]', '["Nowhere"]').replace('sent_folders = ["Sent"]', "")
    )
    with world.app() as app:
        assert app.graph().shops["main"].collect(lambda: False, "support").pause

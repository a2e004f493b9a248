"""Lines that cut, reset, swallow, slice and delay, before a real HTTP, IMAP and SMTP server."""

from __future__ import annotations

import pytest

from tests.net import lines
from tests.support.slices import everything, share, today
from tests.support.stages import prepared, undisturbed

MOST = 3
"""Bad lines before each server."""

pytestmark = pytest.mark.usefixtures("warmed")


@pytest.mark.parametrize("server", ["shop", "mailbox", "smtp"])
def test_over_a_bad_line_nothing_is_lost_and_nothing_doubled(server):
    stage = prepared()
    whole = undisturbed(stage)
    for ill in share(list(lines.ills(server, 1)), everything(MOST)):
        assert lines.play(stage, whole, server, ill) == [], f"SLICE={today()}"

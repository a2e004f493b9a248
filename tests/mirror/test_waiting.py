"""Who waits for an answer, on both databases; and which mails went out lately."""

from __future__ import annotations

from datetime import timedelta

from connector.core.model import IntentState, Kind
from connector.mirror.db import Mirror
from tests.mirror.world import MESSAGES, NOW, SHOP, THREADS, message, thread, wish


def talk(mirror: Mirror, number: int, *turns: str, days: int, **about: object) -> None:
    """Turns: c(ustomer), e(mployee), n(ote of an employee); one a day, the first `days` ago."""
    store = mirror.rows.store
    store(SHOP, THREADS, [thread(number, **about)], None)
    store(
        SHOP,
        MESSAGES,
        [
            message(
                100 * number + turn,
                number,
                id_employee=None if who == "c" else 4,
                private=who == "n",
                date_add=NOW - timedelta(days=days - turn),
            )
            for turn, who in enumerate(turns)
        ],
        None,
    )


def test_who_waits_longest_since_the_last_answer_comes_first(mirror: Mirror) -> None:
    talk(mirror, 1, "c", "e", "c", days=9)
    talk(mirror, 2, "c", "n", "c", days=8)
    talk(mirror, 3, "c", "e", days=30)
    talk(mirror, 4, "c", days=30, status="closed")
    talk(mirror, 5, "c", days=30, status="pending1")
    talk(mirror, 6, "c", days=5, status="")
    talk(mirror, 7, "n", days=30)
    found = mirror.waiting.threads(SHOP)
    assert [(one["id"], one["unanswered"]) for one in found] == [(2, 2), (1, 1), (6, 1)]
    assert found[0]["waiting_since"] == (NOW - timedelta(days=8)).isoformat().replace("+00:00", "Z")
    assert [one["id"] for one in mirror.waiting.threads(None, 1)] == [2]
    assert mirror.waiting.threads("elsewhere") == []


def test_a_thread_whose_answer_is_under_way_does_not_wait(mirror: Mirror) -> None:
    talk(mirror, 1, "c", days=9)
    (mine,) = mirror.outbox.add(SHOP, [wish("a", "thread:1", kind=Kind.MESSAGE_CREATE, origin="command")])
    assert mirror.waiting.threads(SHOP) == []
    mirror.outbox.move(mine, IntentState.FAILED, now=NOW, error="x")
    assert [one["id"] for one in mirror.waiting.threads(SHOP)] == [1]


def test_mails_of_a_time_are_those_that_were_not_given_up(mirror: Mirror) -> None:
    wishes = [wish(f"m{n}", f"g{n}", kind=Kind.MAIL_SEND) for n in range(3)] + [wish("other", "g9")]
    mails = mirror.outbox.add(SHOP, wishes)
    mirror.outbox.move(mails[1], IntentState.CANCELLED, now=NOW)
    assert [one.key for one in mirror.outbox.mails_since(SHOP, NOW - timedelta(hours=1))] == ["m0", "m2"]
    assert mirror.outbox.mails_since(SHOP, NOW + timedelta(seconds=1)) == []
    assert mirror.outbox.mails_since("elsewhere", NOW - timedelta(hours=1)) == []

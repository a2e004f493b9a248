"""Messages that follow each other: while the shop works on one, the one before is noted and the next one prepared."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connector.core import identity
from connector.core.model import Intent, IntentState, Kind, NewIntent
from connector.errors import StateError
from connector.sandbox.shop import Misbehave
from tests.support import databases
from tests.support.world import World

pytestmark = databases.on_one
PLANNED, SENDING, DONE = IntentState.PLANNED, IntentState.SENDING, IntentState.CONFIRMED


class Watched:
    """A shop whose `create_message` tells when it is asked, when all is sent, and when it was answered."""

    def __init__(self, client: Any, at: Callable[[str, int], None]) -> None:
        self._client = client
        self._at = at
        self._number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_message(self, message: Any, meanwhile: Callable[[], None]) -> int:
        self._number += 1
        number = self._number

        def sent() -> None:
            self._at("sent", number)
            meanwhile()
            self._at("waiting", number)

        self._at("asked", number)
        return int(self._client.create_message(message, sent))


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state", with_smtp=False) as here:
        here.begin()
        yield here


def queue(app: Any, world: World, count: int) -> list[int]:
    """So many notes, each for a thread of its own."""
    wishes = []
    for thread in world.shop.rows("customer_threads")[:count]:
        reference = identity.reference(secrets.token_hex(20))
        payload = {"id_thread": thread["id"], "text": f"Note for {thread['id']}", "id_employee": 1, "private": True}
        wishes.append(
            NewIntent(
                kind=Kind.MESSAGE_CREATE,
                key=f"message.create:{reference}",
                reference=reference,
                group=f"thread:{thread['id']}",
                payload=payload,
                origin="command",
            )
        )
    return [intent.id for intent in app.mirror.outbox.add("main", wishes)]


def play(
    world: World,
    count: int,
    at: Callable[[str, int, Callable[[], list[Intent]], Any], None],
    stop: Callable[[], bool] = lambda: False,
) -> list[Intent]:
    """Push so many messages; `at` is told of each moment and can look at the intents. They as they are in the end."""
    with world.app() as app:
        ids = queue(app, world, count)

        def now() -> list[Intent]:
            return [intent for intent in map(app.mirror.outbox.get, ids) if intent is not None]

        client = app.client
        app.client = lambda name: Watched(client(name), lambda what, number: at(what, number, now, app))  # type: ignore[method-assign, assignment, return-value]
        assert app.mirror.leases.take("main", app.holder, 600)
        app.legs("main").push(stop)
        app.mirror.leases.release("main", app.holder)
        return now()


def test_each_is_noted_as_sending_before_it_is_sent_and_as_done_while_the_next_one_is_on_its_way(world):
    seen: dict[tuple[str, int], list[IntentState]] = {}

    def look(what: str, number: int, now: Callable[[], list[Intent]], _: Any) -> None:
        seen[what, number] = [intent.state for intent in now()]

    after = play(world, 3, look)
    assert seen["asked", 1] == seen["sent", 1] == [SENDING, PLANNED, PLANNED]
    assert seen["waiting", 1] == seen["asked", 2] == [SENDING, SENDING, PLANNED]
    assert seen["waiting", 2] == seen["asked", 3] == [DONE, SENDING, SENDING]
    assert seen["waiting", 3] == [DONE, DONE, SENDING]
    assert [(one.state, one.attempts) for one in after] == [(DONE, 1)] * 3
    assert len(world.ours()) == 3


def test_what_was_prepared_too_long_ago_is_taken_back_so_that_its_settle_time_begins_with_its_write(world):
    begun: dict[int, timedelta] = {}

    def wait(what: str, number: int, now: Callable[[], list[Intent]], _: Any) -> None:
        if what == "waiting" and number == 1:
            world.clock.ahead += timedelta(seconds=20)
        if what == "asked":
            sent_at = now()[number - 1].sent_at
            assert sent_at is not None
            begun[number] = world.clock.now() - sent_at

    after = play(world, 3, wait)
    assert all(age < timedelta(seconds=5) for age in begun.values())
    assert [(one.state, one.attempts) for one in after] == [(DONE, 1), (DONE, 2), (DONE, 1)]
    assert len(world.ours()) == 3


def test_what_was_prepared_and_is_not_sent_any_more_is_a_wish_again(world):
    asked: list[int] = []

    def note(what: str, number: int, *_: Any) -> None:
        if what == "waiting":
            asked.append(number)

    after = play(world, 3, note, stop=lambda: bool(asked))
    assert [(one.state, one.sent_at is None) for one in after] == [(DONE, False), (PLANNED, True), (PLANNED, True)]
    assert len(world.ours()) == 1


def test_one_that_a_command_gives_up_meanwhile_is_not_sent_and_its_neighbours_are(world):
    def cancel(what: str, number: int, now: Callable[[], list[Intent]], app: Any) -> None:
        if (what, number) == ("sent", 1):
            app.mirror.outbox.move(now()[1], IntentState.CANCELLED, now=world.clock.now())

    assert [one.state for one in play(world, 3, cancel)] == [DONE, IntentState.CANCELLED, DONE]
    assert len(world.ours()) == 2


def test_one_whose_answer_is_lost_is_in_doubt_before_the_next_one_is_sent(world):
    seen: dict[int, IntentState] = {}

    def look(what: str, number: int, now: Callable[[], list[Intent]], _: Any) -> None:
        if what == "asked":
            seen[number] = now()[0].state

    world.shop.misbehave(Misbehave("drop_after", method="POST", times=1))
    after = play(world, 3, look)
    assert seen[2] in (IntentState.IN_DOUBT, DONE)
    assert [one.state for one in after] == [DONE] * 3
    assert len(world.ours()) == 3


def test_what_goes_wrong_here_while_one_is_on_its_way_does_not_leave_it_in_doubt(world):
    def lose_lease(what: str, number: int, _: Any, app: Any) -> None:
        if (what, number) == ("sent", 2):
            app.mirror.leases.release("main", app.holder)
            assert app.mirror.leases.take("main", "another process", 600)

    after = play(world, 4, lose_lease)
    assert [one.state for one in after] == [DONE, DONE, PLANNED, PLANNED]
    assert len(world.ours()) == 2


def test_what_was_prepared_is_a_wish_again_when_the_one_before_it_cannot_be_noted(world, monkeypatch):
    """The answer is lost and the mirror is locked just then: the next one was not sent and must not look as if."""
    world.shop.misbehave(Misbehave("drop_after", method="POST", times=1))
    locked: list[Any] = []

    def lock(what: str, number: int, _: Any, app: Any) -> None:
        if (what, number) == ("waiting", 1):
            move = app.mirror.outbox.move

            def refuses(intent: Intent, state: IntentState, **more: Any) -> Intent:
                if state is IntentState.IN_DOUBT:
                    locked.append(intent)
                    raise StateError("mirror.locked", mirror="", error="")
                moved: Intent = move(intent, state, **more)
                return moved

            monkeypatch.setattr(app.mirror.outbox, "move", refuses)

    after = play(world, 3, lock)
    assert len(locked) == 1
    assert [(one.state, one.sent_at is None) for one in after] == [(SENDING, False), (PLANNED, True), (PLANNED, True)]
    assert len(world.ours()) == 1

"""Kill the program after every single step of a sync, run it again, and expect the undisturbed result.

The steps count themselves: every call into the shop, the outbox, the ledger, the mirror's rows, the mailbox and the
mail server is one, so a new kind of write is covered without anyone remembering it here. Dying right after a step,
before the program learns of its effect, is the lost acknowledgement, the fault that makes duplicates. Dying right
before a step is dying after the one before it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from connector import packagedata
from connector.sandbox.shop import SandboxShop
from connector.wiring import App
from tests.support import databases, postgres
from tests.support.world import World


class Killed(BaseException):
    """Nothing in the program may catch this, as nothing catches kill -9."""


class Steps:
    """Counts calls; dies after one of them (its number), None to count only."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.names: list[str] = []

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            number = len(self.names)
            self.names.append(name)
            result = call(*args, **kwargs)
            if self.at == number:
                raise Killed(name)
            return result

        return counted

    def wrap(self, name: str, part: Any) -> Any:
        steps = self

        class Wrapped:
            def __getattr__(self, method: str) -> Any:
                value = getattr(part, method)
                return steps.around(f"{name}.{method}", value) if callable(value) else value

            def __enter__(self) -> Any:
                part.__enter__()
                return self

            def __exit__(self, *exc: object) -> None:
                part.__exit__(*exc)

        return Wrapped()


def stepped(app: App, steps: Steps) -> App:
    """The same app with a counting wrapper around everything that writes somewhere."""
    import dataclasses

    app.mirror = dataclasses.replace(
        app.mirror,
        rows=steps.wrap("rows", app.mirror.rows),
        ledger=steps.wrap("ledger", app.mirror.ledger),
        outbox=steps.wrap("outbox", app.mirror.outbox),
    )
    client, mailbox, sender = app.client, app.mailbox, app.sender
    app.client = lambda name: steps.wrap("shop", client(name))  # type: ignore[method-assign]
    app.mailbox = lambda shop, name: steps.wrap("mailbox", mailbox(shop, name))  # type: ignore[method-assign]
    app.sender = lambda shop: steps.wrap("smtp", sender(shop))  # type: ignore[method-assign]
    return app


@pytest.fixture(scope="module")
def kind(request):
    """The kind of database that the mirror lies in."""
    return request.param


@pytest.fixture(scope="module")
def prepared(kind, tmp_path_factory):
    """A mirror after its first sync and a mailbox with one of each: a reply to a closed thread, a new question, a reply
    to that question, an automatic mail, and a mail that waits for a person."""
    folder = tmp_path_factory.mktemp("prepared")
    with databases.on(kind):
        url = "" if databases.is_sqlite() else databases.new_mirror(folder, packagedata.resources())
    with World(folder / "state", with_smtp=False, mirror_url=url) as world:
        world.sync()
        closed, opened = world.thread("closed"), world.thread("open")
        world.deliver(world.reply(closed))
        question = world.people.new_question("new.person@customer.test")
        world.deliver(question)
        message_id = question.split(b"Message-ID: <")[1].split(b">")[0].decode()
        world.deliver(world.people.reply_by_reference(message_id, "new.person@customer.test"))
        args = (int(opened["id"]), str(opened["token"]), str(opened["email"]))
        world.deliver(world.people.auto_reply(*args))
        world.deliver(world.people.spoofed(int(opened["id"]), "x", "eve@elsewhere.test", wrong_token=True))
        return world.user, folder / "state", url


def play(prepared, folder, at: int | None) -> tuple[Steps, dict[str, Any]]:
    """One undisturbed or killed run on a copy of the prepared mirror, then a normal run, then one that must do
    nothing; what the shop and the ledger hold in the end."""
    user, source, url = prepared
    own = postgres.server().copy(url) if url else ""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("config.toml"))
    shop = SandboxShop("8.2.1", orders=20, seed=1)
    seeded = max(row["id"] for row in shop.rows("customer_threads"))
    # One connection: with several the order of two steps is chance, and a death could not be counted.
    one = "connections = 1"
    with World(folder, shop=shop, user=user, with_smtp=False, mirror_url=own, shop_settings=one) as world:
        steps = Steps(at)
        with world.app() as app:
            try:
                world.sync(app=stepped(app, steps), only=("collect", "push"))
            except Killed:
                app.mirror.leases.release("main", app.holder)
        world.clock.sleep(3600)
        with world.app() as app:
            last = world.sync(app=app, only=("collect", "push"))
            quiet = len(shop.requests)
            world.sync(app=app, only=("collect", "push"))
        writes = [r for r in shop.requests[quiet:] if r.method not in ("GET", "HEAD")]
        assert not writes, f"a third run wrote again: {writes}"
        assert last.account is not None
        assert last.account.holds
        created = {row["id"]: row["email"] for row in shop.rows("customer_threads") if row["id"] > seeded}
        end = {
            "messages": sorted(
                (str(created.get(m["id_customer_thread"], m["id_customer_thread"])), m["message"], m["private"])
                for m in world.ours()
            ),
            "threads": sorted(created.values()),
            "statuses": sorted((r["id"], r["status"]) for r in shop.rows("customer_threads") if r["id"] not in created),
            "mails": last.account.mails,
        }
    databases.forget(own)
    return steps, end


SLICES = 8
"""The steps are dealt out to so many tests, so that they can run side by side."""
ALL = [("sqlite", part) for part in range(SLICES)]
SOME = [("postgresql", 0), ("postgresql", 5)]
"""A quarter of the steps: what follows a death is decided by the same code; what is to be shown here is that the other
database kept the same."""


@pytest.fixture(scope="module")
def undisturbed(prepared, tmp_path_factory):
    return play(prepared, tmp_path_factory.mktemp("undisturbed") / "state", None)


@pytest.mark.parametrize("kind", databases.KINDS, indirect=True)
def test_the_undisturbed_run_does_all_that_it_should(undisturbed):
    counted, end = undisturbed
    assert len(end["messages"]) == 4
    assert len(end["threads"]) == 1
    assert len(counted.names) > 40
    assert {"shop.create_thread", "shop.create_message", "shop.set_thread_status", "outbox.move"} <= set(counted.names)


@pytest.mark.parametrize(("kind", "part"), ALL + SOME, indirect=["kind"])
def test_dying_after_any_step_changes_nothing_in_the_end(prepared, undisturbed, tmp_path, part):
    counted, expected = undisturbed
    wrong: list[str] = []
    for number in range(part, len(counted.names), SLICES):
        folder = tmp_path / str(number)
        steps, end = play(prepared, folder, number)
        assert steps.names == counted.names[: number + 1], "the run is not deterministic"
        if end != expected:
            wrong.append(f"after {counted.names[number]} (step {number}): {end}")
        shutil.rmtree(folder)
    assert not wrong, "\n".join([f"expected {expected}", *wrong])

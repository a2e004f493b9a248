"""Having committed intents pushed by this process, where no daemon works for the shop: under the shop's lease, and the
outcome read back. Commands and the page use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.core.model import Intent, IntentState
from connector.engine.cycle import READ_BACK
from connector.errors import Busy, ConnectorError

if TYPE_CHECKING:
    from connector.wiring.app import App


@contextmanager
def lease(app: App, shop: str) -> Iterator[None]:
    """Hold the shop's lease while the block runs; raises Busy with the holder's name."""
    seconds = app.lease_seconds()
    if not app.take_lease(shop):
        raise Busy("lease.busy", shop=shop, holder=app.mirror.leases.holder(shop) or "?")
    over = threading.Event()

    def renew() -> None:
        while not over.wait(seconds / 3):
            try:
                app.mirror.leases.take(shop, app.holder, seconds)
            except ConnectorError:
                continue  # each write asks whether the lease is still ours

    keeper = threading.Thread(target=renew, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join(5)
        app.mirror.leases.release(shop, app.holder)


def push(app: App, shop: str, intents: Sequence[Intent], on_error: Callable[[ConnectorError], None]) -> list[int]:
    """Push these and what follows from them, then read back what the shop has made of them; the ids of all of them.
    The lease must be held."""
    ids = [intent.id for intent in intents]
    groups = {intent.group for intent in intents}
    legs = app.legs(shop)
    legs.recover()
    tried: set[int] = set()
    while set(ids) != tried:
        tried = set(ids)
        result = legs.push(lambda: False, ids)
        for error in result.errors[:1]:
            on_error(error)
        followed = app.mirror.outbox.listing(shop, [IntentState.PLANNED])
        ids += [i.id for i in followed if i.group in groups and i.origin == "fallback" and i.id not in ids]
    kinds = {i.kind for i in fresh(app, ids) if i.state is IntentState.CONFIRMED}
    back = sorted({name for kind in kinds for name in READ_BACK[kind]})
    if back:
        legs.pull(lambda: False, back)
    return ids


def fresh(app: App, ids: Sequence[int]) -> list[Intent]:
    """The intents as they are now."""
    found = (app.mirror.outbox.get(i) for i in ids)
    return [intent for intent in found if intent is not None]

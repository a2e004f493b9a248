"""Many committed changes pushed at once: with progress, in portions, and stopped between two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from connector.cli import session
from connector.cli.progress import Bar
from connector.cli.session import Stop, outcome_code, show_error
from connector.core.model import FINAL, Intent
from connector.engine.cycle import READ_BACK
from connector.errors import Busy, Exit
from connector.wiring import App
from connector.wiring.pushing import fresh, lease

PORTION = 100
_IDS_SHOWN = 10


def submit_many(app: App, shop: str, intents: Sequence[Intent], bar: Bar | None) -> tuple[dict[str, int], Exit]:
    """As `session.submit`, for more changes than a person looks at one by one: state -> how many, and the exit code.

    They are committed whatever happens here; what is not final yet is pushed by the daemon or the next sync."""
    if not intents:
        return {}, Exit.OK
    ids = [one.id for one in intents]
    stop = Stop()
    stop.install()
    if app.take_lease(shop):
        with lease(app, shop):
            _push(app, shop, intents, bar, stop)
    else:
        waited = 0.0
        while waited < session.QUEUE_SECONDS and not stop() and any(i.state not in FINAL for i in fresh(app, ids)):
            app.clock.sleep(0.5)
            waited += 0.5
    done = fresh(app, ids)
    states = dict(sorted(Counter(str(one.state) for one in done).items()))
    waiting = [one for one in done if one.state not in FINAL]
    if waiting:
        more = f" and {len(waiting) - _IDS_SHOWN} more" if len(waiting) > _IDS_SHOWN else ""
        told = ", ".join(str(one.id) for one in waiting[:_IDS_SHOWN]) + more
        show_error(Busy("command.queued", states=", ".join(sorted({str(one.state) for one in waiting})), ids=told))
    return states, outcome_code(done)


def _push(app: App, shop: str, intents: Sequence[Intent], bar: Bar | None, stop: Stop) -> None:
    legs = app.legs(shop)
    legs.recover()
    for start in range(0, len(intents), PORTION):
        if bar is not None:
            bar.changes(start, len(intents))
        result = legs.push(stop, [one.id for one in intents[start : start + PORTION]])
        for error in result.errors[:1]:
            show_error(error)
        if stop() or result.pause:
            break
    back = sorted({name for one in intents for name in READ_BACK[one.kind]})
    if back:
        legs.pull(lambda: False, back)

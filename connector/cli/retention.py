"""`retention run`."""

from __future__ import annotations

import click

from connector.cli.output import emit_json, say, table
from connector.cli.session import Options, Stop, opened, pick_shop
from connector.errors import Exit


@click.group()
def retention() -> None:
    """What the settings under [retention] do not want kept any longer."""


@retention.command("run")
@click.option("--shop", help="Only this shop (default: all).")
@click.option("--json", "as_json", is_flag=True, help="As JSON: how much was dropped.")
@click.pass_obj
def run(options: Options, shop: str | None, as_json: bool) -> int:
    """Drop now what its time is over for: the daemon does it once a day, `sync --full` at its end.

    Mails that are not dealt with, and what an unfinished change needs, are kept whatever their age.
    """
    stop = Stop()
    stop.install()
    with opened(options) as app:
        names = [pick_shop(app, shop)] if shop else list(app.settings.shops)
        dropped = {name: app.retention(name).run(stop) for name in names if not stop()}
    if as_json:
        emit_json({"shops": dropped})
    elif not any(dropped.values()):
        say("nothing is to be dropped: every setting under [retention] is 0")
    else:
        rows = [(name, kind, count) for name, counts in dropped.items() for kind, count in counts.items()]
        table(("shop", "what", "dropped"), rows)
    return int(Exit.INTERRUPTED if stop() else Exit.OK)

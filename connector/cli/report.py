"""`report`: how customer service and customers are doing, as one file for a browser or a printer."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.newfile import new_file
from connector.cli.output import safe, say
from connector.cli.session import Options, opened, pick_shop
from connector.errors import Exit
from connector.wiring import figures as data
from connector.wiring import report as reports


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new HTML file.")
@click.option(
    "--period",
    default="",
    metavar="PERIOD",
    help="2026-10, 2026, 2026-W40 or 2026-10-05..2026-10-18, by the shop's days; without it the last 30 days.",
)
@click.option("--shop", help="Which shop, when there are several.")
@click.option("--language", default="", metavar="CODE", help="Such as fr; without it the shop's default language.")
@click.pass_obj
def report(options: Options, out: Path, period: str, shop: str | None, language: str) -> int:
    """Customer service and customers in plots and tables: one HTML file that needs nothing else.

    Reads the mirror only. The file holds no names or addresses of customers; only you may read it.
    """
    with opened(options, reading=True) as app:
        name = pick_shop(app, shop)
        wanted = data.period(app, name, period)
        with new_file(out) as draft:
            draft.write_bytes(reports.report(app, name, wanted, language))
    say(f"shop {safe(name)}: the report of {wanted.label} is in {safe(str(out))}")
    return int(Exit.OK)

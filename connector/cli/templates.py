"""`templates list`: the ready answers."""

from __future__ import annotations

import click

from connector import packagedata
from connector.cli.output import emit_json, table
from connector.cli.session import Options, load, named_shop
from connector.errors import Exit


@click.group()
def templates() -> None:
    """Ready answers for `thread reply --template`."""


@templates.command("list")
@click.option("--shop", help="Which shop, when the settings name several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_(options: Options, shop: str | None, as_json: bool) -> int:
    """The templates of a shop, the languages they are written in, and what has to be given with --set."""
    settings = load(options)
    found = packagedata.checked_templates(settings.mappings_dir).of(named_shop(settings, shop))
    rows = [
        {"name": one.name, "languages": sorted(one.texts), "values": list(one.values), "files": list(one.files)}
        for one in found.values()
    ]
    if as_json:
        emit_json(rows)
        return int(Exit.OK)
    cells = [[row["name"], *(", ".join(row[key]) for key in ("languages", "values", "files"))] for row in rows]
    table(("template", "languages", "--set", "from"), cells, widest=200)
    return int(Exit.OK)

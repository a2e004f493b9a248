"""`completion`: what a shell needs to complete commands and options with the tab key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from connector.errors import Exit

VARIABLE = "_PRESTASHOP_CONNECTOR_COMPLETE"  # click's name for it, made from the program's
SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion for a shell.

    bash: into /usr/share/bash-completion/completions/prestashop-connector; zsh: as _prestashop-connector into a folder
    of $fpath; fish: into ~/.config/fish/completions/prestashop-connector.fish.
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click knows all of SHELLS
    made = found(ctx.find_root().command, {}, "prestashop-connector", VARIABLE)
    click.echo(made.source_template % made.source_vars())
    return int(Exit.OK)

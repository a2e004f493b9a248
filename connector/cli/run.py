"""`run`: the daemon, as the service manager starts it."""

from __future__ import annotations

import click

from connector.cli.session import Options


@click.command()
@click.option("--new-baseline", is_flag=True, help="After a lost mirror: import nothing older than now.")
@click.pass_obj
def run(options: Options, new_baseline: bool) -> int:
    """Run as a daemon until SIGTERM or Ctrl-C; SIGHUP reads the settings again.

    Every leg (pull, sweep, deletions, collect, push) has its own schedule. Logs go to standard output, as JSON
    lines when that is no terminal.
    """
    from connector.cli.service import serve  # schedules, metrics and pages are loaded by who serves only

    return serve(options, new_baseline=new_baseline)

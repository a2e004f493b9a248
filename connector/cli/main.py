"""The program: global options, the list of commands, exit codes in `--help`."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from connector.cli import (
    backup,
    check,
    completion,
    conflicts,
    customers,
    demo,
    doctor,
    figures,
    init,
    mailbox,
    mails,
    mappings,
    orders,
    outbox,
    privacy,
    replies,
    report,
    retention,
    rules,
    run,
    segments,
    status,
    sync,
    templates,
    thread_verbs,
    threads,
    timeline,
    verify,
    web,
)
from connector.cli.audit import audit
from connector.cli.output import warn
from connector.cli.session import Options, guarded
from connector.errors import EXIT_MEANING, Exit
from connector.ops import interpreter


def _version() -> str:
    try:
        return version("prestashop-connector")
    except PackageNotFoundError:
        return "unknown"


_CODES = "\n".join(f"  {int(code):>3}  {meaning}" for code, meaning in EXIT_MEANING.items())


class _Program(click.Group):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        formatter.write("\nExit codes:\n" + _CODES + "\n")


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, readable=False),
    help="Settings file (default: the environment variable PRESTASHOP_CONNECTOR_CONFIG,"
    " else /etc/prestashop-connector/config.toml).",
)
@click.option("-v", "--verbose", is_flag=True, help="Log everything, on standard error.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(_version(), prog_name="prestashop-connector")
@click.pass_context
def program(ctx: click.Context, config_path: Path | None, verbose: bool, debug: bool) -> None:
    """Keeps a SQL mirror of a PrestaShop shop, joins it with the mails people send, and carries the result back."""
    ctx.obj = Options(config_path, verbose, debug)


for command in (
    init.init,
    sync.sync,
    run.run,
    sync.plan,
    verify.verify,
    check.check_config,
    doctor.doctor,
    status.status,
    threads.thread,
    orders.order,
    customers.customer,
    mails.quarantine,
    mailbox.mailbox,
    outbox.outbox,
    conflicts.conflicts,
    mappings.mappings,
    rules.rules,
    templates.templates,
    segments.segment,
    figures.figures,
    report.report,
    retention.retention,
    web.web,
    backup.backup,
    backup.restore,
    demo.demo,
    completion.completion,
):
    program.add_command(command)
mailbox.mailbox.add_command(audit)
customers.customer.add_command(privacy.export)
customers.customer.add_command(privacy.erase)
customers.customer.add_command(timeline.of_customer)
orders.order.add_command(timeline.of_order)
for command in (replies.reply, replies.next_, *thread_verbs.COMMANDS):
    threads.thread.add_command(command)


def main(argv: list[str] | None = None) -> None:
    """The console script. Never shows a traceback unless --debug was given."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    interpreter.tune()

    def work() -> int:
        try:
            outcome: Any = program.main(arguments, prog_name="prestashop-connector", standalone_mode=False)
        except click.exceptions.NoArgsIsHelpError as error:
            warn(error.format_message())
            return int(Exit.USAGE)
        except click.UsageError as error:
            context = error.ctx
            if context is not None:
                warn(context.get_usage())
            warn(f"error: {error.format_message()}")
            warn(f"  what to do: {context.command_path if context else 'prestashop-connector'} --help")
            return int(Exit.USAGE)
        except click.ClickException as error:
            warn(f"error: {error.format_message()}")
            return int(Exit.USAGE)
        return int(outcome) if isinstance(outcome, int) else int(Exit.OK)

    sys.exit(guarded(work, debug="--debug" in arguments))

"""The manual page prestashop-connector(8), from the commands, the exit codes and the commented settings.

man(7) as groff and mandoc read it. Widths and fonts are left to the reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from connector import config, packagedata
from connector.cli.main import program
from connector.errors import EXIT_MEANING

NAME = "prestashop-connector"
Found = Iterator[tuple[list[str], click.Command, click.Context]]

ENVIRONMENT = {
    config.PATH_VARIABLE: "The settings file, when --config does not name one.",
    "PRESTASHOP_CONNECTOR__...": "Any setting, in capitals, its parts joined by two underscores, as in "
    "PRESTASHOP_CONNECTOR__SHOPS__MAIN__READ_TIMEOUT=30. Stronger than the file.",
    "CREDENTIALS_DIRECTORY": "Set by systemd for LoadCredential=: secrets in files such as shops__main__key.",
    "STATE_DIRECTORY": "Set by systemd for StateDirectory=: the default of state_dir.",
    "NOTIFY_SOCKET, WATCHDOG_USEC": "Set by systemd: whom run tells that it is ready, how it does and that it lives.",
}
FILES = {
    str(config.DEFAULT_PATH): "The settings.",
    "/etc/prestashop-connector/secrets/": "Keys and passwords, one a file, as init makes them.",
    "/var/lib/prestashop-connector/mirror.db": "The mirror, when it is no PostgreSQL database.",
    "/var/lib/prestashop-connector/mirror.db.schema-*": "Copies made before a newer version changed the mirror; the "
    "three newest.",
    "/var/lib/prestashop-connector/instance.secret": "Signs Message-IDs and reply addresses. Belongs into a backup.",
    "/var/lib/prestashop-connector/oauth/": "Tokens of OAuth logins.",
}
SIGNALS = {
    "SIGTERM, SIGINT": "End run after the request in hand; a one-shot command after the row in hand.",
    "SIGHUP": "run reads the settings again: all or nothing.",
}


def page() -> str:
    """The whole page as roff source."""
    about = str(program.help)
    lines = [
        '.\\" Made by `make docs` from the program; changes belong there.',
        f'.TH {NAME.upper().replace("-", chr(92) + "-")} 8 "" "{NAME}" "System administration"',
        ".SH NAME",
        f"{roff(NAME)} \\- mirror of a PrestaShop shop, joined with its customers\\(aq mails",
        ".SH SYNOPSIS",
        f".B {roff(NAME)}",
        "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]",
        ".SH DESCRIPTION",
        roff(about),
        ".SH OPTIONS",
        *_options(program, click.Context(program, info_name=NAME)),
        ".SH COMMANDS",
        "Each takes \\fB\\-\\-help\\fR.",
    ]
    for names, command, context in commands():
        usage = " ".join(command.collect_usage_pieces(context))
        lines += [f'.SS "{roff(" ".join(names))}"', f"\\fB{roff(' '.join([NAME, *names]))}\\fR {roff(usage)}", ".PP"]
        lines += [*_paragraphs(command.help or ""), *_options(command, context)]
    lines += [".SH EXIT STATUS", *_list({str(int(code)): meaning for code, meaning in EXIT_MEANING.items()})]
    lines += (
        [".PP", "\\fBstatus \\-\\-check\\fR alone ends with 0 to 3: ok, warning, critical, unknown."]
        if "--check" in _flags("status")
        else []
    )
    lines += [".SH SETTINGS", "The file is TOML. A value behind # is the default.", *_settings()]
    lines += [".SH ENVIRONMENT", *_list(ENVIRONMENT), ".SH FILES", *_list(FILES), ".SH SIGNALS", *_list(SIGNALS)]
    lines += [".SH SEE ALSO", ".BR systemctl (1),", ".BR journalctl (1),", ".BR systemd.exec (5)"]
    return "\n".join(lines) + "\n"


def commands() -> Found:
    """(words, command, its context) of everything that can be run, in the order of --help."""

    def walk(group: click.Group, context: click.Context, words: list[str]) -> Found:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is None or command.hidden:
                continue
            inner = click.Context(command, parent=context, info_name=name)
            if isinstance(command, click.Group):
                yield from walk(command, inner, [*words, name])
            else:
                yield [*words, name], command, inner

    yield from walk(program, click.Context(program, info_name=NAME), [])


def roff(text: str) -> str:
    """Text as roff shows it letter by letter."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace('"', "\\(dq").replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def _flags(name: str) -> set[str]:
    command = program.commands.get(name)
    return {flag for parameter in (command.params if command else ()) for flag in parameter.opts}


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\b", "").replace("\f", "").strip()):
        yield roff(" ".join(paragraph.split()))
        yield ".PP"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            yield from _list({record[0]: record[1]})


def _list(entries: dict[str, str]) -> Iterator[str]:
    for term, meaning in entries.items():
        yield ".TP"
        yield f"\\fB{roff(term)}\\fR"
        yield roff(meaning)[:1].upper() + roff(meaning)[1:] if meaning else "\\&"


def _settings() -> Iterator[str]:
    """The example as it is: comments, then the lines that they explain."""
    yield ".nf"
    for line in packagedata.text("config.example.toml").splitlines():
        yield roff(line) if line else ".sp"
    yield ".fi"

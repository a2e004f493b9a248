"""The first settings file: the example with its comments, the answers of `init` filled in.

Works on lines of text, so that every explanation stays where it is; reads and writes no file. Secrets are no part of
it: the lines name files that hold them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Value = str | int | bool

_HEADER = re.compile(r"^\[([\w.]+)\]")
_SHOP, _BOX, _SMTP = "shops.main", "shops.main.mailboxes.service", "shops.main.smtp"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a first file says beyond the defaults: per table setting -> value. `mailbox` and `smtp` None: the table
    stays in the file as a comment. names: of the shop's table and of the mailbox's."""

    shop: Mapping[str, Value]
    mailbox: Mapping[str, Value] | None = None
    smtp: Mapping[str, Value] | None = None
    top: Mapping[str, Value] = field(default_factory=dict)
    mirror: Mapping[str, Value] = field(default_factory=dict)
    names: tuple[str, str] = ("main", "service")


def render(example: str, answers: Answers) -> str:
    """The text of the settings file. example: that of `config.example.toml`. A setting that the example does not have
    in that table is a KeyError: it would be lost."""
    wanted: dict[str, Mapping[str, Value] | None] = {
        "": answers.top,
        "mirror": answers.mirror,
        _SHOP: answers.shop,
        _BOX: answers.mailbox,
        _SMTP: answers.smtp,
    }
    lines: list[str] = []
    for table, body in _tables(example):
        lines += _filled(table, body, wanted[table]) if table in wanted else body
    return _named("".join(lines), *answers.names)


def _tables(example: str) -> Iterator[tuple[str, list[str]]]:
    """(name, its lines); the comments right above a header belong to it."""
    table, body, loose = "", list[str](), list[str]()
    for line in example.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header:
            yield table, body
            table, body, loose = header[1], [*loose, line], []
        elif line.startswith("# ") and not re.match(r"# [a-z0-9_]+ = ", line):
            loose.append(line)
        else:
            body += [*loose, line]
            loose = []
    yield table, [*body, *loose]


def _filled(table: str, body: list[str], values: Mapping[str, Value] | None) -> list[str]:
    if values is None:
        return [line if line.startswith("#") or not line.strip() else f"# {line}" for line in body]
    left = dict(values)
    out = []
    for line in body:
        found = re.match(r"^(#?) ?([a-z0-9_]+) = ", line)
        name = found[2] if found else ""
        if name in left:
            out.append(f"{name} = {_toml(left.pop(name))}\n")
        elif found and not found[1]:  # a made-up value of the example, such as its key
            out.append(f"# {line}")
        else:
            out.append(line)
    if left:
        raise KeyError(f"{table}: {', '.join(left)}")
    return out


def _named(text: str, shop: str, mailbox: str) -> str:
    text = text.replace("mailboxes.service", f"mailboxes.{mailbox}").replace(
        "authorize service", f"authorize {mailbox}"
    )
    text = text.replace("mailboxes__service__", f"mailboxes__{mailbox}__").replace("shops__main__", f"shops__{shop}__")
    return text.replace("shops.main", f"shops.{shop}")


def _toml(value: Value) -> str:
    """JSON's texts are TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(value).replace("\x7f", "\\u007f")

"""docs/mirror-schema.md: the tables that a reader of the mirror meets, from the mappings and the program's own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.types import TypeDecorator

from connector import packagedata
from connector.core.mapping import Field, Resource
from connector.mirror import own_tables, tables, views

OWN = {
    "meta": "single facts, by name",
    "cursor": "how far each resource was pulled",
    "baseline": "the line between old and new mail of each folder",
    "blob": "contents of mails and attachments, each once, compressed",
    "mail": "the ledger: every copy of a mail ever seen, and what became of it",
    "attachment": "files of mails that joined a thread",
    "bounce": "reports that a mail of ours did not arrive",
    "intent": "the outbox: every change on its way to the shop or the mail server, and how it ended",
    "conflict": "changes of ours that met other ones in the shop",
    "duplicate": "what the shop holds once too often",
    "lease": "who works for a shop, and until when",
    "run": "runs of the legs: when, how they ended, what they counted",
    "tombstone": "rows that are gone from the shop, or pointed to and never seen",
    "difference": "what `verify` found",
    "erasure": "who was erased, by a keyed hash, and when",
    "erased_row": "rows of erased people: they stay empty here until the shop has none such",
    "thread_change": "statuses of threads that were seen to change",
    "segment_member": "whom a segment put into its customer group",
    "quarantine_row": "rows that could not be read, with their bytes",
}
"""What an own table holds; a test wants every table here."""

SEARCH = (
    "In SQLite there are also tables `search_...`: the words of messages, names and addresses, without the texts, for "
    "the page's search. Triggers keep them, so a tool that writes to the mirrored tables needs FTS5. PostgreSQL has "
    "indexes `search_...` instead."
)

VIEWED = {
    "v_customer_stats": (
        "One line for each account, guests too. Lines of one `email_key` are one person: sum their orders up. Orders\n"
        "count when PrestaShop's `valid` says so.",
        {
            "registered_at": "when the account was made",
            "orders": "all that were placed",
            "valid_orders": "those that count",
            "spent": "`total_paid` of those that count, each divided by its own `conversion_rate`: in the shop's "
            "default currency, with six places",
            "first_order_at": "of those that count",
            "last_order_at": "of those that count",
            "threads": "of the account or its address, so the same on several lines of a person",
            "open_threads": "those of them that are not closed",
        },
    ),
    "v_open_threads": (
        "One line for each thread that is not closed, `pending1` and `pending2` too. Private messages are neither\n"
        "words of the customer nor answers.",
        {
            "messages": "how many, private ones too",
            "waiting_since": "the customer's first message since the last answer; NULL: the last word is the shop's",
            "unanswered": "how many there are since the last answer",
        },
    ),
    "v_thread_timeline": (
        "One line for each thing that happened in a thread. Order it by `at`.",
        {
            "kind": "message, status (seen to change), bounce (a mail of ours came back) or mail (waits in quarantine "
            "and may belong there)",
            "id": "of the message, the row of `thread_change`, the mail in the ledger",
            "at_local": "the shop's text, of messages",
            "id_employee": "NULL: written by the customer",
            "text": "the message as it is stored, the subject of a mail",
            "was": "status before",
            "became": "status after",
            "reason": "of a status whose change it was (ours, shop), of a bounce its code, of a mail why it waits",
        },
    ),
}
"""View -> what it shows, and what its columns mean where their name does not tell."""

HEAD = """\
# The mirror's tables

Made by `make docs` from the mappings and the program. One SQLite file or one PostgreSQL database: read it with any
tool, also while the daemon runs, and write nothing.

- Every row carries `shop`, the name of its `[shops.NAME]` table.
- `<name>` of a date and time is UTC, `<name>_local` is the shop's own text for it.
- Amounts have six places. SQLite knows no decimals: round what you sum up.
- `digest` and `pulled_at` are the program's: a hash of the row, and when it was stored.
- Texts of several languages lie in `<table>_lang`, one row per `id` and `id_lang`; lists inside a row in tables of
  their own, by `parent_id` and `position`.
- A line marked *personal* holds personal data (see `mappings/README.md`).
- Mappings of your own (`mappings_dir`) add columns and tables that are not listed here: `mappings show`.
"""

VIEWS_HEAD = """\
## Views

Made for tools that read with SQL, and kept as they are from version to version: columns are added, none goes. A mapping
of yours that leaves out what a view shows is refused. When another version of the program brings other views they are
dropped and made anew, and what was granted on them in PostgreSQL has to be granted again. Moments are UTC."""


def page() -> str:
    """The whole document in Markdown."""
    resources = packagedata.resources()
    built = tables.build(resources)
    lines = [HEAD, "## Mirrored from the shop", ""]
    for resource in resources:
        lines += _resource(resource, built)
    lines += [VIEWS_HEAD, ""]
    for name, query in views.selects(built).items():
        about, meanings = VIEWED[name]
        lines += [f"### {name}", "", about, "", "| column | holds | |", "|---|---|---|"]
        for column in query.selected_columns:
            lines.append(f"| {column.name} | {tables.family(column.type)} | {meanings.get(column.name, '')} |")
        lines.append("")
    lines += ["## The program's own", "", SEARCH, ""]
    remarks = _remarks()
    for table in own_tables.metadata.tables.values():
        about = OWN.get(table.name, "")
        lines += [f"### {table.name}", "", *([f"{about[0].upper()}{about[1:]}.", ""] if about else [])]
        lines += [*_rows(table, {name: text for (of, name), text in remarks.items() if of == table.name}), ""]
    return "\n".join(lines).rstrip() + "\n"


def _resource(resource: Resource, built: tables.MirroredTables) -> Iterator[str]:
    since = f", PrestaShop {'.'.join(map(str, resource.since))} and later" if resource.since > (1, 6) else ""
    yield f"### {resource.table}"
    yield ""
    yield f"From `/api/{resource.name}`{since}; by `mappings/resources/{resource.name}.toml`."
    yield ""
    yield from _rows(built.main[resource.table], _meanings(resource.fields))
    yield ""
    if resource.lang:
        yield f"#### {resource.table}_lang"
        yield ""
        yield from _rows(built.lang[resource.table], _meanings(resource.lang))
        yield ""
    for child in resource.children:
        yield f"#### {child.table}"
        yield ""
        yield from _rows(built.children[resource.table][child.table], _meanings(child.fields))
        yield ""


def _meanings(fields: tuple[Field, ...]) -> dict[str, str]:
    found = {}
    for item in fields:
        parts = [f"id in {item.target}"] if item.target else []
        parts += ["*personal*"] if item.personal else []
        found[item.name] = ", ".join(parts)
        if item.type == "datetime":
            found[f"{item.name}_local"] = ", ".join(["the shop's text", *parts])
        if item.name == "email":
            found["email_key"] = ", ".join(["`email` in small letters", *parts])
    return found


def _rows(table: Table, meanings: dict[str, str]) -> Iterator[str]:
    yield "| column | holds | |"
    yield "|---|---|---|"
    for column in table.columns:
        yield f"| {column.name} | {_holds(column)} | {_remark(column, meanings.get(column.name, ''))} |"


def _holds(column: Column[Any]) -> str:
    if type(column.type).__name__ in ("JSON", "LargeBinary"):
        kind = {"JSON": "JSON", "LargeBinary": "bytes"}[type(column.type).__name__]
    elif isinstance(column.type, TypeDecorator) and type(column.type).__name__ == "UTCDateTime":
        kind = "moment (UTC)"
    else:
        kind = tables.family(column.type)
    return kind if column.primary_key or not column.nullable else f"{kind}, or NULL"


def _remark(column: Column[Any], meaning: str) -> str:
    parts = ["key"] if column.primary_key else []
    parts += [f"`{key.target_fullname}`" for key in column.foreign_keys]
    return "; ".join([*parts, *([meaning] if meaning else [])])


def _remarks() -> dict[tuple[str, str], str]:
    """(table, column) -> the comment behind the column in the program."""
    found, table = {}, ""
    for line in inspect.getsource(own_tables).splitlines():
        if named := re.match(r'    "(\w+)",$', line):
            table = named[1]
        elif said := re.match(r'    Column\("(\w+)",.*\),  # (.+)$', line):
            found[table, said[1]] = said[2].replace("|", "\\|")
    return found

"""`mailbox audit`: is every mail of a mailbox accounted for?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from connector.cli.output import emit_json, safe, say, table
from connector.cli.session import Options, opened, pick_shop, show_error
from connector.core.model import Copy
from connector.engine.audit import FolderAudit, Missing
from connector.errors import ConnectorError, DataError, Exit, worst

SHOWN = 20  # mails of a kind on a terminal; --json has all


@click.command()
@click.argument("name", required=False)
@click.option("--shop", help="The shop, when the settings have several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every mail.")
@click.pass_obj
def audit(options: Options, name: str | None, shop: str | None, as_json: bool) -> int:
    """Compare the folders of the mailbox NAME (default: of every mailbox) with the ledger, mail by mail.

    Reads only, on both sides; may run beside the daemon. Ends with 1 when a mail is not accounted for: one that came
    after the last collection counts as missing, so look again after the next.
    """
    found: list[FolderAudit] = []
    errors: list[ConnectorError] = []
    with opened(options, reading=True) as app:
        where = pick_shop(app, shop)
        known = list(app.shop_settings(where).mailboxes)
        if name is not None and name not in known:
            raise DataError("mailbox.unknown_name", mailbox=name, shop=where, known=", ".join(known) or "none")
        for box in [name] if name else known:
            try:
                found += app.audit(where, box).run()
            except ConnectorError as unreachable:
                errors.append(unreachable)
    errors += [folder.error for folder in found if folder.error is not None]
    codes = [error.exit for error in errors] + ([] if all(f.holds for f in found) else [Exit.FOUND])
    if as_json:
        emit_json({"shop": where, "folders": [_plain(f) for f in found], "exit_code": int(worst(codes))})
    else:
        for folder in found:
            if folder.error is None:
                _show(folder)
    for error in errors:
        show_error(error)
    return int(worst(codes))


def _plain(folder: FolderAudit) -> dict[str, Any]:
    line = folder.baseline
    return {
        "mailbox": folder.mailbox,
        "folder": folder.folder,
        "holds": folder.holds and folder.error is None,
        "error": folder.error.code if folder.error else None,
        "baseline": {"uidvalidity": line.uidvalidity, "uidnext": line.uidnext, "at": line.at} if line else None,
        "uidvalidity": folder.uidvalidity,
        "renumbered": folder.renumbered,
        "on_server": folder.on_server,
        "in_scope": folder.in_scope,
        "states": folder.states,
        "missing": [_mail(one) for one in folder.missing],
        "stuck": [_mail(one) for one in folder.stuck],
        "unexplained": [_mail(one) for one in folder.unexplained],
        "gone": [_mail(one) for one in folder.gone],
    }


def _mail(one: Missing | Copy) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "uid": one.uid,
        "internaldate": one.internaldate,
        "size": one.size,
        "message_id": one.message_id,
        "from": one.from_addr,
        "subject": one.subject,
    }
    if isinstance(one, Copy):
        shown |= {"mail": one.id, "state": str(one.state), "reason": one.reason}
    return shown


def _show(folder: FolderAudit) -> None:
    line = folder.baseline
    say(f"{safe(folder.mailbox)}/{safe(folder.folder)}")
    if line is None:
        say(f"  never collected: the first sync draws the line ({folder.on_server:,} mails on the server)")
        return
    say(f"  baseline: UID {line.uidnext} of UIDVALIDITY {line.uidvalidity}, {line.at:%Y-%m-%d %H:%M} UTC")
    if line.numbering != line.uidvalidity:
        say("  the server has given its numbers anew since: known mails are recognised by content")
    if folder.renumbered:
        say("  the server has given its numbers anew since the last collection: all of them are looked at next time")
    say(f"  on the server: {folder.on_server:,} mails, {folder.in_scope:,} in scope")
    say("  ledger: " + (", ".join(f"{count:,} {state}" for state, count in sorted(folder.states.items())) or "empty"))
    _list("missing here", folder.missing)
    _list("undecided for more than one run", folder.stuck)
    _list("pending without a change that would carry them on", folder.unexplained)
    _list("only in the ledger (moved or removed since; no fault)", folder.gone)
    say("  every mail is accounted for" if folder.holds else "  NOT every mail is accounted for")


def _list(what: str, mails: Sequence[Missing | Copy]) -> None:
    if not mails:
        return
    say(f"  {what}: {len(mails):,}")
    rows = [(f"    {m.uid}", m.internaldate, _state(m), m.from_addr or "-", m.subject or "-") for m in mails[:SHOWN]]
    table(("    UID", "came (UTC)", "here", "from", "subject"), rows, widest=50)
    if len(mails) > SHOWN:
        say(f"    and {len(mails) - SHOWN:,} more (--json lists all)")


def _state(one: Missing | Copy) -> str:
    return f"mail {one.id}, {one.state}" if isinstance(one, Copy) else "-"

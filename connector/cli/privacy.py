"""`customer export|erase`: what is held about a person, in hand and away."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import click

from connector.cli.newfile import new_file
from connector.cli.output import emit_json, is_id, safe, say, table, warn
from connector.cli.session import Options, opened, pick_shop
from connector.core.erasure import Holdings
from connector.errors import Exit, UsageError
from connector.wiring import App


@click.command("export")
@click.argument("customer")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new ZIP file.")
@click.option("--shop", help="Only this shop; with an id needed when there are several.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: how much of what is in the file.")
@click.pass_obj
def export(options: Options, customer: str, out: Path, shop: str | None, as_json: bool) -> int:
    """Everything that is held about a person, by id or e-mail address, as a ZIP file of JSON, mails and attachments.

    Of an id also what its address has elsewhere: other accounts, guest orders, threads, mails. Only you may read the
    file. The mirror is as new as the last pull.
    """
    with opened(options, reading=True) as app:
        who, shops = _asked(app, customer, shop)
        held = app.privacy().find(shops, who)
        with new_file(out) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in app.privacy().files_of(held):
                archive.writestr(name, data)
            for one in held:
                for path in _drafts(app, one):
                    archive.write(path, f"{one.shop}/drafts/{path.name}")
    if as_json:
        emit_json({"path": str(out), "shops": {one.shop: one.counts() for one in held}})
    else:
        _show(held)
        say(f"saved {safe(str(out))}")
    return int(Exit.OK)


@click.command("erase")
@click.argument("customer")
@click.option("--shop", help="Only this shop; with an id needed when there are several.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: how much was erased.")
@click.pass_obj
def erase(options: Options, customer: str, shop: str | None, yes: bool, as_json: bool) -> int:
    """Erase what is held about a person, by id or e-mail address: names, addresses, messages, mails, attachments.

    Ids, dates, amounts and a keyed hash of the address stay. The next pull brings nothing of it back. The shop, the
    mailboxes and copies of the mirror are not touched: erase there as well. There is no way back.
    """
    with opened(options) as app:
        who, shops = _asked(app, customer, shop)
        privacy = app.privacy()
        held = privacy.find(shops, who)
        privacy.refuse_what_waits(held)
        if not yes:
            _confirm(held)
        drafts = [path for one in held for path in _drafts(app, one)]
        done = privacy.erase(held, who)
        for path in drafts:
            path.unlink(missing_ok=True)
        copies = [str(path) for path in app.copies()]
    if as_json:
        emit_json({"shops": {one.shop: one.counts() for one in done}, "drafts": len(drafts), "copies": copies})
        return int(Exit.OK)
    _show(done)
    say("erased here; the shop and the mailboxes still hold theirs")
    for copy in copies:
        say(f"an older copy of the mirror may still hold this person: {safe(copy)}")
    return int(Exit.OK)


def _asked(app: App, customer: str, shop: str | None) -> tuple[int | str, list[str]]:
    """Whom, and in which shops: an id counts in one."""
    if is_id(customer):
        return int(customer), [pick_shop(app, shop)]
    return customer, [pick_shop(app, shop)] if shop else list(app.settings.shops)


def _drafts(app: App, held: Holdings) -> list[Path]:
    """Answers that somebody began to write in the threads of the person. Their names tell no shop, so with several
    shops none is taken for theirs."""
    if len(app.settings.shops) > 1:
        return []
    folder = app.settings.state_dir / "drafts"
    threads = sorted(held.rows.get("customer_threads", ()))
    return [path for number in threads for path in sorted(folder.glob(f"reply-{number}-*.txt"))]


def _confirm(held: Sequence[Holdings]) -> None:
    if not sys.stdin.isatty():
        raise UsageError("privacy.not_confirmed")
    for one in held:
        warn(f"shop {safe(one.shop)}: " + ", ".join(f"{count} {name}" for name, count in one.counts().items()))
    if not click.confirm("Erase all of this? There is no way back", default=False, err=True):
        raise UsageError("privacy.not_confirmed")


def _show(held: Sequence[Holdings]) -> None:
    table(("shop", "what", "how many"), [(one.shop, name, n) for one in held for name, n in one.counts().items()])

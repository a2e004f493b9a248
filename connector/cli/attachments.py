"""`thread attachment`: one file of a mail, saved. It is written and nothing else: never opened, run or unpacked."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import click

from connector.cli.output import ID, emit_json, safe, say, warn
from connector.cli.session import Options, opened
from connector.core.attachments import KeptAttachment
from connector.core.filetypes import sniff
from connector.errors import CannotCreate, DataError, Exit

WHY_NOT = {
    "larger_than_a_file_may_be": "only in its mail: larger than attachment_bytes",
    "mail_over_its_limit": "only in its mail: with the files before it more than attachment_bytes_mail",
    "day_over_its_limit": "only in its mail: more than attachment_bytes_day in 24 hours",
    "retention": "only in its mail, as long as that is kept: attachments_days",
    "erased": "its person was erased",
    "left_in_the_mailbox": "only in the mailbox: the mail is larger than max_bytes",
}
"""Why a file was not kept for itself, in words."""


@click.command("attachment")
@click.argument("attachment_id", type=ID)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File or folder to save to, - for stdout.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: what was saved, and where.")
@click.pass_obj
def attachment(options: Options, attachment_id: int, out: Path, force: bool, as_json: bool) -> int:
    """Save one attachment; `thread show` tells the ids.

    In a folder it gets its own name, made safe. Only you may read the file.
    """
    with opened(options, reading=True) as app:
        kept = app.mirror.attachments.get(attachment_id)
        if kept is None:
            raise DataError("attachment.unknown", id=attachment_id)
        data = app.files().read(kept)
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        return int(Exit.OK)
    target = out / own_name(kept) if out.is_dir() else out
    save(target, data, force=force)
    kind = sniff(data, kept.declared_type)
    if as_json:
        emit_json({"id": kept.id, "path": str(target), "name": kept.name, "size": len(data), "content_type": kind})
    else:
        say(f"saved {safe(str(target))} ({len(data)} bytes, {safe(kind)})")
        if differs(kind, kept.declared_type):
            warn(f"the mail calls it {safe(kept.declared_type)}")
    return int(Exit.OK)


def own_name(kept: KeptAttachment) -> str:
    """The name in a folder. The ledger's name was made safe when it was stored; this holds whatever lies there."""
    bad = kept.name in ("", ".", "..") or any(sign in kept.name for sign in ("/", "\\", "\0"))
    return f"attachment-{kept.id}" if bad else kept.name


def save(target: Path, data: bytes, *, force: bool) -> None:
    """Readable for the owner alone, whole or not at all. Over a file that is there only with force: a link is then
    replaced, not followed, and a device or folder never. Raises CannotCreate."""
    try:
        there = os.path.lexists(target)
        if there and not (force and (target.is_symlink() or target.is_file())):
            raise CannotCreate("attachment.exists", path=str(target))
        place = target.with_name(f".{secrets.token_hex(8)}.part") if there else target
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            if there:
                place.replace(target)
        except BaseException:
            place.unlink(missing_ok=True)
            raise
    except FileExistsError:  # somebody was faster
        raise CannotCreate("attachment.exists", path=str(target)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", "") or "not a path"
        raise CannotCreate("attachment.not_saved", path=str(target), reason=reason) from None


def differs(kind: str, declared: str) -> bool:
    """Does the mail call a file something else than it is? What says nothing contradicts nothing."""
    same = {"application/octet-stream", "", kind}
    return declared not in same and kind not in ("application/octet-stream", "application/zip", "text/plain")


def lines(files: list[KeptAttachment]) -> list[str]:
    """One line for each, as `thread show` prints it."""
    return [_line(one) for one in files]


def _line(one: KeptAttachment) -> str:
    said = f", called {one.declared_type}" if differs(one.content_type, one.declared_type) else ""
    page = ", image of the page" if one.inline else ""
    why = f", {WHY_NOT.get(one.reason, one.reason)}" if one.reason else ""
    return safe(f"attachment {one.id}: {one.name} ({one.size} bytes, {one.content_type}{said}{page}{why})")


def view(one: KeptAttachment) -> dict[str, object]:
    """For `thread show --json`."""
    return {
        "id": one.id,
        "mail": one.copy_id,
        "id_message": one.id_message,
        "name": one.name,
        "size": one.size,
        "content_type": one.content_type,
        "declared_type": one.declared_type,
        "content_id": one.content_id,
        "inline": one.inline,
        "sha256": one.blob or None,
        "not_kept": one.reason or None,
    }

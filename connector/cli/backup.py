"""`backup` and `restore`."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.newfile import new_file
from connector.cli.output import safe, say
from connector.cli.session import Options, check_owner, load
from connector.errors import Exit, UsageError
from connector.wiring.backup import adopt_mirror, copy_mirror, mirror_file, restore_mirror


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(options: Options, file: Path) -> int:
    """Copy a SQLite mirror into a new file, whole and consistent, while everything goes on.

    The file holds personal data, and is readable for you alone. It does not hold the instance secret, which is a
    credential: keep instance.secret of the state directory apart, or answers to older mails prove nothing any more.
    """
    settings = load(options)
    check_owner(settings)
    mirror_file(settings)
    with new_file(file) as draft:
        copy_mirror(settings, draft)
    say(f"saved {safe(str(file))} ({file.stat().st_size:,} bytes), without the instance secret")
    return int(Exit.OK)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--force", is_flag=True, help="Replace the mirror that is there; it is kept beside under another name.")
@click.option("--adopt", is_flag=True, help="No FILE: the mirror was brought back by another tool (pg_restore).")
@click.pass_obj
def restore(options: Options, file: Path | None, force: bool, adopt: bool) -> int:
    """Put a copy that `backup` has made in the mirror's place. The daemon must be stopped.

    What was waiting to be sent when the copy was made is looked up in the shop first, and the shop is read anew before
    any mail is decided on: nothing is done twice.
    """
    settings = load(options)
    check_owner(settings)
    if (file is None) is not adopt:
        raise UsageError("restore.what")
    if file is None:
        doubtful = adopt_mirror(settings)
        say(f"the next run reads everything anew and looks up what was waiting ({doubtful:,} changes)")
        return int(Exit.OK)
    kept = restore_mirror(settings, file, force=force)
    say(f"restored {safe(str(mirror_file(settings)))}; the next run reads everything anew")
    if kept is not None:
        say(f"the mirror that was there is kept as {safe(str(kept))}: remove it when you do not need it any more")
    return int(Exit.OK)

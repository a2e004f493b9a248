"""Words for what concerns people's data, copies of the mirror and their return: code -> (what happened, what to do)."""

WORDS = {
    "privacy.nobody": (
        "Nothing is held about this person (looked for in {shops}).",
        "Check the id or the address; an id counts in one shop only, and what was not pulled yet is unknown.",
    ),
    "privacy.erased_before": (
        "This person was erased on {at}; nothing has come since.",
        "Nothing. The shop and the mailboxes may hold data of their own.",
    ),
    "privacy.under_way": (
        "Something of this person is under way in shop {shop}: intents {intents}; undecided mails {mails}.",
        "Let it end (`sync`), or give it up: `outbox cancel`, `conflicts resolve`. Then erase again.",
    ),
    "privacy.moved": (
        "The data of this person in shop {shop} changed in the middle of the erasure; nothing of it was erased.",
        "Run the same command again.",
    ),
    "privacy.not_confirmed": (
        "Nothing was erased: nobody said yes.",
        "Answer with yes on a terminal, or add --yes.",
    ),
    "output.exists": (
        "{path} is there already, and nothing is overwritten.",
        "Choose another name, or remove it first.",
    ),
    "output.not_written": (
        "{path} cannot be written: {reason}.",
        "Check the folder, its permissions and the free space.",
    ),
    "backup.postgres": (
        "The mirror is a PostgreSQL database, which its own tools copy and bring back.",
        "To copy it: pg_dump --format=custom --file=mirror.dump '{url}'. To bring it back, with the daemon stopped: "
        "pg_restore --clean --if-exists --dbname='{url}' mirror.dump, then `restore --adopt`.",
    ),
    "backup.no_mirror": (
        "There is no mirror at {mirror} yet.",
        "Check `state_dir` and `mirror.url`; `sync` makes the mirror.",
    ),
    "restore.not_a_backup": (
        "{path} is no copy of a mirror ({error}).",
        "Name a file that `backup` has made.",
    ),
    "restore.damaged": (
        "The copy {path} is damaged ({error}).",
        "Use an older one, or none: a lost mirror is filled again from shop and mailboxes (see docs/privacy.md).",
    ),
    "restore.newer": (
        "The copy {path} was made by a newer program (schema {found}; this one knows {known}).",
        "Install that version, or a newer one, and restore then.",
    ),
    "restore.busy": (
        "The mirror is in use: {holder}.",
        "Stop it first: systemctl stop prestashop-connector. Then restore again.",
    ),
    "restore.mirror_exists": (
        "There is a mirror at {mirror} already.",
        "Add --force to replace it; the present one is kept beside it under another name.",
    ),
    "restore.what": (
        "Say what to restore.",
        "`restore FILE` puts a copy in the mirror's place; `restore --adopt` takes the mirror that is there for one "
        "that was brought back.",
    ),
}

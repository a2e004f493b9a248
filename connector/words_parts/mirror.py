"""Words for the errors of the mirror: code -> (what happened, what to do)."""

WORDS = {
    "mirror.url_unknown": (
        "The mirror's URL cannot be used: {kind}.",
        "Use sqlite:////absolute/path/mirror.db or postgresql://user@host/database.",
    ),
    "mirror.driver_missing": (
        "The database driver {driver} is not installed.",
        "Install it with the program: pip install 'prestashop-connector[postgres]'.",
    ),
    "mirror.directory_missing": (
        "The directory {directory} for the mirror does not exist.",
        "Create it for the service's user, or set another path for the mirror.",
    ),
    "mirror.cannot_create": (
        "The mirror {mirror} cannot be created: {error}.",
        "Check the directory's permissions and the free space.",
    ),
    "mirror.not_ours": (
        "{path} belongs to the user {owner}.",
        "Run the command as that user: sudo -u {owner} prestashop-connector ...",
    ),
    "mirror.read_only": (
        "The mirror {mirror} cannot be written ({error}).",
        "Check the permissions of the file and its directory, and whether the file system is mounted read-only. "
        "On PostgreSQL: whether the server is a standby, or the user's transactions are read-only by default.",
    ),
    "mirror.cannot_open": (
        "The mirror {mirror} cannot be opened ({error}).",
        "Check that the path is a file which the program's user may read and write.",
    ),
    "mirror.no_wal": (
        "The file system of {mirror} does not support SQLite's write-ahead log.",
        "Keep the mirror on a local disk, or use PostgreSQL.",
    ),
    "mirror.disk_full": (
        "The disk of the mirror {mirror} is full ({error}).",
        "Free some space; nothing that was confirmed is lost, and the work goes on by itself.",
    ),
    "mirror.io_failed": (
        "Reading or writing the mirror {mirror} failed ({error}).",
        "Look at the disk and the system log.",
    ),
    "mirror.damaged": (
        "The mirror {mirror} is damaged or is not a database of this kind ({error}).",
        "Restore a backup, or move the file away and start anew: what is in the shop is found again by its references.",
    ),
    "mirror.locked": (
        "Another process or thread is writing to the mirror {mirror} and does not finish ({error}).",
        "Try again; if it stays so, look for a stuck process that has the mirror open.",
    ),
    "mirror.unreachable": (
        "The database server of the mirror {mirror} does not answer ({error}).",
        "Check that the server runs and that the URL names its host and port.",
    ),
    "mirror.login_refused": (
        "The database server of the mirror {mirror} refuses the login or a right ({error}).",
        "Check the user in mirror.url and its password (mirror.password), and that the user owns the database or may "
        "create tables in it.",
    ),
    "mirror.no_database": (
        "The server of the mirror {mirror} has no such database ({error}).",
        "Make it, in UTF8 and owned by the user of the URL: createdb --owner=USER --encoding=UTF8 --template=template0 "
        "NAME.",
    ),
    "mirror.encoding": (
        "The database of the mirror {mirror} has the encoding {found}, which cannot hold every text.",
        "Make a new one with UTF8: createdb --owner=USER --encoding=UTF8 --template=template0 NAME.",
    ),
    "mirror.lease_lost": (
        "Another process works for the shop {shop} now; what this one had in hand is not stored.",
        "Nothing: the other one does the work. If this one was stopped or its machine asleep, that is why.",
    ),
    "mirror.newer_schema": (
        "The mirror {mirror} was written by a newer version of this program (schema {found}, known {known}).",
        "Install the newer version again. Or go back, losing what came since the update: stop the service and put the "
        "copy that the update made (the file's name and .schema-..., beside it) in the mirror's place, without -wal, "
        "-shm files. On PostgreSQL: your own dump.",
    ),
    "mirror.no_keepsake": (
        "The mirror {mirror} is of an older version, and the copy {copy} that is kept before it is changed cannot be "
        "made ({error}). Nothing was changed.",
        "Make room for a second file of the mirror's size beside it, start again. Older copies (.schema-...) may go.",
    ),
    "mirror.inconsistent": (
        "The mirror {mirror} refused a row that contradicts another ({error}).",
        "This is a fault of the program: please report it with the log lines before it.",
    ),
    "mirror.value_refused": (
        "The mirror {mirror} cannot hold a value that it was given ({error}).",
        "Compare the field types of the mapping (mappings/resources) with what the shop sends.",
    ),
    "mirror.view_used": (
        "Somebody's view in the database of the mirror {mirror} stands on a view of this program, which has to be made"
        " anew.",
        "Drop that view, start again, and create it again; docs/mirror-schema.md describes the new one.",
    ),
    "mirror.failed": (
        "The database of the mirror {mirror} reported an error ({error}).",
        "This is a fault of the program: please report it with the log lines before it.",
    ),
    "mirror.table_taken": (
        "{file}: the table name {table} is taken.",
        "Choose another table name in the mapping.",
    ),
    "mirror.column_taken": (
        "{file}: table {table} cannot have a column {column}: the name is taken.",
        "Remove the field from the mapping, or give it a different name.",
    ),
    "mirror.column_changed": (
        "{file}: the column {column} of the table {table} would hold a {wants}, but the mirror has it as a {has}, and "
        "a column keeps its type.",
        'Write the old type again; or give the column a name of its own, e.g. {column}_new = "TYPE from {column}": it '
        "is made and filled by itself, and the old one stays as it is.",
    ),
    "mirror.unknown_table": (
        "The table {table} is not among the mapped resources.",
        "Add a mapping for it, or check the name.",
    ),
    "mirror.unknown_column": (
        "The table {table} has no mapped field {column}.",
        "Add the field to the mapping.",
    ),
    "mirror.unknown_mail": (
        "The ledger has no mail with the number {mail}.",
        "Check the number: prestashop-connector quarantine list.",
    ),
    "mirror.bytes_gone": (
        "The bytes of this mail are no longer kept (blob {blob}).",
        "Fetch the mail from the mailbox, where it may still lie.",
    ),
    "quarantine.unknown_row": (
        "The quarantine has no row with the number {row}.",
        "Check the number: prestashop-connector quarantine list.",
    ),
    "outbox.illegal_move": (
        "Intent {intent} is {found} and cannot become {wanted}.",
        "Look at its state: prestashop-connector outbox list.",
    ),
    "ledger.moved_elsewhere": (
        "Mail {mail} was {expected} a moment ago and is {found} now: somebody else decided on it.",
        "Look at it again: prestashop-connector quarantine list.",
    ),
    "outbox.moved_elsewhere": (
        "Intent {intent} was {expected} a moment ago and is {found} now: somebody else moved it.",
        "Look at its state and try again: prestashop-connector outbox list.",
    ),
    "outbox.interrupted": (
        "The program ended while this was being sent.",
        "Nothing: it is looked up in the shop before anything is sent again.",
    ),
}

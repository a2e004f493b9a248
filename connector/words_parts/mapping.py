"""Words for mappings and for pulling."""

WORDS = {
    "mapping.wrong": (
        "the mappings have {count} mistake(s):\n{told}",
        "correct the lines named; mappings/README.md describes the format",
    ),
    "mapping.unreadable": (
        "the mapping file {file} cannot be read: {reason}",
        "make it a UTF-8 file that the service's user may read",
    ),
    "pull.no_progress": (
        "{resource}: the shop gives full pages in which no row has a usable id and date",
        "look at `quarantine list`; the rows named there are broken in the shop's database",
    ),
    "pull.fault": (
        "{resource}: this program failed with {error}; the other resources were pulled",
        "report it with the log; the resource is tried again by the next pull",
    ),
}

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
    "mapping.unknown": (
        "no mapping of a resource {resource} is in force",
        "`prestashop-connector mappings show` lists them, `mappings suggest {resource}` makes one",
    ),
    "mapping.resource_unknown": (
        "this shop names no resource {resource} to this key",
        "check the name and the key's rights (Advanced Parameters, Webservice); it names: {known}",
    ),
    "mapping.no_folder": (
        "there is no folder to write the mapping to",
        'make one, and name it in the settings: mappings_dir = "mappings" (beside the settings file)',
    ),
    "mapping.exists": (
        "{file} is there already and was left as it is",
        "run the command without --write, and add what you want to the file by hand",
    ),
    "mapping.not_written": (
        "{file} cannot be written: {reason}",
        "write it as a user who may, or run the command without --write and save what it prints",
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

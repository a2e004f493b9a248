"""Words for what concerns people's data: code -> (what happened, what to do)."""

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
}

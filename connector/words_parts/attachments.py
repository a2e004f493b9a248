"""Words for attachments: code -> (what happened, what to do)."""

WORDS = {
    "attachment.unknown": (
        "There is no attachment {id}.",
        "Take an id from `thread show`.",
    ),
    "attachment.not_kept": (
        "The bytes of attachment {attachment} are not in the mirror ({reason}).",
        "Look into the mailbox: `thread show` names the mail, {mail} in the ledger.",
    ),
    "attachment.exists": (
        "{path} is there already.",
        "Name another file, or add --force to replace it.",
    ),
    "attachment.not_saved": (
        "{path} cannot be written ({reason}).",
        "Name a file or folder that you may write to.",
    ),
}

"""Words for rules on mails: code -> (what happened, what to do)."""

WORDS = {
    "rules.file_unreadable": ("{file} cannot be read: {reason}", "name a file with a mail as it came, or - for a pipe"),
    "rules.unknown_mailbox": ("the shop has no mailbox {name}", "use one of: {known}"),
}

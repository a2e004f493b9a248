"""Words for errors of answering customers: texts, drafts, templates, limits, the copy in the Sent folder."""

WORDS: dict[str, tuple[str, str]] = {
    "guard.mails_per_person": (
        "{limit} mails went to this customer within {hours} hours; that looks like an accident",
        "see `thread show {id}` and `outbox list --all`; when it is meant, say --force",
    ),
    "guard.forwards_per_person": (
        "{limit} mails were forwarded to this address within {hours} hours; that looks like an accident",
        "see `outbox list --all`; when it is meant, say --force",
    ),
    "guard.mails_per_thread": (
        "{limit} mails went out about thread {id} within {hours} hours; that looks like an accident",
        "see `thread show {id}` and `outbox list --all`; when it is meant, say --force",
    ),
    "imap.append_unknown": (
        "mailbox {mailbox}: the line broke while a copy of a sent mail was filed in {folder}",
        "nothing to do: the next run looks whether it is there before it files it again",
    ),
    "reply.no_editor": (
        "no editor could be started: {reason}",
        "set VISUAL or EDITOR, or give the text with --file, --message or on standard input (--file -)",
    ),
    "reply.editor_failed": (
        "the editor ended with exit code {status}, nothing was sent; what was written is kept in {path}",
        "`thread reply {id} --file {path}` sends it",
    ),
    "reply.draft_failed": (
        "no file for the text can be made in {path}: {reason}",
        "check the state directory, or give the text with --file or --message",
    ),
    "reply.value_form": ("{value} is no value for a template", "write --set name=value"),
    "reply.values_without_template": ("--set fills placeholders of a template, and none is named", "add --template"),
    "template.unknown": ("there is no template {name}", "use one of: {known} (`templates list` shows them)"),
    "template.no_language": (
        "the template {name} is not written in the customer's language ({language}), nor in English",
        "add the language to the template (it has: {known}), or write the answer yourself",
    ),
    "template.unknown_value": (
        "the template {name} has no place for {value}",
        "use one of: {known}",
    ),
    "template.value_missing": (
        "the template {name} needs {value}, which is not known for this thread",
        "add --set {value}=...",
    ),
}

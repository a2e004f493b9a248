"""The registry of events: every name that can stand in the log, its level and its meaning; and every key.

Names are dotted, past tense and few: details go into keys. A key that is not listed here is not written: that, and
not care at every call, keeps addresses, names and mail texts out of the log. Pure data; `logs` does the writing.
"""

from __future__ import annotations

from typing import Final

# --- the process
RUN_STARTED: Final = "run.started"
RUN_STOPPED: Final = "run.stopped"
PING_FAILED: Final = "ping.failed"
METRICS_FAILED: Final = "metrics.failed"
SETTINGS_RELOADED: Final = "settings.reloaded"
SETTINGS_REFUSED: Final = "settings.refused"
CYCLE_FINISHED: Final = "cycle.finished"
LEG_FINISHED: Final = "leg.finished"
LEG_FAILED: Final = "leg.failed"
LEASE_TAKEN: Final = "lease.taken"
LEASE_BUSY: Final = "lease.busy"
LEASE_LOST: Final = "lease.lost"
MIRROR_CHANGED: Final = "mirror.changed"
LIBRARY_LOGGED: Final = "library.logged"
# --- the shop
SHOP_PROBED: Final = "shop.probed"
SHOP_SLOWED: Final = "shop.slowed"
SHOP_RECOVERED: Final = "shop.recovered"
SHOP_REAUTHORISE: Final = "shop.reauthorise_needed"
RESOURCE_PULLED: Final = "resource.pulled"
PULL_PROGRESSED: Final = "pull.progressed"
RESOURCE_FAILED: Final = "resource.failed"
RESOURCE_FORBIDDEN: Final = "resource.forbidden"
ROW_QUARANTINED: Final = "row.quarantined"
SWEEP_FINISHED: Final = "sweep.finished"
VERIFY_FINISHED: Final = "verify.finished"
ROWS_DELETED: Final = "rows.deleted"
DELETIONS_FINISHED: Final = "deletions.finished"
RELATIONS_FOLLOWED: Final = "relations.followed"
# --- the mailbox
FOLDER_BASELINED: Final = "folder.baselined"
FOLDER_COLLECTED: Final = "folder.collected"
FOLDER_FAILED: Final = "folder.failed"
MAILBOX_REAUTHORISE_NEEDED: Final = "mailbox.reauthorise_needed"
UIDVALIDITY_CHANGED: Final = "uidvalidity.changed"
WATCH_STARTED: Final = "watch.started"
WATCH_LOST: Final = "watch.lost"
WATCH_SUSPENDED: Final = "watch.suspended"
MAIL_PENDING: Final = "mail.pending"
MAIL_IMPORTED: Final = "mail.imported"
MAIL_IGNORED: Final = "mail.ignored"
MAIL_QUARANTINED: Final = "mail.quarantined"
MAIL_BOUNCED: Final = "mail.bounced"
RULE_APPLIED: Final = "rule.applied"
ATTACHMENTS_SKIPPED: Final = "attachments.skipped"
# --- the outbox
INTENT_PLANNED: Final = "intent.planned"
INTENT_CONFIRMED: Final = "intent.confirmed"
INTENT_DELAYED: Final = "intent.delayed"
INTENT_IN_DOUBT: Final = "intent.in_doubt"
INTENT_RECOVERED: Final = "intent.recovered"
INTENT_FAILED: Final = "intent.failed"
INTENT_CONFLICT: Final = "intent.conflict"
INTENT_CANCELLED: Final = "intent.cancelled"
MESSAGE_ALTERED: Final = "message.altered"
# --- proofs
GUARD_TRIPPED: Final = "guard.tripped"
ACCOUNTING_MISMATCH: Final = "accounting.mismatch"
DUPLICATE_DETECTED: Final = "duplicate.detected"
# --- people's data
PERSON_EXPORTED: Final = "person.exported"
SEGMENT_EXPORTED: Final = "segment.exported"
SEGMENT_PUSHED: Final = "segment.pushed"
PERSON_ERASED: Final = "person.erased"
MIRROR_CHECKED: Final = "mirror.checked"
RETENTION_APPLIED: Final = "retention.applied"

# --- the page
WEB_STARTED: Final = "web.started"
WEB_STOPPED: Final = "web.stopped"
WEB_SESSION_STARTED: Final = "web.session_started"
WEB_SESSION_ENDED: Final = "web.session_ended"
WEB_REFUSED: Final = "web.refused"
WEB_ACTED: Final = "web.acted"
WEB_FAILED: Final = "web.failed"

EVENTS: Final[dict[str, tuple[str, str]]] = {
    RUN_STARTED: ("info", "the daemon is ready to work"),
    RUN_STOPPED: ("info", "the daemon ended; `exit_code` says how"),
    PING_FAILED: ("warning", "the address of health.ping_url did not take the ping; `reason` says why"),
    METRICS_FAILED: ("warning", "metrics.textfile could not be written; `reason` says why"),
    SETTINGS_RELOADED: ("info", "SIGHUP: new settings are in force"),
    SETTINGS_REFUSED: ("error", "SIGHUP: the new settings are wrong; the old ones stay in force"),
    CYCLE_FINISHED: ("info", "one cycle of all legs is done: the canonical line with all counts"),
    LEG_FINISHED: ("info", "one run of a leg is done: the canonical line with its counts"),
    LEG_FAILED: ("error", "one run of a leg ended early; it is tried again by its schedule"),
    LEASE_TAKEN: ("info", "this process works for the shop now"),
    LEASE_BUSY: ("info", "another process works for the shop; `holder` names it"),
    LEASE_LOST: ("error", "another process took the shop over; this one stops writing"),
    MIRROR_CHANGED: ("info", "the mirror's tables were made or widened; `text` says how"),
    LIBRARY_LOGGED: ("warning", "a library had something to say; `text` is masked"),
    SHOP_PROBED: ("info", "the shop answered; version and rights are known"),
    SHOP_SLOWED: ("warning", "the shop is asked for fewer things at once: it refused, broke down or got slow"),
    SHOP_RECOVERED: ("info", "the shop takes as many requests at once again as the settings allow"),
    SHOP_REAUTHORISE: ("error", "the shop refuses the key; only slow retries until it is mended"),
    RESOURCE_PULLED: ("debug", "one resource was read up to its newest row"),
    PULL_PROGRESSED: ("info", "a long pull is under way; every half minute"),
    RESOURCE_FAILED: ("error", "one resource could not be read; the others go on"),
    RESOURCE_FORBIDDEN: ("warning", "the key may not read this resource; it is left out"),
    ROW_QUARANTINED: ("warning", "a row that no form of answer gives was set aside"),
    SWEEP_FINISHED: ("debug", "a sweep for changes without a date is done"),
    VERIFY_FINISHED: ("info", "mirror and shop were compared; `count` rows differ"),
    ROWS_DELETED: ("info", "rows that are gone from the shop left the mirror; tombstones keep the time"),
    DELETIONS_FINISHED: ("debug", "all ids of mirror and shop were compared"),
    RELATIONS_FOLLOWED: ("debug", "what new rows point to was brought in or noted as absent"),
    FOLDER_BASELINED: ("info", "first sight of a folder: mails before this line stay untouched"),
    FOLDER_COLLECTED: ("debug", "a folder's new mails are in the ledger"),
    FOLDER_FAILED: ("error", "a folder could not be read; the others go on"),
    MAILBOX_REAUTHORISE_NEEDED: ("error", "an OAuth login is dead until `mailbox authorize`; only slow retries"),
    UIDVALIDITY_CHANGED: ("warning", "the server renumbered a folder; known mails are recognised by content"),
    WATCH_STARTED: ("info", "the server tells of new mail in a folder as it arrives (IDLE)"),
    WATCH_LOST: ("info", "the connection that watched a folder ended; it is made again. Told once an hour at most"),
    WATCH_SUSPENDED: ("warning", "a folder cannot be watched for now; new mail waits for the schedule"),
    MAIL_PENDING: ("info", "a mail was decided on; its intents wait to be pushed"),
    MAIL_IMPORTED: ("info", "a mail is in the shop"),
    MAIL_IGNORED: ("info", "a mail is not for a thread; `reason` says why"),
    MAIL_BOUNCED: ("warning", "a mail of ours did not arrive; `message_id` is the message that it carried"),
    ATTACHMENTS_SKIPPED: ("info", "files over a limit were not kept for themselves; their mail still holds them"),
    RULE_APPLIED: ("info", "a rule held for a mail; with `reason`, that effect of it was not allowed or not possible"),
    MAIL_QUARANTINED: ("warning", "a mail needs a person; `reason` says why"),
    INTENT_PLANNED: ("info", "a change was committed to the outbox"),
    INTENT_CONFIRMED: ("info", "a change is proven to be done"),
    INTENT_DELAYED: ("info", "a change waits for its next attempt"),
    INTENT_IN_DOUBT: ("warning", "a change may or may not have happened; it is looked up before anything is sent"),
    INTENT_RECOVERED: ("warning", "after a crash: a change under way became doubtful and is looked up"),
    INTENT_FAILED: ("error", "a change was refused for good; see `outbox list`"),
    INTENT_CONFLICT: ("warning", "the shop changed meanwhile; see `conflicts list`"),
    INTENT_CANCELLED: ("info", "a change is not wanted or not needed any more"),
    MESSAGE_ALTERED: ("warning", "the shop stored another text than was sent; see `thread show`; `reason` says how"),
    GUARD_TRIPPED: ("error", "a leg stopped before doing damage; `setting` or `guard` names what allows it"),
    ACCOUNTING_MISMATCH: ("error", "a mail or row is not accounted for"),
    DUPLICATE_DETECTED: ("error", "the shop holds a change twice: `row_id` beside the first, `remote_id`; told once"),
    PERSON_EXPORTED: ("info", "`customer export`: what is held about a person was written to a file"),
    SEGMENT_EXPORTED: ("info", "`segment export`: a list of people was written to a file"),
    SEGMENT_PUSHED: ("info", "`segment push`: customers are to join and to leave the group of a segment"),
    PERSON_ERASED: ("info", "`customer erase`: what was held about a person in one shop is gone; `counts` by table"),
    RETENTION_APPLIED: ("info", "what the settings did not want kept any longer was dropped; `counts` by kind"),
    WEB_STARTED: ("info", "the page for support staff is served"),
    WEB_STOPPED: ("info", "the page for support staff is served no more"),
    WEB_SESSION_STARTED: ("info", "`user` signed in at the page"),
    WEB_SESSION_ENDED: ("info", "`user` signed out of the page"),
    WEB_REFUSED: ("warning", "the page refused a request: a sign-in, a role, a forged form; `reason` says which"),
    WEB_ACTED: ("info", "`user` did `action` at the page; what changes the shop is in the outbox (`intent_ids`)"),
    WEB_FAILED: ("error", "a request of the page met a fault of this program"),
    MIRROR_CHECKED: ("info", "the mirror's file was not closed in order; it was looked through and is sound"),
}
"""Event -> (level, meaning)."""

KEYS: Final[dict[str, str]] = {
    # where
    "shop": "name of the [shops.NAME] table",
    "run_id": "one run of a leg; everything that it says carries it, and `status --json` shows the newest",
    "cycle_id": "one cycle of `sync`; everything that its legs say carries it",
    "leg": "pull, sweep, deletions, collect, push",
    "resource": "resource of the webservice",
    "table": "table of the mirror",
    "mailbox": "name of the mailboxes table",
    "folder": "folder of the mailbox, as the settings name it",
    "host": "host name of a server",
    "holder": "host:pid:run of a lease",
    # which
    "copy_id": "ledger row of a mail",
    "uid": "IMAP UID",
    "thread_id": "customer thread in the shop",
    "message_id": "customer message in the shop (a number, not the mail's header)",
    "order_id": "order in the shop",
    "row_id": "row of a resource in the shop",
    "remote_id": "what a write created in the shop",
    "intent_id": "row of the outbox",
    "kind": "kind of intent",
    "state": "state it is in now",
    "status": "HTTP status",
    "codes": "PrestaShop's error codes",
    "user": "user of the page: an operator's name, as the users file or the proxy gives it",
    "action": "what a user of the page did: thread.reply, quarantine.drop ...",
    "intent_ids": "rows of the outbox that an action made",
    # why
    "outcome": "ok, failed, skipped",
    "reason": "reason code of a decision",
    "trail": "what the trust ladder tried, `rung:outcome` each, in order",
    "guard": "guard that tripped",
    "rule": "name of a rule of rules.toml",
    "segment": "name of a segment of segments.toml",
    "effect": "what a rule asks for: note, thread_status, forward ...",
    "setting": "setting that is meant or that allows it",
    "error": "error code, explained by the words of `connector/words.py`",
    "error_class": "class of the error",
    "where": "module:line of an unexpected error, innermost last",
    "signal": "signal that came",
    "exit_code": "exit code of the process, or the one that a cycle asks for",
    "logger": "library that wrote",
    "text": "what a library or this program said, masked",
    # how much
    "count": "how many",
    "repeated": "how often the same was held back since it was told last (it is written at level debug)",
    "limit": "how many are allowed",
    "counts": "several counts by name",
    "mails": "mails in the ledger by state",
    "intents": "intents in the outbox by state",
    "unexplained": "mails that are not accounted for",
    "resources": "how many resources the key may use",
    "new": "rows or mails that were new",
    "changed": "rows that changed",
    "altered": "messages of which the shop stored another text than was sent",
    "unchanged": "rows read that had not changed",
    "removed": "rows that are gone from the shop",
    "gone": "rows that left the mirror because the shop does not have them any more",
    "absent": "rows that others point to and that the shop does not have",
    "broken": "rows that could not be read",
    "missing": "what should be there and is not",
    "reauthorise": "accounts whose OAuth login a person must renew",
    "folders": "how many folders",
    "duplicates": "references that the shop holds more than once",
    "existing": "mails in a folder at the baseline",
    "fetched": "mails or rows brought in",
    "imported": "mails imported",
    "ignored": "mails ignored",
    "pending": "mails or intents that wait",
    "quarantined": "mails or rows set aside",
    "planned": "intents planned",
    "confirmed": "intents confirmed",
    "delayed": "intents put off",
    "in_doubt": "intents of unknown outcome",
    "failed": "intents or legs that failed",
    "conflicts": "intents in conflict",
    "cancelled": "intents cancelled",
    "requests": "requests sent to the shop",
    "connections": "requests of a pull that may be under way at once",
    "rows": "rows read so far",
    "expected": "rows that there will be, as far as can be told",
    "rows_per_second": "how fast rows are read",
    "attempts": "attempts so far",
    "seconds": "duration",
    "retry_in": "seconds until the next attempt",
    # what
    "version": "version of PrestaShop or of this program",
    "revision": "revision of the mirror's schema",
    "tables": "tables that were added",
    "columns": "columns that were added",
    "shops": "how many shops, or their names",
    "mailboxes": "how many mailboxes",
    "dropped_keys": "keys that are not in this list and were not written",
}
"""Key -> meaning. Everything here is free of personal data by what it means; `logs` masks on top of that."""

"""Words for what an examination finds: warnings and failures with their remedies, and one sentence for all else."""

_BACK_OFFICE = "Back office, Advanced Parameters > Webservice: "

WORDS: dict[str, tuple[str, str]] = {
    "doctor.fault": (
        "The check {check} failed by a fault of this program ({error}).",
        "Please report it. The other checks are not touched by it.",
    ),
    "doctor.unwise": ("{text}", "Change the setting, or leave it so knowingly."),
    # state directory and mirror
    "doctor.no_directory": (
        "The state directory {path} does not exist yet.",
        "Make it with `prestashop-connector init`, or set state_dir; the service's unit makes it at its start.",
    ),
    "doctor.directory_open": (
        "Others may look into the state directory {path} (mode {mode}); it holds tokens and customers' data.",
        "chmod 700 {path}",
    ),
    "doctor.foreign_files": (
        "Files in {path} belong to another user than the directory: {files}. The service cannot write them.",
        "Give them to the directory's owner: chown -R --reference={path} {path}",
    ),
    "doctor.loose_files": (
        "Others may read files in {path}: {files}.",
        "chmod -R go-rwx {path}",
    ),
    "doctor.schema_old": (
        "The mirror was made by an older version of this program (schema {found}, this one has {known}).",
        "Nothing: the next start brings it up to date, after a copy of a SQLite mirror.",
    ),
    "doctor.disk_full": (
        "There is no room beside the mirror {mirror}: {room} free.",
        "Free space on this disk, or move the state directory to a larger one.",
    ),
    "doctor.disk_low": (
        "Little room beside the mirror {mirror}: {room} free.",
        "Free space: an update keeps a copy of the mirror, and a full disk stops the work.",
    ),
    # the shop
    "doctor.version_hidden": (
        "The shop at {url} does not tell its version; it is taken for the oldest that can be.",
        "Let the header PSWS-Version through: a proxy in front of the shop takes it away.",
    ),
    "doctor.not_readable": (
        "The key may not read, so these are not mirrored: {resources}.",
        _BACK_OFFICE + "tick GET of these resources, as far as you want them in the mirror.",
    ),
    "doctor.reads_hashes": (
        "The key can read password hashes and reset tokens of people who enter the back office ({resources}).",
        _BACK_OFFICE + "untick employees, unless replies are to be known by their employee's address. Whoever gets the "
        "key gets the hashes, though this program never stores them.",
    ),
    "doctor.may_delete": (
        "The key may delete rows of {count} resources ({resources}); nothing is ever deleted by it.",
        _BACK_OFFICE + "untick DELETE in all lines of this key.",
    ),
    "doctor.may_write": (
        "The key may write what is never written ({count} rights: {rights}).",
        _BACK_OFFICE + "untick these rights: a stolen key can do no more than it may.",
    ),
    "doctor.may_read": (
        "The key may read {count} resources that are not mirrored ({resources}).",
        _BACK_OFFICE + "untick GET of these resources.",
    ),
    "doctor.clock_skew": (
        "The shop's clock is {seconds} seconds {side} this machine's.",
        "Let both keep time by NTP (`timedatectl`). Mails and messages are put in order by these clocks.",
    ),
    "doctor.shop_of_mailbox": (
        "The installation has {count} shops, and no id_shop is set for: {mailboxes}. New threads go to the first shop.",
        "Set id_shop of each mailbox, or of the shop's table when all mailboxes belong to one.",
    ),
    "doctor.id_unknown": (
        "{key} is {id}, which this shop does not have; it has: {known}.",
        "Set {key} to one of these.",
    ),
    "doctor.zone_unknown": (
        "The time zone of the shop is not known, so its times are kept without UTC.",
        "Tick GET of configurations for the key, or set `timezone` as in the back office under Localization.",
    ),
    "doctor.zone_strange": (
        "The shop names a time zone that this machine does not know: {zone}.",
        "Set `timezone` of the shop to an IANA zone, or install the system's tzdata.",
    ),
    "doctor.zone_differs": (
        "The shop's time zone is {zone}, the settings say {setting}; the shop's counts.",
        "Take `timezone` out of the settings, or set it to {zone}.",
    ),
    "doctor.no_language": (
        "No language of the shop is known.",
        "Check the key's GET of languages and that the shop has an active language.",
    ),
    "doctor.contact_saves_nothing": (
        "Contact {id} of mailbox {mailbox} saves no messages: its mails make no threads.",
        "Back office, Shop Parameters > Contact: switch on saving messages for it, or set another contact.",
    ),
    "doctor.no_contact_saves": (
        "None of the shop's {count} contacts saves messages, so no mail can make a new thread.",
        "Back office, Shop Parameters > Contact: switch on saving messages for one.",
    ),
    "doctor.employee_inactive": (
        "{key} is {id}, an employee that is not active.",
        "Set {key} to an active employee, or activate this one in the back office.",
    ),
    "doctor.no_state_resolved": (
        "None of the shop's {count} order states is recognised.",
        "Check the key's GET of order_states and configurations; until then name states by their ids.",
    ),
    "doctor.states_unclear": (
        "Which of the shop's order states these mean is not clear: {states}.",
        "A state that PS_OS_... names was deleted, or two fit. Name it by its id, or mend it in the back office.",
    ),
    "doctor.own_imap": (
        "The shop fetches mails by itself as well (PS_SAV_IMAP_URL is set): answers would be taken in twice.",
        "Back office, Customer Service > options: empty the IMAP settings, or leave the shop's mailbox out here.",
    ),
    # mail
    "doctor.no_idle": (
        "The server of mailbox {mailbox} has no IDLE; new mail is looked for by schedule.",
        "Set idle = false, and collect_seconds to how long a reply may wait.",
    ),
    "doctor.grant_old": (
        "The tokens of {mailbox} were renewed {days} days ago; providers end grants that are not used.",
        "Run the service or a sync, or give a new grant with `prestashop-connector mailbox authorize {mailbox}`.",
    ),
    # what waits
    "doctor.outbox_waits": (
        "Changes wait for a person or for a look-up: {states}.",
        "`prestashop-connector outbox list` shows them, `conflicts list` those that met a change in the shop.",
    ),
    "doctor.not_well": (
        "{found}.",
        "Start the service when nothing works for the shop (shop.worker); else what fails above is the likely reason, "
        "and the log (journalctl -u prestashop-connector -p warning) tells more.",
    ),
    "doctor.guard_tripped": (
        "{found}.",
        "Look at the shop first: is it the right one, is it whole? `prestashop-connector sync` says what allows it.",
    ),
    "doctor.not_accounted": (
        "{found}.",
        "`prestashop-connector mailbox audit` and `prestashop-connector verify` show what it is; keep the log.",
    ),
    "doctor.quarantined_rows": (
        "{found}.",
        "`prestashop-connector quarantine list` says why. Mend them in the back office, then `quarantine retry`.",
    ),
    "doctor.duplicates": (
        "{found}.",
        "`prestashop-connector status` names both; delete the second in the back office.",
    ),
    "doctor.quarantine": (
        "{count} mails are in quarantine.",
        "`prestashop-connector quarantine list` says why.",
    ),
}

SAID: dict[str, str] = {
    "settings": "{shops} shop(s), nothing to remark",
    "state.directory": "{path} is ours alone",
    "state.files": "nobody else's",
    "mappings": "read without a mistake",
    "rules": "read without a mistake",
    "templates": "read without a mistake",
    "mirror.schema": "whole, schema {revision}, {size}",
    "mirror.disk": "{room} free",
    "shop.reach": "PrestaShop {version} answers at {url}",
    "shop.rights": "all that the work needs; {resources} resources can be read",
    "shop.rights_beyond": "no more than that",
    "shop.clock": "as this machine's",
    "shop.time_zone": "{zone}",
    "shop.languages": "{languages}",
    "shop.contacts": "{count} save messages",
    "shop.employees": "employee {id} is active",
    "shop.order_states": "{count} recognised; the shop has no state for: {without}",
    "shop.own_imap": "the shop fetches no mail by itself",
    "shop.several_shops": "{count} active",
    "shop.worker": "{holder} works for the shop",
    "shop.health": "every leg does its work",
    "shop.outbox": "nothing in doubt, {planned} planned",
    "shop.quarantine": "empty",
    "mailbox.login": "accepted",
    "mailbox.folders": "{folder}: {mails} mails",
    "mailbox.capabilities": "the server can do what the settings ask",
    "oauth.grant": "renewed {days} days ago",
    "smtp.login": "connection and login accepted",
    "doctor.zone_of_settings": "{zone}, by the settings",
    "doctor.grant_unused": "granted by the settings, not used yet",
    "doctor.nobody_works": "no daemon or sync works just now",
    "doctor.never_synced": "never synced so far",
    "doctor.dead_worker": "a process that is gone holds the lease; the next one takes over at once",
    # why something was not looked at
    "doctor.offline": "not asked (--offline)",
    "doctor.no_answer": "the shop did not answer",
    "doctor.no_date": "the answer had no date",
    "doctor.no_login": "no login",
    "doctor.no_smtp": "no mail server is set",
    "doctor.no_mirror": "there is none yet; the first sync makes it",
    "doctor.no_mirror_here": "there is no mirror that can be asked",
    "doctor.nothing_there": "no directory",
    "doctor.room_unknown": "the mirror lies on a database server",
    "doctor.never_read": "the mirror has no {resource} yet",
    "doctor.not_mapped": "{resource} is not mapped",
    "doctor.no_right": "the key may not read {resource}",
    "doctor.not_in_version": "this version has no {resource}",
    "doctor.not_read": "{resource} could not be read",
    "doctor.no_employee_set": "no employee is set, so no order status is pushed",
    "doctor.foreign_tokens": "the state directory is another user's; renewed tokens would be lost to the service",
    "doctor.no_settings": "the settings cannot be used",
}

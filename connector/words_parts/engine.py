"""Words for what the legs, the desk and the commands report."""

WORDS = {
    "guard.mass_deletion": (
        "{gone} of {known} {resource} are not in the shop's list any more: too many at once to be believed, so none was"
        " marked as deleted (most_deleted_percent = {percent})",
        "look in the shop whether they are gone; if so, say sync --full --allow-deletions {resource} once (or raise"
        " most_deleted_percent); if not, check the key's rights, the multistore settings and modules that filter lists",
    ),
    "verify.mass_deletion": (
        "{gone} of {known} {resource} are not in the shop any more: too many at once to be believed, so none was"
        " removed (most_deleted_percent = {percent})",
        "look in the shop whether they are gone; if so, say verify --repair --allow-deletions {resource}; if not, check"
        " the key's rights, the multistore settings and modules that filter lists",
    ),
    "verify.allowed_without_repair": (
        "--allow-deletions says what --repair may remove",
        "add --repair, or leave --allow-deletions out",
    ),
    "verify.anew_without_deep": (
        "only a deep comparison is taken up where it was interrupted",
        "add --deep, or leave --anew out",
    ),
    "sync.id_alone": (
        "--id reads rows of one resource again and does nothing else",
        "name exactly one --resource, and leave --only, --full, --no-wait, --new-baseline and --allow-deletions out",
    ),
    "guard.lost_mirror": (
        "the shop {shop} holds messages of this program, but the mirror knows of no mail: the mirror was lost",
        "restore the mirror; or set `since` in the mailbox to the day from which mails are to be looked at again"
        " (what is in the shop already is recognised); or say --new-baseline once to import nothing older than now",
    ),
    "shop.rights_missing": (
        "the webservice key lacks: {missing}",
        "back office, Advanced Parameters, Webservice: tick these rights of the key",
    ),
    "reconcile.not_ready": (
        "shop {shop}: {mails} mails wait; no mail is decided on before the mirror holds {missing}",
        "let a pull come to its end (the webservice key needs GET on these resources)",
    ),
    "leg.fault": (
        "a fault of this program in the leg {leg}: {error}",
        "report it with the lines of the log around it; the other legs go on",
    ),
    "run.already_running": (
        "a daemon works with this mirror already: {holder}",
        "stop it first (systemctl stop prestashop-connector), or use `status` to see how it does",
    ),
    "lease.busy": (
        "another process works for the shop {shop}: {holder}",
        "wait until it is done, or leave the work to it; after a crash its lease ends by itself within minutes",
    ),
    "command.queued": (
        "the change is committed (outbox {ids}) but not confirmed yet: {states}",
        "nothing: the daemon or the next `sync` finishes it; `outbox list` shows how far it is",
    ),
    "settings.employee_missing": (
        "shop {shop}: no employee is set, so nobody could be named as the author",
        "set `employee` in [shops.{shop}] to the id of an employee of the shop",
    ),
    "smtp.not_configured": (
        "shop {shop}: there is no mail server in the settings, so the customer cannot be mailed",
        "add [shops.{shop}.smtp], or write into the thread only with --no-mail or --private",
    ),
    "thread.unknown": (
        "the mirror has no thread {id} of the shop {shop}",
        "look it up with `thread list`; a new thread is there after the next sync",
    ),
    "thread.gone": ("thread {id} does not exist in the shop any more", "nothing can be written into it"),
    "thread.no_address": ("thread {id} has no e-mail address", "write into the thread only, with --no-mail"),
    "thread.unknown_status": ("{status} is no status of a thread", "use one of: {expected}"),
    "reply.empty": ("the answer is empty", "give a text with --message, --file or on standard input"),
    "reply.too_long": ("the answer is longer than {limit} bytes, more than a message of the shop holds", "shorten it"),
    "employee.unknown": ("the shop has no active employee {id}", "use the id of one, as the back office lists them"),
    "order.bad_number": (
        "this is no tracking number: 1 to 64 letters, digits and ~ : # , % & _ = ( ) [ ] . ? + - @ / are allowed",
        "check the number",
    ),
    "order.no_states": ("the mirror does not know the order states of {shop} yet", "run `sync` first"),
    "thread.read_needs_8": (
        "PrestaShop {version} can mark a message only by being sent the whole message back, which is never done: its"
        " date and thread could be lost",
        "mark it in the back office; from PrestaShop 8 on it works",
    ),
    "forward.no_comment": (
        "a thread goes to somebody who is no employee only with a comment that says why",
        "add --comment",
    ),
    "forward.no_address": ("this is neither an employee's id nor an e-mail address", "check --to"),
    "customer.unknown": (
        "there is no customer {id}",
        "use the id, or the e-mail address as the shop has it; a new customer is known after the next sync",
    ),
    "customer.unknown_group": (
        "the shop has no customer group {id}",
        "use the id of one, as the back office lists them",
    ),
    "customer.no_groups_named": ("no group is named", "say which with --add or --remove"),
    "customer.group_both_ways": ("group {id} is to be added and removed", "name it once"),
    "customer.default_group": (
        "group {group} is the default group of customer {id}",
        "choose another default group in the back office first",
    ),
    "customer.last_group": ("customer {id} would be in no group", "leave one"),
    "customer.put_not_allowed": (
        "PrestaShop {version} can change a customer only by being sent the whole customer back, password hash included",
        "allow it with `allow_customer_put = true` in the shop's settings, or do it in the back office",
    ),
    "reply.two_texts": ("the text was given more than once: {given}", "give it in one way"),
    "reply.not_utf8": ("the text is not UTF-8", "save the file as UTF-8"),
    "reply.unreadable": ("{path} cannot be read: {reason}", "check the path and its rights"),
    "order.unknown": ("there is no order {id}", "check the id (the number, or for `order show` also the reference)"),
    "order.no_shipment": ("order {id} has no shipment to track", "an order of virtual products has none"),
    "order.unknown_shipment": ("order {id} has no shipment {row}", "`order show {id}` lists them"),
    "order.several_shipments": ("order {id} has several shipments: {rows}", "name one with --shipment"),
    "order.would_pay_twice": (
        "order {id} has payments but no invoice: with state {state} the shop would make the invoice and book the"
        " payment a second time",
        "set the status in the back office, or say --force when you know better",
    ),
    "order.state_unknown": ("the shop has no order state {wish}", "use an id, a canonical name, or one of: {known}"),
    "order.state_deleted": ("the order state {wish} is deleted in the shop", "use one of: {known}"),
    "order.state_not_set_up": ("this shop has no order state for {wish}", "use the id of one: {known}"),
    "order.state_ambiguous": ("{wish} fits several order states", "use the id of one: {known}"),
    "outbox.unknown": ("the outbox has no entry {id}", "`outbox list --all` shows what there is"),
    "outbox.wrong_state": ("entry {id} is {state}", "this works only for entries that are {allowed}"),
    "outbox.confirm_create": (
        "entry {id} creates a thread: what comes after it needs the thread's number",
        "`outbox retry {id}`: a thread in doubt is looked up by its token before anything is created",
    ),
    "conflict.unknown": ("there is no conflict {id}", "`conflicts list --all` shows what there is"),
    "conflict.which_side": ("say whose side counts", "give either --ours or --shop"),
    "changed_meanwhile": (
        "the shop holds neither what this was decided on nor what it wants: somebody changed it meanwhile",
        "`conflicts list`, then `conflicts resolve ID --ours` or `conflicts resolve ID --shop`",
    ),
    "half_written": (
        "the order has the status, but not by a row of ours",
        "look at the order in the back office; `conflicts list`, then `conflicts resolve ID --shop` takes it as done",
    ),
    "conflict.resolved": ("conflict {id} is resolved already: {side}, by {by}", "nothing to do"),
    "outbox.half_written": (
        "entry {id} is half written: the order has the status, but not by a row of ours",
        "look at the order in the back office, then `conflicts resolve` with --shop, or `outbox cancel {id}`;"
        " posting it again would write and mail twice",
    ),
    "quarantine.item_form": ("{item} names no item", "use mail:ID or row:ID as `quarantine list` shows them"),
    "quarantine.unknown_mail": (
        "no mail {id} is set aside",
        "`quarantine list` shows what is, `quarantine list --ignored` what was ignored",
    ),
    "quarantine.staff_mail": (
        "mail {id} lies in a Sent folder: it is not a customer's and can only be staff's",
        "set `employee` of the mailbox, or give an employee that address; then `quarantine retry mail:{id}`",
    ),
    "quarantine.only_mails": ("{item} is no mail", "only mails can be assigned to a thread: mail:ID"),
    "quarantine.in_shop": ("mail {id} is in the shop already, as message {message}", "nothing to do"),
    "quarantine.under_way": (
        "mail {id} is on its way into the shop already (intent {intent})",
        "`outbox list` shows how far it is",
    ),
    "quarantine.row_without_id": (
        "item {row} is an answer of the shop without a row number; it cannot be asked for by itself",
        "run `sync --full` for its resource, or drop the item",
    ),
    "shop.which": ("there are several shops", "name one with --shop: {known}"),
    "shop.unknown_name": ("the settings have no shop {name}", "use one of: {known}"),
    "output.failed": (
        "writing failed: {reason}",
        "look at the disk and at where the output goes; what was done is in the mirror",
    ),
    "state.other_owner": (
        "the state directory {path} belongs to {owner}; files of another user would shut the service out",
        "sudo -u {owner} prestashop-connector {command}",
    ),
    "sync.unknown_resource": ("no such resource: {names}", "the files in mappings/resources name them"),
    "resource.unknown": ("no such resource: {name}", "the files in mappings/resources name them"),
    "sync.resource_without_pull": ("--resource says what to pull, but --only leaves the pull out", "drop one of them"),
    "sync.since_without_collect": (
        "--since says which mails to take in, but --only leaves collect out",
        "drop one of them",
    ),
    "sync.allowed_without_full": (
        "--allow-deletions is about the comparison of all ids, which --full makes, and the pull leg with it",
        "add --full, and leave pull in --only",
    ),
    "sync.unknown_leg": ("--only does not know {found}", "use a comma-separated choice of: {known}"),
    "demo.no_sandbox": (
        "the demo needs the sandbox ({module} is missing)",
        "pip install 'prestashop-connector[sandbox]'",
    ),
    "demo.unknown_version": ("the sandbox cannot play PrestaShop {version}", "use one of: {known}"),
    "demo.folder_in_use": ("{path} holds a mirror already", "name an empty folder"),
}

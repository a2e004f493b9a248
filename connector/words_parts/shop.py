"""Words for what goes wrong between us and the webservice of a shop."""

WORDS = {
    # the address and what answers there
    "shop.base_url_wrong": (
        "{base_url} is no address of a shop.",
        "Give the shop's address as https://host or https://host/folder, without user, question mark or #.",
    ),
    "shop.redirected": (
        "The shop at {base_url} sends every request to another address ({status}): {suggested}.",
        "Set base_url to exactly that address, as it stands in the back office under Shop Parameters > Traffic & SEO. "
        "Redirects are not followed, because they would turn a write into a read.",
    ),
    "shop.redirected_home": (
        "The shop at {base_url} sends the request to its own home page ({status}).",
        "The id_shop asked for does not exist, or it is 'all' on a version before 8.1. Check the multistore settings.",
    ),
    "shop.not_an_api": (
        "What answers at {base_url}/api is not a PrestaShop webservice (status {status}).",
        "Check base_url. If it is right, turn on friendly URLs in the back office, or let the web server pass /api to "
        "webservice/dispatcher.php.",
    ),
    "shop.webservice_off": (
        "The webservice of the shop is switched off.",
        "Enable it in the back office under Advanced Parameters > Webservice.",
    ),
    "shop.unreachable": (
        "The shop at {base_url} cannot be reached.",
        "Check the name, the network and any proxy. It is tried again by itself.",
    ),
    "shop.tls_failed": (
        "No safe connection to {base_url}: the certificate is not trusted, or TLS failed.",
        "Renew the shop's certificate, or set ca_file to the authority that signed it.",
    ),
    "shop.timeout": (
        "The shop did not answer about {resource} in time.",
        "It is tried again by itself. If it stays, ask for smaller pages or give a longer read timeout.",
    ),
    "shop.answer_cut": (
        "The connection ended in the middle of the answer about {resource}.",
        "It is tried again by itself. If it stays, look for limits of the web server or a proxy.",
    ),
    "shop.unavailable": (
        "The shop is not available now (status {status}, {resource}).",
        "It is tried again by itself. If it stays, look into the shop's PHP and web server logs.",
    ),
    "shop.html_instead": (
        "The shop answers with web pages instead of data when asked about {resource}.",
        "It is tried again by itself. If it stays: open the shop in a browser (maintenance of the host, a firewall's "
        "page?), and look into its PHP log.",
    ),
    "shop.too_many_requests": (
        "The shop's host wants fewer requests; next try in {retry_after} s.",
        "It is tried again by itself. If it stays, pull less often or ask the host to allow this address.",
    ),
    "shop.stopped": (
        "The reading of {resource} was ended while it waited for the shop.",
        "It goes on from here with the next run.",
    ),
    "shop.blocked": (
        "Something in front of the shop refuses {method} {resource} (403): a firewall or bot protection.",
        "Allow this machine's address, the methods GET, POST, PUT and PATCH, and the path /api.",
    ),
    "shop.other_login": (
        "A login that is not the webservice's stands in front of the shop (401).",
        "Take the password protection of the web server off the path /api: one request can carry only one login.",
    ),
    # the key and its rights
    "shop.key_malformed": (
        "The webservice key of {base_url} cannot be one: it is empty or has characters that no key has.",
        "Copy the key of 32 characters from Advanced Parameters > Webservice.",
    ),
    "shop.key_refused": (
        "The shop refuses the webservice key (codes {codes}).",
        "Check that the key is complete, enabled and has permissions in Advanced Parameters > Webservice.",
    ),
    "shop.key_not_received": (
        "The webservice key does not reach the shop.",
        "The web server drops the Authorization header: turn on the CGI mode in Advanced Parameters > Webservice, or "
        "pass the header on to PHP.",
    ),
    "shop.resource_forbidden": (
        "The webservice key has no right on {resource}.",
        "Tick {resource} for this key in Advanced Parameters > Webservice.",
    ),
    "shop.method_forbidden": (
        "The webservice key may not use {method} on {resource}.",
        "Tick {method} for {resource} in Advanced Parameters > Webservice. "
        "Keys from before an upgrade to 8 have no PATCH.",
    ),
    "shop.id_shop_forbidden": (
        "The webservice key has no right on this shop of the multistore.",
        "Associate the key with the shop in Advanced Parameters > Webservice.",
    ),
    # what was asked for
    "shop.resource_unknown": (
        "PrestaShop {version} has no resource {resource}.",
        "Take it out of the mappings for this shop, or give it the version since which it exists.",
    ),
    "shop.id_shop_unknown": (
        "The shop does not know the id_shop that was asked for.",
        "Check the multistore settings.",
    ),
    "shop.method_unsupported": (
        "{method} on {resource} is not possible with PrestaShop {version}.",
        "If this version has the method, something in front of the shop blocks it: allow GET, POST, PUT and PATCH.",
    ),
    "shop.query_refused": (
        "The shop refuses the question about {resource} (codes {codes}): {detail}.",
        "A mapping names a field that this shop does not have: compare it with /api/{resource}?schema=blank.",
    ),
    "shop.query_impossible": (
        "The shop cannot be asked this about {resource}: {detail}.",
        "Change the filter or the field names in the mapping.",
    ),
    # what came back
    "shop.unreadable": (
        "The shop's answer about {resource} cannot be read ({reason}).",
        "The row is set aside. "
        "Look at it in the back office: often its text has control characters or a wrong encoding.",
    ),
    "shop.answer_too_large": (
        "The shop's answer about {resource} is larger than {limit} bytes.",
        "The page is read in smaller parts by itself; a single row that large is set aside.",
    ),
    "shop.server_error": (
        "The shop fails when asked about {resource} (status {status}, codes {codes}).",
        "Look into the shop's PHP log: a module or a damaged row causes it.",
    ),
    "shop.every_row_fails": (
        "The shop fails on every single row of {resource} ({rows} tried).",
        "Look into the shop's PHP log: it is not a row but a module or the configuration. It is tried again by itself.",
    ),
    # writes
    "shop.refused": (
        "The shop refused {method} {resource} (status {status}, codes {codes}): {detail}.",
        "It will not be sent again as it is. Correct what the shop names, then retry or cancel it.",
    ),
    "shop.state_or_order_unknown": (
        "The shop knows no such order or no such order state; nothing was written.",
        "Check that the order and the state still exist.",
    ),
    "shop.status_unknown": (
        "{status} is no status of a thread.",
        "Use open, closed, pending1 or pending2: the shop would store an empty status for any other.",
    ),
    "shop.value_too_long": (
        "{field} of {resource} holds at most {limit} characters.",
        "Shorten it: the shop would cut it in silence.",
    ),
    "shop.control_character": (
        "A text for {resource} holds a control character that cannot be sent.",
        "Remove the character and write again.",
    ),
    "shop.old_data_refused": (
        "The shop refuses any change of {resource} {id} because of what its field {field} has held since before.",
        "Correct {field} in the back office, then `outbox retry`: any other value would overwrite what it holds.",
    ),
    "shop.row_changed": (
        "{resource} {id} was changed in the shop just now; nothing was written.",
        "Nothing: it is decided on anew by itself.",
    ),
    "shop.needs_patch": (
        "PrestaShop {version} can change a row of {resource} only by being sent it whole, which is never done.",
        "Do it in the back office; from PrestaShop 8 on it works.",
    ),
    "shop.customer_put_not_allowed": (
        "This PrestaShop can change a customer only by being sent the whole customer back.",
        "Allow it with `allow_customer_put = true` in the shop's settings, or do it in the back office.",
    ),
    "shop.groups_differ": (
        "After the change customer {id} is not in the groups that were asked for.",
        "Nothing: it is looked up by itself; somebody else may be changing the customer.",
    ),
    "shop.customer_damaged": (
        "After the change of its groups customer {id} had lost: {lost}. Nothing more is pushed in this run.",
        "Look at the customer in the back office and tell them to set a new password if it is gone;"
        " then `outbox confirm` or `outbox cancel` the change.",
    ),
    "shop.row_missing": (
        "The shop has no {resource} {id} any more.",
        "It was deleted in the back office; cancel what was to be written.",
    ),
    "shop.mail_failed": (
        "The shop saved {resource} but reports that it could not send its mail.",
        "It is looked up by itself and not repeated. Check the mail settings of the shop.",
    ),
    "shop.write_failed_late": (
        "The shop failed during {method} {resource} (status {status}, codes {codes}); it may have been saved.",
        "It is looked up by itself before anything is sent again. Look into the shop's PHP log.",
    ),
    "shop.outcome_unknown": (
        "Whether {method} {resource} happened is not known ({reason}).",
        "It is looked up by itself before anything is sent again.",
    ),
}

"""Words for mailboxes, single mails and SMTP."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "mailbox.unknown_name": ("shop {shop} has no mailbox {mailbox} in the settings", "use one of: {known}"),
    "imap.bad_flag": (
        "mailbox {mailbox}: {flag} is no IMAP flag",
        "Use a system flag such as \\Seen or a keyword of letters, digits, $, _, - and .",
    ),
    "imap.ca_file": (
        "the certificate file {file} cannot be used: {reason}",
        "Name a readable PEM file in the mailbox's ca_file, or remove the setting to trust the system's certificates.",
    ),
    "imap.certificate": (
        "the certificate of {host}:{port} is not trusted: {reason}",
        "Check the host name; for a private certificate authority put its PEM file into the mailbox's ca_file.",
    ),
    "imap.connection_lost": (
        "mailbox {mailbox}: {host}:{port} closed the connection",
        "Nothing to do: it is tried again by itself. If it lasts, look into the mail server's log.",
    ),
    "imap.folder_unknown": (
        "mailbox {mailbox} has no folder {folder}; similar ones: {similar}",
        "Correct the folder's name in the settings, or make the folder in the mailbox.",
    ),
    "imap.login_ascii": (
        "mailbox {mailbox}: {host}:{port} takes no user name or password with other than ASCII characters",
        "Set an ASCII password for this account, or ask the provider for AUTH=PLAIN.",
    ),
    "imap.login_disabled": (
        "mailbox {mailbox}: {host}:{port} offers no password login on this connection",
        'Set security to "ssl" (port 993) or "starttls" (port 143).',
    ),
    "imap.login_refused": (
        "mailbox {mailbox}: {host}:{port} refuses user name or password",
        "Check user and password; many providers want an app password or that IMAP is switched on for the account.",
    ),
    "imap.login_unavailable": (
        "mailbox {mailbox}: {host}:{port} takes no login just now",
        "Nothing to do: it is tried again by itself. If it lasts, fewer programs should use this account at once.",
    ),
    "imap.no_delete": (
        "mailbox {mailbox}: the server cannot remove single mails (missing: {missing})",
        "Choose flag instead of delete as what happens to imported mails.",
    ),
    "imap.no_folder": (
        "mailbox {mailbox}: a change was asked for without an open folder",
        "This is a fault of this program: please report it.",
    ),
    "imap.no_idle": (
        "mailbox {mailbox}: {host}:{port} does not tell of new mail by itself (no IDLE)",
        "Nothing to do: new mail is found every collect_seconds. idle = false in the mailbox's table silences this.",
    ),
    "imap.no_move": (
        "mailbox {mailbox}: the server cannot move single mails (missing: {missing})",
        "Choose flag instead of move as what happens to imported mails.",
    ),
    "imap.no_starttls": (
        "mailbox {mailbox}: {host}:{port} does not offer STARTTLS; the password was not sent",
        'Set security to "ssl" with port 993; if the server used to offer STARTTLS, somebody may sit in the line.',
    ),
    "imap.no_uidvalidity": (
        "mailbox {mailbox}: the server gives no UIDVALIDITY for folder {folder}, so mails cannot be told apart",
        "Use another folder or server.",
    ),
    "imap.preauth": (
        "mailbox {mailbox}: {host}:{port} says we are logged in before we were asked for a password",
        "Check host and port: this is no ordinary mail server, or somebody sits in the line.",
    ),
    "imap.protocol": (
        "mailbox {mailbox}: {host}:{port} sent an answer that is no IMAP",
        "It is tried again by itself. If it lasts, check host, port and security of the mailbox.",
    ),
    "imap.read_only": (
        "mailbox {mailbox}: folder {folder} may only be read",
        "Give the account the right to change the folder, or leave imported mails as they are.",
    ),
    "imap.refused": (
        "mailbox {mailbox}: {host}:{port} refused a command",
        "It is tried again by itself. If it lasts, look into the mail server's log.",
    ),
    "imap.starttls_failed": (
        "mailbox {mailbox}: {host}:{port} refused STARTTLS; the password was not sent",
        'Set security to "ssl" with port 993, or have the server mended.',
    ),
    "imap.timeout": (
        "mailbox {mailbox}: {host}:{port} did not answer within {seconds} seconds",
        "It is tried again by itself. If it lasts, raise the mailbox's timeout or look at the network.",
    ),
    "imap.tls": (
        "no TLS with {host}:{port}: {reason}",
        'Check port and security: "ssl" belongs to port 993, "starttls" to port 143.',
    ),
    "imap.uidvalidity_changed": (
        "mailbox {mailbox}: folder {folder} was made anew while it was open",
        "Nothing to do: it is read again from the start.",
    ),
    "imap.unreachable": (
        "mailbox {mailbox}: {host}:{port} cannot be reached: {reason}",
        "Check host and port; it is tried again by itself.",
    ),
    "mail.too_deep": (
        "a mail holds more than {limit} parts inside one another",
        "It lies in quarantine with its bytes: look at it with `quarantine show`.",
    ),
    "mail.too_many_parts": (
        "a mail holds more than {limit} parts",
        "It lies in quarantine with its bytes: look at it with `quarantine show`.",
    ),
    "mail.undecodable": (
        "a mail cannot be decoded ({reason})",
        "It lies in quarantine with its bytes: look at it with `quarantine show`, and report it.",
    ),
    "smtp.bad_address": (
        "sender or receiver of a mail is no mail address",
        "Correct the sender in the settings, or the address of the customer in the shop.",
    ),
    "smtp.bad_message_id": (
        "a mail that is to be sent has an impossible Message-ID",
        "This is a fault of this program: please report it.",
    ),
    "smtp.bcc_refused": (
        "{host}:{port} refuses the blind copy's address ({status} {enhanced}); nothing was sent",
        "Correct the address of the proof mailbox in the smtp settings.",
    ),
    "smtp.ca_file": (
        "the certificate file {file} cannot be used: {reason}",
        "Name a readable PEM file in smtp's ca_file, or remove the setting to trust the system's certificates.",
    ),
    "smtp.certificate": (
        "the certificate of {host}:{port} is not trusted: {reason}",
        "Check the host name; for a private certificate authority put its PEM file into smtp's ca_file.",
    ),
    "smtp.connection_lost": (
        "{host}:{port} closed the connection before the mail was handed over",
        "Nothing to do: it is tried again by itself. If it lasts, look into the mail server's log.",
    ),
    "smtp.content_refused": (
        "{host}:{port} refuses the mail's content ({status} {enhanced})",
        "Ask the mail server's operator why; a spam filter is the usual reason.",
    ),
    "smtp.greeting": (
        "{host}:{port} does not serve us ({status} {enhanced})",
        "It is tried again by itself. If it lasts, the provider may have blocked this machine's address.",
    ),
    "smtp.login_refused": (
        "{host}:{port} refuses user name or password ({status})",
        "Check user and password of smtp; many providers want an app password.",
    ),
    "smtp.login_unavailable": (
        "{host}:{port} takes no login just now ({status} {enhanced})",
        "Nothing to do: it is tried again by itself.",
    ),
    "smtp.no_login": (
        "{host}:{port} offers no password login on this connection (offered: {offered})",
        'Set security to "starttls" (port 587) or "ssl" (port 465), or leave the user empty.',
    ),
    "smtp.no_starttls": (
        "{host}:{port} does not offer STARTTLS; nothing was sent",
        'Set security to "ssl" with port 465; if the server used to offer STARTTLS, somebody may sit in the line.',
    ),
    "smtp.no_utf8": (
        "{host}:{port} takes no address with other than ASCII characters before the @",
        "Send through a server with SMTPUTF8, or answer this person on another way.",
    ),
    "smtp.not_now": (
        "{host}:{port} does not take the mail now ({status} {enhanced})",
        "Nothing to do: it is tried again by itself.",
    ),
    "smtp.outcome_unknown": (
        "{host}:{port} was given a mail and never said whether it took it",
        "It is searched in the proof mailbox; without one see the server log, then `outbox retry` or `outbox confirm`.",
    ),
    "smtp.recipient_refused": (
        "{host}:{port} refuses the receiver's address ({status} {enhanced})",
        "Correct the customer's address, or answer on another way.",
    ),
    "smtp.refused": (
        "{host}:{port} takes no mail ({status} {enhanced})",
        "Ask the mail server's operator why.",
    ),
    "smtp.sender_refused": (
        "{host}:{port} refuses the sender's address ({status} {enhanced})",
        "Send from an address that belongs to the account smtp logs in with.",
    ),
    "smtp.starttls_failed": (
        "{host}:{port} refused STARTTLS; nothing was sent",
        'Set security to "ssl" with port 465, or have the server mended.',
    ),
    "smtp.timeout": (
        "{host}:{port} did not answer within {seconds} seconds; nothing was sent",
        "It is tried again by itself. If it lasts, raise smtp's timeout or look at the network.",
    ),
    "smtp.tls": (
        "no TLS with {host}:{port}: {reason}",
        'Check port and security: "ssl" belongs to port 465, "starttls" to port 587.',
    ),
    "smtp.unreachable": (
        "{host}:{port} cannot be reached: {reason}",
        "Check host and port of smtp; it is tried again by itself.",
    ),
}

"""Words for logging in by OAuth instead of a password."""

from __future__ import annotations

_AGAIN = "Run `prestashop-connector mailbox authorize {mailbox}`."

WORDS: dict[str, tuple[str, str]] = {
    "imap.no_oauth": (
        "mailbox {mailbox}: {host}:{port} offers neither OAUTHBEARER nor XOAUTH2 on this connection",
        'Check host and security ("ssl" with port 993); a server without OAuth needs a password instead.',
    ),
    "imap.not_pinned": (
        "{host}:{port} shows another certificate than the pinned one: SHA-256 {found}",
        "Find out on another way whether the server's certificate was replaced; only then put this fingerprint into "
        "the mailbox's pin_sha256.",
    ),
    "smtp.no_oauth": (
        "{host}:{port} offers neither OAUTHBEARER nor XOAUTH2 on this connection (offered: {offered})",
        'Set security to "starttls" (port 587) or "ssl" (port 465); a server without OAuth needs a password instead.',
    ),
    "smtp.not_pinned": (
        "{host}:{port} shows another certificate than the pinned one: SHA-256 {found}",
        "Find out on another way whether the server's certificate was replaced; only then put this fingerprint into "
        "smtp's pin_sha256.",
    ),
    "oauth.never_authorised": (
        "{mailbox}: nobody has agreed yet that this program may use the account",
        _AGAIN,
    ),
    "oauth.grant_dead": (
        "{mailbox}: the consent for this account is not valid any more, says {host} ({error} {detail})",
        f"{_AGAIN} A changed password, a withdrawn consent or a long pause ends it.",
    ),
    "oauth.token_refused": (
        "{mailbox}: the mail server refuses a token that was made just now",
        "Check that `user` is the account that agreed, that IMAP (or SMTP login) is switched on for it, and that the "
        f"client may use it. Then: {_AGAIN}",
    ),
    "oauth.client_refused": (
        "{mailbox}: {host} refuses the client itself ({error} {detail})",
        "Check client_id and the client's secret, which may have run out; for a service account, its domain-wide "
        "delegation and scope.",
    ),
    "oauth.file_damaged": (
        "{mailbox}: the stored tokens cannot be read: {file}",
        _AGAIN,
    ),
    "oauth.denied": (
        "{mailbox}: access was not granted",
        f"{_AGAIN} Sign in as the account of the settings and agree.",
    ),
    "oauth.too_late": (
        "{mailbox}: nobody agreed before the code ran out",
        _AGAIN,
    ),
    "oauth.pasted": (
        "{mailbox}: this is not the address that the browser ended at",
        "Copy all of the browser's address line after you agreed; it starts with {wanted} and holds a code.",
    ),
    "oauth.no_refresh_token": (
        "{mailbox}: the token server gives no lasting consent (no refresh token; scope: {scope})",
        "Allow the client to act while nobody is there: offline_access in the scope, or what your provider calls it.",
    ),
    "oauth.refused": (
        "{mailbox}: {host} refuses the request ({error} {detail})",
        "Check flow, scope, tenant and redirect_url of the oauth table against how the client is registered.",
    ),
    "oauth.endpoint": (
        "{mailbox}: {host}{path} does not answer as a token server does ({status})",
        "Check the endpoints of the oauth table (token_url, device_url) and the tenant.",
    ),
    "oauth.service_account": (
        "{mailbox}: the key of the service account cannot be used",
        "Make a new JSON key for the service account and name it in service_account_file.",
    ),
    "oauth.certificate": (
        "{mailbox}: the certificate of {host} is not trusted",
        "For a private certificate authority put its PEM file into the oauth table's ca_file.",
    ),
    "oauth.unavailable": (
        "{mailbox}: the token server {host} has trouble ({status} {error})",
        "Nothing to do: it is tried again by itself.",
    ),
    "oauth.timeout": (
        "{mailbox}: the token server {host} did not answer within {seconds} seconds",
        "It is tried again by itself. If it lasts, look at the network.",
    ),
    "oauth.unreachable": (
        "{mailbox}: the token server {host} cannot be reached",
        "It is tried again by itself. If it lasts, look at the network and at a firewall in between.",
    ),
    "oauth.busy": (
        "{mailbox}: another process has been renewing the token for too long",
        "It is tried again by itself.",
    ),
    "oauth.not_readable": (
        "the stored tokens cannot be read: {file}: {reason}",
        "Check owner and rights of the state directory.",
    ),
    "oauth.not_creatable": (
        "there is no room for tokens: {file}: {reason}",
        "Check owner, rights and free space of the state directory.",
    ),
    "oauth.not_saved": (
        "tokens cannot be stored: {file}: {reason}",
        "Make room on the disk of the state directory. The running daemon keeps what it has and stores it then.",
    ),
    "oauth.no_such_account": (
        "{mailbox} is no account with an oauth table in shop {shop}; there are: {known}",
        "Name one of them, or give the account an oauth table in the settings.",
    ),
}

"""One way to make a TLS context and to tell a broken set-up from a broken line, for IMAP and SMTP alike."""

from __future__ import annotations

import ssl

from connector.errors import MailboxError, MailboxMisconfigured

# The peer hung up in the middle of the handshake or of the stream: a fault of the line, not of the settings.
_LINE_FAULTS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, ssl.SSLWantReadError)


def context(prefix: str, verify: bool, ca_file: str) -> ssl.SSLContext:
    """A client context that verifies by default.

    With `ca_file` (PEM) the certificates in it are trusted instead of the system's. `prefix` (imap, smtp) names the
    error codes. Raises MailboxMisconfigured `<prefix>.ca_file` when the file cannot be used.
    """
    try:
        made = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else type(exc).__name__
        raise MailboxMisconfigured(f"{prefix}.ca_file", file=ca_file, reason=reason) from exc
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def handshake_error(prefix: str, host: str, port: int, exc: ssl.SSLError) -> MailboxError | None:
    """What a failed handshake means, or None when only the line broke (the caller then says unavailable)."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return MailboxMisconfigured(f"{prefix}.certificate", host=host, port=port, reason=exc.verify_message)
    if isinstance(exc, _LINE_FAULTS):
        return None
    return MailboxMisconfigured(f"{prefix}.tls", host=host, port=port, reason=exc.reason or type(exc).__name__)

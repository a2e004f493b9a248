"""One way to make a TLS context and to tell a broken set-up from a broken line, for IMAP and SMTP alike."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from typing import Any

from connector.errors import MailboxError, MailboxMisconfigured

# The peer hung up in the middle of the handshake or of the stream: a fault of the line, not of the settings.
_LINE_FAULTS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, ssl.SSLWantReadError)


class NotPinned(ssl.SSLError):
    """The server showed another certificate. `found`: its fingerprint, SHA-256 in hex."""

    def __init__(self, found: str) -> None:
        super().__init__("certificate not pinned")
        self.found = found


class _Pinned(ssl.SSLContext):
    """Takes a connection only when the server's own certificate is one of `pins`, before a byte is sent over it."""

    pins: frozenset[str] = frozenset()

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as the base class has it
        wrapped = super().wrap_socket(*args, **kwargs)
        found = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
        if found not in self.pins:
            wrapped.close()
            raise NotPinned(found)
        return wrapped


def context(prefix: str, verify: bool, ca_file: str, pins: Sequence[str] = ()) -> ssl.SSLContext:
    """A client context that verifies by default.

    With `ca_file` (PEM) the certificates in it are trusted instead of the system's. With `pins` (SHA-256 in hex, lower
    case) the server must show one of these very certificates; who issued it, for which name and until when is then not
    asked, because the key behind it is proven. `prefix` (imap, smtp) names the error codes. Raises
    MailboxMisconfigured `<prefix>.ca_file` when the file cannot be used.
    """
    if pins:
        pinned = _Pinned(ssl.PROTOCOL_TLS_CLIENT)
        pinned.check_hostname = False
        pinned.verify_mode = ssl.CERT_NONE
        pinned.pins = frozenset(pins)
        return pinned
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
    if isinstance(exc, NotPinned):
        return MailboxMisconfigured(f"{prefix}.not_pinned", host=host, port=port, found=exc.found)
    if isinstance(exc, ssl.SSLCertVerificationError):
        return MailboxMisconfigured(f"{prefix}.certificate", host=host, port=port, reason=exc.verify_message)
    if isinstance(exc, _LINE_FAULTS):
        return None
    return MailboxMisconfigured(f"{prefix}.tls", host=host, port=port, reason=exc.reason or type(exc).__name__)

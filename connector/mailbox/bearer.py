"""Logging in with an access token instead of a password: OAUTHBEARER (RFC 7628), else XOAUTH2 (Google, Microsoft).

The same bytes go to IMAP and to SMTP. Where tokens come from is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from connector.errors import MailboxReauthorise

MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
"""In order of preference: the standard first."""

Responder = Callable[[bytes], bytes]


class AccessTokens(Protocol):
    """Where a session gets its access token from."""

    def access(self, refused: str = "") -> str:
        """An access token for now; another one than `refused`, which the mail server did not take.

        Raises MailboxReauthorise (a person must give a new grant), MailboxMisconfigured (client, endpoint, scope) and
        MailboxUnavailable (the token server does not answer; may be tried again).
        """

    def accepted(self) -> None:
        """The mail server took the token."""

    def dead(self) -> MailboxReauthorise:
        """The mail server refuses a token that was made just now: note it, and give the error to raise."""


def choose(offered: Collection[str]) -> str:
    """The mechanism to use among the offered ones (any case), '' when there is none."""
    there = {name.upper() for name in offered}
    return next((name for name in MECHANISMS if name in there), "")


def responder(mechanism: str, user: str, token: str, host: str, port: int) -> Responder:
    """Answers the server's challenges: first the token, then, when the server explains its refusal, what ends the
    exchange (RFC 7628 3.2.3; Google's XOAUTH2: an empty line)."""
    first, last = initial(mechanism, user, token, host, port), b"\x01" if mechanism == "OAUTHBEARER" else b""
    asked = 0

    def answer(challenge: bytes) -> bytes:
        nonlocal asked
        asked += 1
        return first if asked == 1 and not challenge.strip() else last

    return answer


def initial(mechanism: str, user: str, token: str, host: str, port: int) -> bytes:
    """The client's first message."""
    if mechanism == "XOAUTH2":
        return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
    name = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 4
    return f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01".encode()

"""Waiting for mail in one folder by IDLE (RFC 2177): the server says when something arrives, nobody has to ask.

The folder is opened by EXAMINE, no flag changes. What has arrived is not looked at here: whoever is told collects.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Self

from connector.errors import MailboxMisconfigured, MailboxUnavailable
from connector.mailbox.session import Account, Session


class IdleFolder(Session):
    """Fits `ports.FolderWatch`. Raises what `Session` raises, and MailboxMisconfigured `imap.no_idle`."""

    def __init__(self, name: str, account: Account, folder: str) -> None:
        super().__init__(name, account)
        self._watched = folder
        self._waiting = False

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            with self._line() as client:
                offered = client.has_capability("IDLE")
            if not offered:
                raise MailboxMisconfigured("imap.no_idle", **self._where())
            self._open(self._watched, writable=False)
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._waiting and not self._broken:
            with suppress(MailboxUnavailable):  # else the server would take LOGOUT for a wrong end of IDLE
                self._end()
        super().__exit__(*exc)

    def wait(self, seconds: float) -> bool:
        """True as soon as the server tells of mail; False when the time is up or it told of something else.

        Raises MailboxUnavailable when the server says goodbye or the connection ends.
        """
        began = time.monotonic()
        with self._line() as client:
            told = client.idle_check(timeout=seconds)
        if not told and time.monotonic() - began < seconds:
            # imapclient keeps the end of a connection to itself; TLS may also have had something to say that is none
            # of ours. An answer of the server tells one from the other.
            self.renew()
            return True
        self._refuse_goodbye(told)
        # EXISTS is how a server tells of new mail (RFC 3501 7.3.1). Flags that others set and mails that they remove
        # are none, nor are the signs of life that some servers send.
        return any(len(answer) > 1 and answer[1] == b"EXISTS" for answer in told)

    def renew(self) -> None:
        """Begin anew, before the server takes us for dead or a router forgets the connection."""
        self._refuse_goodbye(self._end())
        self._begin()

    def _begin(self) -> None:
        with self._line() as client:
            try:
                client.idle()
            except BaseException:
                self._broken = True  # whether the server waits for DONE or for a command is not known any more
                raise
        self._waiting = True

    def _end(self) -> list[Any]:
        self._waiting = False
        with self._line() as client:
            _, told = client.idle_done()
        return list(told)

    def _refuse_goodbye(self, told: list[Any]) -> None:
        if any(answer and answer[0] == b"BYE" for answer in told):
            self._broken = True
            raise MailboxUnavailable("imap.connection_lost", **self._where())

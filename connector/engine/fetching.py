"""Fetching past mails that a server cannot hand out: it refuses them, answers nonsense or hangs up, each time anew.

One such mail must not hold up its neighbours. After a failure the next mails are fetched one by one, so that it is
known which one it is; it is left out, and tried last from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.engine.ports import Fetched, Mailbox
from connector.errors import MailboxUnavailable

CAREFUL = 50  # mails that are fetched singly after a failure: as many as one batch may hold
MOST_FAILURES = 6  # lines that break in one run; then the server is left alone until the next one
REFUSED = "imap.refused"
"""Code of a command that the server answered with no: the line holds."""


class Fetching:
    """Of one mailbox. Remembers, as long as the process lives, which mails could not be had."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._choking: dict[tuple[str, int], set[int]] = {}  # (folder, UIDVALIDITY)

    def fetch(self, box: Mailbox, folder: str, uidvalidity: int, uids: Sequence[int]) -> Iterator[Fetched]:
        """Every mail that can be had. Raises the last MailboxUnavailable at the end when some could not, or at once
        when the server cannot be reached any more."""
        choking = self._choking.setdefault((folder, uidvalidity), set())
        left = [uid for uid in uids if uid not in choking]
        last = [uid for uid in uids if uid in choking]
        failure: MailboxUnavailable | None = None
        failures = singly = 0
        while left or last:
            chunk = left[:1] if left and singly else left or last[:1]
            got: set[int] = set()
            try:
                for item in box.fetch(chunk, self._max_bytes):
                    got.add(item.uid)
                    yield item
                choking -= set(chunk)
                left, last = (left[len(chunk) :], last) if left else (left, last[1:])
                singly = max(0, singly - 1)
            except MailboxUnavailable as error:
                failure = error
                failures += error.code != REFUSED
                rest = [uid for uid in chunk if uid not in got]
                if len(chunk) == 1:
                    choking |= set(rest)
                    left, last = (left[1:], last) if left else (left, last[1:])
                else:
                    left, singly = rest, CAREFUL
                if failures > MOST_FAILURES or not (left or last):
                    break
                box.reopen(folder, uidvalidity)
        if failure is not None and (left or last or choking & set(uids)):
            raise failure

"""The report that goes out by mail, once a period and reader. Makes intents; draws nothing and sends nothing.

Once is the outbox's doing: the key of a wish names shop, period and reader, so however often it is asked for, by
whomever, there is one row; the mail itself goes the way of every other (what is in doubt is never sent again unseen).
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.core.model import Intent, Kind, NewIntent
from connector.core.periods import Period
from connector.engine.ports import Outbox


@dataclass(frozen=True, slots=True)
class Made:
    """A report and the words that go with it. sender_name: whom the mail names as its sender. name: of the file."""

    sender_name: str
    language: str
    subject: str
    text: str
    name: str
    page: bytes


class Reports:
    """Of one shop. sender: its address, and the host of its Message-IDs. period: the last one that is over, by the
    shop's clock. ready: does the mirror hold all of it? make: draws it."""

    def __init__(
        self,
        shop: str,
        to: Sequence[str],
        sender: tuple[str, str],
        period: Callable[[], Period],
        ready: Callable[[Period], bool],
        make: Callable[[Period], Made],
        outbox: Outbox,
    ) -> None:
        self._shop = shop
        self._to = to
        self._sender = sender
        self._period = period
        self._ready = ready
        self._make = make
        self._outbox = outbox

    def run(self) -> list[Intent]:
        """Wish for the mails of the last period that nobody has wished for. [] when there is nothing to do."""
        period = self._period()
        keys = {to: _key(self._shop, period, to) for to in self._to}
        missing = [to for to, key in keys.items() if self._outbox.by_key(self._shop, key) is None]
        if not missing or not self._ready(period):
            return []
        made = self._make(period)
        return self._outbox.add(self._shop, [self._wish(to, keys[to], made) for to in missing])

    def _wish(self, to: str, key: str, made: Made) -> NewIntent:
        address, host = self._sender
        return NewIntent(
            kind=Kind.MAIL_SEND,
            key=key,
            # No proof of a thread: an answer to it is an ordinary mail.
            reference=f"psc1-report.{hashlib.sha256(key.encode()).hexdigest()[:32]}@{host}",
            group=key,
            payload={
                "to": to,
                "sender": address,
                "sender_name": made.sender_name,
                "subject": made.subject,
                "text": made.text,
                "lang": made.language,
                "automatic": True,
                "file": {"name": made.name, "data": pack(made.page)},
            },
            origin=SCHEDULE,
        )


SCHEDULE = "schedule"
"""Origin of what the settings have asked for."""


def pack(data: bytes) -> str:
    """Bytes as a text for an intent's payload."""
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def unpack(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def _key(shop: str, period: Period, to: str) -> str:
    """Without the address, which leaves the outbox when its time is over."""
    reader = hashlib.sha256(f"{shop}\0{to.casefold()}".encode()).hexdigest()[:16]
    return f"mail.send:report/{period.label}/{reader}"

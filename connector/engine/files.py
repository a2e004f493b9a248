"""The files of a mail: which are kept when it joins a thread, and how their bytes are had again. Opens none of them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from connector.core.attachments import MOST_FILES, NOT_FETCHED, KeptAttachment, Limits, NewAttachment, reasons
from connector.core.filetypes import UNKNOWN, sniff
from connector.core.model import Copy, Mail
from connector.engine.ports import Attachments, Events, Ledger, MailCodec
from connector.errors import DataError, MailUnreadable
from connector.ops import events as ev

DAY = timedelta(hours=24)
ASK_AGAIN = timedelta(minutes=5)


class Files:
    """Told apart, kept within the limits of a mailbox, and read again."""

    def __init__(self, ledger: Ledger, codec: MailCodec, attachments: Attachments, events: Events) -> None:
        self._ledger = ledger
        self._codec = codec
        self._attachments = attachments
        self._events = events
        self._used: dict[tuple[str, str], tuple[datetime, int]] = {}  # (shop, mailbox) -> (when asked, bytes)

    def of(self, copy: Copy, mail: Mail | None, limits: Limits, now: datetime) -> list[NewAttachment]:
        """What the ledger is to keep of a mail that joins a thread. mail None: it cannot be decoded."""
        if copy.omitted is not None:
            return [NewAttachment(i, a, UNKNOWN, None, NOT_FETCHED) for i, a in enumerate(copy.omitted[:MOST_FILES])]
        if mail is None or not mail.attachments:
            return []
        try:
            found = self._codec.attachments(self._ledger.raw(copy.blob))[:MOST_FILES]
        except MailUnreadable:
            return []
        asked, used = self._kept_today(copy.shop, copy.mailbox, now)
        why = list(reasons([len(data) for _, data in found], limits, used))
        kept = sum(len(data) for (_, data), reason in zip(found, why, strict=True) if not reason)
        self._used[copy.shop, copy.mailbox] = (asked, used + kept)
        for reason, count in Counter(filter(None, why)).items():
            self._events.emit(ev.ATTACHMENTS_SKIPPED, shop=copy.shop, copy_id=copy.id, count=count, reason=reason)
        return [
            NewAttachment(position, one, sniff(data, one.content_type), None if reason else data, reason)
            for position, ((one, data), reason) in enumerate(zip(found, why, strict=True))
        ]

    def _kept_today(self, shop: str, mailbox: str, now: datetime) -> tuple[datetime, int]:
        """Counted here in between: to ask the mirror for every mail would cost more the more of them there are."""
        known = self._used.get((shop, mailbox))
        if known is not None and known[0] <= now < known[0] + ASK_AGAIN:
            return known
        return now, self._attachments.kept_since(shop, mailbox, now - DAY)

    def recount(self) -> None:
        """What was kept since the mirror was asked last may not have been stored."""
        self._used.clear()

    def read(self, kept: KeptAttachment) -> bytes:
        """The bytes of a file: its own, else out of the mail. Raises DataError when neither is there any more."""
        if kept.blob:
            return self._ledger.raw(kept.blob)
        if kept.reason != NOT_FETCHED and kept.mail_blob:
            found = self._codec.attachments(self._ledger.raw(kept.mail_blob))
            if kept.position < len(found):
                return found[kept.position][1]
        raise DataError("attachment.not_kept", attachment=kept.id, mail=kept.copy_id, reason=kept.reason)

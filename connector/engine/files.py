"""The files of a mail: which are kept when it joins a thread, and how their bytes are had again. Opens none of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.core.attachments import MOST_FILES, NOT_FETCHED, KeptAttachment, Limits, NewAttachment, reasons
from connector.core.filetypes import UNKNOWN, sniff
from connector.core.model import Copy, Mail
from connector.engine.ports import Attachments, Ledger, MailCodec
from connector.errors import DataError, MailUnreadable

DAY = timedelta(hours=24)


class Files:
    """Told apart, kept within the limits of a mailbox, and read again."""

    def __init__(self, ledger: Ledger, codec: MailCodec, attachments: Attachments) -> None:
        self._ledger = ledger
        self._codec = codec
        self._attachments = attachments

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
        used = self._attachments.kept_since(copy.shop, copy.mailbox, now - DAY)
        why = reasons([len(data) for _, data in found], limits, used)
        return [
            NewAttachment(position, one, sniff(data, one.content_type), None if reason else data, reason)
            for position, ((one, data), reason) in enumerate(zip(found, why, strict=True))
        ]

    def read(self, kept: KeptAttachment) -> bytes:
        """The bytes of a file: its own, else out of the mail. Raises DataError when neither is there any more."""
        if kept.blob:
            return self._ledger.raw(kept.blob)
        if kept.reason != NOT_FETCHED and kept.mail_blob:
            found = self._codec.attachments(self._ledger.raw(kept.mail_blob))
            if kept.position < len(found):
                return found[kept.position][1]
        raise DataError("attachment.not_kept", attachment=kept.id, mail=kept.copy_id, reason=kept.reason)

"""Which files of a mail are kept as files of their own, and how they are named. Pure.

What is not kept is not lost: the raw mail holds it. A limit only bounds what is stored a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.core.model import Attachment

TOO_LARGE = "larger_than_a_file_may_be"
MAIL_FULL = "mail_over_its_limit"
DAY_FULL = "day_over_its_limit"
NOT_FETCHED = "left_in_the_mailbox"
"""Why a file was not kept as one of its own."""
MOST_FILES = 100
"""Files of one mail that get a row; a mail of two thousand parts is no letter."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, decoded, of one mailbox. day: of any 24 hours."""

    file: int = 25_000_000
    mail: int = 50_000_000
    day: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """One file of a mail, for the ledger. kind: the type that its bytes tell. data: None when it is not kept, and
    `reason` says why. position: among the mail's attachments, from 0."""

    position: int
    attachment: Attachment
    kind: str
    data: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeptAttachment:
    """One file of a mail as the ledger lists it. blob: SHA-256 of its bytes, '' when `reason` says why they were not
    kept for themselves. mail_blob: of the raw mail, '' when retention dropped it. declared_type: the mail's word."""

    id: int
    shop: str
    copy_id: int
    position: int
    name: str
    content_type: str
    declared_type: str
    size: int
    content_id: str
    inline: bool
    blob: str
    reason: str
    mail_blob: str
    id_thread: int | None
    id_message: int | None


def reasons(sizes: Sequence[int], limits: Limits, used_today: int) -> Iterator[str]:
    """For each file, in the order of the mail, '' when it may be kept, else why not. A file that does not fit does not
    keep a smaller one behind it out."""
    used = 0
    for size in sizes:
        if size > limits.file:
            yield TOO_LARGE
        elif used + size > limits.mail:
            yield MAIL_FULL
        elif used_today + used + size > limits.day:
            yield DAY_FULL
        else:
            used += size
            yield ""


def to_name(attachments: Sequence[Attachment], text: str) -> list[Attachment]:
    """The files that a reader of the thread is told of: images that belong to the page are no files, unless the mail
    says nothing else."""
    files = [one for one in attachments if not one.inline]
    return files or ([] if text.strip() else list(attachments))

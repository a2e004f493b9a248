"""The HTML of a mail as its sender wrote it, for a person who wants to see the page: hostile until it is sanitised."""

from __future__ import annotations

import re

from connector.errors import MailUnreadable
from connector.mailbox import charset, structure, transfer
from connector.mailbox.attached import is_attachment

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9._-]{2,40})", re.IGNORECASE)
_KINDS = ("text/html", "application/xhtml+xml")


def html_of(raw: bytes) -> str | None:
    """The first HTML part that is no attachment; None when there is none. Raises MailUnreadable."""
    try:
        for part in structure.walk(structure.read(raw)):
            if part.content_type in _KINDS and not is_attachment(part):
                data, _ = transfer.decode(part.body, part.text_field("content-transfer-encoding"))
                said = _CHARSET.search(data[:4096])
                declared = part.parameters.get("charset", "") or (said.group(1).decode("ascii") if said else "")
                return charset.decode(data, declared)[0]
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise MailUnreadable("mail.undecodable", reason=type(error).__name__) from error
    return None

"""What a delivery report says (RFC 3464): whether a mail failed, is late or arrived, and the status code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connector.mailbox import header

_LONGEST = 100_000  # bytes of one report
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_WORST_FIRST = ("failed", "delayed", "relayed", "delivered", "expanded")


def delivery(reports: Iterable[bytes]) -> tuple[str, str]:
    """(action, status) of the recipient who fares worst, from the bodies of message/delivery-status parts; ('', '')
    when they name no action. Lower-case; an unknown action counts as none."""
    found: list[tuple[str, str]] = []
    for report in reports:
        action = status = ""
        for name, value in header.fields(_joined(report[:_LONGEST])):
            text = header.decode(value).partition("(")[0].strip().lower()
            if name in ("final-recipient", "original-recipient") and action:
                found.append((action, status))
                action = status = ""
            elif name == "action":
                action = text
            elif name == "status":
                match = _STATUS.search(text)
                status = match[0] if match else ""
        found.append((action, status))
    known = [one for one in found if one[0] in _WORST_FIRST]
    return min(known, key=lambda one: _WORST_FIRST.index(one[0]), default=("", ""))


def _joined(report: bytes) -> bytes:
    """The groups of fields of a report, one per recipient, without the empty lines between them."""
    return re.sub(rb"\r?\n(?:[ \t]*\r?\n)+", b"\n", report.lstrip())

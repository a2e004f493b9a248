"""The lines of a FETCH answer, as imaplib collects them: UID, date, size and body of each mail.

What servers usually answer is read by two patterns; anything else, up to unsolicited flags and literals where nobody
expects them, is IMAPClient's parser's. That one takes each answer apart sign by sign, which was half of the time of
fetching small mails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from imapclient.datetime_util import parse_to_datetime
from imapclient.response_parser import parse_fetch_response

Row = dict[bytes, Any]
"""By the names of RFC 3501 7.4.2: INTERNALDATE (datetime), RFC822.SIZE (int), BODY[] (bytes) ..."""

_ITEM = rb'(?:UID (?P<uid>\d{1,10})|INTERNALDATE "(?P<date>[^"\\]{1,40})"|RFC822\.SIZE (?P<size>\d{1,10}))'
_WITHOUT_BODY = re.compile(rb"\d{1,10} \((?:" + _ITEM + rb"(?: (?!\))|(?=\))))+\)")
_WITH_BODY = re.compile(rb"\d{1,10} \((?:" + _ITEM + rb" )+BODY\[\] \{\d{1,10}\}")


def rows(lines: Sequence[Any]) -> dict[int, Row]:
    """By UID. Raises imapclient's ProtocolError or ValueError for what is no FETCH answer."""
    found = _usual(lines)
    return parse_fetch_response(list(lines), normalise_times=False) if found is None else found


def _usual(lines: Sequence[Any]) -> dict[int, Row] | None:
    """None: there is something else among them."""
    found: dict[int, Row] = {}
    waiting = iter(lines)
    for line in waiting:
        row: Row = {}
        if isinstance(line, tuple):
            head, row[b"BODY[]"] = line
            match = _WITH_BODY.fullmatch(head)
            if next(waiting, None) != b")":
                return None
        else:
            match = _WITHOUT_BODY.fullmatch(line) if isinstance(line, bytes) else None
        if match is None or match["uid"] is None or (uid := int(match["uid"])) in found:
            return None
        if match["date"] is not None:
            row[b"INTERNALDATE"] = parse_to_datetime(match["date"], normalise=False)
        if match["size"] is not None:
            row[b"RFC822.SIZE"] = int(match["size"])
        found[uid] = row
    return found

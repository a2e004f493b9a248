"""What a forwarded thread looks like: the text of the mail, and who may get one without a person asking for it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from connector.core.model import Message, Thread
from connector.core.storedtext import readable

MOST_MESSAGES = 30
"""The newest of a thread that go along; who needs more has the back office."""
_RULE = "-" * 40


def may_forward_by_itself(address: str, allowed: Collection[str]) -> bool:
    """A rule forwards to addresses of the settings only: a stranger's mail must not choose who reads a thread."""
    return address.casefold() in {one.casefold() for one in allowed}


def message_id(reference: str, host: str) -> str:
    """Of the forwarded mail. It proves no thread: an answer to it is not the customer's, and whoever got the mail is no
    party of the thread."""
    return f"psc1-forward.{hashlib.sha256(reference.encode()).hexdigest()[:32]}@{host}"


def text(
    thread: Thread,
    messages: Sequence[Message],
    comment: str,
    names: Mapping[int, str],
    *,
    internal: bool,
) -> str:
    """The mail's text: the comment, then the talk, oldest first. names: employee id -> how to call them. internal: the
    reader is staff and sees private notes, too."""
    shown = [message for message in messages if internal or not message.private][-MOST_MESSAGES:]
    parts = [comment.strip()] if comment.strip() else []
    for message in shown:
        who = names.get(message.id_employee, "") if message.id_employee else thread.email
        at = f"{message.date_add:%Y-%m-%d %H:%M} UTC" if message.date_add else "-"
        mark = " [private]" if message.private else ""
        parts.append(f"{_RULE}\n{at}  {who or f'#{message.id_employee}'}{mark}\n\n{readable(message.text).strip()}")
    return "\n\n".join(parts)

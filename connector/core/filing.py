"""The intents that carry a mail into the shop: its message, the re-opening of its thread, the last step in its mailbox.

What the thread gets is decided in `reconcile`. Pure; nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from connector.core import identity
from connector.core.attachments import to_name
from connector.core.decisions import Facts, Policy, Say
from connector.core.matching import Match
from connector.core.model import Attachment, Copy, Kind, Mail, NewIntent, Thread
from connector.core.replies import extract

NAMED = 20
"""Attachments that a message names; of more it tells the number."""
OLD_MAIL = timedelta(hours=1)
"""A mail older than this when it is imported gets its own date: the shop would show the time of the import."""


def message(
    copy: Copy,
    mail: Mail | None,
    target: Match,
    facts: Facts,
    policy: Policy,
    say: Say,
    lang: str,
    *,
    lines: Sequence[str] = (),
    employee: int = 0,
    private: bool = False,
) -> NewIntent:
    """The intent that puts the newly written text into the thread. The whole mail stays in the ledger.

    mail None: it cannot be decoded; a short text says where it is kept."""
    text = _written(mail, facts).strip() if mail is not None else say("text_kept", lang, id=copy.id)
    attachments = to_name(mail.attachments, text) if mail is not None else []
    if not text and not attachments:
        text = say("text_kept", lang, id=copy.id)
    head = list(lines)
    written = copy.internaldate  # when the server took it; the Date header is the sender's word
    old = facts.now - written > OLD_MAIL
    if old and not facts.can_backdate:
        local = written.astimezone(facts.zone) if facts.zone else written
        head.append(say("sent_on", lang, date=local.strftime("%Y-%m-%d %H:%M")))
    body = "\n".join([*head, "", text] if head else [text])
    if attachments:
        names = ", ".join(_names(attachments))
        body = "\n\n".join([body, say("attachments", lang, names=names)])
    if not copy.whole:
        megabytes = f"{copy.size / 1_000_000:.1f}"
        body = "\n\n".join([body, say("left_in_mailbox", lang, size=megabytes, folder=copy.folder)])
    reference = identity.reference(copy.mail_key)
    return NewIntent(
        kind=Kind.MESSAGE_CREATE,
        key=f"message.create:{reference}",
        reference=reference,
        group=target.group,
        payload={
            "id_thread": target.thread.id if target.thread else None,
            "thread_key": target.create_key,
            "text": body.strip(),
            "id_employee": employee,
            "private": private,
            "written_at": written.isoformat() if old and facts.can_backdate else "",
            "lang": lang,
            "cut_line": say("text_cut", lang, id=copy.id),
        },
        after=target.create_key,
        copy_id=copy.id,
    )


def _written(mail: Mail, facts: Facts) -> str:
    return extract(mail.text, mail.subject).new if facts.written is None else facts.written


def last_step(copy: Copy, after: str, policy: Policy) -> tuple[NewIntent, ...]:
    """The last step: what the setting `after` asks for the copy in its mailbox; `leave` asks nothing. What is not kept
    whole stays where it is."""
    if policy.after == "leave" or (policy.after != "flag" and not copy.whole):
        return ()
    return (
        NewIntent(
            kind=Kind.MAIL_FILE,
            key=f"mail.file:{copy.id}",
            reference="",
            group=f"file:{copy.id}",
            payload={
                "action": policy.after,
                "mailbox": copy.mailbox,
                "folder": copy.folder,
                "uid": copy.uid,
                "target": policy.after_target,
                "size": copy.size,
                "internaldate": copy.internaldate.isoformat(),
            },
            decided_on={"uidvalidity": copy.uidvalidity},
            after=after,
            copy_id=copy.id,
        ),
    )


def reopening(copy: Copy, after: NewIntent, thread: Thread) -> NewIntent:
    """Whether the thread is closed is asked when it is pushed: a status set in the back office moves no date, so the
    mirror may not know of it yet."""
    return NewIntent(
        kind=Kind.THREAD_STATUS,
        key=f"thread.status:{after.reference}",
        reference="",
        group=after.group,
        payload={"id_thread": thread.id, "status": "open"},
        decided_on={"reopens": True},
        after=after.key,
        copy_id=copy.id,
    )


def iso(thread: Thread | None, facts: Facts, policy: Policy) -> str:
    id_lang = (thread.id_lang if thread else None) or policy.id_lang or facts.default_lang
    return facts.languages.get(id_lang, "en")


def _names(attachments: Sequence[Attachment]) -> list[str]:
    named = [f"{one.name} ({max(1, round(one.size / 1024))} kB)" for one in attachments[:NAMED]]
    return [*named, f"… (+{len(attachments) - NAMED})"] if len(attachments) > NAMED else named

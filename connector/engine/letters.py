"""What a reply to a customer looks like as a mail: from whom, in which language, with which signature and references,
and the copy of it in a Sent folder. Makes intents; sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.core import guards, identity
from connector.core.model import Intent, Kind, NewIntent, Thread
from connector.engine.ports import Clock, Ledger, Lookups, MailCodec, Outbox, OutgoingFile, OutgoingMail
from connector.engine.reports import unpack
from connector.errors import ConnectorError, GuardTripped

MOST_REFERENCES = 20
"""Message-IDs that go along: the first of a talk and its newest (RFC 5322 3.6.4 would have all of them)."""
LONGEST_ID = 250
LIMIT_WINDOW = timedelta(hours=24)
FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes, from the settings. secret: the instance secret. has_smtp: a mail server is configured.

    senders, mailboxes, reply_addresses: pairs of a contact (0: any) and the From address of its mails, the address of
    the mailbox that collects its answers, the address that takes answers with a tag. copy_to: mailbox and folder in
    which sent mails are filed."""

    secret: str
    employee: int
    reply_status: str
    has_smtp: bool
    sender: str
    sender_name: str
    message_id_host: str
    reply_addresses: tuple[tuple[int, str], ...] = ()
    senders: tuple[tuple[int, str], ...] = ()
    mailboxes: tuple[tuple[int, str], ...] = ()
    copy_to: tuple[str, str] | None = None


class Letters:
    """The mails of one shop. signature: language and the shop's name -> the signature in it."""

    def __init__(
        self,
        shop_name: str,
        who: Identity,
        lookups: Lookups,
        ledger: Ledger,
        outbox: Outbox,
        codec: MailCodec,
        say: Callable[..., str],
        signature: Callable[[str, str], str],
        clock: Clock,
    ) -> None:
        self.shop_name = shop_name
        self._who = who
        self._lookups = lookups
        self._ledger = ledger
        self._outbox = outbox
        self._codec = codec
        self._say = say
        self._signature = signature
        self._clock = clock

    def language(self, thread: Thread) -> str:
        """The thread's language as ISO code; that of the shop where the thread has none, else English."""
        languages = self._lookups.languages(self.shop_name)
        default = self._lookups.configuration(self.shop_name, "PS_LANG_DEFAULT") or ""
        found = languages.get(thread.id_lang or 0) or languages.get(int(default) if default.isdigit() else 0)
        return found or FALLBACK_LANGUAGE

    def shop_title(self) -> str:
        """The shop's name as customers know it."""
        known = self._lookups.configuration(self.shop_name, "PS_SHOP_NAME")
        return known or self._who.sender_name or self.shop_name

    def reply(self, thread: Thread, text: str, reference: str, after: str, employee: int) -> NewIntent:
        """The mail with the employee's answer, sent once `after` is confirmed."""
        lang, shop = self.language(thread), self.shop_title()
        contacts = {c.id: c for c in self._lookups.contacts(self.shop_name)}
        contact = contacts.get(thread.id_contact or 0)
        in_reply_to, references = self._talk(thread)
        payload = {
            "id_thread": thread.id,
            "id_employee": employee,
            "to": thread.email,
            "sender": _of(self._who.senders, thread, exactly=True)
            or (contact.email if contact else "")
            or self._who.sender,
            "sender_name": (contact.name if contact else "") or self._who.sender_name or shop,
            "subject": self._say("reply_subject", lang, shop=shop, id=thread.id, token=thread.token),
            "text": text,
            "signature": self._signature(lang, shop),
            "lang": lang,
            "reply_to": self._reply_to(thread),
            "in_reply_to": in_reply_to,
            "references": references,
        }
        message_id = identity.message_id(
            self._who.secret, self.shop_name, thread.id, reference, self._who.message_id_host
        )
        return NewIntent(
            kind=Kind.MAIL_SEND,
            key=f"mail.send:{reference}",
            reference=message_id,
            group=f"reply:{reference}",
            payload=payload,
            after=after,
            origin="command",
        )

    def copy_of(self, mail: NewIntent) -> list[NewIntent]:
        """The copy in the Sent folder, if the settings want one. In a group of its own: a mailbox that is down holds up
        nothing else."""
        if self._who.copy_to is None:
            return []
        mailbox, folder = self._who.copy_to
        return [
            NewIntent(
                kind=Kind.MAIL_COPY,
                key=f"mail.copy:{mail.reference}",
                reference=mail.reference,
                group=f"copy:{mail.reference}",
                payload={"mailbox": mailbox, "folder": folder, "mail": mail.key},
                after=mail.key,
                origin=mail.origin,
            )
        ]

    def refuse_flood(self, to: str, thread_id: int, *, forward: bool = False) -> None:
        """Raises GuardTripped when a person, or a thread, was written to so often that it looks like an accident."""
        since = self._clock.now() - LIMIT_WINDOW
        if found := flood(self._outbox.mails_since(self.shop_name, since), to, thread_id, forward=forward):
            raise GuardTripped(found, id=thread_id, limit=guards.MAILS_PER_DAY[found], hours=24)

    def _talk(self, thread: Thread) -> tuple[str, list[str]]:
        """In-Reply-To and References: the customer's last mail, and what it refers to (RFC 5322 3.6.4). Mails of others
        and automatic ones do not count."""
        theirs = [
            copy
            for copy in self._ledger.of_thread(self.shop_name, thread.id)
            if copy.message_id and copy.from_addr == thread.email.casefold() and not copy.reason.endswith("_filed")
        ]
        if not theirs:
            return "", []
        last = theirs[-1]
        before: list[str] = []
        if last.blob:
            try:
                mail = self._codec.decode(self._ledger.raw(last.blob))
                before = list(mail.references or mail.in_reply_to)
            except ConnectorError:  # its bytes are gone or cannot be read: what the ledger knows is enough
                before = []
        chain = [*(before or [copy.message_id for copy in theirs[:-1]]), last.message_id]
        chain = [one for one in dict.fromkeys(reversed(chain)) if sendable(one)][::-1]
        if len(chain) > MOST_REFERENCES:
            chain = [chain[0], *chain[1 - MOST_REFERENCES :]]
        return last.message_id if sendable(last.message_id) else "", chain

    def _reply_to(self, thread: Thread) -> str:
        """The address of the thread's own mailbox, else of the first, with the thread's tag where one is taken; '' when
        no address is known."""
        address = _of(self._who.reply_addresses, thread)
        if not address:
            return _of(self._who.mailboxes, thread)
        return identity.tagged(address, identity.address_tag(self._who.secret, self.shop_name, thread.id))


def sendable(message_id: str) -> bool:
    """Can it stand in a header of ours? Strangers' mails have Message-IDs of any kind."""
    fine = message_id.isascii() and message_id.isprintable() and not set(" <>") & set(message_id)
    return fine and 0 < len(message_id) <= LONGEST_ID


def outgoing(mail: Intent) -> OutgoingMail:
    """The mail of an intent `mail.send` that was begun: the same for sending, sending again and filing a copy."""
    p = mail.payload
    file = p.get("file")
    return OutgoingMail(
        message_id=mail.reference,
        sender=p["sender"],
        sender_name=p["sender_name"],
        to=p["to"],
        subject=p["subject"],
        text=p["text"],
        signature=p.get("signature", ""),
        in_reply_to=p.get("in_reply_to", ""),
        references=tuple(p.get("references", ())),
        reply_to=p.get("reply_to", ""),
        language=p.get("lang", ""),
        date=sent_at(mail),
        automatic=bool(p.get("automatic")),
        file=OutgoingFile(file["name"], "text/html", unpack(file["data"])) if file else None,
    )


def sent_at(mail: Intent) -> datetime:
    """The Date of its mail: when the last hand-over began."""
    return mail.sent_at or mail.created_at


def flood(earlier: list[Intent], to: str, thread_id: int, *, forward: bool = False) -> str:
    """The guard's finding for one more mail to this person about this thread, '' when it is quiet. Answers and mails
    that are forwarded are counted apart."""
    mails = [mail for mail in earlier if bool(mail.payload.get("forward")) == forward]
    person = sum(str(mail.payload.get("to", "")).casefold() == to.casefold() for mail in mails)
    thread = sum(mail.payload.get("id_thread") == thread_id for mail in mails) if thread_id else 0
    return guards.mail_flood(person, thread, forward=forward)


def _of(pairs: tuple[tuple[int, str], ...], thread: Thread, *, exactly: bool = False) -> str:
    """The value of the thread's contact, else (unless exactly that is wanted) the first."""
    own = [value for contact, value in pairs if contact and contact == thread.id_contact]
    return next(iter([*own, *(() if exactly else (value for _, value in pairs))]), "")

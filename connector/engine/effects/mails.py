"""Mails: handing one to SMTP, which has no look-up; its copy in a Sent folder; what becomes of a mail that came in."""

from __future__ import annotations

from collections.abc import Callable

from connector.core import identity
from connector.core.model import Intent, IntentState, Kind, NewIntent
from connector.engine.effects.base import GO_ON, NOT_FOUND, Base, Verdict
from connector.engine.letters import LIMIT_WINDOW, flood, outgoing, sent_at
from connector.engine.ports import Mailbox, Outbox, Sender
from connector.engine.reports import SCHEDULE
from connector.engine.scope import ANOTHER_COUNT
from connector.errors import SettingsError


class MailSend(Base):
    """SMTP has no look-up: a hand-over without an answer is searched where a copy must lie (`proof`: a mailbox and its
    folder), else it stays in doubt until a person decides."""

    def __init__(
        self,
        sender: Sender | None,
        outbox: Outbox,
        say: Callable[..., str],
        session: Callable[[str], Mailbox],
        proof: tuple[str, str] | None,
    ) -> None:
        self._session = session
        self._proof = proof
        self._sender = sender
        self._outbox = outbox
        self._say = say

    def check(self, intent: Intent) -> Verdict:
        """What no person has asked for is limited here; a command asks the same guard before it plans anything."""
        if intent.origin in ("command", SCHEDULE):  # the settings ask for one a period and reader
            return GO_ON
        earlier = self._outbox.mails_since(intent.shop, intent.created_at - LIMIT_WINDOW)
        to, thread_id = str(intent.payload["to"]), int(intent.payload.get("id_thread") or 0)
        forward = bool(intent.payload.get("forward"))
        found = flood([mail for mail in earlier if mail.id < intent.id], to, thread_id, forward=forward)
        return Verdict(IntentState.FAILED, error=found) if found else GO_ON

    def write(self, intent: Intent) -> Verdict:
        if self._sender is None:
            raise SettingsError("smtp.not_configured", shop=intent.shop)
        self._sender.send(outgoing(intent))
        return Verdict(IntentState.CONFIRMED)

    def look_up(self, intent: Intent) -> Verdict:
        if self._proof is None:
            return Verdict(never_resend=True)
        mailbox, folder = self._proof
        if self._session(mailbox).find_message_id(folder, intent.reference):
            return Verdict(IntentState.CONFIRMED, result={"proof": f"{mailbox}/{folder}"})
        return NOT_FOUND

    def on_failure(self, intent: Intent) -> list[NewIntent]:
        """A report that does not go out is a dead letter and nothing more: no thread waits for it.

        The customer was not told: a private note says so and the thread goes back to `open`. Of a forwarded mail the
        note alone: the customer waits for nothing."""
        if intent.origin == SCHEDULE:
            return []
        thread_id, lang = intent.payload["id_thread"], intent.payload.get("lang", "en")
        forwarded = bool(intent.payload.get("forward"))
        text = self._say("not_forwarded", lang, address=intent.payload["to"]) if forwarded else ""
        reference = identity.reference(f"{intent.reference}/failed")
        note = NewIntent(
            kind=Kind.MESSAGE_CREATE,
            key=f"message.create:{reference}",
            reference=reference,
            group=intent.group,
            payload={
                "id_thread": thread_id,
                "thread_key": intent.payload.get("thread_key", ""),
                "is_fallback": True,
                "text": text or self._say("mail_failed", lang),
                "id_employee": intent.payload.get("id_employee", 0),
                "private": True,
            },
            origin="fallback",
        )
        reopen = NewIntent(
            kind=Kind.THREAD_STATUS,
            key=f"thread.status:{reference}",
            reference="",
            group=intent.group,
            payload={"id_thread": thread_id, "status": "open"},
            after=note.key,
            origin="fallback",
        )
        return [note] if forwarded else [note, reopen]


class MailCopy(Base):
    """The copy of a mail that went out, filed in a Sent folder. Found there by its Message-ID, whoever filed it, it is
    not filed again."""

    def __init__(self, sender: Sender | None, outbox: Outbox, session: Callable[[str], Mailbox]) -> None:
        self._sender = sender
        self._outbox = outbox
        self._session = session

    def write(self, intent: Intent) -> Verdict:
        if self._sender is None:
            raise SettingsError("smtp.not_configured", shop=intent.shop)
        mail = self._outbox.by_key(intent.shop, intent.payload["mail"])
        if mail is None:
            return Verdict(IntentState.FAILED, error="mail_gone")
        found = self.look_up(intent)
        if found.state is None:
            raw = self._sender.compose(outgoing(mail))
            self._session(intent.payload["mailbox"]).append(intent.payload["folder"], raw, sent_at(mail))
        return found if found.state is not None else Verdict(IntentState.CONFIRMED)

    def look_up(self, intent: Intent) -> Verdict:
        mailbox, folder = intent.payload["mailbox"], intent.payload["folder"]
        if self._session(mailbox).find_message_id(folder, intent.reference):
            return Verdict(IntentState.CONFIRMED, result={"already": True})
        return NOT_FOUND


class MailFile(Base):
    """Flag, move or delete the copy in its mailbox, if its UID still means this very mail. Repeating does no harm, so
    doubt means doing it again."""

    def __init__(self, session: Callable[[str], Mailbox]) -> None:
        self._session = session

    def write(self, intent: Intent) -> Verdict:
        p = intent.payload
        box = self._session(p["mailbox"])
        state = box.select(p["folder"])
        if state.uidvalidity != intent.decided_on["uidvalidity"] % ANOTHER_COUNT:
            return Verdict(IntentState.FAILED, error="folder_renumbered")
        uid = int(p["uid"])
        mark = box.marks([uid]).get(uid)
        if mark is None:  # gone from the folder, by us or by somebody else
            return Verdict(IntentState.CONFIRMED)
        if "size" in p and (mark.size, mark.internaldate.isoformat()) != (p["size"], p["internaldate"]):
            return Verdict(IntentState.FAILED, error="folder_renumbered")
        if p["action"] == "flag":
            box.flag([uid], p["target"])
        elif p["action"] == "move":
            box.move([uid], p["target"])
        else:
            box.delete([uid])
        return Verdict(IntentState.CONFIRMED)

    def look_up(self, intent: Intent) -> Verdict:
        return self.write(intent)

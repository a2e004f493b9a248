"""Mails: handing one to SMTP, which has no look-up; filing a copy in its mailbox, which may be repeated."""

from __future__ import annotations

from collections.abc import Callable

from connector.core import identity
from connector.core.model import Intent, IntentState, Kind, NewIntent
from connector.engine.effects.base import NOT_FOUND, Base, Verdict
from connector.engine.ports import Clock, Mailbox, OutgoingMail, Sender
from connector.engine.scope import ANOTHER_COUNT
from connector.errors import SettingsError


class MailSend(Base):
    """SMTP has no look-up: a hand-over without an answer is searched where a copy must lie (`proof`: a mailbox and its
    folder), else it stays in doubt until a person decides."""

    def __init__(
        self,
        sender: Sender | None,
        clock: Clock,
        say: Callable[..., str],
        session: Callable[[str], Mailbox],
        proof: tuple[str, str] | None,
    ) -> None:
        self._session = session
        self._proof = proof
        self._sender = sender
        self._clock = clock
        self._say = say

    def write(self, intent: Intent) -> Verdict:
        if self._sender is None:
            raise SettingsError("smtp.not_configured", shop=intent.shop)
        p = intent.payload
        self._sender.send(
            OutgoingMail(
                message_id=intent.reference,
                sender=p["sender"],
                sender_name=p["sender_name"],
                to=p["to"],
                subject=p["subject"],
                text=p["text"],
                in_reply_to=p.get("in_reply_to", ""),
                references=tuple(p.get("references", ())),
                reply_to=p.get("reply_to", ""),
                language=p.get("lang", ""),
                date=self._clock.now(),
            )
        )
        return Verdict(IntentState.CONFIRMED)

    def look_up(self, intent: Intent) -> Verdict:
        if self._proof is None:
            return Verdict(never_resend=True)
        mailbox, folder = self._proof
        if self._session(mailbox).find_message_id(folder, intent.reference):
            return Verdict(IntentState.CONFIRMED, result={"proof": f"{mailbox}/{folder}"})
        return NOT_FOUND

    def on_failure(self, intent: Intent) -> list[NewIntent]:
        """The customer was not told: a private note says so and the thread goes back to `open`."""
        thread_id, lang = intent.payload["id_thread"], intent.payload.get("lang", "en")
        reference = identity.reference(f"{intent.reference}/failed")
        note = NewIntent(
            kind=Kind.MESSAGE_CREATE,
            key=f"message.create:{reference}",
            reference=reference,
            group=intent.group,
            payload={
                "id_thread": thread_id,
                "text": self._say("mail_failed", lang),
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
        return [note, reopen]


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

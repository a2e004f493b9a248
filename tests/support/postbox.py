"""A look into, and a hand on, the store of the sandbox's IMAP server: keep an account as it is, put it back, give its
mails new numbers as a server does after a move or a restore.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message, _ModSequenceMapping

from connector.sandbox.mailbox import SandboxMailbox


@dataclass(frozen=True)
class KeptFolder:
    uidvalidity: int
    last_uid: int
    mails: tuple[Message, ...] = ()


@dataclass
class Postbox:
    """One account. `mark` changes with every change in it."""

    server: SandboxMailbox
    user: str
    _set: MailboxSet = field(init=False)

    def __post_init__(self) -> None:
        async def take(mailboxes: MailboxSet) -> MailboxSet:
            return mailboxes

        self._set = self.server._in_store(self.user, take)

    def _folders(self) -> dict[str, MailboxData]:
        return {"INBOX": self._set._inbox, **self._set._set}

    @property
    def mark(self) -> tuple[int, ...]:
        return tuple(one._mod_sequences.highest for one in self._folders().values())

    def keep(self) -> dict[str, KeptFolder]:
        return {
            name: KeptFolder(one._uid_validity, one._max_uid, tuple(Message.copy(m) for m in one._messages.values()))
            for name, one in self._folders().items()
        }

    def put_back(self, kept: dict[str, KeptFolder]) -> None:
        """Nobody may be logged in meanwhile."""
        for name in [name for name in self._set._set if name not in kept]:
            del self._set._set[name]
        for name, one in self._folders().items():
            self._fill(one, kept[name].uidvalidity, kept[name].last_uid, [Message.copy(m) for m in kept[name].mails])

    def renumber(self, folder: str) -> None:
        """Another UIDVALIDITY, the same mails under new UIDs."""
        one = self._folders()[folder]
        mails = [Message.copy(mail, uid=uid) for uid, mail in enumerate(one._messages.values(), start=1)]
        self._fill(one, one._uid_validity + 1, len(mails), mails)

    def remove(self, folder: str, uid: int) -> None:
        """Somebody deletes a mail in another mail program."""
        one = self._folders()[folder]
        one._messages.pop(uid, None)
        one._mod_sequences.expunge([uid])

    def uids(self, folder: str) -> list[int]:
        return sorted(self._folders()[folder]._messages)

    def mails(self) -> dict[str, list[tuple[bytes, datetime, frozenset[str]]]]:
        """folder -> raw mail, INTERNALDATE and flags, in the order of the UIDs."""
        return {
            name: [
                (bytes(mail._content), mail.internal_date, frozenset(str(flag) for flag in mail.permanent_flags))
                for mail in one._messages.values()
            ]
            for name, one in self._folders().items()
        }

    @staticmethod
    def _fill(one: MailboxData, uidvalidity: int, last_uid: int, mails: list[Message]) -> None:
        one._uid_validity, one._max_uid = uidvalidity, last_uid
        one._messages = {mail.uid: mail for mail in mails}
        highest = one._mod_sequences.highest
        one._mod_sequences = _ModSequenceMapping()
        one._mod_sequences._highest = highest  # a mark that was seen never comes back
        one._mod_sequences.update(one._messages)

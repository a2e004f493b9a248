"""One IMAP account: reading without touching a flag, and the few writes that push may order.

Everything is addressed by UID under a UIDVALIDITY, never by sequence number and never by ``\\Seen`` (what other mail
programs read is none of our business). Reading opens a folder by EXAMINE, so that not even ``\\Recent`` changes; only
flag, move and delete SELECT it. This module does not decode mails and does not remember anything between sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, ProtocolError

from connector.engine.ports import Fetched, FolderState, Mark
from connector.errors import MailboxError, MailboxMisconfigured, MailboxOutcomeUnknown, MailboxUnavailable
from connector.mailbox import fetched, large
from connector.mailbox.session import LONGEST_LINE, Account, Session

BATCH_MAILS = 50
BATCH_BYTES = 10_000_000
SIZE_BLOCK = 500  # UIDs whose sizes are asked at once; 500 ten-digit UIDs are a command line of 5.5 kB


class ImapMailbox(Session):
    """Fits `ports.Mailbox`. Raises what `Session` raises; after MailboxUnavailable the session is over: enter again."""

    # --- reading --------------------------------------------------------------------------------------------------

    def select(self, folder: str) -> FolderState:
        """Open a folder for reading (EXAMINE). Raises MailboxMisconfigured `imap.folder_unknown`."""
        return self._open(folder, writable=False)

    def reopen(self, folder: str, uidvalidity: int) -> None:
        """Go on after a failure: over a new connection when the old one broke. Raises what entering and `select` raise,
        and MailboxUnavailable `imap.uidvalidity_changed` when the UIDs in hand mean other mails now."""
        if self._broken:
            self.__exit__()
            self.__enter__()
        if self._open(folder, writable=False).uidvalidity != uidvalidity:
            self._broken = True
            raise MailboxUnavailable("imap.uidvalidity_changed", mailbox=self.name, folder=folder)

    def search(self, first_uid: int, since: datetime | None = None) -> list[int]:
        """UIDs >= first_uid, ascending.

        `since` is asked one day wider: SINCE compares the day as the server's own zone writes it (RFC 3501 6.4.4), so
        the caller compares `Fetched.internaldate` itself.
        """
        first = max(1, first_uid)
        criteria: list[Any] = ["UID", f"{first}:*"]
        if since is not None:
            criteria += ["SINCE", (since.astimezone(UTC) - timedelta(days=1)).date()]
        with self._line() as client:
            found = client.search(criteria)
        # RFC 3501 6.4.8: `n:*` always holds the last mail, even when its UID is below n.
        return sorted(uid for uid in set(found) if uid >= first)

    def marks(self, uids: Sequence[int]) -> dict[int, Mark]:
        """INTERNALDATE (UTC) and size of each UID that still exists; cheap, no mail is read."""
        ordered = sorted(set(uids))
        found: dict[int, Mark] = {}
        for start in range(0, len(ordered), SIZE_BLOCK):
            block = ordered[start : start + SIZE_BLOCK]
            with self._line() as client:
                for uid, row in self._rows(client, block, ["INTERNALDATE", "RFC822.SIZE"]):
                    found[uid] = Mark(_utc(row[b"INTERNALDATE"]), int(row[b"RFC822.SIZE"]))
        return found

    def heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Date, From, Message-ID and Subject of each UID that still exists, as they stand in its header."""
        wanted = "BODY.PEEK[HEADER.FIELDS (DATE FROM MESSAGE-ID SUBJECT)]"
        ordered = sorted(set(uids))
        found: dict[int, bytes] = {}
        for start in range(0, len(ordered), SIZE_BLOCK):
            with self._line() as client:
                for uid, row in client.fetch(ordered[start : start + SIZE_BLOCK], [wanted]).items():
                    found[uid] = next((v for k, v in row.items() if k.startswith(b"BODY[HEADER")), b"") or b""
        return found

    def fetch(self, uids: Sequence[int], max_bytes: int | None = None) -> Iterator[Fetched]:
        """Mails by ascending UID, at most 50 and about 10 MB at once; a larger mail comes alone. Expunged UIDs are left
        out. Of a mail of more than max_bytes come the header and the first text (None: every mail comes whole).

        When the connection breaks, what arrived whole is still yielded before MailboxUnavailable is raised, so that a
        mail the server chokes on does not hold up those before it.
        """
        ordered = sorted(set(uids))
        for start in range(0, len(ordered), SIZE_BLOCK):
            block = ordered[start : start + SIZE_BLOCK]
            with self._line() as client:
                sizes = {uid: int(row[b"RFC822.SIZE"]) for uid, row in self._rows(client, block, ["RFC822.SIZE"])}
            for batch in _batches(block, sizes, max_bytes):
                if max_bytes is not None and sizes[batch[0]] > max_bytes:
                    yield from self._fetch_large(batch[0], sizes[batch[0]])
                else:
                    yield from self._fetch_batch(batch, sizes)

    def _fetch_large(self, uid: int, size: int) -> Iterator[Fetched]:
        """A mail that is not to be had whole: header, first text, and the names of what is attached."""
        head_key = b"BODY[HEADER]<0>"
        with self._line() as client:
            asked = ["INTERNALDATE", f"BODY.PEEK[HEADER]<0.{large.HEADER_BYTES}>"]
            row = client.fetch([uid], asked).get(uid, {})
        head, at = row.get(head_key), row.get(b"INTERNALDATE")
        if not isinstance(head, bytes) or not isinstance(at, datetime):
            return  # expunged meanwhile
        found = self._outline(uid)
        leaf = found.text
        text = self._text(uid, leaf.section) if leaf else b""
        yield Fetched(uid, _utc(at), size, large.reduced(head, found, text), found.omitted)

    def _outline(self, uid: int) -> large.Outline:
        with self._line() as client:
            try:
                return large.outline(client.fetch([uid], ["BODYSTRUCTURE"]).get(uid, {}).get(b"BODYSTRUCTURE"))
            except (ProtocolError, ValueError, TypeError, IndexError, RecursionError):
                # The answer was read to its end, only it cannot be understood: the mail is kept without its text.
                return large.Outline((), b"")

    def _text(self, uid: int, section: str) -> bytes:
        with self._line() as client:
            row = client.fetch([uid], [f"BODY.PEEK[{section}]<0.{large.TEXT_BYTES}>"]).get(uid, {})
        found = row.get(f"BODY[{section}]<0>".encode())
        return found if isinstance(found, bytes) else b""

    def _fetch_batch(self, batch: list[int], sizes: dict[int, int]) -> Iterator[Fetched]:
        failure: MailboxError | None = None
        try:
            with self._line() as client:
                rows = list(self._rows(client, batch, ["INTERNALDATE", "BODY.PEEK[]"]))
        except MailboxUnavailable as exc:
            failure = exc
            rows = self._salvage(batch)
        for uid, row in rows:
            raw, at = row.get(b"BODY[]"), row.get(b"INTERNALDATE")
            if isinstance(raw, bytes) and isinstance(at, datetime):
                yield Fetched(uid=uid, internaldate=_utc(at), size=sizes.get(uid, len(raw)), raw=raw)
        if failure is not None:
            raise failure

    @staticmethod
    def _rows(client: IMAPClient, uids: Sequence[int], items: list[str]) -> Iterator[tuple[int, dict[bytes, Any]]]:
        wanted = [item.replace(".PEEK", "").encode() for item in items]
        # Not by its own `fetch`: see `fetched`.
        kind, lines = client._imap.uid("FETCH", ",".join(map(str, uids)), f"({' '.join(items)})")
        if kind != "OK":
            raise IMAPClientError(f"FETCH ended with {kind}")
        for uid, row in sorted(fetched.rows(lines).items()):
            if all(item in row for item in wanted):  # else an unsolicited flag update
                yield uid, row

    def _salvage(self, batch: list[int]) -> list[tuple[int, dict[bytes, Any]]]:
        """Mails of the broken batch that had arrived whole: imaplib keeps them as untagged responses."""
        assert self._client is not None  # noqa: S101 - _line() has checked it
        lines = self._client._imap.untagged_responses.pop("FETCH", None)
        if not lines:
            return []
        try:
            parsed = fetched.rows(lines)
        except (ProtocolError, ValueError):
            return []
        return [(uid, parsed[uid]) for uid in batch if uid in parsed]

    def find_message_id(self, folder: str, message_id: str) -> bool:
        """Is a mail with exactly this Message-ID (without angle brackets) in the folder? Keeps the open folder."""
        if not message_id or not message_id.isascii() or not message_id.isprintable():
            return False
        before, writable = self._folder, self._writable
        if folder != before:
            self._open(folder, writable=False)
        else:
            with self._line() as client:
                client.noop()  # a server may answer from what it knew of the folder when it was opened
        try:
            return self._has_message_id(message_id)
        finally:
            if before and before != folder and not self._broken:
                self._open(before, writable=writable)

    def _has_message_id(self, message_id: str) -> bool:
        field_name = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
        with self._line() as client:
            # SEARCH HEADER finds substrings (RFC 3501 6.4.4) and case-insensitively: each hit is compared here.
            for uid in client.search(["HEADER", "Message-ID", message_id]):
                for row in client.fetch([uid], [field_name]).values():
                    lines = next((v for k, v in row.items() if k.startswith(b"BODY[HEADER")), b"") or b""
                    value = b"".join(lines.partition(b":")[2].split())
                    if value == b"<" + message_id.encode() + b">":
                        return True
        return False

    # --- writing --------------------------------------------------------------------------------------------------

    def append(self, folder: str, raw: bytes, at: datetime) -> None:
        """File a mail of ours, marked as read, with this INTERNALDATE. Raises MailboxOutcomeUnknown
        `imap.append_unknown` when the line broke meanwhile, MailboxMisconfigured `imap.folder_unknown`."""
        try:
            with self._folder_errors(folder), self._line() as client:
                client.append(folder, raw, flags=(rb"\Seen",), msg_time=at)
        except MailboxUnavailable as exc:
            if not self._broken:  # the server said no: nothing was filed
                raise
            raise MailboxOutcomeUnknown("imap.append_unknown", mailbox=self.name, folder=folder) from exc

    def flag(self, uids: Sequence[int], flag: str) -> None:
        """Add one flag, e.g. ``\\Seen`` or a keyword. Raises MailboxMisconfigured `imap.bad_flag`."""
        if not flag.lstrip("\\") or not all(c.isascii() and (c.isalnum() or c in "$_-.") for c in flag.lstrip("\\")):
            raise MailboxMisconfigured("imap.bad_flag", mailbox=self.name, flag=flag)
        if uids:
            self._for_writing()
            with self._line() as client:
                client.add_flags(list(uids), [flag], silent=True)

    def move(self, uids: Sequence[int], target: str) -> None:
        """Move by MOVE (RFC 6851), else by COPY and UID EXPUNGE (RFC 4315). UIDs that are gone are passed over."""
        if not uids:
            return
        self._for_writing()
        with self._line() as client:
            can_move = self._require_move(client)
        with self._folder_errors(target), self._line() as client:
            if can_move:
                client.move(list(uids), target)
                return
            client.copy(list(uids), target)
        self.delete(uids)

    def delete(self, uids: Sequence[int]) -> None:
        """Remove these UIDs and only these. A plain EXPUNGE would also remove what others have marked."""
        if not uids:
            return
        self._for_writing()
        with self._line() as client:
            self._require_uidplus(client)
            client.add_flags(list(uids), [rb"\Deleted"], silent=True)
            client.uid_expunge(list(uids))

    def require(self, action: str, target: str) -> None:
        """Can the server do what the setting `after` asks? Raises MailboxMisconfigured `imap.no_move`, `imap.no_delete`
        or, for the folder that mails are to be moved into, `imap.folder_unknown`. Opens that folder."""
        with self._line() as client:
            if action == "move":
                self._require_move(client)
            elif action == "delete":
                self._require_uidplus(client)
        if action == "move":
            self._open(target, writable=False)

    def capabilities(self) -> frozenset[str]:
        """What the server offers after the login, upper-case."""
        with self._line() as client:
            return frozenset(name.decode("ascii", "replace").upper() for name in client.capabilities())

    def _require_move(self, client: IMAPClient) -> bool:
        """True: by MOVE itself; False: by COPY and UID EXPUNGE."""
        can_move: bool = client.has_capability("MOVE")
        if not can_move and not client.has_capability("UIDPLUS"):
            raise MailboxMisconfigured("imap.no_move", mailbox=self.name, missing="MOVE, UIDPLUS")
        return can_move

    def _require_uidplus(self, client: IMAPClient) -> None:
        if not client.has_capability("UIDPLUS"):
            raise MailboxMisconfigured("imap.no_delete", mailbox=self.name, missing="UIDPLUS")


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _batches(uids: Sequence[int], sizes: dict[int, int], max_bytes: int | None = None) -> Iterator[list[int]]:
    """Groups of at most BATCH_MAILS and BATCH_BYTES; a mail above max_bytes alone. UIDs without a size are gone and
    left out."""
    batch: list[int] = []
    weight = 0
    for uid in uids:
        if uid not in sizes:
            continue
        if max_bytes is not None and sizes[uid] > max_bytes:
            yield from [batch, [uid]] if batch else [[uid]]
            batch, weight = [], 0
            continue
        if batch and (len(batch) >= BATCH_MAILS or weight + sizes[uid] > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(uid)
        weight += sizes[uid]
    if batch:
        yield batch


__all__ = ["Account", "ImapMailbox", "LONGEST_LINE"]

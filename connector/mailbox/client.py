"""One IMAP account: reading without touching a flag, and the few writes that push may order.

Everything is addressed by UID under a UIDVALIDITY, never by sequence number and never by ``\\Seen`` (what other mail
programs read is none of our business). Reading opens a folder by EXAMINE, so that not even ``\\Recent`` changes; only
flag, move and delete SELECT it. This module does not decode mails and does not remember anything between sessions.
"""

from __future__ import annotations

import difflib
import imaplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    IMAPClientReadOnlyError,
    LoginError,
    ProtocolError,
)
from imapclient.response_parser import parse_fetch_response

from connector.engine.ports import Fetched, FolderState
from connector.errors import MailboxError, MailboxForbidden, MailboxMisconfigured, MailboxUnavailable
from connector.mailbox import tls

BATCH_MAILS = 50
BATCH_BYTES = 10_000_000
SIZE_BLOCK = 500  # UIDs whose sizes are asked at once; 500 ten-digit UIDs are a command line of 5.5 kB
LONGEST_LINE = 64_000_000

# One SEARCH answer is one line; imaplib refuses lines above 1 MB, which is a folder of about 130,000 mails.
imaplib._MAXLINE = LONGEST_LINE  # type: ignore[attr-defined]

# RFC 5530: a NO to a login that says nothing about the password.
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]", "TOO MANY")


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mailbox lives. `security`: ssl, starttls or plain. `timeout` in seconds, for connecting and reading.

    `ca_file`: PEM file whose certificates are trusted instead of the system's, '' for the system's.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: str = "ssl"
    verify: bool = True
    ca_file: str = ""
    timeout: float = 30.0


class ImapMailbox:
    """Fits `ports.Mailbox`. A context manager: logs in on entry, logs out on exit, may be entered again.

    Raises MailboxForbidden (login refused), MailboxMisconfigured (certificate, STARTTLS, folder, capability) and
    MailboxUnavailable (everything that may pass). After MailboxUnavailable the session is over: enter a new one.
    """

    def __init__(self, name: str, account: Account) -> None:
        self.name = name
        self._account = account
        self._client: IMAPClient | None = None
        self._broken = False
        self._folder = ""
        self._uidvalidity = 0
        self._writable = False
        self._tls: ssl.SSLContext | None = None

    # --- session --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._broken = False
        self._folder, self._uidvalidity, self._writable = "", 0, False
        client = self._connect()
        try:
            self._refuse_preauth(client)
            if self._account.security == "starttls":
                self._starttls(client)
            self._login(client)
        except BaseException:
            with suppress(Exception):
                client.shutdown()
            raise
        client.normalise_times = False  # imapclient would give naive times of this machine's zone
        self._client = client
        return self

    def __exit__(self, *exc: object) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        # A LOGOUT to a server that has stopped answering would wait for one more timeout.
        with suppress(Exception):
            if self._broken:
                client.shutdown()
            else:
                client.logout()

    def _connect(self) -> IMAPClient:
        account = self._account
        secure = account.security == "ssl"
        with self._line():
            return IMAPClient(
                account.host,
                port=account.port,
                ssl=secure,
                ssl_context=self._secure() if secure else None,
                timeout=SocketTimeout(connect=account.timeout, read=account.timeout),
            )

    def _refuse_preauth(self, client: IMAPClient) -> None:
        # RFC 3501 7.1.4. Nobody asked for a password yet: either somebody sits in the line to keep us off STARTTLS
        # (the trick works because STARTTLS is not allowed after PREAUTH) or it is not the account we mean.
        if bytes(client.welcome or b"").upper().startswith(b"* PREAUTH"):
            raise MailboxMisconfigured("imap.preauth", **self._where())

    def _secure(self) -> ssl.SSLContext:
        # Kept: loading the system's certificates takes longer than all the rest of a look at an idle mailbox.
        self._tls = self._tls or tls.context("imap", self._account.verify, self._account.ca_file)
        return self._tls

    def _starttls(self, client: IMAPClient) -> None:
        with self._line():
            if not client.has_capability("STARTTLS"):
                raise MailboxMisconfigured("imap.no_starttls", **self._where())
            try:
                client.starttls(self._secure())
            except IMAPClientAbortError:
                raise
            except IMAPClientError as exc:
                raise MailboxMisconfigured("imap.starttls_failed", **self._where()) from exc

    def _login(self, client: IMAPClient) -> None:
        account = self._account
        with self._line():
            try:
                # PLAIN carries any user name and password as UTF-8; imaplib's LOGIN leaves the user unquoted and
                # fails on anything but ASCII.
                if client.has_capability("AUTH=PLAIN"):
                    client.plain_login(account.user, account.password)
                elif client.has_capability("LOGINDISABLED"):
                    raise MailboxMisconfigured("imap.login_disabled", **self._where())
                else:
                    self._classic_login(client)
            except LoginError as exc:
                # imapclient reports a connection that broke during the login as a refused login, too.
                if isinstance(exc.__context__, IMAPClientAbortError):
                    raise MailboxUnavailable("imap.connection_lost", **self._where()) from exc
                if any(mark in str(exc).upper() for mark in _PASSING):
                    raise MailboxUnavailable("imap.login_unavailable", **self._where()) from exc
                raise MailboxForbidden("imap.login_refused", **self._where()) from exc

    def _classic_login(self, client: IMAPClient) -> None:
        account = self._account
        if not (account.user.isascii() and account.password.isascii()) or not account.user.isprintable():
            raise MailboxMisconfigured("imap.login_ascii", **self._where())
        quoted = account.user.replace("\\", "\\\\").replace('"', '\\"')
        client.login(f'"{quoted}"', account.password)

    # --- reading --------------------------------------------------------------------------------------------------

    def select(self, folder: str) -> FolderState:
        """Open a folder for reading (EXAMINE). Raises MailboxMisconfigured `imap.folder_unknown`."""
        return self._open(folder, writable=False)

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

    def dates(self, uids: Sequence[int]) -> dict[int, datetime]:
        """INTERNALDATE (UTC) of each UID that still exists; cheap, no mail is read."""
        ordered = sorted(set(uids))
        found: dict[int, datetime] = {}
        for start in range(0, len(ordered), SIZE_BLOCK):
            with self._line() as client:
                for uid, row in self._rows(client, ordered[start : start + SIZE_BLOCK], ["INTERNALDATE"]):
                    found[uid] = _utc(row[b"INTERNALDATE"])
        return found

    def fetch(self, uids: Sequence[int]) -> Iterator[Fetched]:
        """Whole mails, at most 50 and about 10 MB at once; a larger mail comes alone. Expunged UIDs are left out.

        When the connection breaks, what arrived whole is still yielded before MailboxUnavailable is raised, so that a
        mail the server chokes on does not hold up those before it.
        """
        ordered = sorted(set(uids))
        for start in range(0, len(ordered), SIZE_BLOCK):
            block = ordered[start : start + SIZE_BLOCK]
            with self._line() as client:
                sizes = {uid: int(row[b"RFC822.SIZE"]) for uid, row in self._rows(client, block, ["RFC822.SIZE"])}
            for batch in _batches(block, sizes):
                yield from self._fetch_batch(batch, sizes)

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
        for uid, row in sorted(client.fetch(list(uids), items).items()):
            if all(item in row for item in wanted):  # else an unsolicited flag update
                yield uid, row

    def _salvage(self, batch: list[int]) -> list[tuple[int, dict[bytes, Any]]]:
        """Mails of the broken batch that had arrived whole: imaplib keeps them as untagged responses."""
        assert self._client is not None  # noqa: S101 - _line() has checked it
        lines = self._client._imap.untagged_responses.get("FETCH")
        if not lines:
            return []
        try:
            parsed = parse_fetch_response(list(lines), normalise_times=False)
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
            can_move = client.has_capability("MOVE")
            if not can_move and not client.has_capability("UIDPLUS"):
                raise MailboxMisconfigured("imap.no_move", mailbox=self.name, missing="MOVE, UIDPLUS")
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
            if not client.has_capability("UIDPLUS"):
                raise MailboxMisconfigured("imap.no_delete", mailbox=self.name, missing="UIDPLUS")
            client.add_flags(list(uids), [rb"\Deleted"], silent=True)
            client.uid_expunge(list(uids))

    def append(self, folder: str, raw: bytes, flags: Sequence[str], at: datetime) -> None:
        """File a mail with this INTERNALDATE. Raises MailboxMisconfigured `imap.folder_unknown`."""
        with self._folder_errors(folder), self._line() as client:
            client.append(folder, raw, flags=tuple(flags), msg_time=at.astimezone(UTC))

    # --- folders --------------------------------------------------------------------------------------------------

    def _open(self, folder: str, *, writable: bool) -> FolderState:
        with self._folder_errors(folder), self._line() as client:
            self._folder = ""
            answer = client.select_folder(folder, readonly=not writable)
        uidvalidity = int(answer.get(b"UIDVALIDITY", 0))
        if not uidvalidity:
            raise MailboxMisconfigured("imap.no_uidvalidity", mailbox=self.name, folder=folder)
        uidnext = int(answer.get(b"UIDNEXT", 0))
        self._folder, self._uidvalidity, self._writable = folder, uidvalidity, writable
        if not uidnext:  # RFC 3501 only asks for it since 2003; old servers leave it out
            with self._line() as client:
                uidnext = max([0, *client.search(["UID", "*"])]) + 1
        return FolderState(uidvalidity=uidvalidity, uidnext=uidnext, exists=int(answer.get(b"EXISTS", 0)))

    def _for_writing(self) -> None:
        if not self._folder:
            raise MailboxMisconfigured("imap.no_folder", mailbox=self.name)
        if self._writable:
            return
        folder, expected = self._folder, self._uidvalidity
        state = self._open(folder, writable=True)
        if state.uidvalidity != expected:  # the UIDs in hand mean other mails now
            self._broken = True
            raise MailboxUnavailable("imap.uidvalidity_changed", mailbox=self.name, folder=folder)

    @contextmanager
    def _folder_errors(self, folder: str) -> Iterator[None]:
        if any(not c.isprintable() for c in folder):
            # Dovecot 2.3 repeats the name in its answer, line ends and all, which ends the session.
            raise self._unknown(folder)
        try:
            yield
        except MailboxUnavailable as exc:
            cause = exc.__cause__
            if isinstance(cause, IMAPClientReadOnlyError):
                raise MailboxMisconfigured("imap.read_only", mailbox=self.name, folder=folder) from exc
            if self._broken or not isinstance(cause, IMAPClientError):
                raise
            if folder.upper() == "INBOX" or folder in self._folders():
                raise
            raise self._unknown(folder) from exc

    def _unknown(self, folder: str) -> MailboxMisconfigured:
        known = self._folders()
        similar = difflib.get_close_matches(folder, known, n=5, cutoff=0.4) or known[:10]
        return MailboxMisconfigured("imap.folder_unknown", mailbox=self.name, folder=folder, similar=", ".join(similar))

    def _folders(self) -> list[str]:
        with self._line() as client:
            return sorted(
                name for flags, _, name in client.list_folders() if isinstance(name, str) and b"\\Noselect" not in flags
            )

    # --- errors ---------------------------------------------------------------------------------------------------

    def _where(self) -> dict[str, object]:
        return {"mailbox": self.name, "host": self._account.host, "port": self._account.port}

    @contextmanager
    def _line(self) -> Iterator[IMAPClient]:
        """Every talk with the server goes through here: the one place where library errors become ours."""
        try:
            if self._broken:
                raise MailboxUnavailable("imap.connection_lost", **self._where())
            yield self._client
        except MailboxError:
            raise
        except LoginError:
            raise
        except ssl.SSLError as exc:  # first: a certificate error is a ValueError, too
            self._broken = True
            told = tls.handshake_error("imap", self._account.host, self._account.port, exc)
            raise told or MailboxUnavailable("imap.connection_lost", **self._where()) from exc
        except IMAPClientReadOnlyError as exc:
            raise MailboxUnavailable("imap.refused", **self._where()) from exc
        except IMAPClientAbortError as exc:
            self._broken = True
            raise MailboxUnavailable("imap.connection_lost", **self._where()) from exc
        except (ProtocolError, ValueError) as exc:
            self._broken = True
            raise MailboxUnavailable("imap.protocol", **self._where()) from exc
        except IMAPClientError as exc:  # a NO or BAD; the session itself goes on
            raise MailboxUnavailable("imap.refused", **self._where()) from exc
        except TimeoutError as exc:
            self._broken = True
            raise MailboxUnavailable("imap.timeout", seconds=self._account.timeout, **self._where()) from exc
        except OSError as exc:
            self._broken = True
            reason = exc.strerror or type(exc).__name__
            raise MailboxUnavailable("imap.unreachable", reason=reason, **self._where()) from exc


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _batches(uids: Sequence[int], sizes: dict[int, int]) -> Iterator[list[int]]:
    """Groups of at most BATCH_MAILS and BATCH_BYTES; UIDs without a size are gone and left out."""
    batch: list[int] = []
    weight = 0
    for uid in uids:
        if uid not in sizes:
            continue
        if batch and (len(batch) >= BATCH_MAILS or weight + sizes[uid] > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(uid)
        weight += sizes[uid]
    if batch:
        yield batch

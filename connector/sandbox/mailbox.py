"""A real IMAP server to play with: pymap with its in-memory store, in a thread of its own, on loopback without TLS.

For `demo` and the tests. Mails are delivered straight into the store, with any INTERNALDATE, as an MTA would.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from argparse import Namespace
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, DictBackend, Identity, Login, Session
from pymap.backend.dict.mailbox import MailboxSet
from pymap.concurrent import Subsystem
from pymap.context import subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement
from pymap.parsing.specials.flag import Flag
from pymap.user import UserMetadata
from pysasl.hashing import BuiltinHash

START_SECONDS = 20.0
_T = TypeVar("_T")


class SandboxMailbox:
    """`users` maps a login name to its password; each has an INBOX and a Sent folder from the start.

    >>> with SandboxMailbox({"support@shop.test": "secret"}) as mailbox:
    ...     mailbox.deliver("support@shop.test", "INBOX", b"Subject: hi\\r\\n\\r\\nhello\\r\\n")
    ...     mailbox.count("support@shop.test", "INBOX")
    1
    """

    def __init__(self, users: Mapping[str, str], port: int = 0) -> None:
        self.users = dict(users)
        self.host = "127.0.0.1"
        self.port = port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._login: Login | None = None

    def __enter__(self) -> SandboxMailbox:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name="sandbox-mailbox", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError("the sandbox mailbox did not start")
        if self._failure is not None:
            raise RuntimeError("the sandbox mailbox did not start") from self._failure

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(START_SECONDS)
        self._loop = self._stopping = self._thread = None

    # --- what a test or the demo does with it ----------------------------------------------------------------------

    def deliver(
        self, user: str, folder: str, raw: bytes, at: datetime | None = None, flags: tuple[str, ...] = ()
    ) -> None:
        """Put a mail into a folder; `at` (aware) becomes its INTERNALDATE, now if None."""
        when = at or datetime.now(UTC)
        marks = frozenset(Flag(flag.encode("ascii")) for flag in flags)

        async def put(mailbox_set: MailboxSet) -> None:
            mailbox = await mailbox_set.get_mailbox(folder)
            await mailbox.append(AppendMessage(raw, when, marks), recent=True)

        self._in_store(user, put)

    def make_folder(self, user: str, name: str) -> None:
        async def add(mailbox_set: MailboxSet) -> None:
            await mailbox_set.add_mailbox(name)

        self._in_store(user, add)

    def count(self, user: str, folder: str) -> int:
        return len(self.mails(user, folder))

    def mails(self, user: str, folder: str) -> list[bytes]:
        """The raw mails of a folder in the order of their UIDs."""

        async def read(mailbox_set: MailboxSet) -> list[bytes]:
            mailbox = await mailbox_set.get_mailbox(folder)
            return [
                bytes((await message.load_content(FetchRequirement.CONTENT)).content)
                async for message in mailbox.messages()
            ]

        return self._in_store(user, read)

    def flags(self, user: str, folder: str) -> list[set[str]]:
        """The flags of each mail of a folder in the order of their UIDs."""

        async def read(mailbox_set: MailboxSet) -> list[set[str]]:
            mailbox = await mailbox_set.get_mailbox(folder)
            return [{str(flag) for flag in message.permanent_flags} async for message in mailbox.messages()]

        return self._in_store(user, read)

    # --- the server's thread ---------------------------------------------------------------------------------------

    def _in_store(self, user: str, work: Callable[[MailboxSet], Coroutine[Any, Any, _T]]) -> _T:
        if self._loop is None or self._login is None:
            raise RuntimeError("the sandbox mailbox is not running")
        login = self._login

        async def run() -> _T:
            subsystem.set(login.config.subsystem)
            async with login_session(login, user) as session:
                return await work(session.mailbox_set)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(START_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            self._failure = exc
            self._ready.set()

    async def _serve(self) -> None:
        hashing = BuiltinHash(rounds=1)  # a play password needs no half million rounds
        config = Config(
            Namespace(passlib_cfg=None, proxy_protocol="detect"),
            host=self.host,
            port=self.port,
            demo_data=False,
            demo_user="",
            demo_password="",
            tls_enabled=False,
            hash_context=hashing,
            cpu_subsystem=Subsystem.for_asyncio(),
            proxy_protocol=ProxyProtocolVersion.get("noop"),
            invalid_user_sleep=0.0,
            reject_dnsbl=False,
        )
        config.apply_context()
        backend = DictBackend(Login(config), config)
        for name, password in self.users.items():
            backend.login.users_dict[name] = UserMetadata(config, name, password=hashing.hash(password))
            async with login_session(backend.login, name) as session:
                await session.mailbox_set.add_mailbox("Sent")
        reader = ProxyProtocolReader(config.proxy_protocol)
        async with AsyncExitStack() as stack:
            await backend.start(stack)
            listening = socket.create_server((self.host, self.port))
            # asyncio does it for its own sockets only; without it every answer waits 40 ms for an ACK.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.port = listening.getsockname()[1]
            server = await asyncio.start_server(reader.get_callback(IMAPServer(backend.login, config)), sock=listening)
            self._login = backend.login
            self._loop = asyncio.get_running_loop()
            self._stopping = asyncio.Event()
            self._ready.set()
            try:
                await self._stopping.wait()
            finally:
                server.close()


def login_session(login: Login, user: str) -> AbstractAsyncContextManager[Session]:
    """pymap's session of a user, without a password: the store's own door."""
    return Identity(user, login, None, frozenset()).new_session()

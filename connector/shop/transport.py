"""HTTP to one shop: one request, its limits, and the repetition of reads.

Never followed: redirects. Never kept: cookies. Never read: netrc (its password would replace the key). A proxy is taken
from the environment. A read is repeated a few times on a passing fault; a write is sent once, on a connection of its
own, so that a connection that the server has just closed cannot make its outcome doubtful.
"""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import stamina
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from connector.errors import ShopError, ShopMisconfigured, ShopUnavailable, ShopUnreadable
from connector.shop import faults
from connector.shop.faults import Answer, Call
from connector.shop.query import Params, encode

# stamina would log every retry by itself through structlog, with the arguments of the call: our own log tells of it.
stamina.instrumentation.set_on_retry_hooks([])


BESIDES = 6
"""Connections kept for look-ups, besides those of paced reads: these must not wait for each other."""

LONGEST_RETRY_AFTER = 30.0
"""Seconds. A shop that wants a longer pause is left to the caller, who has other work."""

_CHUNK = 262_144


def normal_base_url(text: str) -> str:
    """The shop's address without a trailing slash or /api. Raises ShopMisconfigured for anything but http(s)://host."""
    parts = urlsplit(text.strip())
    path = parts.path.rstrip("/").removesuffix("/api").rstrip("/")
    try:
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or (parts.port == 0)
    except ValueError:  # the port is no number
        wrong = True
    if wrong or parts.username is not None or parts.query or parts.fragment:
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
        raise ShopMisconfigured("shop.base_url_wrong", base_url=shown)
    return f"{parts.scheme}://{parts.netloc}{path}"


class _Body(io.BytesIO):
    """The bytes of a write, which tell whether sending them has begun, and when all of them are sent: http.client asks
    for more after each piece that it has sent, until it gets none."""

    def __init__(self, data: bytes, sent: Callable[[], None]) -> None:
        super().__init__(data)
        self.started = False
        self._sent: Callable[[], None] | None = sent

    def read(self, size: int | None = -1, /) -> bytes:
        self.started = True
        piece = super().read(size)
        if not piece and self._sent is not None:
            sent, self._sent = self._sent, None
            sent()
        return piece


class Transport:
    """May be used by several threads at once."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        connect_timeout: float,
        read_timeout: float,
        total_timeout: float,
        max_bytes: int,
        ca_file: str,
        verify: bool,
        user_agent: str,
        read_attempts: int,
        retry_wait: float,
        connections: int,
    ) -> None:
        self.base_url = normal_base_url(base_url)
        if not key or not key.isascii() or not key.isprintable() or ":" in key or " " in key:
            raise ShopMisconfigured("shop.key_malformed", base_url=self.base_url)
        self._auth = (key, "")
        self._timeout = (connect_timeout, read_timeout)
        self._total_timeout = total_timeout
        self._max_bytes = max_bytes
        self._verify: bool | str = (ca_file or True) if verify else False
        self._attempts = read_attempts
        self._retry_wait = retry_wait
        self._user_agent = user_agent
        self._pool_size = connections + BESIDES
        self._proxies = get_environ_proxies(self.base_url)  # once: looking through the environment takes its time
        self._reads = self._session()
        self._emptied: deque[requests.Session] = deque()  # of writes; to make one takes as long as to use it

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.proxies.update(self._proxies)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["User-Agent"] = self._user_agent
        for prefix in ("http://", "https://"):
            session.mount(prefix, HTTPAdapter(pool_connections=2, pool_maxsize=self._pool_size, max_retries=0))
        return session

    @contextmanager
    def _alone(self) -> Iterator[requests.Session]:
        """A session that nobody else uses and that keeps no connection: a server may close after "Connection: close"
        without saying so, and the connection would then lie in the pool as if it were good."""
        try:
            session = self._emptied.pop()
        except IndexError:
            session = self._session()
            session.headers["Connection"] = "close"
        try:
            yield session
        finally:
            session.close()
        self._emptied.append(session)

    def close(self) -> None:
        self._reads.close()

    def get(self, path: str, params: Params) -> Answer:
        """The answer to a read, whatever its body, tried a few times; a 404 without an errors document is given back
        as it is.

        Raises the errors of `faults.fault`, ShopUnavailable, and ShopUnreadable for a body over the limit."""
        attempts = stamina.retry_context(
            on=_passing,
            attempts=self._attempts,
            timeout=self._total_timeout,
            wait_initial=self._retry_wait,
            wait_jitter=self._retry_wait,
            wait_max=10.0,
        )
        for attempt in attempts:
            with attempt:
                return self.get_once(path, params)
        raise AssertionError("stamina ended without an outcome")

    def get_once(self, path: str, params: Params) -> Answer:
        """As `get`, tried once."""
        call = Call("GET", path.partition("/")[0], self.base_url)
        deadline = time.monotonic() + self._total_timeout
        try:
            answer = self._exchange(self._reads, call, path, params, None, deadline)
        except _TooLargeError:
            raise ShopUnreadable("shop.answer_too_large", b"", resource=call.resource, limit=self._max_bytes) from None
        except TimeoutError:
            raise ShopUnavailable("shop.timeout", resource=call.resource) from None
        except (requests.RequestException, HTTPError) as error:
            raise _not_reached(error, call) from None
        wrong = faults.fault(call, answer)
        if wrong is not None:
            raise wrong
        return answer

    def send(
        self, method: str, path: str, params: Params, body: bytes, sent: Callable[[], None] = lambda: None
    ) -> Answer:
        """A write, once. The answer is 2xx. sent: called once, when all of it is on its way; must raise nothing. Raises
        ShopUnavailable only if nothing of it was sent."""
        call = Call(method, path.partition("/")[0], self.base_url)
        # A write's answer is small: it must be whole within the time that a single read may take.
        deadline = time.monotonic() + sum(self._timeout)
        stream = _Body(body, sent)
        try:
            with self._alone() as session:
                answer = self._exchange(session, call, path, params, stream, deadline)
        except _TooLargeError:
            raise faults.outcome_unknown(call, "answer too large") from None
        except TimeoutError:
            raise faults.outcome_unknown(call, "timeout") from None
        except (requests.RequestException, HTTPError) as error:
            if stream.started:
                reason = "timeout" if isinstance(error, requests.Timeout) else "connection lost"
                raise faults.outcome_unknown(call, reason) from None
            raise _not_reached(error, call) from None
        wrong = faults.fault(call, answer)
        if wrong is not None:
            raise wrong
        return answer

    def _exchange(
        self,
        session: requests.Session,
        call: Call,
        path: str,
        params: Params,
        body: _Body | None,
        deadline: float,
    ) -> Answer:
        url = f"{self.base_url}/api/{path}"
        with session.request(
            call.method,
            f"{url}?{encode(params)}" if params else url,
            data=body,
            auth=self._auth,
            headers={"Content-Type": "text/xml; charset=utf-8"} if body is not None else None,
            timeout=self._timeout,
            allow_redirects=False,
            verify=self._verify,
            stream=True,
        ) as response:
            parts: list[bytes] = []
            size = 0
            # Small pieces of a slow answer must not add up to hours: each one restarts the socket's own timeout.
            for part in response.iter_content(_CHUNK):
                size += len(part)
                if size > self._max_bytes:
                    raise _TooLargeError
                if time.monotonic() > deadline:
                    raise TimeoutError
                parts.append(part)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, headers, b"".join(parts), response.elapsed.total_seconds())


class _TooLargeError(Exception):
    pass


def _passing(error: Exception) -> bool | float:
    """stamina's question: may this read be repeated now, and after how many seconds?"""
    if not isinstance(error, ShopUnavailable):
        return False
    if error.retry_after is None:
        return True
    return max(error.retry_after, 0.1) if error.retry_after <= LONGEST_RETRY_AFTER else False


def _not_reached(error: Exception, call: Call) -> ShopError:
    """No answer, or not the whole of it. The library's text is left out: it holds the URL with its filters."""
    facts: dict[str, object] = {"base_url": call.base_url, "resource": call.resource}
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return ShopMisconfigured("shop.base_url_wrong", base_url=call.base_url)
    if isinstance(error, requests.exceptions.SSLError):
        return ShopUnavailable("shop.tls_failed", None, **facts)
    if isinstance(error, requests.Timeout):
        return ShopUnavailable("shop.timeout", None, **facts)
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return ShopUnavailable("shop.answer_cut", None, **facts)
    return ShopUnavailable("shop.unreachable", None, **facts)

"""Misbehaviour on demand: what a shop, its host or the network do wrong.

A `Misbehave` describes one fault and the requests that it hits; `Faults` is the queue. The server asks for the next
matching fault and carries it out; nothing here touches rows or sockets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "delay",
    "late_write",
    "held",
    "error_before",
    "error_after",
    "php_error_after",
    "drop_before",
    "drop_after",
    "cut",
    "truncated",
    "notice_before_xml",
    "html_before_xml",
    "script_after_xml",
    "html_200",
    "rate_limit",
    "unavailable",
    "redirect",
    "key_dropped",
]

#: Kinds that answer (or drop) without doing what was asked.
BEFORE = frozenset({"held", "error_before", "drop_before", "html_200", "rate_limit", "unavailable", "redirect"})


@dataclass
class Misbehave:
    """One fault.

    `delay` waits `seconds`, then all goes well; `late_write` waits `seconds` (the client has given up), then the
    write takes effect and the connection is dropped. `held` drops the connection at once and does what was asked
    when `SandboxShop.release` is called: a late write whose hour a test chooses. `..._before` means the request had no
    effect, `..._after` that it had: `error_*` a 500 with an HTML page, `php_error_after` the error document of a PHP
    warning, `drop_*` a closed connection without an answer. `cut` closes in the middle of the body, `truncated` sends
    half a body as if it were whole. `notice_before_xml`, `html_before_xml` and `script_after_xml` spoil a good body.
    `html_200` is a host's page with status 200, `rate_limit` a 429 with Retry-After, `unavailable` a host's 503,
    `redirect` a 302 to `location`. `key_dropped` is a web server that does not pass the header Authorization on to PHP.

    `method` and `resource` narrow the requests (None: any); the first `skip` matching ones pass; then `times` are
    hit (None: all from then on).
    """

    kind: Kind
    method: str | None = None
    resource: str | None = None
    times: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    retry_after: int = 2
    location: str = "https://www.example.com/"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown misbehaviour {self.kind!r}")

    def matches(self, method: str, resource: str) -> bool:
        return self.method in (None, method) and self.resource in (None, resource)


class Faults:
    """The queue of faults; the oldest matching one that is not used up strikes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Misbehave] = []
        self.held: list[Callable[[], object]] = []
        self._idle = threading.Condition(self._lock)
        self._in_hand = 0

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """Around the work on a request."""
        with self._lock:
            self._in_hand += 1
        try:
            yield
        finally:
            with self._idle:
                self._in_hand -= 1
                self._idle.notify_all()

    def drained(self, seconds: float) -> bool:
        """Wait until no request is in hand, at most so long."""
        with self._idle:
            return self._idle.wait_for(lambda: self._in_hand == 0, seconds)

    def add(self, fault: Misbehave) -> None:
        with self._lock:
            self._queue.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()
            self.held.clear()

    def take(self, method: str, resource: str) -> Misbehave | None:
        with self._lock:
            for fault in self._queue:
                if not fault.matches(method, resource):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._queue.remove(fault)
                return fault
        return None

"""Questions that are under way while earlier answers are worked on, and ranges asked for side by side.

The shop decides how many requests it takes at once; here is only bounded how many answers may wait to be stored, so
that the memory depends on the size of a page and not on the number of rows. Nothing here stores.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

from connector.core.query import Query
from connector.core.ranges import Range, Survey
from connector.engine.ports import Page
from connector.errors import ShopUnavailable

Stop = Callable[[], bool]
T = TypeVar("T")

LISTEN_SECONDS = 0.25
"""How often a wait for the shop looks whether it is to end."""


class StoppedError(Exception):
    """Asked to stop while waiting for an answer."""


class Ahead:
    """Threads that ask. Two more than the shop may be asked by at once, since an answer that has come is decoded in its
    thread while the next question is already out. As a context manager it ends when all that is under way has ended.
    """

    def __init__(self, connections: int) -> None:
        self.waiting = max(2, connections)  # pages of one resource that are asked for or not stored yet
        self._threads = ThreadPoolExecutor(connections + 2, thread_name_prefix="pull")

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *exc: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def ask(self, question: Callable[..., T], *args: Any) -> Future[T]:  # noqa: ANN401 - the question's own arguments
        return self._threads.submit(copy_context().run, question, *args)  # its log lines belong to the asker's run


def work_off(tasks: Iterable[T], do: Callable[[T], bool], at_once: int) -> None:
    """Do them in their order, some at once, until one says that it was the last (False) or raises; what was begun is
    ended. Raises what the first of them raised."""
    todo = iter(tasks)
    one_at_a_time = threading.Lock()
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            with one_at_a_time:
                task = next(todo, None)
            if task is None:
                return
            try:
                if not do(task):
                    over.set()
            except BaseException:
                over.set()
                raise

    with ThreadPoolExecutor(at_once, thread_name_prefix="pull") as threads:
        workers = [threads.submit(copy_context().run, work) for _ in range(at_once)]
    for worker in workers:
        worker.result()


def answer(future: Future[T], stop: Stop) -> T:
    """Wait for it. Raises StoppedError, and what the question raised."""
    try:
        while not wait((future,), LISTEN_SECONDS).done:
            if stop():
                raise StoppedError
        return future.result()
    except ShopUnavailable as error:
        if error.code == "shop.stopped":
            raise StoppedError from error
        raise


class SideBySide:
    """The rows behind an id, range by range, several of them asked for at once and given in the order of the ids.

    read: asks for a page. count: asks a survey behind an id. size: rows a range, asked anew for every survey. Both are
    called in other threads. heard: is told of every survey when its ranges begin. requests: how many were sent.
    """

    def __init__(
        self,
        ahead: Ahead,
        read: Callable[[Query], Page],
        count: Callable[[int, int], Survey],
        size: Callable[[], int],
        heard: Callable[[int, Survey], None],
    ) -> None:
        self._ahead = ahead
        self._read = read
        self._count = count
        self._size = size
        self._heard = heard
        self.requests = 0

    def pages(self, behind: int, stop: Stop) -> Generator[tuple[Range, Future[Page]], None, None]:
        """Each range with its answer to come. Whoever leaves early gives up what is under way: it is asked for again by
        whoever goes on. Raises StoppedError and what a survey raises."""
        survey: Future[Survey] | None = self._survey(behind)
        todo: deque[Range] = deque()
        waiting: deque[tuple[Range, Future[Page]]] = deque()
        try:
            while True:
                if survey is not None and not todo and (survey.done() or not waiting):
                    found = answer(survey, stop)
                    self._heard(behind, found)
                    todo.extend(found.ranges)
                    behind = todo[-1].last if todo else behind
                    survey = self._survey(behind) if found.more else None
                while todo and len(waiting) < self._ahead.waiting:
                    part = todo.popleft()
                    self.requests += 1
                    waiting.append((part, self._ahead.ask(self._read, part.question)))
                if waiting:
                    yield waiting.popleft()
                elif survey is None:
                    return
        finally:
            for _, page in waiting:
                page.cancel()
            if survey is not None:
                survey.cancel()

    def _survey(self, behind: int) -> Future[Survey]:
        self.requests += 1
        return self._ahead.ask(self._count, behind, self._size())

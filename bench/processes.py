"""A child process that takes one JSON command per line and answers each with one line of JSON.

Everything that is measured runs in a process of its own, so that one party's memory and CPU seconds are not counted to
another, and no two of them share an interpreter lock.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

Facts = dict[str, Any]


class Child:
    """command: program and arguments; it is started in the project's folder. Also a context manager."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    @classmethod
    def module(cls, name: str, *arguments: str) -> Child:
        """A module of this package in this interpreter."""
        return cls(sys.executable, "-m", f"bench.{name}", *arguments)

    def ask(self, command: str, **values: object) -> Facts:
        """Raises RuntimeError when the child is gone; what it had to say of it stands on standard error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": command, **values}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"the process for {command!r} ended with {self._process.wait()}")
        answer: Facts = json.loads(line)
        return answer

    def close(self) -> None:
        """Let it end by itself: its input ends."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def serve(commands: Mapping[str, Callable[..., Facts]]) -> None:
    """The child's side: answer until the input ends."""
    for line in sys.stdin:
        values = json.loads(line)
        answer = commands[values.pop("do")](**values)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


@contextmanager
def measured(facts: Facts) -> Iterator[None]:
    """Add what the block took: `seconds`, `cpu` (seconds of this process), `peak` (its highest memory so far, in MiB)
    and `stolen` (see `stolen_seconds`)."""
    stolen = stolen_seconds()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    yield
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    facts["seconds"] = seconds
    facts["stolen"] = stolen_seconds() - stolen
    facts["cpu"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    facts["peak"] = _peak()


def stolen_seconds() -> float:
    """CPU seconds since the start of a virtual machine that it was ready for and its host gave to others (proc(5),
    `steal`); 0 where nobody counts them."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return 0.0
    return int(first[8]) / os.sysconf("SC_CLK_TCK") if len(first) > 8 else 0.0


def _peak() -> float:
    """Linux counts the starting process into ru_maxrss of the started one; VmHWM knows better."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        found = None
    if found:
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)

"""A killed process's lease is taken over at once; one that may live is not."""

from __future__ import annotations

import subprocess
import sys

from connector.ops import process

ASK = "from connector.ops.process import holder_name; print(holder_name())"


def test_a_process_that_ended_is_dead():
    ended = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout.strip()
    assert process.is_dead(ended)


def test_this_process_is_alive():
    assert not process.is_dead(process.holder_name())


def test_the_same_number_of_another_time_is_dead():
    host, pid, start, namespace, rest = process.holder_name().rsplit(":", 4)
    assert process.is_dead(":".join((host, pid, str(int(start) - 1), namespace, rest)))


def test_what_runs_elsewhere_counts_as_alive():
    _, _, start, namespace, rest = process.holder_name().rsplit(":", 4)
    assert not process.is_dead(":".join(("another-host", "999999", start, namespace, rest)))
    assert not process.is_dead(":".join((process.holder_name().split(":")[0], "999999", start, "1", rest)))


def test_a_name_of_another_make_counts_as_alive():
    for name in ("", "host", "host:12:run", "a:b:c:d:e"):
        assert not process.is_dead(name)

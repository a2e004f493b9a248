"""Who holds a lease: a name for this process that tells, on the same machine, whether its owner still lives.

A process that was killed leaves its lease behind until it runs out. On the same host, in the same PID namespace, the
next one need not wait: a PID that is gone, or that began at another time, cannot write any more. Anything that cannot
be told for sure counts as alive.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_UNKNOWN = "-"


def holder_name() -> str:
    """`host:pid:start:namespace:random`; start and namespace are `-` where /proc does not tell them."""
    pid = os.getpid()
    return ":".join((socket.gethostname(), str(pid), _started(pid), _namespace(), secrets.token_hex(3)))


def is_dead(holder: str) -> bool:
    """True only when the holder ran on this host, in this PID namespace, and is surely gone."""
    parts = holder.rsplit(":", 4)
    if len(parts) != 5 or not parts[1].isdigit():
        return False
    host, pid, started, namespace, _ = parts
    if host != socket.gethostname() or namespace != _namespace() or _UNKNOWN in (started, namespace):
        return False
    return _started(int(pid)) not in (started, _UNKNOWN) or not Path(f"/proc/{pid}").exists()


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot, field 22 of /proc/PID/stat (proc(5)); `-` if unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _UNKNOWN
    # The second field is the command's name in parentheses and may hold blanks and parentheses itself.
    fields = stat.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else _UNKNOWN


def _namespace() -> str:
    try:
        return "".join(c for c in os.readlink("/proc/self/ns/pid") if c.isdigit()) or _UNKNOWN
    except OSError:
        return _UNKNOWN

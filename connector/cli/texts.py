"""The text that a writing command is given: on the command line, in a file, on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from connector.cli.output import warn
from connector.errors import DataError, UsageError


def given_text(source: Path | None, text: str | None) -> str:
    """source: a file, `-` or None for standard input, which counts only without `text`. Raises DataError."""
    if text is not None and source is not None:
        raise UsageError("reply.two_texts")
    if text is not None:
        return text
    try:
        if source is None or str(source) == "-":
            if sys.stdin.isatty():
                warn("write your text, end with Ctrl-D on a line of its own")
            return sys.stdin.buffer.read().decode()
        return source.read_bytes().decode()
    except UnicodeDecodeError:
        raise DataError("reply.not_utf8") from None
    except OSError as error:
        raise DataError("reply.unreadable", path=str(source), reason=error.strerror or "?") from None

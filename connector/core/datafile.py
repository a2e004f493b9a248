"""Reading our own TOML data files (`mappings/*.toml`): text to dict, with file and line in every complaint.

No file is opened here: the caller hands in the text and the name to show.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class DataFileError(ValueError):
    """A data file is wrong: `file`, `line` (1-based) and `problem` (one sentence with the remedy)."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}:{line}: {problem}")
        self.file = file
        self.line = line
        self.problem = problem


def load(text: str, file: str) -> dict[str, Any]:
    """Parse TOML; raises DataFileError with the line of the mistake."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise DataFileError(file, line, f"this is no valid TOML: {error}") from error


def line_of(text: str, table: str, key: str = "") -> int:
    """The line on which `[table]` or a key of it stands; tomllib keeps no positions. 1 when it cannot be found."""
    inside, start = False, 0
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            name = stripped.split("]")[0].strip('[ "')
            if inside and name != table and not name.startswith(table + "."):
                break
            if name == table:
                inside, start = True, number
            elif name == f"{table}.{key}":
                return number
        elif inside and key and stripped.split("=")[0].strip(' "') == key:
            return number
    return start or 1

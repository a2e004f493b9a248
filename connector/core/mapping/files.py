"""Mapping files as texts: what stands on which line, and a file of the user's laid over the shipped one.

Knows TOML and places, not what a mapping means (that is `reader`).
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]
"""Where a value stands in a file, e.g. ("children", "groups", "fields", "id_group")."""

_MERGED = ("fields", "lang", "sweeps", "only")
"""Tables that are laid over each other line by line; so are a child's fields. Any other value replaces."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with one file. line: from 1, or 0 when it is about the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class MappingFileError(ValueError):
    """Mapping files that cannot be used; all mistakes that were found, in order of lines."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line))
        super().__init__("; ".join(str(mistake) for mistake in self.mistakes))


@dataclass(frozen=True, slots=True)
class MappingText:
    """One file as it was read. file: its path, for messages; it ends in `<resource>.toml`."""

    file: str
    text: str

    @property
    def resource(self) -> str:
        return self.file.rsplit("/", 1)[-1].removesuffix(".toml")


class _Layer:
    def __init__(self, source: MappingText) -> None:
        self.file = source.file
        try:
            self.data = tomllib.loads(source.text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"line (\d+)", str(error))
            line = int(place[1]) if place else source.text.count("\n") + 1
            raise MappingFileError([Mistake(source.file, line, f"{error}")]) from None
        self.lines = _lines(source.text)

    def has(self, path: Path) -> bool:
        found: Any = self.data
        for key in path:
            if not isinstance(found, dict) or key not in found:
                return False
            found = found[key]
        return True


class Layers:
    """One resource's data from one file, or from two: the last lies over the first.

    data: what the files say together. left_out: paths that the upper file takes out of the lower one (`= false`).
    mistakes: of the laying over itself. Raises MappingFileError when a file is no TOML.
    """

    def __init__(self, sources: Sequence[MappingText]) -> None:
        self.name = sources[-1].resource
        self._layers = [_Layer(source) for source in sources]
        self.left_out: set[Path] = set()
        self.mistakes: list[Mistake] = []
        self.data: dict[str, Any] = copy.deepcopy(self._layers[0].data)
        for layer in self._layers[1:]:
            self._lay_over(self.data, layer, layer.data, ())

    @property
    def file(self) -> str:
        """The uppermost file."""
        return self._layers[-1].file

    def place(self, path: Path) -> tuple[str, int]:
        """File and line of the key that counts, or of the nearest table around it; line 0 when there is none."""
        for length in range(len(path), 0, -1):
            for layer in reversed(self._layers):
                if layer.has(path[:length]):
                    inner = (path[:n] for n in range(length, 0, -1))
                    return layer.file, next((layer.lines[part] for part in inner if part in layer.lines), 0)
        return self.file, 0

    def mistake(self, path: Path, text: str) -> Mistake:
        return Mistake(*self.place(path), text)

    def _lay_over(self, below: dict[str, Any], layer: _Layer, above: dict[str, Any], path: Path) -> None:
        for key, value in above.items():
            here = (*path, key)
            if value is False and _is_line(here):
                self._leave_out(below, layer, here)
            elif isinstance(value, dict) and _is_merged(here) and isinstance(below.get(key), dict):
                self._lay_over(below[key], layer, value, here)
            elif here[0] == "only" and isinstance(value, list) and isinstance(below.get(key), list):
                # Added together: what the program itself reads (the time zone ...) must not get lost.
                below[key] = [*below[key], *(item for item in value if item not in below[key])]
            else:
                below[key] = copy.deepcopy(value)

    def _leave_out(self, below: dict[str, Any], layer: _Layer, here: Path) -> None:
        if here[-1] not in below:
            self.mistakes.append(self.mistake(here, f"there is no {here[-1]} to leave out; remove the line"))
            return
        self.left_out.add(here)
        del below[here[-1]]
        sweeps = self.data.get("sweeps")
        if here[0] == "fields" and isinstance(sweeps, dict) and not layer.has(("sweeps", here[-1])):
            sweeps.pop(here[-1], None)


def _is_merged(path: Path) -> bool:
    if path[0] == "children":
        return len(path) < 3 or (len(path) == 3 and path[2] == "fields")
    return len(path) == 1 and path[0] in _MERGED


def _is_line(path: Path) -> bool:
    """May this be left out of the lower file?"""
    return len(path) > 1 and _is_merged(path[:-1]) and not (path[0] == "children" and len(path) == 3)


def _lines(text: str) -> dict[Path, int]:
    """Where each section and key of a TOML text stands, so that a mistake can be shown at its line.

    A look at the beginnings of lines is enough for the plain files that mappings are."""
    found: dict[Path, int] = {}
    section: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            section = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            for depth in range(1, len(section) + 1):
                found.setdefault(section[:depth], number)
        elif key := re.match(r"\s*([^=#\s][^=#]*?)\s*=", line):
            names = tuple(part.strip().strip("\"'") for part in key[1].split("."))
            for depth in range(1, len(names) + 1):
                found.setdefault((*section, *names[:depth]), number)
    return found

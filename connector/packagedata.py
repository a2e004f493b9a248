"""The files that come with the program: mappings, the example of the settings, the systemd units.

In a wheel they lie under `connector/data/`, in a checkout at the root of the repository; whoever needs one asks here
and does not know which it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from connector.core.datafile import DataFileError
from connector.core.mapping import Mappings, MappingText, Mistake, Resource, combine
from connector.core.phrases import Phrases, parse_phrases
from connector.core.rule_files import read as read_rules
from connector.core.rule_files import unsettled
from connector.core.rules import Rules
from connector.core.segment_files import Segments
from connector.core.segment_files import read as read_segments
from connector.core.statuses import CanonicalState, parse_statuses
from connector.core.templates import Templates, TemplateText
from connector.core.templates import combine as combine_templates
from connector.errors import MappingError

T = TypeVar("T")

RESOURCES = "mappings/resources"
TEMPLATES = "mappings/templates"
RULES = "mappings/rules.toml"
SEGMENTS = "mappings/segments.toml"
NO_RESOURCES = frozenset({"rules", "segments", "statuses"})
"""Names of files in the user's folder that are about something else than a resource."""


def place(path: str) -> Traversable:
    """Where a file or folder of the program lies, e.g. `config.example.toml`. Raises FileNotFoundError."""
    package = files("connector")
    found = package.joinpath("data", *path.split("/"))
    if not (found.is_file() or found.is_dir()):
        found = Path(str(package)).parent.joinpath(*path.split("/"))
    if not (found.is_file() or found.is_dir()):
        raise FileNotFoundError(f"{path} did not come with this installation of prestashop-connector")
    return found


def text(path: str) -> str:
    """The text of one file. Raises FileNotFoundError."""
    return place(path).read_text(encoding="utf-8")


def names(folder: str, suffix: str = "") -> list[str]:
    """The files of a folder, sorted, as paths that `text` takes. Raises FileNotFoundError."""
    found = (entry.name for entry in place(folder).iterdir() if entry.is_file())
    return sorted(f"{folder}/{name}" for name in found if name.endswith(suffix) and not name.startswith("."))


def mappings(own: Path | None = None, new: Sequence[MappingText] = ()) -> Mappings:
    """All mappings with their places and mistakes. own: a folder of the user's; a file there is laid over the shipped
    one of the same name, or adds a resource. new: as if these lay there too. Raises MappingError for a file that
    cannot be read."""
    shipped = tuple(MappingText(path, text(path)) for path in names(RESOURCES, ".toml"))
    mine = [one for one in _own_texts(own) if one.resource not in NO_RESOURCES] if own is not None else []
    return _combined(shipped, (*mine, *new))


@lru_cache(maxsize=2)
def _combined(shipped: tuple[MappingText, ...], own: tuple[MappingText, ...]) -> Mappings:
    """Kept by what the files say, so that a reload that changes no mapping need not work it out anew."""
    return combine(shipped, own)


def checked_mappings(own: Path | None = None) -> Mappings:
    """As `mappings`. Raises MappingError with every mistake found in `problems` and, as lines, in the fact `told`;
    file, line and problem are the first one's."""
    found = mappings(own)
    if found.mistakes:
        raise wrong(found.mistakes)
    return found


def resources(own: Path | None = None) -> list[Resource]:
    """The mapped resources, sorted by name; own and errors as in `checked_mappings`."""
    return checked_mappings(own).resources


def phrases() -> Phrases:
    """`mappings/phrases.toml`. Raises MappingError with file and line."""
    return _phrases(text("mappings/phrases.toml"))


@lru_cache(maxsize=1)
def _phrases(given: str) -> Phrases:
    return _parsed("mappings/phrases.toml", lambda _: given, parse_phrases)


def statuses(own: Path | None = None) -> dict[str, CanonicalState]:
    """`mappings/statuses.toml`. own: the user's folder of mappings; a table of its `statuses.toml` adds a canonical
    state or replaces the shipped one of its name. Raises MappingError with file and line."""
    shipped = dict(_statuses(text("mappings/statuses.toml")))
    path = own / "statuses.toml" if own is not None else None
    if path is None or not path.exists():
        return shipped
    return _parsed(str(path), lambda _: _own_text(path).text, lambda given, file: parse_statuses(given, file, shipped))


@lru_cache(maxsize=1)
def _statuses(given: str) -> Mapping[str, CanonicalState]:
    return _parsed("mappings/statuses.toml", lambda _: given, parse_statuses)


def rules(own: Path | None, shops: Mapping[str, Collection[str]]) -> Rules:
    """The rules on mails, with their mistakes. own: the user's folder of mappings; its `rules.toml` comes first. shops:
    name -> the addresses of the settings that rules may forward to. Raises MappingError for a file that cannot be
    read."""
    path = own / "rules.toml" if own is not None else None
    mine = _own_text(path) if path is not None and path.exists() else None
    found = read_rules(MappingText(RULES, text(RULES)), mine, statuses(own))
    return replace(found, mistakes=(*found.mistakes, *unsettled(found, shops)))


def checked_rules(own: Path | None, shops: Mapping[str, Collection[str]]) -> Rules:
    """As `rules`. Raises MappingError with every mistake found, as `checked_mappings`."""
    found = rules(own, shops)
    if found.mistakes:
        raise wrong(found.mistakes)
    return found


def segments(own: Path | None, shops: Collection[str]) -> Segments:
    """The segments, with their mistakes. own: the user's folder of mappings; its `segments.toml` comes first. shops:
    the names that the settings have. Raises MappingError for a file that cannot be read."""
    path = own / "segments.toml" if own is not None else None
    mine = _own_text(path) if path is not None and path.exists() else None
    return read_segments(MappingText(SEGMENTS, text(SEGMENTS)), mine, shops)


def checked_segments(own: Path | None, shops: Collection[str]) -> Segments:
    """As `segments`. Raises MappingError with every mistake found, as `checked_mappings`."""
    found = segments(own, shops)
    if found.mistakes:
        raise wrong(found.mistakes)
    return found


def templates(own: Path | None = None) -> Templates:
    """The ready answers and the signature, with their mistakes. own: the user's folder of mappings; what lies in its
    folder `templates` is laid over the shipped ones, what lies in `templates/SHOP` counts for that shop. Raises
    MappingError for a file that cannot be read."""
    found = [TemplateText(Path(path).stem, text(path), path) for path in names(TEMPLATES, ".toml")]
    folder = own / "templates" if own is not None else None
    if folder is not None and folder.is_dir():
        shops = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        for place_, shop in [(folder, ""), *((entry, entry.name) for entry in shops)]:
            for one in _own_texts(place_):
                found.append(TemplateText(Path(one.file).stem, one.text, one.file, shop, own=True))
    return combine_templates(found)


def checked_templates(own: Path | None = None) -> Templates:
    """As `templates`. Raises MappingError with every mistake found, as `checked_mappings`."""
    found = templates(own)
    if found.mistakes:
        raise wrong(found.mistakes)
    return found


def _parsed(path: str, reader: Callable[[str], str], parser: Callable[[str, str], T]) -> T:
    try:
        return parser(reader(path), path)
    except DataFileError as error:
        raise MappingError(
            "mapping.wrong", file=error.file, line=error.line, problem=error.problem, told=str(error), count=1
        ) from error


def wrong(mistakes: Iterable[Mistake]) -> MappingError:
    """The mistakes as the error that the user sees."""
    every = list(mistakes)
    first = every[0]
    return MappingError(
        "mapping.wrong",
        problems=[{"file": mistake.file, "line": mistake.line, "problem": mistake.text} for mistake in every],
        file=first.file,
        line=first.line,
        problem=first.text,
        told="\n".join(str(mistake) for mistake in every),
        count=len(every),
    )


def _own_texts(folder: Path) -> list[MappingText]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
    except OSError as error:
        raise MappingError("mapping.unreadable", file=str(folder), reason=error.strerror or "no folder") from error
    return [_own_text(path) for path in paths]


def _own_text(path: Path) -> MappingText:
    try:
        return MappingText(str(path), path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or "cannot be read"
        raise MappingError("mapping.unreadable", file=str(path), reason=reason) from error

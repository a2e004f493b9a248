"""The words for the user: what happened and what to do, one entry per error code.

The texts live in `words_parts`, by area. Words show facts, which hold no secret and no personal data; text that comes
from a far side still has to be made harmless for a terminal by whoever prints it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from string import Formatter

from connector import words_parts
from connector.errors import ConnectorError, SettingsError

UNKNOWN = (
    "Something failed that has no words yet: {code} {facts}",
    "This is a fault of the program. Please report it with the log lines around it.",
)


@cache
def all_words() -> dict[str, tuple[str, str]]:
    """Code -> (text, remedy) of every area."""
    found: dict[str, tuple[str, str]] = {}
    for module in pkgutil.iter_modules(words_parts.__path__, f"{words_parts.__name__}."):
        words = importlib.import_module(module.name).WORDS
        if doubled := found.keys() & words.keys():
            raise ValueError(f"{module.name}: these codes have words elsewhere already: {sorted(doubled)}")
        found |= words
    return found


def explain(error: ConnectorError) -> tuple[str, str]:
    """(what happened, what to do). A fact that the error does not carry is left out of the sentence."""
    facts = dict(error.facts)
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        facts.setdefault("retry_after", f"{retry_after:g}")
    words = all_words().get(error.code)
    if words is None:
        words = UNKNOWN
        facts = {"code": error.code, "facts": ", ".join(f"{name}={value}" for name, value in error.facts.items())}
    text, remedy = (_fill(template, facts) for template in words)
    if isinstance(error, SettingsError) and error.problems:
        text = "\n".join([text, *(f"  {problem_line(problem)}" for problem in error.problems)])
    return text, remedy


def problem_line(problem: dict[str, object]) -> str:
    """One wrong setting: `file:line: key: found ..., expected ...`."""
    place = str(problem.get("file") or "")
    if problem.get("line"):
        place += f":{problem['line']}"
    found = f"found {problem['found']}, " if problem.get("found") else ""
    return ": ".join(part for part in (place, str(problem.get("key") or "")) if part) + (
        f": {found}expected {problem.get('expected', 'something else')}"
    )


class _Filler(Formatter):
    def get_field(self, field_name: str, args: object, kwargs: object) -> tuple[object, str]:
        """Facts by plain name only: no attribute of a fact is ever looked into."""
        facts = kwargs if isinstance(kwargs, dict) else {}
        value = facts.get(field_name)
        if isinstance(value, (list, tuple, set, frozenset)):
            value = ", ".join(str(part) for part in value) or "none"
        return "" if value is None else str(value), field_name


def _fill(template: str, facts: dict[str, object]) -> str:
    lacking = [name for _, name, _, _ in Formatter().parse(template) if name and facts.get(name) in (None, "")]
    text = _Filler().vformat(template, (), facts)
    return _tidy(text) if lacking else text


def _tidy(text: str) -> str:
    """Closes the gaps that facts left which are not there."""
    text = re.sub(r"\(\s*\)|\[\s*\]|``|''|\"\"", "", text)
    text = re.sub(r"\s+([.,;:)])", r"\1", re.sub(r"[ \t]{2,}", " ", text))
    return re.sub(r"[,:;]+([.;])", r"\1", text).strip(" :,")

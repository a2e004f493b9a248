"""The few sentences that this program writes to people, in their language (`mappings/phrases.toml`).

Text and placeholders are checked when the file is read, so that a translation cannot lose the `#ct… #tc…` by which the
answer finds its thread (two official translations of PrestaShop do). No file is opened here.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass

from connector.core.datafile import DataFileError, line_of, load

FALLBACK = "en"

PLACEHOLDERS: dict[str, frozenset[str]] = {
    "reply_subject": frozenset({"shop", "id", "token"}),
    "subject": frozenset({"subject"}),
    "written_by": frozenset({"address"}),
    "sent_on": frozenset({"date"}),
    "attachments": frozenset({"names"}),
    "automatic_mail": frozenset(),
    "mail_bounced": frozenset(),
    "mail_failed": frozenset(),
    "forwarded_to": frozenset({"address"}),
    "not_forwarded": frozenset({"address"}),
    "mail_too_large": frozenset({"id"}),
    "left_in_mailbox": frozenset({"size", "folder"}),
    "text_kept": frozenset({"id"}),
    "text_cut": frozenset({"id"}),
}
"""Every phrase and the placeholders that it must hold, each at least once; no other is allowed."""

_TOKENS = ("#ct{id}", "#tc{token}")


@dataclass(frozen=True, slots=True)
class Phrases:
    """texts: language (ISO code, lower-case) -> phrase name -> text. English has every phrase."""

    texts: Mapping[str, Mapping[str, str]]

    def render(self, name: str, language: str, /, **values: object) -> str:
        """The phrase in `language` (`pt-BR` falls back to `pt`, the unknown to English) with the values put in.

        Values are put in as they are, once: braces in them mean nothing. Control characters become blanks, so that no
        value can add a line or a header. Raises KeyError for an unknown phrase and ValueError for a missing value.
        """
        wanted = PLACEHOLDERS[name]
        missing = wanted - values.keys()
        if missing:
            raise ValueError(f"phrase {name!r} needs {', '.join(sorted(missing))}")
        code = language.strip().casefold().replace("_", "-")
        for known in (code, code.partition("-")[0], FALLBACK):
            text = self.texts.get(known, {}).get(name)
            if text is not None:
                break
        else:
            raise KeyError(name)
        return "".join(
            before + (_one_line(values[field]) if field else "")
            for before, field, _, _ in string.Formatter().parse(text)
        )


def parse_phrases(text: str, file: str) -> Phrases:
    """Read `mappings/phrases.toml`: one table per language, phrase name = text with `{placeholders}`.

    Raises DataFileError with file and line. A language may leave phrases out (English is used), English may not.
    """
    texts: dict[str, dict[str, str]] = {}
    for language, table in load(text, file).items():
        if not isinstance(table, dict):
            raise DataFileError(file, line_of(text, "", language), f"`{language}` must be a table: [{language}]")
        for name, phrase in table.items():
            if name not in PLACEHOLDERS:
                problem = f"unknown phrase `{name}` in [{language}]; known are: {', '.join(PLACEHOLDERS)}"
            elif problem := _problem(name, phrase):
                problem = f"`{name}` of [{language}] {problem}"
            if problem:
                raise DataFileError(file, line_of(text, language, name), problem)
        texts[language.casefold()] = dict(table)
    for name in PLACEHOLDERS:
        if name not in texts.get(FALLBACK, {}):
            raise DataFileError(file, line_of(text, FALLBACK), f"[{FALLBACK}] lacks `{name}`: English must be complete")
    return Phrases(texts)


def _problem(name: str, phrase: object) -> str:
    if not isinstance(phrase, str) or not phrase.strip() or any(ord(c) < 32 for c in phrase):
        return "must be one line of text"
    try:
        pieces = list(string.Formatter().parse(phrase))
    except ValueError as error:
        return f"has unbalanced braces: {error}"
    fields = [field for _, field, _, _ in pieces if field is not None]
    if any(spec or conversion for _, _, spec, conversion in pieces):
        return "has a placeholder with `:` or `!`"
    for field in fields:
        if field not in PLACEHOLDERS[name]:
            return f"has an unknown placeholder {{{field}}}"
    for field in sorted(PLACEHOLDERS[name]):
        if field not in fields:
            return f"lacks the placeholder {{{field}}}"
    if name == "reply_subject":
        for token in _TOKENS:
            if token not in phrase:
                return f"must hold `{token}`: by it the answer finds its thread"
    return ""


def _one_line(value: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(value)).strip()

"""Ready answers to customers and the signature under them, in several languages (`mappings/templates/*.toml`).

A file is one template, called like the file: texts by language (ISO code) with `{placeholders}`, and `values`, the
names of what the person who answers has to give. Everything is checked when a file is read, so that no customer ever
reads a placeholder. No file is opened here.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.core.datafile import DataFileError, load
from connector.core.mapping import Mistake
from connector.errors import DataError

FALLBACK = "en"
SIGNATURE = "signature"
"""The template that stands under every mail to a customer. Empty in a language: no signature."""

FACTS = ("firstname", "lastname", "order", "shop", "thread")
"""Placeholders that the mirror fills: the customer's names, the order's reference, the shop's name, the thread's
number."""

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]+)?")
_VALUE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A file before it is read. shop: the shop it is for, '' for all. own: the user's, laid over the shipped one."""

    name: str
    text: str
    file: str
    shop: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """texts: language -> text. values: what a person gives. files: where it comes from, the last one counts most."""

    name: str
    texts: Mapping[str, str]
    values: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def language(self, wanted: str) -> str:
        """The language in which it is written for a customer with this one: `pt-br` falls back to `pt`, the unknown to
        English; '' when it is in neither."""
        code = wanted.strip().casefold().replace("_", "-")
        return next((one for one in (code, code.partition("-")[0], FALLBACK) if one in self.texts), "")

    def render(self, language: str, values: Mapping[str, str]) -> str:
        """The text for a customer, with the values put in as they are, once: braces in them mean nothing.

        Raises DataError: `template.no_language`, `template.unknown_value` (a value that it has no place for) and
        `template.value_missing` (nothing is known for a placeholder, e.g. a thread without an order)."""
        chosen = self.language(language)
        if not chosen:
            raise DataError("template.no_language", name=self.name, language=language, known=", ".join(self.texts))
        allowed = (*FACTS, *self.values)
        if unknown := sorted(values.keys() - set(allowed)):
            raise DataError("template.unknown_value", name=self.name, value=unknown[0], known=", ".join(allowed))
        out = []
        for before, placeholder, _, _ in string.Formatter().parse(self.texts[chosen]):
            out.append(before)
            if placeholder:
                if not values.get(placeholder):
                    raise DataError("template.value_missing", name=self.name, value=placeholder)
                out.append(values[placeholder])
        return "".join(out).strip("\n")


@dataclass(frozen=True, slots=True)
class Templates:
    """All of them. by_shop: '' and every shop that has some of its own -> name -> template."""

    by_shop: Mapping[str, Mapping[str, Template]] = field(default_factory=dict)
    mistakes: Sequence[Mistake] = ()

    def of(self, shop: str) -> dict[str, Template]:
        """The answers for one shop by name, without the signature."""
        found = {**self.by_shop.get("", {}), **self.by_shop.get(shop, {})}
        found.pop(SIGNATURE, None)
        return dict(sorted(found.items()))

    def named(self, shop: str, name: str) -> Template:
        """Raises DataError `template.unknown`."""
        found = self.of(shop)
        if name not in found:
            raise DataError("template.unknown", name=name, known=", ".join(found) or "there is none")
        return found[name]

    def signature(self, shop: str, language: str, shop_name: str) -> str:
        """What stands under a mail, '' for nothing."""
        template = {**self.by_shop.get("", {}), **self.by_shop.get(shop, {})}.get(SIGNATURE)
        if template is None or not template.language(language):
            return ""
        return template.render(language, {"shop": shop_name})


def combine(texts: Sequence[TemplateText]) -> Templates:
    """Read all files. One for all shops lies under one for a shop, a shipped one under the user's: a language of the
    upper one replaces that of the lower one, `values` are added together."""
    mistakes: list[Mistake] = []
    by_shop: dict[str, dict[str, Template]] = {"": {}}
    for one in sorted(texts, key=lambda text: (bool(text.shop), text.own)):
        below = by_shop.get(one.shop, {}).get(one.name) or by_shop[""].get(one.name) or Template(one.name, {})
        read, found = _read(one, below)
        mistakes += found
        if not found:
            by_shop.setdefault(one.shop, {})[one.name] = read
    return Templates(by_shop, tuple(mistakes))


def _read(one: TemplateText, below: Template) -> tuple[Template, list[Mistake]]:
    try:
        table = load(one.text, one.file)
    except DataFileError as error:
        return below, [Mistake(error.file, error.line, error.problem)]
    mistakes: list[Mistake] = []

    def wrong(problem: str, key: str = "", part: str = "") -> None:
        mistakes.append(Mistake(one.file, _line_of(one.text, key, part), problem))

    if not _NAME.fullmatch(one.name):
        wrong("a template's file is called by a-z, 0-9, _ and -, e.g. shipped.toml")
    given = table.pop("values", [])
    if not isinstance(given, list) or not all(isinstance(v, str) and _VALUE.fullmatch(v) for v in given):
        wrong('`values` must be a list of names of a-z, 0-9 and _, e.g. values = ["tracking_number"]', "values")
        given = []
    if given and one.name == SIGNATURE:
        wrong("nobody is asked for values of the signature; it knows {shop} only", "values")
    for value in given:
        if value in FACTS:
            wrong(f"`{value}` is known by itself; leave it out of `values`", "values", value)
    values = tuple(dict.fromkeys((*below.values, *given)))
    allowed = ("shop",) if one.name == SIGNATURE else (*FACTS, *values)
    if not table:
        wrong("a template needs a text in at least one language, e.g. en = '...'")
    for language, text in table.items():
        if not _LANGUAGE.fullmatch(language):
            wrong(f"`{language}` is no language; use an ISO code in lower case, e.g. en or pt-br", language)
        elif not isinstance(text, str) or not (text.strip() or one.name == SIGNATURE):
            wrong(f"`{language}` must be a text that is not empty", language)
        else:
            for problem, part in _problems(text, allowed):
                wrong(f"`{language}` {problem}", language, part)
    texts = {**below.texts, **{key: text for key, text in table.items() if isinstance(text, str)}}
    return Template(one.name, texts, values, (*below.files, one.file)), mistakes


def _problems(text: str, allowed: Sequence[str]) -> list[tuple[str, str]]:
    """(what is wrong, the piece of the text where it is)."""
    if any(ord(char) < 32 and char not in "\n\t\r" for char in text):
        return [("holds a control character", "")]
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return [("has a brace without its partner; write {{ and }} for braces that are meant", _lonely(text))]
    found = []
    for _, placeholder, spec, conversion in pieces:
        if placeholder is None:
            continue
        if spec or conversion:
            found.append((f"has a placeholder with `:` or `!`: {{{placeholder}}}", "{" + placeholder))
        elif placeholder not in allowed:
            known = ", ".join(allowed)
            found.append((f"has an unknown placeholder {{{placeholder}}}; known are: {known}", f"{{{placeholder}}}"))
    return found


def _lonely(text: str) -> str:
    """The line with the first brace that has no partner."""
    for line in text.split("\n"):
        try:
            list(string.Formatter().parse(line))
        except ValueError:
            return line
    return ""


def _line_of(text: str, key: str, part: str) -> int:
    """The line of a key, or the first one from there on that holds `part`; 1 when it cannot be found."""
    lines = text.split("\n")
    start = (
        next((n for n, line in enumerate(lines) if re.match(rf'\s*"?{re.escape(key)}"?\s*=', line)), 0) if key else 0
    )
    return next((n for n in range(start, len(lines)) if part and part in lines[n]), start) + 1


__all__ = ["FACTS", "SIGNATURE", "Template", "TemplateText", "Templates", "combine"]

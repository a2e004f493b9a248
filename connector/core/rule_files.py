"""Reading `mappings/rules.toml`: the user's rules above the shipped ones, and every mistake with its line.

A table is a rule and carries its name. The user's come first, in the order of their file; one of the name of a shipped
rule stands in its place, whole, so that nobody's rule has conditions that its writer does not see. No file is opened
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from connector.core.mapping import MappingFileError, MappingText, Mistake
from connector.core.mapping.files import Layers, Path
from connector.core.matching import Trust
from connector.core.rules import CONDITIONS, Rule, Rules, Then, When
from connector.core.statuses import THREAD_STATUSES
from connector.core.wordmatch import LONGEST_PATTERN, Phrase, fold, phrase

MOST_RULES = 200
MOST_VALUES = 100
"""Values of one condition."""
LONGEST_NOTE = 2_000

EFFECTS = ("thread_status", "assign", "forward", "order_status", "mail_customer", "note", "ignore")
TRUST = (Trust.MESSAGE_ID, Trust.ADDRESS, Trust.TOKEN, Trust.REFERENCE, Trust.NONE)
_KEYS = ("enabled", "continue", "shops", "when", "then")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ADDRESS = re.compile(r"[^\s@<>,;\"*?]+@[A-Za-z0-9][A-Za-z0-9.-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]+)?")


def read(shipped: MappingText | None, own: MappingText | None, states: Collection[str]) -> Rules:
    """states: the canonical names of order states."""
    layers: list[Layers] = []
    mistakes: list[Mistake] = []
    for one in (own, shipped):
        if one is None:
            continue
        try:
            layers.append(Layers([one]))
        except MappingFileError as error:
            mistakes += error.mistakes
    order = list(dict.fromkeys(name for layer in layers for name in layer.data))
    if len(order) > MOST_RULES:
        mistakes.append(Mistake(layers[0].file, 0, f"more than {MOST_RULES} rules"))
    rules = []
    for name in order[:MOST_RULES]:
        reader = _Reader(name, next(layer for layer in layers if name in layer.data), states)
        rule = reader.rule()
        mistakes += reader.mistakes
        if not reader.mistakes:
            rules.append(rule)
    return Rules(tuple(rules), tuple(sorted(mistakes, key=lambda m: (m.file, m.line))))


def unsettled(rules: Rules, shops: Mapping[str, Collection[str]]) -> list[Mistake]:
    """Rules that ask for what the settings do not allow. shops: name -> the addresses that rules may forward to."""
    found = []
    for rule in rules.every:
        found += [
            Mistake(rule.file, rule.line, f"[{rule.name}] is for the shop {name}, which the settings do not have")
            for name in rule.shops
            if name not in shops
        ]
        wanted = [*rule.then.forward, *([rule.then.assign] if rule.then.assign else [])]
        for shop, allowed in shops.items() if rule.enabled else ():
            known = {address.casefold() for address in allowed}
            found += [
                Mistake(
                    rule.file,
                    rule.line,
                    f"[{rule.name}] sends mails to {address}; automatic forwards go only to addresses of the settings: "
                    f"add it to forward_to of [shops.{shop}]",
                )
                for address in wanted
                if rule.is_for(shop) and address.casefold() not in known
            ]
    return found


class _Reader:
    """One rule of a file."""

    def __init__(self, name: str, file: Layers, states: Collection[str]) -> None:
        self._name = name
        self._file = file
        self._states = states
        self.mistakes: list[Mistake] = []

    def rule(self) -> Rule:
        file, line = self._file.place((self._name,))
        nothing = Rule(self._name, When(), Then(), file=file, line=line)
        if not _NAME.fullmatch(self._name):
            self._wrong((), f"a rule is called by a-z, 0-9, _ and -, at most 40 of them: not {self._name!r}")
            return nothing
        table = self._file.data[self._name]
        if not isinstance(table, dict):
            self._wrong((), f"`{self._name}` must be a table: [{self._name}]")
            return nothing
        self._known((), table, _KEYS)
        when, then = (self._table(key, table) for key in ("when", "then"))
        self._known(("when",), when, CONDITIONS)
        self._known(("then",), then, EFFECTS)
        rule = Rule(
            self._name,
            self._when(when),
            self._then(then),
            enabled=self._flag((), table, "enabled", default=True),
            goes_on=self._flag((), table, "continue", default=False),
            shops=self._texts((), table, "shops", str),
            file=file,
            line=line,
        )
        if not when:
            self._wrong(("when",), 'a rule needs a condition; for every mail write when.from = ["*"]')
        if not then:
            self._wrong(("then",), "a rule needs something to do: then.note, then.thread_status ...")
        if rule.then.ignore and (len(then) > 1 or rule.goes_on):
            self._wrong(("then", "ignore"), "a mail that is ignored joins no thread: nothing else can be done with it")
        if "mail_customer" in then and not rule.then.order_status:
            self._wrong(("then", "mail_customer"), "`mail_customer` says something only beside order_status")
        return rule

    def _when(self, table: Mapping[str, Any]) -> When:
        at: Path = ("when",)
        return When(
            contact=self._texts(at, table, "contact", fold, numbers=True),
            sender=self._texts(at, table, "from", _address_glob),
            to=self._texts(at, table, "to", _address_glob),
            subject=self._phrases(table, "subject"),
            text=self._phrases(table, "text"),
            words=self._phrases(table, "words"),
            order_state=self._texts(at, table, "order_state", _one_of(self._states)),
            language=self._texts(at, table, "language", _language),
            thread_status=self._texts(at, table, "thread_status", _one_of(THREAD_STATUSES)),
            trust=self._texts(at, table, "trust", _one_of([str(rung) for rung in TRUST])),
            new_thread=self._flag(at, table, "new_thread") if "new_thread" in table else None,
            participant=self._flag(at, table, "participant") if "participant" in table else None,
            automatic=None if table.get("automatic") == "any" else self._flag(at, table, "automatic"),
        )

    def _then(self, table: Mapping[str, Any]) -> Then:
        at: Path = ("then",)
        return Then(
            thread_status=self._text(table, "thread_status", _one_of(THREAD_STATUSES)),
            assign=self._text(table, "assign", _address),
            forward=self._texts(at, table, "forward", _address),
            order_status=self._text(table, "order_status", str, numbers=True),
            mail_customer=self._flag(at, table, "mail_customer"),
            note=self._text(table, "note", _note),
            ignore=self._flag(at, table, "ignore"),
        )

    # --- values -----------------------------------------------------------------------------------------------------

    def _wrong(self, path: Path, text: str) -> None:
        self.mistakes.append(self._file.mistake((self._name, *path), text))

    def _known(self, path: Path, table: Mapping[str, Any], keys: Collection[str]) -> None:
        for key in table:
            if key not in keys:
                self._wrong((*path, key), f"unknown key `{'.'.join((*path, key))}`; known are: {', '.join(keys)}")

    def _table(self, key: str, table: Mapping[str, Any]) -> dict[str, Any]:
        found = table.get(key, {})
        if isinstance(found, dict):
            return found
        self._wrong((key,), f"`{key}` must be a table, e.g. {key}.{'words' if key == 'when' else 'note'} = ...")
        return {}

    def _flag(self, path: Path, table: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
        value = table.get(key, default)
        if isinstance(value, bool):
            return value
        also = ' or "any"' if key == "automatic" else ""
        self._wrong((*path, key), f"`{key}` must be true or false{also}")
        return default

    def _text(self, table: Mapping[str, Any], key: str, convert: Callable[[str], str], *, numbers: bool = False) -> str:
        if key not in table:
            return ""
        found = self._values(("then",), key, [table[key]], "a text", convert, numbers=numbers)
        return found[0] if found else ""

    def _texts(
        self, path: Path, table: Mapping[str, Any], key: str, convert: Callable[[str], str], *, numbers: bool = False
    ) -> tuple[str, ...]:
        if key not in table:
            return ()
        given = table[key] if isinstance(table[key], list) else [table[key]]
        return tuple(self._values(path, key, given, "a text or a list of texts", convert, numbers=numbers))

    def _phrases(self, table: Mapping[str, Any], key: str) -> tuple[Phrase, ...]:
        if key not in table:
            return ()
        given = table[key] if isinstance(table[key], list) else [table[key]]
        return tuple(self._values(("when",), key, given, "a text or a list of texts", phrase))

    def _values(
        self, path: Path, key: str, given: list[Any], what: str, convert: Callable[[str], Any], *, numbers: bool = False
    ) -> list[Any]:
        here = (*path, key)
        if not given or len(given) > MOST_VALUES:
            self._wrong(here, f"`{key}` needs between 1 and {MOST_VALUES} values")
            return []
        found = []
        for value in given:
            if numbers and isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if not isinstance(value, str) or not value.strip():
                self._wrong(here, f"`{key}` must be {what}{' or numbers' if numbers else ''}, none of them empty")
                continue
            try:
                found.append(convert(value.strip()))
            except ValueError as error:
                self._wrong(here, f"`{key}`: {value!r} {error}")
        return found


def _one_of(known: Collection[str]) -> Callable[[str], str]:
    def convert(value: str) -> str:
        if value not in known:
            raise ValueError(f"is none of: {', '.join(known)}")
        return value

    return convert


def _address_glob(value: str) -> str:
    if len(value) > LONGEST_PATTERN or any(char.isspace() for char in value) or not ("@" in value or "*" in value):
        raise ValueError("is no address and no glob such as *@example.com")
    return fold(value)


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("is no bare e-mail address")
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("is no language; use an ISO code in lower case, e.g. en or pt-br")
    return value


def _note(value: str) -> str:
    if len(value) > LONGEST_NOTE:
        raise ValueError(f"is longer than {LONGEST_NOTE} characters")
    if any(ord(char) < 32 and char not in "\n\t\r" for char in value):
        raise ValueError("holds a control character")
    return value

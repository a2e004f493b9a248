"""What mapping files say: their data becomes a `Resource`, or mistakes with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, get_args

from connector.core.mapping.files import Layers, MappingFileError, MappingText, Mistake, Path
from connector.core.mapping.model import MIRRORS_OWN, SECRETS, Child, Field, Pull, Resource, Sweep, Type

T = TypeVar("T")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_WORDS = re.compile(r"\s*(?P<type>\S+)(?P<marks>.*)", re.DOTALL)
_SECRET_SETTING = re.compile(r"PASS|PWD|SECRET|TOKEN|_KEY|COOKIE", re.IGNORECASE)
_TOP = ("table", "pull", "since", "per_shop", "display", "only", "fields", "lang", "children", "sweeps", "enabled")
_SETTINGS = ("configurations", "translated_configurations")
"""Resources whose rows are the shop's settings, its passwords among them."""


def parse(text: str, file: str) -> Resource:
    """One mapping file by itself. file: its name, `<resource>.toml`, also used in messages. Raises MappingFileError."""
    return read(Layers([MappingText(file, text)]))


def read(layers: Layers, also: Callable[[Resource], Iterable[Mistake]] = lambda _: ()) -> Resource:
    """The resource that one or two files describe. also: a further check of what was read, which may be in part.

    Raises MappingFileError with every mistake."""
    reader = _Reader(layers)
    resource = reader.resource()
    mistakes = [*reader.mistakes, *also(resource)]
    if mistakes:
        raise MappingFileError(mistakes)
    return resource


class _Reader:
    """Reads one resource's data, gathering mistakes instead of stopping at the first."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.data = layers.data
        self.mistakes: list[Mistake] = list(layers.mistakes)

    def resource(self) -> Resource:
        name = self.layers.name
        if not _NAME.fullmatch(name):
            self.wrong((), f"the file is called {name!r}; expected the resource's name as in the URL, e.g. orders.toml")
        for key in self.data:
            if key not in _TOP:
                self.wrong((key,), f"unknown key {key!r}; expected one of {', '.join(_TOP)}")
        pull = self.value(("pull",), str, "delta, id or snapshot", lambda value: value in get_args(Pull), required=True)
        since = self.value(
            ("since",), str, 'a version such as "1.7"', lambda value: re.fullmatch(r"\d+(\.\d+)*", value), "1.6"
        )
        fields = self.fields(("fields",), "main", required=True)
        resource = Resource(
            name=name,
            table=self.value(("table",), str, "a table name in lower case", _NAME.fullmatch, name),
            pull=pull,  # type: ignore[arg-type]  # checked against the Literal above
            fields=fields,
            lang=self.fields(("lang",), "lang"),
            children=self.children(),
            sweeps=self.sweeps(fields),
            since=tuple(int(part) for part in since.split(".")),
            only=self.only(),
            display=self.value(("display",), bool, "true or false", default=False),
            per_shop=self.value(("per_shop",), bool, "true or false", default=False),
            source=self.layers.file,
        )
        self.value(("enabled",), bool, "true or false", default=True)
        if name in _SETTINGS and (resource.only is None or resource.only[0] != "name"):
            text = 'settings are mirrored by name, passwords lie among them; write only = { name = ["..."] }'
            self.wrong(("only",), text)
        if resource.display and resource.children:
            self.wrong(("display",), "display = true asks for fields by name and so brings no children; remove one")
        if pull == "delta" and not any(item.name == "date_upd" and item.type == "datetime" for item in fields):
            date = ("fields", "date_upd")
            where = date if date in self.layers.left_out else ("pull",)
            self.wrong(where, 'pull = "delta" needs the field date_upd = "datetime"; or use id or snapshot')
        return resource

    def wrong(self, path: Path, text: str) -> None:
        self.mistakes.append(self.layers.mistake(path, text))

    def value(
        self,
        path: Path,
        kind: type[T],
        expected: str,
        fits: Callable[[Any], object] = lambda _: True,
        default: T | None = None,
        *,
        required: bool = False,
    ) -> T:
        """A value of the data at `path`; `default` when it is missing or wrong."""
        found: Any = self.data
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        fallback = default if default is not None else kind()
        if found is None:
            if required:
                self.wrong(path, f"{'.'.join(path)} is missing; expected {expected}")
            return fallback
        if type(found) is not kind or not fits(found):
            self.wrong(path, f"{'.'.join(path)} is {found!r}; expected {expected}")
            return fallback
        return found

    def fields(self, path: Path, place: str, *, required: bool = False) -> tuple[Field, ...]:
        table = self.value(path, dict, 'a table of lines such as email = "text personal"', required=required)
        found: list[Field] = []
        for name, words in table.items():
            item = self.one_field((*path, name), name, words, place)
            if item is not None:
                found.append(item)
        columns = [column for item in found for column in _columns(item, place)]
        for item in found:
            if any(columns.count(column) > 1 for column in _columns(item, place)):
                self.wrong((*path, item.name), f"{item.name} makes a column that another field makes too")
        return tuple(found)

    def one_field(self, path: Path, name: str, words: object, place: str) -> Field | None:
        expected = (
            f"a type ({', '.join(get_args(Type))}), then perhaps the word personal, `from NAME` when the shop calls it "
            "otherwise, and for a ref `to RESOURCE`"
        )
        if not _NAME.fullmatch(name):
            self.wrong(path, f"{name!r} is no field name; expected lower-case letters, digits and _")
            return None
        found = _WORDS.fullmatch(words) if isinstance(words, str) else None
        kind = found["type"] if found else ""
        marks = _marks(found["marks"]) if found else None
        if kind not in get_args(Type) or marks is None or ("to" in marks and kind != "ref"):
            self.wrong(path, f"{name} is {words!r}; expected {expected}")
            return None
        origin = marks.get("from", "")
        if place == "lang" and kind != "text":
            self.wrong(path, f"{name} is {words!r}; expected text, as all fields in languages are")
            return None
        if name in SECRETS or origin in SECRETS:
            self.wrong(path, f"{origin or name} is a secret of the shop and is never mirrored; remove the line")
            return None
        if name in MIRRORS_OWN[place]:
            remedy = f'; write another name, e.g. id_row = "{kind} from {name}"' if place == "child" else ""
            self.wrong(path, f"the mirror makes the column {name} itself{remedy}")
            return None
        if name == "date_upd" and origin:
            self.wrong(path, "date_upd must be the shop's own: changes are followed by it; remove the `from`")
            return None
        return Field(name, kind, "personal" in marks, origin, marks.get("to", ""))  # type: ignore[arg-type]

    def children(self) -> tuple[Child, ...]:
        table = self.value(("children",), dict, "sections such as [children.order_rows]")
        found: list[Child] = []
        for association, section in table.items():
            path = ("children", association)
            if not isinstance(section, dict):
                self.wrong(path, f"children.{association} is {section!r}; expected a section")
                continue
            for key in section:
                if key not in ("table", "fields"):
                    self.wrong((*path, key), f"unknown key {key!r}; expected table and fields")
            name = self.value((*path, "table"), str, "a table name in lower case", _NAME.fullmatch, association)
            found.append(Child(association, name, self.fields((*path, "fields"), "child", required=True)))
        return tuple(found)

    def only(self) -> tuple[str, tuple[str, ...]] | None:
        table = self.value(("only",), dict, 'one field with its values, e.g. only = { name = ["PS_TIMEZONE"] }')
        if not table:
            return None
        name, values = next(iter(table.items()))
        usable = isinstance(values, list) and values and all(isinstance(value, str) and value for value in values)
        if len(table) != 1 or not usable:
            self.wrong(("only",), 'only names one field with a list of texts, e.g. { name = ["PS_TIMEZONE"] }')
            return None
        for value in values:
            if _SECRET_SETTING.search(value):
                self.wrong(("only",), f"{value} sounds like a password or key, which is never mirrored; remove it")
        return name, tuple(values)

    def sweeps(self, fields: tuple[Field, ...]) -> tuple[Sweep, ...]:
        table = self.value(("sweeps",), dict, 'a table of lines such as status = ["open", "closed"]')
        found: list[Sweep] = []
        for name, words in table.items():
            path = ("sweeps", name)
            if name not in {item.name for item in fields if not item.origin}:
                self.wrong(path, f"the sweep of {name} has no field {name} in [fields], by the shop's own name")
                continue
            sweep = _sweep(name, words)
            if sweep is None:
                self.wrong(
                    path,
                    f'the sweep of {name} is {words!r}; expected a list of values ("*" for all others), the table '
                    "whose ids are the values, { every = true }, { filled = true } or "
                    '{ days = 60, through = { id_order = "orders" } }',
                )
                continue
            found.append(sweep)
        return tuple(found)


def _sweep(name: str, words: object) -> Sweep | None:
    if isinstance(words, str) and _NAME.fullmatch(words):
        return Sweep(name, ids_of=words)
    if isinstance(words, list) and words and all(isinstance(word, str) and word for word in words):
        values = tuple(word for word in words if word != "*")
        return Sweep(name, values, others="*" in words) if values else None
    if words in ({"every": True}, {"filled": True}):
        return Sweep(name, every="every" in words, filled="filled" in words)
    if isinstance(words, dict) and set(words) <= {"days", "by", "through", "filled"}:
        days, by, through = words.get("days"), words.get("by", "date_add"), words.get("through", {})
        if not isinstance(days, int) or days < 1 or by not in ("date_add", "date_upd"):
            return None
        if not isinstance(words.get("filled", False), bool):
            return None
        if isinstance(through, dict) and len(through) <= 1:
            parent = next(iter(through.items()), None)
            if parent is None or isinstance(parent[1], str):
                return Sweep(name, days=days, by=by, through=parent, filled=words.get("filled", False))
    return None


def _marks(words: str) -> dict[str, str] | None:
    """What stands behind a type, in any order and each once; None when it cannot be read."""
    parts = words.split()
    marks: dict[str, str] = {}
    while parts:
        word = parts.pop(0)
        if word in marks or word not in ("personal", "from", "to"):
            return None
        if word == "personal":
            marks[word] = word
        elif parts and _NAME.fullmatch(parts[0]):
            marks[word] = parts.pop(0)
        else:
            return None
    return marks


def _columns(item: Field, place: str) -> tuple[str, ...]:
    if item.type == "datetime":
        return (item.name, f"{item.name}_local")
    return (item.name, "email_key") if item.name == "email" and place == "main" else (item.name,)

"""Writes objects, errors and the api root as the webservice's JSON, with its quirks.

An empty list is `[]`; the ids of one-resource answers are numbers, those of a write's echo are text; numbers and empty
fields follow the dialect. Sources: recordings 20, 32-35, 52, 72, 125-143, 232-236.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from connector.sandbox.shop.definitions import Association, Field, Resource
from connector.sandbox.shop.entities import Entity
from connector.sandbox.shop.query import Display
from connector.sandbox.shop.rules import php_empty
from connector.sandbox.shop.store import Cell
from connector.sandbox.shop.world import Key, World

_CONTROLS = re.compile(r"\\u00([01][0-9a-f])")


def encode(world: World, value: Cell) -> bytes:
    """PHP's json_encode: slashes escaped, no spaces, text as UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    if not world.dialect.json_escapes_controls:
        text = _CONTROLS.sub(lambda found: chr(int(found[1], 16)), text)
    return text.encode("utf-8", "surrogatepass")


def errors(world: World, found: Sequence[tuple[int, str]]) -> bytes:
    return encode(world, {"errors": [{"code": code, "message": message} for code, message in found]})


def api_root(world: World, key: Key) -> bytes:
    return encode(world, [entry.name for entry in world.api if key.knows(entry.name)])


class JsonRenderer:
    """Renders for one shop, one set of languages and one display."""

    def __init__(self, world: World, languages: Sequence[int], display: Display) -> None:
        self.world = world
        self.dialect = world.dialect
        self.languages = languages
        self.display = display
        self._fields: dict[str, list[Field]] = {}

    def row(self, entity: Entity) -> bytes:
        """One object of a list."""
        return encode(self.world, self.entity(entity))

    def page(self, resource: Resource, rows: Sequence[bytes]) -> bytes:
        """A list of rendered objects."""
        if not rows:
            return b"[]"
        return b'{"%s":[%s]}' % (resource.plural.encode(), b",".join(rows))

    def ids(self, resource: Resource, ids: Sequence[int]) -> bytes:
        """A list without `display`."""
        return self.page(resource, [b'{"id":%d}' % row_id for row_id in ids])

    def single(self, entities: Sequence[Entity], *, as_list: bool = False) -> bytes:
        """One object; several written ones leave only the last. `display` in the request makes it a list."""
        entity = entities[-1]
        if as_list:
            return self.page(entity.resource, [self.row(entity)])
        shown = self.entity(entity)
        if self.dialect.drops_falsy_in_json:
            shown = {name: value for name, value in shown.items() if not php_empty(value)}
        return encode(self.world, {entity.resource.entity: shown})

    def entity(self, entity: Entity) -> dict[str, Any]:
        row_id = entity.values["id"]
        if self.display.minimum:
            return {"id": int(row_id)}
        shown: dict[str, Any] = {}
        if self.display.shows("id"):
            shown["id"] = str(row_id) if entity.echo and entity.created else int(row_id)
        for field in self._shown(entity.resource):
            shown[field.name] = self._value(field, entity.values.get(field.name), entity.echo)
        association = entity.resource.association
        if association is not None and entity.children and self.display.shows_association(association.name):
            children = self._children(association, entity.children)
            if children is not None:
                shown["associations"] = {association.name: children}
        return shown

    def _shown(self, resource: Resource) -> list[Field]:
        if resource.name not in self._fields:
            self._fields[resource.name] = [field for field in resource.fields if self.display.shows(field.name)]
        return self._fields[resource.name]

    def _value(self, field: Field, value: Cell, echo: bool) -> Cell:
        if field.i18n:
            texts = value or {}
            if len(self.languages) == 1:
                return texts.get(self.languages[0], "")
            return [{"id": self._number(number), "value": texts.get(number, "")} for number in self.languages]
        if value is None:
            return None if echo or not self.dialect.drops_falsy_in_json else ""
        return self._number(value) if field.kind == "int" and not echo else str(value)

    def _number(self, value: Cell) -> Cell:
        return value if self.dialect.native_json_numbers else str(value)

    def _children(self, association: Association, children: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
        wanted = self.display.associations.get(association.name)
        if not association.virtual:
            if wanted is not None and not self.dialect.sub_display_keeps_ids:
                return None
            return [{"id": self._number(child["id"])} for child in children]
        return [
            {
                field.name: None
                if child.get(field.name) is None
                else (self._number(child[field.name]) if field.kind == "int" else str(child[field.name]))
                for field in association.fields
                if wanted is None or field.name in wanted
            }
            for child in children
        ]

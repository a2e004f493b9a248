"""Writes objects, errors and the api root as the webservice's XML, byte for byte.

Nothing is escaped beyond what the shop escapes: a `]]>` or a control character in a stored text makes the answer
ill-formed, as it does in the shop (recordings 231, 233, 235). Sources of the layout: 01, 03-06, 24, 39, 95-124, 132.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.sandbox.shop.definitions import Association, Field, Resource
from connector.sandbox.shop.dialect import Dialect
from connector.sandbox.shop.entities import Entity
from connector.sandbox.shop.query import Display
from connector.sandbox.shop.store import Cell
from connector.sandbox.shop.world import Key, World

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n'
_TAIL = "</prestashop>\n"


def document(*lines: str) -> bytes:
    return (_HEAD + "".join(f"{line}\n" for line in lines) + _TAIL).encode("utf-8", "surrogatepass")


def errors(found: Sequence[tuple[int, str]]) -> bytes:
    lines = ["<errors>"]
    for code, message in found:
        lines += ["<error>", f"<code><![CDATA[{code}]]></code>", f"<message><![CDATA[{message}]]></message>"]
        lines.append("</error>")
    return document(*lines, "</errors>")


def _cdata(value: Cell, dialect: Dialect) -> str:
    text = "" if value is None else str(value)
    return f"<![CDATA[{text}]]>" if text or dialect.empty_cdata else ""


class XmlRenderer:
    """Renders for one shop, one set of languages and one display."""

    def __init__(self, world: World, languages: Sequence[int], display: Display) -> None:
        self.world = world
        self.dialect = world.dialect
        self.languages = languages
        self.display = display
        self.api = f"{world.base_url}/api"

    def row(self, entity: Entity) -> bytes:
        """One object of a list."""
        return "\n".join(self.entity(entity)).encode("utf-8", "surrogatepass")

    def page(self, resource: Resource, rows: Sequence[bytes]) -> bytes:
        """A list of rendered objects."""
        tag = resource.plural.encode()
        return b"\n".join([_HEAD.encode() + b"<%s>" % tag, *rows, b"</%s>" % tag, _TAIL.encode()])

    def ids(self, resource: Resource, ids: Sequence[int]) -> bytes:
        """A list without `display`."""
        return self.page(resource, [self._reference(resource, row_id).encode() for row_id in ids])

    def _reference(self, resource: Resource, row_id: int) -> str:
        return f'<{resource.entity} id="{row_id}" xlink:href="{self.api}/{resource.plural}/{row_id}"/>'

    def single(self, entities: Sequence[Entity]) -> bytes:
        lines: list[str] = []
        for entity in entities:
            lines += self.entity(entity)
        return document(*lines)

    def entity(self, entity: Entity) -> list[str]:
        resource, row_id = entity.resource, entity.values["id"]
        if self.display.minimum:
            return [self._reference(resource, row_id)]
        lines = [f"<{resource.entity}>"]
        if self.display.shows("id"):
            lines.append(f"\t<id><![CDATA[{row_id}]]></id>")
        lines += [
            self._field(field, entity.values.get(field.name))
            for field in resource.fields
            if self.display.shows(field.name)
        ]
        association = resource.association
        if association is not None and self.display.shows_association(association.name):
            lines += self._association(association, entity.children)
        return [*lines, f"</{resource.entity}>"]

    def _field(self, field: Field, value: Cell) -> str:
        if field.i18n:
            texts = value or {}
            inner = "".join(
                f'<language id="{number}" xlink:href="{self.api}/languages/{number}">'
                f"{_cdata(texts.get(number, ''), self.dialect)}</language>"
                for number in self.languages
            )
            return f"\t<{field.name}>{inner}</{field.name}>"
        text = "" if value is None else str(value)
        absent = field.name.startswith("id_") and text in ("", "0")  # product_attribute_id keeps its link to 0 (45)
        link = f' xlink:href="{self.api}/{field.link}/{text}"' if field.link and not absent else ""
        getter = ' notFilterable="true"' if field.getter else ""
        return f"\t<{field.name}{link}{getter}>{_cdata(value, self.dialect)}</{field.name}>"

    def _association(self, association: Association, children: Sequence[dict[str, Any]]) -> list[str]:
        source = 'virtualEntity="true"' if association.virtual else f'api="{association.api}"'
        head = f'<{association.name} nodeType="{association.item}" {source}'
        if not children:
            return ["<associations>", f"{head}/>", "</associations>"]
        wanted = self.display.associations.get(association.name)
        lines = ["<associations>", f"{head}>"]
        for child in children:
            if association.virtual:
                lines.append(f"\t<{association.item}>")
                lines += [
                    self._child_field(field, child.get(field.name))
                    for field in association.fields
                    if wanted is None or field.name in wanted
                ]
            else:
                lines.append(f'\t<{association.item} xlink:href="{self.api}/{association.api}/{child["id"]}">')
                if wanted is None or ("id" in wanted and self.dialect.sub_display_keeps_ids):
                    lines.append(f"\t<id><![CDATA[{child['id']}]]></id>")
            lines.append(f"\t</{association.item}>")
        return [*lines, f"</{association.name}>", "</associations>"]

    def _child_field(self, field: Field, value: Cell) -> str:
        link = f' xlink:href="{self.api}/{field.link}/{value}"' if field.link else ""
        return f"\t<{field.name}{link}>{_cdata(value, self.dialect)}</{field.name}>"

    def schema(self, resource: Resource, kind: str) -> bytes:
        """`?schema=blank` or `?schema=synopsis`."""
        blank = kind == "blank"
        lines = [f"<{resource.entity}>"]
        if blank:
            lines.append(f"\t<id>{_cdata('', self.dialect)}</id>")
        for field in resource.fields:
            if blank and field.unwritable:
                continue
            lines.append(self._schema_field(field, blank))
        if resource.association is not None:
            lines += self._schema_association(resource.association, blank)
        return document(*lines, f"</{resource.entity}>")

    def _schema_field(self, field: Field, blank: bool) -> str:
        attributes = "" if blank else _attributes(field)
        if not field.i18n:
            return f"\t<{field.name}{attributes}>{_cdata('', self.dialect)}</{field.name}>"
        inner = ""
        for number in self.languages:
            link = "" if blank else f' xlink:href="{self.api}/languages/{number}" format="isUnsignedId" '
            inner += f'<language id="{number}"{link}>{_cdata("", self.dialect)}</language>'
        return f"\t<{field.name}{attributes}>{inner}</{field.name}>"

    def _schema_association(self, association: Association, blank: bool) -> list[str]:
        source = 'virtualEntity="true"' if association.virtual else f'api="{association.api}"'
        head = f'<{association.name} nodeType="{association.item}" {source}>'
        lines = ["<associations>", f"<{association.name}>" if blank else head, f"\t<{association.item}>"]
        for field in association.fields or (Field("id", "int"),):
            attributes = "" if blank else _attributes(field)
            if field.link and not blank:
                attributes = f' xlink:href="{self.api}/{field.link}/"{attributes}'
            lines.append(f"\t<{field.name}{attributes}>{_cdata('', self.dialect)}</{field.name}>")
        return [*lines, f"\t</{association.item}>", f"</{association.name}>", "</associations>"]


def _attributes(field: Field) -> str:
    text = ' notFilterable="true"' if field.getter else ""
    text += ' read_only="true"' if field.unwritable else ""
    text += ' required="true"' if field.required else ""
    text += f' maxSize="{field.max_size}"' if field.max_size else ""
    text += f' format="{field.validator}"' if field.validator else ""
    return text + (' readOnly="true"' if field.readonly else "")


def api_root(world: World, key: Key) -> bytes:
    """`GET /api/`: the resources that the key may touch, with its rights."""
    lines = [f'<api shopName="{world.shop_name}">']
    for entry in world.api:
        if not key.knows(entry.name):
            continue
        url = f"{world.base_url}/api/{entry.name}"
        rights = " ".join(
            f'{method.lower()}="{"true" if key.allows(entry.name, method) else "false"}"'
            for method in world.dialect.methods
        )
        lines.append(f'<{entry.name} xlink:href="{url}" {rights}>')
        lines.append(f'<description xlink:href="{url}" {rights}>\n{entry.description}</description>')
        if entry.has_schema:
            lines += [f'<schema xlink:href="{url}?schema={kind}" type="{kind}"/>' for kind in ("blank", "synopsis")]
        lines.append(f"</{entry.name}>")
    return document(*lines, "</api>")

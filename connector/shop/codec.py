"""Bytes of the webservice to records and back. Opens nothing; the input may be hostile or broken.

Both forms give the same record: `id` an int, every other field text (a number as its digits, NULL as ''), an i18n
field {id_lang: text}, `associations` {name: [ {field: text} ]} of those that matter. List JSON is the first form: it
is complete (compared field by field on 1.6.1.24, 1.7.8.11, 8.2.1 and 9.0.0) and a value cannot break out of it. In XML
a stored `]]>` ends its CDATA, so that a customer's text can make the page ill-formed or even forge elements
(recordings 231-236): a field that comes twice is refused here, and the reader compares the ids.

XML drops the carriage returns before line feeds, as its standard says; JSON keeps them.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

import xmltodict

from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.engine.ports import Record

UNKNOWN_LANGUAGE = 0
"""Key of an i18n field that JSON gave as a plain string, which it does when one language is rendered: which one is not
said (recordings 39, 130; WebserviceOutputJSON in all versions)."""

METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD")

_ASTRAL = re.compile(rb"\xf0[\x90-\xbf][\x80-\xbf]{2}")  # UTF-8 of U+10000 to U+3FFFF
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # XML 1.0, section 2.2


class UndecodableError(ValueError):
    """The body is not what was asked for. `reason` is a short word: empty, html, cut, json, xml, structure, repeated,
    children."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Shape:
    """What must be known of a resource to read its JSON: which fields have languages, which associations matter."""

    lang: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()

    @classmethod
    def of(cls, resource: Resource, *, with_children: bool) -> Shape:
        children = frozenset(child.association for child in resource.children) if with_children else frozenset()
        return cls(frozenset(field.key for field in resource.lang), children)


@dataclass(frozen=True, slots=True)
class ShopFault:
    """One entry of an errors document. The message may echo what was sent: it is shown only for a few codes."""

    code: int
    message: str


# --- lists --------------------------------------------------------------------------------------------------------


def list_from_json(body: bytes, shape: Shape, language: int = UNKNOWN_LANGUAGE) -> list[Record]:
    """Rows of a list with `display`. language: the shop's only one, when it is known. Raises UndecodableError."""
    return [_record_from_json(row, shape, language) for row in _json_rows(body)]


def list_from_xml(body: bytes, shape: Shape) -> list[Record]:
    """The same from XML. Text before `<prestashop` and after `</prestashop>` is ignored. Raises UndecodableError."""
    return [_record_from_xml(row, shape) for row in _xml_rows(body)]


def ids_from_json(body: bytes) -> list[int]:
    """Ids of a list without `display` (recording 126). Raises UndecodableError."""
    return [_id(row.get("id")) for row in _json_rows(body)]


def ids_from_xml(body: bytes) -> list[int]:
    """The same from XML: `<customer id="7" xlink:href="..."/>`. Raises UndecodableError."""
    return [_id(row.get("@id")) for row in _xml_rows(body)]


def single(body: bytes, shape: Shape = Shape()) -> Record:
    """One row in either form: the answer to a write, or to a request for one id.

    From 8.0 on JSON leaves out fields whose value is empty or 0 here (recordings 72, 52). Raises UndecodableError."""
    if _looks_like_json(body):
        document = _json(body)
        row = next(iter(document.values()), None) if isinstance(document, dict) else None
        if isinstance(row, list):  # with `display` even one row comes as a list
            row = row[0] if len(row) == 1 else None
        if not isinstance(row, dict):
            raise UndecodableError("structure")
        return _record_from_json(row, shape, UNKNOWN_LANGUAGE)
    entities = _children(_xml(body))
    if len(entities) != 1 or not isinstance(entities[0][1], dict):
        raise UndecodableError("structure")
    return _record_from_xml(entities[0][1], shape)


def is_prestashop(body: bytes) -> bool:
    """Is it an answer of the webservice at all: XML with its root, or JSON that is a list or an object?"""
    try:
        if _looks_like_json(body):
            return isinstance(_json(body), (dict, list))
        _xml(body)
    except UndecodableError as error:
        return error.reason == "xml" and b"<prestashop" in body  # ill-formed, yet surely its own
    return True


def content(body: bytes) -> dict[str, Any]:
    """What stands in the root element of an XML answer, attributes as `@name`. Raises UndecodableError."""
    return _xml(body)


# --- the api root and errors --------------------------------------------------------------------------------------


def api_root(body: bytes, version: str) -> ShopInfo:
    """The answer to `GET /api/` (recordings 01, 30): name of the shop and the key's rights. Raises UndecodableError."""
    api = _xml(body).get("api")
    if not isinstance(api, dict):
        raise UndecodableError("structure")
    rights = {
        name: frozenset(method for method in METHODS if node.get(f"@{method.lower()}") == "true")
        for name, node in _children(api)
        if isinstance(node, dict)
    }
    return ShopInfo(name=str(api.get("@shopName", "")), version=version, rights=rights)


def offers_patch(body: bytes) -> bool:
    """Does the api root speak of PATCH? From 8.0 on each resource has the attribute, allowed or not."""
    return re.search(rb'\spatch="(true|false)"', body) is not None


def errors(body: bytes) -> list[ShopFault]:
    """The entries of an errors document in either form; [] when it is none. Never raises."""
    try:
        if _looks_like_json(body):
            document = _json(body)
            entries = document.get("errors") if isinstance(document, dict) else None
        else:
            node = _xml(body).get("errors")
            entries = node.get("error") if isinstance(node, dict) else None
    except UndecodableError:
        # A validation text may quote a stored control character: the codes are still worth having.
        codes = re.findall(rb"<code>\s*(?:<!\[CDATA\[)?\s*(\d{1,5})", body) if b"<errors>" in body else []
        return [ShopFault(int(code), "") for code in codes]
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list):
        return []
    found = []
    for entry in entries:
        if isinstance(entry, dict):
            code = str(entry.get("code") or "").strip()
            found.append(ShopFault(int(code) if code.isdecimal() else 0, str(entry.get("message") or "")))
    return found


# --- writing ------------------------------------------------------------------------------------------------------


def entity_xml(name: str, fields: Iterable[tuple[str, str]], groups: Iterable[int] | None = None) -> bytes:
    """The body of a write: one entity, its fields in the order given, text escaped. groups: of a customer, all of them;
    None leaves them as they are.

    Raises ValueError for a character that XML cannot carry; escaping would not help, and dropping it is not ours."""
    parts = [f'<?xml version="1.0" encoding="UTF-8"?>\n<prestashop><{name}>']
    for field, value in fields:
        if FORBIDDEN.search(value):
            raise ValueError(f"{field} holds a control character")
        # A carriage return would be dropped on the way: the shop parses the XML.
        parts.append(f"<{field}>{escape(value, {chr(13): '&#13;'})}</{field}>")
    if groups is not None:
        items = "".join(f"<group><id>{number}</id></group>" for number in groups)
        parts.append(f"<associations><groups>{items}</groups></associations>")
    parts.append(f"</{name}></prestashop>")
    return "".join(parts).encode()


def writable_fields(record: Record, leave_out: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The fields of a whole row for a PUT, which resets every field that is not sent (recordings 213, 211).

    Associations are left out: absent ones stay as they are."""
    return [
        (name, str(value))
        for name, value in record.items()
        if name not in leave_out and name != "associations" and isinstance(value, (str, int))
    ]


# --- JSON ---------------------------------------------------------------------------------------------------------


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _json(body: bytes) -> Any:  # noqa: ANN401 - JSON is any
    if not body.strip():
        raise UndecodableError("empty")  # what json_encode leaves of invalid UTF-8
    try:
        # strict=False: 1.6 sends control characters raw (recording 234). Numbers stay the digits that were sent.
        text = _ASTRAL.sub(_escaped, body.removeprefix(codecs.BOM_UTF8)).decode()
        document = json.loads(text, strict=False, parse_int=str, parse_float=str, parse_constant=str)
        if _SURROGATE.search(body):
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise UndecodableError("html" if _is_html(body) else "json") from None
    return document


def _escaped(found: re.Match[bytes]) -> bytes:
    """A character beyond the first 65,536 as JSON's escape: a single one makes Python take four bytes for each
    character of the page. Behind a backslash it stays what it was, an error."""
    if found.string[found.start() - 1 : found.start()] == b"\\":
        return found[0]
    return json.dumps(found[0].decode())[1:-1].encode()


def _json_rows(body: bytes) -> list[dict[str, Any]]:
    document = _json(body)
    if document == []:
        return []
    if not isinstance(document, dict) or len(document) != 1 or "errors" in document:
        raise UndecodableError("structure")
    rows = next(iter(document.values()))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UndecodableError("structure")
    return rows


def _record_from_json(row: dict[str, Any], shape: Shape, language: int) -> Record:
    """The row itself, with what is not a text made one: nearly all values are."""
    associations = row.pop("associations", None)
    _made_texts(row)
    for name in shape.lang:
        text = row.get(name)
        if type(text) is str:
            row[name] = {language: text}
    row["id"] = _id(row.get("id"))
    found = associations if isinstance(associations, dict) else {}
    row["associations"] = {name: _json_items(found[name]) if name in found else [] for name in shape.children}
    return row


def _json_items(items: object) -> list[dict[str, Any]]:
    if isinstance(items, dict):
        items = list(items.values())  # PHP makes an object of an array whose keys have holes
    if not isinstance(items, list):
        raise UndecodableError("children")
    for item in items:
        if not isinstance(item, dict):
            raise UndecodableError("children")  # 8.0.0 and 8.0.1 on PHP 8 give [[null],[null]]
        _made_texts(item)
    return items


def _made_texts(row: dict[str, Any]) -> None:
    try:
        "".join(row.values())  # the quickest way to see that all are texts
    except TypeError:
        for name in [name for name, value in row.items() if type(value) is not str]:
            row[name] = _json_value(row[name])


def _json_value(value: object) -> str | dict[int, str]:
    if isinstance(value, str):
        return value
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return {_id(item.get("id")): str(_json_value(item.get("value"))) for item in value}
    raise UndecodableError("structure")


# --- XML ----------------------------------------------------------------------------------------------------------


def _is_html(body: bytes) -> bool:
    return re.match(rb"\s*(<!doctype html|<html|<head|<body)", body[:400], re.IGNORECASE) is not None


def _xml(body: bytes) -> dict[str, Any]:
    """The content of the root element."""
    if not body.strip():
        raise UndecodableError("empty")
    start = body.find(b"<prestashop")
    if start < 0:
        raise UndecodableError("html" if _is_html(body) else "xml")
    end = body.rfind(b"</prestashop>")
    if end < start:
        raise UndecodableError("cut")
    try:
        # Without its prolog the document is UTF-8 and can hold no DTD, so no entity either.
        document = xmltodict.parse(
            body[start : end + len(b"</prestashop>")], strip_whitespace=False, disable_entities=True
        )
    except (ExpatError, ValueError, RecursionError):
        raise UndecodableError("xml") from None
    root = document.get("prestashop")
    return root if isinstance(root, dict) else {}


def _children(node: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in node.items() if name[0] not in "@#"]


def _xml_rows(body: bytes) -> list[dict[str, Any]]:
    containers = _children(_xml(body))
    if len(containers) != 1 or containers[0][0] == "errors":
        raise UndecodableError("structure")
    container = containers[0][1]
    if container is None or isinstance(container, str):
        return []  # an empty list is the two tags with a line break between them (recording 19)
    entities = _children(container) if isinstance(container, dict) else []
    if not entities and isinstance(container, dict):
        return []
    if len(entities) != 1:
        raise UndecodableError("structure")
    rows = entities[0][1] if isinstance(entities[0][1], list) else [entities[0][1]]
    if not all(isinstance(row, dict) for row in rows):
        raise UndecodableError("structure")
    return rows


def _record_from_xml(row: dict[str, Any], shape: Shape) -> Record:
    record: Record = {}
    associations: dict[str, list[dict[str, Any]]] = {name: [] for name in shape.children}
    for name, value in _children(row):
        if name == "associations":
            for association, node in _children(value) if isinstance(value, dict) else []:
                if association in shape.children:
                    associations[association] = _xml_items(node)
        else:
            text = _xml_value(value)
            record[name] = {} if name in shape.lang and text == "" else text
    record["id"] = _id(record.get("id"))
    record["associations"] = associations
    return record


def _xml_items(node: object) -> list[dict[str, Any]]:
    if not isinstance(node, dict):
        if isinstance(node, list):
            raise UndecodableError("repeated")
        return []
    found = []
    for _, items in _children(node):
        for item in items if isinstance(items, list) else [items]:
            if not isinstance(item, dict):
                raise UndecodableError("children")
            found.append({field: _xml_value(value) for field, value in _children(item)})
    return found


def _xml_value(value: object) -> str | dict[int, str]:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) or not isinstance(value, dict):
        raise UndecodableError("repeated")
    languages = value.get("language")
    if languages is not None:
        nodes = languages if isinstance(languages, list) else [languages]
        if not all(isinstance(node, dict) for node in nodes):
            raise UndecodableError("structure")
        return {_id(node.get("@id")): str(node.get("#text", "")) for node in nodes}
    if _children(value):
        raise UndecodableError("structure")
    return str(value.get("#text", ""))


# --- both ---------------------------------------------------------------------------------------------------------


def _id(value: object) -> int:
    text = value.strip() if isinstance(value, str) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise UndecodableError("structure")
    return int(text)

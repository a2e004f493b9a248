"""POST, PUT, PATCH and DELETE: from the request body to rows, with the shop's full-replacement rules.

Parses the XML, assigns and validates fields in definition order, writes the row, then lets `effects` act. Gives back
the objects as they stand in memory, which is what the shop echoes: not what it stored. Sources: recordings 51-94,
168-172, 196-230 of the four versions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from connector.sandbox.shop import effects
from connector.sandbox.shop.definitions import Field, Resource
from connector.sandbox.shop.entities import Entity, children_of
from connector.sandbox.shop.rules import php_empty, php_int, stored_value, validation_error
from connector.sandbox.shop.store import Cell, Row
from connector.sandbox.shop.world import ApiError, World


def parse_body(body: bytes) -> list[ElementTree.Element]:
    """The entities of a body: the children of its root, whatever they are called."""
    if body.startswith(b"xml="):
        body = body[4:]
    try:
        return list(ElementTree.fromstring(body))
    except (ElementTree.ParseError, ValueError, LookupError):
        text = body.decode("utf-8", "replace")
        raise ApiError(
            500,
            127,
            f"XML error : String could not be parsed as XML\nXML length : {len(body)}\nOriginal XML : {text}",
        ) from None


def save(world: World, resource: Resource, method: str, body: bytes, params: dict[str, str]) -> list[Entity]:
    """Write every entity of the body; the ones before a failing one stay written."""
    elements = parse_body(body)
    _check_ids(elements, method)
    return [_save_one(world, resource, method, element, params) for element in elements]


def _text(element: ElementTree.Element | None) -> str:
    return "" if element is None else (element.text or "")


def _check_ids(elements: Sequence[ElementTree.Element], method: str) -> None:
    ids = [php_int(_text(element.find("id"))) for element in elements if _text(element.find("id")).strip()]
    if method == "POST":
        if ids:
            raise ApiError(400, 91, "id is forbidden when adding a new resource")
        return
    if len(set(ids)) != len(ids):
        raise ApiError(400, 89, "id is duplicate in request")
    if len(ids) != len(elements):
        raise ApiError(400, 90, "id is required when modifying a resource")


def _save_one(
    world: World, resource: Resource, method: str, element: ElementTree.Element, params: dict[str, str]
) -> Entity:
    row_id: int | None = None
    values: Row = {}
    if method != "POST":
        row_id = php_int(_text(element.find("id")))
        stored = world.store.get(resource.name, row_id)
        if stored is None:
            raise ApiError(404, 92, "Invalid ID")
        values = dict(stored)
    for field in resource.fields:
        _assign(world, resource, method, field, element, values, row_id)
    _validate(world, resource, values)
    mails = not php_empty(params.get("sendemail"))
    row_id = _write(world, resource, method, values, row_id, sends_mail=mails)
    _write_association(world, resource, element, row_id)
    values["id"] = row_id
    if resource.name == "orders":
        values["shipping_number"] = _shipping_number(world, row_id, values)
    children = children_of(world, resource, [row_id]).get(row_id, [])
    return Entity(resource, values, children, echo=True, created=method == "POST")


def _assign(
    world: World,
    resource: Resource,
    method: str,
    field: Field,
    element: ElementTree.Element,
    values: Row,
    row_id: int | None,
) -> None:
    given = element.find(field.name)
    if field.i18n:
        _assign_languages(method, field, given, values)
        return
    if given is None:
        if method == "PATCH":
            return
        if field.required:
            raise ApiError(400, 41, f'parameter "{field.name}" required')
        if not (field.getter and row_id is not None):
            values[field.name] = None
        return
    if field.unwritable:
        raise ApiError(400, 93, f'parameter "{field.name}" not writable. Please remove this attribute of this XML')
    text = _text(given)
    if field.name == "passwd":
        text = effects.hashed_password(world, text, values.get("passwd"))
    if resource.name == "orders" and row_id is not None:
        if field.name == "current_state":
            if php_empty(text):
                return
            effects.set_current_state(world, row_id, php_int(text))
        elif field.name == "shipping_number":
            effects.set_shipping_number(world, row_id, text)
    values[field.name] = text


def _assign_languages(method: str, field: Field, given: ElementTree.Element | None, values: Row) -> None:
    texts = dict(values.get(field.name) or {})
    if given is None:
        if method == "PUT" and field.required:
            texts = {}
    else:
        for child in given.findall("language"):
            texts[php_int(child.get("id") or 0)] = _text(child)
        if given.find("language") is None and _text(given).strip():
            texts[0] = _text(given)
    values[field.name] = texts


def _validate(world: World, resource: Resource, values: Row) -> None:
    for field in (field for field in resource.fields if field.i18n):
        texts = values.get(field.name) or {}
        for text in list(texts.values()) or [""]:
            problem = validation_error(resource.class_name, field, text, world.dialect)
            if problem:
                raise ApiError(400, 84, f'Validation error: "{problem}"')
    for field in (field for field in resource.fields if not field.i18n):
        problem = validation_error(resource.class_name, field, values.get(field.name), world.dialect)
        if problem:
            raise ApiError(400, 85, f'Validation error: "{problem}"')


def _write(world: World, resource: Resource, method: str, values: Row, row_id: int | None, *, sends_mail: bool) -> int:
    creating = method == "POST"
    if resource.name == "customers":
        effects.refuse_known_email(world, values, row_id)
        if creating:
            effects.complete_new_customer(world, values)
    if resource.name == "order_histories" and creating:
        id_order, id_state = php_int(values["id_order"]), php_int(values["id_order_state"])
        effects.change_order_state(world, id_order, id_state, reuse_payment=False)
    now = world.now_text()
    if resource.has("date_add") and (creating or values.get("date_add") is None):
        values["date_add"] = now
    if resource.has("date_upd"):
        values["date_upd"] = now
    row = {field.name: _stored(world, resource, field, values.get(field.name)) for field in resource.fields}
    if resource.name == "orders":
        row.pop("shipping_number", None)
    if creating:
        row_id = world.store.insert(resource.name, row)
    else:
        assert row_id is not None
        world.store.update(resource.name, row_id, row)
    sent = True
    if sends_mail and resource.name == "order_histories" and creating:
        sent = effects.mail_state(world, row["id_order"], row["id_order_state"])
    if sends_mail and resource.name == "order_carriers" and not creating:
        sent = effects.mail_tracking(world, row_id)
    if not sent:
        raise ApiError(500, 46, "Unable to save resource")
    return row_id


def _stored(world: World, resource: Resource, field: Field, value: Cell) -> Cell:
    if field.i18n:
        return {number: stored_value(field, text, world.dialect) for number, text in (value or {}).items()}
    if field.name == "last_passwd_gen" and value is None:
        # a TIMESTAMP column: NULL becomes now, on the database's own clock (204 customer-after-put-partial)
        return world.utc_text()
    return stored_value(field, value, world.dialect)


def _write_association(world: World, resource: Resource, element: ElementTree.Element, row_id: int) -> None:
    given = element.find("associations")
    association = resource.association
    if given is None:
        return
    for child in given:
        if association is None or child.tag != association.name:
            raise ApiError(400, 86, f'The association "{child.tag}" does not exists')
        if resource.name == "customers":
            groups = [php_int(_text(item.find("id"))) for item in child]
            world.store.set_groups(row_id, [group for group in groups if group])
        elif resource.name == "carts":
            names = [field.name for field in association.fields]
            columns, marks = ", ".join(["id_cart", *names]), ", ".join("?" * (len(names) + 1))
            world.store.execute("DELETE FROM cart_product WHERE id_cart = ?", (row_id,))
            for item in child:
                numbers = [php_int(_text(item.find(name))) for name in names]
                world.store.execute(f"INSERT INTO cart_product ({columns}) VALUES ({marks})", [row_id, *numbers])
        elif resource.name == "order_slip":
            names = [field.name for field in association.fields]
            world.slip_details[row_id] = [{name: _text(item.find(name)) for name in names} for item in child]


def _shipping_number(world: World, row_id: int, values: Row) -> str:
    found = world.store.rows("order_carriers", id_order=row_id)
    return found[0]["tracking_number"] if found else str(values.get("shipping_number") or "")


def delete(world: World, resource: Resource, ids: Sequence[str]) -> None:
    """Delete all of the ids or none of them."""
    missing = [text for text in ids if world.store.get(resource.name, php_int(text)) is None]
    if missing:
        raise ApiError(404, 87, f"Id(s) not exists: {', '.join(missing)}")
    refused = [text for text in ids if not effects.delete_row(world, resource.name, php_int(text))]
    if refused:
        raise ApiError(500, 88, f"Id(s) wasn't deleted: {', '.join(refused)}")


def ids_to_delete(path_id: str, params: dict[str, str]) -> list[str]:
    """`/resource/5` or `?id=[5,6]`."""
    if path_id:
        return [path_id]
    found = re.match(r"^\[?(.*?)\]?$", params.get("id", ""))
    return [part.strip() for part in (found[1] if found else "").split(",") if part.strip()]

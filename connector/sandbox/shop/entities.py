"""Loads rows as the objects that the renderers show: fields, getters and the one association.

No rendering and no writing. An order's rows are its order_details, a thread's messages are the messages that name it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.shop.definitions import Resource
from connector.sandbox.shop.query import Display
from connector.sandbox.shop.world import World


@dataclass
class Entity:
    """One object: `values` by field name (with `id`), `children` of the association, `echo` right after a write
    (`created`: by a POST)."""

    resource: Resource
    values: dict[str, Any]
    children: list[dict[str, Any]] = field(default_factory=list)
    echo: bool = False
    created: bool = False


def load(world: World, resource: Resource, ids: Sequence[int], display: Display) -> list[Entity]:
    """The objects with these ids, in that order; missing ones are left out."""
    if display.minimum:
        return [Entity(resource, {"id": row_id}) for row_id in ids]
    shown = [field.name for field in resource.fields if display.shows(field.name)]
    rows = world.store.get_many(resource.name, ids, shown)
    entities = [Entity(resource, rows[row_id]) for row_id in ids if row_id in rows]
    if resource.name == "orders" and display.shows("shipping_number"):
        _fill_shipping_numbers(world, entities)
    association = resource.association
    if association is not None and display.shows_association(association.name):
        children = children_of(world, resource, [entity.values["id"] for entity in entities])
        for entity in entities:
            entity.children = children.get(entity.values["id"], [])
    return entities


def _fill_shipping_numbers(world: World, entities: list[Entity]) -> None:
    """`orders.shipping_number` is the tracking number of the order's first order_carriers row."""
    ids = [entity.values["id"] for entity in entities]
    found: dict[int, str] = {}
    for row in _in_chunks(world, "SELECT id_order, tracking_number FROM order_carriers WHERE id_order IN", ids):
        found.setdefault(row[0], row[1])
    old_column = world.dialect.number < (8,)
    for entity in entities:
        fallback = (entity.values.get("shipping_number") or "") if old_column else ""
        entity.values["shipping_number"] = found.get(entity.values["id"], fallback)


def _in_chunks(world: World, sql: str, ids: Sequence[int], order: str = "id") -> list[Any]:
    rows: list[Any] = []
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        rows += world.store.query(f"{sql} ({marks}) ORDER BY {order}", part)
    return rows


def children_of(world: World, resource: Resource, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The association's items by owner id."""
    association = resource.association
    children: dict[int, list[dict[str, Any]]] = defaultdict(list)
    if association is None:
        return children
    if resource.name == "customer_threads":
        sql = "SELECT id_customer_thread, id FROM customer_messages WHERE id_customer_thread IN"
        for row in _in_chunks(world, sql, ids):
            children[row[0]].append({"id": row[1]})
    elif resource.name == "customers":
        sql = "SELECT id_customer, id_group FROM customer_group WHERE id_customer IN"
        for row in _in_chunks(world, sql, ids, "id_group"):
            children[row[0]].append({"id": row[1]})
    elif resource.name == "orders":
        names = [spec.name for spec in association.fields]
        columns = ", ".join(f'"{name}"' for name in names)
        for row in _in_chunks(world, f"SELECT id_order, {columns} FROM order_details WHERE id_order IN", ids):
            children[row[0]].append(dict(zip(names, tuple(row)[1:], strict=True)))
    elif resource.name == "carts":
        names = [spec.name for spec in association.fields]
        sql = f"SELECT id_cart, {', '.join(names)} FROM cart_product WHERE id_cart IN"
        for row in _in_chunks(world, sql, ids, "rowid"):
            children[row[0]].append(dict(zip(names, tuple(row)[1:], strict=True)))
    elif resource.name == "order_slip":
        names = [spec.name for spec in association.fields]
        for row_id in ids:
            for item in world.slip_details.get(row_id, []):
                children[row_id].append({name: item.get(name) for name in names})
    elif resource.name == "order_details":
        for row_id, taxed in _in_chunks(world, "SELECT id, id_tax_rules_group FROM order_details WHERE id IN", ids):
            if taxed:
                children[row_id].append({"id": 1})
    return children

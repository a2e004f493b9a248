"""All mappings together: the shipped files, the user's laid over them, and what shows only side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from connector.core.mapping.files import Layers, MappingFileError, MappingText, Mistake, Path
from connector.core.mapping.model import Child, Field, Resource
from connector.core.mapping.reader import read
from connector.core.mapping.viewed import shown_by

NEEDED: dict[str, frozenset[str]] = {
    "configurations": frozenset({"name", "value", "id_shop", "id_shop_group"}),
    "contacts": frozenset({"email", "customer_service"}),
    "customer_messages": frozenset(
        {"id_customer_thread", "id_employee", "message", "private", "user_agent", "date_add"}
    ),
    "customer_threads": frozenset(
        {"email", "token", "status", "id_shop", "id_lang", "id_customer", "id_order", "id_contact", "date_add"}
    ),
    "customers": frozenset({"email", "id_shop", "id_lang", "is_guest", "active", "deleted"}),
    "employees": frozenset({"email", "active"}),
    "languages": frozenset({"iso_code", "active"}),
    "order_carriers": frozenset({"id_order", "id_carrier", "tracking_number"}),
    "order_histories": frozenset({"id_order", "id_order_state", "id_employee"}),
    "order_payments": frozenset({"order_reference"}),
    "order_states": frozenset({"deleted", "invoice", "paid", "shipped", "delivery", "logable", "send_email"}),
    "orders": frozenset(
        {"reference", "current_state", "id_customer", "id_lang", "id_shop", "invoice_number", "total_paid_real"}
    ),
    "shops": frozenset({"active", "deleted"}),
}
"""Resource -> fields of its main table that decisions read (`mirror/lookups.py`, `engine/effects`). Without them a
reply would join no thread and be taken in twice, so they cannot be left out, nor their tables renamed."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A resource and where it comes from. shipped, own: the files, '' where there is none."""

    resource: Resource
    layers: Layers
    shipped: str
    own: str

    def place(self, path: Path) -> tuple[str, int]:
        """File and line of a key, e.g. ("fields", "email") or ("children", "groups", "fields", "id_group")."""
        return self.layers.place(path)


@dataclass(frozen=True, slots=True)
class Mappings:
    """All mappings, by name. left_out: shipped resources that the user does not want, with the file that says so."""

    mapped: tuple[Mapped, ...]
    left_out: dict[str, str]
    mistakes: tuple[Mistake, ...] = ()

    @property
    def resources(self) -> list[Resource]:
        return [one.resource for one in self.mapped]

    def of(self, name: str) -> Mapped | None:
        return next((one for one in self.mapped if one.resource.name == name), None)

    def place_of(self, table: str, column: str = "") -> tuple[str, int]:
        """File and line of what makes a table, or a column of it; ('', 0) when no mapping does."""
        for one in self.mapped:
            path = next((path for path, name in tables_of(one.resource) if name == table), None)
            if path is None:
                continue
            inner = ("fields",) if path == ("table",) else path if path == ("lang",) else (*path[:2], "fields")
            for where, item in fields_of(one.resource):
                if where[:-1] == inner and column in (item.name, f"{item.name}_local"):
                    return one.place(where)
            return one.place(path)
        return "", 0


def combine(shipped: Sequence[MappingText], own: Sequence[MappingText] = ()) -> Mappings:
    """Lay the user's files over the shipped ones. Never raises: what is wrong stands in `mistakes`."""
    ours, theirs = ({text.resource: text for text in texts} for texts in (shipped, own))
    mapped: list[Mapped] = []
    left_out: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for name in sorted(ours.keys() | theirs.keys()):
        try:
            one = _one(ours.get(name), theirs.get(name))
        except MappingFileError as error:
            mistakes += error.mistakes
            continue
        if one.layers.data.get("enabled", True):
            mapped.append(one)
        else:
            left_out[name] = one.layers.file
    mapped = [replace(one, resource=_pointing_at_mapped(one.resource, left_out)) for one in mapped]
    if not mistakes:
        places = {one.resource.name: one.place for one in mapped}
        # The user's files last: of two that want one table, theirs is the one to change.
        by_owner = sorted(mapped, key=lambda one: bool(one.own))
        mistakes = check([one.resource for one in by_owner], lambda name, path: places[name](path))
    return Mappings(tuple(mapped), left_out, tuple(mistakes))


def _one(shipped: MappingText | None, own: MappingText | None) -> Mapped:
    layers = Layers([text for text in (shipped, own) if text is not None])
    if shipped is None or own is None:
        resource = read(layers)
    else:
        before = read(Layers([shipped]))
        resource = read(layers, lambda after: [*_changed(before, after, layers), *_missed(before, after, layers)])
        resource = _marked(before, resource)
    return Mapped(resource, layers, shipped.file if shipped else "", own.file if own else "")


def _changed(before: Resource, after: Resource, layers: Layers) -> Iterator[Mistake]:
    """A column holds values of one type and one origin, whatever reads it; another value needs another column."""
    old = dict(fields_of(before))
    for path, item in fields_of(after):
        was = old.get(path)
        if was is None:
            continue
        source = f" from {was.origin}" if was.origin else ""
        if item.type != was.type:
            text = f"{item.name} is a {was.type} in the shipped mapping and stays one; for the value as {item.type} "
            yield layers.mistake(path, text + f'add a column: {item.name}_{item.type} = "{item.type} from {was.key}"')
        elif item.origin != was.origin:
            text = f'{item.name} is "{was.type}{source}" in the shipped mapping; '
            yield layers.mistake(path, text + "add a column of another name for another value")


def _missed(before: Resource, after: Resource, layers: Layers) -> Iterator[Mistake]:
    for _, name in sorted(path for path in layers.left_out if len(path) == 2 and path[0] == "fields"):
        view = shown_by(before.table, name)
        if view is not None and name not in NEEDED.get(before.name, ()):
            yield layers.mistake(("fields", name), f"the view {view} shows {before.name}.{name}; remove the line")
    needed = NEEDED.get(before.name)
    if needed is None:
        return
    for name in sorted(needed):
        if ("fields", name) in layers.left_out:
            yield layers.mistake(("fields", name), f"the program itself reads {before.name}.{name}; remove the line")
    if after.table != before.table:
        yield layers.mistake(("table",), f"the program itself reads the table {before.table}; remove the line")
    if layers.data.get("enabled") is False:
        yield layers.mistake(("enabled",), f"the program itself reads {before.name}; remove the line")


def _marked(before: Resource, after: Resource) -> Resource:
    """What is shipped as personal data stays marked so, also where the user's line forgets it."""
    personal = {path for path, item in fields_of(before) if item.personal}
    return _each_field(after, lambda path, item: replace(item, personal=True) if path in personal else item)


def _pointing_at_mapped(resource: Resource, left_out: Iterable[str]) -> Resource:
    """Ids of a resource that the user left out point nowhere."""
    return _each_field(resource, lambda _, item: replace(item, target="") if item.target in left_out else item)


def _each_field(resource: Resource, change: Callable[[Path, Field], Field]) -> Resource:
    def over(items: tuple[Field, ...], *path: str) -> tuple[Field, ...]:
        return tuple(change((*path, item.name), item) for item in items)

    children = tuple(
        Child(child.association, child.table, over(child.fields, "children", child.association, "fields"))
        for child in resource.children
    )
    fields, lang = over(resource.fields, "fields"), over(resource.lang, "lang")
    return replace(resource, fields=fields, lang=lang, children=children)


def fields_of(resource: Resource) -> Iterator[tuple[Path, Field]]:
    """Every field with its place in the file."""
    for item in resource.fields:
        yield ("fields", item.name), item
    for item in resource.lang:
        yield ("lang", item.name), item
    for child in resource.children:
        for item in child.fields:
            yield ("children", child.association, "fields", item.name), item


def tables_of(resource: Resource) -> Iterator[tuple[Path, str]]:
    """Every table that a resource makes, with the key that names it."""
    yield ("table",), resource.table
    if resource.lang:
        yield ("lang",), f"{resource.table}_lang"
    for child in resource.children:
        yield ("children", child.association, "table"), child.table


def check(resources: Sequence[Resource], place: Callable[[str, Path], tuple[str, int]] | None = None) -> list[Mistake]:
    """Mistakes that show only when all mappings lie side by side: tables taken twice, what leads nowhere.

    place: resource and key -> file and line; without it the mistakes name the file only."""
    mistakes: list[Mistake] = []
    owner: dict[str, str] = {}
    names = {resource.name for resource in resources}
    tables = {resource.table for resource in resources}

    def wrong(resource: Resource, path: Path, text: str) -> None:
        where = place(resource.name, path) if place else (resource.source or f"{resource.name}.toml", 0)
        mistakes.append(Mistake(*where, text))

    for resource in resources:
        if sum(other.name == resource.name for other in resources) > 1:
            wrong(resource, (), f"the resource {resource.name} is mapped twice")
        for path, table in tables_of(resource):
            if table in owner:
                wrong(resource, path, f"the table {table} is also made by {owner[table]}; expected a name of its own")
            owner.setdefault(table, resource.source or resource.name)
        for sweep in resource.sweeps:
            path = ("sweeps", sweep.field)
            if sweep.ids_of and sweep.ids_of not in tables:
                text = f"the sweep of {sweep.field} takes its values from {sweep.ids_of}, which is not mapped"
                wrong(resource, path, text)
            if sweep.through and sweep.through[1] not in names:
                wrong(
                    resource, path, f"the sweep of {sweep.field} goes through {sweep.through[1]}, which is not mapped"
                )
        for path, item in fields_of(resource):
            if item.target and item.target not in names:
                wrong(resource, path, f"{item.name} points to {item.target}, which is not mapped")
    return mistakes

"""A mapping file made from what the shop says of a resource: pure rules, each to be overruled by who reads the file.

Types come from the shop's validators, from names where it tells none, and are tried on a few rows: a type that one of
them does not fit gives way to a wider one. `suggest` writes the text; the words for each line's doubts stand behind it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from connector.core.exchange import Record
from connector.core.mapping import MIRRORS_OWN, SECRETS, Child, Field, Resource, Type, tables_of
from connector.core.schema import Association, Schema, SchemaField
from connector.core.values import BadValueError, value_of

SMALL = 1000
"""Rows up to which a resource without date_upd is simply read whole each time."""

_FORMATS: dict[str, Type] = {
    **dict.fromkeys(("isUnsignedId", "isNullOrUnsignedId"), "ref"),
    **dict.fromkeys(("isInt", "isUnsignedInt"), "int"),
    "isBool": "bool",
    **dict.fromkeys(("isPrice", "isNegativePrice", "isFloat", "isUnsignedFloat", "isOptFloat"), "decimal"),
    "isPercentage": "decimal",
    **dict.fromkeys(("isDate", "isDateFormat", "isDateOrNull"), "datetime"),
    "isBirthDate": "date",
}
"""PrestaShop's validators (classes/Validate.php, all versions) -> type; any other is text."""

_WIDER: dict[Type, Type] = {"ref": "int", "bool": "int", "int": "decimal", "decimal": "text"}
_WIDER |= {"date": "datetime", "datetime": "text"}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(_DAY.pattern + r" \d{2}:\d{2}:\d{2}")
_AMOUNT = re.compile(r"-?\d+\.\d{6}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

_PERSONAL = frozenset({
    "address", "address1", "address2", "alias", "birthday", "card", "city", "comment", "company", "dni",
    "email", "fax", "firstname", "iban", "ip", "lastname", "mail", "message", "mobile", "note", "other",
    "phone", "postcode", "question", "referer", "siret", "signature", "token", "tracking", "transaction", "vat",
    "website",
})  # fmt: skip
_PERSONS = frozenset({"customer", "employee", "guest", "recipient", "sender", "user", "owner", "holder"})
_SECRET = frozenset({"passwd", "password", "pwd", "secret", "salt"})

_TARGETS = {
    "id_lang": "languages",
    "id_default_group": "groups",
    "id_category_default": "categories",
    "id_address_delivery": "addresses",
    "id_address_invoice": "addresses",
    "id_product_attribute": "combinations",
}
"""Ids whose name does not tell the resource; others are `id_<singular>` or `<singular>_id`."""

_PER_SHOP = frozenset({
    "carriers", "categories", "combinations", "contacts", "content_management_system", "countries",
    "currencies", "employees", "groups", "languages", "manufacturers", "product_feature_values",
    "product_features", "product_option_values", "product_options", "products", "stores", "suppliers",
    "tax_rule_groups", "zones",
})  # fmt: skip
"""Resources that a multistore lists for one shop only: those with a `<table>_shop` beside (Shop::init)."""


def sounds_personal(name: str, kind: Type) -> bool:
    """Does a field of this name tell of a person? Ids and amounts are not marked, as in the shipped mappings."""
    if kind not in ("text", "date"):
        return False
    words = name.split("_")
    return bool(_PERSONAL & set(words)) or ("name" in words and bool(_PERSONS & set(words)))


def sounds_secret(name: str) -> bool:
    """Passwords, and keys that open something."""
    return name in SECRETS or bool(_SECRET & set(name.split("_"))) or name.endswith("_key")


def target_of(item: SchemaField, resources: Collection[str]) -> str:
    """The resource whose id a field holds, '' when it is none of these."""
    words = item.name.split("_")
    singular = "_".join(words[1:] if words[0] == "id" else words[:-1] if words[-1] == "id" else ())
    guess = _TARGETS.get(item.name) or (_plural(singular) if singular else "")
    target = item.link or guess
    return target if target in resources else ""


def type_of(item: SchemaField, values: Sequence[object] = ()) -> Type:
    """The type of a field by its format or else its name, that fits all values seen."""
    told = [value for value in values if isinstance(value, str | int) and value not in ("", "0", 0)]
    kind: Type = _FORMATS.get(item.format, "text") if item.format else _by_name(item.name, told)
    if kind in ("ref", "int"):
        # The validators are mixed up: orders.round_mode is isUnsignedId in 9.0, employees.id_lang isUnsignedInt.
        kind = "ref" if _is_id(item) else "int"
    if kind == "datetime" and told and all(_DAY.fullmatch(str(value)) for value in told):
        kind = "date"
    while kind != "text" and not all(_fits(kind, value) for value in values):
        kind = _WIDER[kind]
    return kind


def _by_name(name: str, told: Sequence[str | int]) -> Type:
    words = name.split("_")
    if words[0] == "id" or words[-1] == "id":
        return "ref"
    if words[0] == "date" or words[-1] == "date":
        return "datetime"
    if words[-1] in ("quantity", "position"):
        return "int"
    if name in ("active", "deleted"):
        return "bool"
    if told and all(_MOMENT.fullmatch(str(value)) for value in told):
        return "datetime"
    return "decimal" if told and all(_AMOUNT.fullmatch(str(value)) for value in told) else "text"


def _is_id(item: SchemaField) -> bool:
    words = item.name.split("_")
    return bool(item.link) or words[0] == "id" or words[-1] == "id"


def _fits(kind: Type, value: object) -> bool:
    try:
        value_of(Field("x", kind), value)
    except BadValueError:
        return False
    return True


def _plural(word: str) -> str:
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes")) else word.removesuffix("s")


def _id_column(of: Association) -> str:
    name = f"id_{_singular(of.resource)}" if of.resource else "id_row"
    return "id_row" if any(other.name == name for other in of.fields) else name


def to_look_at(resource: str, schema: Schema) -> Resource:
    """A makeshift mapping under which a few rows can be read, to try types on them."""
    lang = tuple(Field(item.name, "text") for item in schema.fields if item.i18n)
    children = tuple(Child(one.name, one.name, ()) for one in schema.associations)
    return Resource(resource, resource, "id", (), lang=lang, children=children)


@dataclass(frozen=True, slots=True)
class Known:
    """What a suggestion is made from besides the schema.

    mapped: all mappings in force. served: every resource that the shop names. rows: a few of the resource's. small: it
    has at most SMALL rows. prestashop: the version, for the first line.
    """

    mapped: Sequence[Resource]
    served: Collection[str] = ()
    rows: Sequence[Record] = ()
    small: bool = False
    prestashop: str = ""


def suggest(resource: str, schema: Schema, known: Known) -> str:
    """The text of a mapping file: of the whole resource, or of what an existing mapping lacks; '' if it lacks nothing.

    What is left out stands in comments, with the reason."""
    before = next((one for one in known.mapped if one.name == resource), None)
    return _Text(resource, schema, known).missing(before) if before else _Text(resource, schema, known).whole()


class _Text:
    def __init__(self, resource: str, schema: Schema, known: Known) -> None:
        self.resource, self.schema, self.known = resource, schema, known
        self.targets = {*(one.name for one in known.mapped), resource}
        self.tables = {name for one in known.mapped if one.name != resource for _, name in tables_of(one)}

    def whole(self) -> str:
        plain = [item for item in self.schema.fields if not item.i18n]
        lang = [item for item in self.schema.fields if item.i18n]
        children = [line for one in self.schema.associations for line in self.child(one)]
        title = f"# {self.resource} as PrestaShop {self.known.prestashop} describes it. Leave out what nobody needs."
        lines = [title, self.pull()]
        if self.resource in self.tables:
            lines.append(f'table = "{self.resource}_all" # {self.resource} is a table of another mapping')
        if self.resource in _PER_SHOP:
            lines.append("per_shop = true # a multistore lists the rows of one shop only")
        if "configuration" in self.resource:
            lines.append('only = { name = ["PS_SHOP_NAME"] } # settings by name only: passwords lie among them')
        elif any(sounds_secret(item.name) for item in plain) and not any(line.startswith("[") for line in children):
            lines.append("display = true # ask by name, so that the secrets below never leave the shop")
        lines += ["", "[fields]", *self.fields(plain, "main")]
        if lang:
            lines += ["", "[lang]", *self.fields(lang, "lang")]
        return "\n".join([*lines, *children, ""])

    def missing(self, before: Resource) -> str:
        have = {item.key for item in (*before.fields, *before.lang)}
        plain = [item for item in self.schema.fields if item.name not in have and not item.i18n]
        lang = [item for item in self.schema.fields if item.name not in have and item.i18n]
        lines = []
        for heading, items, place in (("fields", plain, "main"), ("lang", lang, "lang")):
            if items:
                lines += ["", f"[{heading}]", *self.fields(items, place)]
        by_name = {child.association: child for child in before.children}
        for one in self.schema.associations:
            child = by_name.get(one.name)
            if child is None:
                lines += self.child(one, reason="display = true brings no associations" if before.display else "")
                continue
            new = [item for item in one.fields if item.name not in {old.key for old in child.fields}]
            if new:
                lines += ["", f"[children.{one.name}.fields]", *self.fields(new, "child", one)]
        if not any(line and not line.startswith(("#", "[")) for line in lines):
            return ""
        title = f"# What PrestaShop {self.known.prestashop} has of {self.resource} and the mapping lacks."
        return "\n".join([title, *lines, ""])

    def pull(self) -> str:
        date = self.schema.field("date_upd")
        if date is not None and date.filterable and not date.i18n and type_of(date) == "datetime":
            return 'pull = "delta" # it has date_upd'
        why = "no date_upd" if date is None else "its date_upd cannot be filtered by"
        if self.known.small:
            return f'pull = "snapshot" # {why}, and at most {SMALL} rows; take "id" when they grow many'
        return f'pull = "id" # {why}: new rows only, changes of old ones are not noticed (see sweeps)'

    def fields(self, items: Sequence[SchemaField], place: str, of: Association | None = None) -> Iterator[str]:
        for item in items:
            if sounds_secret(item.name):
                yield f"# {item.name}: sounds like a secret of the shop"
            elif not _NAME.fullmatch(item.name):
                yield f"# {item.name}: no name for a column"
            else:
                yield self.one_field(item, place, of)

    def one_field(self, item: SchemaField, place: str, of: Association | None) -> str:
        name, origin, target = item.name, "", target_of(item, self.targets)
        kind: Type = "text" if place == "lang" else type_of(item, self.seen(item.name, of))
        if of is not None and name == "id":
            name, kind, target = _id_column(of), "ref", of.resource if of.resource in self.targets else ""
            origin = " from id"
        elif name in MIRRORS_OWN[place]:
            name, origin = f"row_{name}", f" from {name}"
        personal = " personal" if sounds_personal(item.name, kind) else ""
        to = f" to {target}" if target and kind == "ref" else ""
        doubt = "" if item.format or place != "main" or kind != "text" else " # the shop tells no type"
        return f'{name} = "{kind}{personal}{origin}{to}"{doubt}'

    def seen(self, name: str, of: Association | None) -> list[object]:
        """The values of a field in the rows that were looked at."""
        rows: list[Record] = list(self.known.rows)
        if of is not None:
            rows = [item for row in rows for item in row.get("associations", {}).get(of.name, ())]
        return [row[name] for row in rows if isinstance(row.get(name), str | int)]

    def child(self, one: Association, reason: str = "") -> Iterator[str]:
        other = next((other for other in self.known.mapped if other.name == one.resource), None)
        back = next((item for item in other.fields if item.target == self.resource), None) if other else None
        if back is not None and other is not None:
            reason = f"{other.name}.{back.name} tells it already"
        yield ""
        fields = list(self.fields(one.fields, "child", one))
        if reason or not _NAME.fullmatch(one.name) or not any(not line.startswith("#") for line in fields):
            yield f"# {one.name}: {reason or 'the shop names no fields of it'}"
            return
        if one.name in self.tables or one.name in self.targets or one.name in self.known.served:
            yield f"[children.{one.name}]"
            yield f'table = "{self.resource}_{one.name}"'
        yield f"[children.{one.name}.fields]"
        yield from fields

"""What is personal in what we keep, and what is left of it when a person is erased. Decides; touches nothing.

The mappings say which columns are personal. An erased row keeps its id and all that does not tell of a person, so that
sums, references and the comparison with the shop stay right.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connector.core.mapping import Field, Resource, Row
from connector.core.model import IntentState

ERASED = "[erased]"
"""What stands for a personal text whose being there is looked at (a sweep asks the shop which rows have one)."""

MARK = "erased:"
"""What a ledger row's sender begins with once the mail is erased; the keyed hash of the address follows."""

UNDER_WAY = frozenset({IntentState.PLANNED, IntentState.SENDING, IntentState.IN_DOUBT, IntentState.CONFLICT})
"""Intents whose content is still needed: to be sent, looked up or decided on."""

_KEPT_TEXTS = frozenset({"status", "lang", "mailbox", "folder", "mail", "kind", "origin", "stored", "current_state"})


def folded(address: str) -> str:
    """The form in which addresses are compared."""
    return address.strip().casefold()


def address_hash(secret: str, address: str) -> str:
    """64 hex digits that tell an address again and nothing of it without the instance secret."""
    return hmac.new(secret.encode(), f"person\0{folded(address)}".encode(), hashlib.sha256).hexdigest()


def blank(resource: Resource, one: Field, value: object) -> object:
    """What an erased row has in a personal column."""
    if one.type != "text" or value is None:
        return None
    watched = any(sweep.field == one.name and sweep.filled for sweep in resource.sweeps)
    return ERASED if watched and value else ""


def _without(resource: Resource, fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(values)
    for one in fields:
        if one.personal and one.name in changed:
            changed[one.name] = blank(resource, one, changed[one.name])
            if f"{one.name}_local" in changed:
                changed[f"{one.name}_local"] = None
    return changed


def without_person(resource: Resource, row: Row) -> Row:
    """The row with every personal column empty. The digest stays the shop's: the row is up to date."""
    return replace(
        row,
        values=_without(resource, resource.fields, row.values),
        langs=tuple(_without(resource, resource.lang, part) for part in row.langs),
        children={
            child.table: tuple(_without(resource, child.fields, part) for part in row.children.get(child.table, ()))
            for child in resource.children
            if child.table in row.children
        },
    )


def is_personal(resource: Resource) -> bool:
    """Does the mapping mark any column of it?"""
    parts = (resource.fields, resource.lang, *(child.fields for child in resource.children))
    return any(one.personal for fields in parts for one in fields)


def without_texts(value: Any, name: str = "") -> Any:  # noqa: ANN401 - JSON
    """JSON with every text emptied but those that steer; numbers, yes and no stay."""
    if isinstance(value, str):
        return value if name in _KEPT_TEXTS else ""
    if isinstance(value, dict):
        return {key: without_texts(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [without_texts(part, name) for part in value]
    return value


@dataclass(slots=True)
class Holdings:
    """What the mirror holds about one person in one shop, by ids.

    addresses: casefolded. rows: resource -> ids. drafts and files are counted by whoever has them.
    """

    shop: str
    addresses: frozenset[str] = frozenset()
    rows: dict[str, set[int]] = field(default_factory=dict)
    mails: list[int] = field(default_factory=list)
    intents: list[int] = field(default_factory=list)
    quarantined: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (any(self.rows.values()) or self.mails or self.intents or self.quarantined)

    def counts(self) -> dict[str, int]:
        """For people and the journal."""
        found = {name: len(ids) for name, ids in sorted(self.rows.items()) if ids}
        more = {"mails": self.mails, "intents": self.intents, "quarantined_rows": self.quarantined}
        return found | {name: len(ids) for name, ids in more.items() if ids}


_IN_ADDRESS = re.compile(r"[\w.+=~-]")
_GOES_ON = re.compile(r"[\w-]|\.\w")  # a full stop may end the sentence
_POINTERS = {"id_thread": "customer_threads", "id_order": "orders", "id_customer": "customers"}
_POINTERS["id_message"] = "customer_messages"
_GROUPS = {"thread": "customer_threads", "order": "orders", "order-thread": "orders", "customer": "customers"}


def concerns(
    holdings: Holdings, mails: Collection[int], *, group: str, copy_id: int | None, payload: Mapping[str, Any]
) -> bool:
    """Is an intent about the person: one of their mails, threads, orders or accounts, or a text with their address?"""
    kind, _, number = group.partition(":")
    if kind in _GROUPS and number.isdecimal() and int(number) in holdings.rows.get(_GROUPS[kind], ()):
        return True
    if copy_id is not None and copy_id in mails:
        return True
    for name, resource in _POINTERS.items():
        if payload.get(name) and payload[name] in holdings.rows.get(resource, ()):
            return True
    return mentions(json.dumps(payload, ensure_ascii=False), holdings.addresses)


def mentions(text: str, addresses: Collection[str]) -> bool:
    """Does a text name one of these addresses as a whole? `joann@...` does not name `ann@...`."""
    written = text.casefold()
    for address in addresses:
        start = written.find(address) if "@" in address else -1
        while start >= 0:
            before, after = written[start - 1 : start], written[start + len(address) :][:2]
            if not _IN_ADDRESS.match(before) and not _GOES_ON.match(after):
                return True
            start = written.find(address, start + 1)
    return False

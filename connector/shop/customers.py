"""A customer's groups, changed so that nothing else of the customer can be lost unseen.

Every key with a right on customers may read and overwrite their password hash and secure_key, and a write can empty
them: 9.0 erases secure_key with any PUT (PrestaShop #42206, recording 198). So both are read before a write and
compared after it, in memory only: they are never stored, logged or shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from connector.core.model import CustomerFacts
from connector.engine.ports import Record
from connector.errors import ShopDamaged, ShopOutcomeUnknown, ShopRejected, ShopUnavailable
from connector.shop.codec import Shape
from connector.shop.dialect import Dialect
from connector.shop.writing import Writer

_WITH_GROUPS = Shape(children=frozenset({"groups"}))


class ReadRow(Protocol):
    """A single row, None if there is none. Asked for singly: a list would hide customers of another shop of a
    multistore."""

    def __call__(self, resource: str, row_id: int, shape: Shape) -> Record | None: ...


@dataclass(frozen=True, slots=True)
class _Kept:
    password: str = field(repr=False)
    secure_key: str = field(repr=False)
    groups: frozenset[int]


class Customers:
    """One shop's. May be used by several threads at once, each with customers of its own."""

    def __init__(self, row: ReadRow, writer: Writer, dialect: Callable[[], Dialect]) -> None:
        self._row = row
        self._writer = writer
        self._dialect = dialect
        self._doubtful: dict[int, _Kept] = {}

    def facts(self, customer_id: int) -> CustomerFacts | None:
        """Compares as after a write when the answer to one was lost. Raises ShopDamaged."""
        row = self._row("customers", customer_id, _WITH_GROUPS)
        if row is None:
            return None
        before = self._doubtful.get(customer_id)
        if before is not None:
            _compare(customer_id, before, row)
        return CustomerFacts(customer_id, _number(row.get("id_default_group")), _groups(row))

    def set_groups(
        self, customer_id: int, add: Collection[int], remove: Collection[int], allow_put: bool
    ) -> tuple[str, ...]:
        """Put into groups and take out of others; those not named stay. Returns the old fields that had to be mended.

        allow_put: where there is no PATCH the whole customer is sent back.
        Raises ShopRejected (`shop.customer_put_not_allowed` among others), ShopOutcomeUnknown, ShopDamaged."""
        if not self._dialect().has_patch and not allow_put:
            raise ShopRejected("shop.customer_put_not_allowed", resource="customers")
        row = self._row("customers", customer_id, _WITH_GROUPS)
        if row is None:
            raise ShopRejected("shop.row_missing", resource="customers", id=customer_id)
        wanted = (_groups(row) | set(add)) - set(remove)
        before = _kept(row, _groups(row) - set(remove))
        self._doubtful[customer_id] = before
        try:
            mended = self._writer.set("customers", "customer", customer_id, [], row=row, groups=sorted(wanted))
        except (ShopRejected, ShopUnavailable):  # nothing was written
            del self._doubtful[customer_id]
            raise
        after = self._row("customers", customer_id, _WITH_GROUPS)
        _compare(customer_id, before, after)
        if after is None or _groups(after) != wanted:  # somebody else changed them, or nothing was written
            raise ShopOutcomeUnknown("shop.groups_differ", resource="customers", id=customer_id)
        del self._doubtful[customer_id]
        return mended


def _kept(row: Record, groups: frozenset[int]) -> _Kept:
    return _Kept(str(row.get("passwd", "")), str(row.get("secure_key", "")), groups)


def _compare(customer_id: int, before: _Kept, row: Record | None) -> None:
    """groups of `before`: those that must still be there."""
    if row is None:
        raise ShopDamaged("shop.customer_damaged", id=customer_id, lost="all")
    after = _kept(row, _groups(row))
    lost = [name for name in ("password", "secure_key") if getattr(before, name) != getattr(after, name)]
    if not before.groups <= after.groups:
        lost.append("groups")
    if lost:
        raise ShopDamaged("shop.customer_damaged", id=customer_id, lost=", ".join(lost))


def _groups(row: Record) -> frozenset[int]:
    return frozenset(_number(item.get("id")) for item in row["associations"]["groups"])


def _number(value: object) -> int:
    text = str(value or "0")
    return int(text) if text.isascii() and text.isdigit() else 0

"""The story of a person or of orders: who it is, and what happened, the newest first. Reads only.

Works with whatever is mapped: what is not mirrored has no entries. Values are plain, fit for JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from connector.core.storedtext import readable
from connector.core.timeline import KINDS, Mark
from connector.mirror.database import Database
from connector.mirror.rows import folded
from connector.mirror.story_details import Details, Entry, plain
from connector.mirror.story_header import of_orders, of_person
from connector.mirror.story_sources import About, Sources, Span
from connector.mirror.tables import MirroredTables


class SqlStory:
    """languages, everywhere: ids, in the order in which names of states and groups are wanted; empty: the lowest."""

    def __init__(self, database: Database, tables: MirroredTables) -> None:
        self._db = database
        self._tables = tables

    def person(self, shop: str, who: int | str) -> About | None:
        """Whom an id or an address means: of an id everything that its address has, too. None: nobody, and nothing of
        this address."""
        about = About(shop, customer=who) if isinstance(who, int) else About(shop, email=folded(who) or "")
        with self._db.read() as connection:
            people = self._tables.main.get("customers")
            if isinstance(who, int):
                if people is None or "email_key" not in people.c:
                    return None
                query = select(people.c.email_key).where(people.c.shop == shop, people.c.id == who)
                found = connection.execute(query).first()
                return None if found is None else replace(about, email=found.email_key or "")
            return about if about.email and self._has_anything(connection, about) else None

    def orders(self, shop: str, order: int | str) -> About | None:
        """The order with this id, or all orders of one reference (PrestaShop splits a cart into several)."""
        table = self._tables.main.get("orders")
        if table is None or "reference" not in table.c:
            return None
        which = table.c.id == order if isinstance(order, int) else table.c.reference == order
        with self._db.read() as connection:
            query = select(table.c.id).where(table.c.shop == shop, which)
            found = tuple(sorted(connection.execute(query).scalars()))  # sorted by SQLite it would be by no index
        return About(shop, orders=found) if found else None

    def header(self, about: About, languages: Sequence[int | None] = ()) -> Entry:
        """See `story_header`."""
        with self._db.read() as connection:
            details = Details(connection, self._tables, about.shop, languages)
            make = of_orders if about.orders else of_person
            return make(connection, self._tables, Sources(self._tables, about), details)

    def entries(
        self,
        about: About,
        languages: Sequence[int | None] = (),
        *,
        kinds: Sequence[str] = KINDS,
        span: Span | None = None,
        limit: int = 50,
    ) -> tuple[list[Entry], Mark | None]:
        """A page of the stream, and the mark after which the next one begins (None: there is no more).

        Every entry has kind, id, at (UTC ISO text; None without a date, or while the shop's zone is unknown), local
        (the shop's text, None where the mirror has none) and, by kind:
          order     reference, state, valid, total_paid, currency, payment, id_customer, id_order
          shipment  id_order, reference, carrier, tracking_number, link (None where the carrier has no page)
          payment   reference, amount, currency, payment_method, transaction_id, employee
          state     id_order, reference, state, id_order_state, employee
          invoice   id_order, reference, number, amount, currency
          slip      id_order, reference, amount (goods and shipping with tax), currency
          return    id_order, reference, question, state (number of the return's state)
          note      id_order, reference, text, employee
          message   id_thread, text, by (customer, employee, program), employee, customer, email (the thread's),
                    private, automatic (None, else what kind: auto_reply, list, auto_generated, bounce, rule, fallback),
                    sent_from (the address, when it was not the customer's), file_name, files, came_back, erased
          thread    id_thread, was, became, origin (ours, shop): a status that was seen to change, at is when
          mail      mailbox, folder, from_addr, subject, reason, id_thread, suggested, retry_at
          bounce    id_thread, id_message, action, status
        """
        span = span or Span()
        with self._db.read() as connection:
            sources = Sources(self._tables, about)
            keys = sources.keys(kinds, span, limit + 1)
            newest = [] if keys is None else connection.execute(keys).all()
            found = [Mark(row.moment, KINDS[row.rank], row.number) for row in newest]
            mark = found[limit - 1] if len(found) > limit else None
            page = self._page(connection, sources, found[:limit])
            Details(connection, self._tables, about.shop, languages).complete(page)
        return [{name: plain(value) for name, value in one.items()} for one in page], mark

    def _page(self, connection: Connection, sources: Sources, marks: Sequence[Mark]) -> list[Entry]:
        rows: dict[tuple[str, int], Entry] = {}
        for kind in {mark.kind for mark in marks}:
            numbers = [mark.id for mark in marks if mark.kind == kind]
            for row in connection.execute(sources.rows(kind, numbers)).mappings():
                rows[kind, row["row_id"]] = _entry(kind, dict(row))
        return [rows[mark.kind, mark.id] for mark in marks]

    def _has_anything(self, connection: Connection, about: About) -> bool:
        sources = Sources(self._tables, about)
        asked = [one for one in (sources.accounts(), sources.threads()) if one is not None]
        if any(connection.execute(one.limit(1)).first() is not None for one in asked):
            return True
        mails = sources.keys(("mail",), Span(), 1)
        return mails is not None and connection.execute(mails).first() is not None


def _entry(kind: str, row: dict[str, Any]) -> Entry:
    """A row under the names that a reader meets."""
    one: Entry = {"kind": kind, "id": row.pop("row_id"), **row}
    if kind == "order":
        one["id_order"] = one["id"]
    elif kind == "payment":
        one["reference"] = one.pop("order_reference")
    elif kind == "invoice":
        one["amount"] = one.pop("total_paid_tax_incl")
    elif kind == "slip":
        one["amount"] = _refunded(one)
    elif kind == "note":
        one["text"] = readable(one.pop("message") or "")
    elif kind == "message":
        one["id_thread"], one["text"] = one.pop("id_customer_thread"), readable(one.pop("message") or "")
    return one


def _refunded(slip: Entry) -> Decimal:
    """Goods and shipping with tax. Slips of 1.6 may have the older two columns only."""
    parts = [slip.pop(name) or Decimal(0) for name in ("total_products_tax_incl", "total_shipping_tax_incl")]
    older = [slip.pop(name) or Decimal(0) for name in ("amount", "shipping_cost_amount")]
    return sum(parts, Decimal(0)) or sum(older, Decimal(0))

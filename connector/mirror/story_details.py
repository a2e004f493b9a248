"""What a page of a story names: states, employees, carriers, customers, references, and what our own tables add.

Each look asks for exactly the ids of one page. Values are plain, fit for JSON; money is text with six places.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, func, select

from connector.core.model import Kind
from connector.core.timeline import named, tracking_link
from connector.mirror.dialect import in_batches
from connector.mirror.own_tables import attachment, bounce, erased_row, mail
from connector.mirror.own_tables import intent as intents
from connector.mirror.story_sources import column
from connector.mirror.tables import MirroredTables

Entry = dict[str, Any]

_AUTOMATIC = "_filed"  # ends the ledger's reason for mail that a machine wrote (core.reconcile)
_FOREIGN = "foreign_sender_by_"
_BY_MACHINE = ("rule", "fallback")


class Details:
    """Looks up what entries of one shop name. languages: ids, in the order in which a text in them is wanted."""

    def __init__(
        self, connection: Connection, tables: MirroredTables, shop: str, languages: Sequence[int | None]
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._shop = shop
        self._languages = languages

    # --- names ----------------------------------------------------------------------------------------------------

    def names(self, table_name: str) -> dict[int, str | None]:
        """Names of order states, groups or contacts, in the first wanted language that has one."""
        table = self._tables.lang.get(table_name)
        if table is None or "name" not in table.c:
            return {}
        found: dict[int, dict[int, str | None]] = {}
        query = select(table.c.id, table.c.id_lang, table.c.name).where(table.c.shop == self._shop)
        for row in self._connection.execute(query):
            found.setdefault(row.id, {})[row.id_lang] = row.name
        return {number: named(texts, *self._languages) for number, texts in found.items()}

    def rows(self, table_name: str, names: Iterable[str], ids: Iterable[int | None]) -> dict[int, Any]:
        """Rows by id, those that there are; a column that is not mirrored is None."""
        table = self._tables.main.get(table_name)
        wanted = sorted({number for number in ids if number})
        found: dict[int, Any] = {}
        if table is None:
            return found
        for some in in_batches(wanted):
            query = select(*(column(table, name) for name in ("id", *names)))
            query = query.where(table.c.shop == self._shop, table.c.id.in_(some))
            found.update((row.id, row) for row in self._connection.execute(query))
        return found

    def people(self, table_name: str, ids: Iterable[int | None]) -> dict[int, str | None]:
        """Full names of employees or customers."""
        found = self.rows(table_name, ("firstname", "lastname", "email"), ids)
        return {i: " ".join(filter(None, (row.firstname, row.lastname))) or row.email for i, row in found.items()}

    def currencies(self, ids: Iterable[int | None]) -> dict[int, str | None]:
        return {i: row.iso_code for i, row in self.rows("currencies", ("iso_code",), ids).items()}

    # --- entries --------------------------------------------------------------------------------------------------

    def complete(self, entries: Sequence[Entry]) -> None:
        """Put into the entries of a page what they name by an id."""
        orders = self.rows("orders", ("reference", "id_currency"), (one.get("id_order") for one in entries))
        of_orders = [row.id_currency for row in orders.values()]
        currencies = self.currencies([*of_orders, *(one.get("id_currency") for one in entries)])
        staff = self.people("employees", (one.get("id_employee") for one in entries))
        states = self.names("order_states") if any(one["kind"] in ("order", "state") for one in entries) else {}
        carriers = self.rows("carriers", ("name", "url"), (one.get("id_carrier") for one in entries))
        for one in entries:
            order = orders.get(one.get("id_order") or 0)
            if "id_order" in one and "reference" not in one:
                one["reference"] = order.reference if order else None
            if "id_employee" in one:
                one["employee"] = staff.get(one["id_employee"])
            if one["kind"] in _AMOUNTS:
                number = one.pop("id_currency", None) or (order.id_currency if order else None)
                one["currency"] = currencies.get(number or 0)
            if one["kind"] in ("order", "state"):
                one["state"] = states.get(one.get("id_order_state") or one.get("current_state") or 0)
            if one["kind"] == "shipment":
                carrier = carriers.get(one["id_carrier"])
                one["carrier"] = carrier.name if carrier else None
                one["link"] = tracking_link(carrier.url if carrier else None, one["tracking_number"])
        self._complete_messages([one for one in entries if one["kind"] == "message"])
        self._mark_erased([one for one in entries if one["kind"] == "message" and not one["text"]])

    def _complete_messages(self, messages: Sequence[Entry]) -> None:
        """Who wrote it, whether a machine did, its files and whether its mail came back."""
        if not messages:
            return
        ids = [one["id"] for one in messages]
        columns = ("email", "id_customer", "id_order")
        threads = self.rows("customer_threads", columns, (one["id_thread"] for one in messages))
        customers = self.people("customers", (row.id_customer for row in threads.values()))
        carried = {row.id_message: row for row in self._own(mail, mail.c.id_message, ids, self._threads(messages))}
        keys = {f"{Kind.MESSAGE_CREATE.value}:{one.pop('user_agent')}": one["id"] for one in messages}
        ours = {keys[row.key]: row for row in self._own(intents, intents.c.key, sorted(keys))}
        came_back = {row.id_message for row in self._own(bounce, bounce.c.id_message, ids, self._threads(messages))}
        files = self._files([row.id for row in carried.values()])
        for one in messages:
            thread, came, sent = threads.get(one["id_thread"]), carried.get(one["id"]), ours.get(one["id"])
            reason = came.reason if came else ""
            automatic = reason.removesuffix(_AUTOMATIC) if reason.endswith(_AUTOMATIC) else None
            if sent is not None and sent.origin in _BY_MACHINE:
                automatic = sent.origin
            by = "employee" if one["id_employee"] else "customer"
            if by == "customer" and automatic in ("bounce", *_BY_MACHINE):
                by = "program"
            one["by"], one["automatic"] = by, automatic
            one["customer"] = customers.get(thread.id_customer or 0) if thread else None
            one["email"] = thread.email if thread else None
            one["sent_from"] = came.from_addr if came and reason.startswith(_FOREIGN) else None
            one["id_order"] = thread.id_order if thread else None
            one["files"] = files.get(came.id, []) if came else []
            one["came_back"], one["erased"] = one["id"] in came_back, False

    def _threads(self, messages: Sequence[Entry]) -> list[int]:
        return sorted({one["id_thread"] for one in messages if one["id_thread"]})

    def _own(self, table: Table, key: Any, values: Sequence[Any], threads: Sequence[int] = ()) -> Iterable[Any]:  # noqa: ANN401 - a column
        """Rows of a table of ours, oldest first; by their thread, where that is what has an index."""
        for some in in_batches(values):
            query = select(table).where(table.c.shop == self._shop, key.in_(some))
            if threads:
                query = query.where(table.c.id_thread.in_(threads))
            yield from sorted(self._connection.execute(query), key=itemgetter(0))  # the key comes first

    def _files(self, copies: Collection[int]) -> dict[int, list[Entry]]:
        found: dict[int, list[Entry]] = {}
        columns = [attachment.c[name] for name in ("id", "copy_id", "name", "size", "content_type")]
        for some in in_batches(sorted(copies)):
            query = select(*columns).where(attachment.c.copy_id.in_(some), attachment.c.inline.is_(False))
            for row in self._connection.execute(query.order_by(attachment.c.copy_id, attachment.c.position)):
                one = {"id": row.id, "name": row.name, "size": row.size, "content_type": row.content_type}
                found.setdefault(row.copy_id, []).append(one)
        return found

    def _mark_erased(self, messages: Sequence[Entry]) -> None:
        gone = self.erased("customer_messages", [one["id"] for one in messages])
        for one in messages:
            one["erased"] = one["id"] in gone

    def erased(self, resource: str, ids: Sequence[int]) -> dict[int, datetime]:
        """Those of these rows that were emptied, and when."""
        found: dict[int, datetime] = {}
        for some in in_batches(sorted(ids)):
            mine = (erased_row.c.shop == self._shop) & (erased_row.c.resource == resource)
            query = select(erased_row.c.row_id, erased_row.c.at).where(mine, erased_row.c.row_id.in_(some))
            found.update((row.row_id, row.at) for row in self._connection.execute(query))
        return found

    def count(self, query: Any) -> int:  # noqa: ANN401 - a Select
        """How many rows a statement gives."""
        return int(self._connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


_AMOUNTS = ("order", "payment", "invoice", "slip")


def plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """A moment as UTC ISO text, money as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, Decimal) else value

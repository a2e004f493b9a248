"""The webservice of one shop as the engine sees it: `ShopClient` fits `engine.ports.Shop`.

Reads go through `reading.Reader`. A write is one request, never repeated here; after ShopOutcomeUnknown the caller
looks up what happened (by reference, by token, by state) before anything is sent again. How a write is made stands in
`writing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from connector.core.mapping import Resource
from connector.core.model import CustomerFacts, History, OrderCarrier, OrderFacts, OrderState, ShopInfo
from connector.core.pace import Pace
from connector.core.query import Filter, Query
from connector.core.schema import Schema
from connector.core.wording import MARKER, safe_message
from connector.engine.ports import NewMessage, NewThread, Page, Record
from connector.errors import ShopError, ShopMisconfigured, ShopRejected, ShopUnreadable
from connector.shop import codec, faults, schema
from connector.shop.codec import Shape, UndecodableError
from connector.shop.customers import Customers
from connector.shop.dialect import THREAD_STATUSES, TOKEN_LIMIT, USER_AGENT_LIMIT, Dialect
from connector.shop.faults import Answer, Call
from connector.shop.pace import Gate, Paced, PaceNews, Stop, never
from connector.shop.query import Params
from connector.shop.reading import CHUNK, Reader
from connector.shop.transport import Transport
from connector.shop.writing import Writer

_JSON: Params = [("output_format", "JSON")]
_MAIL: Params = [("sendemail", "1")]  # must stand in the query string, spelled exactly so
_STATE_FLAGS = ("deleted", "invoice", "paid", "shipped", "delivery", "logable", "send_email")
_OLDEST_WITH_PATCH = "8.0.0"


class ShopClient:
    """One shop, one key. May be used by several threads at once.

    connect_timeout, read_timeout: seconds, the latter for each piece of an answer. total_timeout: seconds for one whole
    answer and for all repetitions of one read. max_bytes: of one answer. ca_file: a bundle to trust instead of the
    usual one. read_attempts: how often a read is tried in all; retry_wait: seconds before the first repetition.
    connections: `read` and `ids` under way at once, at most; all other requests pass them by. on_pace: is told when
    fewer are asked for at once, and when all are again.

    Raises ShopMisconfigured for an address or a key that cannot be one.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        connect_timeout: float = 10,
        read_timeout: float = 60,
        total_timeout: float = 300,
        max_bytes: int = 64 * 1024 * 1024,
        ca_file: str = "",
        verify: bool = True,
        user_agent: str = "prestashop-connector",
        read_attempts: int = 4,
        retry_wait: float = 0.5,
        connections: int = 2,
        on_pace: Callable[[PaceNews], None] = lambda news: None,
        keeps_emoji: Callable[[], bool | None] = lambda: None,
    ) -> None:
        self._http = Transport(
            base_url,
            key,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            total_timeout=total_timeout,
            max_bytes=max_bytes,
            ca_file=ca_file,
            verify=verify,
            user_agent=user_agent,
            read_attempts=read_attempts,
            retry_wait=retry_wait,
            connections=connections,
        )
        self._reader = Reader(self._http, self._saw)
        self._writer = Writer(self._http, self.dialect, self._saw, self._row)
        self._customers = Customers(self._single, self._writer, self.dialect)
        self._gate = Gate(Pace(connections, retry_wait), read_attempts, total_timeout, on_pace)
        self._keeps_emoji = keeps_emoji
        self._version = ""
        self._probed = False

    def __repr__(self) -> str:
        return f"ShopClient({self.base_url!r}, version={self._version!r})"

    @property
    def base_url(self) -> str:
        """Without a trailing slash or /api."""
        return self._http.base_url

    @property
    def version(self) -> str:
        """PrestaShop's version as the last answer told it, '' before the first."""
        return self._version

    def dialect(self) -> Dialect:
        """What this shop's version can do; asks the shop once when no answer has told it yet. Raises as `probe`."""
        if not self._version and not self._probed:
            self.probe()
        return Dialect.of(self._version)

    def close(self) -> None:
        self._http.close()

    # --- reading ---

    def probe(self) -> ShopInfo:
        """The api root: name, version, rights of the key.

        Where a proxy takes the version away, PATCH among the rights shows 8.0 or later; else the version stays ''.
        Raises ShopMisconfigured (no API at this address, webservice off), ShopForbidden, ShopUnavailable."""
        # As XML: the root as JSON is a 500 from 8.0 on (recording 125). With the slash: 1.6 does not match /api alone.
        answer = self._http.get("", [])
        self._saw(answer)
        self._probed = True
        if not self._version and codec.offers_patch(answer.body):
            self._version = _OLDEST_WITH_PATCH
        try:
            info = codec.api_root(answer.body, self._version)
        except UndecodableError:
            raise ShopMisconfigured("shop.not_an_api", base_url=self.base_url, status=answer.status) from None
        self._reader.knows()
        return replace(info, clock=faults.clock(answer))

    def read(self, resource: Resource, query: Query, stop: Stop = never) -> Page:
        """One page. Records and broken rows together are all ids of the page. Raises as `Reader.page`, and
        ShopUnavailable `shop.stopped` when stop() ended a wait for the shop."""
        shape = Shape.of(resource, with_children=not query.display)
        return self._reader.over(self._paced(stop)).page(resource.name, query, shape)

    def ids(self, resource: str, query: Query, stop: Stop = never) -> list[int]:
        """A list without `display`. Raises as `read`."""
        return self._reader.over(self._paced(stop)).ids(resource, query)

    def _paced(self, stop: Stop) -> Paced:
        return Paced(self.base_url, self._http.get_once, self._gate, stop)

    def schema(self, resource: str) -> Schema:
        """Which fields this shop's version has, and what it says of them. Raises as `probe`, and ShopUnreadable."""
        answer = self._http.get(resource, [("schema", "synopsis")])
        self._saw(answer)
        try:
            return schema.read(answer.body)
        except UndecodableError as error:
            raise faults.unreadable(Call("GET", resource, self.base_url), answer, error.reason) from None

    def find_messages(self, reference: str, thread_id: int | None) -> list[int]:
        """MySQL compares without case and accents, so the answer is compared again here."""
        thread = () if thread_id is None else (Filter("id_customer_thread", "eq", (str(thread_id),)),)
        query = Query((Filter("user_agent", "eq", (reference,)), *thread), display=("id", "user_agent"))
        return [row["id"] for row in self._list("customer_messages", query) if row.get("user_agent") == reference]

    def find_threads(self, token: str) -> list[int]:
        """As `find_messages`. What cannot be a token is nobody's."""
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", token):
            return []
        query = Query((Filter("token", "eq", (token,)),), display=("id", "token"))
        return [row["id"] for row in self._list("customer_threads", query) if row.get("token") == token]

    def thread_statuses(self, thread_ids: Sequence[int]) -> dict[int, str]:
        rows = self._by_ids("customer_threads", thread_ids, ("id", "status"))
        return {row["id"]: str(row.get("status", "")) for row in rows}

    def order_facts(self, order_id: int) -> OrderFacts | None:
        """Asked for singly: a list would hide orders of another shop of a multistore (Shop::addSqlRestriction).

        Fields that JSON leaves out are empty or 0 (recording 72)."""
        row = self._single("orders", order_id)
        if row is None:
            return None
        return OrderFacts(
            id=row["id"],
            current_state=_number(row, "current_state"),
            invoice_number=_number(row, "invoice_number"),
            reference=str(row.get("reference", "")),
            total_paid_real=str(row.get("total_paid_real") or "0"),
            id_customer=_number(row, "id_customer"),
            id_lang=_number(row, "id_lang"),
            id_shop=_number(row, "id_shop"),
        )

    def histories(self, order_id: int) -> list[History]:
        """By id, oldest first."""
        rows = self._list("order_histories", _of_order(order_id))
        return [
            History(row["id"], _number(row, "id_order"), _number(row, "id_order_state"), _number(row, "id_employee"))
            for row in rows
        ]

    def can_patch(self) -> bool:
        return self.dialect().has_patch

    def order_state(self, state_id: int) -> OrderState | None:
        """Without its names. Deleted states are still there."""
        row = self._single("order_states", state_id)
        return (
            None if row is None else OrderState(state_id, (), **{flag: row.get(flag) == "1" for flag in _STATE_FLAGS})
        )

    def read_flags(self, message_ids: Sequence[int]) -> dict[int, bool]:
        query = ("id", "read")
        return {row["id"]: row.get("read") == "1" for row in self._by_ids("customer_messages", message_ids, query)}

    def customer(self, customer_id: int) -> CustomerFacts | None:
        return self._customers.facts(customer_id)

    def order_carriers(self, order_id: int) -> list[OrderCarrier]:
        """By id. An order that was split has several."""
        rows = self._list("order_carriers", _of_order(order_id))
        return [
            OrderCarrier(
                row["id"], _number(row, "id_order"), _number(row, "id_carrier"), str(row.get("tracking_number", ""))
            )
            for row in rows
        ]

    # --- writing ---

    def create_thread(self, thread: NewThread) -> int:
        """`status` and `id_shop` are always sent: without them the thread is stored broken and seen by nobody.

        Raises ShopRejected, ShopOutcomeUnknown (look up by token), ShopForbidden, ShopMisconfigured,
        ShopUnavailable (nothing was sent)."""
        self._check_status(thread.status)
        if len(thread.token) > TOKEN_LIMIT:
            raise ShopRejected("shop.value_too_long", resource="customer_threads", field="token", limit=TOKEN_LIMIT)
        return self._writer.create(
            "customer_threads",
            "customer_thread",
            [
                ("id_lang", str(thread.id_lang)),
                ("id_shop", str(thread.id_shop)),
                ("id_customer", str(thread.id_customer)),
                ("id_order", str(thread.id_order)),
                ("id_contact", str(thread.id_contact)),
                ("email", thread.email),
                ("token", thread.token),
                ("status", thread.status),
            ],
        )

    def create_message(self, message: NewMessage, meanwhile: Callable[[], None] = lambda: None) -> int:
        """The text goes through `worded`. `date_add_local` is not used here: a POST ignores it, see `set_message_date`.

        Raises as `create_thread` (look up by reference)."""
        if len(message.reference) > USER_AGENT_LIMIT:
            raise ShopRejected(
                "shop.value_too_long", resource="customer_messages", field="user_agent", limit=USER_AGENT_LIMIT
            )
        return self._writer.create(
            "customer_messages",
            "customer_message",
            [
                ("id_employee", str(message.id_employee)),
                ("id_customer_thread", str(message.id_thread)),
                ("message", self.worded(message.text, message.cut_line)),
                ("user_agent", message.reference),
                ("private", "1" if message.private else "0"),
            ],
            meanwhile=meanwhile,
        )

    def worded(self, text: str, cut_line: str = "") -> str:
        """The text as it is sent: changed as little as can be seen, so that this shop takes and keeps it (see
        `core.wording.safe_message`; applying it twice changes nothing more). Raises as `probe`."""
        dialect = self.dialect()
        known = None if text.isascii() else self._keeps_emoji()
        utf8mb4 = dialect.utf8mb4 if known is None else known
        return safe_message(text, keeps_html=dialect.keeps_html, utf8mb4=utf8mb4, marker=cut_line or MARKER).text

    def set_message_date(self, message_id: int, date_add_local: str) -> bool:
        """A POST forces date_add to now, a PATCH stores it as sent; a PUT of a message is never made."""
        if not self.dialect().has_patch:
            return False
        self._writer.set("customer_messages", "customer_message", message_id, [("date_add", date_add_local)])
        return True

    def set_message_read(self, message_id: int, read: bool) -> None:
        """Raises ShopRejected `shop.needs_patch` before 8."""
        if not self.dialect().has_patch:
            raise ShopRejected("shop.needs_patch", resource="customer_messages", version=self._version)
        self._writer.set("customer_messages", "customer_message", message_id, [("read", "1" if read else "0")])

    def set_thread_status(self, thread_id: int, status: str, expected: str | None = None) -> tuple[str, ...]:
        """Raises ShopRejected for a status that the shop does not know: it would store an empty one and answer 200
        (recordings 65, 66)."""
        self._check_status(status)
        return self._writer.set(
            "customer_threads", "customer_thread", thread_id, [("status", status)], expected=expected
        )

    def add_history(self, order_id: int, state_id: int, employee_id: int, mail_customer: bool) -> int:
        return self._writer.create(
            "order_histories",
            "order_history",
            [("id_employee", str(employee_id)), ("id_order_state", str(state_id)), ("id_order", str(order_id))],
            _MAIL if mail_customer else (),
        )

    def set_tracking(
        self, order_carrier_id: int, number: str, mail_customer: bool, expected: str | None = None
    ) -> tuple[bool, tuple[str, ...]]:
        """Was the shop asked to mail the customer (before 1.7.1 it cannot), and which old fields had to be mended."""
        mails = mail_customer and self.dialect().mails_tracking
        mended = self._writer.set(
            "order_carriers",
            "order_carrier",
            order_carrier_id,
            [("tracking_number", number)],
            _MAIL if mails else (),
            expected=expected,
        )
        return mails, mended

    def set_customer_groups(
        self, customer_id: int, add: Collection[int], remove: Collection[int], allow_put: bool
    ) -> tuple[str, ...]:
        return self._customers.set_groups(customer_id, add, remove, allow_put)

    # --- the machinery ---

    def _saw(self, answer: Answer) -> None:
        if answer.version:
            self._version = answer.version

    def _single(self, resource: str, row_id: int, shape: Shape = Shape()) -> Record | None:  # noqa: B008 - frozen
        """A row by its id, None if there is none. Text before the answer spoils JSON only."""
        problem: ShopError = ShopUnreadable("shop.unreadable", resource=resource)
        for form in (_JSON, []):
            answer = self._http.get(f"{resource}/{row_id}", form)
            self._saw(answer)
            if answer.status == 404:
                return None
            try:
                row = codec.single(answer.body, shape)
            except UndecodableError as error:
                problem = faults.unreadable(Call("GET", resource, self.base_url), answer, error.reason)
                continue
            if row["id"] == row_id:
                return row
        raise problem

    def _row(self, resource: str, row_id: int) -> Record | None:
        return next(iter(self._list(resource, Query((Filter("id", "eq", (str(row_id),)),)))), None)

    def _by_ids(self, resource: str, ids: Sequence[int], fields: tuple[str, ...]) -> Iterator[Record]:
        for start in range(0, len(ids), CHUNK):
            wanted = tuple(str(row_id) for row_id in ids[start : start + CHUNK])
            yield from self._list(resource, Query((Filter("id", "any", wanted),), display=fields))

    def _list(self, resource: str, query: Query) -> list[Record]:
        """All rows of a small list. A row that no form gives makes it unreadable: half an answer would mislead."""
        page = self._reader.page(resource, query, Shape())
        if page.broken:
            raise faults.unreadable(
                Call("GET", resource, self.base_url), Answer(200, body=page.broken[0].raw), page.broken[0].reason
            )
        return page.records

    def _check_status(self, status: str) -> None:
        if status not in THREAD_STATUSES:
            raise ShopRejected("shop.status_unknown", resource="customer_threads", status=status)


def _of_order(order_id: int) -> Query:
    return Query((Filter("id_order", "eq", (str(order_id),)),))


def _number(row: Record, field: str) -> int:
    """An id or a counter; empty and NULL are 0."""
    text = str(row.get(field) or "0")
    return int(text) if text.isascii() and text.isdigit() else 0

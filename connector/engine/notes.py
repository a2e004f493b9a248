"""What staff note in the shop without telling a customer: a note on an order, messages as read, a customer's groups.

Makes intents, decided on what the shop says now; sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from connector.core import identity
from connector.core.matching import group_of
from connector.core.model import CustomerFacts, Intent, IntentState, Kind, NewIntent, OrderFacts
from connector.core.query import Filter, Query
from connector.engine.desk import LONGEST_REPLY, Desk
from connector.engine.ports import Lookups, Outbox, Shop
from connector.errors import DataError, ShopForbidden

_UNDER_WAY = (IntentState.PLANNED, IntentState.SENDING, IntentState.IN_DOUBT)


class Notes:
    """Of one shop. secret: the instance secret. nonce: a fresh random text per call. allow_customer_put: the setting of
    that name."""

    def __init__(
        self,
        desk: Desk,
        shop: Callable[[], Shop],
        lookups: Lookups,
        outbox: Outbox,
        secret: str,
        nonce: Callable[[], str],
        *,
        allow_customer_put: bool,
    ) -> None:
        self._desk = desk
        self._name = desk.shop_name
        self._shop = shop
        self._lookups = lookups
        self._outbox = outbox
        self._secret = secret
        self._nonce = nonce
        self._allow_customer_put = allow_customer_put

    # --- orders -----------------------------------------------------------------------------------------------------

    def order_note(self, order_id: int, text: str, *, employee: int = 0) -> list[Intent]:
        """A private employee message in the order's thread, which is made when there is none: `messages`, where older
        back offices kept such notes, has no field for a reference and newer order pages do not show it."""
        employee = self._desk.employee(employee)
        if not text.strip():
            raise DataError("reply.empty")
        if len(text.encode("utf-8", "replace")) > LONGEST_REPLY:
            raise DataError("reply.too_long", limit=LONGEST_REPLY)
        shop = self._shop()
        facts = shop.order_facts(order_id)
        if facts is None:
            raise DataError("order.unknown", id=order_id)
        email = self._email(facts)
        threads = shop.ids("customer_threads", Query((Filter("id_order", "eq", (str(order_id),)),)))
        reference = identity.reference(self._nonce())
        payload = {"text": text.strip(), "id_employee": employee, "private": True}
        creates: list[NewIntent] = []
        if threads:
            thread_id = self._best(threads, email)
            group, after, payload["id_thread"] = group_of(thread_id), "", thread_id
        else:
            create = self._thread_for(facts, email)
            creates = [create]
            group, after = create.group, create.key
            payload |= {"id_thread": None, "thread_key": create.key}
        note = NewIntent(
            kind=Kind.MESSAGE_CREATE,
            key=f"message.create:{reference}",
            reference=reference,
            group=group,
            payload=payload,
            after=after,
            origin="command",
        )
        return self._outbox.add(self._name, [*creates, note])

    def _email(self, facts: OrderFacts) -> str:
        """'' for a customer who is gone: the order stays, and a note on it can still be made."""
        customer = self._lookups.customer(self._name, facts.id_customer)
        return customer.email if customer is not None and "@" in customer.email else ""

    def _best(self, threads: Collection[int], email: str) -> int:
        """PrestaShop joins messages on an order by its number and the customer's address
        (CustomerThread::getIdCustomerThreadByEmailAndIdOrder, all versions)."""
        known = {number: self._lookups.thread(self._name, number) for number in sorted(threads)}
        theirs = [n for n, t in known.items() if t is not None and t.email.casefold() == email.casefold()]
        return next(iter(theirs), min(known))

    def _thread_for(self, facts: OrderFacts, email: str) -> NewIntent:
        """Closed from the start: nobody waits for an answer. Two notes that are written at once share one thread."""
        seed = f"order-note/{self._name}/{facts.id}"
        under_way = self._outbox.by_key(self._name, f"thread.create:{seed}")
        if under_way is not None and under_way.state not in _UNDER_WAY:
            seed = f"{seed}/{self._nonce()}"  # that thread is gone from the shop, or never came to be
        default = self._lookups.configuration(self._name, "PS_LANG_DEFAULT") or "1"
        return NewIntent(
            kind=Kind.THREAD_CREATE,
            key=f"thread.create:{seed}",
            reference=identity.thread_token(self._secret, seed),
            group=f"order-thread:{facts.id}",
            payload={
                "email": email,
                "status": "closed",
                "id_shop": facts.id_shop or self._lookups.default_shop(self._name),
                "id_lang": facts.id_lang or int(default),
                "id_contact": 0,
                "id_customer": facts.id_customer,
                "id_order": facts.id,
            },
            origin="command",
        )

    # --- messages ---------------------------------------------------------------------------------------------------

    def mark(self, thread_id: int, *, read: bool) -> list[Intent]:
        """All of the customer's messages of a thread as read or unread. Empty when they are so already."""
        thread = self._desk.thread(thread_id)
        shop = self._shop()
        may_change(shop, "customer_messages", "thread.read_needs_8")
        theirs = [m.id for m in self._lookups.messages(self._name, thread.id) if not m.id_employee]
        flags = shop.read_flags(theirs)
        nonce = self._nonce()
        wanted = [
            NewIntent(
                kind=Kind.MESSAGE_READ,
                key=f"message.read:{number}/{nonce}",
                reference="",
                group=f"read:{number}",
                payload={"id_message": number, "id_thread": thread.id, "read": read},
                decided_on={"read": flags[number]},
                origin="command",
            )
            for number in theirs
            if flags.get(number, read) != read
        ]
        return self._outbox.add(self._name, wanted) if wanted else []

    # --- customers --------------------------------------------------------------------------------------------------

    def customer_groups(self, customer_id: int, add: Collection[int], remove: Collection[int]) -> list[Intent]:
        """Put a customer into groups and take them out of others. Empty when it is so already."""
        if not add and not remove:
            raise DataError("customer.no_groups_named")
        if both := sorted(set(add) & set(remove)):
            raise DataError("customer.group_both_ways", id=both[0])
        shop = self._shop()
        may_change(shop, "customers", "customer.put_not_allowed", by_put=self._allow_customer_put)
        facts = shop.customer(customer_id)
        if facts is None:
            raise DataError("customer.unknown", id=customer_id)
        unknown = sorted(set(add) - set(shop.ids("groups", Query()))) if add else []
        if unknown:
            raise DataError("customer.unknown_group", id=unknown[0])
        _refuse_loss(facts, add, remove)
        if set(add) <= facts.groups and not set(remove) & facts.groups:
            return []
        intent = NewIntent(
            kind=Kind.CUSTOMER_GROUPS,
            key=f"customer.groups:{self._nonce()}",
            reference="",
            group=f"customer:{customer_id}",
            payload={"id_customer": customer_id, "add": sorted(set(add)), "remove": sorted(set(remove))},
            decided_on={"groups": sorted(facts.groups)},
            origin="command",
        )
        return self._outbox.add(self._name, [intent])


def may_change(shop: Shop, resource: str, code: str, *, by_put: bool = False) -> None:
    """Refuse at once what would only fail later. code: for a version without PATCH, unless a PUT may stand in."""
    if not shop.can_patch() and not by_put:
        raise DataError(code, version=shop.probe().version)
    method = "PATCH" if shop.can_patch() else "PUT"
    if not shop.probe().may(resource, method):
        raise ShopForbidden("shop.method_forbidden", resource=resource, method=method)


def _refuse_loss(facts: CustomerFacts, add: Collection[int], remove: Collection[int]) -> None:
    if facts.id_default_group in remove:
        raise DataError("customer.default_group", id=facts.id, group=facts.id_default_group)
    if not (facts.groups | set(add)) - set(remove):
        raise DataError("customer.last_group", id=facts.id)

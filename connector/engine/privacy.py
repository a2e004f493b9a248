"""What is held about a person: handed out as files, and erased.

Reads and empties the mirror only: shop and mailbox are not touched, and nothing is asked of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from connector.core.erasure import Holdings, address_hash
from connector.core.mapping import Resource
from connector.engine.files import Files
from connector.engine.ports import Attachments, Clock, Events, Ledger
from connector.engine.ports.privacy import Holder
from connector.errors import Busy, ConnectorError, DataError
from connector.ops import events as ev

FORMAT = 1
"""Of the export: grows when a reader of older ones would stumble."""

SHOWN = 20


class Privacy:
    """For every shop of the settings. secret: the instance secret, which turns an address into what stays of it."""

    def __init__(
        self,
        holder: Holder,
        ledger: Ledger,
        attachments: Attachments,
        files: Files,
        resources: Sequence[Resource],
        events: Events,
        clock: Clock,
        secret: Callable[[], str],
    ) -> None:
        self._holder = holder
        self._ledger = ledger
        self._attachments = attachments
        self._files = files
        self._resources = resources
        self._events = events
        self._clock = clock
        self._secret = secret

    def find(self, shops: Sequence[str], who: int | str) -> list[Holdings]:
        """What there is of a person, of the shops that have something. An id means something in one shop only. Raises
        DataError when none has anything."""
        held = [one for one in (self._holder.find(shop, who) for shop in shops) if not one.is_empty]
        if not held:
            gone = [at for shop in shops for at in self._erased(shop, who)]
            if gone:
                raise DataError("privacy.erased_before", at=f"{max(gone):%Y-%m-%d}")
            raise DataError("privacy.nobody", shops=", ".join(shops))
        return held

    def _erased(self, shop: str, who: int | str) -> Iterator[datetime]:
        if isinstance(who, str):
            at = self._holder.erased_at(shop, address_hash(self._secret(), who))
            if at is not None:
                yield at

    # --- export ---------------------------------------------------------------------------------------------------

    def files_of(self, held: Sequence[Holdings]) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of every file of the export, one after the other, so that one is in memory at a time."""
        yield "person.json", _json(self._summary(held))
        for one in held:
            yield from self._of_shop(one)
        counts = {one.shop: one.counts() for one in held}
        self._events.emit(ev.PERSON_EXPORTED, count=sum(sum(c.values()) for c in counts.values()), counts=counts)

    def _summary(self, held: Sequence[Holdings]) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "made_at": self._clock.now().isoformat(timespec="seconds"),
            "addresses": sorted({address for one in held for address in one.addresses}),
            "shops": {one.shop: one.counts() for one in held},
            "not_held": "Files of the shop's own and mails that are only in a mailbox are not part of this.",
        }

    def _of_shop(self, held: Holdings) -> Iterator[tuple[str, bytes]]:
        for resource in self._resources:
            if rows := self._holder.rows(held, resource):
                yield f"{held.shop}/{resource.name}.json", _json(rows)
        mails = self._holder.mails(held)
        for name, rows in (
            ("mails", mails),
            ("attachments", self._holder.attachments(held)),
            ("bounces", self._holder.bounces(held)),
            ("outbox", self._holder.intents(held)),
            ("conflicts", self._holder.conflicts(held)),
            ("segments", self._holder.segments(held)),
            ("thread_changes", self._holder.thread_changes(held)),
        ):
            if rows:
                yield f"{held.shop}/{name}.json", _json(rows)
        for mail in mails:
            if mail["blob"]:
                yield f"{held.shop}/mails/{mail['id']}.eml", self._ledger.raw(mail["blob"])
        for file in self._holder.attachments(held):
            yield from self._attached(held.shop, file["id"])
        broken = list(self._holder.quarantined(held))
        if broken:
            yield f"{held.shop}/quarantine.json", _json([row for row, _ in broken])
        for row, raw in broken:
            yield f"{held.shop}/quarantine/{row['id']}.txt", raw

    def _attached(self, shop: str, number: int) -> Iterator[tuple[str, bytes]]:
        kept = self._attachments.get(number)
        if kept is None:
            return
        try:
            data = self._files.read(kept)
        except DataError:
            return  # not kept: the list of attachments says why
        name = kept.name.replace("/", "_").replace("\\", "_").replace("\0", "_")
        yield f"{shop}/attachments/{number}-{name}", data

    # --- erasure --------------------------------------------------------------------------------------------------

    def refuse_what_waits(self, held: Sequence[Holdings]) -> None:
        """Raises Busy with the ids of what has to end first."""
        for one in held:
            intents, mails = self._holder.waits(one)
            if intents or mails:
                raise Busy(
                    "privacy.under_way",
                    shop=one.shop,
                    intents=_ids(intents) or "none",
                    mails=_ids(mails) or "none",
                )

    def erase(self, held: Sequence[Holdings], who: int | str) -> list[Holdings]:
        """Empty all of it, shop by shop. Raises Busy when something is under way; a shop before that stays erased."""
        self.refuse_what_waits(held)
        done: list[Holdings] = []
        for one in held:
            named = sorted(one.addresses)
            person = address_hash(self._secret(), named[0] if named else f"{one.shop}:{who}")
            erased = self._holder.erase(one.shop, who, person)
            if erased is None:
                self.refuse_what_waits([self._holder.find(one.shop, who)])
                raise ConnectorError("privacy.moved", shop=one.shop)
            self._events.emit(ev.PERSON_ERASED, shop=one.shop, counts=erased.counts())
            done.append(erased)
        return done


def _ids(rows: Sequence[Any]) -> str:
    shown = ", ".join(f"{row['id']} ({row['state']})" for row in rows[:SHOWN])
    return f"{shown} and {len(rows) - SHOWN} more" if len(rows) > SHOWN else shown


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str).encode("utf-8", "replace")

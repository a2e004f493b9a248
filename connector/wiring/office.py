"""What the page uses of an App: fits `web.office.Office`. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from connector import words
from connector.core.health import worst
from connector.core.model import FINAL, Copy, Intent, IntentState, Kind, MailState
from connector.core.storedtext import readable
from connector.engine.evidence import RETRY
from connector.errors import ConnectorError, DataError, MailUnreadable
from connector.mailbox.htmlpart import html_of
from connector.mirror.inbox import Wanted
from connector.ops import events as ev
from connector.web.office import Choices, Draft, Filters, Listed, View
from connector.wiring import overview, story

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.wiring.app import App

STUCK = (IntentState.FAILED, IntentState.CONFLICT, IntentState.IN_DOUBT)
STORY = 30  # entries beside a thread
HEARD = timedelta(seconds=30)
"""After which the mirror has heard of a status that was written, whatever it shows."""
_ASIDE = (MailState.QUARANTINED, MailState.IGNORED)


class AppOffice:
    """sent: is told of the intents of an action, so that they are pushed where no daemon does it."""

    def __init__(self, app: App, sent: Callable[[str, Sequence[int]], None] = lambda _shop, _ids: None) -> None:
        self._app = app
        self._sent = sent

    def shops(self) -> Sequence[str]:
        return list(self._app.settings.shops)

    def zone(self, shop: str) -> tzinfo | None:
        return self._app.zone(shop)

    def choices(self, shop: str) -> Choices:
        look = self._app.mirror.lookups
        return Choices(
            contacts={one.id: one.name or one.email for one in look.contacts(shop)},
            languages=look.languages(shop),
            employees={one.id: one.email for one in look.employees(shop) if one.active},
            templates=list(self._app.templates.of(shop)),
        )

    # --- threads --------------------------------------------------------------------------------------------------

    def threads(self, shop: str, wanted: Filters, after: str = "") -> Listed:
        asked = Wanted(
            wanted.status, wanted.contact, wanted.language, wanted.waiting, wanted.words, wanted.longest_first
        )
        found = self._app.mirror.inbox.threads(shop, asked, after)
        return Listed(found.threads, found.more, found.cut, found.unsorted)

    def thread(self, shop: str, thread_id: int) -> View | None:
        view = self._app.mirror.queries.thread_view(shop, thread_id)
        if view is None:
            return None
        view["attachments"] = [_file(one) for one in self._app.mirror.attachments.of_thread(shop, thread_id)]
        carried = {mail["id_message"]: mail for mail in view["mails"] if mail["id_message"]}
        for message in view["messages"]:
            message["shown"] = readable(message["text"])
            message["mail"] = carried.get(message["id"])
        return view

    def story(self, shop: str, view: View, language: str, before: str = "") -> View | None:
        who = view["email"] or view["id_customer"]
        if not who:
            return None
        spoken = language if language in self._app.mirror.lookups.languages(shop).values() else ""
        told = story.customer(self._app, shop, who, story.Asked(limit=STORY, before=before, language=spoken))
        return {"header": told.header, "entries": told.entries, "next": told.next}

    def draft(self, shop: str, thread_id: int, template: str, values: Mapping[str, str]) -> Draft:
        app = self._app
        desk, view = app.desk(shop), app.mirror.queries.thread_view(shop, thread_id) or {}
        language = desk.letters.language(desk.thread(thread_id))
        found = app.templates.named(shop, template)
        customer, order = view.get("customer") or {}, view.get("order") or {}
        facts = {
            "firstname": customer.get("firstname"),
            "lastname": customer.get("lastname"),
            "order": order.get("reference"),
            "shop": desk.letters.shop_title(),
            "thread": str(thread_id),
        }
        known = {key: " ".join(str(value).split()) for key, value in facts.items() if value}
        given = {key: value for key, value in values.items() if value.strip()}
        chosen = found.language(language)
        other = "" if language.startswith(chosen) else chosen
        missing = [name for name in found.values if name not in given]
        while not missing:
            try:
                return Draft(found.render(language, {**known, **given}), (), other)
            except DataError as error:
                if error.code != "template.value_missing":
                    raise
                missing = [str(error.facts["value"])]
        return Draft("", missing, other)

    def reply(self, shop: str, thread_id: int, text: str, *, employee: int, private: bool) -> list[int]:
        return self._push(shop, self._app.desk(shop).reply(thread_id, text, employee=employee, private=private))

    def set_status(self, shop: str, thread_id: int, status: str) -> list[int]:
        return self._push(shop, self._app.desk(shop).thread_status(thread_id, status))

    def forward(self, shop: str, thread_id: int, to: str, comment: str, *, employee: int) -> list[int]:
        return self._push(shop, self._app.forwarding(shop).forward(thread_id, to, comment, employee=employee))

    def changes(self, shop: str, ids: Sequence[int]) -> list[View]:
        found = (self._app.mirror.outbox.get(number) for number in ids)
        changes = []
        for intent in found:
            if intent is not None and intent.shop == shop:
                changes.append(_change(intent) | {"final": intent.state in FINAL and self._is_here(intent)})
        return changes

    def _is_here(self, intent: Intent) -> bool:
        """Does the thread show what was done? A message is read back after it was confirmed; of a status the mirror
        hears a moment later, and it may have heard of a newer one by then."""
        look, number = self._app.mirror.lookups, intent.payload.get("id_thread")
        if intent.state is not IntentState.CONFIRMED:
            return True
        if intent.kind is Kind.MESSAGE_CREATE:
            return look.message_by_reference(intent.shop, intent.reference) is not None
        if intent.kind is not Kind.THREAD_STATUS or not number:
            return True
        thread = look.thread(intent.shop, int(number))
        old = self._app.clock.now() - (intent.sent_at or intent.created_at) > HEARD
        return thread is None or thread.status == intent.payload["status"] or old

    def _push(self, shop: str, intents: Sequence[Intent]) -> list[int]:
        ids = [intent.id for intent in intents]
        if ids:
            self._sent(shop, ids)
        return ids

    # --- mails ----------------------------------------------------------------------------------------------------

    def mails_aside(self, shop: str) -> list[View]:
        return self._app.mirror.queries.quarantined_mails(shop, 200)

    def rows_aside(self, shop: str) -> list[View]:
        rows = self._app.mirror.quarantine.list(shop, limit=200)
        return [{"id": r.id, "resource": r.resource, "row_id": r.row_id, "reason": r.reason} for r in rows]

    def mail(self, shop: str, copy_id: int) -> View | None:
        copy = self._copy(shop, copy_id)
        if copy is None:
            return None
        raw = self._app.mirror.ledger.raw(copy.blob) if copy.blob else b""
        text, html = None, None
        with suppress(MailUnreadable):
            text = self._app.codec.decode(raw).text if raw else None
        with suppress(MailUnreadable):
            html = html_of(raw) if raw else None
        return {
            "id": copy.id,
            "mailbox": copy.mailbox,
            "folder": copy.folder,
            "from_addr": copy.from_addr,
            "subject": copy.subject,
            "at": copy.internaldate.isoformat(),
            "state": str(copy.state),
            "reason": copy.reason,
            "trail": copy.trail.split(),
            "suggested": copy.suggested,
            "id_thread": copy.id_thread,
            "waits": copy.state in _ASIDE,
            "text": text,
            "has_html": html is not None,
        }

    def mail_html(self, shop: str, copy_id: int) -> str | None:
        copy = self._copy(shop, copy_id)
        return html_of(self._app.mirror.ledger.raw(copy.blob)) if copy is not None and copy.blob else None

    def _copy(self, shop: str, copy_id: int, *states: MailState) -> Copy | None:
        copy = self._app.mirror.ledger.get(copy_id)
        if copy is None or copy.shop != shop or (states and copy.state not in states):
            return None
        return copy

    def _aside(self, shop: str, copy_id: int, *states: MailState) -> Copy:
        copy = self._copy(shop, copy_id, *(states or _ASIDE))
        if copy is None:
            raise DataError("quarantine.unknown_mail", id=copy_id)
        return copy

    def file(self, shop: str, attachment_id: int) -> tuple[str, bytes]:
        kept = self._app.mirror.attachments.get(attachment_id)
        if kept is None or kept.shop != shop:
            raise DataError("attachment.unknown", id=attachment_id)
        return kept.name, self._app.files().read(kept)

    def assign(self, shop: str, copy_id: int, thread_id: int, *, as_customer: bool) -> list[int]:
        copy = self._aside(shop, copy_id)
        return self._push(shop, self._app.assignment(shop).assign(copy, thread_id, as_customer=as_customer))

    def retry_mail(self, shop: str, copy_id: int) -> None:
        self._app.mirror.ledger.conclude(self._aside(shop, copy_id), MailState.RECEIVED, RETRY)

    def drop_mail(self, shop: str, copy_id: int) -> None:
        copy = self._aside(shop, copy_id, MailState.QUARANTINED)
        self._app.mirror.ledger.conclude(copy, MailState.IGNORED, "dropped_by_command")
        self._app.events.emit(ev.MAIL_IGNORED, shop=shop, copy_id=copy.id, reason="dropped_by_command")

    def retry_row(self, shop: str, row_id: int) -> str:
        found = self._app.mirror.quarantine.get(row_id)
        if found.shop != shop:
            raise DataError("quarantine.unknown_row", row=row_id)
        if found.row_id is None:
            raise DataError("quarantine.row_without_id", row=row_id)
        return self._app.rereads(shop).run(found.resource, [found.row_id])[0].outcome

    def drop_row(self, shop: str, row_id: int) -> None:
        if self._app.mirror.quarantine.get(row_id).shop != shop:
            raise DataError("quarantine.unknown_row", row=row_id)
        self._app.mirror.quarantine.drop(row_id)

    # --- the service ----------------------------------------------------------------------------------------------

    def state(self, shop: str) -> View:
        seen = overview.look(self._app, shop)
        return {
            "health": worst(seen.findings).name.lower(),
            "findings": [{"level": one.level.name.lower(), "text": str(one)} for one in seen.findings],
            "prestashop": seen.version,
            "worker": seen.worker,
            "legs": [asdict(leg) for leg in seen.vitals.legs],
            "mails": seen.figures.mails,
            "intents": seen.figures.intents,
            "quarantined": seen.vitals.quarantined_mails + seen.figures.quarantined_rows,
            "conflicts": seen.figures.conflicts,
        }

    def stuck(self, shop: str) -> list[View]:
        return [_change(intent) for intent in self._app.mirror.outbox.listing(shop, STUCK, 100)]

    def settle(self, shop: str, intent_id: int, verb: str) -> str:
        intent = self._app.mirror.outbox.get(intent_id)
        if intent is None or intent.shop != shop:
            raise DataError("outbox.unknown", id=intent_id)
        letters = self._app.dead_letters()
        moves = {"retry": letters.retry, "confirm": letters.confirm, "cancel": letters.cancel}
        moved = moves[verb](intent_id)
        names = {IntentState.PLANNED: ev.INTENT_PLANNED, IntentState.CONFIRMED: ev.INTENT_CONFIRMED}
        name = names.get(
            moved.state, ev.INTENT_IN_DOUBT if moved.state is IntentState.IN_DOUBT else ev.INTENT_CANCELLED
        )
        self._app.events.emit(name, shop=shop, intent_id=moved.id, kind=str(moved.kind), reason="by_command")
        self._push(shop, [moved])
        return str(moved.state)


def _change(intent: Intent) -> View:
    why = remedy = ""
    if intent.error and intent.state is not IntentState.CONFIRMED:
        facts: dict[str, Any] = dict(part.split("=", 1) for part in intent.error_detail.split(", ") if "=" in part)
        why, remedy = words.explain(ConnectorError(intent.error, **{"id": intent.id} | facts))
    return {
        "id": intent.id,
        "kind": str(intent.kind),
        "state": str(intent.state),
        "final": intent.state in FINAL,
        "id_thread": intent.payload.get("id_thread"),
        "created_at": intent.created_at.isoformat(),
        "error": intent.error,
        "why": why,
        "remedy": remedy,
    }


def _file(one: Any) -> View:  # noqa: ANN401 - KeptAttachment
    return {
        "id": one.id,
        "name": one.name,
        "size": one.size,
        "content_type": one.content_type,
        "id_message": one.id_message,
        "inline": one.inline,
        "kept": not one.reason,
    }

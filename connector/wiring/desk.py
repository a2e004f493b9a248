"""What commands use of one shop, put together from an App."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector.config.mail import is_address
from connector.core import statuses
from connector.core.model import OrderState
from connector.engine.assign import Assignment
from connector.engine.dead_letters import DeadLetters
from connector.engine.desk import Desk
from connector.engine.forwarding import Forwarding
from connector.engine.letters import Identity, Letters
from connector.engine.notes import Notes
from connector.engine.rehearsal import Rehearsal
from connector.errors import DataError
from connector.wiring import parts
from connector.wiring.rules import ruling

if TYPE_CHECKING:
    from connector.wiring.app import App


def dead_letters(app: App) -> DeadLetters:
    return DeadLetters(app.mirror.outbox, app.mirror.conflicts, app.mirror.ledger, app.clock)


def assignment(app: App, name: str) -> Assignment:
    s, mirror = app.shop_settings(name), app.mirror
    return Assignment(
        name,
        lambda: app.shop_facts(name),
        {box: parts.policy(m, s) for box, m in s.mailboxes.items()},
        mirror.ledger,
        mirror.lookups,
        mirror.outbox,
        app.codec,
        parts.files(app),
        app.say,
        app.events,
        app.clock,
    )


def rehearsal(app: App, name: str) -> Rehearsal:
    """Asks all rules, also those that are off or for other shops, so that they can be told of."""
    s, mirror = app.shop_settings(name), app.mirror
    return Rehearsal(
        name,
        lambda: app.shop_facts(name),
        {box: parts.policy(m, s) for box, m in s.mailboxes.items()},
        mirror.ledger,
        mirror.lookups,
        mirror.outbox,
        app.codec,
        app.say,
        app.clock,
        ruling(app, name, app.rules.every),
    )


def desk(app: App, name: str) -> Desk:
    mirror, who = app.mirror, _identity(app, name)
    return Desk(
        name,
        who,
        lambda: app.client(name),
        mirror.lookups,
        _letters(app, name, who),
        mirror.outbox,
        lambda wish, states: _resolve(app, name, wish, states),
        _nonce,
    )


def forwarding(app: App, name: str) -> Forwarding:
    mirror, who = app.mirror, _identity(app, name)
    return Forwarding(
        desk(app, name),
        who,
        mirror.lookups,
        _letters(app, name, who),
        mirror.outbox,
        app.say,
        is_address,
        _nonce,
    )


def notes(app: App, name: str) -> Notes:
    return Notes(
        desk(app, name),
        lambda: app.client(name),
        app.mirror.lookups,
        app.mirror.outbox,
        app.secrets[0],
        _nonce,
        allow_customer_put=app.shop_settings(name).allow_customer_put,
    )


def _nonce() -> str:
    return random_secrets.token_hex(16)


def _identity(app: App, name: str) -> Identity:
    s = app.shop_settings(name)
    return Identity(
        secret=app.secrets[0],
        employee=s.employee,
        reply_status=s.reply_status,
        has_smtp=s.smtp is not None,
        sender=s.smtp.sender if s.smtp else "",
        sender_name=s.smtp.sender_name if s.smtp else "",
        message_id_host=s.smtp.message_id_host if s.smtp else "",
        reply_addresses=tuple((m.contact, m.reply_address) for m in s.mailboxes.values() if m.reply_address),
        senders=tuple((m.contact, m.sender) for m in s.mailboxes.values() if m.sender),
        mailboxes=tuple((m.contact, m.user) for m in s.mailboxes.values() if m.folders and is_address(m.user)),
        copy_to=(s.smtp.copy_mailbox, s.smtp.copy_folder) if s.smtp and s.smtp.copy_mailbox else None,
    )


def _letters(app: App, name: str, who: Identity) -> Letters:
    mirror = app.mirror
    return Letters(
        name,
        who,
        mirror.lookups,
        mirror.ledger,
        mirror.outbox,
        app.codec,
        app.say,
        lambda language, title: app.templates.signature(name, language, title),
        app.clock,
    )


def _resolve(app: App, shop: str, wish: str, states: Sequence[OrderState]) -> int:
    config_values = {
        key: app.mirror.lookups.configuration(shop, key) or "" for state in app.canon.values() for key in state.keys
    }
    outcome = statuses.resolve(wish, states, config_values, app.canon)
    if isinstance(outcome, statuses.Resolved):
        return outcome.id
    known = "; ".join(f"{s.id} {s.names[0] if s.names else ''}" for s in states if not s.deleted)
    raise DataError(f"order.state_{outcome.reason}", wish=wish, known=known)

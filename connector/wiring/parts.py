"""The legs of one shop, put together from an App."""

from __future__ import annotations

import random
import secrets as random_secrets
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, TypedDict

from connector import config
from connector.core.attachments import Limits
from connector.core.conflicts import Side
from connector.core.decisions import Policy
from connector.core.identity import REFERENCE_PREFIX
from connector.core.mapping import Resource
from connector.core.model import Kind, Role, ShopInfo
from connector.core.query import Filter, Query
from connector.core.watching import watched
from connector.engine.audit import Audit
from connector.engine.collect import Collect
from connector.engine.deletions import Deletions
from connector.engine.duplicates import Detector
from connector.engine.effects import Effects
from connector.engine.files import Files
from connector.engine.join import Join
from connector.engine.legs import ShopLegs
from connector.engine.progress import Progress
from connector.engine.pull import Pull
from connector.engine.push import Push
from connector.engine.readback import ReadBack
from connector.engine.relations import Relations
from connector.engine.repair import Repair
from connector.engine.reread import Rereads
from connector.engine.scope import FolderPlan, since_midnight
from connector.engine.sweep import Sweeps
from connector.engine.verify import Verify
from connector.engine.watch import Watch
from connector.shop.client import ShopClient
from connector.shop.pace import PaceNews
from connector.wiring.mailing import reports
from connector.wiring.rules import ruling

if TYPE_CHECKING:
    from connector.wiring.app import App


class _Reading(TypedDict):
    """What pull and sweep are told of a shop."""

    shop_name: str
    resources: Sequence[Resource]
    info: Callable[[], ShopInfo]
    zone: Callable[[], tzinfo | None]
    page_size: int
    id_shops: Callable[[], Sequence[str]]


def shop_client(
    s: config.ShopSettings,
    on_pace: Callable[[PaceNews], None] = lambda _: None,
    loses_emoji: Callable[[], bool] = lambda: False,
) -> ShopClient:
    """The webservice of one shop, as the settings describe it. loses_emoji: was it seen to, whatever its version?"""

    def keeps_emoji() -> bool | None:
        if s.emoji != "auto":
            return s.emoji == "keep"
        return False if loses_emoji() else None

    return ShopClient(
        s.url,
        s.key.get_secret_value(),
        connect_timeout=s.connect_timeout,
        read_timeout=s.read_timeout,
        ca_file=str(s.ca_file or ""),
        verify=s.verify_tls,
        connections=s.connections,
        on_pace=on_pace,
        keeps_emoji=keeps_emoji,
    )


def shop_legs(app: App, name: str, progress: Progress | None = None) -> ShopLegs:
    """The runnable parts of one shop."""
    s, mirror, client = app.shop_settings(name), app.mirror, app.client(name)
    effects = Effects(
        client,
        mirror.outbox,
        app.sender(name),
        lambda box: app.mailbox(name, box),
        lambda at: app.local(name, at),
        app.say,
        (s.smtp.proof_mailbox, s.smtp.proof_folder) if s.smtp and s.smtp.proof_mailbox else None,
        allow_customer_put=s.allow_customer_put,
    )
    push = Push(
        name,
        mirror.outbox,
        mirror.ledger,
        mirror.rows,
        effects,
        app.events,
        app.clock,
        s.settle_seconds,
        random.SystemRandom().random,
        lambda: mirror.leases.holder(name) == app.holder,
        sides(s),
    )
    join = Join(
        name,
        lambda: app.shop_facts(name),
        {box: policy(m, s) for box, m in s.mailboxes.items()},
        mirror.ledger,
        mirror.lookups,
        mirror.outbox,
        app.codec,
        files(app),
        app.say,
        app.events,
        app.clock,
        ruling(app, name, app.rules.of(name)),
    )
    collects = [
        Collect(
            name,
            box,
            lambda box=box: app.mailbox(name, box),  # type: ignore[misc]  # mypy: lambda default
            lambda m=m: folders(app, name, m),  # type: ignore[misc]  # mypy: lambda default
            mirror.ledger,
            app.codec,
            app.events,
            app.clock,
            m.max_bytes,
        )
        for box, m in s.mailboxes.items()
    ]
    sweeps = app.sweep(name)
    return ShopLegs(
        name,
        probe=lambda: app.probe(name),
        pull=app.pull(name, progress),
        sweep=sweeps,
        relations=_relations(app, name, sweeps),
        deletions=_deletions(app, name, sweeps),
        collects=collects,
        join=join,
        push=push,
        read_back=ReadBack(name, mirror.lookups, mirror.outbox, mirror.meta, client.worded, app.events),
        detector=Detector(name, mirror.duplicates, app.events),
        retention=app.retention(name),
        rows=mirror.rows,
        memory=mirror.meta,
        holds_references=lambda: _holds_references(app, name),
        ledger=mirror.ledger,
        lookups=mirror.lookups,
        outbox=mirror.outbox,
        runs=mirror.runs,
        events=app.events,
        clock=app.clock,
        new_run_id=lambda: random_secrets.token_hex(4),
        new_baseline=app.new_baseline,
        reports=reports(app, name),
    )


def sides(s: config.ShopSettings) -> dict[Kind, Side]:
    """Whose side counts when a change meets another one."""
    chosen = s.conflicts
    return {
        Kind.THREAD_STATUS: Side(chosen.thread_status),
        Kind.ORDER_STATUS: Side(chosen.order_status),
        Kind.ORDER_TRACKING: Side(chosen.tracking),
    }


def files(app: App) -> Files:
    """The files of mails."""
    return Files(app.mirror.ledger, app.codec, app.mirror.attachments, app.events)


def audit(app: App, name: str, box: str) -> Audit:
    """The comparison of a mailbox with the ledger."""
    m, mirror = app.shop_settings(name).mailboxes[box], app.mirror
    return Audit(
        name,
        box,
        lambda: app.mailbox(name, box),
        lambda: folders(app, name, m),
        mirror.ledger,
        mirror.outbox,
        app.codec,
        m.max_bytes,
        lambda: _decided_at(app, name),
    )


def _decided_at(app: App, name: str) -> datetime | None:
    """When the last run began in which every mail that was there was decided on."""
    last = next((leg for leg in app.mirror.runs.last(name) if leg["leg"] == "reconcile"), None)
    if last is None:
        return None
    found: datetime | None = last["started_at"] if last["outcome"] == "ok" else last["last_success_at"]
    return found


def watches(app: App, name: str) -> list[Watch]:
    """The folders of a shop whose servers tell of new mail, as far as the settings allow."""
    return [
        Watch(box, folder, lambda box=box, folder=folder: app.idle_folder(name, box, folder))  # type: ignore[misc]
        for box, m in app.shop_settings(name).mailboxes.items()
        if m.idle
        for folder in watched(m.folders, m.sent_folders, m.idle_connections)
    ]


def _holds_references(app: App, name: str) -> bool:
    """Has this program written messages into the shop before? One cheap request."""
    ours = Query((Filter("user_agent", "starts", (REFERENCE_PREFIX,)),), limit=1)
    return bool(app.client(name).ids("customer_messages", ours))


def folders(app: App, shop: str, m: config.MailboxSettings) -> list[FolderPlan]:
    """What is collected of a mailbox. The earlier one of the setting `since` and what this process was asked for."""
    days = [day for day in (m.since, app.since) if day is not None]
    since = datetime.combine(min(days), datetime.min.time()) if days else None
    start = since_midnight(since, app.zone(shop))
    return [FolderPlan(f, Role.CUSTOMERS, start) for f in m.folders] + [
        FolderPlan(f, Role.STAFF, start) for f in m.sent_folders
    ]


def pull(app: App, name: str, progress: Progress | None = None) -> Pull:
    """The pull leg of a shop."""
    snapshot_seconds = app.shop_settings(name).snapshot_seconds
    return Pull(
        app.client(name),
        app.mirror.rows,
        app.events,
        app.clock,
        connections=app.shop_settings(name).connections,
        snapshot_seconds=snapshot_seconds,
        progress=progress,
        **_of_shop(app, name),
    )


def sweep(app: App, name: str) -> Sweeps:
    """The sweep leg of a shop."""
    return Sweeps(app.client(name), app.mirror.rows, app.mirror.contents, app.events, app.clock, **_of_shop(app, name))


def _relations(app: App, name: str, sweeps: Sweeps) -> Relations:
    return Relations(
        app.mirror.rows,
        app.mirror.contents,
        app.mirror.meta,
        app.events,
        app.clock,
        shop_name=name,
        resources=app.resources,
        info=lambda: app.probe(name),
        reread=sweeps.reread,
    )


def _deletions(app: App, name: str, sweeps: Sweeps) -> Deletions:
    return Deletions(
        app.client(name),
        app.mirror.rows,
        app.mirror.contents,
        app.events,
        shop_name=name,
        resources=app.resources,
        info=lambda: app.probe(name),
        reread=sweeps.reread,
        most_percent=app.shop_settings(name).most_deleted_percent,
        id_shops=lambda: app.id_shops(name),
    )


def verify(app: App, name: str) -> Verify:
    """The comparison of the mirror with a shop."""
    mirror = app.mirror
    return Verify(
        app.client(name),
        mirror.rows,
        mirror.contents,
        mirror.differences,
        mirror.meta,
        app.events,
        app.clock,
        connections=app.shop_settings(name).connections,
        **_of_shop(app, name),
    )


def repair(app: App, name: str) -> Repair:
    """What mends the differences that `verify` found."""
    return Repair(verify(app, name), app.shop_settings(name).most_deleted_percent)


def rereads(app: App, name: str) -> Rereads:
    """Single rows of a shop, read again beside its worker."""
    return Rereads(
        app.client(name),
        app.mirror.rows,
        app.mirror.contents,
        app.clock,
        shop_name=name,
        resources=app.resources,
        info=lambda: app.probe(name),
        zone=lambda: app.zone(name),
        id_shops=lambda: app.id_shops(name),
    )


def _of_shop(app: App, name: str) -> _Reading:
    return {
        "shop_name": name,
        "resources": app.resources,
        "info": lambda: app.probe(name),
        "zone": lambda: app.zone(name),
        "page_size": app.shop_settings(name).page_size,
        "id_shops": lambda: app.id_shops(name),
    }


def policy(m: config.MailboxSettings, s: config.ShopSettings) -> Policy:
    """What the settings say for a mailbox's mails."""
    return Policy(
        create_threads=m.create_threads,
        id_shop=m.id_shop or s.id_shop,
        id_lang=m.id_lang,
        contact=m.contact,
        employee=m.employee or s.employee,
        foreign_sender=m.foreign_sender,
        authserv_id=m.authserv_id,
        dmarc_fail=m.dmarc_fail,
        reply_addresses=tuple(box.reply_address.casefold() for box in s.mailboxes.values() if box.reply_address),
        too_large=m.too_large,
        attachments=Limits(m.attachment_bytes, m.attachment_bytes_mail, m.attachment_bytes_day),
        after=m.after,
        after_target=m.move_to if m.after == "move" else m.flag if m.after == "flag" else "",
    )

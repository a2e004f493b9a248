"""The only module that imports every adapter: builds the object graph of the settings.

`App` is one process's view: settings, mirror, clock, log. It hands out the legs of a shop, the desk for commands and
the graph for the daemon. It decides nothing.
"""

from __future__ import annotations

import random
import secrets as random_secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import TypedDict
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector import config, packagedata
from connector.core import statuses
from connector.core.identity import REFERENCE_PREFIX
from connector.core.mapping import Resource
from connector.core.model import OrderState, Role, ShopInfo
from connector.core.phrases import Phrases
from connector.core.query import Filter, Query
from connector.core.reconcile import Policy
from connector.engine.collect import Collect, FolderPlan, since_midnight
from connector.engine.daemon import Graph
from connector.engine.dead_letters import DeadLetters
from connector.engine.desk import Desk, Identity
from connector.engine.effects import Effects
from connector.engine.join import Join, ShopFacts
from connector.engine.legs import ShopLegs
from connector.engine.passes import Progress
from connector.engine.ports import Mailbox
from connector.engine.pull import Pull
from connector.engine.push import Push
from connector.engine.sweep import Sweeps
from connector.errors import DataError
from connector.mailbox.client import Account, ImapMailbox
from connector.mailbox.mime import MimeCodec
from connector.mailbox.sender import SmtpAccount, SmtpSender
from connector.mirror.db import Mirror, open_mirror
from connector.ops import events as ev
from connector.ops import process
from connector.ops.clock import SystemClock
from connector.ops.logs import EventLog
from connector.shop.client import ShopClient
from connector.shop.dialect import Dialect

PROBE_SECONDS = 900.0
LEASE_MARGIN = 60.0  # seconds a lease outlives the longest request


class _Reading(TypedDict):
    """What pull and sweep are told of a shop."""

    shop_name: str
    resources: Sequence[Resource]
    info: Callable[[], ShopInfo]
    zone: Callable[[], tzinfo | None]
    page_size: int
    id_shops: Callable[[], Sequence[str]]


class App:
    """One process.

    new_baseline: the user accepts a new line between old and new mail after a lost mirror. mirror_url: another mirror
    than the settings'. holder: the name that leases are held under, a fresh one of this process by default.
    """

    def __init__(
        self,
        settings: config.Settings,
        events: EventLog,
        *,
        clock: SystemClock | None = None,
        new_baseline: bool = False,
        mirror_url: str = "",
        holder: str = "",
    ) -> None:
        self.settings = settings
        self.events = events
        self.clock = clock or SystemClock()
        self.resources: list[Resource] = packagedata.resources()
        self.mirror: Mirror = open_mirror(mirror_url or settings.mirror_url, self.resources, now=self.clock.now)
        if self.mirror.changes:
            shown = "; ".join(self.mirror.changes[:8])
            events.emit(ev.MIRROR_CHANGED, count=len(self.mirror.changes), text=shown)
        self.codec = MimeCodec()
        self.holder = holder or process.holder_name()
        self._new_baseline, self._shops = new_baseline, dict[str, ShopClient]()
        self._infos: dict[str, tuple[float, ShopInfo]] = {}

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The instance secret, then retired ones; made in the state directory when it is first needed."""
        return config.instance_secrets(self.settings)

    @cached_property
    def phrases(self) -> Phrases:
        """Read when the first sentence is needed: most commands write none."""
        return packagedata.phrases()

    def say(self, name: str, language: str, /, **values: object) -> str:
        return self.phrases.render(name, language, **values)

    @cached_property
    def canon(self) -> dict[str, statuses.CanonicalState]:
        return packagedata.statuses()

    def close(self) -> None:
        for client in self._shops.values():
            client.close()
        self.mirror.close()

    # --- one shop -------------------------------------------------------------------------------------------------

    def shop_settings(self, name: str) -> config.ShopSettings:
        return self.settings.shops[name]

    def client(self, name: str) -> ShopClient:
        if name not in self._shops:
            s = self.shop_settings(name)
            self._shops[name] = ShopClient(
                s.url,
                s.key.get_secret_value(),
                connect_timeout=s.connect_timeout,
                read_timeout=s.read_timeout,
                ca_file=str(s.ca_file or ""),
                verify=s.verify_tls,
            )
        return self._shops[name]

    def probe(self, name: str) -> ShopInfo:
        """Version and rights of a shop, asked anew every quarter of an hour (somebody may have granted a right); the
        version is kept in the mirror for work without the shop."""
        asked_at, info = self._infos.get(name, (0.0, None))
        if info is None or time.monotonic() - asked_at > PROBE_SECONDS:
            info = self.client(name).probe()
            self._infos[name] = (time.monotonic(), info)
            if self.mirror.meta.get(f"{name}.version") != info.version:
                self.mirror.meta.set(f"{name}.version", info.version)
            self.events.emit(ev.SHOP_PROBED, shop=name, version=info.version, resources=len(info.rights))
        return info

    def version(self, name: str) -> str:
        return self._infos[name][1].version if name in self._infos else self.mirror.meta.get(f"{name}.version") or ""

    def zone(self, name: str) -> tzinfo | None:
        """The shop's time zone: PS_TIMEZONE as mirrored, else the setting; None when neither is known."""
        for candidate in (
            self.mirror.lookups.configuration(name, "PS_TIMEZONE"),
            self.shop_settings(name).timezone,
        ):
            if candidate:
                try:
                    return ZoneInfo(candidate)
                except (ZoneInfoNotFoundError, ValueError, OSError):
                    continue
        return None

    def local(self, name: str, at: datetime) -> str:
        return at.astimezone(self.zone(name) or UTC).strftime("%Y-%m-%d %H:%M:%S")

    def shop_facts(self, name: str) -> ShopFacts:
        """What decisions on mails need to know of the shop: secrets, own addresses, zone, what the version can."""
        s, lookups = self.shop_settings(name), self.mirror.lookups
        own = {m.user for m in s.mailboxes.values()} | {c.email for c in lookups.contacts(name)}
        own.add(lookups.configuration(name, "PS_SHOP_EMAIL") or "")
        if s.smtp is not None:
            own |= {s.smtp.sender, s.smtp.user}
        return ShopFacts(
            secrets=self.secrets,
            own_addresses=frozenset(a.casefold() for a in own if "@" in a),
            can_backdate=Dialect.of(self.version(name)).has_patch,
            zone=self.zone(name),
        )

    def mailbox(self, shop: str, name: str) -> Mailbox:
        m = self.shop_settings(shop).mailboxes[name]
        ca_file, password = str(m.ca_file or ""), m.password.get_secret_value()
        return ImapMailbox(
            name, Account(m.host, m.port, m.user, password, m.security, m.verify_certificate, ca_file, m.timeout)
        )

    def sender(self, shop: str) -> SmtpSender | None:
        s = self.shop_settings(shop).smtp
        if s is None:
            return None
        ca_file, password = str(s.ca_file or ""), s.password.get_secret_value() if s.password else ""
        return SmtpSender(
            SmtpAccount(s.host, s.port, s.user, password, s.security, s.verify_certificate, ca_file, s.timeout, s.bcc)
        )

    def legs(self, name: str, progress: Progress | None = None) -> ShopLegs:
        """The runnable parts of one shop."""
        s, mirror, client = self.shop_settings(name), self.mirror, self.client(name)
        effects = Effects(
            client,
            mirror.outbox,
            self.sender(name),
            lambda box: self.mailbox(name, box),
            lambda at: self.local(name, at),
            self.say,
            self.clock,
            (s.smtp.proof_mailbox, s.smtp.proof_folder) if s.smtp and s.smtp.proof_mailbox else None,
        )
        push = Push(
            name,
            mirror.outbox,
            mirror.ledger,
            mirror.rows,
            effects,
            self.events,
            self.clock,
            s.settle_seconds,
            random.SystemRandom().random,
            lambda: mirror.leases.holder(name) == self.holder,
        )
        join = Join(
            name,
            lambda: self.shop_facts(name),
            {box: _policy(m, s) for box, m in s.mailboxes.items()},
            mirror.ledger,
            mirror.lookups,
            mirror.outbox,
            self.codec,
            self.say,
            self.events,
            self.clock,
        )
        collects = [
            Collect(
                name,
                box,
                lambda box=box: self.mailbox(name, box),  # type: ignore[misc]  # mypy: lambda default
                lambda m=m: self._folders(name, m),  # type: ignore[misc]  # mypy: lambda default
                mirror.ledger,
                self.codec,
                self.events,
                self.clock,
            )
            for box, m in s.mailboxes.items()
        ]
        return ShopLegs(
            name,
            probe=lambda: self.probe(name),
            pull=self.pull(name, progress),
            sweep=self.sweep(name),
            collects=collects,
            join=join,
            push=push,
            rows=mirror.rows,
            memory=mirror.meta,
            holds_references=lambda: self._holds_references(name),
            ledger=mirror.ledger,
            lookups=mirror.lookups,
            outbox=mirror.outbox,
            runs=mirror.runs,
            events=self.events,
            clock=self.clock,
            new_run_id=lambda: random_secrets.token_hex(4),
            new_baseline=self._new_baseline,
        )

    def _holds_references(self, name: str) -> bool:
        """Has this program written messages into the shop before? One cheap request."""
        ours = Query((Filter("user_agent", "starts", (REFERENCE_PREFIX,)),), limit=1)
        return bool(self.client(name).ids("customer_messages", ours))

    def _folders(self, shop: str, m: config.MailboxSettings) -> list[FolderPlan]:
        since = datetime.combine(m.since, datetime.min.time()) if m.since else None
        start = since_midnight(since, self.zone(shop))
        return [FolderPlan(f, Role.CUSTOMERS, start) for f in m.folders] + [
            FolderPlan(f, Role.STAFF, start) for f in m.sent_folders
        ]

    def dead_letters(self) -> DeadLetters:
        return DeadLetters(self.mirror.outbox, self.mirror.ledger, self.clock)

    def desk(self, name: str) -> Desk:
        s = self.shop_settings(name)
        who = Identity(
            secret=self.secrets[0],
            employee=s.employee,
            reply_status=s.reply_status,
            has_smtp=s.smtp is not None,
            sender=s.smtp.sender if s.smtp else "",
            sender_name=s.smtp.sender_name if s.smtp else "",
            message_id_host=s.smtp.message_id_host if s.smtp else "",
        )
        mirror = self.mirror
        return Desk(
            name,
            who,
            lambda: self.client(name),
            mirror.lookups,
            mirror.ledger,
            mirror.outbox,
            self.say,
            lambda wish, states: self._resolve(name, wish, states),
            lambda: random_secrets.token_hex(16),
        )

    def _resolve(self, shop: str, wish: str, states: Sequence[OrderState]) -> int:
        config_values = {
            key: self.mirror.lookups.configuration(shop, key) or ""
            for state in self.canon.values()
            for key in state.keys
        }
        outcome = statuses.resolve(wish, states, config_values, self.canon)
        if isinstance(outcome, statuses.Resolved):
            return outcome.id
        known = "; ".join(f"{s.id} {s.names[0] if s.names else ''}" for s in states if not s.deleted)
        raise DataError(f"order.state_{outcome.reason}", wish=wish, known=known)

    def pull(self, name: str, progress: Progress | None = None) -> Pull:
        """The pull leg of a shop."""
        snapshot_seconds = self.shop_settings(name).snapshot_seconds
        return Pull(
            self.client(name),
            self.mirror.rows,
            self.events,
            self.clock,
            snapshot_seconds=snapshot_seconds,
            progress=progress,
            **self._of_shop(name),
        )

    def sweep(self, name: str) -> Sweeps:
        """The sweep leg of a shop."""
        return Sweeps(self.client(name), self.mirror.rows, self.events, self.clock, **self._of_shop(name))

    def _of_shop(self, name: str) -> _Reading:
        return {
            "shop_name": name,
            "resources": self.resources,
            "info": lambda: self.probe(name),
            "zone": lambda: self.zone(name),
            "page_size": self.shop_settings(name).page_size,
            "id_shops": lambda: self.id_shops(name),
        }

    def id_shops(self, name: str) -> tuple[str, ...]:
        """In which shop contexts the restricted resources are asked for: one without multistore; `all` from 8.1 on,
        where it works; before, each active shop for itself (it would be a redirect to the shop's home page)."""
        active = self.mirror.lookups.active_shops(name)
        if len(active) < 2:
            return ("",)
        return ("all",) if self.client(name).dialect().id_shop_all else tuple(str(number) for number in active)

    # --- the daemon -----------------------------------------------------------------------------------------------

    def lease_seconds(self) -> float:
        longest = max((s.read_timeout + s.connect_timeout for s in self.settings.shops.values()), default=60.0)
        return longest + LEASE_MARGIN

    def take_lease(self, shop: str) -> bool:
        """Take or renew the shop's lease; a dead process of this machine is no reason to wait."""
        leases, seconds = self.mirror.leases, self.lease_seconds()
        if leases.take(shop, self.holder, seconds):
            return True
        other = leases.holder(shop)
        if other is None or not process.is_dead(other):
            return False
        leases.release(shop, other)
        return leases.take(shop, self.holder, seconds)

    def graph(self) -> Graph:
        schedule = self.settings.schedule
        return Graph(
            shops={name: self.legs(name) for name in self.settings.shops},
            leases=self.mirror.leases,
            take=self.take_lease,
            holder=self.holder,
            lease_seconds=self.lease_seconds(),
            seconds={
                "pull": schedule.pull_seconds,
                "sweep": schedule.sweep_seconds,
                "collect": schedule.collect_seconds,
                "push": schedule.push_seconds,
            },
            jitter_seconds=int(schedule.jitter_seconds),
            several_workers=not self.settings.mirror_url.startswith("sqlite"),
            close=self.close,
        )


def _policy(m: config.MailboxSettings, s: config.ShopSettings) -> Policy:
    return Policy(
        create_threads=m.create_threads,
        id_shop=m.id_shop or s.id_shop,
        id_lang=m.id_lang,
        contact=m.contact,
        employee=m.employee or s.employee,
        foreign_sender=m.foreign_sender,
        after=m.after,
        after_target=m.move_to if m.after == "move" else m.flag if m.after == "flag" else "",
    )

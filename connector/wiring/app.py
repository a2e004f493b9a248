"""`App` is one process's view: settings, mirror, clock, log. It hands out the legs of a shop, the desk for commands and
the graph for the daemon.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector import config, packagedata
from connector.core import statuses
from connector.core.mapping import Resource
from connector.core.model import ShopInfo
from connector.core.phrases import Phrases
from connector.core.rules import Rules
from connector.core.templates import Templates
from connector.engine.assign import Assignment
from connector.engine.audit import Audit
from connector.engine.dead_letters import DeadLetters
from connector.engine.desk import Desk
from connector.engine.evidence import ShopFacts
from connector.engine.files import Files
from connector.engine.forwarding import Forwarding
from connector.engine.graph import Graph
from connector.engine.legs import ShopLegs
from connector.engine.notes import Notes
from connector.engine.ports import FolderWatch, Mailbox
from connector.engine.privacy import Privacy
from connector.engine.progress import Progress
from connector.engine.pull import Pull
from connector.engine.readback import emoji_mark
from connector.engine.rehearsal import Rehearsal
from connector.engine.repair import Repair
from connector.engine.reread import Rereads
from connector.engine.retention import Retention
from connector.engine.sweep import Sweeps
from connector.engine.verify import Verify
from connector.mailbox.client import ImapMailbox
from connector.mailbox.idle import IdleFolder
from connector.mailbox.mime import MimeCodec
from connector.mailbox.sender import SmtpSender
from connector.mirror.db import Mirror, is_there, open_mirror
from connector.ops import events as ev
from connector.ops import process
from connector.ops.clock import SystemClock
from connector.ops.logs import EventLog
from connector.shop.client import ShopClient
from connector.shop.dialect import Dialect
from connector.shop.pace import PaceNews
from connector.wiring import desk, parts
from connector.wiring import privacy as people
from connector.wiring.accounts import Accounts
from connector.wiring.backup import look_after_unclean_stop
from connector.wiring.mappings import forward_to, placed

PROBE_SECONDS = 900.0
REPORT_SECONDS = 600.0  # between two looks whether a period is over whose report is to be mailed
LEASE_MARGIN = 60.0  # seconds a lease outlives the longest request


class App:
    """One process.

    new_baseline: the user accepts a new line between old and new mail after a lost mirror. since: mails that came on
    this day or later are taken in, too, whatever the settings say. mirror_url: another mirror than the settings'.
    holder: the name that leases are held under, a fresh one of this process by default.
    """

    def __init__(
        self,
        settings: config.Settings,
        events: EventLog,
        *,
        clock: SystemClock | None = None,
        new_baseline: bool = False,
        since: date | None = None,
        mirror_url: str = "",
        holder: str = "",
    ) -> None:
        self.settings = settings
        self.events = events
        self.clock = clock or SystemClock()
        found = packagedata.checked_mappings(settings.mappings_dir)
        self.resources: list[Resource] = found.resources
        # Read at once, though most commands ask no rule: what is wrong with them must keep a reload from happening.
        self.rules: Rules = packagedata.checked_rules(settings.mappings_dir, forward_to(settings))
        self.holder = holder or process.holder_name()
        with placed(found):
            self.mirror: Mirror = open_mirror(
                mirror_url or settings.mirror_url,
                self.resources,
                password=settings.mirror_password,
                holder=self.holder,
                now=self.clock.now,
            )
        if self.mirror.changes:
            shown = "; ".join(self.mirror.changes[:8])
            events.emit(ev.MIRROR_CHANGED, count=len(self.mirror.changes), text=shown)
        self.codec = MimeCodec()
        self.new_baseline = new_baseline
        self.since = since
        self.accounts = Accounts(settings)
        self._shops = dict[str, ShopClient]()
        self._infos: dict[str, tuple[float, ShopInfo]] = {}

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The instance secret, then retired ones; made in the state directory when it is first needed."""
        return config.instance_secrets(self.settings)

    @cached_property
    def phrases(self) -> Phrases:
        """Read when the first sentence is needed: most commands write none."""
        return packagedata.phrases()

    @cached_property
    def templates(self) -> Templates:
        """The ready answers and the signature. Raises MappingError for a mistake in them."""
        return packagedata.checked_templates(self.settings.mappings_dir)

    def say(self, name: str, language: str, /, **values: object) -> str:
        return self.phrases.render(name, language, **values)

    @cached_property
    def canon(self) -> dict[str, statuses.CanonicalState]:
        return packagedata.statuses(self.settings.mappings_dir)

    def close(self) -> None:
        for client in self._shops.values():
            client.close()
        self.mirror.close()

    # --- one shop -------------------------------------------------------------------------------------------------

    def shop_settings(self, name: str) -> config.ShopSettings:
        return self.settings.shops[name]

    def client(self, name: str) -> ShopClient:
        if name not in self._shops:
            self._shops[name] = parts.shop_client(
                self.shop_settings(name),
                on_pace=lambda news: self._tell_pace(name, news),
                loses_emoji=lambda: self.mirror.meta.get(emoji_mark(name)) is not None,
            )
        return self._shops[name]

    def _tell_pace(self, name: str, news: PaceNews) -> None:
        self.events.emit(
            ev.SHOP_SLOWED if news.slowed else ev.SHOP_RECOVERED,
            shop=name,
            connections=news.allowed,
            limit=news.bound,
            retry_in=round(news.wait, 1) if news.wait else None,
        )

    def probe(self, name: str) -> ShopInfo:
        """Version and rights of a shop, asked anew every quarter of an hour (somebody may have granted a right); the
        version is kept in the mirror for work without the shop."""
        asked_at, info = self._infos.get(name, (0.0, None))
        if info is None or time.monotonic() - asked_at > PROBE_SECONDS:
            info = self.client(name).probe()
            self._infos[name] = (time.monotonic(), info)
            if self.mirror.meta.get(f"{name}.version") != info.version:
                self.mirror.meta.set(f"{name}.version", info.version)
                self.mirror.meta.set(emoji_mark(name), None)  # an upgrade may have converted the tables
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
        own = {address for m in s.mailboxes.values() for address in (m.user, m.sender)}
        own |= {c.email for c in lookups.contacts(name)}
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
        return ImapMailbox(name, self.accounts.mailbox(shop, name))

    def idle_folder(self, shop: str, name: str, folder: str) -> FolderWatch:
        return IdleFolder(name, self.accounts.mailbox(shop, name), folder)

    def sender(self, shop: str) -> SmtpSender | None:
        account = self.accounts.smtp(shop)
        return SmtpSender(account) if account is not None else None

    # --- what runs and what commands use: put together in the modules beside this one ------------------------------

    def legs(self, name: str, progress: Progress | None = None) -> ShopLegs:
        """The runnable parts of one shop."""
        return parts.shop_legs(self, name, progress)

    def audit(self, name: str, box: str) -> Audit:
        """The comparison of a mailbox with the ledger."""
        return parts.audit(self, name, box)

    def pull(self, name: str, progress: Progress | None = None) -> Pull:
        """The pull leg of a shop."""
        return parts.pull(self, name, progress)

    def sweep(self, name: str) -> Sweeps:
        """The sweep leg of a shop."""
        return parts.sweep(self, name)

    def verify(self, name: str) -> Verify:
        """The comparison of the mirror with a shop."""
        return parts.verify(self, name)

    def repair(self, name: str) -> Repair:
        """What mends the differences found."""
        return parts.repair(self, name)

    def rereads(self, name: str) -> Rereads:
        """Single rows of a shop, read again beside its worker."""
        return parts.rereads(self, name)

    def files(self) -> Files:
        """The files of mails."""
        return parts.files(self)

    def desk(self, name: str) -> Desk:
        """What commands ask for in a shop."""
        return desk.desk(self, name)

    def forwarding(self, name: str) -> Forwarding:
        """What hands threads of a shop to others by mail."""
        return desk.forwarding(self, name)

    def notes(self, name: str) -> Notes:
        """What staff note in a shop."""
        return desk.notes(self, name)

    def assignment(self, name: str) -> Assignment:
        """What puts a mail of a shop where a person says."""
        return desk.assignment(self, name)

    def rehearsal(self, name: str) -> Rehearsal:
        """What tries the rules on a mail."""
        return desk.rehearsal(self, name)

    def privacy(self) -> Privacy:
        """What is held about a person, in all shops."""
        return people.privacy(self)

    def retention(self, name: str) -> Retention:
        """What drops the old of a shop."""
        return people.retention(self, name)

    def copies(self) -> list[Path]:
        """Copies of the mirror that lie beside it."""
        return people.copies(self)

    def dead_letters(self) -> DeadLetters:
        return desk.dead_letters(self)

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
        leases = self.mirror.leases
        other = leases.holder(shop)  # looked at first: a daemon that waits asks every second
        if other not in (None, self.holder):
            if not process.is_dead(other):
                return False
            leases.release(shop, other)
        return leases.take(shop, self.holder, self.lease_seconds())

    def graph(self) -> Graph:
        look_after_unclean_stop(self)
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
                "deletions": schedule.deletions_seconds,
                "collect": schedule.collect_seconds,
                "push": schedule.push_seconds,
                "retention": schedule.retention_seconds,
                "report": REPORT_SECONDS,
            },
            jitter_seconds=int(schedule.jitter_seconds),
            watches={name: parts.watches(self, name) for name in self.settings.shops},
            jitter=random.SystemRandom().random,
            several_workers=not self.settings.mirror_url.startswith("sqlite"),
            close=self.close,
        )


def mirror_exists(settings: config.Settings) -> bool:
    """Has somebody made the mirror of these settings already? Makes nothing; asks the server where there is one."""
    return is_there(settings.mirror_url, password=settings.mirror_password)
